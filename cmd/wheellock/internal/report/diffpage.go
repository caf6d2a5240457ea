package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
)

// WriteDiff writes a difference for a terminal. targets is how many the lock
// has: what holds on all of them says so by saying nothing.
func WriteDiff(w io.Writer, d *Diff, targets int, s term.Style) {
	emit(w, s, func(s term.Style) string { return diffPage(d, targets, s) })
}

func diffPage(d *Diff, targets int, s term.Style) string {
	var b strings.Builder
	writeWrapped(&b, d.Summary(), "")
	for _, sec := range d.Sections {
		color := term.Heading
		switch sec.Level {
		case Alarm:
			color = term.Bad
		case Review:
			color = term.Todo
		}
		b.WriteString("\n" + s.Paint(color, sec.Title) + "\n")
		for _, e := range sec.Items {
			writeWrapped(&b, e.line(targets), "  ")
			for _, m := range e.More {
				writeWrapped(&b, m, "      ")
			}
		}
	}
	return b.String()
}

// maxOpen is how many lines of a section a comment shows before it folds them.
const maxOpen = 12

// maxMarkdown keeps a comment below what the usual forges accept, 65,536 bytes.
const maxMarkdown = 60_000

// MarkdownDiff writes a difference as a comment for a pull request. Whatever
// stands in a lock is put where it cannot be markup, a link or a mention.
func MarkdownDiff(w io.Writer, d *Diff, targets int) {
	var b strings.Builder
	b.WriteString("### " + escapeMarkdown(d.Summary()) + "\n")
	for i, sec := range d.Sections {
		if b.Len() > maxMarkdown {
			fmt.Fprintf(&b, "\n%d more kinds of change are left out: run `wheellock diff`\n", len(d.Sections)-i)
			break
		}
		title := sec.Title
		if sec.Level == Alarm {
			title = "🚨 " + title
		}
		fold := sec.Level == Info || sec.Level == Review && len(sec.Items) > maxOpen
		if fold {
			fmt.Fprintf(&b, "\n<details><summary>%s (%d)</summary>\n\n", title, len(sec.Items))
		} else {
			fmt.Fprintf(&b, "\n**%s**\n\n", title)
		}
		for k, e := range sec.Items {
			if b.Len() > maxMarkdown {
				fmt.Fprintf(&b, "- and %d more: run `wheellock diff`\n", len(sec.Items)-k)
				break
			}
			b.WriteString("- " + e.markdown(targets) + "\n")
			for _, m := range e.More {
				b.WriteString("  - " + code(m) + "\n")
			}
		}
		if fold {
			b.WriteString("\n</details>\n")
		}
	}
	io.WriteString(w, b.String())
}

func (e Entry) markdown(allTargets int) string {
	var parts []string
	if e.Name != "" {
		parts = append(parts, code(e.Name))
	}
	switch {
	case e.Old != "" && e.New != "":
		parts = append(parts, code(clipHash(e.Old))+" → "+code(clipHash(e.New)))
	case e.New != "":
		parts = append(parts, code(clipHash(e.New)))
	case e.Old != "" && e.Text == "":
		parts = append(parts, "was "+code(e.Old))
	}
	for _, m := range e.Marks {
		parts = append(parts, "**"+m+"**")
	}
	if len(e.Targets) > 0 && len(e.Targets) < allTargets {
		parts = append(parts, "on "+code(strings.Join(e.Targets, ", ")))
	}
	if e.Text != "" {
		parts = append(parts, code(e.Text))
	}
	return strings.Join(parts, " ")
}

// code is text as a code span, in which nothing has a meaning but its end.
func code(text string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(term.Clean(text), "`", "'")), " ")
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// escapeMarkdown is text in which no character has a meaning.
func escapeMarkdown(text string) string {
	var b strings.Builder
	for _, r := range term.Clean(text) {
		switch {
		case r == '\n':
			b.WriteByte(' ')
		case r == '<' || r == '>' || r == '&' || r == '@' || r == '#':
			fmt.Fprintf(&b, "&#%d;", r)
		case strings.ContainsRune("\\`*_{}[]()!|~", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
