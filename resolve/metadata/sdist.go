package metadata

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// Limits on a source archive. The largest sdists have 100 MB packed, 1 GB
// unpacked and 60,000 files.
const (
	MaxSdist    = 512 << 20 // packed bytes of a zip that has to be held in memory
	MaxUnpacked = 4 << 30   // bytes of the tar inside
	MaxFiles    = 500_000   // entries
	MaxPath     = 4096      // bytes of a name
)

// ErrSdist is wrapped by every error about an archive that is no sdist, or that
// would write outside its folder when unpacked.
var ErrSdist = errors.New("invalid source archive")

// ErrFormat is an archive format that cannot be read here.
var ErrFormat = errors.New("unsupported archive format")

// Sdist is what a source archive tells without being built.
type Sdist struct {
	Root       string // its one top folder, "requests-2.32.4"
	PKGInfo    []byte // nil if it has none, as are the next two
	PyProject  []byte
	SetupCfg   []byte
	HasSetupPy bool
	Files      int // entries of any kind
}

// ReadSdist reads an archive once, from front to back; ext is ".tar.gz", ".tgz",
// ".tar.bz2", ".tbz", ".tar" or ".zip". A zip is read in place if r is also an
// io.ReaderAt and an io.Seeker (as a file is), else held in memory.
//
// Its errors wrap ErrSdist or ErrFormat, or are r's own.
func ReadSdist(r io.Reader, ext string) (Sdist, error) {
	var s Sdist
	var err error
	switch ext {
	case ".tar.gz", ".tgz":
		var z *gzip.Reader
		if z, err = gzip.NewReader(r); err == nil {
			err = s.readTar(z)
		}
	case ".tar.bz2", ".tbz":
		err = s.readTar(bzip2.NewReader(r))
	case ".tar":
		err = s.readTar(r)
	case ".zip":
		err = s.readZip(r)
	default:
		return Sdist{}, fmt.Errorf("%w: %q (known are .tar.gz, .tar.bz2, .tar and .zip)", ErrFormat, ext)
	}
	if err == nil && s.Root == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return Sdist{}, fmt.Errorf("%w: %w", ErrSdist, err)
	}
	return s, nil
}

// entry is one member of an archive.
type entry struct {
	name string
	mode fs.FileMode
	hard bool   // a hard link
	link string // what a link points to
	size int64
	open func() (io.ReadCloser, error)
}

func (s *Sdist) readTar(r io.Reader) error {
	limited := &io.LimitedReader{R: r, N: MaxUnpacked + 1}
	t := tar.NewReader(limited)
	for {
		h, err := t.Next()
		if limited.N <= 0 {
			return fmt.Errorf("it unpacks to more than %d bytes", int64(MaxUnpacked))
		}
		if err == io.EOF {
			return drain(limited)
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue // git archive puts a comment there
		}
		e := entry{
			name: h.Name, mode: h.FileInfo().Mode(), size: h.Size, link: h.Linkname, hard: h.Typeflag == tar.TypeLink,
			open: func() (io.ReadCloser, error) { return io.NopCloser(t), nil },
		}
		if err := s.add(e); err != nil {
			return err
		}
	}
}

// drain reads what follows the tar's end, so that the packer's checksum is
// compared and a cut file is noticed. Unpackers ignore other bytes there.
func drain(r *io.LimitedReader) error {
	_, err := io.Copy(io.Discard, r)
	if errors.Is(err, gzip.ErrHeader) {
		return nil
	}
	if err == nil && r.N <= 0 {
		return fmt.Errorf("it unpacks to more than %d bytes", int64(MaxUnpacked))
	}
	return err
}

func (s *Sdist) readZip(r io.Reader) error {
	at, size, err := randomAccess(r)
	if err != nil {
		return err
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		e := entry{name: f.Name, mode: f.Mode(), size: int64(min(f.UncompressedSize64, 1<<62)), open: f.Open}
		if e.mode&fs.ModeSymlink != 0 {
			if e.link, err = readLink(f); err != nil {
				return err
			}
		}
		if err := s.add(e); err != nil {
			return err
		}
	}
	return nil
}

// randomAccess is r itself if it is a file, else its content.
func randomAccess(r io.Reader) (io.ReaderAt, int64, error) {
	if f, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		size, err := f.Seek(0, io.SeekEnd)
		return f, size, err
	}
	b, err := io.ReadAll(io.LimitReader(r, MaxSdist+1))
	if err != nil {
		return nil, 0, err
	}
	if len(b) > MaxSdist {
		return nil, 0, fmt.Errorf("it has more than %d bytes", MaxSdist)
	}
	return bytes.NewReader(b), int64(len(b)), nil
}

