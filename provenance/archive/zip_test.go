package archive

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"
)

// part is a member for rawZip, which writes what it is told, right or wrong.
type part struct {
	name, body string
	mode       uint32
	store      bool
	flags      uint16
	local      string                             // another name for the local header
	extra      []byte                             // central extra field
	patchLocal func(header []byte)                // changes the local header
	patchDir   func(header []byte)                // changes the central header
	gap        string                             // bytes after the data
	pack       func(packed []byte) []byte         // changes the packed data
	descriptor func(crc, packed, n uint32) []byte // instead of sizes in the local header
}

func rawZip(parts []part, before, after, comment string) []byte {
	var b, dir bytes.Buffer
	le := binary.LittleEndian
	b.WriteString(before)
	for _, p := range parts {
		packed, method := []byte(p.body), uint16(0)
		if !p.store {
			var z bytes.Buffer
			w, _ := flate.NewWriter(&z, 6)
			io.WriteString(w, p.body)
			w.Close()
			packed, method = z.Bytes(), 8
		}
		if p.pack != nil {
			packed = p.pack(packed)
		}
		flags := p.flags
		if p.descriptor != nil {
			flags |= flagDescriptor
		}
		if p.mode == 0 {
			p.mode = 0o100644
			if strings.HasSuffix(p.name, "/") {
				p.mode = 0o40755
			}
		}
		crc, size := crc32.ChecksumIEEE([]byte(p.body)), uint32(len(p.body))
		common := make([]byte, 22) // flags .. name length, the same in both headers
		le.PutUint16(common[0:], flags)
		le.PutUint16(common[2:], method)
		le.PutUint32(common[4:], 0x5a210000)
		le.PutUint32(common[8:], crc)
		le.PutUint32(common[12:], uint32(len(packed)))
		le.PutUint32(common[16:], size)

		local := append([]byte("PK\x03\x04\x14\x00"), common...)
		if p.descriptor != nil {
			clear(local[14:26])
		}
		name := p.name
		if p.local != "" {
			name = p.local
		}
		local = append(local, 0, 0)[:lenLocal]
		le.PutUint16(local[26:], uint16(len(name)))
		if p.patchLocal != nil {
			p.patchLocal(local)
		}
		h := make([]byte, lenCentral)
		copy(h, "PK\x01\x02\x14\x03\x14\x00")
		copy(h[8:], common[:20])
		le.PutUint16(h[28:], uint16(len(p.name)))
		le.PutUint16(h[30:], uint16(len(p.extra)))
		le.PutUint32(h[38:], p.mode<<16)
		le.PutUint32(h[42:], uint32(b.Len()))
		if p.patchDir != nil {
			p.patchDir(h)
		}
		dir.Write(h)
		dir.WriteString(p.name)
		dir.Write(p.extra)
		b.Write(local)
		b.WriteString(name)
		b.Write(packed)
		if p.descriptor != nil {
			b.Write(p.descriptor(crc, uint32(len(packed)), size))
		}
		b.WriteString(p.gap)
	}
	end := make([]byte, lenEnd)
	copy(end, "PK\x05\x06")
	le.PutUint16(end[8:], uint16(len(parts)))
	le.PutUint16(end[10:], uint16(len(parts)))
	le.PutUint32(end[12:], uint32(dir.Len()))
	le.PutUint32(end[16:], uint32(b.Len()))
	le.PutUint16(end[20:], uint16(len(comment)))
	b.Write(dir.Bytes())
	b.Write(end)
	b.WriteString(comment + after)
	return b.Bytes()
}

const wheelText = "Wheel-Version: 1.0\nGenerator: hand (1)\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

// wheelParts completes files to a wheel foo-1.0 with a right RECORD.
func wheelParts(files ...part) []part {
	files = append(files,
		part{name: "foo-1.0.dist-info/WHEEL", body: wheelText},
		part{name: "foo-1.0.dist-info/METADATA", body: "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"})
	record := ""
	for _, f := range files {
		if !strings.HasSuffix(f.name, "/") {
			record += recordLine(f.name, f.body)
		}
	}
	return append(files, part{name: "foo-1.0.dist-info/RECORD", body: record + "foo-1.0.dist-info/RECORD,,\n"})
}

