package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// agree is build --agree: what has a hash is built again by the recipe that is locked,
// and this machine's builder states what came out. The lock stays as it is.
func (s *session) agree(ctx context.Context, o buildOptions) error {
	jobs, _ := rebuild.Select(s.locked, rebuild.Selection{Names: o.names, Targets: o.targets})
	jobs = slices.DeleteFunc(jobs, func(j *rebuild.Job) bool { return j.Row.Missing() })
	if len(jobs) == 0 && len(o.names) > 0 {
		return finding("wheellock build "+o.names[0], "there is no built or proven wheel of %s yet to agree with", o.names[0])
	}
	if len(jobs) > 0 {
		if err := s.builder().CheckSandbox(ctx); err != nil {
			return err
		}
	}
	if len(o.names) == 0 {
		var err error
		if jobs, err = s.lacking(ctx, jobs); err != nil {
			return err
		}
	} else if err := s.maySign(ctx, trust.RoleBuilder); err != nil {
		return err
	}
	run, err := s.again(ctx, jobs, o.check)
	if err != nil {
		return err
	}
	return run.report(ctx)
}

// again builds as another builder, and states what came out.
func (s *session) again(ctx context.Context, jobs []*rebuild.Job, check int) (*buildRun, error) {
	l, err := lock.Parse(lock.FileName, s.locked.Format()) // the run may change it
	if err != nil {
		return nil, err
	}
	run := s.buildRun(ctx, l)
	run.Check, run.second = check, true
	if len(jobs) == 0 {
		return run, nil
	}
	if err := run.all(ctx, jobs); err != nil {
		return nil, err
	}
	if err := run.commit(ctx); err != nil {
		return nil, err
	}
	run.keeper.Forget()
	return run, nil
}

// lacking leaves those jobs whose wheels too few builders have stated, if this
// machine's is not among them.
func (s *session) lacking(ctx context.Context, jobs []*rebuild.Job) ([]*rebuild.Job, error) {
	led, err := s.ledger(ctx, false)
	if err != nil {
		return nil, err
	}
	signer, err := led.signer(trust.RoleBuilder)
	if err != nil {
		return nil, err
	}
	me, err := led.chain.Holder(led.size(), signer.Name(), signer.KeyHash())
	if err != nil {
		return nil, err
	}
	need, mine := s.project.Config.Policy.Builders, 0
	var out []*rebuild.Job
	for _, j := range jobs {
		keys, err := led.builders(ctx, j)
		switch {
		case err != nil:
			return nil, err
		case len(keys) >= need:
		case keys[trust.Material(me.Key)]:
			mine++
		default:
			out = append(out, j)
		}
	}
	if len(out) == 0 && mine > 0 {
		return nil, environment("in a clone of this project where another builder's key is: wheellock build --agree",
			"%s another builder, and this machine's has stated %s already", report.Plural(mine, "wheel")+needOrNeeds(mine), itOrThem(mine))
	}
	if len(out) == 0 {
		s.say("nothing to build: the policy asks for %s, and each wheel has as many; name what to build again", report.Plural(max(need, 1), "builder"))
	}
	return out, nil
}

func needOrNeeds(n int) string {
	if n == 1 {
		return " needs"
	}
	return " need"
}

func itOrThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// builders are the builders that stand behind a job's locked wheel, in the log or
// pending, by what makes their signatures: one key under two names is one builder.
func (l *ledger) builders(ctx context.Context, j *rebuild.Job) (map[string]bool, error) {
	past, err := l.known(ctx, j.Package.Name)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for _, e := range past {
		b, err := e.AsBuild()
		if err != nil || !l.counts(e) || !backs(b, j) {
			continue
		}
		at := e.Index
		if at < 0 {
			at = l.size()
		}
		if h, err := l.chain.Holder(at, e.Signer, e.Hash); err == nil {
			keys[trust.Material(h.Key)] = true
		}
	}
	return keys, nil
}

// backs reports whether a build stands behind a job's locked wheel.
func backs(b record.Build, j *rebuild.Job) bool {
	if b.Failed != "" || "sha256:"+b.Recipe != j.Row.Recipe || b.Source != j.Package.Sdist.SHA256 {
		return false
	}
	if j.Row.Origin == lock.OriginBuilt {
		return b.File.SHA256 == j.Row.SHA256
	}
	return slices.ContainsFunc(b.Upstream, func(c record.Comparison) bool {
		return c.SHA256 == j.Row.SHA256 && c.Verdict != lock.VerdictDiffers
	})
}

// agrees notes whether what came out is what is locked, and how it differs.
func (w *builtWheel) agrees(o *rebuild.Outcome) {
	same := o.Agrees()
	w.Agrees = &same
	if o.Against != nil {
		w.Against = append([]string{}, o.Against.Result.Causes...)
		w.Lines = o.Against.Result.Lines
	}
}

// verdict is what is printed about it.
func (w *builtWheel) verdict() (style, text string) {
	switch {
	case *w.Agrees:
		return term.Good, "agrees with the lock"
	case len(w.Against) > 0:
		return term.Bad, "differs from the locked file: " + strings.Join(w.Against, ", ")
	}
	return term.Bad, "differs from the locked file"
}

// disagreed is the error where a wheel came out other than it is locked.
func disagreed(built []builtWheel) error {
	for _, b := range built {
		if b.Agrees != nil && !*b.Agrees {
			return finding(fmt.Sprintf("find out who is right before anything is released: wheellock verify; a third builder: wheellock build --agree %s", b.Package),
				"%s %s came out as another file than the one that is locked, and this is stated", b.Package, b.Version)
		}
	}
	return nil
}
