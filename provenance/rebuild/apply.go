package rebuild

import (
	"context"
	"os"
	"slices"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/crates"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// Apply puts what was built into the wheelhouse and its hashes into the lock,
// which is sorted and checked at the end.
func (r *Run) Apply(ctx context.Context, house mirror.Wheelhouse) error {
	for _, o := range r.Outcomes {
		if o.Failure != nil {
			continue
		}
		if err := r.apply(ctx, house, o); err != nil {
			return err
		}
	}
	r.mergePure()
	r.dropServed()
	r.dropUnused()
	r.Lock.Sort()
	return r.Lock.Check()
}

// apply records one outcome in the lock and the wheelhouse.
func (r *Run) apply(ctx context.Context, house mirror.Wheelhouse, o *Outcome) error {
	p := o.Job.Package
	for _, c := range o.Compared {
		c.Upstream.Verdict, c.Upstream.Causes = string(c.Result.Verdict), c.Result.Causes
		i := slices.IndexFunc(p.Upstream, func(u lock.Upstream) bool { return u.SHA256 == c.Upstream.SHA256 })
		if i < 0 {
			p.Upstream = append(p.Upstream, c.Upstream)
		} else {
			p.Upstream[i] = c.Upstream
		}
	}
	if o.Result.PlaceList != "" {
		if _, err := house.Keep([]byte(o.Result.PlaceList)); err != nil {
			return err
		}
	}
	if o.Container != nil {
		if _, err := house.Keep(o.Container); err != nil {
			return err
		}
	}
	if o.Vendored != nil {
		if _, err := house.Keep(o.Vendored); err != nil {
			return err
		}
		if r.KeepCrates {
			if err := crates.Keep(house.Path(mirror.CrateFolder), o.Result.Crates, o.Result.CrateFiles); err != nil {
				return err
			}
		}
	}
	row := o.Job.Row
	row.Recipe = o.row.Recipe
	if applyTool(o) {
		return nil
	}
	targets := r.Lock.WheelTargets(p, row)
	if up := r.proven(o); up != nil {
		// Proven: upstream's file installs the same bytes, so users may as well
		// have the file that everybody has.
		info, err := os.Stat(up.Path)
		if err != nil {
			return err
		}
		row.Name, row.Origin, row.SHA256, row.Content, row.Size = up.Upstream.Name, lock.OriginUpstream, up.Upstream.SHA256, o.Content, info.Size()
		return house.Put(up.Path, mirror.Wheel(up.Upstream.Name, targets[0]), up.Upstream.SHA256, true)
	}
	row.Name, row.Origin, row.SHA256, row.Content, row.Size = o.Result.File, lock.OriginBuilt, o.SHA256, o.Content, o.Size
	places := targets
	if !o.Result.Native {
		places = targets[:1]
	}
	for _, t := range places {
		if err := house.Put(o.Result.Path, mirror.Wheel(o.Result.File, t), o.SHA256, true); err != nil {
			return err
		}
	}
	sdist, err := r.Files.Get(ctx, p.Name, p.Sdist.Name, p.Sdist.SHA256, mirror.Sdist(p.Sdist.Name))
	if err != nil {
		return err
	}
	return house.Put(sdist, mirror.Sdist(p.Sdist.Name), p.Sdist.SHA256, false)
}

// proven returns the published file that may be installed in our wheel's place:
// under build-unless-reproducible, when our build gave its bytes or its content.
func (r *Run) proven(o *Outcome) *Compared {
	if !r.TakeUpstream {
		return nil
	}
	targets := r.Lock.WheelTargets(o.Job.Package, o.Job.Row)
	for k := range o.Compared {
		c := &o.Compared[k]
		// A file that only some of the row's targets take cannot stand for ours,
		// which serves them all.
		if c.Same() && !slices.ContainsFunc(targets, func(t string) bool {
			return !slices.Contains(r.Lock.UpstreamTargets(o.Job.Package, &c.Upstream), t)
		}) {
			return c
		}
	}
	return nil
}

// mergePure: whether a source without published wheels is pure is known only
// once it is built. Then one wheel, the newest target's, serves all.
func (r *Run) mergePure() {
	newest := map[*lock.Package]*Outcome{}
	for _, o := range r.Outcomes {
		p, row := o.Job.Package, o.Job.Row
		if o.Failure != nil || o.Result.Native || len(p.Wheels) < 2 || len(r.Lock.WheelTargets(p, row)) == len(r.Lock.TargetsOf(p)) {
			continue
		}
		if n := newest[p]; n == nil || o.Target.Version().Compare(n.Target.Version()) > 0 {
			newest[p] = o
		}
	}
	for p, o := range newest {
		mine := *o.Job.Row
		covered := r.Lock.WheelTargets(p, o.Job.Row)
		var keep []lock.Wheel
		for _, w := range p.Wheels {
			if w.Name == mine.Name || w.Missing() && w.Origin == lock.OriginBuilt && w.Recipe != "" {
				covered = append(covered, r.Lock.WheelTargets(p, &w)...)
				continue
			}
			keep = append(keep, w)
		}
		slices.Sort(covered)
		mine.Targets = slices.Compact(covered)
		p.Wheels = append(keep, mine)
	}
}

// dropServed takes back the refusals of rows that a pure wheel of this run serves now.
// One that was there before takes nothing back: it was to be built again, and was not.
func (r *Run) dropServed() {
	r.Failures = slices.DeleteFunc(r.Failures, func(f Failure) bool {
		return f.Elsewhere && slices.ContainsFunc(r.Outcomes, func(o *Outcome) bool {
			return o.Failure == nil && o.Job.Package.Name == f.Package && o.Job.Package.Version == f.Version
		}) && !slices.ContainsFunc(f.Targets, func(t string) bool {
			for i := range r.Lock.Packages {
				p := &r.Lock.Packages[i]
				if p.Name == f.Package && p.Version == f.Version && p.Group != lock.GroupBuild {
					w := r.Lock.WheelFor(p, t)
					return w == nil || w.Missing()
				}
			}
			return true
		})
	})
}

// dropUnused takes recipes and build requirements away that no row uses.
func (r *Run) dropUnused() {
	used := map[string]bool{}
	for _, p := range r.Lock.Packages {
		for _, w := range p.Wheels {
			used[w.Recipe] = true
		}
	}
	tools := map[string]bool{}
	r.Lock.Recipes = slices.DeleteFunc(r.Lock.Recipes, func(c lock.Recipe) bool {
		for _, b := range c.BuildRequires {
			if used[c.Digest] {
				tools[b.SHA256] = true
			}
		}
		return !used[c.Digest]
	})
	r.Lock.Packages = slices.DeleteFunc(r.Lock.Packages, func(p lock.Package) bool {
		return p.Group == lock.GroupBuild && !slices.ContainsFunc(p.Wheels, func(w lock.Wheel) bool { return tools[w.SHA256] })
	})
}
