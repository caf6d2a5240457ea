package recipe

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/compare"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// publisherTools are what the index of the search's tests has.
var publisherTools = resolvetest.MustParse(`
setuptools 56.2.0
  date 2021-05-01
setuptools 61.0.0
  date 2022-03-01
setuptools 69.0.0
  date 2023-12-01
wheel 0.37.1
  date 2021-12-01
`)

// searchFrom begins a search for a wheel by wheel 0.37.1.
func searchFrom(t *testing.T) *Search {
	t.Helper()
	target := targetsOf(t, "bookworm")[0]
	m := &material{
		pkg: &lock.Package{Name: "x", Version: "1.0", Sdist: &lock.File{SHA256: strings.Repeat("0", 64)}}, target: target,
		sys:   system("setuptools.build_meta", "setuptools"),
		clues: &clues{made: "bdist-wheel", version: "0.37.1", python: "py2.py3", uploaded: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)},
		times: map[string]time.Time{"x.py": time.Date(2023, 12, 31, 0, 0, 0, 0, time.UTC)},
	}
	s := &Search{pl: &planner{src: resolvetest.NewSource(publisherTools, t.TempDir()), solve: resolve.Resolve}, m: m, tried: map[string]bool{}, n: 1}
	inf := infer(m.clues, m.sys, m.times, target)
	first, err := s.make(context.Background(), guess{inf, ""})
	if err != nil {
		t.Fatal(err)
	}
	s.tried[first.Recipe.Digest], s.last = true, first
	return s
}

func found(verdict compare.Verdict, causes ...string) Seen {
	r := &compare.Result{Verdict: verdict}
	for _, c := range causes {
		r.Facts = append(r.Facts, compare.Fact{Cause: c, Line: c})
	}
	return Seen{Result: r}
}

func setuptoolsOf(try *Try) string {
	for _, b := range try.Recipe.BuildRequires {
		if b.Name == "setuptools" {
			return b.Version
		}
	}
	return ""
}

// TestSearchEras walks through setuptools' eras until METADATA fits.
func TestSearchEras(t *testing.T) {
	s, ctx := searchFrom(t), context.Background()
	if got := setuptoolsOf(s.First()); got != "69.0.0" {
		t.Fatalf("begins with setuptools %s", got)
	}
	var seen []string
	for next := found(compare.Differs, compare.MetadataFields, compare.LicenseFiles); ; next = found(compare.Differs, compare.MetadataFields) {
		try, err := s.Next(ctx, next)
		if err != nil {
			t.Fatal(err)
		}
		if try == nil {
			break
		}
		seen = append(seen, setuptoolsOf(try))
	}
	if !slices.Contains(seen, "56.2.0") || !slices.Contains(seen, "61.0.0") || len(seen) >= MaxTries {
		t.Errorf("tried setuptools %v", seen)
	}
	if s.Best() == s.First() {
		t.Error("the first that differs in less is the best")
	}
}

func TestSearchTag(t *testing.T) {
	s := searchFrom(t)
	try, err := s.Next(context.Background(), found(compare.Differs, compare.Tag))
	if err != nil || try == nil || !slices.Equal(try.Recipe.Config["--build-option"], []string{"--python-tag=py2.py3"}) {
		t.Fatalf("%v %v", try, err)
	}
	if again, err := s.Next(context.Background(), found(compare.Content, compare.ZipTimes)); again != nil || err != nil || s.Best() != try {
		t.Errorf("after equal files: %v %v, the best is %q", again, err, s.Best().Why)
	}
}

// TestSearchEnds: nothing is tried where the bytes came out, and a try that does
// not build, or is worse, is not the best.
func TestSearchEnds(t *testing.T) {
	s, ctx := searchFrom(t), context.Background()
	if try, err := s.Next(ctx, found(compare.Bytes)); try != nil || err != nil || s.Best() != s.First() {
		t.Errorf("after the bytes: %v %v", try, err)
	}
	s = searchFrom(t)
	first := s.First()
	if try, _ := s.Next(ctx, found(compare.Differs, compare.Tag)); try == nil {
		t.Fatal("nothing is tried")
	}
	s.Next(ctx, Seen{Failed: true})
	if s.Best() != first {
		t.Error("a failed build is the best")
	}
}

// TestSearchClock: where no epoch is set and a file has the hour of the build, the
// source's newest time is.
func TestSearchClock(t *testing.T) {
	s := searchFrom(t)
	s.last.inf.epoch, s.last.Recipe.Epoch = nil, nil
	s.tried = map[string]bool{}
	seen := found(compare.Content, compare.ZipTimes)
	seen.Newest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	try, err := s.Next(context.Background(), seen)
	if err != nil || try == nil || try.Recipe.Epoch == nil || try.Recipe.Epoch.From != "sdist" {
		t.Fatalf("%+v %v", try, err)
	}
	s.Next(context.Background(), found(compare.Content, compare.ZipTimes))
	if s.Best() != try {
		t.Error("a build that comes out the same each time is better than one that does not")
	}
}

