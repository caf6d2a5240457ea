package rebuild

import (
	"context"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/recipe"
)

// toolJobs are the build tools that the jobs need, by however many steps, and that
// are to be proven by a build of our own: they have a recipe, and no verdict yet.
func toolJobs(l *lock.Lock, jobs []*Job) (tools []*Job) {
	seen := map[string]bool{}
	var need func(digest string)
	need = func(digest string) {
		rec := l.Recipe(digest)
		if rec == nil || seen[digest] {
			return
		}
		seen[digest] = true
		for _, b := range rec.BuildRequires {
			for i := range l.Packages {
				p := &l.Packages[i]
				if p.Group != lock.GroupBuild || p.Name != b.Name || p.Version != b.Version {
					continue
				}
				for k := range p.Wheels {
					if w := &p.Wheels[k]; w.SHA256 == b.SHA256 && w.Recipe != "" {
						if unproven(p, w) && !seen[w.Recipe] {
							tools = append(tools, NewJob(p, k))
						}
						need(w.Recipe)
					}
				}
			}
		}
	}
	for _, j := range jobs {
		need(j.Row.Recipe)
	}
	return tools
}

// unproven: a tool's published wheel of which nobody has said yet whether our build
// equals it.
func unproven(p *lock.Package, w *lock.Wheel) bool {
	for _, u := range p.Upstream {
		if u.SHA256 == w.SHA256 {
			return u.Verdict == lock.VerdictUntried
		}
	}
	return false
}

// tool puts our own wheel of a build tool into the recipes that wait for it, where
// it is not what was published. The published one stays where nothing could be built
// without it.
func (r *Run) tool(o *Outcome) {
	p := o.Job.Package
	if p.Group != lock.GroupBuild || o.Failure != nil || o.Job.Row.SHA256 == "" {
		return
	}
	for k := range o.Compared {
		if o.Compared[k].Upstream.SHA256 == o.Job.Row.SHA256 && o.Compared[k].Same() {
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.Seed = !recipe.Fill(r.Lock, p.Name, p.Version, o.Job.Row.SHA256, o.SHA256); o.Seed {
		return
	}
	if r.made == nil {
		r.made = map[string]string{}
	}
	r.made[o.SHA256] = o.Result.Path
}

// toolFile finds the wheel of a build requirement: made in this run, in the
// wheelhouse, or published.
func (r *Run) toolFile(ctx context.Context, b lock.BuildRequire) (string, error) {
	r.mu.Lock()
	file, made := r.wheelName(b), r.made[b.SHA256]
	places := []string{mirror.Wheel(file, mirror.AnyFolder)}
	for _, t := range r.Lock.Targets {
		places = append(places, mirror.Wheel(file, t.Name))
	}
	r.mu.Unlock()
	if made != "" {
		return made, nil
	}
	return r.Files.Get(ctx, b.Name, file, b.SHA256, places...)
}

// applyTool records one outcome of a build tool; done where nothing is to be put
// into the wheelhouse.
func applyTool(o *Outcome) (done bool) {
	if o.Job.Package.Group != lock.GroupBuild {
		return false
	}
	for k := range o.Compared {
		if o.Compared[k].Upstream.SHA256 == o.Job.Row.SHA256 && o.Compared[k].Same() {
			o.Job.Row.Content = o.Content
			return true
		}
	}
	return o.Seed
}
