package rebuild

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/recipe"
)

// wheelAt writes foo-1.0 with all times at one instant.
func wheelAt(t *testing.T, path string, at time.Time, code string) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	record := ""
	add := func(name, text string) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
		sum := sha256.Sum256([]byte(text))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(text))
	}
	add("foo.py", code)
	add("foo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n")
	add("foo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: hand (1)\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
	add("foo-1.0.dist-info/RECORD", record+"foo-1.0.dist-info/RECORD,,\n")
	z.Close()
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shelf has files by hash.
type shelf map[string]string

func (s shelf) Source() (recipe.Source, error) { return nil, errors.New("no index") }

func (s shelf) Get(_ context.Context, _, file, sha256 string, _ ...string) (string, error) {
	if path := s[sha256]; path != "" {
		return path, nil
	}
	return "", errors.New("no " + file)
}

// TestContainer: where nothing but the zip differs the recipe names upstream's
// container, the published bytes come out, and a later build finds the text again.
func TestContainer(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	const file = "foo-1.0-py3-none-any.whl"
	ours, theirs := filepath.Join(dir, file), filepath.Join(dir, "up", file)
	os.Mkdir(filepath.Dir(theirs), 0o755)
	wheelAt(t, ours, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "x = 1\n")
	wheelAt(t, theirs, time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC), "x = 1\n")
	published, err := mirror.HashFile(theirs)
	if err != nil {
		t.Fatal(err)
	}
	rec := lock.Recipe{Sdist: "sha256:" + strings.Repeat("1", 64), Backend: "b", Python: "cp311", Umask: "022", BuildPath: "/build/foo-1.0"}
	rec.Digest = rec.ComputeDigest()
	l := &lock.Lock{Targets: []lock.Target{{Name: "bookworm", Python: "3.11", Platform: "manylinux_2_36_x86_64"}}, Recipes: []lock.Recipe{rec},
		Packages: []lock.Package{{Name: "foo", Version: "1.0", Wheels: []lock.Wheel{{Name: file, Origin: lock.OriginBuilt, Recipe: rec.Digest}},
			Upstream: []lock.Upstream{{Name: file, SHA256: published, Verdict: lock.VerdictUntried}}}}}
	files := shelf{published: theirs}
	r := &Run{Lock: l, Files: files, Events: silent{}}
	begin := func(path string) *Outcome {
		o := &Outcome{Job: NewJob(&l.Packages[0], 0), Recipe: l.Recipes[0], row: l.Packages[0].Wheels[0]}
		if err := o.take(&build.Result{Path: path, File: file}); err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := begin(ours)
	if err := r.compare(ctx, o); err != nil {
		t.Fatal(err)
	}
	if err := r.search(ctx, o, dir); err != nil { // without an index there is none
		t.Fatal(err)
	}
	if err := r.copyContainer(ctx, o); err != nil {
		t.Fatal(err)
	}
	if o.SHA256 != published || o.Recipe.Container == "" || l.Recipe(o.Recipe.Digest) == nil || l.Packages[0].Wheels[0].Recipe != o.Recipe.Digest {
		t.Fatalf("sha256 %s, recipe %+v", o.SHA256, o.Recipe)
	}
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(o.Container)); got != o.Recipe.Container {
		t.Errorf("the text has %s, the recipe names %s", got, o.Recipe.Container)
	}

	// The next build of that recipe, with the published file gone and the text kept.
	kept := filepath.Join(dir, "evidence")
	os.WriteFile(kept, o.Container, 0o644)
	again := filepath.Join(dir, "again", file)
	os.Mkdir(filepath.Dir(again), 0o755)
	wheelAt(t, again, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "x = 1\n")
	r.Files = shelf{strings.TrimPrefix(o.Recipe.Container, "sha256:"): kept}
	next := begin(again)
	if err := r.contain(ctx, next, next.Result); err != nil {
		t.Fatal(err)
	}
	if got, _ := mirror.HashFile(again); got != published {
		t.Errorf("built again: %s, published %s", got, published)
	}
	// A kept text of other bytes is not taken.
	os.WriteFile(kept, append(o.Container, '\n'), 0o644)
	if err := r.contain(ctx, begin(again), next.Result); err == nil {
		t.Error("a container of another hash was used")
	}
	// Other files do not fit.
	wheelAt(t, again, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "x = 2\n")
	other := begin(again)
	other.Recipe.Container = ""
	r.Files = files
	if err := r.compare(ctx, other); err != nil {
		t.Fatal(err)
	}
	if err := r.copyContainer(ctx, other); err != nil || other.Recipe.Container != "" {
		t.Errorf("other content: %q %v", other.Recipe.Container, err)
	}
}
