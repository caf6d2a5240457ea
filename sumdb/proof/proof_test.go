package proof

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"math/bits"
	mrand "math/rand"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// naiveRoot is RFC 6962's definition, written down.
func naiveRoot(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(naiveRoot(leaves[:k]), naiveRoot(leaves[k:]))
}

func TestTreeEverySize(t *testing.T) {
	var hashes []tlog.Hash
	for i := range 600 {
		hashes = append(hashes, tlog.RecordHash([]byte(fmt.Sprint(i))))
	}
	known := map[Subtree]tlog.Hash{}
	subtree := func(s Subtree) tlog.Hash {
		if _, ok := known[s]; !ok {
			lo := s.Index << s.Level
			known[s] = naiveRoot(hashes[lo : lo+1<<s.Level])
		}
		return known[s]
	}
	r := mrand.New(mrand.NewSource(1))
	for n := 1; n <= 600; n++ {
		root := naiveRoot(hashes[:n])
		var sets [][]int64
		for i := range 3 {
			sets = append(sets, []int64{int64(r.Intn(n))}, some(r, n, 1+i*7), some(r, n, n))
		}
		sets = append(sets, []int64{0}, []int64{int64(n - 1)})
		for _, leaves := range sets {
			list := missing(int64(n), leaves)
			covered := int64(len(leaves))
			for i, s := range list {
				list[i].Hash = subtree(s)
				covered += 1 << s.Level
			}
			if covered != int64(n) {
				t.Fatalf("size %d, leaves %v: %d covered", n, leaves, covered)
			}
			given := make([]tlog.Hash, len(leaves))
			for i, l := range leaves {
				given[i] = hashes[l]
			}
			got, ok := rootFrom(int64(n), leaves, given, list)
			if !ok || got != root {
				t.Fatalf("size %d, leaves %v: not the naive root", n, leaves)
			}
			if n < 40 || n%29 == 0 {
				refused(t, int64(n), leaves, given, list, root)
			}
		}
	}
}

