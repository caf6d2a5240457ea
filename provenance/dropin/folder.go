package dropin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// MaxFiles caps the files of a folder.
const MaxFiles = 500_000

// Kinds of a Finding.
const (
	FileChanged   = "file-changed" // its hash is not the list's
	FileMissing   = "file-missing" // the list names it, it is not there
	FileNotListed = "file-not-listed"
	PointerBad    = "pointer-malformed"
	TwoHashes     = "two-hashes" // two files of one name, or two lists, do not agree
	NoFile        = "not-regular"
)

// A Finding is one thing in which list and files do not agree.
type Finding struct {
	Kind string `json:"kind"`
	File string `json:"file"`
	Text string `json:"text"`
}

// A Folder is what Check found.
type Folder struct {
	Files    int       `json:"files"`    // with their content, that agree
	Pointers int       `json:"pointers"` // Git LFS pointers without content, that agree
	Bytes    int64     `json:"bytes"`    // that the pointers stand for
	Listed   int       `json:"listed"`
	Findings []Finding `json:"findings"`
}

// A Sums is one list and where it stands.
type Sums struct {
	Name    string // as messages have it
	Dir     string // its folder: names with folders are below it
	Entries []Entry
}

// A Pointer is a Git LFS pointer.
type Pointer struct {
	SHA256 string
	Size   int64
}

const pointerMagic = "version https://git-lfs.github.com/spec/v1\n"

// ParsePointer reads a Git LFS pointer; is: it claims to be one. The format is
// that of the Git LFS specification: version first, then keys in order, oid and size.
func ParsePointer(data []byte) (p Pointer, is bool, err error) {
	if !bytes.HasPrefix(data, []byte("version https://")) || len(data) > 1024 {
		return p, false, nil
	}
	rest, known := strings.CutPrefix(string(data), pointerMagic)
	if !known {
		return p, true, fmt.Errorf("a Git LFS pointer of an unknown version")
	}
	size := int64(-1)
	for _, line := range strings.Split(strings.TrimSuffix(rest, "\n"), "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "oid":
			p.SHA256, _ = strings.CutPrefix(value, "sha256:")
		case "size":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && strconv.FormatInt(n, 10) == value {
				size = n
			}
		}
	}
	if b, err := hex.DecodeString(p.SHA256); err != nil || len(b) != sha256.Size || strings.ToLower(p.SHA256) != p.SHA256 || size < 0 {
		return p, true, fmt.Errorf("a Git LFS pointer without a sha256 oid and a size")
	}
	p.Size = size
	return p, true, nil
}

