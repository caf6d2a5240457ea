package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/compare"
)

// Comparison is what compare found, as --json prints it.
type Comparison struct {
	A       ComparedFile     `json:"a"`
	B       ComparedFile     `json:"b"`
	Verdict string           `json:"verdict"` // bytes, content, differs
	Causes  []string         `json:"causes"`
	Facts   []ComparisonFact `json:"facts"`
	Notes   []string         `json:"notes"`
}

// ComparedFile is one side: a file, or a folder without size and hashes.
type ComparedFile struct {
	Name    string `json:"name"`
	Size    *int64 `json:"size"`
	SHA256  string `json:"sha256"`
	Content string `json:"content"`
}

// ComparisonFact is one difference.
type ComparisonFact struct {
	Cause string   `json:"cause"`
	Line  string   `json:"line"`
	Where string   `json:"where"`
	Count int      `json:"count"`
	Names []string `json:"names"`
	Diff  []string `json:"diff"`
}

// ComparisonOf is a result for people and tools, with the names that the user gave.
func ComparisonOf(a, b string, r *compare.Result) *Comparison {
	c := &Comparison{
		A:       ComparedFile{Name: term.Clean(a), SHA256: r.OursSHA256, Content: r.OursContent},
		B:       ComparedFile{Name: term.Clean(b), SHA256: r.UpstreamSHA256, Content: r.UpstreamContent},
		Verdict: string(r.Verdict), Causes: list(r.Causes), Notes: list(r.Notes), Facts: []ComparisonFact{},
	}
	if !r.Folders {
		c.A.Size, c.B.Size = &r.OursSize, &r.UpstreamSize
	}
	for _, f := range r.Facts {
		c.Facts = append(c.Facts, ComparisonFact{Cause: f.Cause, Line: f.Line, Where: f.Where, Count: f.Count, Names: list(f.Names), Diff: list(f.Diff)})
	}
	return c
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// Summary says the verdict in a sentence.
func (c *Comparison) Summary() string {
	facts := Plural(len(c.Facts), "fact")
	switch {
	case c.Verdict == string(compare.Bytes) && c.A.Size == nil:
		return "SAME: the same files with the same content and modes"
	case c.Verdict == string(compare.Bytes):
		return "SAME: byte for byte"
	case c.Verdict == string(compare.Content):
		return "SAME CONTENT, packed otherwise: " + facts
	}
	return "DIFFERENT: " + facts
}

// differs is shown for a fact that no word of the vocabulary fits.
const differs = "differs"

func (f ComparisonFact) word() string {
	if f.Cause == "" {
		return differs
	}
	return f.Cause
}

// WriteComparison writes a comparison for a terminal, a fact a line; with diffs
// the differing lines of texts and functions below each.
func WriteComparison(w io.Writer, c *Comparison, diffs bool, s term.Style) {
	emit(w, s, func(s term.Style) string { return comparisonPage(c, diffs, s) })
}

func comparisonPage(c *Comparison, diffs bool, s term.Style) string {
	var b strings.Builder
	color := term.Bad
	switch c.Verdict {
	case string(compare.Bytes):
		color = term.Good
	case string(compare.Content):
		color = term.Todo
	}
	b.WriteString(s.Paint(color, c.Summary()) + "\n")
	c.A.write(&b, "A", s)
	c.B.write(&b, "B", s)
	if len(c.Facts) > 0 {
		b.WriteString("\n")
	}
	width := 0
	for _, f := range c.Facts {
		width = max(width, len(f.word()))
	}
	for _, f := range c.Facts {
		color := term.Bad
		if packing[f.Cause] {
			color = term.Todo
		}
		indent := strings.Repeat(" ", width+2)
		for i, line := range wrapped(f.Line, term.Width-width-2) {
			if i == 0 {
				b.WriteString(s.Paint(color, f.word()) + strings.Repeat(" ", width-len(f.word())+2) + line + "\n")
			} else {
				b.WriteString(indent + line + "\n")
			}
		}
		if diffs {
			writeDiffLines(&b, f.Diff, s)
		}
	}
	for i, n := range c.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		writeWrapped(&b, "note: "+n, "")
	}
	return b.String()
}

// packing are the causes that do not touch what is installed.
var packing = map[string]bool{compare.ZipTimes: true, compare.ZipModes: true, compare.Deflate: true, compare.RecordOrder: true}

func (f ComparedFile) write(b *strings.Builder, side string, s term.Style) {
	b.WriteString(side + "  " + f.Name + "\n")
	if f.Size != nil {
		text := fmt.Sprintf("%d bytes  sha256:%s", *f.Size, clipHash(f.SHA256))
		if f.Content != "" {
			text += "  content:" + clipHash(f.Content)
		}
		b.WriteString("   " + s.Paint(term.Faint, text) + "\n")
	}
}

// wrapped breaks a line at spaces and, where a word is wider than the page, within it.
func wrapped(text string, width int) []string {
	var out []string
	for _, line := range term.Wrap(text, width, "") {
		for term.Len(line) > width {
			r := []rune(line)
			out = append(out, string(r[:width]))
			line = string(r[width:])
		}
		out = append(out, line)
	}
	return out
}

func writeDiffLines(b *strings.Builder, lines []string, s term.Style) {
	for _, l := range lines {
		color := ""
		switch {
		case strings.HasPrefix(l, "+"):
			color = term.Good
		case strings.HasPrefix(l, "-"):
			color = term.Bad
		case strings.HasPrefix(l, "@@"):
			color = term.Faint
		}
		l = strings.TrimRight(l, " ")
		if color != "" {
			l = s.Paint(color, l)
		}
		if l == "" {
			b.WriteString("\n")
			continue
		}
		b.WriteString("    " + l + "\n")
	}
}
