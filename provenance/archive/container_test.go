package archive

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func containerOf(t *testing.T, b []byte) *Container {
	t.Helper()
	w, err := readBytes(b, Read)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Container()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func repack(t *testing.T, b []byte, c *Container) ([]byte, error) {
	t.Helper()
	w, err := readBytes(b, Audit)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = w.Repack(&out, c)
	return out.Bytes(), err
}

// other is a container that a second machine would have made around the same files.
func other(parts []part) []part {
	le := binary.LittleEndian
	out := append([]part{}, parts...)
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	out[0].mode = 0o100664
	out[1].extra = []byte{0x55, 0x54, 1, 0, 3}
	out[2].descriptor = func(crc, packed, n uint32) []byte {
		b := le.AppendUint32(le.AppendUint32(nil, sigDescriptor), crc)
		return le.AppendUint32(le.AppendUint32(b, packed), n)
	}
	return append([]part{{name: "foo/", store: true}}, out...)
}

func TestRepack(t *testing.T) {
	parts := wheelParts(part{name: "foo/__init__.py", body: "x = 1\n"}, part{name: "foo/run.sh", body: "#!/bin/sh\n", mode: 0o100755})
	ours, theirs := rawZip(parts, "", "", ""), rawZip(other(parts), "", "", "made elsewhere")
	c := containerOf(t, theirs)
	got, err := repack(t, ours, c)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, theirs) {
		t.Errorf("the container did not give the published bytes:\n%q\n%q", got, theirs)
	}
	back, err := repack(t, got, containerOf(t, ours))
	if err != nil || !bytes.Equal(back, ours) {
		t.Errorf("and back: %v", err)
	}
	again, err := ParseContainer(c.Text())
	if err != nil || !bytes.Equal(again.Text(), c.Text()) {
		t.Errorf("text: %v", err)
	}

	more := wheelParts(part{name: "foo/__init__.py", body: "x = 1\n"}, part{name: "foo/run.sh", body: "#!/bin/sh\n"}, part{name: "foo/b.py"})
	if _, err := repack(t, rawZip(more, "", "", ""), c); kindOf(err) != Method {
		t.Errorf("a file that the container has not: %v", err)
	}
	fewer := wheelParts(part{name: "foo/__init__.py", body: "x = 1\n"})
	if _, err := repack(t, rawZip(fewer, "", "", ""), c); kindOf(err) != Method {
		t.Errorf("a file that the wheel has not: %v", err)
	}
	stored := append([]part{}, parts...)
	stored[0].store = true
	if _, err := repack(t, rawZip(stored, "", "", ""), c); kindOf(err) != Method {
		t.Errorf("a stored file that is to be packed: %v", err)
	}
	if got, err := repack(t, ours, containerOf(t, rawZip(stored, "", "", ""))); err != nil || !bytes.Equal(got, rawZip(stored, "", "", "")) {
		t.Errorf("a packed file that is to be stored: %v", err)
	}
}

func TestParseContainerRefusals(t *testing.T) {
	line := "2026-11-06T06:25:42 81a40000 0314 0014 0000 8 0 0000 - - foo.py\n"
	if _, err := ParseContainer([]byte(containerHead + line)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", line, containerHead + line + line, containerHead + strings.TrimSuffix(line, "\n"),
		containerHead + strings.Replace(line, "42 ", "43 ", 1),
		containerHead + strings.Replace(line, "0314", "+314", 1),
		containerHead + strings.Replace(line, "0314", "314", 1),
		containerHead + strings.Replace(line, "81a4", "81A4", 1),
		containerHead + strings.Replace(line, " 8 ", " 12 ", 1),
		containerHead + strings.Replace(line, " 0000 8", " 0001 8", 1),
		containerHead + strings.Replace(line, " 0 ", " 13 ", 1),
		containerHead + strings.Replace(line, "foo.py", "../foo.py", 1),
		containerHead + strings.Replace(line, "foo.py", "/foo.py", 1),
		containerHead + line + "comment 61\n",
		containerHead + "comment 6\n" + line,
	} {
		if _, err := ParseContainer([]byte(bad)); err == nil {
			t.Errorf("accepted: %q", bad)
		}
	}
}

// TestRepackPublished: whatever wheel there is, its own container around its own
// files gives its own bytes.
func TestRepackPublished(t *testing.T) {
	dir := os.Getenv("WHEELLOCK_WHEELS")
	if dir == "" {
		t.Skip("WHEELLOCK_WHEELS names no folder of published wheels")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.whl"))
	for _, f := range files {
		w, err := OpenWheel(f, Read)
		if err != nil {
			t.Error(err)
			continue
		}
		c, err := w.Container()
		if err != nil {
			t.Log(err)
			continue
		}
		var out bytes.Buffer
		want, _ := os.ReadFile(f)
		if err := w.Repack(&out, c); err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s: %v", filepath.Base(f), err)
		}
		w.Close()
	}
}