// IsArtifact reports whether a file is one that lists have: a wheel or a source
// archive.
func IsArtifact(name string) bool {
	name = strings.ToLower(name)
	for _, end := range []string{".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// Check compares the wheels and source archives below dir with lists, both ways.
// A name in a list is that of a file at the same place below the list's folder, or
// of a file of that name anywhere below dir, since lists of such teams have names
// without folders. All that do not agree are findings, in the order of names.
func Check(ctx context.Context, dir string, lists []Sums) (*Folder, error) {
	f := &Folder{Findings: []Finding{}}
	byBase := map[string][]string{} // base -> paths below dir
	count := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		if !IsArtifact(d.Name()) {
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if !d.Type().IsRegular() {
			f.add(NoFile, rel, "it is no regular file")
			return nil
		}
		if count++; count > MaxFiles {
			return fmt.Errorf("%s has more than %d files", dir, MaxFiles)
		}
		byBase[d.Name()] = append(byBase[d.Name()], rel)
		return nil
	})
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	hashes := map[string]found{}
	claimed := map[string]claim{}
	for _, l := range lists {
		f.Listed += len(l.Entries)
		for _, e := range l.Entries {
			where := fmt.Sprintf("%s:%d", l.Name, e.Line)
			paths := f.place(dir, l, e, byBase)
			if len(paths) == 0 {
				f.add(FileMissing, e.Name, where+" lists it, and it is not in the folder")
			}
			for _, rel := range paths {
				if old, twice := claimed[rel]; twice && old.sha256 != e.SHA256 {
					f.add(TwoHashes, rel, fmt.Sprintf("%s and %s give it two hashes", old.where, where))
					continue
				}
				claimed[rel] = claim{e.SHA256, where}
				used[rel] = true
				got, seen := hashes[rel]
				if !seen {
					if got, err = look(filepath.Join(dir, filepath.FromSlash(rel))); err != nil {
						return nil, err
					}
					hashes[rel] = got
					f.count(got, e)
				}
				f.compare(rel, where, got, e)
			}
		}
	}
	for _, list := range byBase {
		for _, rel := range list {
			if !used[rel] {
				f.add(FileNotListed, rel, "it is in the folder, and no list has it")
			}
		}
	}
	slices.SortStableFunc(f.Findings, func(a, b Finding) int { return strings.Compare(a.File+"\x00"+a.Text, b.File+"\x00"+b.Text) })
	f.Findings = slices.Compact(f.Findings)
	return f, nil
}

func (f *Folder) add(kind, file, text string) {
	f.Findings = append(f.Findings, Finding{kind, file, text})
}

type claim struct{ sha256, where string }

// found is what a file turned out to be.
type found struct {
	sha256  string
	pointer *Pointer
	bad     error
}

// place finds the files that an entry means. Base names that several folders have
// are all meant, so that none is left out.
func (f *Folder) place(dir string, l Sums, e Entry, byBase map[string][]string) []string {
	if rel, err := filepath.Rel(dir, filepath.Join(l.Dir, filepath.FromSlash(e.Name))); err == nil {
		if rel = filepath.ToSlash(rel); slices.Contains(byBase[e.Base()], rel) {
			return []string{rel}
		}
	}
	if strings.Contains(e.Name, "/") {
		return nil
	}
	// Below the list's own folder first: two lists of one wheelhouse may each
	// have a file of a name.
	var below []string
	own, err := filepath.Rel(dir, l.Dir)
	if err == nil && own != "." && !strings.HasPrefix(own, "..") {
		for _, rel := range byBase[e.Name] {
			if strings.HasPrefix(rel, filepath.ToSlash(own)+"/") {
				below = append(below, rel)
			}
		}
		return below
	}
	return byBase[e.Name]
}

func (f *Folder) count(got found, e Entry) {
	switch {
	case got.bad != nil || got.sha256 != e.SHA256:
	case got.pointer != nil:
		f.Pointers++
		f.Bytes += got.pointer.Size
	default:
		f.Files++
	}
}

func (f *Folder) compare(rel, where string, got found, e Entry) {
	switch {
	case got.bad != nil:
		f.add(PointerBad, rel, got.bad.Error())
	case got.sha256 == e.SHA256:
	case got.pointer != nil:
		f.add(FileChanged, rel, fmt.Sprintf("a Git LFS pointer to other bytes: oid %s, and %s has %s", got.sha256, where, e.SHA256))
	default:
		f.add(FileChanged, rel, fmt.Sprintf("its sha256 is %s, and %s has %s", got.sha256, where, e.SHA256))
	}
}

// look hashes a file, or reads the pointer that stands in its place.
func look(path string) (found, error) {
	file, err := os.Open(path)
	if err != nil {
		return found{}, err
	}
	defer file.Close()
	head := make([]byte, 1025)
	n, err := io.ReadFull(file, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return found{}, err
	}
	if p, is, bad := ParsePointer(head[:n]); is {
		return found{sha256: p.SHA256, pointer: &p, bad: bad}, nil
	}
	h := sha256.New()
	h.Write(head[:n])
	if _, err := io.Copy(h, file); err != nil {
		return found{}, err
	}
	return found{sha256: hex.EncodeToString(h.Sum(nil))}, nil
}
