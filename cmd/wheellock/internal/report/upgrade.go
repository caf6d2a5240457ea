package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Upgrade is what an upgrade came to.
type Upgrade struct {
	Changed  bool                 `json:"changed"` // there is something to write
	Written  bool                 `json:"written"`
	Security *Security            `json:"security,omitempty"` // of --security
	Moved    []PinMove            `json:"moved"`
	Added    []Ref                `json:"added"`
	Removed  []Ref                `json:"removed"`
	Kept     []Kept               `json:"kept"`
	Coverage []workorder.Coverage `json:"coverage"`
	Order    *workorder.Order     `json:"order,omitempty"` // nil: nothing was written
}

// Ref is a package that came or went.
type Ref struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Build   bool   `json:"build"` // a build requirement
}

// Refs turns the lock's references into those of a report.
func Refs(list []lock.PackageRef) []Ref {
	out := []Ref{}
	for _, r := range list {
		out = append(out, Ref{r.Name, r.Version, r.Group == lock.GroupBuild})
	}
	return out
}

// Coverages turns the lock's changes into those of a report. A target that
// could have the new version stays behind for another reason than coverage: it
// was not asked to move, or something else holds it.
func Coverages(l *lock.Lock, list []lock.CoverageChange) []workorder.Coverage {
	out := []workorder.Coverage{}
	for _, c := range list {
		behind := slices.DeleteFunc(slices.Clone(c.Behind), func(t string) bool { return supports(l, c.Name, c.New, t) })
		if len(c.Source)+len(behind) > 0 {
			out = append(out, workorder.Coverage{Name: c.Name, From: c.Old, To: c.New, Source: orEmpty(c.Source), Behind: orEmpty(behind)})
		}
	}
	return out
}

// supports reports whether a version could be installed on a target of the lock
// by its Requires-Python and its files.
func supports(l *lock.Lock, name, version, target string) bool {
	t := l.Target(target)
	if t == nil {
		return false
	}
	env, err := tags.New(t.Name, t.Python, t.Platform, t.Implementation, t.ABI)
	if err != nil {
		return false
	}
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Name != name || p.Version != version || p.Group == lock.GroupBuild {
			continue
		}
		if python, err := pep440.ParseSpecifiers(p.RequiresPython); err == nil && !python.Contains(env.Version(), pep440.PreAllow) {
			return false
		}
		if p.Sdist != nil {
			return true
		}
		fits := func(file string) bool {
			w, err := tags.ParseWheelName(file)
			return err == nil && slices.ContainsFunc(w.Tags, func(t tags.Tag) bool { _, ok := env.Rank(t); return ok })
		}
		return slices.ContainsFunc(p.Wheels, func(w lock.Wheel) bool { return fits(w.Name) }) ||
			slices.ContainsFunc(p.Upstream, func(u lock.Upstream) bool { return fits(u.Name) })
	}
	return false
}

// PinMove is a package that is at another version now.
type PinMove struct {
	Name    string   `json:"name"`
	Build   bool     `json:"build"` // a build requirement
	From    []string `json:"from"`  // versions; several only for build requirements
	To      []string `json:"to"`
	Targets []string `json:"targets"` // none for build requirements
	all     bool
}

// Kept is a package that a newer version exists of.
type Kept struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Newer   string   `json:"newer"`
	Why     string   `json:"why"`
	Targets []string `json:"targets"`
}

// Security is what an upgrade for an advisory came to, target by target.
type Security struct {
	ID      string           `json:"id"`
	Known   []string         `json:"known"` // records of the database that it was judged by; none: by the versions asked for
	Summary string           `json:"summary"`
	Rows    []SecurityTarget `json:"targets"`
}

// States of a SecurityTarget.
const (
	Unaffected = "not affected"
	FixedNow   = "fixed"
	Affected   = "affected"
)

// SecurityTarget is one package on one target.
type SecurityTarget struct {
	Name    string   `json:"name"`
	Target  string   `json:"target"`
	Locked  string   `json:"locked"`
	Now     string   `json:"now"`
	State   string   `json:"state"`
	Fixed   []string `json:"fixed"`    // versions that the advisory names as good, oldest first
	Why     []string `json:"why"`      // of one that stays affected
	WaysOut []string `json:"ways_out"` // commands, and what they mean
	Early   bool     `json:"early"`    // taken although it is younger than the cut-off
}

// Stuck reports whether some target stays affected.
func (s *Security) Stuck() bool {
	return slices.ContainsFunc(s.Rows, func(t SecurityTarget) bool { return t.State == Affected })
}

