package push

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// A Site says what a mirror is to hold.
type Site struct {
	House      mirror.Wheelhouse
	Targets    []string
	Withdrawn  mirror.Withdrawn
	Flat       bool              // localwheels/ and simple/NAME/
	Checkpoint []byte            // of the log
	Proofs     map[string][]byte // by sha256 of the file that they lie beside
}

// Plan lists what the site is made of, in the order in which it is to be sent. Pages
// are made from the signed list, not taken from the folder.
func (s Site) Plan() ([]Item, error) {
	list, _, err := s.House.ReadList()
	if err != nil {
		return nil, err
	}
	hashes := map[string]string{}
	for _, l := range list {
		hashes[l.Path] = l.SHA256
	}
	var pages map[string][]byte
	files := map[string]string{} // path there -> path in the wheelhouse
	if s.Flat {
		pages, files, err = s.House.FlatPages(s.Withdrawn)
	} else {
		pages, err = s.House.Pages(s.Targets, s.Withdrawn)
		for _, l := range list {
			files[l.Path] = l.Path
		}
	}
	if err != nil {
		return nil, err
	}
	var items []Item
	var sums []mirror.Listed
	for to, from := range files {
		info, err := os.Stat(s.House.Path(from))
		if err != nil {
			return nil, err
		}
		items = append(items, Item{Path: to, Stage: Files, Source: s.House.Path(from), SHA256: hashes[from], Size: info.Size()})
		sums = append(sums, mirror.Listed{Path: strings.TrimPrefix(to, mirror.FlatFolder+"/"), SHA256: hashes[from]})
		if proof := s.Proofs[hashes[from]]; proof != nil {
			items = append(items, Bytes(to+mirror.ProofExtension, Files, proof))
		}
	}
	for to, data := range pages {
		stage := Pages
		if !strings.HasPrefix(to, "simple/") {
			stage = Files
		}
		items = append(items, Bytes(to, stage, data))
	}
	if s.Flat {
		// The signed list has the paths of the other layout; this one is for sha256sum -c.
		sort.Slice(sums, func(i, j int) bool { return sums[i].Path < sums[j].Path })
		items = append(items, Bytes(mirror.FlatFolder+"/"+mirror.SumsFile, Pages, mirror.FormatList(sums)))
	}
	more, err := s.rest()
	if err != nil {
		return nil, err
	}
	items = append(items, more...)
	items = append(items, Bytes(mirror.LogFolder+"/checkpoint", Checkpoint, s.Checkpoint))
	slices.SortFunc(items, func(a, b Item) int {
		if a.Stage != b.Stage {
			return int(a.Stage - b.Stage)
		}
		if x := depth(b) - depth(a); a.Stage == Pages && x != 0 {
			return x // project pages before the lists that lead to them
		}
		return strings.Compare(a.Path, b.Path)
	})
	return items, nil
}

func depth(it Item) int { return strings.Count(it.Path, "/") }

// rest is everything beside files and pages: what lies there is public, but hidden
// files (the log's private state), what is pending and what nobody knows.
func (s Site) rest() ([]Item, error) {
	var items []Item
	one := func(rel string, stage Stage) error {
		info, err := os.Lstat(s.House.Path(rel))
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s %w", rel, mirror.ErrIrregular)
		}
		hash, err := s.House.Hash(rel)
		items = append(items, Item{Path: rel, Stage: stage, Source: s.House.Path(rel), SHA256: hash, Size: info.Size()})
		return err
	}
	for _, top := range []string{mirror.CrateFolder, "evidence", "locks", mirror.LogFolder} {
		err := filepath.WalkDir(s.House.Path(top), func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case strings.HasPrefix(d.Name(), ".") && d.IsDir():
				return filepath.SkipDir
			case d.IsDir() || strings.HasPrefix(d.Name(), ".") || durable.IsTemp(d.Name()):
				return nil
			}
			rel, err := filepath.Rel(s.House.Dir, name)
			if err != nil {
				return err
			}
			rel = filepath.ToSlash(rel)
			if top != mirror.LogFolder {
				return one(rel, Files)
			}
			if rel == mirror.LogFolder+"/checkpoint" {
				return nil
			}
			return one(rel, Tiles)
		})
		if err != nil {
			return nil, err
		}
	}
	if s.Flat {
		return items, nil
	}
	for _, rel := range []string{mirror.SumsFile, mirror.SignFile, mirror.OpenPGPFile} {
		if err := one(rel, Pages); err != nil && !(rel == mirror.OpenPGPFile && errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	return items, nil
}
