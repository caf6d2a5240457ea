package record_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// held is a log in memory, as the door sees it.
type held []*record.Signed

func (h held) Statement(i int64) (*record.Signed, error) {
	if i < 0 || i >= int64(len(h)) {
		return nil, fmt.Errorf("no statement %d", i)
	}
	return h[i], nil
}

func (h held) find(fits func(*record.Signed) bool) (*record.Signed, int64, bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if fits(h[i]) {
			return h[i], int64(i), true
		}
	}
	return nil, -1, false
}

func (h held) Held(id record.ID) (int64, bool, error) {
	_, i, ok := h.find(func(s *record.Signed) bool { return s.ID() == id })
	return i, ok, nil
}

func (h held) Given(file string) (record.File, int64, bool, error) {
	s, i, ok := h.find(func(s *record.Signed) bool {
		return (s.Kind() == record.KindSource || s.Kind() == record.KindUpstream) && s.Files()[0].Name == file
	})
	if !ok {
		return record.File{}, -1, false, nil
	}
	return s.Files()[0], i, true, nil
}

func (h held) Built(file, target string) (record.File, int64, bool, error) {
	s, i, ok := h.find(func(s *record.Signed) bool {
		b, err := s.AsBuild()
		return err == nil && b.File.Name == file && b.Target == target
	})
	if !ok {
		return record.File{}, -1, false, nil
	}
	return s.Files()[0], i, true, nil
}

func (h held) Roots() ([]record.Placed, error) {
	var roots []record.Placed
	for i, s := range h {
		if r, err := s.AsRoot(); err == nil {
			roots = append(roots, record.Placed{At: int64(i), Root: r})
		}
	}
	return roots, nil
}

