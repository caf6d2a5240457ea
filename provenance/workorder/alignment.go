package workorder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// Alignment is what the choice of versions cost in the resolution that the
// order is printed for.
type Alignment struct {
	Versions string `json:"versions"`                // the configuration's: newest, bounded or fewest
	Distinct int    `json:"distinct_versions"`       // of packages, over all targets
	Alone    int    `json:"distinct_versions_alone"` // if no target looked at another
	Held     []Held `json:"held"`
}

// Held is one pin that is older than the target would have alone.
type Held struct {
	Package string `json:"package"`
	Target  string `json:"target"`
	Version string `json:"version"`
	Alone   string `json:"alone"` // what the target would have
	Days    int    `json:"days"`  // between the uploads; 0: not known, or less than one
	Why     string `json:"why"`   // share: with another target; ready: work on it is done
}

// maxHeldNotes is how many versions are named; the others are counted.
const maxHeldNotes = 8

// SetAlignment puts the cost of the choice into the order, and its notes. Pins
// of one package that were held back alike share a note.
func (o *Order) SetAlignment(a Alignment) {
	if len(a.Held) == 0 {
		return
	}
	o.Alignment = &a
	o.Notes = append(o.Notes, Note{Text: a.Summary()})
	lines := a.Lines()
	for _, l := range lines[:min(len(lines), maxHeldNotes)] {
		o.Notes = append(o.Notes, Note{Text: "- " + l})
	}
	if n := len(lines) - maxHeldNotes; n > 0 {
		o.Notes = append(o.Notes, Note{Text: fmt.Sprintf("- and %d more: --json names them all", n)})
	}
}

// Summary is one sentence.
func (a Alignment) Summary() string {
	shared, ready := 0, 0
	for _, h := range a.Held {
		if h.Why == "ready" {
			ready++
		} else {
			shared++
		}
	}
	older := plural(len(a.Held), "pin") + " older than need be"
	if len(a.Held) > 0 {
		older = fmt.Sprintf("%s %s than need be", plural(len(a.Held), "pin"), a.Held[0].side())
	}
	if days := a.Median(); days > 0 {
		older += fmt.Sprintf(", median %s", plural(days, "day"))
	}
	lead := "prefer = least-work"
	if shared > 0 {
		lead = "versions = " + a.Versions
		if ready > 0 {
			lead += ", prefer = least-work"
		}
	}
	text := lead + ": " + plural(a.Distinct, "distinct version")
	if a.Alone != a.Distinct {
		text += fmt.Sprintf(" instead of %d", a.Alone)
	}
	return text + ", " + older
}

// side is where a held pin lies: under prefer = lowest what is alone is the
// oldest, and sharing takes something newer.
func (h Held) side() string {
	version, err := pep440.Parse(h.Version)
	alone, other := pep440.Parse(h.Alone)
	if err == nil && other == nil && version.Compare(alone) > 0 {
		return "newer"
	}
	return "older"
}

// Median is of the days of the held pins.
func (a Alignment) Median() int {
	var days []int
	for _, h := range a.Held {
		days = append(days, h.Days)
	}
	if len(days) == 0 {
		return 0
	}
	slices.Sort(days)
	return days[len(days)/2]
}

// Lines say pin by pin what was held back, the longest first.
func (a Alignment) Lines() []string {
	type row struct {
		h       Held
		targets []string
	}
	var rows []row
	for _, h := range a.Held {
		i := slices.IndexFunc(rows, func(r row) bool {
			return r.h.Package == h.Package && r.h.Version == h.Version && r.h.Alone == h.Alone && r.h.Why == h.Why
		})
		if i < 0 {
			i, rows = len(rows), append(rows, row{h: h})
		}
		rows[i].targets = append(rows[i].targets, h.Target)
	}
	slices.SortStableFunc(rows, func(x, y row) int { return y.h.Days - x.h.Days })
	var out []string
	for _, r := range rows {
		line := fmt.Sprintf("%s %s, not %s, on %s", r.h.Package, r.h.Version, r.h.Alone, targetList(r.targets))
		if r.h.Days > 0 {
			line += fmt.Sprintf(": %s %s", plural(r.h.Days, "day"), r.h.side())
		}
		if r.h.Why == "ready" {
			line += " (reviewed or built before)"
		}
		out = append(out, line)
	}
	return out
}

func targetList(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return and(names)
}
