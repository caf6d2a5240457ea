package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// maxNamed is how many damaged files of a log are named one by one.
const maxNamed = 20

// logFacts is what the wheelhouse's copy of the log gave.
type logFacts struct {
	chain *trust.Chain // the proof's roots and those that came after; nil: as the proof's
	tree  *store.Tree  // nil: there is no checkpoint to believe
	note  []byte       // the checkpoint, signed; nil likewise
}

func (c *checker) logPath(name string) string { return mirror.LogFolder + "/" + name }

// readLog checks the log's folder against the proof.
func (c *checker) readLog(ctx context.Context) error {
	if !c.local() {
		return nil
	}
	msg, err := c.read(c.logPath(store.CheckpointPath), tile.MaxCheckpoint)
	if err != nil && !errors.Is(err, errTooLarge) {
		return err
	}
	noted := msg != nil || err != nil
	found, err := c.readRoots(noted)
	if err != nil {
		return err
	}
	if !noted {
		if tiles, err := exists(c.in.House.Path(c.logPath("tile"))); err != nil || tiles {
			c.add("checkpoint-changed", c.show(c.logPath(store.CheckpointPath)), "it is missing, but the log's tiles are there")
			return err
		}
		if there, err := exists(c.in.House.Dir); err != nil || !there {
			return err // wheelhouse-missing says it
		}
		if c.haveProof() && !found {
			c.add("log-missing", c.show(mirror.LogFolder), "the wheelhouse holds no copy of the log")
		}
		return nil
	}
	if c.roots() == nil {
		return nil // what is wrong with the roots is said
	}
	cp, ok := c.checkpoint(msg)
	if !ok {
		return nil
	}
	c.log.note = msg
	return c.readTree(ctx, cp)
}

// checkpoint checks the folder's checkpoint: signed by the log, and nothing on it
// that could be changed unseen.
func (c *checker) checkpoint(msg []byte) (tile.Checkpoint, bool) {
	path := c.show(c.logPath(store.CheckpointPath))
	bad := func(format string, args ...any) (tile.Checkpoint, bool) {
		c.add("checkpoint-changed", path, format, args...)
		return tile.Checkpoint{}, false
	}
	n, err := note.Parse(msg)
	if err != nil {
		return bad("it is not a signed note")
	}
	cp, err := tile.ParseCheckpoint(n.Text)
	if err != nil {
		return bad("it is not a checkpoint")
	}
	if cp.Origin != c.roots().Newest().Origin {
		return bad("it is of another log")
	}
	signed := false
	for _, s := range n.Sigs {
		key, role := everHeld(c.roots(), cp.Size-1, s.Name, s.Hash, trust.RoleLog, trust.RoleWitness)
		if key == nil {
			return bad("it has a signature by a key that no root names as log or witness")
		}
		if !key.Verify([]byte(n.Text), s.Sig) {
			return bad("the signature of %s is wrong", s.Name)
		}
		signed = signed || role == trust.RoleLog
	}
	if !signed {
		return bad("it is not signed by the log")
	}
	return cp, true
}

// readTree holds the folder's tree against the proof's, and reads it: whole, or
// where the proof's statements are.
func (c *checker) readTree(ctx context.Context, cp tile.Checkpoint) error {
	tree := store.NewTree(store.Folder(c.in.House.Path(mirror.LogFolder)), cp.Size, cp.Root)
	if v := c.v; v != nil {
		path := c.show(c.logPath(store.CheckpointPath))
		if cp.Size < v.Size {
			c.add("log-rolled-back", path, "it has %d statements, the proof is of %d", cp.Size, v.Size)
			return nil
		}
		root, err := tree.RootAt(ctx, v.Size)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			c.add("log-changed", c.show(mirror.LogFolder), "its tiles do not give the tree that its checkpoint signs: %v", err)
		} else if root != v.Hash {
			c.add("log-forked", path, "its first %d statements are not those of the proof: the log has signed two histories", v.Size)
			return nil
		}
	}
	if cp.Size <= c.mostRead() {
		sound, err := c.fsck(ctx)
		if err != nil || !sound {
			return err
		}
	} else if err := c.onPath(ctx, tree); err != nil {
		return err
	}
	c.log.tree = tree
	if err := c.tail(ctx, tree); err != nil {
		return err
	}
	return c.fileInLog(ctx, tree)
}

// mostRead is the size up to which a log is read whole.
func (c *checker) mostRead() int64 {
	if c.in.fsck != 0 {
		return c.in.fsck
	}
	return MaxFsck
}

// fsck reads the whole log. Who signed what was judged when it was appended, and
// the tree's signed root fixes every byte: so no signature is checked again.
func (c *checker) fsck(ctx context.Context) (sound bool, err error) {
	r, err := fsck.Check(ctx, c.in.House.Path(mirror.LogFolder), fsck.Options{
		Origin: c.roots().Newest().Origin, LogKeys: logKeys(c.roots()),
	})
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	c.dropAhead(r)
	for i, p := range r.Problems {
		if i == maxNamed {
			c.add("log-changed", c.show(mirror.LogFolder), "and %d more", len(r.Problems)-maxNamed)
			break
		}
		subject := mirror.LogFolder
		if p.Path != "" {
			subject = c.logPath(p.Path)
		}
		c.add("log-changed", c.show(subject), "%s", p)
	}
	if err != nil && len(r.Problems) == 0 {
		if !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("checking the log: %w", err)
		}
		c.add("log-changed", c.show(mirror.LogFolder), "a folder of it is missing: %v", err)
		return false, nil
	}
	return len(r.Problems) == 0, nil
}