func readLink(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, MaxPath+1))
	return string(b), err
}

// add checks an entry, and keeps it if it is one of the files that tell.
func (s *Sdist) add(e entry) error {
	if s.Files++; s.Files > MaxFiles {
		return fmt.Errorf("it has more than %d entries", MaxFiles)
	}
	name, err := safeName(e.name)
	if err != nil || name == "." {
		return err
	}
	root, inside, nested := strings.Cut(name, "/")
	if s.Root == "" {
		s.Root = root
	}
	if root != s.Root {
		return fmt.Errorf("it has two top folders, %q and %q", s.Root, root)
	}
	if !nested && !e.mode.IsDir() {
		return fmt.Errorf("%q is not in a top folder", name)
	}
	link := e.hard || e.mode&fs.ModeSymlink != 0
	if link {
		if err := s.checkLink(name, e); err != nil {
			return err
		}
	} else if !e.mode.IsDir() && !e.mode.IsRegular() {
		return fmt.Errorf("%q is neither file, folder nor link", name)
	}
	return s.keep(inside, link, e)
}

// safeName is the cleaned name, "." for the archive's own folder.
func safeName(name string) (string, error) {
	clean := path.Clean(name)
	bad := name == "" || len(name) > MaxPath || path.IsAbs(name) || clean == ".." ||
		strings.ContainsAny(name, "\x00\\") || len(name) > 1 && name[1] == ':'
	for _, part := range strings.Split(name, "/") {
		bad = bad || part == ".."
	}
	if bad {
		if len(name) > 200 {
			name = name[:200] + "..."
		}
		return "", fmt.Errorf("the name %q leads out of the archive, or cannot be used", name)
	}
	return clean, nil
}

// checkLink refuses links that lead out of the top folder. A hard link names an
// entry of the archive, a symbolic one counts from where it stands.
func (s *Sdist) checkLink(name string, e entry) error {
	to := e.link
	if !e.hard {
		to = path.Join(path.Dir(name), e.link)
	}
	to = path.Clean(to)
	if path.IsAbs(e.link) || strings.ContainsAny(e.link, "\x00\\") || to != s.Root && !strings.HasPrefix(to, s.Root+"/") {
		return fmt.Errorf("the link %q leads out of the top folder", name)
	}
	return nil
}

func (s *Sdist) keep(inside string, link bool, e entry) error {
	var to *[]byte
	most := int64(MaxPyProject)
	switch inside {
	case "PKG-INFO":
		to, most = &s.PKGInfo, MaxSize
	case "pyproject.toml":
		to = &s.PyProject
	case "setup.cfg":
		to = &s.SetupCfg
	case "setup.py":
		s.HasSetupPy = true
		return nil
	default:
		return nil
	}
	// Unpackers disagree on which of two wins, and on what a link means then.
	if link || !e.mode.IsRegular() {
		return fmt.Errorf("%s is not a plain file", inside)
	}
	if *to != nil {
		return fmt.Errorf("%s stands twice", inside)
	}
	r, err := e.open()
	if err != nil {
		return fmt.Errorf("reading %s: %w", inside, err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", inside, err)
	}
	if int64(len(b)) > most {
		return fmt.Errorf("%s is longer than %d bytes", inside, most)
	}
	*to = append([]byte{}, b...)
	return nil
}

// BuildSystem is ParseBuildSystem of the archive's pyproject.toml.
func (s Sdist) BuildSystem() (BuildSystem, error) { return ParseBuildSystem(s.PyProject) }

// Static is the metadata that holds for every build of the archive: PKG-INFO of
// version 2.2 or later without dynamic dependencies, extras or Requires-Python
// (PEP 643), else a [project] table with none of them dynamic (PEP 621). It is
// false if there is neither, or if what there is cannot be read; then only the
// build backend can tell. Look at the result's Err before relying on it; its
// Version is the zero Version if nothing in the archive says which it is.
func (s Sdist) Static() (Metadata, bool) {
	info, err := Parse(s.PKGInfo)
	if err == nil && info.static() {
		return info, true
	}
	m, static, perr := ParseProject(s.PyProject)
	if perr != nil || !static {
		return Metadata{}, false
	}
	if (m.Version == pep440.Version{}) && err == nil {
		m.Version = info.Version
	}
	return m, true
}
