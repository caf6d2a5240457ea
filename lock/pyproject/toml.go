package pyproject

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// document is a TOML file with the places of its tables and values, so that an
// edit touches the bytes it means and no others.
type document struct {
	file   string
	src    []byte
	value  map[string]any // what the file means
	tables []table        // the first is the root, without a header
	leaves []leaf
}

// table is a [header] or [[header]].
type table struct {
	path  []string
	array bool
	start int // first byte of the header's line
	body  int // first byte after the header's line
	nth   int // which one of an array of tables
}

// leaf is one "key = value" line.
type leaf struct {
	path     []string // with the table's
	table    int      // index in document.tables
	line     int
	start    int // first byte of its line
	from, to int // the value
}

// parseTOML reads a file. The error is an *Error with the line.
func parseTOML(file string, src []byte) (*document, error) {
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		return nil, &Error{file, 1, "the file begins with a byte order mark, which Python's own reader refuses", "save it as UTF-8 without one"}
	}
	d := &document{file: file, src: src, tables: []table{{}}}
	if err := toml.Unmarshal(src, &d.value); err != nil {
		var de *toml.DecodeError
		if errors.As(err, &de) {
			line, _ := de.Position()
			return nil, &Error{file, line, "not TOML: " + strings.TrimPrefix(de.Error(), "toml: "), "correct the line; every value needs quotes, brackets or digits as TOML has them"}
		}
		return nil, &Error{file, 0, "not TOML: " + err.Error(), "correct the file"}
	}
	p := unstable.Parser{KeepComments: true}
	p.Reset(src)
	counts := map[string]int{}
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			d.addTable(e, counts)
		case unstable.KeyValue:
			d.addLeaf(e)
		}
	}
	if p.Error() != nil {
		return nil, &Error{file, 0, "not TOML: " + p.Error().Error(), "correct the file"}
	}
	return d, nil
}

func keyOf(e *unstable.Node) (path []string, from, to int) {
	from = -1
	for it := e.Key(); it.Next(); {
		n := it.Node()
		if n.Kind != unstable.Key {
			continue // a comment that hangs on the expression
		}
		path = append(path, string(n.Data))
		if from < 0 {
			from = int(n.Raw.Offset)
		}
		to = int(n.Raw.Offset + n.Raw.Length)
	}
	return path, from, to
}

func (d *document) addTable(e *unstable.Node, counts map[string]int) {
	path, from, to := keyOf(e)
	t := table{path: path, array: e.Kind == unstable.ArrayTable, start: lineStart(d.src, from), body: lineEnd(d.src, to)}
	if t.array {
		key := strings.Join(path, "\x00")
		t.nth = counts[key]
		counts[key]++
	}
	for n := len(path) - 1; n > 0 && !t.array; n-- { // [build.env] belongs to the last [[build]]
		if c := counts[strings.Join(path[:n], "\x00")]; c > 0 {
			t.nth = c - 1
			break
		}
	}
	d.tables = append(d.tables, t)
}

func (d *document) addLeaf(e *unstable.Node) {
	path, from, to := keyOf(e)
	at := len(d.tables) - 1
	v := skipBlank(d.src, to)
	v = skipBlank(d.src, v+1) // the equals sign
	d.leaves = append(d.leaves, leaf{
		path: append(append([]string{}, d.tables[at].path...), path...), table: at,
		line: lineOf(d.src, from), start: lineStart(d.src, from), from: v, to: valueEnd(d.src, v),
	})
}

// find gives the leaf at a path; nil: none, or it lies within an inline table.
func (d *document) find(path ...string) *leaf {
	for i := range d.leaves {
		if equal(d.leaves[i].path, path) && !d.tables[d.leaves[i].table].array {
			return &d.leaves[i]
		}
	}
	return nil
}

// header gives the index of a plain table's header, -1: none. The root is 0.
func (d *document) header(path []string) int {
	for i, t := range d.tables {
		if !t.array && equal(t.path, path) {
			return i
		}
	}
	return -1
}

// bodyEnd is the offset after the last key of a table.
func (d *document) bodyEnd(i int) int {
	end := d.tables[i].body
	for _, l := range d.leaves {
		if l.table == i {
			end = lineEnd(d.src, l.to)
		}
	}
	return end
}

