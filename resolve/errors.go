package resolve

import (
	"fmt"
	"strings"
)

// ConflictError says that for some targets no set of versions satisfies
// everything.
type ConflictError struct {
	Explanations []Explanation // in the order of the request's targets
	Missing      []string      // names in them that the index does not have, sorted
	Near         []string      // what may have been meant by those, nearest first
}

// Explanation is why there is no solution for some targets.
type Explanation struct {
	Targets []string // names
	// Facts are sentences, the requirements first. They are numbered from 1,
	// and some say "(from 2 and 3)".
	Facts []string
	So    string       // what follows from all of them; "" where there is but one
	Works []Relaxation // changes that would work, smallest first; may be empty

	title string // the targets, with what the facts say of them
}

// Relaxation is a change of the request under which a solution was found for
// all targets of the explanation, and none was lost for another.
type Relaxation struct {
	Do    string // what to type or to write: "wheellock add 'app>=1.0'"
	Means string // "instead of app>=2 (requirements.in:1), gives app 1.0"
}

// Error is the whole text, several lines.
func (e *ConflictError) Error() string {
	var b strings.Builder
	for i, x := range e.Explanations {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "no solution for %s:\n%s", x.title, x.Text())
		if len(x.Works) > 0 && len(e.Explanations) > 1 {
			fmt.Fprintf(&b, "\nWhat would work for %s:", joinWords(x.Targets))
		} else if len(x.Works) > 0 {
			b.WriteString("\nWhat would work:")
		}
		for _, w := range x.Works {
			b.WriteString("\n  " + w.Do)
			for _, line := range wrap("      ", "      ", w.Means) {
				b.WriteString("\n" + line)
			}
		}
	}
	return b.String()
}

// Text is the numbered facts and the conclusion, in lines that fit a terminal.
func (x Explanation) Text() string {
	var lines []string
	for i, f := range x.Facts {
		lines = append(lines, wrap(fmt.Sprintf("%3d. ", i+1), "     ", f)...)
	}
	if x.So != "" {
		lines = append(lines, wrap("  ", "  ", x.So)...)
	}
	return strings.Join(lines, "\n")
}

// wrap breaks text into lines; a word that is too long stays whole.
func wrap(first, indent, text string) []string {
	var lines []string
	line, empty := first, true
	for _, word := range strings.Fields(text) {
		if !empty && len(line)+1+len(word) > lineColumns {
			lines = append(lines, line)
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	return append(lines, line)
}

// Hint says what to try next.
func (e *ConflictError) Hint() string {
	near := ""
	if len(e.Near) > 0 {
		near = fmt.Sprintf(" (did you mean %s?)", joinWith(e.Near, "or"))
	}
	if len(e.Missing) > 0 {
		return fmt.Sprintf("check the spelling of %s%s, or name the index that has it with --index-url", joinWords(e.Missing), near)
	}
	for _, x := range e.Explanations {
		if len(x.Works) > 0 {
			return "do one of the things under \"What would work\"; each was tried"
		}
	}
	return "no small change was found: ask for another version of what is named above, or do without it"
}

// UnknownMetadataError says that the answer needs versions whose dependencies
// only running their build would tell.
type UnknownMetadataError struct {
	Versions []UnknownMetadata
}

// UnknownMetadata is one such version.
type UnknownMetadata struct {
	Name, Version string
	Targets       []string
	File          string // the sdist
}

func (e *UnknownMetadataError) Error() string {
	var lines []string
	for _, v := range e.Versions {
		lines = append(lines, fmt.Sprintf("%s %s on %s: only an sdist with dynamic metadata (%s); what it needs cannot be known without building it",
			v.Name, v.Version, joinWords(v.Targets), v.File))
	}
	return strings.Join(lines, "\n")
}

// Hint says what to try next.
func (e *UnknownMetadataError) Hint() string {
	v := e.Versions[0]
	return fmt.Sprintf("take another version: wheellock add '%s!=%s'; or say what it needs in a [[metadata]] table (name, version, requires) of the configuration", v.Name, v.Version)
}

// RequestError says that the request itself cannot be worked with.
type RequestError struct {
	Origin string // "requirements.in:3", or ""
	Text   string // the requirement
	Msg    string
}

func (e *RequestError) Error() string {
	at := e.Text
	if e.Origin != "" {
		at = e.Origin + ": " + e.Text
	}
	return at + ": " + e.Msg
}

// joinWords joins words: "a", "a and b", "a, b and c".
func joinWords(words []string) string { return joinWith(words, "and") }

func joinWith(words []string, and string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " " + and + " " + words[n-1]
}
