package log

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// facts answers the door's questions about a log that is too long to be read
// for each append. It is a cache below .state that nobody has to believe:
//
// "Yes, statement i" is checked by reading statement i from the log.
// "No" rests on the cache being complete. The manifest therefore carries a MAC
// under a secret that lies with the log's key, names the size and root hash of
// the tree that it covers, and has hashes of all segments. What does not fit,
// or was made by somebody else (a .state that came with a checkout), is thrown
// away and made again from the log.
//
//	wheellock-facts/v2
//	wheels.example.org
//	4711 rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=
//	index 4626                   the newest index statement, or -1
//	root 0 17                    the root statements
//	segment 0 4608 9301 9f86...  statements from, to; number of facts; hash
//	segment 4608 4711 ...
//	mac 5d41...
type facts struct {
	dir    string
	secret []byte
	origin string

	size     int64
	root     tlog.Hash
	index    int64
	roots    []int64
	placed   []record.Placed // the first of roots, as read from the log
	segments []*segment

	ctx  context.Context
	tree *store.Tree // where answers are read

	// The statements of the batch at the door, which are in no segment yet.
	base  int64
	batch []*record.Signed
	keys  []fact // of the batch
	fresh map[uint64][]int64
}

const (
	factsMagic = "wheellock-facts/v2"
	factsName  = "facts"

	// catchUp is how many facts are collected before a segment is written when
	// facts are made from the log: 4 MB.
	catchUp = 1 << 18
	// quickMerge is how many facts one append may merge unless it is itself as
	// large: rewriting more would make one append in thousands slow.
	quickMerge = 1 << 17
	// maxSegments is when larger merges are done all the same.
	maxSegments = 10
	maxManifest = 1 << 20
)

func factKey(tag byte, parts ...string) uint64 {
	var space [256]byte
	text := append(space[:0], tag)
	for _, p := range parts {
		text = append(append(strconv.AppendInt(text, int64(len(p)), 10), ':'), p...)
	}
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}

// An identity is a hash already.
func heldKey(id record.ID) uint64           { return binary.BigEndian.Uint64(id[:]) }
func givenKey(file string) uint64           { return factKey('g', file) }
func builtKey(file, target string) uint64   { return factKey('b', file, target) }
func (f *facts) path(name string) string    { return filepath.Join(f.dir, name) }
func sameTree(t *store.Tree, f *facts) bool { return t.Size() == f.size && t.Root() == f.root }

// keysOf returns the keys under which a statement is found.
func keysOf(s *record.Signed) []uint64 {
	keys := []uint64{heldKey(s.ID())}
	switch s.Kind() {
	case record.KindSource, record.KindUpstream:
		keys = append(keys, givenKey(s.Files()[0].Name))
	case record.KindBuild:
		if files := s.Files(); len(files) > 0 {
			keys = append(keys, builtKey(files[0].Name, s.Get("target")))
		}
	}
	return keys
}

// openFacts returns the facts for a tree, from the cache as far as it goes and
// from the log for the rest.
func openFacts(ctx context.Context, dir, keyDir, origin string, tree *store.Tree) (*facts, error) {
	secret, err := factsSecret(keyDir)
	if err != nil {
		return nil, err
	}
	f := &facts{dir: dir, secret: secret, origin: origin, ctx: ctx, tree: tree}
	f.reset()
	if data, err := os.ReadFile(f.path(factsName)); err == nil && len(data) <= maxManifest {
		if !f.parse(string(data)) || !f.covers(ctx, tree) {
			f.reset()
		}
	}
	if sameTree(tree, f) {
		return f, nil
	}
	err = f.follow(ctx, tree)
	if errors.Is(err, errFacts) {
		// A segment is not what the manifest says: a power cut took it.
		f.reset()
		err = f.follow(ctx, tree)
	}
	return f, err
}

func (f *facts) reset() {
	f.close()
	f.size, f.root, f.index, f.roots, f.placed, f.segments = 0, tile.EmptyRoot(), -1, nil, nil, nil
}

func (f *facts) close() {
	for _, s := range f.segments {
		s.close()
	}
}

// covers reports whether the facts are about a beginning of this tree.
func (f *facts) covers(ctx context.Context, tree *store.Tree) bool {
	if f.size > tree.Size() {
		return false
	}
	root, err := tree.RootAt(ctx, f.size)
	return err == nil && root == f.root
}

// factsSecret reads or makes the secret under which facts are authenticated.
func factsSecret(keyDir string) ([]byte, error) {
	path := filepath.Join(keyDir, "marks", "facts.key")
	secret, err := os.ReadFile(path)
	if err == nil && len(secret) == sha256.Size {
		return secret, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	secret = make([]byte, sha256.Size)
	rand.Read(secret)
	return secret, durable.WriteFile(path, secret, 0o600)
}

func (f *facts) mac(text string) string {
	m := hmac.New(sha256.New, f.secret)
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}

func (f *facts) format() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%s\n%d %s\nindex %d\nroot", factsMagic, f.origin, f.size, base64.StdEncoding.EncodeToString(f.root[:]), f.index)
	for _, r := range f.roots {
		fmt.Fprintf(&b, " %d", r)
	}
	b.WriteByte('\n')
	for _, s := range f.segments {
		fmt.Fprintf(&b, "segment %d %d %d %x\n", s.from, s.to, s.facts, s.digest)
	}
	fmt.Fprintf(&b, "mac %s\n", f.mac(b.String()))
	return b.Bytes()
}