// dropAhead makes one finding of the tiles that an interrupted append left, where
// its journal is there: the next verb completes it, and the checkpoint does not
// vouch for them anyway.
func (c *checker) dropAhead(r *fsck.Report) {
	there, err := exists(c.in.House.Path(mirror.LogFolder + "/.state/journal"))
	if err != nil || !there {
		return
	}
	n := len(r.Problems)
	r.Problems = slices.DeleteFunc(r.Problems, func(p fsck.Problem) bool { return p.Ahead })
	if len(r.Problems) < n {
		c.add("log-unfinished", c.show(mirror.LogFolder), "an append was interrupted; the next verb that states something completes it")
	}
}

// onPath reads the tiles from the proof's statements up to the root.
func (c *checker) onPath(ctx context.Context, tree *store.Tree) error {
	if c.v == nil {
		return nil
	}
	stored := make([]int64, len(c.v.Statements))
	for i, st := range c.v.Statements {
		stored[i] = tlog.StoredHashIndex(0, st.Number)
	}
	hashes, err := tree.HashReader(ctx).ReadHashes(stored)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		c.add("log-changed", c.show(mirror.LogFolder), "its tiles do not lead from the proof's statements to its checkpoint: %v", err)
		return nil
	}
	for i, st := range c.v.Statements {
		if tlog.RecordHash(st.Leaf) != hashes[i] {
			c.add("log-changed", c.show(mirror.LogFolder), "it has another statement %d than the proof", st.Number)
			return nil
		}
	}
	return nil
}

// tail looks through what the log holds beyond the proof, or where there is no
// proof, and the log is small, through all of it.
func (c *checker) tail(ctx context.Context, tree *store.Tree) error {
	from, most := int64(0), int64(MaxFsck)
	placed := c.placed()
	if c.v != nil {
		from, most = c.v.Size, MaxTail
	}
	if tree.Size()-from > most {
		if c.v != nil {
			c.add("proof-old", proofName, "the log has %d newer statements, too many to look through for withdrawals", tree.Size()-from)
		}
		return nil
	}
	names := map[string]bool{}
	for i := range c.lock.Packages {
		names[c.lock.Packages[i].Name] = true
	}
	var late []*record.Signed
	var numbers []int64
	for leaf, err := range tree.Leaves(ctx, from, tree.Size()) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.add("log-changed", c.show(mirror.LogFolder), "%v", err)
			return nil
		}
		s, err := record.ParseLeaf(leaf.Data)
		if err != nil {
			c.add("log-changed", c.show(mirror.LogFolder), "statement %d cannot be read", leaf.Index)
			return nil
		}
		if r, err := s.AsRoot(); err == nil {
			placed = append(placed, record.Placed{At: leaf.Index, Root: r})
		}
		if name, _ := s.Package(); names[name] || s.Kind() == record.KindLock || s.Kind() == record.KindPublish || c.in.File.mentions(s) {
			late, numbers = append(late, s), append(numbers, leaf.Index)
		}
	}
	if !c.placeRoots(placed) {
		return nil
	}
	c.voidStolen()
	for i, s := range late {
		key, void, ok := c.signedBy(numbers[i], s)
		if !ok {
			c.add("log-changed", c.show(mirror.LogFolder), "statement %d is not signed by a %s", numbers[i], s.Role())
			continue
		}
		c.book.add(inTail, numbers[i], key, void, s)
	}
	return nil
}

// voidStolen judges the proof's statements by the newer roots of the folder's log.
// Otherwise whoever puts an older proof in the place of the newest would take a
// theft back that the log knows of.
func (c *checker) voidStolen() {
	if c.v == nil || c.log.chain == nil {
		return
	}
	changed := false
	for i := range c.v.Statements {
		st := &c.v.Statements[i]
		if _, err := c.log.chain.Holder(st.Number, st.Signer, st.Hash); errors.Is(err, trust.ErrStolen) && !st.Void {
			st.Void, changed = true, true
		}
	}
	if changed {
		c.book = newBook(c.in.File)
		c.book.addProof(c.v)
	}
}

// placeRoots tells the folder's chain where the log states its roots.
func (c *checker) placeRoots(placed []record.Placed) bool {
	if c.log.chain == nil && (c.v == nil || len(placed) == c.chain.Len()) {
		return c.v != nil
	}
	if len(placed) > c.roots().Len() {
		c.add("root-changed", c.show(c.logPath("root")), "the log states %d roots, the wheelhouse holds %d", len(placed), c.roots().Len())
		return false
	}
	if err := c.log.chain.Keys().Place(placed); err != nil {
		c.add("root-changed", c.show(c.logPath("root")), "its roots are not those that the log states: %v", err)
		return false
	}
	return true
}