// Keep notes that a package stays although there is something newer; targets
// with the same story share a line.
func (u *Upgrade) Keep(name, version, newer, why, target string) {
	for i := range u.Kept {
		k := &u.Kept[i]
		if k.Name == name && k.Version == version && k.Newer == newer && k.Why == why {
			k.Targets = append(k.Targets, target)
			return
		}
	}
	u.Kept = append(u.Kept, Kept{name, version, newer, why, []string{target}})
	slices.SortStableFunc(u.Kept, func(a, b Kept) int { return strings.Compare(a.Name, b.Name) })
}

// Names are the packages that moved or came, sorted, without build requirements.
func (u *Upgrade) Names() []string {
	var list []string
	for _, m := range u.Moved {
		if !m.Build {
			list = append(list, m.Name)
		}
	}
	for _, a := range u.Added {
		if !a.Build {
			list = append(list, a.Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// PinMoves puts version changes that are alike on several targets into one.
func PinMoves(l *lock.Lock, changes []lock.VersionChange) []PinMove {
	list := []PinMove{}
	for _, c := range changes {
		i := slices.IndexFunc(list, func(m PinMove) bool {
			return m.Name == c.Name && m.Build == (c.Group != "") && slices.Equal(m.From, c.Old) && slices.Equal(m.To, c.New)
		})
		if i < 0 {
			list = append(list, PinMove{Name: c.Name, Build: c.Group != "", From: orEmpty(c.Old), To: orEmpty(c.New), Targets: []string{}})
			i = len(list) - 1
		}
		if c.Target != "" {
			list[i].Targets = append(list[i].Targets, c.Target)
			list[i].all = len(list[i].Targets) == len(l.Targets)
		}
	}
	return list
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (m PinMove) where() string {
	if m.all {
		return "all"
	}
	return strings.Join(m.Targets, ", ")
}

func versionsText(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ", ")
}

// maxKept bounds the lines about what stayed; --json has all.
const maxKept = 12

// WriteUpgrade writes what moved, what stayed and why, and then the work order.
func WriteUpgrade(w io.Writer, u *Upgrade, s term.Style) {
	emit(w, s, func(s term.Style) string { return upgradePage(u, s) })
}

// emit writes a page in colour, unless somebody wants to draw on the reader's
// terminal.
func emit(w io.Writer, s term.Style, page func(term.Style) string) {
	plain := page(term.Style{})
	if clean := term.Clean(plain); clean != plain {
		plain = clean
	} else if s.Color {
		plain = page(s)
	}
	io.WriteString(w, plain)
}

func upgradePage(u *Upgrade, s term.Style) string {
	var b strings.Builder
	if u.Security != nil {
		securityText(&b, u.Security, s)
	}
	movedText(&b, u, s)
	keptText(&b, u)
	for _, c := range u.Coverage {
		writeWrapped(&b, s.Paint(term.Todo, "warning:")+" "+CoverageLine(c), "")
	}
	if u.Order != nil {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(orderPage(u.Order, s))
	}
	return b.String()
}

func movedText(b *strings.Builder, u *Upgrade, s term.Style) {
	if !u.Changed {
		if u.Security == nil {
			b.WriteString("nothing moves: everything is at the newest version that it can have\n")
		}
		return
	}
	rows := [][]string{}
	head := []string{"PACKAGE", "FROM", "TO", "TARGETS"}
	for i := range head {
		head[i] = s.Paint(term.Heading, head[i])
	}
	rows = append(rows, head)
	var tools []string
	for _, m := range u.Moved {
		if m.Build {
			tools = append(tools, m.Name)
			continue
		}
		rows = append(rows, []string{m.Name, versionsText(m.From), versionsText(m.To), m.where()})
	}
	for _, a := range u.Added {
		if a.Build {
			tools = append(tools, a.Name)
			continue
		}
		rows = append(rows, []string{a.Name, "-", a.Version, "new"})
	}
	for _, r := range u.Removed {
		if r.Build {
			tools = append(tools, r.Name)
			continue
		}
		rows = append(rows, []string{r.Name, r.Version, "-", "no longer needed"})
	}
	writeTable(b, rows)
	if len(tools) > 0 {
		slices.Sort(tools)
		writeWrapped(b, "build tools that change along: "+strings.Join(slices.Compact(tools), ", "), "")
	}
	if !u.Written {
		b.WriteString("nothing was written: --dry-run\n")
	}
}

// writeTable writes rows with a heading; a last cell that does not fit goes on
// below.
func writeTable(b *strings.Builder, rows [][]string) {
	if len(rows) < 2 {
		return
	}
	for _, line := range term.Columns(rows, 2) {
		for term.Len(line) > term.Width {
			cut := strings.LastIndex(line[:term.Width], " ")
			if cut <= 4 {
				break
			}
			b.WriteString(strings.TrimRight(line[:cut], " ") + "\n")
			line = "    " + strings.TrimLeft(line[cut:], " ")
		}
		b.WriteString(line + "\n")
	}
}

func keptText(b *strings.Builder, u *Upgrade) {
	for i, k := range u.Kept {
		if i == maxKept && len(u.Kept) > maxKept+1 {
			fmt.Fprintf(b, "and %d more stay behind: --json lists them\n", len(u.Kept)-maxKept)
			return
		}
		writeWrapped(b, fmt.Sprintf("%s stays at %s on %s: %s %s", k.Name, k.Version, strings.Join(k.Targets, ", "), k.Newer, becauseText(k.Why)), "")
	}
}

// becauseText makes a reason follow the version: "needs Python 3.9" as it is, a
// requirement that forbids it in brackets.
func becauseText(why string) string {
	if strings.Contains(why, " asks for ") || strings.Contains(why, " needs ") {
		return "is there, but " + why
	}
	return why
}

// CoverageLine is a warning for a person.
func CoverageLine(c workorder.Coverage) string {
	var parts []string
	if len(c.Source) > 0 {
		parts = append(parts, fmt.Sprintf("%s %s publishes no wheel for %s, where %s did: it has to be built from source there",
			c.Name, c.To, strings.Join(c.Source, ", "), c.From))
	}
	if len(c.Behind) > 0 {
		parts = append(parts, fmt.Sprintf("%s %s does not support %s: %s stays there", c.Name, c.To, strings.Join(c.Behind, ", "), c.From))
	}
	return strings.Join(parts, "; ")
}

func securityText(b *strings.Builder, x *Security, s term.Style) {
	title := x.ID
	if others := slices.DeleteFunc(slices.Clone(x.Known), func(k string) bool { return strings.EqualFold(k, x.ID) }); len(others) > 0 {
		title += " (" + strings.Join(others, ", ") + ")"
	}
	if x.Summary != "" {
		title += ": " + x.Summary
	}
	writeWrapped(b, title, "")
	b.WriteString("\n")
	rows := [][]string{{"PACKAGE", "TARGET", "LOCKED", "NOW", "STATE"}}
	for i := range rows[0] {
		rows[0][i] = s.Paint(term.Heading, rows[0][i])
	}
	for _, t := range x.Rows {
		state := s.Paint(term.Good, t.State)
		if t.State == Affected {
			state = s.Paint(term.Bad, "STILL AFFECTED")
		}
		if t.Early {
			state += " (younger than the cut-off)"
		}
		rows = append(rows, []string{t.Name, t.Target, t.Locked, orGone(t.Now), state})
	}
	b.WriteString(strings.Join(term.Columns(rows, 2), "\n") + "\n\n")
	stuckText(b, x)
}

func orGone(version string) string {
	if version == "" {
		return "gone"
	}
	return version
}

// stuckText says why targets stay affected, and what can be done; those with
// the same story together.
func stuckText(b *strings.Builder, x *Security) {
	done := make([]bool, len(x.Rows))
	for i, t := range x.Rows {
		if t.State != Affected || done[i] {
			continue
		}
		names := []string{}
		for j := i; j < len(x.Rows); j++ {
			if y := x.Rows[j]; y.State == Affected && y.Name == t.Name && y.Locked == t.Locked && slices.Equal(y.Why, t.Why) {
				names, done[j] = append(names, y.Target), true
			}
		}
		fixed := "a fixed version"
		if len(t.Fixed) > 0 {
			fixed = strings.Join(t.Fixed, " or ")
		}
		writeWrapped(b, fmt.Sprintf("%s on %s cannot reach %s:", t.Name, strings.Join(names, ", "), fixed), "")
		for _, w := range t.Why {
			writeWrapped(b, w, "  ")
		}
		for j := i; j < len(x.Rows); j++ {
			if !slices.Contains(names, x.Rows[j].Target) || x.Rows[j].Name != t.Name {
				continue
			}
			for _, w := range x.Rows[j].WaysOut {
				writeWrapped(b, "way out: "+w, "  ")
			}
		}
		b.WriteString("\n")
	}
}
