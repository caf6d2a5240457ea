package log

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

func newTree(r store.Reader, c tile.Checkpoint) *store.Tree { return store.NewTree(r, c.Size, c.Root) }

// An indexer follows the log with the package index. It is opened only when an
// index statement is due: that is once in 257 statements.
type indexer struct {
	dir   string
	x     *index.Index
	fresh bool // made from the log: the files of the folder were not right
}

// indexDue reports whether the next statement must be an index statement.
func (s *session) indexDue() (bool, error) {
	return s.next()-s.facts.lastIndex() > index.Interval, nil
}

// closingIndex ends the batch with an index statement where one is due for
// whatever comes next, so that a log never waits for one: were the log's key lost
// meanwhile, nobody could sign it at that place, and the root that names a new key
// could not come in before it. After a change of the log's key the new key states
// the index again, since readers do not believe one by a key that was stolen.
func (s *session) closingIndex() error {
	due, err := s.indexDue()
	if err == nil && !due {
		due, err = s.keyReplaced()
	}
	if err != nil || !due {
		return err
	}
	if err := s.place(); err != nil {
		return err
	}
	if err := s.addIndex(); err != nil {
		return fmt.Errorf("making an index statement: %w", err)
	}
	return nil
}

// keyReplaced reports whether the batch holds a root and another key than ours
// signed the last index statement.
func (s *session) keyReplaced() (bool, error) {
	last := s.facts.lastIndex()
	if last < 0 || !slices.ContainsFunc(s.facts.batch, func(b *record.Signed) bool { return b.Kind() == record.KindRoot }) {
		return false, nil
	}
	st, err := s.facts.Statement(last)
	return err == nil && (st.Signer != s.l.o.Signer.Name() || st.Hash != s.l.o.Signer.KeyHash()), err
}

// openIndex brings the index up to the batch.
func (s *session) openIndex() error {
	if s.index == nil && s.ahead != nil {
		s.index = s.ahead()
	}
	if s.index == nil {
		x, err := s.readIndex()
		s.index = &indexer{dir: s.l.o.Dir, x: x}
		if err != nil || !s.indexFits(x) {
			s.index.remake()
		}
	}
	return s.followIndex()
}

// indexAhead begins to read what a batch that will need the index needs of it:
// that takes as long as all the rest of an append.
func (s *session) indexAhead(batch []*record.Signed) {
	var names []string
	for _, b := range batch {
		names = append(names, index.NameOf(b.Kind(), b.Get("package")))
	}
	read := sync.OnceValue(func() *indexer {
		x, err := s.readIndex()
		if err != nil || !s.indexFits(x) {
			return nil
		}
		ahead := &indexer{dir: s.l.o.Dir, x: x}
		if ahead.follow(s.ctx, s.tree) != nil {
			ahead.remake()
			return ahead
		}
		x.Preload(names)
		return ahead
	})
	s.ahead = read
	go read()
}

// remake makes the index again from the log: then it is right.
func (x *indexer) remake() { x.x, x.fresh = index.New(), true }

// followIndex brings the index up to the batch, and makes it again if it cannot
// be continued: entries are not synced, and a power cut may have taken one.
func (s *session) followIndex() error {
	err := s.feedIndex()
	if err != nil && !s.index.fresh {
		s.index.remake()
		err = s.feedIndex()
	}
	return err
}

func (s *session) feedIndex() error {
	if err := s.index.follow(s.ctx, s.tree); err != nil {
		return err
	}
	for i := max(s.index.x.Next(), s.old.Size); i < s.next(); i++ {
		item, err := index.ItemOf(s.leaves[i-s.old.Size])
		if err != nil {
			return err
		}
		if err := s.index.add(i, item); err != nil {
			return err
		}
	}
	return nil
}

// indexFits reports whether an index read from the folder is what the log says
// it was: its last statement is an index statement with its root hash.
func (s *session) indexFits(x *index.Index) bool {
	at := x.Next() - 1
	if at < 0 {
		return true
	}
	if at >= s.old.Size {
		return false
	}
	signed, err := statement(s.ctx, s.tree, at)
	if err != nil {
		return false
	}
	said, err := signed.AsIndex()
	if err != nil {
		return false
	}
	root, entries, err := x.Root()
	return err == nil && said.Root == hex.EncodeToString(root[:]) && said.Entries == entries
}

func (x *indexer) follow(ctx context.Context, tree *store.Tree) error {
	for leaf, err := range tree.Leaves(ctx, min(x.x.Next(), tree.Size()), tree.Size()) {
		if err != nil {
			return err
		}
		item, err := index.ItemOf(leaf.Data)
		if err != nil {
			return fmt.Errorf("indexing leaf %d: %w", leaf.Index, err)
		}
		if err := x.add(leaf.Index, item); err != nil {
			return err
		}
	}
	return nil
}

// add takes what the leaf at i says, unless it has it.
func (x *indexer) add(i int64, item index.Item) error {
	if i < x.x.Next() {
		return nil
	}
	if i > x.x.Next() {
		return fmt.Errorf("the index is at %d, not at %d", x.x.Next(), i)
	}
	return x.x.AddItem(item)
}

func (x *indexer) commit() error {
	if x.fresh {
		x.fresh = false
		return x.x.Rebuild(x.dir)
	}
	return x.x.Commit(x.dir)
}

// boot is durable.Boot; tests restart the machine.
var boot = durable.Boot

// mendIndex looks after the index when it may not be what the last append wrote:
// when that was interrupted, and once after each start of the machine, which may
// have lost files that were not synced. One that is only behind is written without
// being looked through: its writer was stopped after it had published, or the disk
// was full.
func (s *session) mendIndex(interrupted bool) error {
	path, id := s.l.statePath("boot"), boot()
	if last, err := os.ReadFile(path); !interrupted && err == nil && id != "" && string(last) == id {
		if s.warm == nil && s.facts.index >= 0 && index.At(s.l.o.Dir) != s.facts.index {
			if s.openIndex() != nil || s.l.step("index", "index", s.index.commit) != nil {
				s.index = nil // if the disk is still full: next time
			}
		}
		return nil
	}
	if s.facts.index >= 0 {
		x, err := s.readIndex()
		whole := err == nil && x.CheckFiles() == nil
		if err := s.openIndex(); err != nil {
			return err
		}
		if !whole && !s.index.fresh {
			s.index.remake()
			if err := s.feedIndex(); err != nil {
				return err
			}
		}
		if err := s.l.step("index", "index", s.index.commit); err != nil {
			return fmt.Errorf("mending the package index: %w", err)
		}
	}
	return durable.WriteCache(path, []byte(id), 0o600)
}

// addIndex makes the index statement that is due and takes it into the batch.
func (s *session) addIndex() error {
	if err := s.openIndex(); err != nil {
		return err
	}
	root, entries, err := s.index.x.Root()
	if err != nil && !s.index.fresh {
		s.index.remake() // see followIndex
		if err := s.feedIndex(); err != nil {
			return err
		}
		root, entries, err = s.index.x.Root()
	}
	if err != nil {
		return err
	}
	st, err := record.Index{
		Head:    record.Head{Log: s.l.o.Origin, Time: s.stamp()},
		Entries: entries, Root: hex.EncodeToString(root[:]),
	}.Statement()
	if err != nil {
		return err
	}
	leaf, err := record.Sign(st, s.l.o.Signer)
	if err != nil {
		return err
	}
	p, err := parseLeaf(leaf)
	if err != nil {
		return err
	}
	if err := s.ask(p.Signed); err != nil {
		return err
	}
	_, err = s.take(p)
	return err
}
