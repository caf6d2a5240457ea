package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// A folder written by the log's own writer, roots and rotation included: prove
// from it, also when its index is damaged, behind or gone.
func TestFolder(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "log")
	w := newLog(t, 0) // for its keys and root 0
	writeRoot(t, dir, 0, w.roots[0])
	chain := w.chain
	open := func() *log.Log {
		t.Helper()
		signer := w.signers[trust.RoleLog]
		l, err := log.Open(log.Options{Dir: dir, KeyDir: w.keys.Dir(), Origin: origin, Create: true, Signer: signer,
			LogKeys: chain.LogKeys(), Keys: chain.Keys(), Now: func() time.Time { return start }})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	sign := func(role string, s *record.Statement, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := record.Sign(s, w.signers[role])
		if err != nil {
			t.Fatal(err)
		}
		return leaf
	}
	var batch [][]byte
	batch = append(batch, w.leaves[0])
	for i := range 300 {
		s, err := record.Source{Head: w.head(), Name: fmt.Sprintf("p%d", i%50), Version: fmt.Sprintf("%d.0", i),
			File: record.File{Name: fmt.Sprintf("p%d-%d.0.tar.gz", i%50, i), SHA256: hexA, Size: 1}}.Statement()
		batch = append(batch, sign(trust.RoleBuilder, s, err))
	}
	if _, err := open().Append(ctx, batch...); err != nil {
		t.Fatal(err)
	}
	want := wants("p7 7.0", "p8 258.0", "p9 59.0", "missing 1")
	check := func(what string, size int64) {
		t.Helper()
		src, err := Folder(ctx, dir)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		data, err := Build(src, want, nil)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		v, err := Verify(data, Pins{Root: trust.Pins{Fingerprints: chain.Signers(chain.Len() - 1)}}, want)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if v.Size != size || len(v.Lines("p7")) != 6 || v.History("p9")[0].Get("package") != "p9 59.0" {
			t.Errorf("%s: size %d, lines %v", what, v.Size, v.Lines("p7"))
		}
	}
	check("as written", 302) // 301 and the index statement

	// The organisation takes over, in the same log.
	org := organisation(t)
	root, err := trust.Adopt(chain, start, w.software(), []trust.OpenPGPSigner{org}, 0)
	if err != nil {
		t.Fatal(err)
	}
	writeRoot(t, dir, 1, root)
	check("with a root that is not stated", 302)
	if chain, err = chain.Extend(root); err != nil {
		t.Fatal(err)
	}
	s, err := record.Root{Head: w.head(), Number: 1, Document: trust.Digest(root.Document)[7:], Signature: trust.Digest(root.Signatures)[7:]}.Statement()
	if _, err := open().Append(ctx, sign(trust.RoleLog, s, err)); err != nil {
		t.Fatal(err)
	}
	check("adopted", 303)
	roots, err := Roots(ctx, store.Folder(dir))
	if err != nil || len(roots) != 2 {
		t.Fatalf("%d roots, %v", len(roots), err)
	}
	if !slices.Equal(chain.Signers(1), sorted(org.Fingerprint(), w.software()[0].Fingerprint())) {
		t.Errorf("signers %v", chain.Signers(1))
	}
	report, err := fsck.Check(ctx, dir, fsck.Options{Origin: origin, LogKeys: chain.LogKeys(), Keys: chain.Keys()})
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("fsck: %v %v", report, err)
	}

	entry := filepath.Join(dir, "index", "entry", "p7")
	good, err := os.ReadFile(entry)
	if err != nil {
		t.Fatal(err)
	}
	for what, damage := range map[string]func() error{
		"with a torn entry": func() error { return os.WriteFile(entry, good[:len(good)/2], 0o644) },
		"with a changed entry": func() error {
			return os.WriteFile(entry, bytes.Replace(good, []byte("source"), []byte("review"), 1), 0o644)
		},
		"without an entry":               func() error { return os.Remove(entry) },
		"under another name":             func() error { return rename(dir, entry) },
		"a neighbour of what is missing": func() error { return os.WriteFile(filepath.Join(dir, "index", "entry", "_root"), nil, 0o644) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		check(what, 303)
		if err := os.WriteFile(entry, good, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "index", "list"), []byte("wheellock-index/v1\nstatement 999\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	check("with a wrong list", 303)
	if err := os.RemoveAll(filepath.Join(dir, "index")); err != nil {
		t.Fatal(err)
	}
	check("without an index", 303)
}

// rename gives an entry another name, in the list too.
func rename(dir, entry string) error {
	list := filepath.Join(dir, "index", "list")
	data, err := os.ReadFile(list)
	return errors.Join(err, os.Rename(entry, entry+"7"), os.WriteFile(list, bytes.Replace(data, []byte("\np7 "), []byte("\np77 "), 1), 0o644))
}

func sorted(s ...string) []string { slices.Sort(s); return s }

func writeRoot(t *testing.T, dir string, n int, root trust.Signed) {
	t.Helper()
	path := filepath.Join(dir, "root")
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{fmt.Sprintf("%d.toml", n): root.Document, fmt.Sprintf("%d.toml.asc", n): root.Signatures} {
		if err := os.WriteFile(filepath.Join(path, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
