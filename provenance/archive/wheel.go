package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// Entry is one member of a zip, as its central directory has it.
type Entry struct {
	Name     string    // as written; a folder's ends in "/"
	Order    int       // place in the central directory, from 0
	Mode     uint32    // Unix st_mode with its type bits; 0: the zip gives none
	Creator  uint16    // "version made by"; the high byte 3 is Unix, 0 is DOS
	Flags    uint16    // general purpose bits
	Method   uint16    // 0 stored, 8 deflated
	Time     time.Time // the DOS time, which has no zone, as if it were UTC; zero when it names no instant
	CRC32    uint32
	Size     int64 // unpacked
	Packed   int64
	Extra    []byte // central extra field, raw
	Comment  string
	External uint32 // external attributes, raw
	Offset   int64  // of the local header

	dos uint32 // time and date fields, raw, to hold against the local header
}

// Dir reports whether the member is a folder.
func (e *Entry) Dir() bool { return strings.HasSuffix(e.Name, "/") }

// Unix reports whether the zip was made on a system with Unix modes.
func (e *Entry) Unix() bool { return e.Creator>>8 == 3 || e.Creator>>8 == 19 }

// Executable reports whether an installer would set executable bits.
func (e *Entry) Executable() bool { return e.Mode&0o111 != 0 }

// Wheel is an open wheel.
type Wheel struct {
	File     string // as the caller named it
	Entries  []Entry
	DistInfo string // "foo-1.0.dist-info"
	DataDir  string // "foo-1.0.data"; whether it is there or not
	Info     WheelInfo
	Metadata []byte      // METADATA
	Record   []RecordRow // nil when RECORD is missing or malformed (level Read)
	Comment  string      // the zip's comment

	zip    *container
	closer io.Closer
}

// OpenWheel opens the wheel at path. Close it. The error is a [*Error] for
// anything wrong with the file itself, and one of package os otherwise.
func OpenWheel(path string, level Level) (*Wheel, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a wheel: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("opening a wheel: %s is not a file", path)
	}
	var w *Wheel
	if err == nil {
		w, err = ReadWheel(filepath.Base(path), f, info.Size(), level)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	w.closer = f
	return w, nil
}

// ReadWheel reads a wheel of size bytes from r, which may be far away: at level
// [Read] it touches the tail, WHEEL, METADATA and RECORD only. name, the wheel's
// file name, is used in errors and held against the .dist-info folder.
func ReadWheel(name string, r io.ReaderAt, size int64, level Level) (*Wheel, error) {
	c, err := openZip(name, r, size)
	if err != nil {
		return nil, err
	}
	w := &Wheel{File: name, Entries: c.entries, Comment: c.comment, zip: c}
	if err := w.findDistInfo(); err != nil {
		return nil, err
	}
	raw, err := w.ReadFile(w.DistInfo+"/WHEEL", MaxText)
	if err != nil {
		return nil, err
	}
	if w.Info, err = parseWheelInfo(raw); err != nil {
		return nil, c.refuse(w.DistInfo+"/WHEEL", BadField, "%v", err)
	}
	if w.Metadata, err = w.ReadFile(w.DistInfo+"/METADATA", MaxText); err != nil {
		return nil, err
	}
	var refusal *Error
	if err := w.readRecord(); err != nil && (level == Audit || !errors.As(err, &refusal)) {
		return nil, err
	}
	if level == Audit {
		err = w.audit()
	}
	return w, err
}

// Close releases the file that OpenWheel opened.
func (w *Wheel) Close() error {
	if w.closer == nil {
		return nil
	}
	return w.closer.Close()
}

// Lookup finds a file by name, nil when there is none.
func (w *Wheel) Lookup(name string) *Entry {
	i, ok := w.zip.byName[name]
	if !ok || w.zip.entries[i].Dir() {
		return nil
	}
	return &w.zip.entries[i]
}

// Open reads one member, whose local header is checked now; its size and CRC are
// checked at its end, so read to io.EOF before trusting what was read.
func (w *Wheel) Open(e *Entry) (io.ReadCloser, error) { return w.zip.open(e) }