func TestAdopt(t *testing.T) {
	src := resolvetest.NewSource(resolvetest.Standard(), t.TempDir())
	targets := targetsOf(t, "bookworm")
	l := lockOf(t, src, targets, "courier")
	plan(t, src, l, targets, Options{})
	p := l.Find("courier", "bookworm")
	old := p.Wheels[0].Recipe
	r := *l.Recipe(old)
	r.Container = "sha256:" + strings.Repeat("c", 64)
	digest, err := Replace(l, old, r)
	if err != nil || l.Recipe(digest) == nil || l.Recipe(old) != nil || l.Find("courier", "bookworm").Wheels[0].Recipe != digest {
		t.Fatalf("%s %v", digest, err)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	r.BuildRequires = nil
	if _, err := Replace(l, digest, r); err == nil {
		t.Error("a recipe without the build requirements of the old one was put in its place")
	}
	s, err := NewSearch(context.Background(), src, nil, nil, l.Find("courier", "bookworm"), l.Recipe(digest), targets[0])
	if err != nil {
		t.Fatal(err)
	}
	try, err := s.make(context.Background(), guess{s.First().inf, "again"})
	if err != nil {
		t.Fatal(err)
	}
	try.Recipe.Umask = "002"
	now, err := try.Adopt(l, digest, targets[0])
	if err != nil || l.Recipe(now) == nil || l.Recipe(now).Umask != "002" || l.Check() != nil {
		t.Errorf("%s %v %v", now, err, l.Check())
	}
}

func TestRemember(t *testing.T) {
	s := searchFrom(t)
	first := s.First()
	old := &lock.Recipe{Epoch: first.Recipe.Epoch, Env: map[string]string{"FAST": "1", "TZ": "X"}, Config: map[string][]string{"--build-option": {"--python-tag=py2.py3"}},
		BuildRequires: []lock.BuildRequire{{Name: "setuptools", Version: "61.0.0"}, {Name: "wheel", Version: "0.37.1"}}}
	inf := infer(s.m.clues, s.m.sys, s.m.times, s.m.target)
	inf.remember(old, s.m)
	try, err := s.make(context.Background(), guess{inf, ""})
	if err != nil {
		t.Fatal(err)
	}
	if r := try.Recipe; setuptoolsOf(try) != "61.0.0" || len(r.Env) != 0 || len(r.Config) != 1 {
		t.Errorf("%+v", r)
	}
	// Another wheel: another environment.
	old.BuildRequires[1].Version = "0.36"
	inf = infer(s.m.clues, s.m.sys, s.m.times, s.m.target)
	inf.remember(old, s.m)
	if try, _ := s.make(context.Background(), guess{inf, ""}); setuptoolsOf(try) != "69.0.0" {
		t.Errorf("setuptools %s", setuptoolsOf(try))
	}
}

func TestZone(t *testing.T) {
	at := func(text string) time.Time {
		x, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, c := range []struct {
		want  string
		pairs [][2]string // source, zip
	}{
		{"", [][2]string{{"2021-07-23 07:28:26", "2021-07-23 07:28:26"}}},
		{"", nil},
		{"<+0200>-2", [][2]string{{"2026-05-27 17:11:51", "2026-05-27 19:11:50"}}},
		{"<-0500>5", [][2]string{{"2026-09-19 23:06:43", "2026-09-19 18:06:42"}}},
		{"<+0545>-5:45", [][2]string{{"2026-09-19 10:00:00", "2026-09-19 15:45:00"}}},
		{"<+0000>0<+0100>,M3.5.0/1,M10.5.0/2", [][2]string{{"2021-07-23 07:28:26", "2021-07-23 08:28:26"}, {"2021-01-23 07:28:26", "2021-01-23 07:28:26"}}},
		{"<-0600>6<-0500>,M3.2.0,M11.1.0", [][2]string{{"2021-03-14 07:59:58", "2021-03-14 01:59:58"}, {"2021-03-14 08:00:00", "2021-03-14 03:00:00"}, {"2021-11-07 07:00:00", "2021-11-07 01:00:00"}}},
		{"", [][2]string{{"2021-07-23 07:28:26", "2021-07-23 08:30:00"}}},
		{"", [][2]string{{"2021-07-23 07:28:26", "2021-07-23 08:28:26"}, {"2021-07-24 07:28:26", "2021-07-24 07:28:26"}}},
	} {
		zip, source := map[string]time.Time{"generated": at("2016-01-01 00:00:00")}, map[string]time.Time{}
		for i, p := range c.pairs {
			name := string(rune('a' + i))
			source["src/"+name], zip[name] = at(p[0]), at(p[1])
		}
		if got := zone(zip, source); got != c.want {
			t.Errorf("%v: got %q, want %q", c.pairs, got, c.want)
		}
	}
}
