package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// Options of a comparison. The zero value compares, and runs no other program.
type Options struct {
	Diffs   bool   // fill in Fact.Diff
	Temp    string // folder for what does not fit into memory; "" is the system's
	Objdump string // a program that disassembles for Fact.Diff; "": none is run
}

// words are what the two sides are called.
type words struct {
	a, b, missingA, missingB, toB string
}

var (
	oursUpstream = words{"ours", "upstream", "is missing", "is missing upstream", "upstream"}
	firstSecond  = words{"in A", "in B", "is missing in A", "is missing in B", "B"}
)

// run is one comparison.
type run struct {
	ctx     context.Context
	o       Options
	w       words
	left    atomic.Int64
	mu      sync.Mutex
	spooled []*os.File
	notes   []string
	keep    int64             // bytes of texts that are still kept for Fact.Diff
	values  map[string]string // what many members say alike is kept once
	lists   map[string][]string
	strict  bool // [Wheels]: both must be wheels that every reader reads alike
}

func newRun(ctx context.Context, o Options, w words) *run {
	c := &run{ctx: ctx, o: o, w: w, keep: maxKept, values: map[string]string{}, lists: map[string][]string{}}
	c.left.Store(MaxUnpacked)
	return c
}

// maxKept is how many bytes of differing texts are kept to be told line by line.
const maxKept = 32 << 20

// intern keeps equal values once, and equal lists of them: an archive of 200,000
// members has a few modes.
func (c *run) intern(values []string) []string {
	var id strings.Builder
	for _, v := range values {
		fmt.Fprintf(&id, "%d:%s", len(v), v) // no two lists alike
	}
	key := id.String()
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.lists[key]; ok {
		return known
	}
	for i, v := range values {
		values[i] = c.once(v)
	}
	if len(c.lists) < maxInterned {
		c.lists[key] = values
	}
	return values
}

// text is intern for one value.
func (c *run) text(v string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.once(v)
}

func (c *run) once(v string) string {
	if known, ok := c.values[v]; ok {
		return known
	}
	if len(c.values) < maxInterned {
		c.values[v] = v
	}
	return v
}

// maxInterned is how many values are kept to be met again.
const maxInterned = 20_000

// InputError says that two things cannot be compared at all.
type InputError struct{ Msg, Next string }

func (e *InputError) Error() string { return e.Msg }

// Hint is the next thing to try.
func (e *InputError) Hint() string { return e.Next }

// Paths compares two files of any kind, or two folders: wheels and sdists, zips,
// tars, Debian packages, what is packed in them, compiled code, text. A pipe is
// read to its end. Lines call the sides A and B.
//
// The error is an *archive.Error for a file that is damaged or past a cap, an
// *InputError for what cannot be compared, else one of the operating system.
func Paths(ctx context.Context, a, b string, o Options) (*Result, error) {
	c := newRun(ctx, o, firstSecond)
	defer func() { c.release(0) }()
	names := [2]string{a, b}
	var folders [2]bool
	var xs [2]content
	for i, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		folders[i] = info.IsDir()
		if folders[i] {
			continue
		}
		f, x, err := c.file(name, info)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		xs[i] = x
	}
	if folders[0] != folders[1] {
		i := 0
		if folders[1] {
			i = 1
		}
		return nil, &InputError{fmt.Sprintf("%s is a folder and %s is a file", names[i], names[1-i]), "unpack the file, and compare the two folders"}
	}
	if folders[0] {
		return c.folders(a, b)
	}
	return c.files([2]string{filepath.Base(a), filepath.Base(b)}, xs[0], xs[1])
}

// file opens a file; a pipe is read first, since much is read more than once.
func (c *run) file(name string, info fs.FileInfo) (io.Closer, content, error) {
	mode := info.Mode()
	if !mode.IsRegular() && mode.Type() != fs.ModeNamedPipe {
		return nil, content{}, &InputError{fmt.Sprintf("%s is neither a file nor a folder", name), "name a wheel, an archive, another file or a folder"}
	}
	type opened struct {
		f   *os.File
		err error
	}
	ch := make(chan opened, 1)
	go func() { // a pipe that nobody writes to does not open
		f, err := os.Open(name)
		ch <- opened{f, err}
	}()
	var f *os.File
	select {
	case <-c.ctx.Done():
		return nil, content{}, c.ctx.Err()
	case o := <-ch:
		if o.err != nil {
			return nil, content{}, o.err
		}
		f = o.f
	}
	if mode.IsRegular() {
		return f, section(f, 0, info.Size()), nil
	}
	stop := context.AfterFunc(c.ctx, func() { f.Close() })
	defer stop()
	x, err := c.spool(f)
	if c.ctx.Err() != nil {
		err = c.ctx.Err()
	}
	return f, x, err
}

func (c *run) files(names [2]string, a, b content) (*Result, error) {
	xs, res := [2]content{a, b}, &Result{}
	sums := [2]*string{&res.OursSHA256, &res.UpstreamSHA256}
	if err := twice(func(i int) error {
		sum, err := xs[i].sum(c.ctx)
		*sums[i] = fmt.Sprintf("%x", sum)
		return err
	}); err != nil {
		return nil, err
	}
	res.OursSize, res.UpstreamSize = a.size, b.size
	if res.OursSHA256 == res.UpstreamSHA256 {
		res.Verdict = Bytes
		return res, nil
	}
	out, err := c.pair(place{names: names, top: true}, a, b)
	if err != nil {
		return nil, err
	}
	if out.leaf != nil {
		d := &differ{c: c}
		d.group([]found{{"", *out.leaf}})
		out.facts = append(d.facts, out.facts...)
	}
	return c.finish(res, out), nil
}

