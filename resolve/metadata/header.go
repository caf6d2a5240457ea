package metadata

import (
	"bytes"
	"strings"
)

// headers reads the fields at the head of a message, as Python's email parser
// with its compat32 policy does: that is what wrote these files, and what pip
// reads them with.
func headers(b []byte) map[string][]string {
	fields := map[string][]string{}
	name, value := "", []byte(nil)
	store := func() {
		// The description is most of the file, and nothing here asks for it.
		if name != "" && name != "description" {
			v := strings.TrimRight(string(value), "\r\n")
			fields[name] = append(fields[name], v)
		}
		name, value = "", nil
	}
	for len(b) > 0 {
		line, rest := cutLine(b)
		text := bytes.TrimRight(line, "\r\n")
		if len(text) == 0 {
			break
		}
		switch colon := nameEnd(text); {
		case text[0] == ' ' || text[0] == '\t':
			// Without a field before it, there is nothing to continue.
			if name != "" {
				value = append(value, line...)
			}
		case bytes.HasPrefix(text, []byte("From ")):
			store() // the separator of a mailbox file: no field, wherever it stands
		case colon == 0:
			store() // a colon without a name: skipped, and its continuation too
		case colon > 0:
			store()
			name = strings.ToLower(string(text[:colon]))
			value = append(value, bytes.TrimLeft(line[colon+1:], " \t")...)
		default:
			store()
			return fields // not a header: the body has begun
		}
		b = rest
	}
	store()
	return fields
}

// cutLine splits after the first line end: LF, CR or CR LF.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexAny(b, "\r\n")
	switch {
	case i < 0:
		return b, nil
	case b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n':
		i++
	}
	return b[:i+1], b[i+1:]
}

// nameEnd is the place of the colon after a field's name, which is of printable
// ASCII without spaces; -1 if the line is no header.
func nameEnd(line []byte) int {
	for i, c := range line {
		if c == ':' {
			return i
		}
		if c <= ' ' || c > '~' {
			return -1
		}
	}
	return -1
}
