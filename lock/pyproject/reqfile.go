package pyproject

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// logical is a requirements file's line with its continuations joined and its
// comment taken off.
type logical struct {
	text     string
	line     int  // of its beginning
	from, to int  // the physical lines, line ends included
	body     span // from the first to after the last character that is not comment or blank
}

// A comment begins a line or follows white space, as pip has it: the # in
// https://host/#egg=x is none.
var comment = regexp.MustCompile(`(^|[ \t]+)#.*$`)

// logicalLines cuts a requirements file the way pip does: lines are joined
// first, then comments are cut off, so that a backslash at the end of a comment
// carries it on; a line that is nothing but a comment ends a continuation.
func logicalLines(src []byte) []logical {
	var list []logical
	var cur *logical
	var text strings.Builder
	commented := false // the line so far has a comment; asked part by part, since a line may have very many
	finish := func() {
		cur.text = strings.TrimSpace(comment.ReplaceAllString(text.String(), ""))
		if cur.text != "" {
			list = append(list, *cur)
		}
		cur, commented = nil, false
		text.Reset()
	}
	first := 0
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) { // a byte order mark
		first = 3
	}
	for at, n := first, 1; at < len(src); n++ {
		end := lineEnd(src, at)
		line := strings.TrimRight(string(src[at:end]), "\r\n")
		if cur == nil {
			cur = &logical{line: n, from: at}
			cur.body.from = skipBlank(src, at)
		}
		cur.to = end
		more := strings.HasSuffix(line, `\`)
		switch loc := comment.FindStringIndex(line); {
		case loc != nil && loc[0] == 0:
			more = false
			text.WriteString(" ")
		default:
			part := strings.TrimRight(line, `\`)
			keep := strings.TrimRight(part, " \t")
			if loc := comment.FindStringIndex(part); loc != nil {
				keep = part[:loc[0]]
			}
			if strings.TrimSpace(keep) != "" && !commented {
				cur.body.to = at + len(strings.TrimRight(keep, " \t"))
			}
			commented = commented || comment.MatchString(part)
			text.WriteString(part)
		}
		if !more {
			finish()
		}
		at = end
	}
	if cur != nil {
		finish()
	}
	return list
}

// option reads "-r FILE", "-rFILE", "--requirement FILE" and
// "--requirement=FILE", and the same for constraints.
func option(text string) (kind byte, file string, ok bool) {
	for _, o := range []struct {
		kind  byte
		short string
		long  string
	}{{'r', "-r", "--requirement"}, {'c', "-c", "--constraint"}} {
		rest, found := strings.CutPrefix(text, o.long)
		if found && rest != "" && !strings.ContainsAny(rest[:1], "= \t") {
			continue // another option that begins alike
		}
		if !found {
			if rest, found = strings.CutPrefix(text, o.short); !found {
				continue
			}
		}
		rest = strings.TrimSpace(strings.TrimPrefix(rest, "="))
		return o.kind, unquote(rest), true
	}
	return 0, "", false
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// readRequirements reads a requirements file and those that it names.
func (l *loader) readRequirements(file string, constraint bool, stack []string) error {
	if len(stack) >= maxDepth {
		return &Error{file, 0, fmt.Sprintf("files name each other more than %d levels deep", maxDepth), "name the files in one place"}
	}
	src, err := l.read(file)
	if err != nil {
		return err
	}
	for _, line := range logicalLines(src) {
		if kind, name, ok := option(line.text); ok {
			if err := l.include(file, line.line, kind, name, constraint, append(stack, file)); err != nil {
				return err
			}
			continue
		}
		done, err := l.fileOption(file, line)
		if err == nil && !done {
			err = l.requirementLine(file, line, constraint)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) include(file string, line int, kind byte, name string, constraint bool, stack []string) error {
	switch {
	case name == "":
		return &Error{file, line, fmt.Sprintf("-%c names no file", kind), "write the file's name after it"}
	case strings.Contains(name, "://"):
		return &Error{file, line, fmt.Sprintf("-%c %s: files from the network are not read", kind, name), "download the file and name it here"}
	}
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(file), name)
	}
	for _, s := range stack {
		if s == name {
			return &Error{file, line, fmt.Sprintf("%s names itself through -r or -c", name), "take one of the lines out"}
		}
	}
	err := l.readRequirements(name, constraint || kind == 'c', stack)
	var e *Error
	switch {
	case isNotExist(err):
		return &Error{file, line, fmt.Sprintf("there is no file %s", name), "write the file, or correct its name"}
	case errors.As(err, &e) && e.File == name && e.Line == 0:
		return &Error{file, line, e.Error(), e.Hint} // the line that names it is where to look
	}
	return err
}