func recordLine(name, body string) string {
	sum := sha256.Sum256([]byte(body))
	return fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(body))
}

func readBytes(b []byte, level Level) (*Wheel, error) {
	return ReadWheel("foo-1.0-py3-none-any.whl", bytes.NewReader(b), int64(len(b)), level)
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func TestGoodWheel(t *testing.T) {
	parts := wheelParts(
		part{name: "foo/", body: "", store: true},
		part{name: "foo/__init__.py", body: "x = 1\n"},
		part{name: "foo/run.sh", body: "#!/bin/sh\n", mode: 0o100755},
		part{name: "foo/é.py", body: "", store: true, flags: flagUTF8},
	)
	w, err := readBytes(rawZip(parts, "", "", ""), Audit)
	if err != nil {
		t.Fatal(err)
	}
	if w.DistInfo != "foo-1.0.dist-info" || w.Info.Generator != "hand (1)" || !w.Info.Purelib || w.Info.Tags[0] != "py3-none-any" {
		t.Errorf("got %s %+v", w.DistInfo, w.Info)
	}
	if len(w.Record) != 6 || !strings.Contains(string(w.Metadata), "Name: foo") {
		t.Errorf("RECORD has %d rows, METADATA %q", len(w.Record), w.Metadata)
	}
	e := w.Lookup("foo/run.sh")
	if e == nil || !e.Executable() || !e.Unix() || !e.Time.Equal(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("foo/run.sh is %+v", e)
	}
	if w.Lookup("foo/") != nil || w.Lookup("foo") != nil {
		t.Error("a folder is found as a file")
	}
}

func TestDescriptors(t *testing.T) {
	le := binary.LittleEndian
	short := func(crc, packed, n uint32) []byte {
		b := le.AppendUint32(le.AppendUint32(nil, sigDescriptor), crc)
		return le.AppendUint32(le.AppendUint32(b, packed), n)
	}
	long := func(crc, packed, n uint32) []byte {
		b := le.AppendUint32(nil, crc)
		return le.AppendUint64(le.AppendUint64(b, uint64(packed)), uint64(n))
	}
	wrong := func(crc, packed, n uint32) []byte { return short(crc, packed, n+1) }
	for i, d := range []struct {
		f    func(crc, packed, n uint32) []byte
		want Kind
	}{{short, ""}, {long, ""}, {wrong, HeaderDiffer}} {
		_, err := readBytes(rawZip(wheelParts(part{name: "a.py", body: "a", descriptor: d.f}), "", "", ""), Audit)
		if got := kindOf(err); got != d.want || (d.want == "") != (err == nil) {
			t.Errorf("case %d: got %v, want %q", i, err, d.want)
		}
	}
}

// TestRefusals: what both levels refuse, and what only an audit does.
func TestRefusals(t *testing.T) {
	le := binary.LittleEndian
	one := func(p part) []byte { return rawZip(wheelParts(p), "", "", "") }
	two := func(a, b string) []byte {
		u := func(s string) part { return part{name: s, body: "x", flags: flagUTF8} }
		return rawZip(wheelParts(u(a), u(b)), "", "", "")
	}
	overlapping := func() []byte {
		at := uint32(0)
		return rawZip(wheelParts(part{name: "a.py", body: "aaaa"}, part{name: "b.py", body: "aaaa", patchDir: func(h []byte) {
			le.PutUint32(h[42:], at)
		}}), "", "", "")
	}
	good := wheelParts(part{name: "a.py", body: "a"})
	cases := []struct {
		what string
		b    []byte
		read Kind // "": only an audit refuses it
		want Kind
	}{
		{"nothing", nil, NotZip, NotZip},
		{"text", []byte(strings.Repeat("no zip ", 100)), NotZip, NotZip},
		{"cut off", rawZip(good, "", "", "")[:300], NotZip, NotZip},
		{"dot dot", one(part{name: "../a.py"}), BadName, BadName},
		{"dot dot within", one(part{name: "a/../../a.py"}), BadName, BadName},
		{"dot", one(part{name: "a/./b.py"}), BadName, BadName},
		{"absolute", one(part{name: "/etc/a"}), BadName, BadName},
		{"empty part", one(part{name: "a//b"}), BadName, BadName},
		{"backslash", one(part{name: `a\b.py`}), BadName, BadName},
		{"drive", one(part{name: "C:a.py"}), BadName, BadName},
		{"NUL", one(part{name: "a.py\x00.txt"}), BadName, BadName},
		{"newline", one(part{name: "a\n.py"}), BadName, BadName},
		{"not UTF-8", one(part{name: "a\xff.py"}), BadName, BadName},
		{"not marked as UTF-8", one(part{name: "é.py"}), BadName, BadName},
		{"second name", one(part{name: "a.py", extra: []byte("\x75\x70\x06\x00\x01\x00\x00\x00\x00b")}), BadName, BadName},
		{"too deep", one(part{name: strings.Repeat("a/", 70) + "b"}), BadName, BadName},
		{"twice", two("a.py", "a.py"), Duplicate, Duplicate},
		{"file and folder", two("a", "a/b.py"), Duplicate, Duplicate},
		{"file and its folder", rawZip(wheelParts(part{name: "a"}, part{name: "a/", store: true}), "", "", ""), Duplicate, Duplicate},
		{"case", two("A.py", "a.py"), Collision, Collision},
		{"case of a folder", two("Ab/x.py", "aB/y.py"), Collision, Collision},
		{"case past ASCII", two("Σ.py", "ς.py"), Collision, Collision},
		{"Kelvin", two("K.py", "k.py"), Collision, Collision},
		{"composed", two("caf\u00e9.py", "cafe\u0301.py"), Collision, Collision},
		{"composed folder", two("caf\u00e9/a.py", "cafe\u0301/b.py"), Collision, Collision},
		{"jamo", two("\uac00.py", "\u1100\u1161.py"), Collision, Collision},
		{"singleton", two("\u00c5.py", "\u212b.py"), Collision, Collision},
		{"symlink", one(part{name: "a.py", body: "/etc/passwd", mode: 0o120777}), Link, Link},
		{"device", one(part{name: "a.py", mode: 0o020644}), Special, Special},
		{"folder's mode", one(part{name: "a.py", mode: 0o040755}), Special, Special},
		{"folder with bytes", one(part{name: "a/", body: "x"}), Special, Special},
		{"encrypted", one(part{name: "a.py", flags: 1}), Encrypted, Encrypted},
		{"bzip2", one(part{name: "a.py", patchDir: func(h []byte) { le.PutUint16(h[10:], 12) }}), Method, Method},
		{"bomb", one(part{name: "a.py", patchDir: func(h []byte) { le.PutUint32(h[24:], 1<<30) }}), Bomb, Bomb},
		{"too big", one(part{name: "a.py", patchDir: func(h []byte) { le.PutUint32(h[24:], 0xfffffffe) }}), TooBig, TooBig},
		{"stored sizes", one(part{name: "a.py", body: "a", store: true, patchDir: func(h []byte) { le.PutUint32(h[24:], 2) }}), HeaderDiffer, HeaderDiffer},
		{"overlap", overlapping(), Overlap, Overlap},
		{"bytes before", rawZip(good, "#!/bin/sh\n", "", ""), Surplus, Surplus},
		{"bytes after", rawZip(good, "", "x", ""), Surplus, Surplus},
		{"another end in the comment", rawZip(good, "", "", "PK\x05\x06"+strings.Repeat("\x00", 18)+"!"), Surplus, Surplus},
		{"saturated without zip64", one(part{name: "a.py", patchDir: func(h []byte) { le.PutUint32(h[24:], 0xffffffff) }}), HeaderDiffer, HeaderDiffer},
		{"extra cut off", one(part{name: "a.py", extra: []byte{9, 9, 99, 0}}), HeaderDiffer, HeaderDiffer},
		{"gap", one(part{name: "a.py", body: "a", gap: "hidden"}), "", Surplus},
		{"other local name", one(part{name: "a.py", body: "a", local: "b.py"}), "", HeaderDiffer},
		{"other local method", one(part{name: "a.py", body: "a", patchLocal: func(h []byte) { h[8] = 0 }}), "", HeaderDiffer},
		{"other local size", one(part{name: "a.py", body: "a", patchLocal: func(h []byte) { h[22]++ }}), "", HeaderDiffer},
		{"other local time", one(part{name: "a.py", body: "a", patchLocal: func(h []byte) { h[10]++ }}), "", HeaderDiffer},
		{"no local header", one(part{name: "a.py", body: "a", patchLocal: func(h []byte) { h[0]++ }}), "", HeaderDiffer},
		{"CRC", one(part{name: "a.py", body: "a", patchDir: func(h []byte) { h[16]++ }, patchLocal: func(h []byte) { h[14]++ }}), "", Checksum},
		{"longer", one(part{name: "a.py", body: "aa", patchDir: func(h []byte) { h[24]-- }, patchLocal: func(h []byte) { h[22]-- }}), "", BadRecord},
		{"shorter", one(part{name: "a.py", body: "aa", patchDir: func(h []byte) { h[24]++ }, patchLocal: func(h []byte) { h[22]++ }}), "", BadRecord},
		{"after the stream", one(part{name: "a.py", body: "a", pack: func(b []byte) []byte { return append(b, "hidden"...) }}), "", Surplus},
		{"broken stream", one(part{name: "a.py", body: "a", pack: func([]byte) []byte { return []byte{0xff, 0xff} }}), "", Checksum},
		{"no RECORD", rawZip(good[:len(good)-1], "", "", ""), "", BadRecord},
		{"no WHEEL", rawZip(append(good[:1:1], good[2:]...), "", "", ""), NoDistInfo, NoDistInfo},
		{"no METADATA", rawZip(append(good[:2:2], good[3:]...), "", "", ""), NoDistInfo, NoDistInfo},
		{"no dist-info", rawZip(good[:1], "", "", ""), NoDistInfo, NoDistInfo},
		{"two dist-infos", one(part{name: "bar-1.dist-info/METADATA"}), NoDistInfo, NoDistInfo},
	}
	for _, c := range cases {
		for level, want := range map[Level]Kind{Read: c.read, Audit: c.want} {
			_, err := readBytes(c.b, level)
			if got := kindOf(err); got != want || (want == "") != (err == nil) {
				t.Errorf("%s, level %d: got %v (%q), want %q", c.what, level, err, got, want)
			}
		}
	}
}

// TestWrongSize: a member that unpacks to another size than both headers say.
func TestWrongSize(t *testing.T) {
	for _, d := range []byte{1, 0xff} {
		add := func(at int) func(h []byte) { return func(h []byte) { h[at] += d } }
		b := rawZip(wheelParts(part{name: "a.py", body: "aa", patchDir: add(24), patchLocal: add(22)}), "", "", "")
		w, err := readBytes(b, Read)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Content(); kindOf(err) != Checksum {
			t.Errorf("size changed by %d: %v", int8(d), err)
		}
	}
}

func TestRecord(t *testing.T) {
	files := []part{{name: "a.py", body: "a"}, {name: "foo-1.0.dist-info/WHEEL", body: wheelText}, {name: "foo-1.0.dist-info/METADATA", body: "Name: foo\n"}}
	right := ""
	for _, f := range files {
		right += recordLine(f.name, f.body)
	}
	own := "foo-1.0.dist-info/RECORD,,\n"
	md5 := "a.py,md5=DMF1ucDxtqgxw5niaXcmYQ,1\n"
	for what, c := range map[string]struct {
		record string
		ok     bool
	}{
		"right":          {right + own, true},
		"CRLF":           {strings.ReplaceAll(right+own, "\n", "\r\n"), true},
		"not itself":     {right, true},
		"no size":        {strings.Replace(right, ",1\n", ",\n", 1) + own, true},
		"missing":        {strings.SplitAfterN(right, "\n", 2)[1] + own, false},
		"one too many":   {right + "b.py,,\n" + own, false},
		"twice":          {right + strings.SplitAfter(right, "\n")[0] + own, false},
		"other hash":     {strings.Replace(right, recordLine("a.py", "a"), recordLine("a.py", "b"), 1) + own, false},
		"other size":     {strings.Replace(right, ",1\n", ",2\n", 1) + own, false},
		"weak hash":      {strings.Replace(right, recordLine("a.py", "a"), md5, 1) + own, false},
		"no hash":        {strings.Replace(right, recordLine("a.py", "a"), "a.py,,\n", 1) + own, false},
		"padded hash":    {strings.Replace(right, ",1\n", "=,1\n", 1) + own, false},
		"two columns":    {right + "foo-1.0.dist-info/RECORD,\n", false},
		"signed number":  {strings.Replace(right, ",1\n", ",+1\n", 1) + own, false},
		"unclosed quote": {right + "\"foo", false},
	} {
		b := rawZip(append(files[:3:3], part{name: "foo-1.0.dist-info/RECORD", body: c.record}), "", "", "")
		_, err := readBytes(b, Audit)
		if c.ok && err != nil || !c.ok && kindOf(err) != BadRecord {
			t.Errorf("%s: got %v", what, err)
		}
		if _, err := readBytes(b, Read); err != nil {
			t.Errorf("%s: only an audit may refuse it: %v", what, err)
		}
	}
}

// TestContent holds the hash against one computed here from the definition, and
// checks what it must and must not depend on.
func TestContent(t *testing.T) {
	a, b := part{name: "a.py", body: "a"}, part{name: "b.sh", body: "b", mode: 0o100755}
	parts := wheelParts(a, b)
	var lines []string
	for _, p := range parts[:4] {
		sum, mode := sha256.Sum256([]byte(p.body)), "644"
		if p.mode == 0o100755 {
			mode = "755"
		}
		lines = append(lines, hex.EncodeToString(sum[:])+" "+mode+" "+p.name+"\n")
	}
	sort.Strings(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	want := hex.EncodeToString(sum[:])
	content := func(parts []part) string {
		w, err := readBytes(rawZip(parts, "", "", ""), Read)
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.Content()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if got := content(parts); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	b.store, b.mode = true, 0o100775
	same := append(wheelParts(part{name: "x/", store: true}, b, a), part{name: "foo-1.0.dist-info/RECORD.jws", body: "{}"})
	if got := content(same); got != want {
		t.Error("folders, order, deflate, RECORD's signature or a group bit change the content hash")
	}
	b.mode = 0o100644
	if content(wheelParts(a, b)) == want {
		t.Error("an executable bit does not change the content hash")
	}
	if content(wheelParts(a, b, part{name: "pkg/RECORD"})) == content(wheelParts(a, b)) {
		t.Error("a file called RECORD elsewhere is left out")
	}
}

func FuzzReadWheel(f *testing.F) {
	f.Add(rawZip(wheelParts(part{name: "a.py", body: "a"}), "", "", ""))
	f.Add(rawZip(wheelParts(part{name: "a/", store: true}, part{name: "é", flags: flagUTF8}), "", "", "comment"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := readBytes(b, Audit)
		if err != nil {
			if kindOf(err) == "" {
				t.Fatalf("an untyped error: %v", err)
			}
			return
		}
		if _, err := w.Content(); err != nil {
			t.Fatalf("audited, then unreadable: %v", err)
		}
	})
}

// TestPublishedWheels audits wheels that a person put into a folder, where there is one.
func TestPublishedWheels(t *testing.T) {
	dir := os.Getenv("WHEELLOCK_WHEELS")
	if dir == "" {
		t.Skip("WHEELLOCK_WHEELS names no folder of published wheels")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.whl"))
	for _, f := range files {
		w, err := OpenWheel(f, Audit)
		if err != nil {
			t.Error(err)
			continue
		}
		w.Close()
	}
}
