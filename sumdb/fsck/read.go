package fsck

import (
	"iter"
	"runtime"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// A bundle is what can be known of a bundle's leaves without knowing those
// before them. It is most of the work, and is done on all processors.
type bundle struct {
	tile   tile.Tile
	data   []byte
	err    error // it could not be read
	leaves []leaf
}

type leaf struct {
	hash    tlog.Hash
	signed  *record.Signed
	file    named // the file that the door asks about, if any
	err     error
	item    index.Item
	itemErr error
}

// bundles gives all bundles in order.
func (c *checker) bundles(size int64) iter.Seq2[*bundle, error] {
	return func(yield func(*bundle, error) bool) {
		ahead := int64(2 * runtime.GOMAXPROCS(0))
		count := (size + tile.Width - 1) / tile.Width
		queue := make(chan chan *bundle, ahead)
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			defer close(queue)
			for n := range count {
				done := make(chan *bundle, 1)
				select {
				case queue <- done:
				case <-stop:
					return
				}
				go func() { done <- c.read(tile.Bundle(n, size)) }()
			}
		}()
		for done := range queue {
			select {
			case b := <-done:
				if !yield(b, nil) {
					return
				}
			case <-c.ctx.Done():
				yield(nil, c.ctx.Err())
				return
			}
		}
	}
}

// read reads a bundle. In place of one that cannot be read stand empty leaves,
// so that the places of the others stay right.
func (c *checker) read(t tile.Tile) *bundle {
	b := &bundle{tile: t}
	var leaves [][]byte
	if b.data, b.err = c.readTile(t); b.err == nil {
		leaves, b.err = tile.ParseBundle(b.data, t.Width)
	}
	if b.err != nil {
		leaves = make([][]byte, t.Width)
	}
	b.leaves = make([]leaf, len(leaves))
	for i, data := range leaves {
		l := &b.leaves[i]
		l.hash = tlog.RecordHash(data)
		if l.signed, l.err = record.ParseLeaf(data); l.err == nil && c.o.Keys != nil {
			l.file = nameOf(l.signed)
		}
		if !c.o.NoIndex {
			l.item, l.itemErr = index.ItemOf(data)
		}
	}
	return b
}