func some(r *mrand.Rand, n, count int) []int64 {
	var list []int64
	for range count {
		list = append(list, int64(r.Intn(n)))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// refused tries a hash more, a hash less, two swapped, one halved, another size.
func refused(t *testing.T, n int64, leaves []int64, given []tlog.Hash, list []Subtree, root tlog.Hash) {
	t.Helper()
	try := func(what string, n int64, leaves []int64, given []tlog.Hash, list []Subtree) {
		t.Helper()
		if got, ok := rootFrom(n, leaves, given, list); ok && got == root {
			t.Fatalf("size %d, leaves %v: taken with %s", n, leaves, what)
		}
	}
	try("a hash more", n, leaves, given, append(slices.Clone(list), Subtree{}))
	try("another size", n+1, leaves, given, list)
	if n > 1 {
		try("a smaller size", n-1, leaves, given, list)
	}
	if len(leaves) > 1 {
		try("a leaf less", n, leaves[1:], given[1:], list)
		swapped := slices.Clone(given)
		swapped[0], swapped[1] = swapped[1], swapped[0]
		try("two leaves swapped", n, leaves, swapped, list)
	}
	for i, s := range list {
		try("a hash less", n, leaves, given, slices.Delete(slices.Clone(list), i, i+1))
		moved := slices.Clone(list)
		moved[i].Index++
		try("a hash elsewhere", n, leaves, given, moved)
		if s.Level > 0 {
			halves := slices.Insert(slices.Clone(list), i, Subtree{s.Level - 1, s.Index * 2, s.Hash})
			halves[i+1].Level--
			halves[i+1].Index = s.Index*2 + 1
			try("a subtree in halves", n, leaves, given, halves)
		}
	}
}

func wants(names ...string) []Want {
	var list []Want
	for _, n := range names {
		name, version, _ := strings.Cut(n, " ")
		list = append(list, Want{name, []string{version}})
	}
	return list
}

func TestSmallLogCarriesAll(t *testing.T) {
	l := newLog(t, 2)
	a := l.source("requests", "2.0")
	b := l.build("requests", "2.0")
	l.build("other", "1.0")
	c := l.withdraw("requests", "1.0")
	want := wants("requests 2.0", "absent 1")
	v := l.verify(l.proof(want), want)
	if got := numbersOf(v.History("requests")); !slices.Equal(got, []int64{a, b, c}) {
		t.Errorf("history %v", got)
	}
	if len(v.Statements) != len(l.leaves) || v.Size != int64(len(l.leaves)) || len(v.History("absent")) != 0 {
		t.Errorf("%d statements of %d", len(v.Statements), v.Size)
	}
	if len(v.Cosigned) != 2 || v.Cosigned[0].Time != start.Unix() {
		t.Errorf("cosigned: %+v", v.Cosigned)
	}
	if s := v.History("requests")[1]; s.Kind() != record.KindBuild || s.Role != trust.RoleBuilder || s.Void {
		t.Errorf("%+v", s)
	}
	if !v.Chain.Provisional() {
		t.Error("not provisional")
	}
}

// mixed is a log whose index, entries and tail all matter.
func mixed(t testing.TB, after int) (*testLog, []Want) {
	l := newLog(t, 1)
	l.fill(40)
	l.source("requests", "2.0")
	l.build("requests", "2.0")
	l.build("requests", "1.0")
	l.fill(100)
	l.withdraw("requests", "1.0")
	l.source("idna", "3.0")
	l.fill(200)
	l.rotate(func(r *trust.Root) error { r.Created = start.Add(1e9); return nil })
	l.build("idna", "3.0")
	l.fill(257 + after/2)
	l.withdraw("idna", "3.0")
	l.fill(257 + after)
	return l, wants("requests 2.0", "idna 3.0", "nothing 1", "aaa 1", "zzz 1")
}

func TestHistoryIsComplete(t *testing.T) {
	for _, after := range []int{2, 100, 255, 256, 257, 400} {
		l, want := mixed(t, after)
		data := l.proof(want)
		v := l.verify(data, want)
		for _, name := range []string{"requests", "idna", "nothing", "_root"} {
			var exp []int64
			for i, leaf := range l.leaves {
				it, err := index.ItemOf(leaf)
				if err != nil {
					t.Fatal(err)
				}
				if it.Name == name && (it.Version != "1.0" || it.Kind == "withdraw" || it.Kind == "root") {
					exp = append(exp, int64(i))
				}
			}
			if got := numbersOf(v.History(name)); !slices.Equal(got, exp) {
				t.Errorf("%d after the index: %s has %v, want %v", after, name, got, exp)
			}
		}
		if len(v.Lines("requests")) != 4 {
			t.Errorf("lines %v", v.Lines("requests"))
		}
		p, err := Parse(data)
		if err != nil || !bytes.Equal(p.Format(), data) {
			t.Fatalf("%v", err)
		}
	}
}

// Every byte changed in every one of a few ways must be refused.
func TestEveryByte(t *testing.T) {
	l := newLog(t, 1)
	l.fill(30)
	l.build("requests", "2.0")
	l.rotate(func(r *trust.Root) error { r.Created = start.Add(1e9); return nil })
	l.fill(255)
	l.build("requests", "2.0.1")
	l.fill(259)
	want := wants("requests 2.0", "nothing 1")
	data := l.proof(want)
	l.verify(data, want)
	pins := l.pins()
	for i := range data {
		flip := []byte{0x01, 0x20, 0x80, 0x04}[i%4]
		bad := bytes.Clone(data)
		bad[i] ^= flip
		if _, err := Verify(bad, pins, want); err == nil {
			t.Fatalf("byte %d (%q) ^ %02x was not noticed", i, data[max(0, i-20):min(len(data), i+20)], flip)
		}
	}
	for i := range 400 {
		n := i * len(data) / 400
		for _, bad := range [][]byte{data[:n], data[n+1:], slices.Concat(data[:n], data[n+1:]), slices.Concat(data[:n], []byte("\n"), data[n:])} {
			if _, err := Verify(bad, pins, want); err == nil {
				t.Fatalf("cut or grown at %d, not noticed", n)
			}
		}
	}
}

// without builds the proof that a liar would: some leaves and entries are left
// out, and all hashes are right for what is left.
func without(t *testing.T, l *testLog, good []byte, leaf func(n int64) bool, entry func(name string) bool) []byte {
	t.Helper()
	p, err := Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	p.Statements = slices.DeleteFunc(p.Statements, func(b Block) bool { return leaf(b.Number) })
	p.Entries = slices.DeleteFunc(p.Entries, func(b Block) bool {
		e, err := index.ParseEntry(b.Data)
		if err != nil {
			t.Fatal(err)
		}
		return entry(e.Name)
	})
	places := func(list []Block) (n []int64) {
		for _, b := range list {
			n = append(n, b.Number)
		}
		return n
	}
	p.Hashes = missing(int64(len(l.leaves)), places(p.Statements))
	if err := readMissing(p.Hashes, l); err != nil {
		t.Fatal(err)
	}
	if x := l.index.Snapshot(); x != nil {
		p.EntryHashes = missing(x.Len(), places(p.Entries))
		if err := readMissing(p.EntryHashes, x); err != nil {
			t.Fatal(err)
		}
	}
	return p.Format()
}

func never[T any](T) bool { return false }

func TestEveryOmissionIsRefused(t *testing.T) {
	for _, after := range []int{2, 60} {
		l, want := mixed(t, after)
		good := l.proof(want)
		p, err := Parse(good)
		if err != nil {
			t.Fatal(err)
		}
		if again := without(t, l, good, never, never); !bytes.Equal(again, good) {
			t.Fatal("the liar's tool changes what it should not")
		}
		for _, b := range p.Statements {
			bad := without(t, l, good, func(n int64) bool { return n == b.Number }, never)
			if _, err := Verify(bad, l.pins(), want); err == nil {
				t.Errorf("statement %d left out: %s", b.Number, l.leaves[b.Number])
			}
		}
		for _, b := range p.Entries {
			e, _ := index.ParseEntry(b.Data)
			bad := without(t, l, good, never, func(name string) bool { return name == e.Name })
			if _, err := Verify(bad, l.pins(), want); err == nil {
				t.Errorf("entry %s left out", e.Name)
			}
			// The entry and all its statements together, as if there were no such package.
			bad = without(t, l, good, func(n int64) bool {
				it, _ := index.ItemOf(l.leaves[n])
				return it.Name == e.Name
			}, func(name string) bool { return name == e.Name })
			if _, err := Verify(bad, l.pins(), want); err == nil {
				t.Errorf("everything about %s left out", e.Name)
			}
		}
		last := l.index.Snapshot().Statement()
		bad := without(t, l, good, func(n int64) bool { return n >= last }, func(string) bool { return true })
		if _, err := Verify(bad, l.pins(), want); err == nil {
			t.Error("all from the index statement on left out")
		}
	}
	// The same in a log without an index.
	l := newLog(t, 0)
	l.build("requests", "2.0")
	l.fill(20)
	l.withdraw("requests", "2.0")
	want := wants("requests 2.0")
	good := l.proof(want)
	for n := range l.leaves {
		bad := without(t, l, good, func(i int64) bool { return i == int64(n) }, never)
		if _, err := Verify(bad, l.pins(), want); err == nil {
			t.Errorf("statement %d of a small log left out", n)
		}
	}
}

// An older index statement cannot be passed off as the last one.
func TestOlderIndex(t *testing.T) {
	l := newLog(t, 0)
	l.build("requests", "2.0")
	l.fill(258)
	old := l.index.Snapshot()
	if old == nil || old.Statement() != 256 {
		t.Fatal("no index at 256")
	}
	l.withdraw("requests", "2.0")
	l.fill(520)
	if l.index.Snapshot().Statement() != 513 {
		t.Fatal("no index at 513")
	}
	want := wants("requests 2.0")
	src := l.asSource()
	src.Index = old
	if data, err := build(src, want, nil); err == nil {
		if _, err := Verify(data, l.pins(), want); err == nil {
			t.Error("an older index was taken")
		}
	}
	// Nor can the leaves in between be left out to hide the newer one.
	good := l.proof(want)
	p, _ := Parse(good)
	p.Statements = slices.DeleteFunc(p.Statements, func(b Block) bool { return b.Number > 1 && b.Number < 513 })
	p.Statements = slices.Insert(p.Statements, 2, Block{256, l.leaves[256]})
	p.Statements = slices.DeleteFunc(p.Statements, func(b Block) bool { return b.Number == 513 })
	p.Entries, p.EntryHashes = nil, nil
	for _, name := range []string{"_root", "requests"} {
		place, _ := old.Find(name)
		text, _ := old.Entry(place)
		p.Entries = append(p.Entries, Block{place, text})
	}
	p.EntryHashes = missing(old.Len(), []int64{p.Entries[0].Number, p.Entries[1].Number})
	if err := readMissing(p.EntryHashes, old); err != nil {
		t.Fatal(err)
	}
	var numbers []int64
	for _, b := range p.Statements {
		numbers = append(numbers, b.Number)
	}
	p.Hashes = missing(int64(len(l.leaves)), numbers)
	if err := readMissing(p.Hashes, l); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(p.Format(), l.pins(), want); !errors.Is(err, ErrIncomplete) {
		t.Errorf("the newer index hidden: %v", err)
	}
}

func TestLateIndexIsRefused(t *testing.T) {
	l := newLog(t, 0)
	l.noIndex = true
	l.fill(256)
	src := l.asSource()
	src.Index = nil
	if _, err := Build(src, wants("filler0 0.0"), nil); err != nil {
		t.Errorf("256 leaves: %v", err)
	}
	l.fill(257)
	src = l.asSource()
	src.Index = nil
	data, err := build(src, wants("filler0 0.0"), nil)
	if err == nil {
		_, err = Verify(data, l.pins(), nil)
	}
	if !errors.Is(err, ErrIncomplete) && !errors.Is(err, index.ErrLate) {
		t.Errorf("257 leaves without an index: %v", err)
	}
}

// A log's operator who signs an index that leaves a withdrawal out is found
// out where the proof shows the statement, and by anybody who replays the log.
func TestLyingIndex(t *testing.T) {
	l := newLog(t, 0)
	l.build("requests", "2.0")
	n := l.withdraw("requests", "2.0")
	l.fill(256)
	liar := index.New()
	for i, leaf := range l.leaves {
		if int64(i) == n {
			leaf = l.leaves[20] // about something else
		}
		if err := liar.Add(leaf); err != nil {
			t.Fatal(err)
		}
	}
	root, entries, err := liar.Root()
	if err != nil {
		t.Fatal(err)
	}
	s, err := record.Index{Head: l.head(), Entries: entries, Root: fmt.Sprintf("%x", root[:])}.Statement()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := record.Sign(s, l.signers[trust.RoleLog])
	if err != nil {
		t.Fatal(err)
	}
	honest := index.New()
	for _, leaf := range l.leaves {
		if err := honest.Add(leaf); err != nil {
			t.Fatal(err)
		}
	}
	if err := honest.Add(leaf); !errors.Is(err, index.ErrMismatch) {
		t.Errorf("a replay: %v", err)
	}
	if err := liar.Add(leaf); err != nil {
		t.Fatal(err)
	}
	l.noIndex = true
	l.addLeaf(leaf)
	src := l.asSource()
	src.Index = liar.Snapshot()
	data, err := build(src, wants("requests 2.0"), []int64{n})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(data, l.pins(), wants("requests 2.0")); !errors.Is(err, ErrTampered) {
		t.Errorf("a lying index: %v", err)
	}
}

func TestUnwantedPackages(t *testing.T) {
	l, want := mixed(t, 50)
	data := l.proof(want)
	for _, more := range []string{"filler3 3.0", "ghost 1", "requests 1.0"} {
		if _, err := Verify(data, l.pins(), append(slices.Clone(want), wants(more)...)); !errors.Is(err, ErrUnwanted) && !errors.Is(err, ErrIncomplete) {
			t.Errorf("%s: %v", more, err)
		}
	}
	if _, err := Verify(data, l.pins(), want[:1]); err != nil {
		t.Errorf("fewer packages than the proof has: %v", err)
	}
	if _, err := Verify(data, l.pins(), nil); err != nil {
		t.Errorf("no packages: %v", err)
	}
}

func TestAdoptionAndPins(t *testing.T) {
	l := newLog(t, 0)
	l.build("requests", "2.0")
	want := wants("requests 2.0")
	if v := l.verify(l.proof(want), want); !v.Chain.Provisional() {
		t.Error("not provisional before")
	}
	org := organisation(t)
	root, err := trust.Adopt(l.chain, start, l.software(), []trust.OpenPGPSigner{org}, 0)
	if err != nil {
		t.Fatal(err)
	}
	unstated := append(slices.Clone(l.roots), root)
	src := l.asSource()
	src.Roots = unstated
	if data, err := Build(src, want, nil); err != nil {
		t.Error(err)
	} else if v := l.verify(data, want); v.Chain.Len() != 1 {
		t.Error("a root that the log has not stated went into the proof")
	}
	l.addRoot(root)
	data := l.proof(want)
	for _, tc := range []struct {
		pins trust.Pins
		want error
	}{
		{trust.Pins{Fingerprints: []string{org.Fingerprint()}}, nil},
		{trust.Pins{Fingerprints: []string{organisation(t).Fingerprint()}}, trust.ErrPins},
		{trust.Pins{}, trust.ErrPins},
	} {
		v, err := Verify(data, Pins{Root: tc.pins}, want)
		if !errors.Is(err, tc.want) {
			t.Errorf("%v: %v", tc.pins, err)
		}
		if err == nil && v.Chain.Provisional() {
			t.Error("provisional after adoption")
		}
	}
	pins := l.pins()
	pins.Log = newLog(t, 0).pins().Log
	if _, err := Verify(data, pins, want); !errors.Is(err, trust.ErrPins) {
		t.Errorf("another log's key pinned: %v", err)
	}
	// The proof of before cannot be given the newer root, nor the newer proof only the older.
	p, _ := Parse(data)
	p.Roots = p.Roots[:1]
	if _, err := Verify(p.Format(), Pins{Root: trust.Pins{Fingerprints: l.chain.Signers(0)}}, want); !errors.Is(err, ErrIncomplete) {
		t.Errorf("the newest root left out: %v", err)
	}
}

func TestRevokedBuilder(t *testing.T) {
	for _, how := range []string{trust.Lost, trust.Stolen} {
		l := newLog(t, 0)
		first := l.build("requests", "2.0")
		l.fill(20)
		second := l.build("requests", "2.0.1")
		old := l.signers[trust.RoleBuilder]
		if _, err := l.keys.Generate(rand.Reader, origin, trust.RoleBuilder); err != nil {
			t.Fatal(err)
		}
		all, err := l.keys.Signers(origin, trust.RoleBuilder)
		if err != nil {
			t.Fatal(err)
		}
		l.rotate(func(r *trust.Root) error {
			for i := range r.Roles {
				if r.Roles[i].Name == trust.RoleBuilder {
					for _, k := range all {
						if k.Key != old.Key {
							r.Roles[i].Spare = append(r.Roles[i].Spare, k.Key)
						}
					}
				}
			}
			return trust.Revoke(r, old.Key, how, map[string]int64{trust.Lost: 0, trust.Stolen: 10}[how])
		})
		third := l.build("requests", "2.0")
		want := wants("requests 2.0", "requests 2.0.1")
		v := l.verify(l.proof(want), want)
		got := v.History("requests")
		if !slices.Equal(numbersOf(got), []int64{first, second, third}) {
			t.Fatalf("%v", numbersOf(got))
		}
		for i, void := range []bool{false, how == trust.Stolen, false} {
			if got[i].Void != void {
				t.Errorf("%s: statement %d void %v, want %v", how, got[i].Number, got[i].Void, void)
			}
		}
		// The old key signs nothing more.
		l.signers[trust.RoleBuilder] = old
		l.build("requests", "2.0")
		data, err := build(l.asSource(), want, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(data, l.pins(), want); !errors.Is(err, trust.ErrNotHeld) {
			t.Errorf("%s: a statement after the revocation: %v", how, err)
		}
	}
}

func TestWrongRole(t *testing.T) {
	l := newLog(t, 0)
	l.signers[trust.RolePublisher] = l.signers[trust.RoleBuilder]
	l.withdraw("requests", "2.0")
	data, err := build(l.asSource(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(data, l.pins(), nil); !errors.Is(err, trust.ErrNotHeld) {
		t.Errorf("a builder withdrew: %v", err)
	}
}

func TestReplacedLogKey(t *testing.T) {
	l := newLog(t, 0)
	l.build("requests", "2.0")
	l.fill(260)
	old := l.signers[trust.RoleLog]
	if _, err := l.keys.Generate(rand.Reader, origin, trust.RoleLog); err != nil {
		t.Fatal(err)
	}
	all, err := l.keys.Signers(origin, trust.RoleLog)
	if err != nil {
		t.Fatal(err)
	}
	pinned := l.pins().Log
	l.rotate(func(r *trust.Root) error {
		for i := range r.Roles {
			if r.Roles[i].Name == trust.RoleLog {
				for _, k := range all {
					if k.Key != old.Key {
						r.Roles[i].Spare = append(r.Roles[i].Spare, k.Key)
					}
				}
			}
		}
		return trust.Revoke(r, old.Key, trust.Lost, 0)
	})
	want := wants("requests 2.0")
	data := l.proof(want)
	pins := l.pins()
	pins.Log = pinned // what was pinned first still leads to the log
	if _, err := Verify(data, pins, want); err != nil {
		t.Error(err)
	}
	// The lost key can no longer sign a checkpoint.
	l.signers[trust.RoleLog] = old
	if _, err := Build(l.asSource(), want, nil); err == nil {
		t.Error("a checkpoint of the lost key was taken")
	}
}

func TestCheckpointSignatures(t *testing.T) {
	l := newLog(t, 2)
	data := l.proof(nil)
	p, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Parse(p.Checkpoint)
	if err != nil || len(n.Sigs) != 3 || n.Sigs[0].Name != origin {
		t.Fatalf("%v, %v", n, err)
	}
	skey, _, _ := note.GenerateKey(rand.Reader, "stranger.example")
	k, _ := note.NewSigner(skey)
	stranger, _ := k.Sign([]byte(n.Text))
	late := *l.witness[0]
	late.Now = func() int64 { return start.Unix() + 5 }
	twice, _ := late.Sign([]byte(n.Text))
	for name, sigs := range map[string][]note.Signature{
		"swapped":       {n.Sigs[0], n.Sigs[2], n.Sigs[1]},
		"log last":      {n.Sigs[1], n.Sigs[2], n.Sigs[0]},
		"without log":   {n.Sigs[1], n.Sigs[2]},
		"stranger":      {n.Sigs[0], n.Sigs[1], n.Sigs[2], {Name: k.Name(), Hash: k.KeyHash(), Sig: stranger}},
		"witness twice": {n.Sigs[0], n.Sigs[1], {Name: late.Name(), Hash: late.KeyHash(), Sig: twice}, n.Sigs[2]},
	} {
		p.Checkpoint = (&note.Note{Text: n.Text, Sigs: sigs}).Bytes()
		if _, err := Verify(p.Format(), l.pins(), nil); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// Fewer witnesses are for a policy to judge; what is there is true.
	p.Checkpoint = (&note.Note{Text: n.Text, Sigs: n.Sigs[:2]}).Bytes()
	if v, err := Verify(p.Format(), l.pins(), nil); err != nil || len(v.Cosigned) != 1 {
		t.Errorf("one witness: %v", err)
	}
	// A checkpoint of another size of the same log does not fit.
	other := newLog(t, 0)
	other.fill(5)
	o, _ := Parse(other.proof(nil))
	p.Checkpoint = o.Checkpoint
	if _, err := Verify(p.Format(), l.pins(), nil); err == nil {
		t.Error("another log's checkpoint was taken")
	}
}

func TestExtra(t *testing.T) {
	l := newLog(t, 0)
	s, err := record.Lock{Head: l.head(), Lock: hexA, Project: "demo"}.Statement()
	lock := l.append(s, err)
	l.fill(300)
	v := l.verify(l.proof(nil, lock), nil)
	if got := numbersOf(v.History("_lock")); !slices.Equal(got, []int64{lock}) {
		t.Errorf("%v", got)
	}
	for _, n := range []int64{-1, 300, 1 << 40} {
		if _, err := Build(l.asSource(), nil, []int64{n}); err == nil {
			t.Errorf("statement %d was carried", n)
		}
	}
}

func TestHugeSize(t *testing.T) {
	for _, n := range []int64{1, 1 << 20, tile.MaxSize} {
		list := missing(n, []int64{0, n - 1})
		if len(list) > 2*bits.Len64(uint64(n)) {
			t.Errorf("%d hashes for %d", len(list), n)
		}
	}
}

func FuzzParse(f *testing.F) {
	l := newLog(f, 1)
	l.fill(259)
	f.Add(l.proof(wants("filler1 1.0", "x 1")))
	small := newLog(f, 0)
	f.Add(small.proof(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err == nil && !bytes.Equal(p.Format(), data) {
			t.Error("does not come back the same")
		}
	})
}
