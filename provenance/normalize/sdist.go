package normalize

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// errLarge is a wheel for which a zip would need 64-bit fields.
var errLarge = errors.New("it has 4 GB or 65,535 files; zip64 has no normal form")

// source is a member of a source archive, its bytes kept aside.
type source struct {
	name       string
	link       string // where a symbolic link leads; "" for a file
	executable bool
	at, size   int64
}

// sdist writes the normal form of a source archive. Its bytes are put aside in a
// temporary file beside dst while the members are put in order.
func sdist(dst *os.File, path string, o Options, r *Result) error {
	spool, err := os.CreateTemp(filepath.Dir(dst.Name()), ".normalize-*")
	if err != nil {
		return err
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	list, err := spoolMembers(spool, path, r)
	if err != nil {
		return err
	}
	epoch := o.Epoch
	if epoch == 0 {
		epoch = SdistEpoch
	}
	z := newGzip(dst)
	in, out := io.Pipe()
	go func() { out.CloseWithError(writeTar(out, spool, list, epoch)) }()
	err = z.pack(in)
	in.CloseWithError(err) // ends the writer, where it is not at its end
	return err
}

// spoolMembers puts the files aside and returns all members in order.
func spoolMembers(spool *os.File, path string, r *Result) ([]source, error) {
	var list []source
	byName := map[string]int{} // files
	var folders []string
	n := int64(0)
	w := bufio.NewWriterSize(spool, 1<<18)
	err := archive.EachMember(path, func(m archive.TarMember, data io.Reader) error {
		s := source{name: m.Name, executable: m.Mode&0o111 != 0, at: n}
		switch m.Kind {
		case 'd':
			folders = append(folders, m.Name+"/")
			return nil
		case 'l':
			if s.link = m.Link; !utf8.ValidString(s.link) {
				return &archive.Error{File: filepath.Base(path), Name: m.Name, Kind: archive.BadName, Msg: "a link whose target is not UTF-8"}
			}
		case 'h': // the same file again
			was := list[byName[m.Link]]
			s.executable, s.at, s.size = was.executable, was.at, was.size
			byName[m.Name] = len(list)
		default:
			var err error
			if s.size, err = io.Copy(w, data); err != nil {
				return err
			}
			n += s.size
			byName[m.Name] = len(list)
		}
		list = append(list, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	sort.Strings(folders)
	for _, f := range folders {
		i := sort.Search(len(list), func(i int) bool { return list[i].name >= f })
		if i == len(list) || !strings.HasPrefix(list[i].name, f) {
			r.Dropped = append(r.Dropped, f)
		}
	}
	return list, w.Flush()
}

// gzipWriter writes one gzip member (RFC 1952).
type gzipWriter struct {
	b   *bufio.Writer
	sum hash.Hash32
	d   deflater
}

func newGzip(f *os.File) *gzipWriter {
	return &gzipWriter{b: bufio.NewWriterSize(f, 1<<18), sum: crc32.NewIEEE()}
}

func (g *gzipWriter) pack(r io.Reader) error {
	// No name, no time, no comment; the system is not told.
	g.b.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255})
	c := &counted{w: g.sum}
	if err := g.d.pack(g.b, io.TeeReader(r, c)); err != nil {
		return err
	}
	end := binary.LittleEndian.AppendUint32(nil, g.sum.Sum32())
	g.b.Write(binary.LittleEndian.AppendUint32(end, uint32(c.n)))
	return g.b.Flush()
}