func TestDoor(t *testing.T) {
	w := sumdbtest.New(t)
	parse := func(x sumdbtest.Stater) *record.Signed {
		s, err := record.ParseLeaf(w.Leaf(x))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// The log before: root 0, source 1, build 1, source 2, and a second build
	// that superseded the first.
	second := sumdbtest.Build(1)
	second.Head, second.File.SHA256, second.Supersedes, second.Reason = sumdbtest.Head(4), d("9"), 2, "new compiler"
	before := held{parse(sumdbtest.Root(0)), parse(sumdbtest.Source(1)), parse(sumdbtest.Build(1)), parse(sumdbtest.Source(2)), parse(second)}

	source := func(change func(*record.Source)) sumdbtest.Stater {
		x := sumdbtest.Source(7)
		change(&x)
		return x
	}
	build := func(change func(*record.Build)) sumdbtest.Stater {
		x := sumdbtest.Build(1)
		x.Head, x.File.SHA256 = sumdbtest.Head(9), d("9")
		change(&x)
		return x
	}
	for name, test := range map[string]struct {
		x    sumdbtest.Stater
		want record.Rule // "": let in
	}{
		"a new source":               {sumdbtest.Source(7), ""},
		"another log's":              {source(func(x *record.Source) { x.Log = "other.example" }), record.RuleOrigin},
		"ten minutes ahead":          {source(func(x *record.Source) { x.Time = w.Clock.Add(10 * time.Minute) }), ""},
		"more than that":             {source(func(x *record.Source) { x.Time = w.Clock.Add(10*time.Minute + time.Second) }), record.RuleClock},
		"a year old":                 {source(func(x *record.Source) { x.Time = w.Clock.AddDate(-1, 0, 0) }), ""},
		"older":                      {source(func(x *record.Source) { x.Time = w.Clock.AddDate(-1, 0, -3) }), record.RuleClock},
		"held already":               {sumdbtest.Source(2), record.RuleHeld},
		"the same source, seen anew": {source(func(x *record.Source) { x.File = sumdbtest.Source(2).File }), ""},
		"a source of another hash": {source(func(x *record.Source) {
			x.File = sumdbtest.Source(2).File
			x.File.SHA256 = d("0")
		}), record.RuleSource},
		"a source of another size": {source(func(x *record.Source) {
			x.File = sumdbtest.Source(2).File
			x.File.Size++
		}), record.RuleSource},
		"an upstream under a source's name": {record.Upstream{Head: sumdbtest.Head(8), Name: "x", Version: "1", File: record.File{
			Name: sumdbtest.Source(2).File.Name, SHA256: d("0"), Size: 1,
		}}, record.RuleSource},
		"a second builder that agrees": {build(func(x *record.Build) {}), ""},
		"the same file, other target": {build(func(x *record.Build) {
			x.Target, x.File.SHA256 = "focal", d("8")
		}), ""},
		"another hash":         {build(func(x *record.Build) { x.File.SHA256 = d("8") }), record.RuleBuilt},
		"the superseded hash":  {sumdbtest.Build(1), record.RuleHeld},
		"the old hash again":   {build(func(x *record.Build) { x.File = sumdbtest.Build(1).File }), record.RuleBuilt},
		"another hash, named":  {build(func(x *record.Build) { x.File.SHA256, x.Supersedes, x.Reason = d("8"), 4, "r" }), ""},
		"names the old one":    {build(func(x *record.Build) { x.File.SHA256, x.Supersedes, x.Reason = d("8"), 2, "r" }), record.RuleBuilt},
		"names a source":       {build(func(x *record.Build) { x.File.SHA256, x.Supersedes, x.Reason = d("8"), 3, "r" }), record.RuleBuilt},
		"names what is not":    {build(func(x *record.Build) { x.File.SHA256, x.Supersedes, x.Reason = d("8"), 99, "r" }), record.RuleBuilt},
		"supersedes the same":  {build(func(x *record.Build) { x.Supersedes, x.Reason = 4, "r" }), record.RuleBuilt},
		"supersedes a nothing": {build(func(x *record.Build) { x.Target, x.Supersedes, x.Reason = "focal", 4, "r" }), record.RuleBuilt},
		"a failed build":       {build(func(x *record.Build) { x.File, x.Content, x.Failed = record.File{}, "", "build-error" }), ""},
		"the next root":        {sumdbtest.Root(1), ""},
		"a root too far":       {sumdbtest.Root(2), record.RuleRoot},
		"root 0 again":         {record.Root{Head: sumdbtest.Head(9), Document: d("1"), Signature: d("1")}, record.RuleRoot},
	} {
		st := record.State{
			Origin: sumdbtest.Origin, Index: int64(len(before)), Now: w.Clock, Last: w.Clock, Keys: w.Keyring, Facts: before,
		}
		checkDoor(t, name, record.Door(parse(test.x), st), test.want)
	}

	first := record.State{Origin: sumdbtest.Origin, Now: w.Clock, Keys: w.Keyring, Facts: held{}}
	checkDoor(t, "a log begins with a root", record.Door(parse(sumdbtest.Root(0)), first), "")
	checkDoor(t, "a log begins with a source", record.Door(parse(sumdbtest.Source(1)), first), record.RuleRoot)
	checkDoor(t, "a log begins with root 1", record.Door(parse(sumdbtest.Root(1)), first), record.RuleRoot)
}

func TestDoorAsksWhoSigned(t *testing.T) {
	w := sumdbtest.New(t)
	root, err := record.ParseLeaf(w.Leaf(sumdbtest.Root(0)))
	if err != nil {
		t.Fatal(err)
	}
	st := record.State{Origin: sumdbtest.Origin, Index: 1, Keys: w.Keyring, Facts: held{root}}
	s, err := sumdbtest.Source(1).Statement()
	if err != nil {
		t.Fatal(err)
	}
	for role, key := range w.Signers {
		leaf, err := record.Sign(s, key)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := record.ParseLeaf(leaf)
		if err != nil {
			t.Fatal(err)
		}
		want := record.RuleSigner
		if role == record.RoleBuilder {
			want = ""
		}
		checkDoor(t, "signed by a "+role, record.Door(signed, st), want)
	}
	// The builder's name and hash on somebody else's signature.
	leaf := w.Leaf(sumdbtest.Source(1))
	other := w.Leaf(sumdbtest.Source(2))
	text := s.Text()
	forged, err := record.ParseLeaf(append(text, other[len(text):]...))
	if err != nil {
		t.Fatal(err)
	}
	if string(forged.Leaf) == string(leaf) {
		t.Fatal("nothing was forged")
	}
	checkDoor(t, "another statement's signature", record.Door(forged, st), record.RuleSigner)
}

func checkDoor(t *testing.T, name string, err error, want record.Rule) {
	t.Helper()
	var door *record.DoorError
	switch {
	case err == nil && want == "":
	case errors.As(err, &door) && door.Rule == want:
	default:
		t.Errorf("%s: %v, want rule %q", name, err, want)
	}
}
