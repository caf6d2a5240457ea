// Package push publishes a wheelhouse at a destination: a folder, a host by rsync,
// or a bucket that speaks the S3 protocol.
//
// A reader must never see a page that links a file, or a checkpoint that covers a
// tile, which is not there yet. So everything goes in four stages, each whole
// before the next begins:
//
//	files       sdists, wheels, FILE.metadata, FILE.tlog-proof, crates, evidence, locks
//	tiles       tiles, package index and roots of the log
//	pages       the signed list, project pages, the lists that lead to them
//	checkpoint  log/checkpoint
//
// Each file appears whole or not at all. What the destination holds already is
// compared by hash and not sent again, so a push that was killed goes on where it
// was, and one that was damaged in between is mended.
package push

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// A Stage is one of the four.
type Stage int

// The stages, in their order.
const (
	Files Stage = iota
	Tiles
	Pages
	Checkpoint
	stages
)

func (s Stage) String() string { return [...]string{"files", "tiles", "pages", "checkpoint"}[s] }

// An Item is one file that the destination is to hold.
type Item struct {
	Path   string // below the destination, with "/"
	Stage  Stage
	Source string // a path of the file system; empty: Data is it
	Data   []byte
	SHA256 string // hex
	Size   int64
}

// Bytes makes an item of bytes.
func Bytes(path string, stage Stage, data []byte) Item {
	sum := sha256.Sum256(data)
	return Item{Path: path, Stage: stage, Data: data, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
}

// A ChangedError says that a file is not what it was when the push was planned.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string { return e.Path + " has changed since the push began" }

// Content reads the item, and checks that it is what was planned.
func (it Item) Content() ([]byte, error) {
	data := it.Data
	if it.Source != "" {
		f, err := os.Open(it.Source)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if data, err = io.ReadAll(io.LimitReader(f, it.Size+1)); err != nil {
			return nil, err
		}
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != it.SHA256 {
		return nil, &ChangedError{it.Path}
	}
	return data, nil
}

// A Destination is where a mirror lies.
type Destination interface {
	// Read returns a small file; the error wraps fs.ErrNotExist where there is
	// none.
	Read(ctx context.Context, path string, limit int64) ([]byte, error)
	// Missing returns the items that the destination does not hold with these
	// bytes.
	Missing(ctx context.Context, items []Item) ([]Item, error)
	// Send writes items, each of them whole or not at all.
	Send(ctx context.Context, items []Item) error
	// List returns the paths below a folder, ascending; none where it is not
	// there.
	List(ctx context.Context, folder string) ([]string, error)
	// Remove removes files.
	Remove(ctx context.Context, paths []string) error
}

// Options change what Run does.
type Options struct {
	DryRun bool
	// Gone decides about a file in Folders that is not among the items.
	Folders []string
	Gone    func(path string) bool
	// Tell is called before each stage that has something to send.
	Tell func(stage Stage, files int, bytes int64)
}

// A Result is what a push did, or with DryRun would do.
type Result struct {
	Sent    []Item
	Kept    int // files that were there
	Removed []string
}

// Run publishes the items. What is gone is removed after the pages that no longer
// link it, before the checkpoint.
func Run(ctx context.Context, d Destination, items []Item, o Options) (*Result, error) {
	r := &Result{}
	var by [stages][]Item
	planned := map[string]bool{}
	for _, it := range items {
		by[it.Stage] = append(by[it.Stage], it)
		planned[it.Path] = true
	}
	for s := Files; s < stages; s++ {
		if s == Checkpoint {
			if err := r.remove(ctx, d, planned, o); err != nil {
				return r, err
			}
		}
		todo, err := d.Missing(ctx, by[s])
		if err != nil {
			return r, fmt.Errorf("looking at the %s there: %w", s, err)
		}
		r.Kept += len(by[s]) - len(todo)
		if o.Tell != nil && len(todo) > 0 {
			o.Tell(s, len(todo), total(todo))
		}
		if !o.DryRun && len(todo) > 0 {
			if err := d.Send(ctx, todo); err != nil {
				return r, fmt.Errorf("sending the %s: %w", s, err)
			}
		}
		r.Sent = append(r.Sent, todo...)
	}
	return r, nil
}

func (r *Result) remove(ctx context.Context, d Destination, planned map[string]bool, o Options) error {
	for _, folder := range o.Folders {
		have, err := d.List(ctx, folder)
		if err != nil {
			return fmt.Errorf("listing %s there: %w", folder, err)
		}
		for _, p := range have {
			if !planned[p] && o.Gone(p) {
				r.Removed = append(r.Removed, p)
			}
		}
	}
	if o.DryRun || len(r.Removed) == 0 {
		return nil
	}
	if err := d.Remove(ctx, r.Removed); err != nil {
		return fmt.Errorf("removing what is gone: %w", err)
	}
	return nil
}

func total(items []Item) (n int64) {
	for _, it := range items {
		n += it.Size
	}
	return n
}
