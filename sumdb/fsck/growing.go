package fsck

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// A log may be appended to while it is checked. What is checked is the log as the
// checkpoint read first has it; what a continuation of it explains is no problem.

// grown returns the size of the folder's log now. It is that of the checkpoint that
// is being checked unless a later one, signed and of the same tree, is there.
func (c *checker) grown() int64 {
	cp := c.report.Checkpoint
	now, _, err := store.Checkpoint(c.ctx, c.r, c.o.Origin, c.o.LogKeys)
	if err != nil || now.Size <= cp.Size {
		return cp.Size
	}
	if root, err := store.NewTree(c.r, now.Size, now.Root).RootAt(c.ctx, cp.Size); err != nil || root != cp.Root {
		return cp.Size
	}
	return now.Size
}

// readTile reads a tile. A partial one may have been pruned by now if the log has
// filled it since: then it is the beginning of the full one.
func (c *checker) readTile(t tile.Tile) ([]byte, error) {
	data, err := c.r.ReadFile(c.ctx, t.Path(), tile.MaxBundle)
	if !errors.Is(err, fs.ErrNotExist) || t.Width == tile.Width || !belongs(t.Full(), c.grown()) {
		return data, err
	}
	data, ferr := c.r.ReadFile(c.ctx, t.Full().Path(), tile.MaxBundle)
	if ferr != nil {
		return nil, err
	}
	if t.Entries {
		return tile.Truncate(data, t.Width)
	}
	return data[:min(len(data), t.Width*tile.HashSize)], nil
}

// explain takes those tiles from the problems that have become tiles of the log since.
func (c *checker) explain() {
	ahead := func(p Problem) bool { return p.Ahead }
	if !slices.ContainsFunc(c.report.Problems, ahead) {
		return
	}
	size := c.grown()
	c.report.Problems = slices.DeleteFunc(c.report.Problems, func(p Problem) bool {
		t, err := tile.ParsePath(p.Path)
		return p.Ahead && err == nil && belongs(t, size)
	})
}

func (c *checker) compareIndex() error {
	if c.index == nil {
		return nil
	}
	err := c.index.Compare(c.dir, false)
	if errors.Is(err, index.ErrMismatch) {
		if size := c.grown(); size > c.report.Checkpoint.Size {
			if err = c.index.Compare(c.dir, true); err == nil {
				c.report.Leftovers = append(c.report.Leftovers, fmt.Sprintf("%d statements were appended meanwhile, and their lines in index/ are not checked", size-c.report.Checkpoint.Size))
			}
		}
	}
	if errors.Is(err, index.ErrBehind) {
		// Whoever reads it finds it right, but short; the next append mends it.
		c.report.Leftovers = append(c.report.Leftovers, err.Error())
		return nil
	}
	if err != nil {
		return c.problem("index", -1, "%v", err)
	}
	return nil
}
