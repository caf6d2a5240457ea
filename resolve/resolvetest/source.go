package resolvetest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/freedomofpress/wheellock/resolve/index"
)

// object is one published file.
type object struct {
	metadata []byte     // of its version
	file     index.File // without URL
	data     []byte     // nil: the file itself is not there
}

// publish builds all files of a universe, by project, in order of file name.
func publish(u Universe) map[string][]object {
	out := map[string][]object{}
	for _, r := range u.Releases {
		key := normalize(r.Name)
		objects := out[key]
		add := func(name string, data []byte) {
			objects = append(objects, newObject(r, name, data))
		}
		for _, tag := range r.Wheels {
			add(BuildWheel(r, tag))
		}
		if !r.NoSdist {
			add(BuildSdist(r))
		}
		out[key] = objects
	}
	for _, objects := range out {
		slices.SortFunc(objects, func(a, b object) int { return cmp.Compare(a.file.Name, b.file.Name) })
	}
	return out
}

func newObject(r Release, name string, data []byte) object {
	f := index.File{
		Name: name, Size: int64(len(data)), SHA256: hexSum(data), RequiresPython: r.RequiresPython,
		Uploaded: r.Time(), Yanked: r.Yanked, YankedReason: r.YankedReason,
	}
	metadata := r.Metadata()
	if f.IsWheel() {
		f.HasMetadata, f.CoreMetadata = true, hexSum(metadata)
	}
	return object{metadata, f, data}
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Source is a universe without a network: it has the methods of *index.Client
// that the resolver uses, and counts what was asked of it.
type Source struct {
	dir      string
	projects map[string][]object
	files    map[string]object

	mu       sync.Mutex
	pages    map[string]int
	metadata map[string]int
}

// NewSource returns a Source whose Fetch writes files into dir.
func NewSource(u Universe, dir string) *Source {
	s := &Source{dir: dir, projects: publish(u), files: map[string]object{}, pages: map[string]int{}, metadata: map[string]int{}}
	for _, objects := range s.projects {
		for _, o := range objects {
			s.files[o.file.Name] = o
		}
	}
	return s
}

// Page returns *index.NotFoundError for an unknown project.
func (s *Source) Page(ctx context.Context, name string) (*index.Page, error) {
	name = normalize(name)
	s.mu.Lock()
	s.pages[name]++
	s.mu.Unlock()
	objects, ok := s.projects[name]
	if !ok {
		return nil, &index.NotFoundError{Name: name, Index: "https://index.example/simple"}
	}
	page := &index.Page{Name: name}
	for _, o := range objects {
		f := o.file
		f.URL = "https://index.example/files/" + f.Name
		page.Files = append(page.Files, f)
	}
	return page, ctx.Err()
}

// Metadata returns the METADATA of a wheel.
func (s *Source) Metadata(ctx context.Context, f index.File) ([]byte, error) {
	s.mu.Lock()
	s.metadata[f.Name]++
	s.mu.Unlock()
	o, ok := s.files[f.Name]
	if !ok || !f.IsWheel() {
		return nil, &index.UnavailableError{Op: "metadata", Name: f.Name, URL: f.URL, Status: 404}
	}
	return o.metadata, ctx.Err()
}

// Fetch writes the file into the source's folder and returns its path.
func (s *Source) Fetch(ctx context.Context, f index.File) (string, error) {
	o, ok := s.files[f.Name]
	if !ok {
		return "", &index.UnavailableError{Op: "fetch", Name: f.Name, URL: f.URL, Status: 404}
	}
	if f.SHA256 != "" && f.SHA256 != o.file.SHA256 {
		return "", &index.HashError{File: f.Name, What: "file", Want: "sha256:" + f.SHA256, Got: "sha256:" + o.file.SHA256}
	}
	path := filepath.Join(s.dir, f.Name)
	s.mu.Lock() // or a second caller would cut the file that the first one reads
	defer s.mu.Unlock()
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(o.data)) {
		return path, ctx.Err()
	}
	if err := os.WriteFile(path, o.data, 0o644); err != nil {
		return "", fmt.Errorf("writing %s: %w", f.Name, err)
	}
	return path, ctx.Err()
}

// Pages tells how often the page of a project was asked for, MetadataOf the
// same of a file's metadata.
func (s *Source) Pages(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pages[normalize(name)]
}

// MetadataOf tells how often the metadata of a file was asked for.
func (s *Source) MetadataOf(file string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metadata[file]
}
