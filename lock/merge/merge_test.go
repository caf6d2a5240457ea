package merge

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/freedomofpress/wheellock/lock"
)

func hexOf(s string) string {
	h := uint64(14695981039346656037)
	for _, c := range []byte(s) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return strings.Repeat(fmt.Sprintf("%016x", h), 4)
}

// pkg is one version, pure, planned for targets; hash "" is still to be built.
func pkg(l *lock.Lock, name, version, hash string, targets ...string) lock.Package {
	p := lock.Package{Name: name, Version: version, Targets: targets, Sdist: &lock.File{Name: name + "-" + version + ".tar.gz", SHA256: hexOf(name + version)}}
	r := lock.Recipe{Sdist: "sha256:" + p.Sdist.SHA256, Backend: "flit_core.buildapi", Python: "cp311", Umask: "022", BuildPath: "/b",
		BuildRequires: []lock.BuildRequire{{Name: "flit-core", Version: "3.9", SHA256: hexOf("flit")}}}
	r.Digest = r.ComputeDigest()
	if l.Recipe(r.Digest) == nil {
		l.Recipes = append(l.Recipes, r)
	}
	w := lock.Wheel{Name: name + "-" + version + "-py3-none-any.whl", Origin: lock.OriginBuilt, Recipe: r.Digest}
	if hash != "" {
		w.SHA256, w.Size = hexOf(hash), 10
	}
	p.Wheels = []lock.Wheel{w}
	return p
}

func target(name string) lock.Target {
	return lock.Target{Name: name, Python: "3.11", Platform: "linux_x86_64"}
}

// edit is one change that a verb could make to a lock.
type edit func(l *lock.Lock)

func make_(edits ...edit) *lock.Lock {
	l := &lock.Lock{RequiresDigest: "sha256:" + hexOf("inputs"), Targets: []lock.Target{target("bookworm")}}
	l.Packages = append(l.Packages, lock.Package{Name: "flit-core", Version: "3.9", Group: lock.GroupBuild,
		Wheels: []lock.Wheel{{Name: "flit_core-3.9-py3-none-any.whl", Origin: lock.OriginUpstream, SHA256: hexOf("flit")}}})
	for _, e := range edits {
		e(l)
	}
	prune(l)
	l.Sort()
	return l
}

func prune(l *lock.Lock) {
	used := map[string]bool{}
	for _, p := range l.Packages {
		for _, w := range p.Wheels {
			used[w.Recipe] = true
		}
	}
	l.Recipes = slices.DeleteFunc(l.Recipes, func(r lock.Recipe) bool { return !used[r.Digest] })
}

func add(name, version, hash string) edit {
	return func(l *lock.Lock) {
		remove(name)(l)
		l.Packages = append(l.Packages, pkg(l, name, version, hash))
		l.RequiresDigest = "sha256:" + hexOf(l.RequiresDigest+name+version)
	}
}

// upgrade changes a version and not the inputs.
func upgrade(name, version, hash string) edit {
	return func(l *lock.Lock) {
		before := l.RequiresDigest
		add(name, version, hash)(l)
		l.RequiresDigest = before
	}
}

func remove(name string) edit {
	return func(l *lock.Lock) {
		n := len(l.Packages)
		l.Packages = slices.DeleteFunc(l.Packages, func(p lock.Package) bool { return p.Name == name })
		if len(l.Packages) < n {
			l.RequiresDigest = "sha256:" + hexOf(l.RequiresDigest+name)
		}
	}
}

func built(name, hash string) edit {
	return func(l *lock.Lock) {
		for i := range l.Packages {
			if p := &l.Packages[i]; p.Name == name {
				p.Wheels = slices.Clone(p.Wheels)
				p.Wheels[0].SHA256, p.Wheels[0].Size = hexOf(hash), 10
			}
		}
	}
}

func newTarget(name string) edit {
	return func(l *lock.Lock) {
		if l.Target(name) != nil {
			return
		}
		l.Targets = append(l.Targets, target(name))
		l.RequiresDigest = "sha256:" + hexOf(l.RequiresDigest+"target "+name)
	}
}

func list(e ...edit) []edit { return e }

