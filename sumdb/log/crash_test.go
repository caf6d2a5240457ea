package log_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// A crashDisk is a file system that keeps for ever only what was synced: the
// bytes of a file by fsync of the file, a name by fsync of its folder. What was
// not synced it may keep or lose, each for itself, as POSIX allows and real file
// systems do in part.
type crashDisk struct {
	live, kept map[string]*inode // by path; folders too
}

type inode struct {
	dir        bool
	live, kept []byte
}

func loadDisk(t *testing.T, root string) *crashDisk {
	d := &crashDisk{map[string]*inode{}, map[string]*inode{}}
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		n := &inode{dir: e.IsDir()}
		if !n.dir {
			if n.live, err = os.ReadFile(path); err != nil {
				return err
			}
			n.kept = n.live
		}
		d.live[rel], d.kept[rel] = n, n
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *crashDisk) apply(e durable.Event) {
	switch e.Op {
	case "write":
		d.live[e.Path] = &inode{live: e.Data}
	case "patch":
		n := d.live[e.Path]
		if n == nil {
			n = &inode{}
			d.live[e.Path] = n
		}
		n.live = slices.Concat(n.live[:e.From], e.Data)
	case "mkdir":
		d.live[e.Path] = &inode{dir: true}
	case "rename":
		d.live[e.To] = d.live[e.Path]
		delete(d.live, e.Path)
	case "remove":
		delete(d.live, e.Path)
	case "sync":
		d.live[e.Path].kept = d.live[e.Path].live
	case "syncdir":
		for path := range d.kept {
			if filepath.Dir(path) == e.Path && path != "." {
				delete(d.kept, path)
			}
		}
		for path, n := range d.live {
			if filepath.Dir(path) == e.Path {
				d.kept[path] = n
			}
		}
	}
}

// A fate decides what of the unsynced survives: of a name, and of a file's bytes.
type fate struct {
	name string
	keep func(path string) bool
	data func(n *inode) []byte
}

func fates(r *rand.Rand) []fate {
	yes, no := func(string) bool { return true }, func(string) bool { return false }
	state := func(path string) bool { return strings.HasPrefix(path, "log/.state/") }
	live, kept := func(n *inode) []byte { return n.live }, func(n *inode) []byte { return n.kept }
	return []fate{
		{"all lost", no, kept},
		{"names kept, bytes lost", yes, kept},
		{"bytes kept, names lost", no, live},
		{"names kept in .state only", state, live},
		{"all kept", yes, live},
		{"by chance", func(string) bool { return r.IntN(2) == 0 }, func(n *inode) []byte {
			switch r.IntN(3) {
			case 0:
				return n.live
			case 1:
				return n.live[:r.IntN(len(n.live)+1)]
			}
			return n.kept
		}},
	}
}

// after is the file system as it may be found after a crash now.
func (d *crashDisk) after(f fate) map[string]*inode {
	names := map[string]bool{}
	for path := range d.live {
		names[path] = true
	}
	for path := range d.kept {
		names[path] = true
	}
	out := map[string]*inode{}
	sorted := make([]string, 0, len(names))
	for path := range names {
		sorted = append(sorted, path)
	}
	slices.Sort(sorted)
	for _, path := range sorted {
		n := d.kept[path]
		if d.live[path] != n && f.keep(path) {
			n = d.live[path]
		}
		if n == nil || path != "." && (out[filepath.Dir(path)] == nil || !out[filepath.Dir(path)].dir) {
			continue
		}
		if n.dir {
			out[path] = n
		} else if bytes.Equal(n.live, n.kept) && n.kept != nil {
			out[path] = n
		} else {
			out[path] = &inode{live: f.data(n)}
		}
	}
	return out
}

