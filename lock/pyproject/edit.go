package pyproject

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// changed lists the files that differ between two states of a project.
func changed(before, after *Project) []Edit {
	var list []Edit
	for _, e := range after.Edits() {
		if old, ok := before.files[after.name(e.Path)]; !ok || !bytes.Equal(old, e.Data) {
			list = append(list, e)
		}
	}
	return list
}

// withFile is With for one file by its name.
func (p *Project) withFile(name string, data []byte) (*Project, error) {
	return p.With([]Edit{{p.path(name), data}})
}

// document gives a TOML file that was read, or an empty one.
func (p *Project) document(name string) (*document, error) { return parseTOML(name, p.files[name]) }

// splices replaces a TOML file after making sure that the new bytes mean what
// the old ones meant, but for the value at path, which is now want (nil: gone).
func (p *Project) splice(d *document, out []byte, path []string, want any) (*Project, error) {
	stuck := &Error{d.file, d.lineOf(path...), strings.Join(path, ".") + " is written in a form that cannot be edited without damage",
		"edit it by hand, then run `wheellock lock`"}
	after, err := parseTOML(d.file, out)
	if err != nil {
		return nil, stuck
	}
	before, err := parseTOML(d.file, d.src)
	if err != nil {
		return nil, err
	}
	if !assign(before.value, path, want) {
		return nil, stuck
	}
	same := reflect.DeepEqual(before.value, after.value)
	for n := len(path) - 1; !same && want == nil && n > 0; n-- {
		// [[a.b]] was all that made a table of a, so a goes with it.
		if m, ok := before.get(path[:n]...).(map[string]any); !ok || len(m) > 0 || !assign(before.value, path[:n], nil) {
			break
		}
		same = reflect.DeepEqual(before.value, after.value)
	}
	if !same {
		return nil, stuck
	}
	return p.withFile(d.file, out)
}

// assign sets or deletes the value at a path. Tables that become empty by a
// deletion stay.
func assign(m map[string]any, path []string, want any) bool {
	for _, k := range path[:len(path)-1] {
		next, ok := m[k].(map[string]any)
		if !ok {
			if m[k] != nil || want == nil {
				return m[k] == nil && want == nil
			}
			next = map[string]any{}
			m[k] = next
		}
		m = next
	}
	last := path[len(path)-1]
	if want == nil {
		delete(m, last)
		return true
	}
	m[last] = want
	return true
}

// setValue writes a value at table.key: in place of the old one, after the last
// key of its table, or in a table of its own at the end of the file.
func (p *Project) setValue(name string, table []string, key, text string) (*Project, error) {
	d, err := p.document(name)
	if err != nil {
		return nil, err
	}
	path := append(slices.Clone(table), key)
	want := decode([]byte(text))
	if l := d.find(path...); l != nil {
		if reflect.DeepEqual(d.get(path...), want) {
			return p, nil
		}
		return p.splice(d, splice(d.src, l.from, l.to, text), path, want)
	}
	return p.splice(d, d.insertKey(table, key, text), path, want)
}

func (d *document) insertKey(table []string, key, text string) []byte {
	nl := newline(d.src)
	line := keyText(key) + " = " + text + nl
	i := d.header(table)
	if i < 0 {
		keys := make([]string, len(table))
		for k, t := range table {
			keys[k] = keyText(t)
		}
		return d.appendBlock("[" + strings.Join(keys, ".") + "]" + nl + line)
	}
	at := d.bodyEnd(i)
	if i == 0 && at == 0 {
		at = d.afterOpening()
	}
	if at > 0 && d.src[at-1] != '\n' {
		return splice(d.src, at, at, nl+strings.TrimSuffix(line, nl))
	}
	if i == 0 && at < len(d.src) && d.src[at] == '[' {
		line += nl
	}
	return splice(d.src, at, at, line)
}

// afterOpening is the offset after the comment that a file begins with, such
// as a licence. A comment that touches the first table belongs to the table.
func (d *document) afterOpening() int {
	at := 0
	for at < len(d.src) && d.src[at] == '#' {
		at = lineEnd(d.src, at)
	}
	if at < len(d.src) && d.src[at] == '[' {
		return 0
	}
	for at < len(d.src) && (d.src[at] == '\n' || d.src[at] == '\r') {
		at++
	}
	return at
}

// appendBlock puts a block of lines at the end of the file, after an empty line.
func (d *document) appendBlock(block string) []byte { return d.insertBlock(len(d.src), block) }

// insertBlock puts a block of lines at the beginning of a line. At the end of
// a file without a last line end it leaves none either.
func (d *document) insertBlock(at int, block string) []byte {
	nl := newline(d.src)
	switch {
	case len(bytes.TrimSpace(d.src)) == 0:
		return splice(d.src, len(d.src), len(d.src), block)
	case d.src[at-1] != '\n':
		return splice(d.src, at, at, nl+nl+strings.TrimSuffix(block, nl))
	case blankBefore(d.src, at):
		return splice(d.src, at, at, block)
	}
	return splice(d.src, at, at, nl+block)
}

// blankBefore reports whether the line before the offset is empty.
func blankBefore(src []byte, at int) bool {
	return at > 0 && len(bytes.TrimRight(src[lineStart(src, at-1):at], "\r\n")) == 0
}

// removeBlock takes lines away with the empty line before them.
func removeBlock(src []byte, from, to int) []byte {
	if blankBefore(src, from) {
		from = lineStart(src, from-1)
	}
	if to == len(src) && to > 0 && src[to-1] != '\n' {
		for from > 0 && (src[from-1] == '\n' || src[from-1] == '\r') {
			from--
		}
	}
	if from == 0 {
		for to < len(src) && (src[to] == '\n' || src[to] == '\r') {
			to++
		}
	}
	return splice(src, from, to, "")
}

// keyText writes a key, bare where TOML allows it.
func keyText(k string) string {
	if k != "" && strings.Trim(k, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == "" {
		return k
	}
	return quoteTOML(k, '"')
}

// lookAlikes gives the names of the list that look like the given one.
func lookAlikes(name string, list []string) []string {
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	n := near(name, list)
	return n[:min(3, len(n))]
}

func invalidRequirement(req, why string) error {
	return &Error{Msg: fmt.Sprintf("%q: %s", req, why), Hint: "write for example 'requests>=2.32' or 'requests[socks]; python_version < \"3.12\"'"}
}