func (c *run) folders(a, b string) (*Result, error) {
	dirs, ts := [2]string{a, b}, [2]*tree{}
	if err := twice(func(i int) (err error) {
		ts[i], err = c.readFolder(dirs[i])
		return err
	}); err != nil {
		return nil, err
	}
	out, err := c.trees(place{names: dirs}, ts[0], ts[1])
	if err != nil {
		return nil, err
	}
	res := &Result{Folders: true}
	if len(out.facts) == 0 {
		res.Verdict = Bytes
		return res, nil
	}
	return c.finish(res, out), nil
}

func (c *run) finish(res *Result, out outcome) *Result {
	res.Verdict, res.Facts, res.Notes = out.verdict, out.facts, c.notes
	res.OursContent, res.UpstreamContent = out.contents[0], out.contents[1]
	for _, f := range out.facts {
		res.Lines = append(res.Lines, f.Line)
		if f.Cause != "" {
			res.Causes = append(res.Causes, f.Cause)
		}
	}
	sort.Strings(res.Causes)
	res.Causes = slices.Compact(res.Causes)
	return res
}

// place is where two things stand that are compared.
type place struct {
	where  string    // path of the archives around them, "" at the top
	names  [2]string // their own names
	depth  int
	top    bool // they are what the user named: damage is an error
	strict bool // the archive around them is installed with owners and modes
}

func (p place) below(key string, names [2]string) place {
	return place{where: path.Join(p.where, key), names: names, depth: p.depth + 1, strict: p.strict}
}

// label is how a file within is called in a line.
func (p place) label() string { return path.Base(p.names[0]) }

// outcome of one pair. A file that is no archive is a leaf, so that equal
// differences of many can be told in one line.
type outcome struct {
	verdict  Verdict
	facts    []Fact
	leaf     *difference
	contents [2]string // content hashes, of wheels
}

// pair compares two files that differ.
func (c *run) pair(at place, a, b content) (outcome, error) {
	defer c.release(c.mark())
	ka, err := sniff(at.names[0], a)
	if err != nil {
		return outcome{}, err
	}
	kb, err := sniff(at.names[1], b)
	if err != nil {
		return outcome{}, err
	}
	if at.top {
		for i, k := range []kind{ka, kb} {
			want := expected(at.names[i])
			if c.strict {
				want = zipKind
			}
			if want != otherKind && want != k {
				size := [2]content{a, b}[i].size
				return outcome{}, c.blame(i, &archive.Error{File: at.names[i], Kind: archive.NotZip, Msg: fmt.Sprintf("its %d bytes are no %s file", size, want)})
			}
		}
	}
	var out outcome
	switch {
	case ka.packed() || kb.packed():
		out, err = c.compressed(at, ka, kb, a, b)
	case ka == kb && ka.archive():
		out, err = c.archives(at, ka, a, b)
	default:
		return c.leafOf(at, ka, kb, a, b)
	}
	if at.top || !unreadable(err) {
		return out, err
	}
	// Within an archive a damaged one is one more difference.
	c.note("%s is compared as bytes: %v", path.Join(at.where, at.label()), err)
	return c.leafOf(at, otherKind, otherKind, a, b)
}

// blame says which of two wheels cannot be read.
func (c *run) blame(i int, err error) error {
	if err == nil || !c.strict {
		return err
	}
	return fmt.Errorf("comparing %s: %w", [2]string{"our wheel", "the published wheel"}[i], err)
}

// unreadable reports whether err is about one file, not about the comparison.
func unreadable(err error) bool {
	var e *archive.Error
	return errors.As(err, &e) && e.Kind != archive.Bomb
}

func (c *run) note(format string, args ...any) {
	n := printable(fmt.Sprintf(format, args...))
	if len(c.notes) < maxNotes && !slices.Contains(c.notes, n) {
		c.notes = append(c.notes, n)
	}
}

const maxNotes = 50

func (c *run) tooDeep(at place, a, b content) (outcome, error) {
	c.note("archives more than %d deep are compared as bytes, such as %s", MaxNested, path.Join(at.where, at.label()))
	return c.leafOf(at, otherKind, otherKind, a, b)
}

func (c *run) archives(at place, k kind, a, b content) (outcome, error) {
	if at.depth >= MaxNested {
		return c.tooDeep(at, a, b)
	}
	xs, ts := [2]content{a, b}, [2]*tree{}
	for i, x := range xs { // one after the other: temporary files are freed in that order
		var err error
		if xs[i], err = c.solid(x); err != nil {
			return outcome{}, err
		}
	}
	read := map[kind]func(string, content) (*tree, error){zipKind: c.readZip, tarKind: c.readTar, arKind: c.readAr}[k]
	if err := twice(func(i int) (err error) {
		ts[i], err = read(at.names[i], xs[i])
		return c.blame(i, err)
	}); err != nil {
		return outcome{}, err
	}
	if k == zipKind {
		if err := c.wheels(at, ts, xs); err != nil {
			return outcome{}, err
		}
	}
	at.top = false
	return c.trees(at, ts[0], ts[1])
}
