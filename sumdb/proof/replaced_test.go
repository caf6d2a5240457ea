package proof

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	xnote "golang.org/x/mod/sumdb/note"

	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// either are the log's keys before and after a root.
type either [2]note.Verifiers

func (e either) Verifier(name string, hash uint32) (xnote.Verifier, error) {
	if v, err := e[0].Verifier(name, hash); err == nil {
		return v, nil
	}
	return e[1].Verifier(name, hash)
}

// The log's key may be lost or stolen at any size, also where an index statement
// is about to be due: the root that names a new one always finds its place, and
// everything is proved from then on.
func TestLogKeyReplacedAtEverySize(t *testing.T) {
	for _, leaves := range []int{0, 3, 254, 255, 256, 257} {
		for _, how := range []string{trust.Lost, trust.Stolen} {
			t.Run(fmt.Sprintf("%s at %d", how, leaves), func(t *testing.T) { replaceLogKey(t, leaves, how) })
		}
	}
}

func replaceLogKey(t *testing.T, leaves int, how string) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "log")
	w := newLog(t, 0)
	writeRoot(t, dir, 0, w.roots[0])
	chain := w.chain
	sign := func(k note.Signer, s *record.Statement, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := record.Sign(s, k)
		if err != nil {
			t.Fatal(err)
		}
		return leaf
	}
	app := func(k note.Signer, keys note.Verifiers, batch ...[]byte) int64 {
		t.Helper()
		l, err := log.Open(log.Options{Dir: dir, KeyDir: w.keys.Dir(), Origin: origin, Create: true, Signer: k,
			LogKeys: keys, Keys: chain.Keys(), Now: func() time.Time { return start }})
		if err != nil {
			t.Fatal(err)
		}
		res, err := l.Append(ctx, batch...)
		if err != nil {
			t.Fatal(err)
		}
		return res.Checkpoint.Size
	}
	batch := [][]byte{w.leaves[0]}
	for i := range leaves {
		s, err := record.Source{Head: w.head(), Name: "p", Version: fmt.Sprint(i),
			File: record.File{Name: fmt.Sprintf("p-%d.tar.gz", i), SHA256: hexA, Size: 1}}.Statement()
		batch = append(batch, sign(w.signers[trust.RoleBuilder], s, err))
	}
	old := w.signers[trust.RoleLog]
	size := app(old, chain.LogKeys(), batch...)

	vkey, err := w.keys.Generate(rand.Reader, origin, trust.RoleLog)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := w.keys.Signers(origin, trust.RoleLog)
	if err != nil {
		t.Fatal(err)
	}
	fresh := mine[slices.IndexFunc(mine, func(k trust.Signer) bool { return k.Key == vkey })]
	var from int64
	if how == trust.Stolen {
		from = 1 // all that it signed but root 0
	}
	root, err := trust.Next(chain, start, func(r *trust.Root) error {
		if err := trust.Replace(r, trust.RoleLog, old.Key, vkey); err != nil {
			return err
		}
		return trust.RevokeFormer(r, old.Key, how, from)
	}, w.software()...)
	if err != nil {
		t.Fatal(err)
	}
	writeRoot(t, dir, 1, root)
	before := chain
	if chain, err = chain.Extend(root); err != nil {
		t.Fatal(err)
	}
	s, err := record.Root{Head: w.head(), Number: 1, Document: trust.Digest(root.Document)[7:], Signature: trust.Digest(root.Signatures)[7:]}.Statement()
	now := app(fresh, either{before.LogKeys(), chain.LogKeys()}, sign(fresh, s, err))
	if now <= size {
		t.Fatalf("size %d after %d", now, size)
	}
	src, err := Folder(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := wants("p 1")
	data, err := Build(src, want, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := Verify(data, Pins{Root: trust.Pins{Fingerprints: chain.Signers(1)}}, want)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range v.Statements {
		if st.Kind() == record.KindSource && st.Void {
			t.Errorf("a builder's statement %d is void", st.Number)
		}
	}
	rep, err := fsck.Check(ctx, dir, fsck.Options{Origin: origin, LogKeys: chain.LogKeys(), Keys: chain.Keys()})
	if err != nil || !rep.OK() {
		t.Errorf("fsck: %+v, %v", rep, err)
	}
}
