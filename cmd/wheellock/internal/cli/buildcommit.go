package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
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
	for _, o := range r.outcomes {
		if err := r.apply(ctx, o); err != nil {
			return err
		}
	}
	r.mergePure()
	r.dropServed()
	r.dropUnused()
	r.lock.Sort()
	if err := r.lock.Check(); err != nil {
		return err
	}
	if err := r.statements(ctx, led); err != nil {
		return err
	}
	return led.finish(ctx, r.lock)
}

// apply records one outcome in the lock and the wheelhouse.
func (r *buildRun) apply(ctx context.Context, o *outcome) error {
	if o.failed != "" {
		return nil
	}
	house := r.house()
	p := o.job.pkg
	for _, c := range o.compared {
		c.up.Verdict, c.up.Causes = string(c.result.Verdict), c.result.Causes
		i := slices.IndexFunc(p.Upstream, func(u lock.Upstream) bool { return u.SHA256 == c.up.SHA256 })
		if i < 0 {
			p.Upstream = append(p.Upstream, c.up)
		} else {
			p.Upstream[i] = c.up
		}
	}
	row := o.job.row
	row.Recipe = o.row.Recipe
	targets := r.lock.WheelTargets(p, row)
	if up := r.proven(o); up != nil {
		// Proven: upstream's file installs the same bytes, so users may as well
		// have the file that everybody has.
		size, err := fileSize(up.path)
		if err != nil {
			return err
		}
		row.Name, row.Origin, row.SHA256, row.Content, row.Size = up.up.Name, lock.OriginUpstream, up.up.SHA256, o.content, size
		return house.Put(up.path, mirror.Wheel(up.up.Name, targets[0]), up.up.SHA256, true)
	}
	row.Name, row.Origin, row.SHA256, row.Content, row.Size = o.result.File, lock.OriginBuilt, o.sha256, o.content, o.size
	places := targets
	if !o.result.Native {
		places = targets[:1]
	}
	for _, t := range places {
		if err := house.Put(o.result.Path, mirror.Wheel(o.result.File, t), o.sha256, true); err != nil {
			return err
		}
	}
	sdist, err := r.library.get(ctx, p.Name, p.Sdist.Name, p.Sdist.SHA256, mirror.Sdist(p.Sdist.Name))
	if err != nil {
		return err
	}
	return house.Put(sdist, mirror.Sdist(p.Sdist.Name), p.Sdist.SHA256, false)
}

// proven returns the published file that may be installed in our wheel's place:
// under build-unless-reproducible, when our build gave its bytes or its content.
func (r *buildRun) proven(o *outcome) *compared {
	if r.project.Config.Policy.Wheels != "build-unless-reproducible" {
		return nil
	}
	targets := r.lock.WheelTargets(o.job.pkg, o.job.row)
	for k := range o.compared {
		c := &o.compared[k]
		// A file that only some of the row's targets take cannot stand for ours,
		// which serves them all.
		if c.same() && !slices.ContainsFunc(targets, func(t string) bool {
			return !slices.Contains(r.lock.UpstreamTargets(o.job.pkg, &c.up), t)
		}) {
			return c
		}
	}
	return nil
}

// mergePure: whether a source without published wheels is pure is known only
// once it is built. Then one wheel, the newest target's, serves all.
func (r *buildRun) mergePure() {
	newest := map[*lock.Package]*outcome{}
	for _, o := range r.outcomes {
		p, row := o.job.pkg, o.job.row
		if o.failed != "" || o.result.Native || len(p.Wheels) < 2 || len(r.lock.WheelTargets(p, row)) == len(r.lock.TargetsOf(p)) {
			continue
		}
		if n := newest[p]; n == nil || o.target.Version().Compare(n.target.Version()) > 0 {
			newest[p] = o
		}
	}
	for p, o := range newest {
		mine := *o.job.row
		covered := r.lock.WheelTargets(p, o.job.row)
		var keep []lock.Wheel
		for _, w := range p.Wheels {
			if w.Name == mine.Name || w.Missing() && w.Origin == lock.OriginBuilt && w.Recipe != "" {
				covered = append(covered, r.lock.WheelTargets(p, &w)...)
				continue
			}
			keep = append(keep, w)
		}
		slices.Sort(covered)
		mine.Targets = slices.Compact(covered)
		p.Wheels = append(keep, mine)
	}
}