// get walks the file's meaning; nil where nothing is there.
func (d *document) get(path ...string) any {
	var v any = d.value
	for _, k := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// decode gives the meaning of the bytes of one value.
func decode(raw []byte) any {
	var v struct{ V any }
	if err := toml.Unmarshal(append([]byte("V = "), raw...), &v); err != nil {
		return nil
	}
	return v.V
}

// span is a part of a file.
type span struct{ from, to int }

// elements gives the places of an array's elements; from is at its bracket.
func elements(src []byte, from, to int) []span {
	var list []span
	for i := skipSpace(src, from+1); i < to-1; i = skipSpace(src, i) {
		if src[i] == ',' {
			i++
			continue
		}
		end := valueEnd(src, i)
		if end <= i {
			break
		}
		list = append(list, span{i, end})
		i = end
	}
	return list
}

// valueEnd gives the end of the value that begins at i. The file is known to
// be TOML, so brackets match and strings end.
func valueEnd(src []byte, i int) int {
	if i >= len(src) {
		return i
	}
	switch src[i] {
	case '"', '\'':
		return stringEnd(src, i)
	case '[', '{':
		depth := 0
		for i < len(src) {
			switch src[i] {
			case '"', '\'':
				i = stringEnd(src, i)
				continue
			case '#':
				i = bytesIndex(src, i, '\n')
				continue
			case '[', '{':
				depth++
			case ']', '}':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return i
	}
	end := i
	for end < len(src) && !bytes.ContainsRune([]byte(",]}#\r\n"), rune(src[end])) {
		end++
	}
	for end > i && (src[end-1] == ' ' || src[end-1] == '\t') {
		end--
	}
	return end
}

func stringEnd(src []byte, i int) int {
	quote := src[i : i+1]
	if triple := bytes.Repeat(quote, 3); bytes.HasPrefix(src[i:], triple) {
		for j := i + 3; j < len(src); j++ {
			if src[j] == '\\' && quote[0] == '"' {
				j++
				continue
			}
			if bytes.HasPrefix(src[j:], triple) {
				j += 3
				for k := 0; k < 2 && j < len(src) && src[j] == quote[0]; k++ {
					j++ // quotes may touch the closing three
				}
				return j
			}
		}
		return len(src)
	}
	for j := i + 1; j < len(src); j++ {
		switch {
		case src[j] == '\\' && quote[0] == '"':
			j++
		case src[j] == quote[0]:
			return j + 1
		}
	}
	return len(src)
}

// skipSpace passes blanks, line ends and comments.
func skipSpace(src []byte, i int) int {
	for i < len(src) {
		switch src[i] {
		case ' ', '\t', '\r', '\n':
			i++
		case '#':
			i = bytesIndex(src, i, '\n')
		default:
			return i
		}
	}
	return i
}

func skipBlank(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\t') {
		i++
	}
	return i
}

func bytesIndex(src []byte, from int, c byte) int {
	if n := bytes.IndexByte(src[from:], c); n >= 0 {
		return from + n
	}
	return len(src)
}

func lineStart(src []byte, i int) int { return bytes.LastIndexByte(src[:i], '\n') + 1 }

// lineEnd is the offset after the line feed of the line that holds i.
func lineEnd(src []byte, i int) int {
	if n := bytesIndex(src, i, '\n'); n < len(src) {
		return n + 1
	}
	return len(src)
}

func lineOf(src []byte, i int) int { return 1 + bytes.Count(src[:i], []byte("\n")) }

func equal(a, b []string) bool {
	return len(a) == len(b) && strings.Join(a, "\x00") == strings.Join(b, "\x00")
}

// quoteTOML writes a string in the style of its neighbours: literal where they
// are, or where that saves escapes.
func quoteTOML(s string, like byte) string {
	literal := !strings.ContainsAny(s, "'\n\r\t") && isPrintable(s)
	if literal && (like == '\'' || strings.ContainsAny(s, `"\`)) {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

func isPrintable(s string) bool {
	for _, r := range s {
		if r < 0x20 || r == 0x7f {
			return false
		}
	}
	return true
}
