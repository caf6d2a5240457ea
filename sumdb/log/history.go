package log

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/store"
)

// Index reads the package index in a log's folder and returns it if it is, to the
// hash of its list, what one of the log's own index statements says. The folder is
// anybody's: without this a line taken out of a file would hide a withdrawal.
// believe, if not nil, says whether that statement counts (its key may have been
// stolen). Whatever the index has is complete up to its statement; those after it
// have to be read one by one. Ask it by [index.Snapshot.Lookup]: names are checked
// there. The error says why the files are not to be used: they
// are missing, torn by a power cut, behind the first index statement, or a lie.
func Index(ctx context.Context, dir string, tree *store.Tree, believe func(Entry) bool) (*index.Snapshot, error) {
	x, err := index.Open(dir)
	if err != nil {
		return nil, err
	}
	at := x.Next() - 1
	if at < 0 {
		return nil, fmt.Errorf("reading the package index: %w: there is none", index.ErrMismatch)
	}
	if at >= tree.Size() {
		return nil, fmt.Errorf("reading the package index: %w: it is of statement %d, this log has %d", index.ErrMismatch, at, tree.Size())
	}
	signed, err := statement(ctx, tree, at)
	if err != nil {
		return nil, err
	}
	root, entries, err := x.Root()
	if err != nil {
		return nil, err
	}
	said, err := signed.AsIndex()
	if err != nil || said.Root != hex.EncodeToString(root[:]) || said.Entries != entries {
		return nil, fmt.Errorf("reading the package index: %w: statement %d does not say so", index.ErrMismatch, at)
	}
	if believe != nil && !believe(Entry{at, signed}) {
		return nil, fmt.Errorf("reading the package index: %w: the key of statement %d is not believed", index.ErrMismatch, at)
	}
	return x.Snapshot(), nil
}

// About reports whether a statement is about a package; those about none are about
// "_" and their kind.
func (e Entry) About(name string) bool {
	p, _ := e.Package()
	return index.NameOf(e.Kind(), p) == name
}

// History gives all statements about a name (see About), oldest first: by way of
// the index in the log's folder as far as [Index] has it, the rest one by one. Where
// the index is not to be used the whole log is read.
func (v *View) History(ctx context.Context, dir, name string, believe func(Entry) bool) ([]Entry, error) {
	out, from, err := v.indexed(ctx, dir, name, believe)
	if err != nil {
		out, from = nil, 0
	}
	for e, err := range v.Statements(ctx, from, v.Checkpoint.Size) {
		if err != nil {
			return nil, err
		}
		if e.About(name) {
			out = append(out, e)
		}
	}
	return out, nil
}

// indexed gives what the index has about a name, and from which statement on it
// knows nothing.
func (v *View) indexed(ctx context.Context, dir, name string, believe func(Entry) bool) (out []Entry, from int64, err error) {
	snap, err := Index(ctx, dir, v.Tree, believe)
	if err != nil {
		return nil, 0, err
	}
	text, err := snap.Lookup(name)
	if err != nil {
		return nil, 0, err
	}
	if text == nil {
		return nil, snap.Statement() + 1, nil
	}
	entry, err := index.ParseEntry(text)
	if err != nil {
		return nil, 0, err
	}
	for _, line := range entry.Lines {
		st, err := v.Statement(ctx, line.Number)
		if err != nil {
			return nil, 0, err
		}
		e := Entry{line.Number, st}
		if !e.About(name) {
			return nil, 0, fmt.Errorf("reading the package index: %w: statement %d is not about %s", index.ErrMismatch, line.Number, name)
		}
		out = append(out, e)
	}
	return out, snap.Statement() + 1, nil
}
