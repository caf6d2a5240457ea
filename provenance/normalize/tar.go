package normalize

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// block is the unit of a tar (POSIX.1-2017, pax).
const block = 512

// writeTar writes the members as a tar. The writer of the standard library chooses
// among formats by rules that have changed from release to release.
func writeTar(w io.Writer, data io.ReaderAt, list []source, epoch int64) error {
	for _, s := range list {
		mode, kind := 0o644, byte('0')
		if s.executable {
			mode = 0o755
		}
		if s.link != "" {
			mode, kind = 0o777, '2'
		}
		var head []byte
		if x := paxRecords(s); x != nil {
			head = append(header("pax", "", 0o644, int64(len(x)), epoch, 'x'), padded(x)...)
		}
		head = append(head, header(plain(s.name), plain(s.link), mode, s.size, epoch, kind)...)
		if _, err := w.Write(head); err != nil {
			return err
		}
		if _, err := io.Copy(w, io.NewSectionReader(data, s.at, s.size)); err != nil {
			return err
		}
		if _, err := w.Write(make([]byte, -s.size&(block-1))); err != nil {
			return err
		}
	}
	_, err := w.Write(make([]byte, 2*block))
	return err
}

// paxRecords are the fields that the header cannot hold; nil: none.
func paxRecords(s source) []byte {
	var b []byte
	for _, x := range [][2]string{{"linkpath", s.link}, {"path", s.name}} {
		if x[1] != plain(x[1]) {
			b = append(b, paxRecord(x[0], x[1])...)
		}
	}
	return b
}

// paxRecord is "LENGTH KEY=VALUE\n", whose length counts its own digits.
func paxRecord(key, value string) string {
	rest := len(key) + len(value) + 3
	n := rest + len(fmt.Sprint(rest))
	n = rest + len(fmt.Sprint(n))
	return fmt.Sprintf("%d %s=%s\n", n, key, value)
}

// plain is a name as the header has it: what it cannot hold is replaced and cut,
// and stands in a pax record.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return '_'
		}
		return r
	}, name)
	return name[:min(len(name), 100)]
}

// header is one block: owner and group are 0 without names.
func header(name, link string, mode int, size, epoch int64, kind byte) []byte {
	h := make([]byte, block)
	copy(h, name)
	for _, f := range []struct {
		at, digits int
		value      int64
	}{{100, 7, int64(mode)}, {108, 7, 0}, {116, 7, 0}, {124, 11, size}, {136, 11, epoch}, {329, 7, 0}, {337, 7, 0}} {
		copy(h[f.at:], fmt.Sprintf("%0*o", f.digits, f.value))
	}
	h[156] = kind
	copy(h[157:], link)
	copy(h[257:], "ustar\x0000")
	copy(h[148:], bytes.Repeat([]byte{' '}, 8))
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

func padded(b []byte) []byte { return append(b, make([]byte, -len(b)&(block-1))...) }