// dropServed takes back the refusals of rows that a pure wheel serves now.
func (r *buildRun) dropServed() {
	r.failed = slices.DeleteFunc(r.failed, func(f failedWheel) bool {
		return f.Elsewhere && !slices.ContainsFunc(f.Targets, func(t string) bool {
			for i := range r.lock.Packages {
				p := &r.lock.Packages[i]
				if p.Name == f.Package && p.Version == f.Version && p.Group != lock.GroupBuild {
					w := r.lock.WheelFor(p, t)
					return w == nil || w.Missing()
				}
			}
			return true
		})
	})
}

// dropUnused takes recipes and build requirements away that no row uses.
func (r *buildRun) dropUnused() {
	used := map[string]bool{}
	for _, p := range r.lock.Packages {
		for _, w := range p.Wheels {
			used[w.Recipe] = true
		}
	}
	tools := map[string]bool{}
	r.lock.Recipes = slices.DeleteFunc(r.lock.Recipes, func(c lock.Recipe) bool {
		for _, b := range c.BuildRequires {
			if used[c.Digest] {
				tools[b.SHA256] = true
			}
		}
		return !used[c.Digest]
	})
	r.lock.Packages = slices.DeleteFunc(r.lock.Packages, func(p lock.Package) bool {
		return p.Group == lock.GroupBuild && !slices.ContainsFunc(p.Wheels, func(w lock.Wheel) bool { return tools[w.SHA256] })
	})
}

// statements states what happened to every outcome: the source and the
// published files as the index gave them, the build and how it compares.
func (r *buildRun) statements(ctx context.Context, led *ledger) error {
	if err := led.stateAll(ctx, r.library, r.lock); err != nil {
		return err
	}
	head := led.head()
	for _, o := range r.outcomes {
		p := o.job.pkg
		b := record.Build{
			Head: head, Name: p.Name, Version: p.Version, Target: o.target.Name,
			Recipe: hexOf(o.recipe.Digest), Source: p.Sdist.SHA256, Failed: o.failed, Supersedes: record.NoIndex,
		}
		var evidence []byte
		if o.failed != "" {
			b.Reason = oneLine(o.why)
			evidence = []byte(o.why + "\n")
		} else {
			b.File = record.File{Name: o.result.File, SHA256: o.sha256, Size: o.size}
			b.Content = o.content
			for _, c := range o.compared {
				b.Upstream = append(b.Upstream, record.Comparison{Verdict: string(c.result.Verdict), SHA256: c.up.SHA256, Causes: c.result.Causes})
			}
			evidence = o.evidence()
			r.built = append(r.built, o.summary(r.lock))
		}
		hash, err := r.house().Keep(evidence)
		if err != nil {
			return err
		}
		b.Evidence = hash
		if err := led.stateBuild(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// evidence is the build's log with the comparison in front.
func (o *outcome) evidence() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "build of %s %s for %s by Python %s\nrecipe %s\nwheel %s sha256:%s\nbuilt %d times with the same bytes\n",
		o.job.pkg.Name, o.job.pkg.Version, o.target.Name, o.result.Python, o.recipe.Digest, o.result.File, o.sha256, o.times)
	for _, c := range o.compared {
		fmt.Fprintf(&b, "\nupstream %s sha256:%s: %s %s\n", c.up.Name, c.up.SHA256, c.result.Verdict, strings.Join(c.result.Causes, " "))
		for _, l := range c.result.Lines {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	b.WriteString("\nlog\n")
	b.Write(o.result.Log)
	return []byte(b.String())
}

func (o *outcome) summary(l *lock.Lock) builtWheel {
	s := builtWheel{
		Package: o.job.pkg.Name, Version: o.job.pkg.Version, Targets: l.WheelTargets(o.job.pkg, o.job.row),
		File: o.result.File, SHA256: o.sha256, Seconds: o.result.Elapsed.Seconds(), Times: o.times, Installed: o.job.row.Name,
	}
	for _, c := range o.compared {
		// The published file that comes closest leads.
		if s.Verdict == "" || c.same() {
			s.Verdict, s.Causes, s.Lines = string(c.result.Verdict), c.result.Causes, c.result.Lines
		}
	}
	return s
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
