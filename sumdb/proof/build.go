package proof

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// A Source is the log that a proof is made from. Nothing in it is believed:
// Build checks its work before it hands it out.
type Source struct {
	Checkpoint []byte         // the signed note
	Roots      []trust.Signed // from 0 on; those that the log has not stated yet are left away
	Hashes     tlog.HashReader
	Leaf       func(n int64) ([]byte, error)
	Index      *index.Snapshot // of the last index statement; nil when there is none

	// Remake, if not nil, makes Index anew from the leaves: asked for where an entry
	// turns out not to be what the index statement says, as after a power cut.
	Remake func() (*index.Snapshot, error)
}

// Build makes the bytes of wheels.lock.proof. extra are log indexes of further
// statements to carry: the lock statement, the publication of the list.
func Build(src Source, want []Want, extra []int64) ([]byte, error) {
	data, err := build(src, want, extra)
	if src.Remake != nil && (errors.Is(err, index.ErrMismatch) || errors.Is(err, fs.ErrNotExist)) {
		if src.Index, err = src.Remake(); err == nil {
			data, err = build(src, want, extra)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("making wheels.lock.proof: %w", err)
	}
	if _, err := verify(data, trust.CheckChain, want); err != nil {
		return nil, fmt.Errorf("making wheels.lock.proof: checking it: %w", err)
	}
	return data, nil
}

func build(src Source, want []Want, extra []int64) ([]byte, error) {
	n, err := note.Parse(src.Checkpoint)
	if err != nil {
		return nil, err
	}
	cp, err := tile.ParseCheckpoint(n.Text)
	if err != nil {
		return nil, err
	}
	p := &Proof{}
	numbers, err := p.addEntries(src, cp.Size, want)
	if err != nil {
		return nil, err
	}
	numbers = append(numbers, extra...)
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if len(numbers) > 0 && (numbers[0] < 0 || numbers[len(numbers)-1] >= cp.Size) {
		return nil, fmt.Errorf("statement %d is not in the log of %d", numbers[len(numbers)-1], cp.Size)
	}
	var placed []record.Placed
	for _, i := range numbers {
		leaf, err := src.Leaf(i)
		if err != nil {
			return nil, err
		}
		p.Statements = append(p.Statements, Block{i, leaf})
		if s, err := record.ParseLeaf(leaf); err == nil && s.Kind() == record.KindRoot {
			if r, err := s.AsRoot(); err == nil {
				placed = append(placed, record.Placed{At: i, Root: r})
			}
		}
	}
	p.Hashes = missing(cp.Size, numbers)
	if err := readMissing(p.Hashes, src.Hashes); err != nil {
		return nil, err
	}
	if err := p.addRoots(src, cp, n, placed); err != nil {
		return nil, err
	}
	return p.Format(), nil
}

// addEntries adds the index entries, and gives the numbers of the statements
// that they and the last index statement ask for.
func (p *Proof) addEntries(src Source, size int64, want []Want) (numbers []int64, err error) {
	from := int64(0)
	if x := src.Index; x != nil {
		from = x.Statement()
		if from >= size {
			return nil, fmt.Errorf("the package index is of statement %d, the checkpoint of %d leaves", from, size)
		}
		wanted := merge(want)
		var places []int64
		for name, versions := range wanted {
			place, found := x.Find(name)
			if !found {
				places = append(places, neighbours(place, x.Len())...)
				continue
			}
			text, err := x.Entry(place)
			if err != nil {
				return nil, err
			}
			e, err := index.ParseEntry(text)
			if err != nil {
				return nil, err
			}
			places = append(places, place)
			for _, l := range e.Lines {
				if required(l, versions) {
					numbers = append(numbers, l.Number)
				}
			}
		}
		slices.Sort(places)
		places = slices.Compact(places)
		for _, place := range places {
			text, err := x.Entry(place)
			if err != nil {
				return nil, err
			}
			p.Entries = append(p.Entries, Block{place, text})
		}
		p.EntryHashes = missing(x.Len(), places)
		if err := readMissing(p.EntryHashes, x); err != nil {
			return nil, err
		}
	}
	if size-from > index.Interval+1 {
		return nil, fmt.Errorf("%d leaves follow the last index statement: %w", size-from-1, index.ErrLate)
	}
	for i := from; i < size; i++ {
		numbers = append(numbers, i)
	}
	return numbers, nil
}

func neighbours(place, size int64) []int64 {
	var list []int64
	if place > 0 {
		list = append(list, place-1)
	}
	if place < size {
		list = append(list, place)
	}
	return list
}

// addRoots adds the roots that the log has stated, and of the checkpoint what
// their keys signed.
func (p *Proof) addRoots(src Source, cp tile.Checkpoint, n *note.Note, placed []record.Placed) error {
	if len(placed) > len(src.Roots) {
		return fmt.Errorf("the log has stated %d roots, %d documents are here", len(placed), len(src.Roots))
	}
	p.Roots = src.Roots[:len(placed)]
	chain, err := trust.CheckChain(cp.Origin, p.Roots)
	if err != nil {
		return err
	}
	if err := chain.Keys().Place(placed); err != nil {
		return err
	}
	keep, _ := checkpointLines(chain, cp.Size, n.Text, n.Sigs)
	p.Checkpoint = (&note.Note{Text: n.Text, Sigs: keep}).Bytes()
	return nil
}

// Folder reads a log's folder (with checkpoint, tile/, index/ and root/ in it)
// as a source.
func Folder(ctx context.Context, dir string) (Source, error) {
	r := store.Folder(dir)
	msg, err := r.ReadFile(ctx, "checkpoint", tile.MaxCheckpoint)
	if err != nil {
		return Source{}, fmt.Errorf("reading the log: %w", err)
	}
	n, err := note.Parse(msg)
	if err != nil {
		return Source{}, fmt.Errorf("reading the log's checkpoint: %w", err)
	}
	cp, err := tile.ParseCheckpoint(n.Text)
	if err != nil {
		return Source{}, fmt.Errorf("reading the log's checkpoint: %w", err)
	}
	roots, err := Roots(ctx, r)
	if err != nil {
		return Source{}, err
	}
	tree := store.NewTree(r, cp.Size, cp.Root)
	x, err := openIndex(ctx, dir, tree)
	if err != nil {
		return Source{}, fmt.Errorf("reading the package index: %w", err)
	}
	return Source{Checkpoint: msg, Roots: roots, Hashes: tree.HashReader(ctx), Index: x.Snapshot(),
		Leaf:   func(n int64) ([]byte, error) { return tree.Leaf(ctx, n) },
		Remake: func() (*index.Snapshot, error) { x, err := remake(ctx, tree); return x.Snapshot(), err }}, nil
}

// Roots reads root/0.toml, root/1.toml ... and their signatures.
func Roots(ctx context.Context, r store.Reader) ([]trust.Signed, error) {
	var list []trust.Signed
	for n := range trust.MaxRoots {
		name := fmt.Sprintf("root/%d.toml", n)
		doc, err := r.ReadFile(ctx, name, trust.MaxRootSize)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		asc, err := r.ReadFile(ctx, name+".asc", trust.MaxSignaturesSize)
		if err != nil {
			return nil, fmt.Errorf("reading %s.asc: %w", name, err)
		}
		list = append(list, trust.Signed{Document: doc, Signatures: asc})
	}
	return list, nil
}

// openIndex brings the folder's index up to the tree. Where the files are not
// what the log says, it is made anew, in memory, from all leaves.
func openIndex(ctx context.Context, dir string, tree *store.Tree) (*index.Index, error) {
	x, err := index.Open(dir)
	if err == nil {
		err = follow(ctx, x, tree)
	}
	if err == nil {
		return x, nil
	}
	return remake(ctx, tree)
}

func remake(ctx context.Context, tree *store.Tree) (*index.Index, error) {
	x := index.New()
	return x, follow(ctx, x, tree)
}

func follow(ctx context.Context, x *index.Index, tree *store.Tree) error {
	if x.Next() > tree.Size() {
		return index.ErrMismatch
	}
	if x.Next() > 0 {
		leaf, err := tree.Leaf(ctx, x.Next()-1)
		if err != nil {
			return err
		}
		it, err := index.ItemOf(leaf)
		if err != nil {
			return err
		}
		root, entries, err := x.Root()
		if err != nil {
			return err
		}
		if it.Name != "" || it.Fields != fmt.Sprintf("%d sha256:%x", entries, root[:]) {
			return index.ErrMismatch
		}
	}
	for leaf, err := range tree.Leaves(ctx, x.Next(), tree.Size()) {
		if err != nil {
			return err
		}
		if err := x.Add(leaf.Data); err != nil {
			return err
		}
	}
	return nil
}
