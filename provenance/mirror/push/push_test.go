package push

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/internal/durable"
)

// site are items of all stages, some of them with names that addresses have to escape.
func site(t *testing.T, checkpoint string) []Item {
	t.Helper()
	file := filepath.Join(t.TempDir(), "wheel")
	if err := os.WriteFile(file, []byte("wheel"), 0o644); err != nil {
		t.Fatal(err)
	}
	big := Bytes("wheels/any/a-1!2+x&y=z-py3-none-any.whl", Files, []byte("wheel"))
	big.Source, big.Data = file, nil
	return []Item{
		big, Bytes("sdists/a b-1.tar.gz", Files, []byte("source")),
		Bytes("log/tile/0/000.p/7", Tiles, []byte("tile")),
		Bytes("simple/b/a/index.html", Pages, []byte("page")), Bytes("simple/b/index.html", Pages, []byte("list")),
		Bytes("log/checkpoint", Checkpoint, []byte(checkpoint)),
	}
}

func options() Options {
	return Options{Folders: []string{"simple"}, Gone: func(string) bool { return true }}
}

func paths(items []Item) []string {
	out := []string{}
	for _, it := range items {
		out = append(out, it.Path)
	}
	return out
}

// destinations are the three, each empty.
func destinations(t *testing.T) map[string]Destination {
	t.Helper()
	f, err := NewFolder(filepath.Join(t.TempDir(), "to"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	out := map[string]Destination{"folder": f, "bucket": s.bucket()}
	if program, err := exec.LookPath("rsync"); err == nil {
		out["rsync"] = &Rsync{Program: program, To: filepath.Join(t.TempDir(), "to"), Temp: t.TempDir(), Env: os.Environ()}
	}
	return out
}

func TestRun(t *testing.T) {
	for name, d := range destinations(t) {
		t.Run(name, func(t *testing.T) {
			items := site(t, "first")
			r, err := Run(t.Context(), d, items, Options{DryRun: true, Gone: options().Gone, Folders: options().Folders})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(paths(items), paths(r.Sent)); diff != "" {
				t.Errorf("dry run: %s", diff)
			}
			if _, err := d.Read(t.Context(), "log/checkpoint", 100); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("after a dry run: %v, want that there is nothing", err)
			}
			if r, err = Run(t.Context(), d, items, options()); err != nil || len(r.Sent) != len(items) {
				t.Fatalf("first: %v, %v", r, err)
			}
			if r, err = Run(t.Context(), d, items, options()); err != nil || len(r.Sent) != 0 || r.Kept != len(items) {
				t.Fatalf("again: %+v, %v, want nothing sent", r, err)
			}
			// A page that is gone, a damaged file of the same size and a newer
			// checkpoint.
			if err := d.Send(t.Context(), []Item{Bytes("simple/b/old/index.html", Pages, []byte("old")), Bytes("sdists/a b-1.tar.gz", Files, []byte("SOURCE"))}); err != nil {
				t.Fatal(err)
			}
			if r, err = Run(t.Context(), d, site(t, "second"), options()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"sdists/a b-1.tar.gz", "log/checkpoint"}, paths(r.Sent)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"simple/b/old/index.html"}, r.Removed); diff != "" {
				t.Error(diff)
			}
			for path, want := range map[string]string{"log/checkpoint": "second", "sdists/a b-1.tar.gz": "source", items[0].Path: "wheel"} {
				if got, err := d.Read(t.Context(), path, 100); err != nil || string(got) != want {
					t.Errorf("%s: %q, %v, want %q", path, got, err, want)
				}
			}
			if list, err := d.List(t.Context(), "simple"); err != nil || !slices.Equal(list, []string{"simple/b/a/index.html", "simple/b/index.html"}) {
				t.Errorf("List = %q, %v", list, err)
			}
		})
	}
}

// A dying destination fails when n items were sent.
type dying struct {
	Destination
	n    int
	sent []Item
}

func (d *dying) Send(ctx context.Context, items []Item) error {
	for _, it := range items {
		if len(d.sent) == d.n {
			return errors.New("killed")
		}
		d.sent = append(d.sent, it)
		if err := d.Destination.Send(ctx, []Item{it}); err != nil {
			return err
		}
	}
	return nil
}

// TestKilled: wherever a push dies, nothing is there before what it rests on, and the
// next one sends the rest only.
func TestKilled(t *testing.T) {
	items := site(t, "first")
	for n := range items {
		f, err := NewFolder(t.TempDir(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		d := &dying{Destination: f, n: n}
		if _, err := Run(t.Context(), d, items, options()); err == nil {
			t.Fatal("it did not die")
		}
		// What a killed write leaves beside is cleared away.
		left := filepath.Join(f.Dir, "wheels", "any", durable.TempName())
		os.MkdirAll(filepath.Dir(left), 0o755)
		if err := os.WriteFile(left, []byte("whe"), 0o644); err != nil {
			t.Fatal(err)
		}
		highest := Files
		for _, it := range d.sent {
			if it.Stage < highest {
				t.Errorf("%s came after stage %s", it.Path, highest)
			}
			highest = max(highest, it.Stage)
		}
		r, err := Run(t.Context(), f, items, options())
		if err != nil || len(r.Sent) != len(items)-n {
			t.Errorf("after %d: sent %q, %v", n, paths(r.Sent), err)
		}
		if _, err := os.Lstat(left); n == 0 && err == nil {
			t.Error("the temporary file is still there")
		}
	}
}

func TestChangedSource(t *testing.T) {
	for name, d := range destinations(t) {
		items := site(t, "x")
		if err := os.WriteFile(items[0].Source, []byte("whEEl"), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Run(t.Context(), d, items, options())
		var changed *ChangedError
		if !errors.As(err, &changed) || changed.Path != items[0].Path {
			t.Errorf("%s: %v, want ChangedError", name, err)
		}
	}
}

func TestFolderRefuses(t *testing.T) {
	house := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(house, link); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{house, filepath.Join(house, "sub", "folder"), link, filepath.Join(link, "new")} {
		if _, err := NewFolder(bad, house); err == nil {
			t.Errorf("NewFolder(%s) is taken", bad)
		}
	}
	to := t.TempDir()
	f, err := NewFolder(to, house)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(house, filepath.Join(to, "wheels")); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), f, site(t, "x"), options()); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("writing through a link: %v", err)
	}
	if left, _ := os.ReadDir(house); len(left) != 0 {
		t.Error("the wheelhouse was written to")
	}
}

// TestSignature: an example of the standard's own documentation.
func TestSignature(t *testing.T) {
	keys := Credentials{AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	for query, want := range map[string]string{
		"lifecycle=":          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		"max-keys=2&prefix=J": "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	} {
		r, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3."+"amazonaws.com/?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		keys.sign(r, "us-east-1", nothing, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+want) {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}
