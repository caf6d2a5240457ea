package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/repro"
)

// Repro writes what repeating a command gave: the verdict, each cause with what
// differs and what to do, what came out equal, and what was varied and what not.
func Repro(w io.Writer, r *repro.Report, s term.Style) {
	var b strings.Builder
	equal := 0
	for _, f := range r.Files {
		if f.Equal {
			equal++
		}
	}
	name := r.Command[0]
	if len(r.Command) > 1 {
		name += " ..."
	}
	if r.Equal {
		fmt.Fprintf(&b, "%s: %d runs of %s wrote the same bytes\n", s.Paint(term.Good, "REPRODUCIBLE"), r.Runs, term.Line(name))
	} else {
		fmt.Fprintf(&b, "%s: %s\n", s.Paint(term.Bad, "NOT REPRODUCIBLE"), howMany(len(r.Files), len(r.Files)-equal, term.Line(name)))
	}
	for _, c := range r.Causes {
		b.WriteString("\n")
		for _, line := range term.Wrap(term.Clean(c.Sentence), term.Width, "  ") {
			b.WriteString(s.Paint(term.Bad, line) + "\n")
		}
		for _, d := range c.Differences {
			writeWrapped(&b, term.Line(d), "    ")
		}
		if c.Hint != "" {
			writeWrapped(&b, "what helps: "+c.Hint, "  ")
		}
	}
	b.WriteString("\n")
	for i, f := range r.Files {
		if i == maxReproFiles {
			fmt.Fprintf(&b, "and %d more\n", len(r.Files)-i)
			break
		}
		state := s.Paint(term.Good, "same   ")
		if !f.Equal {
			state = s.Paint(term.Bad, "differs")
		}
		fmt.Fprintf(&b, "%s  %s  %d bytes  sha256:%s\n", state, term.Line(f.Name), f.Size, f.SHA256[:12])
	}
	for _, n := range r.Notes {
		writeWrapped(&b, "note: "+term.Line(n), "")
	}
	if len(r.Varied) > 0 {
		writeWrapped(&b, "varied: "+strings.Join(r.Varied, ", "), "")
	}
	if len(r.Suites) == 2 {
		writeWrapped(&b, "suites: "+r.Suites[0]+" and "+r.Suites[1], "")
	}
	for _, n := range r.NotVaried {
		writeWrapped(&b, "not varied: "+n.Name+" ("+n.Why+")", "")
	}
	if !r.Sandbox {
		writeWrapped(&b, "without a sandbox: the command could use the network, and write anywhere", "")
	}
	io.WriteString(w, b.String())
}

// howMany files of a command differ; none do where it only fails now and then.
func howMany(all, differ int, command string) string {
	switch {
	case differ == 0:
		return command + " does not always work"
	case all == 1:
		return "the file that " + command + " wrote differs"
	}
	return fmt.Sprintf("%d of %d files that %s wrote differ", differ, all, command)
}

// maxReproFiles is the most files that are listed one by one.
const maxReproFiles = 40
