package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/verify"
)

// classText says what each class means for whoever reads the first line only.
var classText = map[verify.Class]string{
	verify.OK:         "everything agrees, nothing is left to do",
	verify.Incomplete: "nothing is wrong, but work is left",
	verify.Stale:      "something is not the newest word",
	verify.Expired:    "a key that is needed has run out",
	verify.Tampered:   "STOP: things that must agree do not",
}

// Verification writes the outcome of verify: the class, then each finding with
// what happened, whether to stop, who acts and how, then what was checked, then
// the trust line.
func Verification(w io.Writer, r *verify.Report, s term.Style) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.Paint(classStyle(r.Class), string(r.Class)), verdictText(r))
	for rest := r.Findings; len(rest) > 0; {
		n := alike(rest)
		b.WriteString("\n")
		if n < many {
			n = 1
			finding(&b, rest[0], s)
		} else {
			findings(&b, rest[:n], s)
		}
		rest = rest[n:]
	}
	b.WriteString("\n")
	fileStatements(&b, r.File)
	c := r.Checked
	fmt.Fprintf(&b, "Checked: %s, %s, %s in a log of %d, %s\n",
		Plural(c.Wheels, "wheel"), Plural(c.Files, "file"), Plural(c.Statements, "statement"), c.LogSize, Plural(c.Roots, "root"))
	b.WriteString(TrustLine(r.Trust) + "\n")
	io.WriteString(w, b.String())
}

// fileStatements says what is known about the file that was asked about.
func fileStatements(b *strings.Builder, f *verify.FileReport) {
	if f == nil {
		return
	}
	for _, st := range f.Statements {
		where := fmt.Sprintf("statement %d", st.Index)
		if st.Index < 0 {
			where = "a pending statement"
		}
		of := strings.TrimSpace(st.Project + " " + st.Version)
		if st.As != "" {
			of += ", where its name is " + term.Line(st.As)
		}
		writeWrapped(b, fmt.Sprintf("%s: %s of %s, %s by %s", term.Line(f.Name), st.Kind, of, where, st.Key), "")
		if st.Lock != "" {
			writeWrapped(b, "made with the lock sha256:"+st.Lock[:12], "  ")
		}
	}
}

func verdictText(r *verify.Report) string {
	if r.ForRelease && r.Class == verify.OK {
		return "everything agrees; this may be released"
	}
	if r.ForRelease && r.Class == verify.Incomplete {
		return "work is left before this may be released"
	}
	return classText[r.Class]
}

func classStyle(c verify.Class) string {
	switch c {
	case verify.OK:
		return term.Good
	case verify.Incomplete:
		return term.Todo
	}
	return term.Bad
}

// many findings of one kind, with one answer, are one paragraph.
const many = 3

// alike counts how many findings from the first on are of its kind and have the
// same answer.
func alike(list []verify.Finding) int {
	n := 1
	for n < len(list) && list[n].ID == list[0].ID && list[n].Who == list[0].Who && list[n].Command == list[0].Command {
		n++
	}
	return n
}

func findings(b *strings.Builder, list []verify.Finding, s term.Style) {
	f := list[0]
	fmt.Fprintf(b, "%s  %s  %d of them\n", s.Paint(classStyle(f.Class), string(f.Class)), s.Paint(term.Heading, f.ID), len(list))
	var subjects []string
	for _, x := range list {
		subjects = append(subjects, term.Line(x.Subject))
	}
	writeWrapped(b, strings.Join(subjects, ", "), "  ")
	writeWrapped(b, "the first: "+term.Clean(f.What), "  ")
	writeWrapped(b, action(f), "  ")
}

func action(f verify.Finding) string {
	if f.Stop {
		return "stop; install and ship nothing of it. " + f.Who + ": " + f.Command
	}
	return f.Who + ": " + f.Command
}

// finding is four lines at most: class, id and subject; what happened; and what
// to do about it.
func finding(b *strings.Builder, f verify.Finding, s term.Style) {
	// A file's name may hold a line's end, and with it a whole forged report.
	subject := term.Line(f.Subject)
	head := string(f.Class) + "  " + f.ID
	gap := "  "
	if term.Len(head)+len(gap)+term.Len(subject) > term.Width {
		gap = "\n  "
	}
	fmt.Fprintf(b, "%s  %s%s%s\n", s.Paint(classStyle(f.Class), string(f.Class)), s.Paint(term.Heading, f.ID), gap, subject)
	writeWrapped(b, term.Clean(f.What), "  ")
	writeWrapped(b, action(f), "  ")
}