// parse reads a manifest. The MAC comes first: what follows was written by us.
func (f *facts) parse(text string) bool {
	i := strings.LastIndex(text, "mac ")
	if i < 0 || !hmac.Equal([]byte(text[i:]), []byte("mac "+f.mac(text[:i])+"\n")) {
		return false
	}
	lines := strings.Split(strings.TrimSuffix(text[:i], "\n"), "\n")
	if len(lines) < 5 || lines[0] != factsMagic || lines[1] != f.origin {
		return false
	}
	size, root, _ := strings.Cut(lines[2], " ")
	var err1, err2, err3 error
	f.size, err1 = strconv.ParseInt(size, 10, 64)
	f.root, err2 = tlog.ParseHash(root)
	f.index, err3 = strconv.ParseInt(strings.TrimPrefix(lines[3], "index "), 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return false
	}
	for _, r := range strings.Fields(lines[4])[1:] {
		n, err := strconv.ParseInt(r, 10, 64)
		if err != nil {
			return false
		}
		f.roots = append(f.roots, n)
	}
	next := int64(0)
	for _, line := range lines[5:] {
		s := &segment{}
		var digest []byte
		if _, err := fmt.Sscanf(line, "segment %d %d %d %x", &s.from, &s.to, &s.facts, &digest); err != nil {
			return false
		}
		if s.from != next || copy(s.digest[:], digest) != len(s.digest) {
			return false
		}
		next = s.to
		f.segments = append(f.segments, s)
	}
	return next == f.size
}

// follow reads the statements that the facts do not cover yet, and saves.
func (f *facts) follow(ctx context.Context, tree *store.Tree) error {
	var fresh []fact
	from := f.size
	flush := func(to int64) error {
		slices.SortFunc(fresh, compareFacts)
		s, err := writeSegment(f.dir, from, to, fresh)
		if err != nil {
			return err
		}
		f.segments = append(f.segments, s)
		from, fresh = to, nil
		return nil
	}
	for leaf, err := range tree.Leaves(ctx, f.size, tree.Size()) {
		if err != nil {
			return err
		}
		s, err := record.ParseLeaf(leaf.Data)
		if err != nil {
			return &StateError{"tile", fmt.Sprintf("statement %d", leaf.Index), err}
		}
		f.note(s, leaf.Index)
		for _, k := range keysOf(s) {
			fresh = append(fresh, fact{k, leaf.Index})
		}
		if len(fresh) >= catchUp {
			if err := flush(leaf.Index + 1); err != nil {
				return err
			}
		}
	}
	if from < tree.Size() {
		if err := flush(tree.Size()); err != nil {
			return err
		}
	}
	f.size, f.root = tree.Size(), tree.Root()
	return f.save(true)
}

// note keeps what the manifest itself carries.
func (f *facts) note(s *record.Signed, i int64) {
	switch s.Kind() {
	case record.KindIndex:
		f.index = i
	case record.KindRoot:
		f.roots = append(f.roots, i)
	}
}

// save merges small segments and writes the manifest, then removes what it no
// longer names.
func (f *facts) save(large bool) error {
	if err := f.merge(large); err != nil {
		return err
	}
	if err := durable.WriteCache(f.path(factsName), f.format(), 0o600); err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, s := range f.segments {
		keep[segmentName(s.from, s.to)] = true
	}
	entries, err := os.ReadDir(f.dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), factsName+"-") && !keep[e.Name()] {
			durable.Remove(f.path(e.Name()))
		}
	}
	return err
}

// merge joins the last segments while the one before is less than eight times
// as large as what is joined: a log of n statements has about log8 n segments,
// and each fact is rewritten about as often.
func (f *facts) merge(large bool) error {
	n := len(f.segments)
	if n < 2 {
		return nil
	}
	total := f.segments[n-1].facts
	large = large || total > quickMerge || n > maxSegments
	first := n - 1
	for first > 0 && f.segments[first-1].facts < 8*total {
		if !large && total+f.segments[first-1].facts > quickMerge {
			break
		}
		first--
		total += f.segments[first].facts
	}
	if first == n-1 {
		return nil
	}
	var joined []fact
	for _, s := range f.segments[first:] {
		all, err := s.all(f.dir)
		if err != nil {
			return err
		}
		joined = mergeFacts(joined, all)
	}
	s, err := writeSegment(f.dir, f.segments[first].from, f.segments[n-1].to, joined)
	if err != nil {
		return err
	}
	if f.segments[first].filter != nil {
		// It was asked much, and so will be what takes its place.
		s.filter = newFilter(s.facts)
		for _, x := range joined {
			s.filter.add(x.key)
		}
	}
	for _, old := range f.segments[first:] {
		old.close()
	}
	f.segments = append(f.segments[:first], s)
	return nil
}
