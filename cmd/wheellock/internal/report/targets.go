package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
)

// TargetRow is a target as lists of targets show it.
type TargetRow struct {
	Name           string   `json:"name"`
	Implementation string   `json:"implementation"`
	Python         string   `json:"python"` // full: "3.11.2", "3.13.5t"
	ABI            string   `json:"abi"`
	OS             string   `json:"os"`
	Libc           string   `json:"libc,omitempty"` // "glibc 2.36"
	Arch           string   `json:"arch"`
	Platform       string   `json:"platform"`
	Origin         string   `json:"origin"`                  // where it is declared or found
	Architectures  []string `json:"architectures,omitempty"` // that may follow a name of the catalogue
}

// system is the libc, or what takes its place.
func (r TargetRow) system() string {
	switch {
	case r.Libc != "":
		return r.Libc
	case r.OS == "macos":
		v, _, _ := strings.Cut(strings.TrimPrefix(r.Platform, "macosx_"), "_"+r.Arch)
		return "macOS " + strings.ReplaceAll(v, "_", ".")
	case r.OS == "windows":
		return "Windows"
	}
	return "Linux"
}

func (r TargetRow) python() string {
	if r.Implementation == "pypy" {
		return "PyPy " + r.Python
	}
	return r.Python
}

// Targets writes one line a target.
func Targets(w io.Writer, rows []TargetRow, s term.Style) {
	table := [][]string{headings(s, "TARGET", "PYTHON", "SYSTEM", "ARCH", "FROM")}
	for _, r := range rows {
		table = append(table, []string{r.Name, r.python(), r.system(), r.Arch, r.Origin})
	}
	lines(w, table)
}

// Found writes where the interpreters of a machine lie.
func Found(w io.Writer, rows []TargetRow, s term.Style) {
	table := [][]string{headings(s, "TARGET", "FOUND")}
	for _, r := range rows {
		table = append(table, []string{r.Name, r.Origin})
	}
	lines(w, table)
}

// Catalogue writes the known names. Many share their architectures: these are
// named once, below.
func Catalogue(w io.Writer, rows []TargetRow, s term.Style) {
	table := [][]string{headings(s, "TARGET", "PYTHON", "SYSTEM", "ARCH")}
	var sets []string
	for _, r := range rows {
		also := ""
		for _, arch := range r.Architectures[1:] {
			also += " NAME-" + arch
		}
		i := slices.Index(sets, also)
		if i < 0 {
			i = len(sets)
			sets = append(sets, also)
		}
		table = append(table, []string{r.Name, r.python(), r.system(), fmt.Sprintf("%s (%d)", r.Arch, i+1)})
	}
	lines(w, table)
	fmt.Fprintln(w)
	for i, set := range sets {
		for _, line := range term.Wrap(fmt.Sprintf("(%d) also%s", i+1, set), term.Width, "    ") {
			fmt.Fprintln(w, line)
		}
	}
}

func headings(s term.Style, words ...string) []string {
	for i, w := range words {
		words[i] = s.Paint(term.Heading, w)
	}
	return words
}

func lines(w io.Writer, table [][]string) {
	for _, line := range term.Columns(table, 2) {
		fmt.Fprintln(w, line)
	}
}

// Move is a package that another target has in another version, or that only
// one of two targets needs.
type Move struct {
	Name string `json:"name"`
	From string `json:"from"` // "" if it is new
	To   string `json:"to"`   // "" if it is no longer needed
	Why  string `json:"why"`
}

// Moves writes what replacing a target changes.
func Moves(w io.Writer, old, now string, kept int, moves []Move) {
	what := fmt.Sprintf("%s keeps %s of %s", now, Plural(kept, "version"), old)
	if len(moves) == 0 {
		fmt.Fprintf(w, "%s; nothing moves\n\n", what)
		return
	}
	verb := "move"
	if len(moves) == 1 {
		verb = "moves"
	}
	fmt.Fprintf(w, "%s; %d %s:\n", what, len(moves), verb)
	var rows [][]string
	for _, m := range moves {
		change := m.From + " -> " + m.To
		switch {
		case m.From == "":
			change = "new " + m.To
		case m.To == "":
			change = m.From + " goes"
		}
		rows = append(rows, []string{"  " + m.Name, change, m.Why})
	}
	for _, row := range columnsThenText(rows) {
		fmt.Fprintln(w, row)
	}
	fmt.Fprintln(w)
}

// columnsThenText sets the last cell of each row as a paragraph beside the
// columns before it.
func columnsThenText(rows [][]string) []string {
	var heads [][]string
	for _, r := range rows {
		heads = append(heads, r[:len(r)-1])
	}
	columns := term.Columns(heads, 2)
	width := 0
	for _, c := range columns {
		width = max(width, term.Len(c)+2)
	}
	var out []string
	for i, r := range rows {
		text := r[len(r)-1]
		if width > term.Width/2 {
			out = append(out, columns[i])
			out = append(out, term.Wrap("      "+text, term.Width, "      ")...)
			continue
		}
		for n, line := range term.Wrap(text, term.Width-width, "") {
			head := ""
			if n == 0 {
				head = columns[i]
			}
			out = append(out, term.Pad(head, width)+line)
		}
	}
	return out
}
