package resolvetest

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Snapshot is a recorded package index: real pages and real metadata, no files.
// The metadata of one recorded wheel answers for every wheel of its version;
// versions of which nothing was recorded are left off the pages.
//
// On disk it is a folder with pages/NAME.json.gz (PEP 691 without addresses) and
// metadata/*.jsonl.gz (a line for each wheel, {"file": ..., "metadata": ...}).
type Snapshot struct {
	projects map[string][]object
	pages    map[string]*index.Page
	metadata map[string][]byte // by project and version
}

// ReadSnapshot reads the folder.
func ReadSnapshot(dir string) (*Snapshot, error) {
	s := &Snapshot{projects: map[string][]object{}, pages: map[string]*index.Page{}, metadata: map[string][]byte{}}
	if err := eachGzip(filepath.Join(dir, "metadata/*.jsonl.gz"), s.readMetadata); err != nil {
		return nil, err
	}
	return s, eachGzip(filepath.Join(dir, "pages/*.json.gz"), s.readPage)
}

func eachGzip(pattern string, read func(io.Reader) error) error {
	files, err := filepath.Glob(pattern)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no %s", pattern)
	}
	for _, name := range files {
		if err == nil {
			err = readGzip(name, read)
		}
	}
	return err
}

func readGzip(name string, read func(io.Reader) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		err = read(z)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// stemOf is the project and version of a wheel's file name.
func stemOf(file string) string {
	p := strings.SplitN(file, "-", 3)
	if len(p) < 3 {
		return ""
	}
	return stem(p[0], p[1])
}

func stem(project, version string) string {
	return strings.ToLower(strings.NewReplacer("-", "_", ".", "_").Replace(project)) + "-" + version
}

func (s *Snapshot) readMetadata(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var line struct{ File, Metadata string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return err
		}
		s.metadata[stemOf(line.File)] = []byte(line.Metadata)
	}
	return lines.Err()
}

func (s *Snapshot) readPage(r io.Reader) error {
	var page struct {
		Name  string
		Files []struct {
			Filename       string
			Hashes         map[string]string
			Size           int64
			RequiresPython string    `json:"requires-python"`
			Uploaded       time.Time `json:"upload-time"`
			Yanked         any
		}
	}
	if err := json.NewDecoder(r).Decode(&page); err != nil {
		return err
	}
	p := &index.Page{Name: page.Name}
	objects := []object{}
	for _, f := range page.Files {
		version := stemOf(f.Filename)
		if !strings.HasSuffix(f.Filename, ".whl") {
			n, err := tags.ParseSdistNameOf(f.Filename, page.Name)
			if err != nil {
				continue
			}
			version = stem(page.Name, n.Version.String())
		}
		metadata := s.metadata[version]
		if metadata == nil {
			continue
		}
		file := index.File{Name: f.Filename, Size: f.Size, SHA256: f.Hashes["sha256"],
			RequiresPython: f.RequiresPython, Uploaded: f.Uploaded}
		file.YankedReason, _ = f.Yanked.(string)
		file.Yanked = f.Yanked != nil && f.Yanked != false
		if file.IsWheel() {
			file.HasMetadata, file.CoreMetadata = true, hexSum(metadata)
		}
		objects = append(objects, object{file: file, metadata: metadata})
		file.URL = "https://index.example/" + f.Filename
		p.Files = append(p.Files, file)
	}
	s.projects[page.Name], s.pages[page.Name] = objects, p
	return nil
}

// Page returns *index.NotFoundError for a project that was not recorded.
func (s *Snapshot) Page(_ context.Context, name string) (*index.Page, error) {
	if p := s.pages[name]; p != nil {
		return p, nil
	}
	return nil, &index.NotFoundError{Name: name, Index: "https://index.example/"}
}

// Metadata returns what was recorded of the file's version.
func (s *Snapshot) Metadata(_ context.Context, f index.File) ([]byte, error) {
	if b := s.metadata[stemOf(f.Name)]; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("not recorded: %s", f.Name)
}

// Fetch always fails: no file was recorded.
func (s *Snapshot) Fetch(_ context.Context, f index.File) (string, error) {
	return "", fmt.Errorf("not recorded: %s", f.Name)
}
