package assemble

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// shelf is an index of pure wheels: "NAME VERSION" -> requirements.
type shelf map[string][]string

func (s shelf) Page(_ context.Context, name string) (*index.Page, error) {
	p := &index.Page{Name: name}
	for k := range s {
		if n, v, _ := strings.Cut(k, " "); n == name {
			p.Files = append(p.Files, *file(n + "-" + v + "-py3-none-any.whl"))
		}
	}
	return p, nil
}

func (s shelf) Metadata(_ context.Context, f index.File) ([]byte, error) {
	p := strings.Split(f.Name, "-")
	text := "Metadata-Version: 2.1\nName: " + p[0] + "\nVersion: " + p[1] + "\n"
	for _, r := range s[p[0]+" "+p[1]] {
		text += "Requires-Dist: " + r + "\n"
	}
	return []byte(text), nil
}

func (shelf) Fetch(context.Context, index.File) (string, error) { return "", errors.New("no files") }

var groupShelf = shelf{
	"lib 1": nil, "lib 2": nil, "lib 3": nil, "free 1": nil, "free 2": nil,
	"app 1": {"lib<3"}, "app 2": {"lib"},
	"pg 1": {"wire<2"}, "mysql 1": {"wire>=2"}, "wire 1": nil, "wire 2": nil,
}

// solve locks requirements "GROUP: REQUIREMENT".
func solve(t *testing.T, prev *lock.Lock, conflicts [][]string, reqs ...string) (*lock.Lock, error) {
	t.Helper()
	req := resolve.Request{Targets: []tags.Target{look(t, "bookworm"), look(t, "macos")}, Locked: RequestLocked(prev)}
	for _, r := range reqs {
		group, text, _ := strings.Cut(r, ": ")
		req.Requirements = append(req.Requirements, resolve.Requirement{Requirement: pep508.MustParse(text), Group: group})
	}
	var err error
	if req.Variants, err = RequestVariants(conflicts, prev); err != nil {
		return nil, err
	}
	sol, err := resolve.ResolveApart(context.Background(), groupShelf, req)
	if err != nil {
		return nil, err
	}
	return assembled(t, sol, Options{Prev: prev, Wheels: PolicyUpstream, Conflicts: conflicts}), nil
}

// where lists "NAME VERSION TARGET: variants" of what not all install.
func where(l *lock.Lock) []string {
	var out []string
	for i := range l.Packages {
		p := &l.Packages[i]
		for _, t := range l.TargetsOf(p) {
			var in []string
			for _, v := range l.Variants() {
				if l.In(p, t, v.Name) {
					in = append(in, fmt.Sprintf("%q", v.Name))
				}
			}
			if len(in) < len(l.Variants()) {
				out = append(out, fmt.Sprintf("%s %s %s: %s", p.Name, p.Version, t, strings.Join(in, " ")))
			}
		}
	}
	return out
}

func TestVariantsAreSolvedApart(t *testing.T) {
	for _, tt := range []struct {
		name      string
		conflicts [][]string
		reqs      []string
		want      []string
	}{
		{"three members, and the main one's versions where they are allowed", [][]string{{"a", "b", "c"}},
			[]string{": free", "a: lib==3", "b: lib==2", "c: app", "c: lib<3"},
			[]string{`app 2 bookworm: "c"`, `app 2 macos: "c"`, `lib 2 bookworm: "b" "c"`, `lib 2 macos: "b" "c"`, `lib 3 bookworm: ""`, `lib 3 macos: ""`}},
		{"a marker keeps the conflict from one target", [][]string{{"a", "b"}},
			[]string{": lib", "a: lib==3", `b: lib==2; sys_platform == "linux"`},
			[]string{`lib 2 bookworm: "b"`, `lib 3 bookworm: ""`}},
		{"two sets, four choices", [][]string{{"a", "b"}, {"x", "y"}},
			[]string{"a: lib==3", "b: lib==2", "x: pg", "y: mysql"},
			[]string{`lib 2 bookworm: "b" "b+y"`, `lib 2 macos: "b" "b+y"`, `lib 3 bookworm: "" "y"`, `lib 3 macos: "" "y"`,
				`mysql 1 bookworm: "y" "b+y"`, `mysql 1 macos: "y" "b+y"`, `pg 1 bookworm: "" "b"`, `pg 1 macos: "" "b"`,
				`wire 1 bookworm: "" "b"`, `wire 1 macos: "" "b"`, `wire 2 bookworm: "y" "b+y"`, `wire 2 macos: "y" "b+y"`}},
	} {
		l, err := solve(t, nil, tt.conflicts, tt.reqs...)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, where(l)); diff != "" {
			t.Errorf("%s: %s\n%s", tt.name, diff, l.Format())
		}
		back := slices.Clone(tt.reqs)
		slices.Reverse(back)
		for _, prev := range []*lock.Lock{nil, l} {
			again, err := solve(t, prev, tt.conflicts, back...)
			if err != nil || string(again.Format()) != string(l.Format()) {
				t.Errorf("%s: again, %v: %s", tt.name, err, cmp.Diff(string(l.Format()), string(again.Format())))
			}
		}
	}
}

// What a variant had stays when the main solution moves, and the other way.
func TestVariantsKeepTheirOwn(t *testing.T) {
	conflicts := [][]string{{"a", "b"}}
	l, err := solve(t, nil, conflicts, "a: lib==3", "b: lib<2")
	if err != nil {
		t.Fatal(err)
	}
	if l, err = solve(t, l, conflicts, "a: lib<3", "b: lib"); err != nil {
		t.Fatal(err)
	}
	want := []string{`lib 1 bookworm: "b"`, `lib 1 macos: "b"`, `lib 2 bookworm: ""`, `lib 2 macos: ""`}
	if diff := cmp.Diff(want, where(l)); diff != "" {
		t.Error(diff)
	}
	// A variant without a solution says which it is.
	var bad *resolve.VariantError
	if _, err := solve(t, nil, conflicts, ": lib>1", "a: lib", "b: lib<2"); !errors.As(err, &bad) || bad.Name != "b" || !strings.Contains(err.Error(), "without group a") {
		t.Errorf("%v", err)
	}
	var many [][]string
	for i := range 6 {
		many = append(many, []string{fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)})
	}
	if _, err := RequestVariants(many, nil); !errors.As(err, new(*lock.TooManyVariantsError)) {
		t.Errorf("64 choices: %v", err)
	}
}
