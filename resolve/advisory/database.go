package advisory

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Caps on a database.
const (
	MaxRecords = 1_000_000 // records of a database
	MaxArchive = 256 << 20 // bytes of a zip, and of what comes out of it at most 8 times that
)

// Database is a set of advisories. The zero value is empty and ready.
type Database struct {
	byID   map[string]*Advisory
	byName map[string][]*Advisory
}

// Len is the number of records about Python packages, withdrawn ones included.
func (d *Database) Len() int { return len(d.byID) }

// Add takes one record in. Of two with one id the one modified later stays.
func (d *Database) Add(origin string, data []byte) error {
	a, err := Parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", origin, err)
	}
	if len(a.Affected) == 0 {
		return nil
	}
	a.Origin = origin
	if d.byID == nil {
		d.byID = map[string]*Advisory{}
	}
	if was := d.byID[a.ID]; was != nil && !a.Modified.After(was.Modified) {
		return nil
	}
	if len(d.byID) >= MaxRecords {
		return fmt.Errorf("%s: more than %d advisories", origin, MaxRecords)
	}
	d.byID[a.ID], d.byName = a, nil
	return nil
}

// Load reads a file with one record, a zip of them, or a folder with files of
// both kinds, at any depth. Of a folder and a zip only names that end with
// .json, and in a folder .zip, count.
func (d *Database) Load(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return d.file(path, info)
	}
	return filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// Links are not followed: a checkout must not read what lies outside of it.
		if ext := filepath.Ext(p); !e.Type().IsRegular() || ext != ".json" && ext != ".zip" {
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return d.file(p, info)
	})
}

func (d *Database) file(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", path)
	}
	most := int64(MaxRecord)
	archive := filepath.Ext(path) == ".zip"
	if archive {
		most = MaxArchive
	}
	if info.Size() > most {
		return fmt.Errorf("%s: %d bytes, the most is %d", path, info.Size(), most)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if archive {
		return d.Zip(path, f, info.Size())
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return err
	}
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		return d.Zip(path, bytes.NewReader(b), int64(len(b)))
	}
	return d.Add(path, b)
}

// Zip reads the records of an archive: its members that end with .json.
func (d *Database) Zip(origin string, r io.ReaderAt, size int64) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("%s: %w", origin, err)
	}
	total := uint64(0)
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		if total += f.UncompressedSize64; f.UncompressedSize64 > MaxRecord || total > 8*MaxArchive {
			return fmt.Errorf("%s: too large when unpacked", origin)
		}
		b, err := member(f)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", origin, f.Name, err)
		}
		if err := d.Add(origin+": "+f.Name, b); err != nil {
			return err
		}
	}
	return nil
}

func member(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, MaxRecord+1))
	return b, errors.Join(err, r.Close())
}

// Find gives the records with this id or alias, sorted by id: several databases
// may have written about one thing.
func (d *Database) Find(id string) []*Advisory {
	var list []*Advisory
	for _, a := range d.byID {
		if a.Is(id) {
			list = append(list, a)
		}
	}
	return sorted(list)
}

// For gives the records about a package, whose name is normalised, sorted by id.
func (d *Database) For(name string) []*Advisory {
	if d.byName == nil {
		d.byName = map[string][]*Advisory{}
		for _, a := range d.byID {
			for _, n := range a.Names() {
				d.byName[n] = append(d.byName[n], a)
			}
		}
		for _, list := range d.byName {
			sorted(list)
		}
	}
	return d.byName[name]
}

func sorted(list []*Advisory) []*Advisory {
	slices.SortFunc(list, func(a, b *Advisory) int { return strings.Compare(a.ID, b.ID) })
	return list
}