// readRoots compares log/root with the proof's roots, and follows the chain to
// newer ones. found reports whether there are any.
func (c *checker) readRoots(wanted bool) (found bool, err error) {
	dir := c.in.House.Path(c.logPath("root"))
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if len(entries) == 0 {
		if wanted {
			c.add("root-changed", c.show(c.logPath("root")), "it is missing")
		}
		return false, nil
	}
	roots, err := c.rootFiles()
	if err != nil || len(roots) == 0 {
		return true, err
	}
	names := map[string]bool{}
	for n := range roots {
		names[fmt.Sprintf("%d.toml", n)], names[fmt.Sprintf("%d.toml.asc", n)] = true, true
	}
	for _, e := range entries {
		if !names[e.Name()] && !hidden(e.Name()) {
			c.add("root-changed", c.show(c.logPath("root/"+e.Name())), "it follows no root: the one before it or its other half is missing")
		}
	}
	if c.v != nil {
		c.compareRoots(roots)
	} else {
		c.pinnedRoots(roots)
	}
	return true, c.policyFile()
}

// rootFiles reads log/root from 0 on. A document without signatures ends it.
func (c *checker) rootFiles() ([]trust.Signed, error) {
	var roots []trust.Signed
	for n := range trust.MaxRoots {
		name := c.logPath(fmt.Sprintf("root/%d.toml", n))
		doc, err := c.read(name, trust.MaxRootSize)
		if errors.Is(err, errTooLarge) {
			c.add("root-changed", c.show(name), "%v", err)
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		asc, err := c.read(name+".asc", trust.MaxSignaturesSize)
		if errors.Is(err, errTooLarge) {
			c.add("root-changed", c.show(name+".asc"), "%v", err)
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if doc == nil || asc == nil {
			if n == 0 {
				c.add("root-changed", c.show(name), "the first root or its signature is missing")
			}
			break
		}
		roots = append(roots, trust.Signed{Document: doc, Signatures: asc})
	}
	return roots, nil
}

func (c *checker) compareRoots(roots []trust.Signed) {
	chain := c.v.Chain
	for n := range chain.Len() {
		name := c.logPath(fmt.Sprintf("root/%d.toml", n))
		if n >= len(roots) {
			c.add("root-changed", c.show(name), "the proof has it, the wheelhouse has not")
			return
		}
		if !bytes.Equal(roots[n].Document, chain.Signed(n).Document) {
			c.add("root-changed", c.show(name), "it is not the root that the proof has")
			return
		}
		if !bytes.Equal(roots[n].Signatures, chain.Signed(n).Signatures) {
			c.add("root-changed", c.show(name+".asc"), "it is not the signature that the proof has")
			return
		}
	}
	if len(roots) == chain.Len() {
		return
	}
	longer, err := trust.CheckChain(chain.Newest().Origin, roots)
	if err != nil {
		c.add("root-changed", c.show(c.logPath("root")), "a root newer than the proof's does not follow: %v", err)
		return
	}
	if err := longer.Keys().Place(c.placed()); err != nil {
		c.add("root-changed", c.show(c.logPath("root")), "its roots are not those that the log states: %v", err)
		return
	}
	c.log.chain = longer
}

// placed is where the proof's part of the log states the roots.
func (c *checker) placed() []record.Placed {
	var list []record.Placed
	if c.v == nil {
		return nil
	}
	for _, st := range c.v.History("_" + record.KindRoot) {
		if r, err := st.AsRoot(); err == nil {
			list = append(list, record.Placed{At: st.Number, Root: r})
		}
	}
	return list
}

// pinnedRoots verifies the folder's roots where there is no proof to compare with.
func (c *checker) pinnedRoots(roots []trust.Signed) {
	first, err := trust.ParseRoot(roots[0].Document)
	if err != nil {
		c.add("root-changed", c.show(c.logPath("root/0.toml")), "it is not a root: %v", err)
		return
	}
	chain, err := trust.VerifyChain(first.Origin, roots, c.in.Pins.Root)
	if errors.Is(err, trust.ErrPins) {
		c.add("root-not-pinned", c.show(c.logPath("root")), "its roots are not those that the configuration pins: %v", err)
		return
	}
	if err != nil {
		c.add("root-changed", c.show(c.logPath("root")), "its roots do not verify: %v", err)
		return
	}
	c.chain, c.log.chain = chain, chain
}

// policyFile checks log/policy by the newest root's hash.
func (c *checker) policyFile() error {
	if c.roots() == nil || c.roots().Newest().Policy == "" {
		return nil
	}
	data, err := c.read(c.logPath("policy"), trust.MaxRootSize)
	if err != nil && !errors.Is(err, errTooLarge) {
		return err
	}
	if data == nil || trust.Digest(data) != c.roots().Newest().Policy {
		c.add("policy-changed", c.show(c.logPath("policy")), "it is not the file that root %d names", c.roots().Newest().Number)
	}
	return nil
}
