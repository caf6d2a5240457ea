package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// Diff is what a reviewer of a changed lock should read, the most alarming
// first.
type Diff struct {
	Base     string    `json:"base"`   // "HEAD", "main...", or a file
	Commit   string    `json:"commit"` // "" where the base is a file
	Equal    bool      `json:"equal"`
	New      bool      `json:"new"` // the base has no lock
	Sections []Section `json:"sections"`
}

// Levels of a Section.
const (
	Alarm  = "alarm"  // nobody should merge this without knowing why
	Review = "review" // look at it
	Info   = "info"
)

// Section is one kind of change.
type Section struct {
	Kind  string  `json:"kind"`
	Level string  `json:"level"`
	Title string  `json:"title"`
	Items []Entry `json:"items"`
}

// Entry is one change. What is empty does not apply.
type Entry struct {
	Name    string   `json:"name"`
	Targets []string `json:"targets"`
	Old     string   `json:"old"`
	New     string   `json:"new"`
	Marks   []string `json:"marks"` // "major", "older", "native", "source only"
	Text    string   `json:"text"`  // the rest of the line
	More    []string `json:"more"`  // lines below it
}

// DiffInput is what DiffOf compares.
type DiffInput struct {
	Old, New *lock.Lock
	// Config are changes of the configuration; those that weaken what is
	// demanded come first.
	Config []ConfigChange
	// Roots are the names that the inputs ask for, with the place.
	Roots map[string]string
}

// ConfigChange is a key of the configuration with two values.
type ConfigChange struct {
	Key, Old, New string
	Weaker        bool
}

// DiffOf puts the differences of two locks into the order in which they should
// be read. A nil old lock is an empty one.
func DiffOf(in DiffInput) []Section {
	old := in.Old
	if old == nil {
		old = &lock.Lock{Version: lock.Version, CreatedBy: lock.CreatedBy, Targets: in.New.Targets, RequiresDigest: in.New.RequiresDigest}
	}
	d := differ{in: in, old: old, c: lock.Diff(old, in.New)}
	d.add("hash", Alarm, "HASH CHANGED WITHOUT A NEW VERSION", d.hashes())
	d.add("address", Alarm, "COMES FROM ANOTHER PLACE", d.sources())
	d.add("weaker", Alarm, "LESS IS DEMANDED THAN BEFORE", d.config(true))
	d.add("detail", Alarm, "CHANGED WITHOUT A NEW VERSION", d.details())
	d.add("origin", Review, "Wheels from elsewhere", d.origins())
	d.add("new", Review, "New packages", d.added(false))
	d.add("native", Review, "New native code", d.native())
	d.add("source", Review, "Published as source only", d.sourceOnly())
	d.add("coverage", Review, "Fewer targets covered than before", d.coverage())
	d.add("version", Review, "Versions", d.versions())
	d.add("removed", Info, "Removed packages", d.removed(false))
	d.add("target", Review, "Targets", d.targets())
	d.add("config", Info, "Configuration", d.config(false))
	d.add("cutoff", Info, "Cut-off", d.cutoff())
	d.add("unbuilt", Review, "To be built again", d.files(d.c.Unbuilt))
	d.add("recipe", Review, "Recipes", d.recipes())
	d.add("tool", Info, "Build tools", slices.Concat(d.added(true), d.tools(), d.removed(true)))
	d.add("built", Info, "Built", d.files(d.c.Built))
	d.add("verdict", Info, "Compared with upstream", d.verdicts())
	if d.c.Requires && len(d.list) == 0 {
		d.add("requires", Info, "Inputs", []Entry{{Text: "the requirements, targets or policy changed; what is locked did not"}})
	}
	if d.c.Rest {
		d.add("rest", Review, "Other lines", []Entry{{Text: "sizes or lists of published files changed"}})
	}
	return d.list
}

type differ struct {
	in   DiffInput
	old  *lock.Lock
	c    lock.Changes
	list []Section
}

func (d *differ) add(kind, level, title string, items []Entry) {
	if len(items) == 0 {
		return
	}
	for i := range items {
		e := &items[i]
		e.Targets, e.Marks, e.More = orEmpty(e.Targets), orEmpty(e.Marks), orEmpty(e.More)
	}
	d.list = append(d.list, Section{kind, level, title, items})
}

// merged joins entries that differ in their target only.
func merged(list []Entry) []Entry {
	var out []Entry
	for _, e := range list {
		i := slices.IndexFunc(out, func(x Entry) bool {
			return x.Name == e.Name && x.Old == e.Old && x.New == e.New && x.Text == e.Text && slices.Equal(x.More, e.More) && slices.Equal(x.Marks, e.Marks)
		})
		if i < 0 {
			out = append(out, e)
		} else {
			for _, t := range e.Targets {
				if !slices.Contains(out[i].Targets, t) {
					out[i].Targets = append(out[i].Targets, t)
				}
			}
		}
	}
	return out
}