func digest(tree map[string]*inode) string {
	var lines []string
	for path, n := range tree {
		lines = append(lines, fmt.Sprintf("%q %v %x", path, n.dir, sha256.Sum256(n.live)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func put(t *testing.T, root string, tree map[string]*inode) {
	t.Helper()
	paths := make([]string, 0, len(tree))
	for path := range tree {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		var err error
		if full := filepath.Join(root, path); tree[path].dir {
			err = os.MkdirAll(full, 0o777)
		} else {
			err = os.WriteFile(full, tree[path].live, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A recording is a run of a log's writer: every change to the disk, and what the
// world had been told before it.
type recording struct {
	base   *sumdbtest.World // as it was before
	root   string           // of base: log/ and keys/ are below it
	events []durable.Event  // paths relative to root
	told   []int            // before event i: statements acknowledged, or seen by a witness
	leaves [][]byte
}

// record appends over the end of a tile, with an index statement, then once more.
func recordAppends(t *testing.T) *recording {
	t.Helper()
	base := sumdbtest.New(t)
	leaves := base.Leaves(1)
	for n := 1; n < 266; n++ {
		x := sumdbtest.Source(n)
		x.Name = fmt.Sprint("package-", n%5) // an index of few entries
		leaves = append(leaves, base.Leaf(x))
	}
	base.Append(leaves[:200]...)
	base.Append(leaves[200:254]...)
	r := &recording{base: base, root: filepath.Dir(base.Dir), leaves: leaves}
	w := clone(t, base, true)
	root := filepath.Dir(w.Dir)
	told := 254
	var mu sync.Mutex
	stop := durable.Trace(func(e durable.Event) {
		mu.Lock()
		defer mu.Unlock()
		for _, p := range []*string{&e.Path, &e.To} {
			if *p != "" {
				rel, err := filepath.Rel(root, *p)
				if err != nil {
					t.Error(err)
				}
				*p = rel
			}
		}
		e.Data = bytes.Clone(e.Data)
		r.events, r.told = append(r.events, e), append(r.told, told)
	})
	defer stop()
	o := w.Options()
	o.Witness = func(_ context.Context, _ int64, checkpoint []byte, tree *store.Tree) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		told = max(told, int(tree.Size())-1) // one of them is an index statement
		return checkpoint, nil
	}
	for _, batch := range [][][]byte{leaves[254:262], leaves[262:265]} {
		if _, err := openLog(t, o).Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
	r.told = append(r.told, told)
	// Nothing was changed behind the tracer's back: a replay gives the same files.
	d := loadDisk(t, r.root)
	for _, e := range r.events {
		d.apply(e)
	}
	replayed, found := d.after(fates(nil)[4]), loadDisk(t, root).live
	for _, tree := range []map[string]*inode{replayed, found} {
		for path := range tree {
			if strings.HasSuffix(path, "lock") { // flock: no bytes, made by opening it
				delete(tree, path)
			}
		}
	}
	if digest(replayed) != digest(found) {
		t.Fatalf("the trace does not give the files:\n%s\n\nfound:\n%s", digest(replayed), digest(found))
	}
	return r
}

// crash makes the disk after n events, of which those in without never happened,
// and says what is wrong with the log after the next writer has come; "" if
// nothing is.
func (r *recording) crash(t *testing.T, n int, f fate, without int, seen map[string]bool) string {
	d := loadDisk(t, r.root)
	for i, e := range r.events[:n] {
		if i != without {
			d.apply(e)
		}
	}
	tree := d.after(f)
	key := fmt.Sprint(r.told[n], digest(tree))
	if seen[key] {
		return ""
	}
	seen[key] = true
	root, err := os.MkdirTemp(memory(t), "crash")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	put(t, root, tree)
	log.Restart(fmt.Sprint("boot ", n))
	defer log.Restart("")
	w := *r.base
	w.Dir, w.KeyDir = filepath.Join(root, "log"), filepath.Join(root, "keys")
	// What a visitor of the web server may have seen, if only the machine's memory had it.
	seenCheckpoint := d.live["log/checkpoint"].live
	if problem := r.backup(t, &w, seenCheckpoint); problem != "" {
		return problem
	}
	if err := w.Log().Recover(t.Context()); err != nil {
		return fmt.Sprintf("recovering: %v", err)
	}
	size := view(t, &w).Checkpoint.Size
	if int(size)-1 < r.told[n]-1 {
		return fmt.Sprintf("recovered at %d, the world knows of %d", size, r.told[n])
	}
	o := w.Options()
	o.Published = seenCheckpoint
	res, err := openLog(t, o).AppendMissing(t.Context(), append(r.leaves[254:262:262], r.leaves[265])...)
	if err != nil {
		return fmt.Sprintf("going on: %v", err)
	}
	rep, err := fsck.Check(t.Context(), w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys(), Keys: w.Keyring})
	if err != nil || !rep.OK() {
		return fmt.Sprintf("full check: %v %v", err, rep.Problems)
	}
	s, err := view(t, &w).Statement(t.Context(), res.Indexes[8])
	if err != nil || !bytes.Equal(s.Leaf, r.leaves[265]) {
		return fmt.Sprintf("the statement appended is not there: %v", err)
	}
	return ""
}

// backup puts the folder as it was before into the place of the one after the
// crash. Only the mark beside the key knows then that more was published.
func (r *recording) backup(t *testing.T, w *sumdbtest.World, published []byte) string {
	before, err := os.ReadFile(filepath.Join(r.base.Dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(published, before) {
		return ""
	}
	b := *w
	b.Dir = filepath.Join(filepath.Dir(w.Dir), "backup")
	copyDir(t, r.base.Dir, b.Dir)
	keys := filepath.Join(filepath.Dir(w.Dir), "backup-keys")
	copyDir(t, w.KeyDir, keys)
	b.KeyDir = keys
	if _, err := b.Log().Append(t.Context(), r.leaves[265]); !refusedState(err) {
		return fmt.Sprintf("a restored backup: %v", err)
	}
	return ""
}

// The power fails after each single change; of what was not synced everything,
// nothing or something is lost.
func TestPowerCuts(t *testing.T) {
	r := recordAppends(t)
	seen := map[string]bool{}
	for n := range len(r.events) + 1 {
		for _, f := range fates(rand.New(rand.NewPCG(uint64(n), 1))) {
			if problem := r.crash(t, n, f, -1, seen); problem != "" {
				t.Errorf("after %d changes (%s), %s: %s", n, describe(r.events[:n]), f.name, problem)
			}
		}
	}
	t.Logf("%d changes, %d different disks", len(r.events), len(seen))
}

// memory is a folder in memory where the system has one, for there fsync costs nothing.
func memory(t *testing.T) string {
	if fi, err := os.Stat("/dev/shm"); err == nil && fi.IsDir() {
		return "/dev/shm"
	}
	return t.TempDir()
}

func describe(events []durable.Event) string {
	if len(events) == 0 {
		return "none"
	}
	e := events[len(events)-1]
	return e.Op + " " + e.Path + " " + e.To
}

// Each fsync is there for a reason: without any one of them, or without those of
// its kind, there is an instant at which a power cut does harm. So this fails too
// when the writer loses one, and TestPowerCuts does not notice.
func TestEveryFsyncIsNeeded(t *testing.T) {
	r := recordAppends(t)
	found := map[string]string{}
	for i, e := range r.events {
		if e.Op != "sync" && e.Op != "syncdir" {
			continue
		}
		kind := syncKind(r.events, i)
		if found[kind] != "" {
			continue
		}
		found[kind] = "no harm"
		seen := map[string]bool{}
		for n := i + 1; n <= len(r.events) && found[kind] == "no harm"; n++ {
			for _, f := range fates(rand.New(rand.NewPCG(uint64(n), 2)))[:4] {
				if problem := r.crash(t, n, f, i, seen); problem != "" {
					found[kind] = "harm"
					t.Logf("without %s: after %d changes, %s: %.200s", kind, n, f.name, problem)
					break
				}
			}
		}
	}
	want := map[string]string{
		"sync journal": "harm", "syncdir log/.state": "harm",
		"sync mark": "harm", "syncdir keys/marks": "harm",
		"sync tile": "harm", "syncdir log/tile": "harm",
		"sync checkpoint": "harm", "syncdir log": "harm",
		// What is in it can be made again; the folder itself is made as all are.
		"syncdir log/index": "no harm",
	}
	for kind, got := range found {
		if want[kind] == "" {
			t.Errorf("%s: %s", kind, got)
		}
	}
	for kind := range want {
		if found[kind] != want[kind] {
			t.Errorf("%s: %q, want %q", kind, found[kind], want[kind])
		}
	}
}

// syncKind names what event i is for: a file is named by where it is moved to.
func syncKind(events []durable.Event, i int) string {
	e := events[i]
	path := e.Path
	for _, later := range events[i:] {
		if later.Op == "rename" && later.Path == e.Path {
			path = later.To
			break
		}
	}
	if e.Op == "syncdir" && !strings.HasPrefix(path, "log/tile") {
		return e.Op + " " + path
	}
	for prefix, name := range map[string]string{
		"log/tile": "tile", "keys/marks": "mark", "log/.state/journal": "journal", "log/checkpoint": "checkpoint", "log/index": "index",
	} {
		if strings.HasPrefix(path, prefix) {
			if e.Op == "syncdir" {
				name = "log/" + name
			}
			return e.Op + " " + name
		}
	}
	return e.Op + " " + path
}
