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
}

// Explanation is why there is no solution for some targets.
type Explanation struct {
	Targets []string // names
	Text    string   // lines of at most 100 columns, without an end of line at the end
	Works   []string // the smallest changes found that would work; may be empty

	changes []change
}

// change is one line of Works in the making: targets may differ in what it gives.
type change struct {
	what  string
	gives []string // versions, one a target; empty: not said
}

func (c change) String() string {
	if len(c.gives) == 0 {
		return c.what
	}
	return c.what + ": gives " + joinWith(c.gives, "or")
}

// Error is the whole text, several lines.
func (e *ConflictError) Error() string {
	var b strings.Builder
	for i, x := range e.Explanations {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "no solution for %s:\n%s", joinWords(x.Targets), x.Text)
		if len(x.Works) > 0 {
			b.WriteString("\nWhat would work:")
		}
		for _, w := range x.Works {
			b.WriteString("\n  " + w)
		}
	}
	return b.String()
}

// Hint says what to try next.
func (e *ConflictError) Hint() string {
	if len(e.Missing) > 0 {
		return fmt.Sprintf("check the spelling of %s, or name the index that has it with --index-url", joinWords(e.Missing))
	}
	for _, x := range e.Explanations {
		if len(x.Works) > 0 {
			return "relax one of the requirements as said under \"What would work\""
		}
	}
	return "relax one of the requirements named above, or take a target with another Python or libc"
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
