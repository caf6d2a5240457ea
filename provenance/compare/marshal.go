package compare

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The format of Python/marshal.c, read without making objects of it: marshal.loads
// trusts its input, and this input is not to be trusted. Every value becomes text;
// code objects are kept apart. Unknown types and versions are refused, and then
// the bytes are compared.

// Caps on bytecode.
const (
	maxCodeDepth = 200
	maxValues    = 1 << 20
	maxReprs     = 64 << 20 // bytes of text that a file's constants become, references unfolded
)

var errMarshal = errors.New("no marshalled code that is known here")

// code is a code object. Its fields are text, in the order of its layout.
type code struct {
	name   string // qualified, as far as nesting tells: "<module>.f.<locals>.g"
	fields []field
	inner  []*code
}

type unmarshaller struct {
	b      []byte
	layout []string
	refs   []string
	left   int
	text   int
	codes  *[]*code // of the code object that is being read
}

// The fields of a code object, by the first magic number that has them
// (Lib/importlib/_bootstrap_external.py lists the numbers). i is an int, o an object.
var layouts = []struct {
	from, to int
	fields   string
}{
	{3400, 3449, "i:argcount i:posonlyargcount i:kwonlyargcount i:nlocals i:stacksize i:flags o:code o:consts o:names o:varnames o:freevars o:cellvars o:filename o:name i:firstlineno o:lines"},
	{3450, 3699, "i:argcount i:posonlyargcount i:kwonlyargcount i:stacksize i:flags o:code o:consts o:names o:localsplusnames o:localspluskinds o:filename o:name o:qualname i:firstlineno o:lines o:exceptions"},
}

// versionOf names the Python of a magic number, and the layout of its code.
func versionOf(magic int) (version, layout string) {
	for _, v := range []struct {
		from int
		name string
	}{{3700, "later than 3.15"}, {3650, "3.15"}, {3600, "3.14"}, {3550, "3.13"}, {3500, "3.12"}, {3450, "3.11"}, {3430, "3.10"}, {3420, "3.9"}, {3400, "3.8"}, {3390, "3.7"}, {3370, "3.6"}, {0, "before 3.6"}} {
		if magic >= v.from && version == "" {
			version = v.name
		}
	}
	if magic > 10_000 {
		version = "2"
	}
	for _, l := range layouts {
		if magic >= l.from && magic <= l.to {
			layout = l.fields
		}
	}
	return version, layout
}

func (u *unmarshaller) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.b) {
		return nil, errMarshal
	}
	v := u.b[:n]
	u.b = u.b[n:]
	return v, nil
}

func (u *unmarshaller) int32() (int, error) {
	b, err := u.take(4)
	if err != nil {
		return 0, err
	}
	return int(int32(binary.LittleEndian.Uint32(b))), nil
}

// value reads one object as text.
func (u *unmarshaller) value(depth int) (string, error) {
	b, err := u.take(1)
	if err != nil {
		return "", err
	}
	if u.left--; u.left < 0 || depth > maxCodeDepth {
		return "", errMarshal
	}
	ref := -1
	if b[0]&0x80 != 0 && b[0]&0x7f != 'r' {
		ref = len(u.refs)
		u.refs = append(u.refs, "<itself>")
	}
	s, err := u.typed(b[0]&0x7f, depth)
	if u.text += len(s); u.text > maxReprs {
		return "", errMarshal
	}
	if ref >= 0 {
		u.refs[ref] = s
	}
	return s, err
}