// ReadFile reads one file whole. The error is fs.ErrNotExist (wrapped) when
// there is none, a [*Error] of kind [TooBig] when it is larger than limit.
func (w *Wheel) ReadFile(name string, limit int64) ([]byte, error) {
	e := w.Lookup(name)
	if e == nil {
		return nil, fmt.Errorf("reading %s: member %q: %w", w.File, name, fs.ErrNotExist)
	}
	if e.Size > limit {
		return nil, w.zip.refuse(name, TooBig, "%d bytes, at most %d are read", e.Size, limit)
	}
	r, err := w.Open(e)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// findDistInfo demands exactly one .dist-info folder, that of the file's name:
// with two, installers differ in which one they believe.
func (w *Wheel) findDistInfo() error {
	for i := range w.Entries {
		top, _, below := strings.Cut(w.Entries[i].Name, "/")
		if !below || !strings.HasSuffix(top, ".dist-info") || top == w.DistInfo {
			continue
		}
		if w.DistInfo != "" {
			return w.zip.refuse("", NoDistInfo, "two .dist-info folders, %s and %s", w.DistInfo, top)
		}
		w.DistInfo = top
	}
	if w.DistInfo == "" {
		return w.zip.refuse("", NoDistInfo, "no .dist-info folder: not a wheel")
	}
	stem := strings.TrimSuffix(w.DistInfo, ".dist-info")
	w.DataDir = stem + ".data"
	want, _, _ := strings.Cut(w.File, "-")
	have, _, _ := strings.Cut(stem, "-")
	if strings.HasSuffix(w.File, ".whl") && normalName(want) != normalName(have) {
		return w.zip.refuse("", NoDistInfo, "its folder %s is that of another package", w.DistInfo)
	}
	for _, n := range []string{"/WHEEL", "/METADATA"} {
		if w.Lookup(w.DistInfo+n) == nil {
			return w.zip.refuse("", NoDistInfo, "%s%s is missing", w.DistInfo, n)
		}
	}
	return nil
}

// normalName is PEP 503's, for names that hold no "-" any more.
func normalName(s string) string {
	fields := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.Join(fields, "-")
}

// Content is the content hash in hex (see the package comment). It reads every file.
func (w *Wheel) Content() (string, error) {
	sums, err := w.Sums()
	if err != nil {
		return "", err
	}
	return w.ContentOf(sums), nil
}

// ContentOf is the content hash of a wheel whose files' hashes are known already.
func (w *Wheel) ContentOf(sums map[string][32]byte) string {
	lines := make([]string, 0, len(sums))
	for name, sum := range sums {
		if w.isRecord(name) {
			continue
		}
		mode := "644"
		if w.Lookup(name).Executable() {
			mode = "755"
		}
		lines = append(lines, hex.EncodeToString(sum[:])+" "+mode+" "+name+"\n")
	}
	sort.Strings(lines)
	h := sha256.New()
	for _, l := range lines {
		io.WriteString(h, l)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Sums is the SHA-256 of each file, RECORD too. It reads every file.
func (w *Wheel) Sums() (map[string][32]byte, error) {
	sums := make(map[string][32]byte, len(w.Entries))
	buf := make([]byte, 64<<10)
	for i := range w.Entries {
		e := &w.Entries[i]
		r, err := w.Open(e)
		if err != nil {
			return nil, err
		}
		h := sha256.New()
		_, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{r}, buf)
		r.Close()
		if err != nil {
			return nil, err
		}
		if !e.Dir() {
			sums[e.Name] = [32]byte(h.Sum(nil))
		}
	}
	return sums, nil
}

// Content is the content hash of the wheel at path.
func Content(path string) (string, error) {
	w, err := OpenWheel(path, Read)
	if err != nil {
		return "", err
	}
	defer w.Close()
	return w.Content()
}

// OpenPacked reads the packed bytes of one member, for comparing two archives.
func (w *Wheel) OpenPacked(e *Entry) (io.Reader, error) {
	data, err := w.zip.local(e)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(w.zip.r, data, e.Packed), nil
}