func on(target string) []string {
	if target == "" {
		return nil
	}
	return []string{target}
}

func named(name, version, group string) string {
	if group == lock.GroupBuild {
		return name + " " + version + " (build tool)"
	}
	return name + " " + version
}

func (d *differ) hashes() []Entry {
	var list []Entry
	for _, h := range d.c.Hashes {
		list = append(list, Entry{Name: named(h.Name, h.Version, h.Group), Targets: on(h.Target), Old: h.Old, New: h.New, Text: h.File})
	}
	return merged(list)
}

func (d *differ) config(weaker bool) []Entry {
	var list []Entry
	for _, c := range d.in.Config {
		if c.Weaker == weaker {
			list = append(list, Entry{Name: c.Key, Old: c.Old, New: c.New})
		}
	}
	return list
}

func (d *differ) sources() []Entry {
	var list []Entry
	for _, s := range d.c.Sources {
		list = append(list, Entry{Name: s.Name + " " + s.Version, Text: s.String()})
	}
	return list
}

func (d *differ) details() []Entry {
	var list []Entry
	for _, x := range d.c.Details {
		list = append(list, Entry{Name: named(x.Name, x.Version, x.Group), Text: x.What})
	}
	return list
}

func (d *differ) origins() []Entry {
	var list []Entry
	for _, o := range d.c.Origins {
		list = append(list, Entry{Name: named(o.Name, o.Version, o.Group), Targets: on(o.Target), Old: o.Old, New: o.New})
	}
	return merged(list)
}

// added are names that were not there: on which targets, who needs them, and
// what they bring.
func (d *differ) added(tools bool) []Entry {
	var list []Entry
	for _, a := range d.c.Added {
		if (a.Group == lock.GroupBuild) != tools {
			continue
		}
		e := Entry{Name: a.Name, New: a.Version}
		if tools {
			list = append(list, e)
			continue
		}
		for i := range d.in.New.Packages {
			if p := &d.in.New.Packages[i]; p.Name == a.Name && p.Version == a.Version && p.Group == a.Group {
				e.Targets = d.in.New.TargetsOf(p)
				e.More = d.chains(p, e.Targets)
				if s := p.Source(); s != "" {
					e.Text = "from " + s
				}
			}
		}
		for _, n := range d.c.Native {
			if n.Name == a.Name && n.Version == a.Version {
				e.mark("native", n.Targets)
			}
		}
		for _, n := range d.c.SourceOnly {
			if n.Name == a.Name && n.Version == a.Version {
				e.mark("source only", n.Targets)
			}
		}
		list = append(list, e)
	}
	return list
}

// mark says what holds of a package, and where if not everywhere.
func (e *Entry) mark(what string, targets []string) {
	if len(targets) == len(e.Targets) {
		e.Marks = append(e.Marks, what)
		return
	}
	e.More = append(e.More, what+" on "+strings.Join(targets, ", "))
}

// chains says who needs a package, each way once.
func (d *differ) chains(p *lock.Package, targets []string) []string {
	var roots []string
	for n := range d.in.Roots {
		roots = append(roots, n)
	}
	var list []string
	for _, t := range targets {
		path := d.in.New.Path(t, roots, p.Name)
		if path == nil {
			continue
		}
		line := d.in.Roots[path[0]] + " asks for it"
		if len(path) > 1 {
			line = "needed by " + strings.Join(path[:len(path)-1], " > ") + " (" + d.in.Roots[path[0]] + ")"
		}
		if !slices.Contains(list, line) {
			list = append(list, line)
		}
	}
	return list
}

func (d *differ) native() []Entry {
	var list []Entry
	for _, n := range d.c.Native {
		if !n.New { // new packages carry a mark
			list = append(list, Entry{Name: n.Name, New: n.Version, Targets: n.Targets})
		}
	}
	return list
}

func (d *differ) sourceOnly() []Entry {
	var list []Entry
	for _, s := range d.c.SourceOnly {
		if !slices.ContainsFunc(d.c.Added, func(a lock.PackageRef) bool { return a.Name == s.Name && a.Group == "" }) {
			list = append(list, Entry{Name: s.Name, New: s.Version, Targets: s.Targets})
		}
	}
	return list
}

func (d *differ) coverage() []Entry {
	var list []Entry
	for _, c := range Coverages(d.in.New, d.c.Coverage) {
		list = append(list, Entry{Name: c.Name, Old: c.From, New: c.To, Text: CoverageLine(c)})
	}
	return list
}

func (d *differ) versions() []Entry {
	var list []Entry
	for _, m := range PinMoves(d.in.New, d.c.Versions) {
		if m.Build {
			continue
		}
		list = append(list, Entry{Name: m.Name, Targets: m.Targets, Old: versionsText(m.From), New: versionsText(m.To), Marks: jump(m)})
	}
	return list
}