func (u *unmarshaller) typed(t byte, depth int) (string, error) {
	switch t {
	case '0':
		return "<null>", nil
	case 'N':
		return "None", nil
	case 'F':
		return "False", nil
	case 'T':
		return "True", nil
	case 'S':
		return "StopIteration", nil
	case '.':
		return "Ellipsis", nil
	case 'i':
		n, err := u.int32()
		return strconv.Itoa(n), err
	case 'g', 'y':
		b, err := u.take(map[byte]int{'g': 8, 'y': 16}[t])
		if err != nil {
			return "", err
		}
		var parts []string
		for ; len(b) > 0; b = b[8:] {
			bits := binary.LittleEndian.Uint64(b)
			parts = append(parts, fmt.Sprintf("%v(%x)", math.Float64frombits(bits), bits))
		}
		return strings.Join(parts, "+j"), nil
	case 'l':
		n, err := u.int32()
		if err != nil {
			return "", err
		}
		digits, err := u.take(2 * max(n, -n))
		return fmt.Sprintf("int(%d,%x)", n, digits), err
	case 's':
		return u.bytes(4, "b")
	case 't', 'u', 'a', 'A':
		return u.bytes(4, "")
	case 'z', 'Z':
		return u.bytes(1, "")
	case 'r':
		n, err := u.int32()
		if err != nil || n < 0 || n >= len(u.refs) {
			return "", errMarshal
		}
		return u.refs[n], nil
	case ')', '(', '[', '<', '>', ':':
		return u.items(t, depth)
	case '{':
		return u.dict(depth)
	case 'c':
		return u.code(depth)
	}
	return "", errMarshal
}

func (u *unmarshaller) bytes(width int, prefix string) (string, error) {
	n := 0
	if width == 1 {
		b, err := u.take(1)
		if err != nil {
			return "", err
		}
		n = int(b[0])
	} else {
		var err error
		if n, err = u.int32(); err != nil {
			return "", err
		}
	}
	b, err := u.take(n)
	return prefix + strconv.Quote(string(b)), err
}

func (u *unmarshaller) items(t byte, depth int) (string, error) {
	n := 3 // a slice
	switch t {
	case ':':
	case ')':
		b, err := u.take(1)
		if err != nil {
			return "", err
		}
		n = int(b[0])
	default:
		var err error
		if n, err = u.int32(); err != nil || n < 0 || n > len(u.b) {
			return "", errMarshal
		}
	}
	parts := make([]string, 0, n)
	for range n {
		s, err := u.value(depth + 1)
		if err != nil {
			return "", err
		}
		parts = append(parts, s)
	}
	name := map[byte]string{'[': "list", '<': "set", '>': "frozenset", ':': "slice"}[t]
	return name + "(" + strings.Join(parts, ", ") + ")", nil
}

func (u *unmarshaller) dict(depth int) (string, error) {
	var parts []string
	for {
		k, err := u.value(depth + 1)
		if err != nil {
			return "", err
		}
		if k == "<null>" {
			return "{" + strings.Join(parts, ", ") + "}", nil
		}
		v, err := u.value(depth + 1)
		if err != nil {
			return "", err
		}
		parts = append(parts, k+": "+v)
	}
}

func (u *unmarshaller) code(depth int) (string, error) {
	c := &code{}
	outer := u.codes
	u.codes = &c.inner
	for _, f := range u.layout {
		typ, name, _ := strings.Cut(f, ":")
		var text string
		if typ == "i" {
			n, err := u.int32()
			if err != nil {
				return "", err
			}
			text = strconv.Itoa(n)
		} else {
			var err error
			if text, err = u.value(depth + 1); err != nil {
				return "", err
			}
		}
		if name == "name" {
			c.name, _ = strconv.Unquote(text)
		}
		c.fields = append(c.fields, field{name: name, value: text})
	}
	u.codes = outer
	*outer = append(*outer, c)
	// Its place is named among the constants, its content told as a code object.
	return "<code " + c.name + ">", nil
}

// unmarshal reads the code object of a module.
func unmarshal(b []byte, layout string) (*code, error) {
	var top []*code
	u := &unmarshaller{b: b, layout: strings.Fields(layout), left: maxValues, codes: &top}
	if _, err := u.value(0); err != nil {
		return nil, err
	}
	if len(u.b) != 0 || len(top) != 1 || b[0]&0x7f != 'c' {
		return nil, errMarshal
	}
	return top[0], nil
}
