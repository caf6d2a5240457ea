package resolve

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// recorded is the recorded index in memory, read as its README says: the
// metadata of a recorded wheel answers for every wheel of its version, and
// versions of which nothing was recorded are not there.
type recorded struct {
	pages    map[string]*index.Page
	metadata map[string][]byte // by project and version
}

var (
	recordedOnce  sync.Once
	recordedIndex *recorded
)

func snapshot(t testing.TB) *recorded {
	dir := shared(t, "index-snapshot")
	recordedOnce.Do(func() {
		r := &recorded{pages: map[string]*index.Page{}, metadata: map[string][]byte{}}
		files, _ := filepath.Glob(filepath.Join(dir, "metadata", "*.jsonl.gz"))
		for _, f := range files {
			r.readMetadata(t, f)
		}
		files, _ = filepath.Glob(filepath.Join(dir, "pages", "*.json.gz"))
		for _, f := range files {
			r.readPage(t, f)
		}
		recordedIndex = r
	})
	return recordedIndex
}

func stemOf(file string) string {
	p := strings.SplitN(file, "-", 3)
	return strings.ToLower(strings.NewReplacer("-", "_", ".", "_").Replace(p[0])) + "-" + p[1]
}

func open(t testing.TB, path string) *gzip.Reader {
	b, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	z, err := gzip.NewReader(b)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func (r *recorded) readMetadata(t testing.TB, path string) {
	s := bufio.NewScanner(open(t, path))
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		var line struct{ File, Metadata string }
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		r.metadata[stemOf(line.File)] = []byte(line.Metadata)
	}
}

func (r *recorded) readPage(t testing.TB, path string) {
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
	if err := json.NewDecoder(open(t, path)).Decode(&page); err != nil {
		t.Fatal(path, err)
	}
	p := &index.Page{Name: page.Name}
	for _, f := range page.Files {
		version := ""
		if strings.HasSuffix(f.Filename, ".whl") {
			version = stemOf(f.Filename)
		} else if n, err := tags.ParseSdistNameOf(f.Filename, page.Name); err == nil {
			version = strings.ReplaceAll(page.Name, "-", "_") + "-" + n.Version.String()
		}
		if r.metadata[version] == nil {
			continue
		}
		yanked := f.Yanked != nil && f.Yanked != false
		p.Files = append(p.Files, index.File{Name: f.Filename, URL: "https://index.example/" + f.Filename, Size: f.Size,
			SHA256: f.Hashes["sha256"], RequiresPython: f.RequiresPython, Uploaded: f.Uploaded, Yanked: yanked})
	}
	r.pages[page.Name] = p
}

func (r *recorded) Page(_ context.Context, name string) (*index.Page, error) {
	if p := r.pages[name]; p != nil {
		return p, nil
	}
	return nil, &index.NotFoundError{Name: name, Index: "https://index.example/"}
}

func (r *recorded) Metadata(_ context.Context, f index.File) ([]byte, error) {
	if b := r.metadata[stemOf(f.Name)]; b != nil {
		return b, nil
	}
	return nil, errors.New("not recorded: " + f.Name)
}

func (r *recorded) Fetch(_ context.Context, f index.File) (string, error) {
	return "", errors.New("not recorded: " + f.Name)
}

func inputs(t testing.TB, name string) []string {
	b, err := os.ReadFile(shared(t, "index-snapshot", "requirements", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

var debian12 = tags.Target{Name: "bookworm", Implementation: "cpython", Python: "3.11", FullVersion: "3.11.2", Platform: "manylinux_2_36_x86_64"}

// TestSnapshot expects the sizes that uv 0.13 and pip agree on for this one
// target. (The recording's own 42 and 260 count all platforms together.)
func TestSnapshot(t *testing.T) {
	src := snapshot(t)
	for _, c := range []struct {
		file string
		want int
	}{{"small.in", 5}, {"server.in", 41}, {"large.in", 247}} {
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, inputs(t, c.file)...)}
		start := time.Now()
		sol, err := Resolve(context.Background(), src, req)
		took := time.Since(start)
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		t.Logf("%s: %d packages in %v", c.file, len(sol.Targets[0].Pins), took)
		if got := len(sol.Targets[0].Pins); got != c.want {
			t.Errorf("%s: got %d packages, want %d", c.file, got, c.want)
		}
	}
}

// TestSnapshotDeep pins something old beside boto3, so that most of 1,870
// versions of it and of botocore have to be ruled out.
func TestSnapshotDeep(t *testing.T) {
	src := snapshot(t)
	for _, lines := range [][]string{
		{"boto3", "urllib3<1.25"},
		{"boto3", "botocore==1.20.0"},
		{"boto3", "botocore<1.15"},
		{"boto3", "jmespath<0.9"},
		{"apache-airflow", "boto3", "urllib3<1.25.4"},
		{"boto3", "s3transfer<0.2"},
		{"boto3", "python-dateutil<2.1"},
	} {
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, lines...)}
		start := time.Now()
		sol, err := Resolve(context.Background(), src, req)
		took := time.Since(start)
		var conflict *ConflictError
		switch {
		case errors.As(err, &conflict):
			t.Logf("%v: %v\n%v", lines, took, err)
		case err != nil:
			t.Errorf("%v: %v", lines, err)
		default:
			got := versions(sol.Targets[0])
			t.Logf("%v: boto3 %s, botocore %s, urllib3 %s in %v", lines, got["boto3"], got["botocore"], got["urllib3"], took)
		}
		if took > 10*time.Second {
			t.Errorf("%v: took %v", lines, took)
		}
	}
}

func BenchmarkSnapshotLarge(b *testing.B) {
	src := snapshot(b)
	lines := inputs(b, "large.in")
	for b.Loop() {
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(b, lines...)}
		if _, err := Resolve(context.Background(), src, req); err != nil {
			b.Fatal(err)
		}
	}
}
