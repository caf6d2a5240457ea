package archive

import (
	"errors"
	"io"
	"time"
)

var errUnwritten = errors.New("unwritten")

// Entry is one member of a zip, as its central directory has it.
type Entry struct {
	Name     string    // as written; a folder's ends in "/"
	Order    int       // place in the central directory, from 0
	Mode     uint32    // Unix st_mode with its type bits; 0: the zip gives none
	Creator  uint16    // "version made by"; the high byte 3 is Unix, 0 is DOS
	Flags    uint16    // general purpose bits
	Method   uint16    // 0 stored, 8 deflated
	Time     time.Time // the DOS time, which has no zone, as if it were UTC; zero when it is none
	CRC32    uint32
	Size     int64 // unpacked
	Packed   int64
	Extra    []byte // central extra field, raw
	Comment  string
	External uint32 // external attributes, raw
	Offset   int64  // of the local header
}

// Dir reports whether the member is a folder.
func (e *Entry) Dir() bool { return len(e.Name) > 0 && e.Name[len(e.Name)-1] == '/' }

// Executable reports whether an installer would set executable bits.
func (e *Entry) Executable() bool { return e.Mode&0o111 != 0 }

// WheelInfo is the WHEEL file.
type WheelInfo struct {
	Version   string   // Wheel-Version
	Generator string   // "setuptools (80.9.0)", "flit 3.12.0"; "" when there is none
	Purelib   bool     // Root-Is-Purelib
	Tags      []string // in the file's order: "py3-none-any"
	Build     string
	Raw       []byte
}

// RecordRow is one line of RECORD.
type RecordRow struct {
	Path string
	Hash string // "sha256=BASE64URL" as written; "" for RECORD itself
	Size int64  // -1 when not given
}

// Wheel is an open wheel.
type Wheel struct {
	File     string // as the caller named it
	Entries  []Entry
	DistInfo string // "foo-1.0.dist-info"
	DataDir  string // "foo-1.0.data"; whether it is there or not
	Info     WheelInfo
	Metadata []byte      // METADATA
	Record   []RecordRow // nil when RECORD is missing (only at level Read)
	Comment  string      // the zip's comment
}

// OpenWheel opens the wheel at path. Close it. The error is a *Error for
// anything wrong with the file itself.
func OpenWheel(path string, level Level) (*Wheel, error) { return nil, errUnwritten }

// ReadWheel reads a wheel of size bytes from r, which may be far away: at level
// [Read] it touches the tail, WHEEL, METADATA and RECORD only. name is used in errors.
func ReadWheel(name string, r io.ReaderAt, size int64, level Level) (*Wheel, error) {
	return nil, errUnwritten
}

// Close releases the file that OpenWheel opened.
func (w *Wheel) Close() error { return nil }

// Lookup finds a member by name, nil when there is none.
func (w *Wheel) Lookup(name string) *Entry { return nil }

// Open reads one member; its size and CRC are checked at its end.
func (w *Wheel) Open(e *Entry) (io.ReadCloser, error) { return nil, errUnwritten }

// ReadFile reads one member whole; it refuses more than limit bytes.
func (w *Wheel) ReadFile(name string, limit int64) ([]byte, error) { return nil, errUnwritten }

// Content is the content hash in hex (see the package comment). It reads every file.
func (w *Wheel) Content() (string, error) { return "", errUnwritten }

// Content is the content hash of the wheel at path.
func Content(path string) (string, error) { return "", errUnwritten }
