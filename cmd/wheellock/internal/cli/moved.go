package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve"
)

// maxMoves bounds the notes about pins that moved; diff shows all.
const maxMoves = 8

// movedNotes says which pins moved although nobody asked for it, those that went
// back first and why they had to; where fewer targets are covered now; and what
// could be newer if something that is locked moved for it.
func movedNotes(was *lock.Lock, r *relocked) []string {
	if was == nil {
		return nil
	}
	d := lock.Diff(was, r.lock)
	var back, list []string
	for _, m := range report.PinMoves(r.lock, d.Versions) {
		if m.Build || len(m.From) == 0 || len(m.To) == 0 {
			continue
		}
		text := fmt.Sprintf("from %s to %s on %s", strings.Join(m.From, ", "), strings.Join(m.To, ", "), strings.Join(m.Targets, ", "))
		if pin := wentBack(r.solution, m.Name, m.Targets); pin == nil {
			list = append(list, m.Name+" moved "+text)
		} else if pin.Back.Why == "" {
			back = append(back, m.Name+" went back "+text)
		} else {
			back = append(back, m.Name+" went back "+text+": "+pin.Back.Why)
		}
	}
	list = append(back, list...)
	if n := len(list) - maxMoves; n > 1 {
		list = append(list[:maxMoves], fmt.Sprintf("%d more packages moved: wheellock diff", n))
	}
	for _, c := range report.Coverages(r.lock, d.Coverage) {
		list = append(list, report.CoverageLine(c))
	}
	return append(list, ratherNotes(r.solution)...)
}

// wentBack is the pin of a package on the first of these targets where it is
// older than it was locked.
func wentBack(sol *resolve.Solution, name string, targets []string) *resolve.Pin {
	for _, t := range sol.Targets {
		if !slices.Contains(targets, t.Target.Name) {
			continue
		}
		for i := range t.Pins {
			if p := &t.Pins[i]; p.Name == name && p.Back != nil {
				return p
			}
		}
	}
	return nil
}

// ratherNotes says once for all targets what makes room for the lock.
func ratherNotes(sol *resolve.Solution) []string {
	var list []string
	targets := map[string][]string{}
	for _, t := range sol.Targets {
		for _, p := range t.Pins {
			if p.Rather == nil {
				continue
			}
			key := fmt.Sprintf("%s %s keeps everything where it is locked; for %s %s would move: require %s>=%s",
				p.Name, p.Version, p.Rather.Version, strings.Join(p.Rather.Moves, ", "), p.Name, p.Rather.Version)
			if targets[key] == nil {
				list = append(list, key)
			}
			targets[key] = append(targets[key], t.Target.Name)
		}
	}
	for i, key := range list {
		if len(targets[key]) < len(sol.Targets) {
			list[i] = strings.Join(targets[key], ", ") + ": " + key
		}
	}
	return list
}

// choiceNote says that other words in the configuration move nothing that is
// locked: whoever changes how versions are chosen expects to see it.
func choiceNote(was *lock.Lock, p *pyproject.Project) []string {
	if was == nil || was.RequiresDigest == p.RequiresDigest() {
		return nil
	}
	for _, versions := range []string{"newest", "bounded", "fewest"} {
		for _, prefer := range []string{"newest", "least-work", "lowest"} {
			before := *p
			before.Config.Versions, before.Config.Prefer = versions, prefer
			if before.RequiresDigest() == was.RequiresDigest {
				return []string{"what is locked stays where it is, however versions are chosen from now on: wheellock upgrade moves it"}
			}
		}
	}
	return nil
}
