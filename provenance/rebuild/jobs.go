package rebuild

import (
	"slices"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// A Job is one wheel row to build. Until the builds are done Package and Row are
// copies: recipes that grow meanwhile replace the lock's own.
type Job struct {
	Package *lock.Package
	Row     *lock.Wheel
	target  tags.Target // where it is built for; set by placeAll
	after   []*Job      // that have to come to their end before
	needs   []*Job      // of after, those whose wheels this one is built with
	weight  int64       // bytes of memory it is reckoned with
}

// NewJob makes a job of one row, copying what a build reads.
func NewJob(p *lock.Package, row int) *Job {
	q := *p
	q.Wheels, q.Upstream = slices.Clone(p.Wheels), slices.Clone(p.Upstream)
	return &Job{Package: &q, Row: &q.Wheels[row]}
}

// Target is where it is built for, once its run has begun.
func (j *Job) Target() tags.Target { return j.target }

// live finds the job's package and row as they stand in l now; nil where they do not.
func (j *Job) live(l *lock.Lock) (*lock.Package, *lock.Wheel) {
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Name != j.Package.Name || p.Version != j.Package.Version || p.Group != j.Package.Group {
			continue
		}
		for k := range p.Wheels {
			if w := &p.Wheels[k]; w.Name == j.Row.Name && slices.Equal(w.Targets, j.Row.Targets) {
				return p, w
			}
		}
	}
	return nil, nil
}

// same reports whether two jobs are for one version of one package.
func (j *Job) same(k *Job) bool {
	return j.Package.Name == k.Package.Name && j.Package.Version == k.Package.Version
}

// A Selection says which rows of a lock are to be built.
type Selection struct {
	Names   []string // of packages; none: all
	Targets []string // rows that serve one of them; none: all
	Missing bool     // only what has no hash yet
}

// Select makes the jobs of a selection. Rows that have to be built but for which
// no recipe could be made are failures from the start.
func Select(l *lock.Lock, s Selection) (jobs []*Job, unplanned []Failure) {
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Group == lock.GroupBuild || len(s.Names) > 0 && !slices.Contains(s.Names, p.Name) {
			continue
		}
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if w.Recipe == "" && !(w.Missing() && w.Origin == lock.OriginBuilt) || s.Missing && !w.Missing() {
				continue
			}
			if len(s.Targets) > 0 && !overlap(l.WheelTargets(p, w), s.Targets) {
				continue
			}
			if w.Recipe == "" {
				unplanned = append(unplanned, Failure{
					Package: p.Name, Version: p.Version, Targets: l.WheelTargets(p, w),
					Why:  "it has no recipe, since what its build needs could not be had when it was locked",
					Hint: "wheellock lock says what is missing and tries again",
				})
				continue
			}
			jobs = append(jobs, NewJob(p, k))
		}
	}
	return append(jobs, toolJobs(l, jobs)...), unplanned
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}
