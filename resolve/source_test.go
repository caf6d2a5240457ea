package resolve

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// memory is an index in memory.
type memory struct {
	t        testing.TB
	dir      string
	mu       sync.Mutex
	pages    map[string]*index.Page
	metadata map[string][]byte // by file name
	sdists   map[string][]byte // PKG-INFO by file name
	asked    map[string]int
}

func newMemory(t testing.TB) *memory {
	return &memory{t: t, dir: t.TempDir(), pages: map[string]*index.Page{}, metadata: map[string][]byte{},
		sdists: map[string][]byte{}, asked: map[string]int{}}
}

func (m *memory) page(name string) *index.Page {
	name = pep508.NormalizeName(name)
	if m.pages[name] == nil {
		m.pages[name] = &index.Page{Name: name}
	}
	return m.pages[name]
}

func (m *memory) add(name string, f index.File, metadata string) {
	sum := sha256.Sum256([]byte(f.Name))
	f.SHA256 = hex.EncodeToString(sum[:])
	f.URL = "https://index.example/" + f.Name
	p := m.page(name)
	p.Files = append(p.Files, f)
	if strings.HasSuffix(f.Name, ".whl") {
		m.metadata[f.Name] = []byte(metadata)
	} else {
		m.sdists[f.Name] = []byte(metadata)
	}
}

func (m *memory) Page(_ context.Context, name string) (*index.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked[name]++
	if p := m.pages[name]; p != nil {
		return p, nil
	}
	return nil, &index.NotFoundError{Name: name, Index: "https://index.example/"}
}

func (m *memory) Metadata(_ context.Context, f index.File) ([]byte, error) {
	b, ok := m.metadata[f.Name]
	if !ok {
		return nil, fmt.Errorf("no metadata of %s", f.Name)
	}
	return b, nil
}

func (m *memory) Fetch(_ context.Context, f index.File) (string, error) {
	info, ok := m.sdists[f.Name]
	if !ok {
		return "", fmt.Errorf("no file %s", f.Name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	path := filepath.Join(m.dir, f.Name)
	return path, os.WriteFile(path, tarball(strings.TrimSuffix(f.Name, ".tar.gz"), info), 0o644)
}

func tarball(root string, info []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range []struct {
		name string
		data []byte
	}{{"PKG-INFO", info}, {"setup.py", []byte("from setuptools import setup; setup()\n")}} {
		_ = w.WriteHeader(&tar.Header{Name: root + "/" + f.name, Mode: 0o644, Size: int64(len(f.data))})
		_, _ = w.Write(f.data)
	}
	_ = w.Close()
	_ = z.Close()
	return b.Bytes()
}

// shared is the path of other projects' data, or the test is skipped.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		root, err := os.Getwd()
		for err == nil {
			if _, e := os.Stat(filepath.Join(root, "go.mod")); e == nil || root == filepath.Dir(root) {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared")
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared test data is not here (set WHEELLOCK_SHARED): %v", err)
	}
	return path
}

func requirements(t testing.TB, lines ...string) []Requirement {
	t.Helper()
	var list []Requirement
	for i, line := range lines {
		r, err := pep508.Parse(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, Requirement{Requirement: r, Origin: fmt.Sprintf("requirements.in:%d", i+1)})
	}
	return list
}

// versions is an answer as a map.
func versions(s TargetSolution) map[string]string {
	m := map[string]string{}
	for _, p := range s.Pins {
		m[p.Name] = p.Version.String()
	}
	return m
}