func TestMerge(t *testing.T) {
	base := list(add("six", "1.16", "s16"), add("idna", "3.1", ""))
	for _, tt := range []struct {
		name         string
		ours, theirs []edit
		want         string // NAME VERSION HASH ..., or the conflicts
		stale        bool
	}{
		{"different packages, both built", list(add("aa", "1", "a1")), list(add("bb", "2", "b2")), "aa 1 a1, bb 2 b2, idna 3.1, six 1.16 s16", true},
		{"one builds, the other adds", list(built("idna", "i1")), list(add("bb", "2", "")), "bb 2, idna 3.1 i1, six 1.16 s16", false},
		{"both build the same", list(built("idna", "i1")), list(built("idna", "i1")), "idna 3.1 i1, six 1.16 s16", false},
		{"two builds, two hashes", list(built("idna", "i1")), list(built("idna", "i2")), "idna: 3.1: two hashes of idna-3.1-py3-none-any.whl", false},
		{"same package, two versions", list(upgrade("six", "1.17", "")), list(upgrade("six", "1.18", "x")), "six: 1.17 and 1.18 on bookworm", true},
		{"same package, same version, one built", list(upgrade("six", "1.17", "")), list(upgrade("six", "1.17", "x")), "idna 3.1, six 1.17 x", false},
		{"removed and upgraded", list(remove("six")), list(upgrade("six", "1.17", "")), "six: removed and 1.17 on bookworm", true},
		{"built and upgraded", list(built("six", "again")), list(upgrade("six", "1.17", "")), "idna 3.1, six 1.17", false},
		{"a target and a package", list(newTarget("focal")), list(add("bb", "2", "b2")), "bb 2 b2 [bookworm], idna 3.1, six 1.16 s16", true},
		{"removed twice", list(remove("six")), list(remove("six"), built("idna", "i")), "idna 3.1 i", false},
	} {
		b, o, th := make_(base...), make_(append(base, tt.ours...)...), make_(append(base, tt.theirs...)...)
		for _, l := range []*lock.Lock{b, o, th} {
			if err := l.Check(); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
		}
		r := Merge(b, o, th)
		if got := describe(r); got != tt.want || r.Stale != tt.stale {
			t.Errorf("%s: %s, stale %v; want %s, %v\n%s", tt.name, got, r.Stale, tt.want, tt.stale, r.Text)
		}
	}
}

// describe writes a result in one line.
func describe(r *Result) string {
	var words []string
	for _, c := range r.Conflicts {
		words = append(words, c.String())
	}
	if r.Lock != nil {
		for i := range r.Lock.Packages {
			p := &r.Lock.Packages[i]
			if p.Group == lock.GroupBuild {
				continue
			}
			s := p.Name + " " + p.Version
			for _, h := range []string{"s16", "a1", "b2", "i1", "i2", "x", "i", "again"} {
				if p.Wheels[0].SHA256 == hexOf(h) {
					s += " " + h
				}
			}
			if len(p.Targets) > 0 {
				s += fmt.Sprint(" ", p.Targets)
			}
			words = append(words, s)
		}
	}
	return strings.Join(words, ", ")
}

func TestConflictText(t *testing.T) {
	base := list(add("six", "1.16", "s16"), add("idna", "3.1", "i"))
	o := make_(append(base, upgrade("six", "1.17", ""))...)
	th := make_(append(base, upgrade("six", "1.18", "x"), add("bb", "2", "b2"))...)
	r := Merge(make_(base...), o, th)
	text := string(r.Text)
	before, rest, _ := strings.Cut(text, "<<<<<<< ours\n")
	ours, rest, _ := strings.Cut(rest, "=======\n")
	theirs, after, _ := strings.Cut(rest, ">>>>>>> theirs\n")
	if strings.Contains(before+after, "name = \"six\"") || !strings.Contains(ours, `version = "1.17"`) || !strings.Contains(theirs, `version = "1.18"`) ||
		!strings.Contains(before, `name = "idna"`) || !strings.Contains(before, `name = "bb"`) || strings.Contains(ours+theirs, "idna") {
		t.Fatalf("\n%s", text)
	}
	if _, err := lock.Parse("wheels.lock", r.Text); err == nil || !strings.Contains(err.Error(), "merge conflict") {
		t.Errorf("a text with markers is read as a lock: %v", err)
	}
	l, names, err := Read("wheels.lock", r.Text)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names, []string{"six"}) || l.RequiresDigest != Stale || l.Find("bb", "bookworm") == nil {
		t.Errorf("read as %v\n%s", names, l.Format())
	}
	if w := l.Find("idna", "bookworm").Wheels[0]; w.SHA256 != hexOf("i") {
		t.Errorf("the hash of idna is lost: %v", w)
	}
	// Two hashes for one file: the version stays, neither hash does.
	r = Merge(make_(list(add("six", "1.16", ""))...), make_(list(add("six", "1.16", "x"))...), make_(list(add("six", "1.16", "i"))...))
	l, names, err = Read("wheels.lock", r.Text)
	if err != nil || !slices.Equal(names, []string{"six"}) {
		t.Fatalf("%v %v\n%s", names, err, r.Text)
	}
	if p := l.Find("six", "bookworm"); p == nil || p.Version != "1.16" || len(p.Wheels) > 0 {
		t.Errorf("a hash in conflict is kept: %v", p)
	}
}

