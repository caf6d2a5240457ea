package compare

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// bytecode compares two .pyc files (PEP 3147, 552): header, then code object by
// code object. nil: they are not to be read here, so their bytes are compared.
func bytecode(a, b []byte) *difference {
	x, errA := readBytecode(a)
	y, errB := readBytecode(b)
	if errA != nil || errB != nil {
		return nil
	}
	l := &difference{cause: PreprocessedData}
	var same []string
	for i, f := range x.head {
		if g := y.head[i]; f.value != g.value {
			same = append(same, fmt.Sprintf("%s %s != %s", f.name, orNone(f.value), orNone(g.value)))
		}
	}
	switch {
	case x.code == nil || y.code == nil:
		if string(x.rest) != string(y.rest) {
			l.own = fmt.Sprintf("its code differs, %d != %d bytes", len(x.rest), len(y.rest))
		}
	case string(x.rest) != string(y.rest):
		p := &pairing{count: map[string]int{}, first: map[string]string{}}
		p.compare("", x.code, y.code)
		l.own = p.text()
		if n := p.count["filename"]; n > 0 {
			same = append(same, "compiled as "+p.first["filename"])
			if p.total == n {
				l.cause = NativePath
			}
		}
		if l.own == "" && p.total == 0 {
			same = append(same, "reference marks only, the code is the same")
		}
	}
	l.same = strings.Join(same, "; ")
	return l
}

type pyc struct {
	head []field
	rest []byte
	code *code // nil where the version is not known
}

func readBytecode(b []byte) (*pyc, error) {
	if len(b) < 16 || b[2] != '\r' || b[3] != '\n' {
		return nil, errMarshal
	}
	magic := int(binary.LittleEndian.Uint16(b))
	version, layout := versionOf(magic)
	p := &pyc{rest: b[8:], head: []field{{name: "for Python", value: fmt.Sprintf("%s (%d)", version, magic)}}}
	if magic < 3393 || magic > 10_000 { // before PEP 552
		p.head = append(p.head, field{name: "source's time", value: clockOf(b[4:])}, field{}, field{})
		return p, nil
	}
	flags := binary.LittleEndian.Uint32(b[4:])
	kind, clock, hash := "time", clockOf(b[8:]), ""
	if flags&1 != 0 {
		kind, clock, hash = "hash, unchecked", "", fmt.Sprintf("%x", b[8:16])
		if flags&2 != 0 {
			kind = "hash, checked"
		}
	} else {
		hash = fmt.Sprintf("%d bytes", binary.LittleEndian.Uint32(b[12:]))
	}
	p.head = append(p.head, field{name: "valid by", value: fmt.Sprintf("%s (%d)", kind, flags)}, field{name: "source's time", value: clock}, field{name: "source", value: hash})
	p.rest = b[16:]
	if layout != "" {
		p.code, _ = unmarshal(p.rest, layout)
	}
	return p, nil
}

func clockOf(b []byte) string {
	return time.Unix(int64(binary.LittleEndian.Uint32(b)), 0).UTC().Format(time.DateTime)
}

// pairing counts in which fields code objects differ.
type pairing struct {
	count map[string]int
	first map[string]string
	order []string
	total int
}

func (p *pairing) differ(name, text string) {
	if p.count[name] == 0 {
		p.order, p.first[name] = append(p.order, name), text
	}
	p.count[name]++
	p.total++
}

func (p *pairing) compare(path string, a, b *code) {
	path = join(".", path, a.name)
	for i, f := range a.fields {
		if i >= len(b.fields) || f.value == b.fields[i].value {
			continue
		}
		v, w := clip(f.value), clip(b.fields[i].value)
		switch f.name {
		case "filename":
			p.differ(f.name, strings.Trim(v, `"`)+" != "+strings.Trim(w, `"`))
		case "code", "lines", "exceptions", "localspluskinds":
			p.differ(f.name, fmt.Sprintf("%s %s", path, f.name))
		default:
			p.differ(f.name, fmt.Sprintf("%s %s: %s", path, f.name, quotes([]byte(f.value), []byte(b.fields[i].value))))
		}
	}
	if len(a.inner) != len(b.inner) {
		p.differ("functions", fmt.Sprintf("%s: %d != %d functions and classes", path, len(a.inner), len(b.inner)))
	}
	for i := range min(len(a.inner), len(b.inner)) {
		p.compare(path, a.inner[i], b.inner[i])
	}
}

// text tells what differs beside the name of the source.
func (p *pairing) text() string {
	var parts []string
	for _, name := range p.order {
		if name == "filename" {
			continue
		}
		s := p.first[name]
		if n := p.count[name]; n > 1 {
			s += fmt.Sprintf(" and %d more", n-1)
		}
		if parts = append(parts, s); len(parts) == 3 {
			break
		}
	}
	return strings.Join(parts, "; ")
}
