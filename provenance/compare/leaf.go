package compare

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
)

// difference of two files that are no archives.
type difference struct {
	cause string
	same  string // what other files may have in common: "compiler A != B"
	own   string // what is this file's alone: "line 3: ..."
	text  *[2][]byte
	code  func() []string // lines of disassembly, when they are wanted
}

// found is a difference and where.
type found struct {
	key string
	difference
}

// leafOf compares two files as what they are: compiled code, bytecode, text, bytes.
func (c *run) leafOf(at place, ka, kb kind, a, b content) (outcome, error) {
	out := outcome{verdict: Differs}
	var x, y []byte
	var okA, okB bool
	var err error
	if x, okA, err = a.all(MaxText); err == nil {
		y, okB, err = b.all(MaxText)
	}
	if err != nil {
		return out, err
	}
	var leaf *difference
	switch {
	case ka == kb && ka.object():
		leaf, err = c.compiled(ka, a, b)
	case ka == kb && ka == pycKind && okA && okB:
		leaf = bytecode(x, y)
	case okA && okB && isText(x) && isText(y):
		leaf = c.textLeaf(x, y)
	}
	if err == nil && leaf == nil {
		leaf, err = c.binary(at, ka, kb, a, b)
	}
	out.leaf = leaf
	return out, err
}

func (c *run) textLeaf(x, y []byte) *difference {
	l := &difference{cause: PreprocessedData}
	if n := int64(len(x) + len(y)); n <= c.keep {
		c.keep -= n
		l.text = &[2][]byte{x, y}
	}
	switch {
	case len(x) == 0 || len(y) == 0:
		l.own = fmt.Sprintf("%d != %d bytes", len(x), len(y))
	case bytes.Equal(unix(x), unix(y)):
		l.same = "other line ends"
	case bytes.Equal(bytes.TrimRight(x, "\r\n"), bytes.TrimRight(y, "\r\n")):
		l.same = "other line ends at the end of the file"
	case sameLines(x, y):
		l.same, l.own = "the same lines in another order", firstLine(x, y)
	default:
		l.own = firstLine(x, y)
	}
	return l
}

func sameLines(x, y []byte) bool {
	if len(x) != len(y) || len(x) > maxLines {
		return false
	}
	a, b := bytes.Split(x, []byte("\n")), bytes.Split(y, []byte("\n"))
	if len(a) != len(b) {
		return false
	}
	slices.SortFunc(a, bytes.Compare)
	slices.SortFunc(b, bytes.Compare)
	return slices.EqualFunc(a, b, bytes.Equal)
}

// binary says where two files begin to differ.
func (c *run) binary(at place, ka, kb kind, a, b content) (*difference, error) {
	l := &difference{cause: PreprocessedData}
	if isNative(path.Base(at.names[0])) || ka.object() {
		l.cause = NativeCompiler
	}
	if ka != kb {
		l.same = fmt.Sprintf("%s != %s", ka, kb)
	}
	i, err := firstDifference(c.ctx, a, b)
	if err != nil {
		return nil, err
	}
	l.own = fmt.Sprintf("other bytes from byte %d on, %d in both", i+1, a.size)
	if a.size != b.size {
		l.own = fmt.Sprintf("other bytes from byte %d on, %d != %d", i+1, a.size, b.size)
	}
	return l, nil
}

// tell makes facts of differences. METADATA is told field by field, what several
// files have in common in one line, the others in one line a cause.
func (d *differ) tell(leaves []found) {
	var rest []found
	told := map[string]bool{}
	for i, l := range leaves {
		base := path.Base(l.key)
		fields := base == "PKG-INFO" || base == "METADATA" || base == "control" && (d.a.top == "" || d.a.kind == tarKind)
		if l.text == nil || !fields || d.a.wheel != nil && strings.HasPrefix(l.key, distInfo) {
			rest = append(rest, l)
			continue
		}
		pair := func(l found) string { return string(l.text[0]) + "\x00" + string(l.text[1]) }
		if told[pair(l)] {
			continue
		}
		told[pair(l)] = true
		label := l.key
		for _, other := range leaves[i+1:] { // setuptools writes PKG-INFO twice
			if other.text != nil && path.Base(other.key) == base && pair(other) == pair(l) {
				label += " and " + other.key
			}
		}
		d.metadata(label, l.text[0], l.text[1])
	}
	d.group(rest)
}

// group tells differences of files.
func (d *differ) group(leaves []found) {
	type kind struct{ cause, same string }
	by := map[kind][]found{}
	for _, l := range leaves {
		cause := l.cause
		if d.a != nil && d.a.wheel != nil && strings.HasPrefix(l.key, distInfo) {
			cause = kindOfFile(l.key)
		} else if cause == PreprocessedData && (d.a == nil || d.a.wheel == nil) {
			cause = "" // outside of wheels nothing was preprocessed: files just differ
		}
		id := kind{cause, l.same}
		by[id] = append(by[id], l)
	}
	var ids []kind
	for id := range by {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return by[ids[i]][0].key < by[ids[j]][0].key })
	told := map[string]int{}
	var more []found
	for _, id := range ids {
		if told[id.cause]++; told[id.cause] > maxSpread && id.same != "" {
			more = append(more, by[id]...)
			continue
		}
		d.groupOf(id.cause, id.same, by[id])
	}
	if len(more) > 0 {
		d.groupOf(more[0].cause, "", more)
	}
}

// groupOf tells of files that differ in the same way.
func (d *differ) groupOf(cause, same string, leaves []found) {
	sort.Slice(leaves, func(i, j int) bool { return leaves[i].key < leaves[j].key })
	keys := make([]string, len(leaves))
	for i, l := range leaves {
		keys[i] = l.key
	}
	first := leaves[0]
	var f *Fact
	switch {
	case len(leaves) == 1 && first.key == "":
		f = d.about(nil, cause, "%s", join("; ", same, first.own))
	case len(leaves) == 1:
		f = d.about(keys, cause, "%s: %s", show(first.key), join("; ", same, first.own))
	default:
		count, names := group(slices.Clone(keys))
		if same == "" {
			f = d.about(keys, cause, "%s with other content: %s", count, names)
		} else {
			f = d.about(keys, cause, "%s, %s: %s", count, names, same)
		}
		if first.own != "" {
			f.Line = printable(f.Line + "; " + show(first.key) + " " + first.own)
		}
	}
	d.c.diffs(f, leaves)
}

func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}
