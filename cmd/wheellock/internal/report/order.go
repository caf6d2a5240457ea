// Package report turns the results of the libraries into text for people. The
// same values go to --json unchanged, so the two cannot drift apart.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/workorder"
)

// Order writes the work order as the page of the product: headline, table,
// notes, steps, next command, trust. It fits into 80 columns.
func Order(w io.Writer, o *workorder.Order, s term.Style) {
	page := orderPage(o, term.Style{})
	if clean := term.Clean(page); clean != page {
		// Somebody wants to draw on the reader's terminal: no colours then.
		page = clean
	} else if s.Color {
		page = orderPage(o, s)
	}
	io.WriteString(w, page)
}

func orderPage(o *workorder.Order, s term.Style) string {
	var b strings.Builder
	orderHead(&b, o, s)
	if len(o.Packages) > 0 {
		b.WriteString("\n")
		orderTable(&b, o, s)
		orderNotes(&b, o, s)
		b.WriteString("\n")
		orderSteps(&b, o, s)
	}
	b.WriteString("\n")
	orderNext(&b, o, s)
	b.WriteString(TrustLine(o.Trust) + "\n")
	return b.String()
}

func orderHead(b *strings.Builder, o *workorder.Order, s term.Style) {
	lines := term.Wrap(o.Headline, term.Width, "  ")
	took := ""
	if o.Elapsed > 0 {
		took = fmt.Sprintf("%.1f s", o.Elapsed)
	}
	for i, line := range lines {
		pad := term.Width - 1 - term.Len(line) - len(took)
		line = s.Paint(term.Heading, line)
		if i == 0 && took != "" && pad > 0 {
			line += strings.Repeat(" ", pad) + s.Paint(term.Faint, took)
		}
		b.WriteString(line + "\n")
	}
	word, color, why := "NOT RELEASABLE", term.Todo, orderWhy(o)
	if o.Releasable {
		word, color, why = "NOTHING OUTSTANDING", term.Good, "every wheel is locked, proven or built, signed and logged"
	}
	for i, line := range term.Wrap(word+": "+why, term.Width, "  ") {
		if i == 0 {
			line = s.Paint(color, word) + strings.TrimPrefix(line, word)
		}
		b.WriteString(line + "\n")
	}
}

// orderWhy says in half a line what is outstanding and who is needed.
func orderWhy(o *workorder.Order) string {
	var parts []string
	if n := o.Summary.Todo; n > 0 {
		parts = append(parts, fmt.Sprintf("%s to build or prove", Plural(n, "wheel")))
	}
	if len(parts) == 0 {
		for _, st := range o.Steps {
			if !st.Done && st.Action != workorder.Check {
				parts = append(parts, "to "+st.Action)
			}
		}
		return strings.Join(parts, ", ")
	}
	if r := o.Summary.Roles; len(r) > 0 {
		var at []string
		for _, st := range o.Steps {
			for _, role := range r {
				if !st.Done && st.Who == role {
					at = append(at, fmt.Sprint(st.N))
				}
			}
		}
		parts = append(parts, fmt.Sprintf("%s needed (%s)", Plural(len(r), "role"), stepList(at)))
	}
	return strings.Join(parts, ", ")
}

func stepList(at []string) string {
	if len(at) == 1 {
		return "step " + at[0]
	}
	return "steps " + strings.Join(at[:len(at)-1], ", ") + " and " + at[len(at)-1]
}

// Plural is "1 wheel" or "3 wheels".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		noun += "e" // witnesses
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func orderNotes(b *strings.Builder, o *workorder.Order, s term.Style) {
	for _, n := range o.Notes {
		text := n.Text
		if n.Mark != "" {
			text = n.Mark + " " + text
		}
		for _, line := range term.Wrap(text, term.Width, "  ") {
			b.WriteString(line + "\n")
		}
	}
}

// commandColumn is where the COMMAND column begins at the most: "10 mirror 1000
// developer ".
const commandColumn = 2 + 1 + 11 + 2 + 9 + 2

func orderSteps(b *strings.Builder, o *workorder.Order, s term.Style) {
	rows := [][]string{{" ", s.Paint(term.Heading, "STEP"), s.Paint(term.Heading, "WHO"), s.Paint(term.Heading, "COMMAND")}}
	states := []string{s.Paint(term.Heading, "STATE")}
	below := make([]string, len(o.Steps))
	for i, st := range o.Steps {
		name := st.Action
		if st.Count > 0 {
			name += fmt.Sprintf(" %d", st.Count)
		}
		command, state := s.Paint(term.Command, st.Command), stepState(st, s)
		if st.Command == "-" && st.State != "done" {
			command, state = st.State, "" // a reason, not a command that anybody runs
		}
		if commandColumn+term.Len(command) > term.Width {
			command, below[i] = "", command // a command is never broken: it is there to be pasted
		}
		rows = append(rows, []string{fmt.Sprint(st.N), name, st.Who, command})
		states = append(states, state)
	}
	lines := joinStates(term.Columns(rows, 2), states)
	b.WriteString(lines[0] + "\n")
	for i, st := range o.Steps {
		b.WriteString(lines[i+1] + "\n")
		if below[i] != "" {
			b.WriteString("     " + below[i] + "\n")
		}
		if st.Done {
			continue
		}
		for _, why := range st.Why {
			writeWrapped(b, why, "     ")
		}
		for _, way := range st.Ways {
			writeWrapped(b, "- "+way, "     ")
		}
	}
}

func stepState(st workorder.Step, s term.Style) string {
	switch {
	case st.Done:
		return s.Paint(term.Good, st.State)
	case strings.HasPrefix(st.State, "after"):
		return s.Paint(term.Faint, st.State)
	}
	return s.Paint(term.Todo, st.State)
}

// joinStates adds the last column. A state that does not fit beside a long
// command stands below it, so that one long name of a target costs the other
// rows nothing.
func joinStates(lines, states []string) []string {
	at := 0
	for i, l := range lines {
		if n := term.Len(l) + 2; states[i] != "" && n+term.Len(states[i]) <= term.Width {
			at = max(at, n)
		}
	}
	for i, state := range states {
		col := min(at, term.Width-term.Len(state))
		switch {
		case state == "":
		case term.Len(lines[i])+2 <= col:
			lines[i] = term.Pad(lines[i], col) + state
		default:
			lines[i] += "\n     " + state
		}
	}
	return lines
}

func writeWrapped(b *strings.Builder, text, indent string) {
	for _, line := range term.Wrap(text, term.Width-len(indent), "  ") {
		b.WriteString(indent + line + "\n")
	}
}

func orderNext(b *strings.Builder, o *workorder.Order, s term.Style) {
	switch {
	case o.Next != "" && o.NextWhy != "":
		b.WriteString("Next: " + s.Paint(term.Command, o.Next) + "\n")
		writeWrapped(b, o.NextWhy, "      ")
	case o.Next != "":
		b.WriteString("Next: " + s.Paint(term.Command, o.Next) + "\n")
	case o.NextWhy != "":
		for _, line := range term.Wrap("Next: "+o.NextWhy, term.Width, "      ") {
			b.WriteString(line + "\n")
		}
	}
}

// TrustLine is the last line of every order and verification.
func TrustLine(t workorder.Trust) string {
	return fmt.Sprintf("Trust: %s, %s, %s, root %s",
		Plural(t.Builders, "builder"), Plural(t.Reviews, "review"), Plural(t.Witnesses, "witness"), t.Root)
}