func (d *differ) tools() []Entry {
	var list []Entry
	for _, m := range PinMoves(d.in.New, d.c.Versions) {
		if m.Build {
			list = append(list, Entry{Name: m.Name, Old: versionsText(m.From), New: versionsText(m.To)})
		}
	}
	return list
}

// jump marks a move that is more than routine.
func jump(m PinMove) []string {
	if len(m.From) != 1 || len(m.To) != 1 {
		return nil
	}
	old, err := pep440.Parse(m.From[0])
	now, err2 := pep440.Parse(m.To[0])
	switch {
	case err != nil || err2 != nil:
		return nil
	case now.Compare(old) < 0:
		return []string{"older"}
	case first(now) != first(old):
		return []string{"major"}
	}
	return nil
}

func first(v pep440.Version) string {
	if r := v.Release(); len(r) > 0 {
		return r[0]
	}
	return ""
}

func (d *differ) removed(tools bool) []Entry {
	var list []Entry
	for _, r := range d.c.Removed {
		if (r.Group == lock.GroupBuild) == tools {
			list = append(list, Entry{Name: r.Name, Old: r.Version})
		}
	}
	return list
}

func (d *differ) targets() []Entry {
	var list []Entry
	text := func(t *lock.Target) string {
		if t == nil {
			return ""
		}
		s := "Python " + t.Python + " on " + t.Platform
		if t.Implementation != "" {
			s = t.Implementation + " " + s
		}
		return strings.TrimSpace(s + " " + t.ABI)
	}
	for _, t := range d.c.Targets {
		name := ""
		if t.Old != nil {
			name = t.Old.Name
		} else {
			name = t.New.Name
		}
		list = append(list, Entry{Name: name, Old: text(t.Old), New: text(t.New)})
	}
	return list
}

func (d *differ) cutoff() []Entry {
	if d.c.Cutoff == nil {
		return nil
	}
	return []Entry{{Name: "exclude-newer", Old: d.c.Cutoff[0], New: d.c.Cutoff[1]}}
}

func (d *differ) files(refs []lock.FileRef) []Entry {
	var list []Entry
	for _, r := range refs {
		list = append(list, Entry{Name: named(r.Name, r.Version, r.Group), Targets: on(r.Target), Text: r.File})
	}
	return merged(list)
}

func (d *differ) recipes() []Entry {
	var list []Entry
	for _, r := range d.c.Recipes {
		e := Entry{Name: named(r.Name, r.Version, r.Group), Targets: on(r.Target), More: r.Keys}
		switch {
		case r.Old == "":
			e.Text = "planned"
		case r.New == "":
			e.Text = "no recipe any more"
		}
		list = append(list, e)
	}
	return merged(list)
}

func (d *differ) verdicts() []Entry {
	var list []Entry
	for _, v := range d.c.Verdicts {
		list = append(list, Entry{Name: named(v.Name, v.Version, v.Group), Text: v.File, Old: v.Old, New: v.New})
	}
	return list
}

// line is an entry in one line.
func (e Entry) line(allTargets int) string {
	s := e.Name
	change := ""
	switch {
	case e.Old != "" && e.New != "":
		change = clipHash(e.Old) + " -> " + clipHash(e.New)
	case e.New != "":
		change = clipHash(e.New)
	case e.Old != "" && e.Text == "":
		change = "was " + e.Old
	}
	if change != "" {
		s = strings.TrimSpace(s + " " + change)
	}
	for _, m := range e.Marks {
		s += " [" + strings.ToUpper(m) + "]"
	}
	if len(e.Targets) > 0 && len(e.Targets) < allTargets {
		s += " on " + strings.Join(e.Targets, ", ")
	}
	if e.Text != "" {
		s = strings.TrimSpace(s) + ": " + e.Text
	}
	return strings.TrimPrefix(s, ": ")
}

// clipHash shortens a SHA-256: who compares, compares the lock.
func clipHash(s string) string {
	if len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" {
		return s[:16]
	}
	return s
}

// Summary counts the sections in a line.
func (d *Diff) Summary() string {
	if d.Equal {
		return "wheels.lock is as it is in " + d.Base
	}
	var parts []string
	for _, s := range d.Sections {
		if s.Level != Info {
			parts = append(parts, fmt.Sprintf("%d %s", len(s.Items), summaryWords[s.Kind]))
		}
	}
	text := "wheels.lock against " + d.Base
	if d.New {
		text += ", which has none"
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

var summaryWords = map[string]string{
	"hash": "with another hash", "weaker": "weakened", "address": "from another place", "detail": "silently changed",
	"origin": "of another origin", "new": "new", "native": "newly native", "source": "source only", "coverage": "less covered",
	"version": "moved", "target": "targets", "unbuilt": "to build again", "recipe": "recipes", "rest": "other",
}
