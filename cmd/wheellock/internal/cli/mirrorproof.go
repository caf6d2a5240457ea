package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/tlogproof"
)

// proofsBeside makes the proofs that lie beside the listed files, by their sha256.
// What the log says nothing about has none.
func (l *ledger) proofsBeside(ctx context.Context) (map[string][]byte, error) {
	list, _, err := l.s.house().ReadList()
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, f := range list {
		name := filepath.Base(f.Path)
		pkg, err := packageOf(name)
		if err != nil || out[f.SHA256] != nil {
			continue
		}
		past, err := l.history(ctx, pkg)
		if err != nil {
			return nil, err
		}
		if n := l.firstAbout(past, name, f.SHA256); n >= 0 {
			if out[f.SHA256], err = l.keptProof(ctx, n); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// firstAbout is the first statement that counts of who gave or built a file, -1 if
// there is none. The first: it stays the same one while the log grows.
func (l *ledger) firstAbout(past []log.Entry, name, hash string) int64 {
	for _, e := range past {
		switch e.Kind() {
		case record.KindSource, record.KindUpstream, record.KindBuild:
			for _, f := range e.Files() {
				if f.Name == name && f.SHA256 == hash && l.counts(e) {
					return e.Index
				}
			}
		}
	}
	return -1
}

// keptProof gives the proof that was made the last time, as long as it is one of this
// log: a proof holds for ever, and one with the newest checkpoint would have every
// file's proof sent again with every push. They lie in the log's private state, which
// may be lost.
func (l *ledger) keptProof(ctx context.Context, n int64) ([]byte, error) {
	path := filepath.Join(l.dir, ".state", "proofs", fmt.Sprint(n))
	if data, err := readCapped(path, tlogproof.MaxSize); err == nil && l.proves(ctx, data, n) {
		return data, nil
	}
	data, err := l.tlogProof(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	// Written without a sync: it can be made again.
	return data, os.WriteFile(path, data, 0o644)
}

// proves reports whether a proof is one of statement n of this very log.
func (l *ledger) proves(ctx context.Context, data []byte, n int64) bool {
	p, err := tlogproof.Parse(data)
	if err != nil || p.Index != n {
		return false
	}
	leaf, err := l.view.Tree.Leaf(ctx, n)
	if err != nil || !bytes.Equal(leaf, p.Extra) {
		return false
	}
	opened, err := note.Open(p.Checkpoint, l.logKeys())
	if err != nil {
		return false
	}
	c, err := tile.ParseCheckpoint(opened.Text)
	if err != nil || c.Origin != l.origin || c.Size > l.view.Checkpoint.Size {
		return false
	}
	root, err := l.view.Tree.RootAt(ctx, c.Size)
	return err == nil && root == c.Root && store.CheckLeaf(leaf, n, c.Size, root, p.Hashes) == nil
}
