package rebuild

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/compare"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/repro"
)

// A trial is one build of an outcome's job under variation.
type trial struct {
	result *build.Result
	sha256 string
	failed *build.Error // it worked without
}

// A variety repeats the build of one outcome.
type variety struct {
	run    *Run
	o      *Outcome
	dir    string
	round  int
	trials map[build.Variations]*trial
	n      int
}

// try builds once. That the build fails is a difference, if it worked before.
func (v *variety) try(ctx context.Context, set build.Variations) (*trial, error) {
	if t := v.trials[set]; t != nil && set != 0 {
		return t, nil
	}
	v.n++
	t := &trial{}
	var err error
	t.result, err = v.run.run(ctx, v.o, filepath.Join(v.dir, fmt.Sprintf("%d-%d", v.round, v.n)), build.Varied{Set: set, Round: v.round})
	if errors.As(err, &t.failed) {
		err = nil
	} else if err == nil {
		t.sha256, err = mirror.HashFile(t.result.Path)
	}
	v.trials[set] = t
	return t, err
}

func (v *variety) differs(ctx context.Context, set build.Variations) (bool, error) {
	t, err := v.try(ctx, set)
	return err == nil && t.sha256 != v.o.SHA256, err
}

// explain says what a difference under a set comes from: the build is repeated
// until the one variation is found that makes it, or several that do together.
func (v *variety) explain(ctx context.Context, set build.Variations) (Failure, error) {
	f := Failure{Word: NotReproducible, Hint: "tell the project, or " + takeUpstream}
	plain, err := v.differs(ctx, 0)
	if err != nil {
		return f, err
	}
	if plain {
		f.Why, f.Log, err = v.describe(ctx, 0)
		return f, err
	}
	causes, err := repro.Causes(ctx, set, v.differs)
	if err != nil {
		return f, err
	}
	var why []string
	for _, c := range causes {
		text, log, err := v.describe(ctx, c)
		if err != nil {
			return f, err
		}
		why, f.Log = append(why, text), log
		f.Hint = repro.Hint(c) + "; or " + takeUpstream
	}
	f.Why, f.DependsOn = strings.Join(why, "\n"), causes
	return f, nil
}

// describe says in a sentence and the lines below it what a set changes.
func (v *variety) describe(ctx context.Context, set build.Variations) (why string, log []byte, err error) {
	t := v.trials[set]
	if t.failed != nil {
		if set == 0 {
			return "the build fails now and then with nothing varied: " + t.failed.Why, t.failed.Log, nil
		}
		return fmt.Sprintf("the build fails with another %s: %s", strings.TrimPrefix(set.Words(), "the "), t.failed.Why), t.failed.Log, nil
	}
	res, err := compare.Paths(ctx, v.o.Result.Path, t.result.Path, compare.Options{Temp: v.dir})
	if err != nil {
		return "", nil, err
	}
	does := "the wheel depends on " + set.Words()
	switch {
	case set == 0:
		does = "the wheel differs from build to build with nothing varied"
	case len(set.Each()) > 1:
		does += " together"
	}
	return does + repro.Members(res, v.o.Result.Path) + "\n" + strings.Join(res.Lines, "\n"), nil, nil
}
