package workorder_test

import (
	"encoding/json"
	"flag"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

func text(t *testing.T, o *workorder.Order) []byte {
	t.Helper()
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// TestSituations compares each order with its golden file, and with the schema.
// The same files are what the page is made from in the tests of the report.
func TestSituations(t *testing.T) {
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			got := text(t, workorder.Compute(situations[name]().in))
			if err := schema.Validate("status", got); err != nil {
				t.Error(err)
			}
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("the order has changed (-want +got):\n%s", d)
			}
		})
	}
	all, err := filepath.Glob("testdata/*.json")
	if err != nil || len(all) != len(situations) {
		t.Errorf("%d golden files for %d situations (%v)", len(all), len(situations), err)
	}
}

// TestOrderOfFacts: the same facts give the same order, however they lie.
func TestOrderOfFacts(t *testing.T) {
	for _, name := range names() {
		want := text(t, workorder.Compute(situations[name]().in))
		for seed := range int64(5) {
			in := situations[name]().in
			r := rand.New(rand.NewSource(seed))
			for _, p := range in.Lock.Packages {
				r.Shuffle(len(p.Upstream), func(i, j int) { p.Upstream[i], p.Upstream[j] = p.Upstream[j], p.Upstream[i] })
			}
			r.Shuffle(len(in.Lock.Recipes), func(i, j int) {
				in.Lock.Recipes[i], in.Lock.Recipes[j] = in.Lock.Recipes[j], in.Lock.Recipes[i]
			})
			if d := cmp.Diff(string(want), string(text(t, workorder.Compute(in)))); d != "" {
				t.Fatalf("%s: another order (-want +got):\n%s", name, d)
			}
		}
	}
}

// TestEveryMissingThingHasAStep: whatever a wheel lacks, a step that is not done
// is about it. Otherwise a project would be called releasable that is not.
func TestEveryMissingThingHasAStep(t *testing.T) {
	for _, name := range names() {
		o := workorder.Compute(situations[name]().in)
		for _, p := range o.Packages {
			for _, w := range p.Wheels {
				for _, m := range w.Missing {
					if m.Why == "" || m.Role == "" || m.Command != "-" && !strings.HasPrefix(m.Command, "wheellock ") {
						t.Errorf("%s: %s lacks %+v", name, w.File, m)
					}
					if !slices.ContainsFunc(o.Steps, func(s workorder.Step) bool { return !s.Done && does(s, m) }) {
						t.Errorf("%s: no step is about %s of %s: %s", name, m.What, w.File, m.Why)
					}
				}
			}
		}
		open := slices.ContainsFunc(o.Steps, func(s workorder.Step) bool { return !s.Done && s.Action != workorder.Check })
		if open == o.Releasable || o.Outstanding() == o.Releasable {
			t.Errorf("%s: releasable is %v with steps %+v", name, o.Releasable, o.Steps)
		}
	}
}

// does: proving is building again and comparing; the log is written by every verb
// that states something.
func does(s workorder.Step, m workorder.Missing) bool {
	switch m.What {
	case workorder.Prove:
		return s.Action == workorder.Build || s.Action == workorder.Prove
	case workorder.Log:
		return true
	}
	return s.Action == m.What
}

// TestSteps holds every order to what makes it usable.
func TestSteps(t *testing.T) {
	for _, name := range names() {
		o := workorder.Compute(situations[name]().in)
		for i, s := range o.Steps {
			if s.N != i+1 || s.State == "" || s.Who == "" || s.Command == "" {
				t.Errorf("%s: step %+v", name, s)
			}
			if !s.Done && s.Who != "-" && s.Action != workorder.Prove && !strings.HasPrefix(s.Command, "wheellock ") {
				t.Errorf("%s: step %d has no command for the %s", name, s.N, s.Who)
			}
			// What a step waits for comes before it, and is not done.
			if after, ok := strings.CutPrefix(s.State, "after "); ok && after != "merge" {
				for _, word := range strings.Split(after, ", ") {
					n := int(word[0] - '0')
					if n >= s.N || o.Steps[n-1].Done {
						t.Errorf("%s: step %d waits for %s", name, s.N, word)
					}
				}
			}
		}
		if o.Next == "" && o.NextWhy == "" {
			t.Errorf("%s: nothing is said about what comes next", name)
		}
		// A command that changes nothing would send the user round in circles.
		for _, s := range o.Steps {
			if !s.Done && s.Command == o.Next && s.Action == workorder.Build && s.Count == 0 {
				t.Errorf("%s: next is %s, which has nothing to do", name, o.Next)
			}
		}
		if o.Releasable && strings.Contains(o.Next, "build") {
			t.Errorf("%s: releasable, but next is %s", name, o.Next)
		}
	}
}

// TestWeakestWheelDecides: trust is that of the least trusted file.
func TestWeakestWheelDecides(t *testing.T) {
	w := usual("bookworm").built("bytes", nil)
	for k := range w.in.Builders {
		w.in.Builders[k] = 3
	}
	if got := workorder.Compute(w.in).Trust.Builders; got != 3 {
		t.Errorf("%d builders, want 3", got)
	}
	w.in.Builders[hash("upstream", "ident-3.2-py3-none-any.whl")] = 0
	if got := workorder.Compute(w.in).Trust.Builders; got != 0 {
		t.Errorf("%d builders, want 0: nobody has built ident", got)
	}
}
