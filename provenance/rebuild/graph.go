package rebuild

import (
	"cmp"
	"slices"

	"github.com/freedomofpress/wheellock/lock"
)

// A Plan is the order in which the wheels of a lock are built.
type Plan struct {
	Stages [][]Node // those of one stage wait for earlier stages only; sorted by name
	// Cycles are wheels of which each waits for another of them; the first of each
	// has Seeds, and stands in a stage as all others do.
	Cycles [][]Node
	Seeds  []Seed
}

// A Node is one row with a recipe.
type Node struct {
	Package, Version string
	Group            string // lock.GroupBuild for a build tool
	Targets          []string
	Recipe           string // its digest
	// Bootstrap: the source builds itself, by a backend in its own tree
	// (backend-path), with nothing else in the environment.
	Bootstrap bool
	Needs     []string // "NAME VERSION" of the tools in its environment that are built too
	// Seeds are those of Needs that are used as they were published, pinned by hash,
	// since they in turn need this one.
	Seeds []string
}

// A Seed is a build tool that is used as it was published, pinned by its hash.
type Seed struct {
	Package, Version, SHA256 string
	Builds                   int // rows whose environment it is in
}

// PlanOf orders the rows of a lock that have a recipe.
func PlanOf(l *lock.Lock) Plan {
	var p Plan
	nodes, seeds := nodesOf(l), map[lock.BuildRequire]int{}
	at := map[string][]int{} // tools that are built, by name and version
	for i, n := range nodes {
		if n.Group == lock.GroupBuild {
			at[n.Package+" "+n.Version] = append(at[n.Package+" "+n.Version], i)
		}
	}
	after := make([][]int, len(nodes))
	for i := range nodes {
		rec := l.Recipe(nodes[i].Recipe)
		nodes[i].Bootstrap = len(rec.BackendPath) > 0 && len(rec.BuildRequires) == 0
		for _, b := range rec.BuildRequires {
			key := b.Name + " " + b.Version
			if len(at[key]) == 0 {
				seeds[b]++
				continue
			}
			nodes[i].Needs = append(nodes[i].Needs, key)
			for _, k := range at[key] {
				if k != i { // a tool that is built with its own published wheel
					after[i] = append(after[i], k)
				} else {
					nodes[i].Seeds = append(nodes[i].Seeds, key)
				}
			}
		}
	}
	p.Stages, p.Cycles = layers(nodes, after)
	for b, n := range seeds {
		p.Seeds = append(p.Seeds, Seed{b.Name, b.Version, b.SHA256, n})
	}
	slices.SortFunc(p.Seeds, func(a, b Seed) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Version, b.Version), cmp.Compare(a.SHA256, b.SHA256))
	})
	return p
}

func nodesOf(l *lock.Lock) []Node {
	var out []Node
	for i := range l.Packages {
		p := &l.Packages[i]
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if w.Recipe == "" || l.Recipe(w.Recipe) == nil {
				continue
			}
			out = append(out, Node{Package: p.Name, Version: p.Version, Group: p.Group, Targets: l.WheelTargets(p, w), Recipe: w.Recipe})
		}
	}
	slices.SortStableFunc(out, func(a, b Node) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Version, b.Version), slices.Compare(a.Targets, b.Targets))
	})
	return out
}

// layers takes away, stage by stage, what waits for nothing that is left. Where
// everything that is left waits, a circle is broken: its first wheel is built with the
// published files of those that it would have to wait for, its seeds.
func layers(nodes []Node, after [][]int) (stages, cycles [][]Node) {
	stage := make([]int, len(nodes)) // 0: not placed yet
	for n, placed := 1, 0; placed < len(nodes); n++ {
		var now []int
		for i := range nodes {
			if stage[i] == 0 && !slices.ContainsFunc(after[i], func(k int) bool { return stage[k] == 0 || stage[k] == n }) {
				stage[i] = n
				now = append(now, i)
			}
		}
		if len(now) == 0 {
			ring := circle(nodes, after, stage)
			first := ring[0]
			after[first] = slices.DeleteFunc(after[first], func(k int) bool { return slices.Contains(ring, k) })
			for _, k := range ring[1:] {
				if key := nodes[k].Package + " " + nodes[k].Version; slices.Contains(nodes[first].Needs, key) {
					nodes[first].Seeds = append(nodes[first].Seeds, key)
				}
			}
			cycles = append(cycles, pick(nodes, ring))
			n--
			continue
		}
		placed += len(now)
		stages = append(stages, pick(nodes, now))
	}
	return stages, cycles
}

func pick(nodes []Node, list []int) (out []Node) {
	for _, i := range list {
		out = append(out, nodes[i])
	}
	return out
}

// circle is the first circle among what is not placed: wheels of which each waits for
// the others. There is one where everything waits.
func circle(nodes []Node, after [][]int, stage []int) []int {
	reach := make([]map[int]bool, len(nodes))
	for i := range nodes {
		reach[i] = map[int]bool{}
		for todo := slices.Clone(after[i]); len(todo) > 0 && stage[i] == 0; todo = todo[1:] {
			if k := todo[0]; stage[k] == 0 && !reach[i][k] {
				reach[i][k] = true
				todo = append(todo, after[k]...)
			}
		}
	}
	for i := range nodes {
		if stage[i] != 0 || !reach[i][i] {
			continue
		}
		var ring []int
		for k := range nodes {
			if reach[i][k] && reach[k][i] {
				ring = append(ring, k)
			}
		}
		return ring
	}
	return nil
}

// stages makes each job wait for the tools that are built in this run for it.
func (r *Run) stages(jobs []*Job) {
	tools := map[string][]*Job{}
	for _, j := range jobs {
		if j.Package.Group == lock.GroupBuild {
			key := j.Package.Name + " " + j.Package.Version
			tools[key] = append(tools[key], j)
		}
	}
	for _, j := range jobs {
		rec := r.Lock.Recipe(j.Row.Recipe)
		for _, b := range rec.BuildRequires {
			for _, k := range tools[b.Name+" "+b.Version] {
				if k != j && !waits(k, j) { // who waits for each other would wait for ever
					j.after, j.needs = append(j.after, k), append(j.needs, k)
				}
			}
		}
	}
}

// waits reports whether a waits for b, be it through others.
func waits(a, b *Job) bool {
	return slices.ContainsFunc(a.after, func(k *Job) bool { return k == b || waits(k, b) })
}

// lacking says which tool of a job's environment did not come out, or nothing.
func (r *Run) lacking(j *Job) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range j.needs {
		if !slices.ContainsFunc(r.Outcomes, func(o *Outcome) bool { return o.Job == k && o.Failure == nil }) {
			return "its build requirement " + k.Package.Name + " " + k.Package.Version + " was not built"
		}
	}
	return ""
}
