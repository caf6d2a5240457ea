package recipe

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

func TestSettingsFor(t *testing.T) {
	s := Settings{{Name: "a", Env: env("X", "1")}, {Name: "a", Version: "2.0", Env: env("X", "2")}, {Name: "b", NormalForm: "1"}}
	for _, c := range []struct{ name, version, want string }{{"a", "1.0", "1"}, {"a", "2.0", "2"}, {"c", "1.0", ""}} {
		if got := s.For(c.name, c.version).Env["X"]; got != c.want {
			t.Errorf("%s %s: %q, want %q", c.name, c.version, got, c.want)
		}
	}
}

// TestSettingsReplan: a row whose settings changed is to be planned and built again,
// even where it was proven; the others stay as they are.
func TestSettingsReplan(t *testing.T) {
	src := resolvetest.NewSource(resolvetest.Standard(), t.TempDir())
	targets := targetsOf(t, "bookworm")
	prev := lockOf(t, src, targets, "courier")
	plan(t, src, prev, targets, Options{})
	var name string
	for i := range prev.Packages {
		p := &prev.Packages[i]
		if p.Group == lock.GroupBuild || len(p.Upstream) == 0 {
			continue
		}
		name = p.Name
		w := &p.Wheels[0]
		w.Origin, w.SHA256, w.Content, w.Size = lock.OriginUpstream, p.Upstream[0].SHA256, strings.Repeat("a", 64), 10
		p.Upstream[0].Verdict = lock.VerdictBytes
	}
	row := func(l *lock.Lock) (*lock.Package, *lock.Wheel, *lock.Recipe) {
		p := l.Find(name, "bookworm")
		return p, &p.Wheels[0], l.Recipe(p.Wheels[0].Recipe)
	}
	again := func(set Settings) *lock.Lock {
		l, err := lock.Parse(lock.FileName, prev.Format())
		if err != nil {
			t.Fatal(err)
		}
		plan(t, src, l, targets, Options{Prev: prev, Settings: set})
		return l
	}
	if diff := cmp.Diff(string(prev.Format()), string(again(nil).Format())); diff != "" {
		t.Errorf("without settings nothing changes:\n%s", diff)
	}
	set := Settings{{Name: name, Env: env("FAST", "1"), Config: map[string][]string{"--build-option": {"--x"}}}}
	l := again(set)
	p, w, r := row(l)
	if r == nil || r.Env["FAST"] != "1" || !slices.Equal(r.Config["--build-option"], []string{"--x"}) {
		t.Fatalf("the recipe does not follow the setting: %+v", r)
	}
	if !w.Missing() || w.Origin != lock.OriginBuilt || p.Upstream[0].Verdict != lock.VerdictUntried {
		t.Errorf("what the old recipe proved is still held: %+v %+v", w, p.Upstream)
	}
	changed := 0
	for i := range l.Packages {
		if q := &l.Packages[i]; q.Group != lock.GroupBuild && q.Wheels[0].Missing() {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d rows are to be built, want one", changed)
	}
	prev = l
	if _, _, r := row(again(set)); r.Env["FAST"] != "1" {
		t.Error("a setting that stays was let go")
	}
	if _, _, r := row(again(nil)); r.Env != nil || r.Config != nil {
		t.Errorf("a setting that is gone stays: %v %v", r.Env, r.Config)
	}
}
