package cli

import (
	"context"
	"os"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// commit puts what was built where it belongs: files into the wheelhouse,
// statements into the log, hashes into the lock. Nothing refers to anything that
// is not there yet: files first, then log, proof, inputs, lock.
func (r *buildRun) commit(ctx context.Context) error {
	led, err := r.ledger(ctx, true)
	if err != nil {
		return err
	}
	if !r.second {
		if err := r.Apply(ctx, r.house()); err != nil {
			return err
		}
	}
	if err := r.statements(ctx, led); err != nil {
		return err
	}
	if r.second {
		return led.finish(ctx, r.locked)
	}
	return led.finish(ctx, r.Lock)
}

// statements states what happened to every outcome: the source and the
// published files as the index gave them, the build and how it compares.
func (r *buildRun) statements(ctx context.Context, led *ledger) error {
	if err := led.stateAll(ctx, r.library, r.Lock); err != nil {
		return err
	}
	head := led.head()
	for _, o := range r.Outcomes {
		p := o.Job.Package
		b := record.Build{
			Head: head, Name: p.Name, Version: p.Version, Target: o.Target.Name,
			Recipe: hexOf(o.Recipe.Digest), Source: p.Sdist.SHA256, Supersedes: record.NoIndex,
		}
		if o.Failure != nil {
			b.Failed, b.Reason = o.Failure.Word, oneLine(o.Failure.Why)
		} else {
			b.File = record.File{Name: o.Result.File, SHA256: o.SHA256, Size: o.Size}
			b.Content = o.Content
			if o.Superseded != "" {
				b.Reason = oneLine(o.Superseded)
			}
			for _, c := range o.Compared {
				b.Upstream = append(b.Upstream, record.Comparison{Verdict: string(c.Result.Verdict), SHA256: c.Upstream.SHA256, Causes: c.Result.Causes})
			}
			r.built = append(r.built, r.summary(o))
		}
		if err := r.state(ctx, led, o, b); err != nil {
			return err
		}
	}
	return nil
}

func (r *buildRun) summary(o *rebuild.Outcome) builtWheel {
	s := builtWheel{
		Package: o.Job.Package.Name, Version: o.Job.Package.Version, Targets: r.Lock.WheelTargets(o.Job.Package, o.Job.Row),
		File: o.Result.File, SHA256: o.SHA256, Seconds: o.Seconds(), Times: o.Times, Installed: o.Job.Row.Name,
	}
	if o.Times > 1 {
		s.Varied, s.NotVaried = o.Varied.Names(), o.NotVaried
	}
	if c := o.Closest(); c != nil {
		s.Verdict, s.Causes, s.Lines = string(c.Result.Verdict), c.Result.Causes, c.Result.Lines
	}
	if r.second {
		s.agrees(o)
	}
	return s
}

// failed is a failure as it is reported: with the end of its log, or all of it.
func (r *buildRun) failed(f rebuild.Failure) failedWheel {
	return failedWheel{
		Package: f.Package, Version: f.Version, Targets: f.Targets,
		Why: f.Text(r.verbose), Elsewhere: f.Elsewhere, Hint: f.Hint, DependsOn: dependsOn(f),
	}
}

func hexOf(digest string) string { return strings.TrimPrefix(digest, "sha256:") }

// oneLine makes a reason of a statement: printable ASCII, at most 1,000 bytes.
func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	s = strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e {
			return '?'
		}
		return c
	}, s)
	s = strings.TrimSpace(s)
	if len(s) > 1000 {
		s = strings.TrimSpace(s[:1000])
	}
	if s == "" {
		s = "no reason given"
	}
	return s
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func dependsOn(f rebuild.Failure) (out [][]string) {
	for _, v := range f.DependsOn {
		out = append(out, v.Names())
	}
	return out
}
