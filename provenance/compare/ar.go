package compare

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// readAr lists the members of an ar archive: a .deb (deb(5)), or a library (.a)
// with the long names of System V or BSD.
func (c *run) readAr(file string, x content) (*tree, error) {
	t := &tree{kind: arKind, columns: arColumns}
	refuse := func(name string, k archive.Kind, format string, args ...any) error {
		return &archive.Error{File: file, Name: name, Kind: k, Msg: fmt.Sprintf(format, args...)}
	}
	var long []byte
	at := int64(8)
	for at < x.size {
		h := make([]byte, 60)
		if x.size-at < 60 {
			return nil, refuse("", archive.Truncated, "it ends within the header of its member %d", len(t.members)+1)
		}
		if _, err := x.at.ReadAt(h, at); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		size, err := strconv.ParseInt(strings.TrimRight(string(h[48:58]), " "), 10, 64)
		if err != nil || size < 0 || h[58] != '`' || h[59] != '\n' {
			return nil, refuse("", archive.NotZip, "no header of a member at %d", at)
		}
		if at += 60; size > x.size-at {
			return nil, refuse(string(h[:16]), archive.Truncated, "the archive ends within it")
		}
		if len(t.members) >= archive.MaxEntries {
			return nil, refuse("", archive.TooBig, "more than %d members", archive.MaxEntries)
		}
		name, off := strings.TrimRight(string(h[:16]), " "), int64(0)
		if n, bsd := strings.CutPrefix(name, "#1/"); bsd {
			n, err := strconv.Atoi(n)
			if err != nil || n < 0 || n > archive.MaxName || int64(n) > size {
				return nil, refuse(name, archive.BadName, "its long name does not fit")
			}
			b := make([]byte, n)
			if _, err := x.at.ReadAt(b, at); err != nil {
				return nil, fmt.Errorf("reading %s: %w", file, err)
			}
			name, off = strings.TrimRight(string(b), "\x00"), int64(n)
		} else if name == "//" {
			long, _, err = section(x.at, at, size).all(archive.MaxText)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", file, err)
			}
		} else if n, err := strconv.Atoi(strings.TrimPrefix(name, "/")); err == nil && name[0] == '/' && n >= 0 && n < len(long) {
			first, _, _ := bytes.Cut(long[n:], []byte("\n"))
			name = strings.TrimSuffix(string(first), "/")
		} else if len(name) > 1 && name != "//" {
			name = strings.TrimSuffix(name, "/")
		}
		m := arMember(name, h)
		m.data = section(x.at, at+off, size-off)
		t.members = append(t.members, m)
		at += size + size&1
	}
	return t, nil
}

var arColumns = []column{{"times", ZipTimes, false}, {"owners", ZipModes, true}, {"modes", ZipModes, true}}

func arMember(name string, h []byte) *member {
	m := &member{name: name, what: isFile, residue: masked(h, 0, 58)}
	text := func(from, to int) string { return strings.TrimRight(string(h[from:to]), " ") }
	clock := text(16, 28)
	if n, err := strconv.ParseInt(clock, 10, 64); err == nil {
		clock = time.Unix(n, 0).UTC().Format(time.DateTime)
	}
	m.values = []string{clock, text(28, 34) + ":" + text(34, 40), text(40, 48)}
	return m
}