// Random branches of random locks.
func TestMergeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"aa", "bb", "cc", "dd"})
		version := rapid.SampledFrom([]string{"1", "2", "3"})
		hash := rapid.SampledFrom([]string{"", "", "h1", "h2"})
		draw := func(label string, most int) []edit {
			var out []edit
			for range rapid.IntRange(0, most).Draw(t, label) {
				n, v, h := name.Draw(t, "name"), version.Draw(t, "version"), hash.Draw(t, "hash")
				switch rapid.IntRange(0, 5).Draw(t, "kind") {
				case 0:
					out = append(out, remove(n))
				case 1:
					out = append(out, newTarget("focal"))
				case 2:
					if h != "" {
						out = append(out, built(n, h))
					}
				case 3:
					out = append(out, upgrade(n, v, h))
				default:
					out = append(out, add(n, v, h))
				}
			}
			return out
		}
		common := draw("base", 5)
		base := make_(common...)
		ours := make_(append(slices.Clone(common), draw("ours", 4)...)...)
		theirs := make_(append(slices.Clone(common), draw("theirs", 4)...)...)
		for _, l := range []*lock.Lock{base, ours, theirs} {
			if err := l.Check(); err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range []*Result{Merge(base, ours, base), Merge(base, base, ours), Merge(base, ours, ours)} {
			if string(one.Text) != string(ours.Format()) || len(one.Conflicts) > 0 {
				t.Fatalf("with an unchanged side:\n%s", one.Text)
			}
		}
		r, back := Merge(base, ours, theirs), Merge(base, theirs, ours)
		if len(r.Conflicts) != len(back.Conflicts) || r.Stale != back.Stale {
			t.Fatalf("not symmetric: %v and %v", r.Conflicts, back.Conflicts)
		}
		if r.Lock == nil {
			l, names, err := Read("wheels.lock", r.Text)
			if err != nil || len(names) == 0 {
				t.Fatalf("the conflict cannot be read: %v %v\n%s", names, err, r.Text)
			}
			if again, _, _ := Read("wheels.lock", back.Text); cmp.Diff(l, again) != "" {
				t.Fatal(cmp.Diff(l, again))
			}
			return
		}
		if string(r.Text) != string(back.Text) {
			t.Fatal(cmp.Diff(string(r.Text), string(back.Text)))
		}
		if _, err := lock.Parse("wheels.lock", r.Text); err != nil {
			t.Fatalf("%v\n%s", err, r.Text)
		}
		for _, s := range []*lock.Lock{ours, theirs} {
			keeps(t, base, s, r.Lock)
		}
	})
}

// keeps: a hash that a side changed is in the merge, if its version is.
func keeps(t *rapid.T, base, side, merged *lock.Lock) {
	for i := range side.Packages {
		p := &side.Packages[i]
		for _, target := range side.TargetsOf(p) {
			w, was := side.WheelFor(p, target), lock.Wheel{}
			if b := base.Find(p.Name, target); b != nil && b.Version == p.Version && base.Target(target) != nil {
				was = *base.WheelFor(b, target)
			}
			m := merged.Find(p.Name, target)
			if p.Group != "" || w.SHA256 == was.SHA256 || w.Missing() || m == nil || m.Version != p.Version {
				continue
			}
			if got := merged.WheelFor(m, target); got.SHA256 != w.SHA256 {
				t.Fatalf("%s on %s: hash %s was changed to %s, the merge has %s", p.Name, target, was.SHA256, w.SHA256, got.SHA256)
			}
		}
	}
}

// A field that nobody merges would be taken from one side without a word.
func TestEveryFieldIsMerged(t *testing.T) {
	for _, x := range []struct {
		of     any
		fields int
	}{{lock.Lock{}, 8}, {lock.Package{}, 17}, {lock.Wheel{}, 7}, {lock.Upstream{}, 7}, {lock.File{}, 3}} {
		if n := reflect.TypeOf(x.of).NumField(); n != x.fields {
			t.Errorf("%T has %d fields: merge the new one here, then count it", x.of, n)
		}
	}
}
