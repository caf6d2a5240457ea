// Package checksumdb writes a log's sources in the form of the Go checksum
// database, as a folder of static files that an unmodified client
// (golang.org/x/mod/sumdb) reads from any web server:
//
//	lookup/wheels.example.org/markupsafe@3.0.2     a record, and a signed tree that holds it
//	tile/8/0/000.p/17                              hashes
//	tile/8/data/000.p/17                           records
//	latest                                         the newest signed tree; written last
//
// The client is asked for the path ORIGIN/NAME and the version as PEP 440 writes
// it, and answers with the line
//
//	wheels.example.org/markupsafe 3.0.2 sha256:4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a
//
// # Records
//
// A record is that line and below it the leaf: the builder's signed statement
// that the index gave this source (package record). There is one record for each
// name and version, in the order in which the log first states them, so the
// export of a log is a function of the log, and that of a longer log continues
// it. It is a tree of its own: the client believes it by a key of its own, which
// signs only such trees, never a checkpoint (a signed tree begins with "go.sum
// database tree"; no origin does).
//
// A version has one line. Where it has several source files the one that was
// stated first is it. Versions and names that the client cannot ask for, such as
// those with an epoch, are left out and listed.
package checksumdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

const maxLatest = 64 << 10 // bytes of a signed tree

// A Result says what an export holds.
type Result struct {
	Size    int64    // records
	New     int64    // of them written now
	Skipped []string // "NAME VERSION: why", in the log's order
}

// A ForkError says that a folder holds the export of another log, or of another
// history of this one. Its key has signed it: to sign this one, too, would be to
// sign two.
type ForkError struct {
	Dir  string
	Have int64 // records there
	Msg  string
}

func (e *ForkError) Error() string {
	return fmt.Sprintf("%s: the export there has %d records, and %s", e.Dir, e.Have, e.Msg)
}

// Export writes what is new since the last export into dir, which it makes if it
// is not there. Every leaf is read and checked against tree. key signs the tree;
// keys must know it, so that what was exported before can be believed.
func Export(ctx context.Context, tree *store.Tree, origin, dir string, key note.Signer, keys note.Verifiers) (*Result, error) {
	e := &export{dir: dir, origin: origin, front: &tile.Frontier{}}
	if err := e.readLatest(keys); err != nil {
		return nil, err
	}
	if err := e.collect(ctx, tree); err != nil {
		return nil, err
	}
	if e.front.Size() < e.old.N {
		return nil, &ForkError{dir, e.old.N, fmt.Sprintf("the log has only %d", e.front.Size())}
	}
	e.result.Size, e.result.New = e.front.Size(), e.front.Size()-e.old.N
	if e.result.New == 0 && e.found {
		return &e.result, nil
	}
	signed, err := note.Sign(string(tlog.FormatTree(tlog.Tree{N: e.front.Size(), Hash: e.front.Root()})), key)
	if err != nil {
		return nil, err
	}
	return &e.result, e.write(signed)
}

type entry struct {
	path string // lookup path
	text []byte
}

type export struct {
	dir, origin string
	old         tlog.Tree
	found       bool // an export is there
	front       *tile.Frontier
	fresh       []entry     // records after old
	files       []tile.File // tiles of hashes that they filled
	tail        []byte      // records of the data tile that is not full
	tailFrom    int64
	data        []dataTile
	result      Result
}

type dataTile struct {
	tile tlog.Tile
	text []byte
}

// readLatest reads the tree that was signed last.
func (e *export) readLatest(keys note.Verifiers) error {
	f, err := os.Open(filepath.Join(e.dir, "latest"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	msg, err := io.ReadAll(io.LimitReader(f, maxLatest))
	if err != nil {
		return err
	}
	opened, err := note.Open(msg, keys)
	if err == nil {
		e.old, err = tlog.ParseTree([]byte(opened.Text))
	}
	if err != nil {
		return fmt.Errorf("reading the export in %s: latest: %w", e.dir, err)
	}
	e.found = true
	return nil
}

// collect goes through the log's sources.
func (e *export) collect(ctx context.Context, tree *store.Tree) error {
	seen := map[string]bool{}
	if e.old.N == 0 && e.found && e.old.Hash != tile.EmptyRoot() {
		return &ForkError{e.dir, 0, "another root hash than nothing has"}
	}
	for leaf, err := range tree.Leaves(ctx, 0, tree.Size()) {
		if err != nil {
			return err
		}
		s, err := record.ParseLeaf(leaf.Data)
		if err != nil {
			return fmt.Errorf("statement %d: %w", leaf.Index, err)
		}
		if s.Kind() != record.KindSource {
			continue
		}
		x, err := s.AsSource()
		if err != nil {
			return fmt.Errorf("statement %d: %w", leaf.Index, err)
		}
		id := x.Name + " " + x.Version
		if seen[id] {
			continue
		}
		seen[id] = true
		if err := e.add(x, leaf.Data); err != nil {
			return err
		}
	}
	return nil
}

func (e *export) add(x record.Source, leaf []byte) error {
	path, version := e.origin+"/"+x.Name, x.Version
	epath, err := module.EscapePath(path)
	var eversion string
	if err == nil {
		eversion, err = module.EscapeVersion(version)
	}
	if err != nil {
		e.result.Skipped = append(e.result.Skipped, fmt.Sprintf("%s %s: %v", x.Name, version, err))
		return nil
	}
	text := append(fmt.Appendf(nil, "%s %s sha256:%s\n", path, version, x.File.SHA256), leaf...)
	n := e.front.Size()
	full := e.front.Add(tlog.RecordHash(text))
	if n%tile.Width == 0 {
		e.tail, e.tailFrom = nil, n
	}
	// A data tile is the records with an empty line between them.
	if len(e.tail) > 0 {
		e.tail = append(e.tail, '\n')
	}
	e.tail = append(e.tail, text...)
	if e.front.Size() == e.old.N && e.front.Root() != e.old.Hash {
		return &ForkError{e.dir, e.old.N, "is not the beginning of this log's"}
	}
	if n < e.old.N {
		return nil
	}
	e.files = append(e.files, full...)
	if e.front.Size()%tile.Width == 0 {
		e.cut()
	}
	e.fresh = append(e.fresh, entry{"lookup/" + epath + "@" + eversion, text})
	return nil
}

// cut keeps the data tile as it is now.
func (e *export) cut() {
	w := int(e.front.Size() - e.tailFrom)
	e.data = append(e.data, dataTile{tlog.Tile{H: tile.Height, L: -1, N: e.tailFrom / tile.Width, W: w}, append([]byte(nil), e.tail...)})
}

// write writes tiles, then what rests on them, and latest when all is there.
func (e *export) write(signed []byte) error {
	if e.front.Size()%tile.Width != 0 {
		e.cut()
	}
	for _, d := range e.data {
		if err := e.put(d.tile.Path(), d.text); err != nil {
			return err
		}
	}
	for _, f := range append(e.files, e.front.Partials()...) {
		t := tlog.Tile{H: tile.Height, L: f.Tile.Level, N: f.Tile.Index, W: f.Tile.Width}
		if err := e.put(t.Path(), f.Data); err != nil {
			return err
		}
	}
	for i, r := range e.fresh {
		msg, err := tlog.FormatRecord(e.old.N+int64(i), r.text)
		if err != nil {
			return err
		}
		if err := e.put(r.path, append(msg, signed...)); err != nil {
			return err
		}
	}
	return e.put("latest", signed)
}

func (e *export) put(path string, data []byte) error {
	name := filepath.Join(e.dir, filepath.FromSlash(path))
	if err := durable.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return durable.WriteFile(name, data, 0o644)
}
