package resolve

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

var update = flag.Bool("update", false, "write what comes out into testdata")

// TestCases runs testdata/*.txtar. A file holds an index (as resolvetest.Parse
// reads it), what is asked for (one requirement a line, "dev: REQ" for a
// group), options, and what must come out, word for word.
func TestCases(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) < 15 {
		t.Fatalf("only %d cases", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got, want string
			for i, f := range a.Files {
				if f.Name == "want" {
					want = string(f.Data)
					got = runCase(t, a)
					a.Files[i].Data = []byte(got)
				}
			}
			if *update && got != want {
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" || want == "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func runCase(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	u, err := resolvetest.Parse(section(a, "index"))
	if err != nil {
		t.Fatal(err)
	}
	req := caseRequest(t, a)
	src := resolvetest.NewSource(u, t.TempDir())
	sol, err := Resolve(context.Background(), src, req)
	got := render(sol, err)
	// The answer must not depend on the order of anything.
	for seed := range int64(3) {
		r := rand.New(rand.NewSource(seed))
		r.Shuffle(len(req.Requirements), func(i, j int) {
			req.Requirements[i], req.Requirements[j] = req.Requirements[j], req.Requirements[i]
		})
		r.Shuffle(len(req.Constraints), func(i, j int) {
			req.Constraints[i], req.Constraints[j] = req.Constraints[j], req.Constraints[i]
		})
		sol, err := Resolve(context.Background(), &shuffled{src, seed}, req)
		if d := cmp.Diff(got, render(sol, err)); d != "" {
			t.Errorf("shuffled, another answer:\n%s", d)
		}
	}
	return got
}

// shuffled gives the files of a page in another order.
type shuffled struct {
	Source
	seed int64
}

func (s *shuffled) Page(ctx context.Context, name string) (*index.Page, error) {
	p, err := s.Source.Page(ctx, name)
	if err != nil {
		return nil, err
	}
	q := *p
	q.Files = slices.Clone(p.Files)
	rand.New(rand.NewSource(s.seed)).Shuffle(len(q.Files), func(i, j int) { q.Files[i], q.Files[j] = q.Files[j], q.Files[i] })
	return &q, nil
}

func caseRequest(t *testing.T, a *txtar.Archive) Request {
	t.Helper()
	req := Request{Locked: map[string]map[string]string{}, UserMetadata: map[string]metadata.Metadata{}}
	for i, line := range strings.Split(strings.TrimSpace(section(a, "ask")), "\n") {
		group, rest, ok := strings.Cut(line, ": ")
		if !ok {
			group, rest = "", line
		}
		r := requirements(t, rest)[0]
		r.Group, r.Origin = group, fmt.Sprintf("requirements.in:%d", i+1)
		req.Requirements = append(req.Requirements, r)
	}
	for i, line := range strings.Split(strings.TrimSpace(section(a, "options")), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		fields := strings.Fields(rest)
		switch word {
		case "", "#":
		case "targets":
			for _, name := range fields {
				target, err := tags.Lookup(name)
				if err != nil {
					t.Fatal(err)
				}
				req.Targets = append(req.Targets, target)
			}
		case "constraint":
			r := requirements(t, rest)[0]
			r.Origin = fmt.Sprintf("constraints.txt:%d", i+1)
			req.Constraints = append(req.Constraints, r)
		case "override":
			r := requirements(t, rest)[0]
			r.Origin = fmt.Sprintf("wheellock.toml:%d", i+1)
			req.Overrides = append(req.Overrides, r)
		case "locked":
			if req.Locked[fields[0]] == nil {
				req.Locked[fields[0]] = map[string]string{}
			}
			req.Locked[fields[0]][fields[1]] = fields[2]
		case "exclude-newer":
			at, err := time.Parse(time.RFC3339, rest)
			if err != nil {
				t.Fatal(err)
			}
			req.ExcludeNewer = at
		case "prereleases":
			req.Prereleases = true
		case "prefer-final":
			req.PreferFinal = true
		case "lowest":
			req.Strategy = Lowest
		case "lowest-direct":
			req.Strategy = LowestDirect
		case "no-binary":
			req.NoBinary = fields
		case "only-binary":
			req.OnlyBinary = fields
		case "metadata":
			key, needs, _ := strings.Cut(rest, ": ")
			m := req.UserMetadata[key]
			r, err := pep508.Parse(needs)
			if err != nil {
				t.Fatal(err)
			}
			m.RequiresDist = append(m.RequiresDist, r)
			req.UserMetadata[key] = m
		default:
			t.Fatalf("unknown option %q", line)
		}
	}
	if len(req.Targets) == 0 {
		req.Targets = []tags.Target{debian12}
	}
	return req
}

// render writes an answer, or an error with its hint, as text.
func render(sol *Solution, err error) string {
	var b strings.Builder
	if err != nil {
		fmt.Fprintf(&b, "%v\n", err)
		if h, ok := err.(interface{ Hint() string }); ok {
			fmt.Fprintf(&b, "hint: %s\n", h.Hint())
		}
		return b.String()
	}
	for _, t := range sol.Targets {
		fmt.Fprintf(&b, "%s\n", t.Target.Name)
		for _, p := range t.Pins {
			name := p.Name
			if len(p.Extras) > 0 {
				name += "[" + strings.Join(p.Extras, ",") + "]"
			}
			fmt.Fprintf(&b, "  %s %s", name, p.Version)
			if len(p.Dependencies) > 0 {
				fmt.Fprintf(&b, " needs %s", strings.Join(p.Dependencies, ", "))
			}
			switch {
			case p.Wheel != nil:
				fmt.Fprintf(&b, "; takes %s", p.Wheel.Name)
			case p.Sdist != nil:
				fmt.Fprintf(&b, "; builds %s", p.Sdist.Name)
			}
			if p.Inferred != "" {
				fmt.Fprintf(&b, "; as %s says", p.Inferred)
			}
			if !slices.Equal(p.Groups, []string{""}) {
				fmt.Fprintf(&b, "; groups %q", p.Groups)
			}
			b.WriteString("\n")
			for _, r := range p.Refused() {
				fmt.Fprintf(&b, "    not %s: %s\n", r.File, r.Reason)
			}
			if p.Newer != nil {
				fmt.Fprintf(&b, "    newer: %s %s\n", p.Newer.Version, p.Newer.Reason)
			}
		}
		for _, w := range t.Warnings {
			fmt.Fprintf(&b, "  warning: %s\n", w)
		}
	}
	return b.String()
}
