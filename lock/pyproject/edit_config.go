package pyproject

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// place of the configuration: its file and the prefix of its keys. Where there
// is none yet it goes into the pyproject.toml that has the requirements, else
// into wheellock.toml.
func (p *Project) configPlace() (file string, prefix []string) {
	switch {
	case p.config != nil:
		return p.config.file, p.prefix
	case slices.ContainsFunc(p.sources, func(s Source) bool { return s.File == pyprojectFile }):
		return pyprojectFile, []string{"tool", "wheellock"}
	}
	return configFileName, nil
}

// AddTarget declares a target. Declared already: no edit, and an *Error where
// it is declared with other settings than t has.
func (p *Project) AddTarget(t Target) ([]Edit, error) {
	if t.Name == "" || !isPrintable(t.Name) {
		return nil, &Error{Msg: fmt.Sprintf("%q is no name of a target", t.Name), Hint: "name one such as bookworm or 3.12@manylinux_2_28_x86_64"}
	}
	for _, have := range p.Config.Targets {
		if have.Name != t.Name {
			continue
		}
		if t == (Target{Name: t.Name}) || t == have {
			return nil, nil
		}
		return nil, &Error{p.Config.File, p.lineOf("targets"), fmt.Sprintf("target %q is declared with other settings", t.Name), "remove it first: wheellock target remove " + t.Name}
	}
	file, prefix := p.configPlace()
	d, err := p.document(file)
	if err != nil {
		return nil, err
	}
	path := append(slices.Clone(prefix), "targets")
	list, _ := d.get(path...).([]any)
	want := append(slices.Clone(list), t.meaning())
	var out []byte
	if l := d.find(path...); l != nil {
		a := newArray(d.src, l.from, l.to)
		out = a.insert(len(a.elems), t.inline())
	} else {
		out = d.insertBlock(d.afterConfig(prefix), t.block(path, newline(d.src)))
	}
	q, err := p.splice(d, out, path, want)
	if err != nil {
		return nil, err
	}
	return changed(p, q), nil
}

// afterConfig is the offset where another table of the configuration goes:
// after the last one, else at the end of the file.
func (d *document) afterConfig(prefix []string) int {
	at := -1
	for i, t := range d.tables[1:] {
		if len(t.path) >= len(prefix) && equal(t.path[:len(prefix)], prefix) {
			at = d.bodyEnd(i + 1)
		}
	}
	if at < 0 || len(prefix) == 0 {
		return len(d.src)
	}
	return at
}

func (t Target) pairs() [][2]string {
	var list [][2]string
	for _, kv := range [][2]string{{"name", t.Name}, {"python", t.Python}, {"platform", t.Platform}, {"implementation", t.Implementation}, {"abi", t.ABI}} {
		if kv[1] != "" {
			list = append(list, kv)
		}
	}
	return list
}

func (t Target) meaning() map[string]any {
	m := map[string]any{}
	for _, kv := range t.pairs() {
		m[kv[0]] = kv[1]
	}
	return m
}

func (t Target) inline() string {
	var parts []string
	for _, kv := range t.pairs() {
		parts = append(parts, kv[0]+" = "+quoteTOML(kv[1], '"'))
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

func (t Target) block(path []string, nl string) string {
	text := "[[" + strings.Join(path, ".") + "]]" + nl
	for _, kv := range t.pairs() {
		text += kv[0] + " = " + quoteTOML(kv[1], '"') + nl
	}
	return text
}

// RemoveTarget takes a target's declaration away. The error is a
// *NotFoundError where it is not declared.
func (p *Project) RemoveTarget(name string) ([]Edit, error) {
	i := slices.IndexFunc(p.Config.Targets, func(t Target) bool { return t.Name == name })
	if i < 0 {
		return nil, p.noTarget(name)
	}
	d, path := p.config, append(slices.Clone(p.prefix), "targets")
	list, _ := d.get(path...).([]any)
	var want any
	if len(list) > 1 {
		want = slices.Delete(slices.Clone(list), i, i+1)
	}
	var out []byte
	if l := d.find(path...); l != nil {
		a := newArray(d.src, l.from, l.to)
		if want == nil {
			want = []any{}
		}
		out = a.remove(i)
	} else {
		k := slices.IndexFunc(d.tables, func(t table) bool { return t.array && t.nth == i && equal(t.path, path) })
		if k < 0 {
			return nil, &Error{d.file, d.lineOf(path...), "targets are written in a form that cannot be edited", "edit the file by hand, then run `wheellock lock`"}
		}
		out = removeBlock(d.src, d.tables[k].start, d.bodyEnd(k))
	}
	q, err := p.splice(d, out, path, want)
	if err != nil {
		return nil, err
	}
	return changed(p, q), nil
}

// ReplaceTarget puts another target into a declaration's place: its comments,
// its layout and its place in the list stay. The error is a *NotFoundError where
// old is not declared, an *Error where the new one is declared already.
func (p *Project) ReplaceTarget(old string, t Target) ([]Edit, error) {
	i := slices.IndexFunc(p.Config.Targets, func(t Target) bool { return t.Name == old })
	if i < 0 {
		return nil, p.noTarget(old)
	}
	if old != t.Name && slices.ContainsFunc(p.Config.Targets, func(have Target) bool { return have.Name == t.Name }) {
		return nil, &Error{p.Config.File, p.lineOf("targets"), fmt.Sprintf("target %q is declared already", t.Name), "wheellock target remove " + old}
	}
	d, path := p.config, append(slices.Clone(p.prefix), "targets")
	list, _ := d.get(path...).([]any)
	want := slices.Clone(list)
	want[i] = t.meaning()
	var out []byte
	if l := d.find(path...); l != nil {
		out = newArray(d.src, l.from, l.to).replace(i, t.inline())
	} else {
		k := slices.IndexFunc(d.tables, func(t table) bool { return t.array && t.nth == i && equal(t.path, path) })
		if k < 0 {
			return nil, &Error{d.file, d.lineOf(path...), "targets are written in a form that cannot be edited", "edit the file by hand, then run `wheellock lock`"}
		}
		out = d.retarget(k, t)
	}
	q, err := p.splice(d, out, path, want)
	if err != nil {
		return nil, err
	}
	return changed(p, q), nil
}

// retarget writes t's keys over those of the kth table. A key that t lacks goes
// with its line, one that is new follows the name.
func (d *document) retarget(k int, t Target) []byte {
	pairs := t.pairs()
	out := d.src
	for n := len(d.leaves) - 1; n >= 0; n-- { // from the end, so that offsets hold
		l := d.leaves[n]
		if l.table != k {
			continue
		}
		key := l.path[len(l.path)-1]
		at := slices.IndexFunc(pairs, func(kv [2]string) bool { return kv[0] == key })
		switch {
		case at < 0:
			to := endOfLine(out, l.to)
			if rest := out[to:]; len(rest) > 0 {
				to += 1 + bytes.IndexByte(rest, '\n')
			}
			out = splice(out, l.start, to, "")
		default:
			if key == "name" {
				end := endOfLine(out, l.to)
				out = splice(out, end, end, d.lacking(k, pairs))
			}
			out = splice(out, l.from, l.to, quoteTOML(pairs[at][1], out[l.from]))
		}
	}
	return out
}

// lacking are the lines of those keys that the kth table does not have yet.
func (d *document) lacking(k int, pairs [][2]string) string {
	text := ""
	for _, kv := range pairs {
		if !slices.ContainsFunc(d.leaves, func(l leaf) bool { return l.table == k && l.path[len(l.path)-1] == kv[0] }) {
			text += newline(d.src) + kv[0] + " = " + quoteTOML(kv[1], '"')
		}
	}
	return text
}

// endOfLine is the offset of the line end at or after at.
func endOfLine(src []byte, at int) int {
	i := bytes.IndexByte(src[at:], '\n')
	if i < 0 {
		return len(src)
	}
	if i > 0 && src[at+i-1] == '\r' {
		i--
	}
	return at + i
}

// noTarget is the error about a name that is not declared.
func (p *Project) noTarget(name string) error {
	var names []string
	for _, t := range p.Config.Targets {
		names = append(names, t.Name)
	}
	return &NotFoundError{"target", name, lookAlikes(name, names)}
}

// SetPins writes the pinned fingerprints of the root and the log's verifier
// key, and how many of the former must sign. An empty value leaves what is there.
func (p *Project) SetPins(root []string, threshold int, log string) ([]Edit, error) {
	var sets []setting
	if len(root) > 0 {
		quoted := make([]string, len(root))
		for i, r := range root {
			quoted[i] = quoteTOML(r, '"')
		}
		sets = append(sets, setting{nil, "root", "[" + strings.Join(quoted, ", ") + "]"})
	}
	if threshold > 1 || threshold > 0 && p.Config.RootThreshold > 0 {
		sets = append(sets, setting{nil, "root-threshold", strconv.Itoa(threshold)})
	}
	if log != "" {
		sets = append(sets, setting{nil, "log", quoteTOML(log, '"')})
	}
	return p.set(sets)
}

// SetWheelhouse writes where the wheelhouse is: a folder relative to the
// project's or absolute, or an https address.
func (p *Project) SetWheelhouse(place string) ([]Edit, error) {
	return p.set([]setting{{nil, "wheelhouse", quoteTOML(place, '"')}})
}

// Init writes the policy of a preset, and only the policy.
func (p *Project) Init(preset string) ([]Edit, error) {
	c, err := Preset(preset)
	if err != nil {
		return nil, err
	}
	quoted := make([]string, len(c.Policy.Ceremony))
	for i, w := range c.Policy.Ceremony {
		quoted[i] = quoteTOML(w, '"')
	}
	table := []string{"policy"}
	return p.set([]setting{
		{table, "wheels", quoteTOML(c.Policy.Wheels, '"')},
		{table, "mirror", quoteTOML(c.Policy.Mirror, '"')},
		{table, "build-requirements", quoteTOML(c.Policy.BuildRequirements, '"')},
		{table, "append", quoteTOML(c.Policy.Append, '"')},
		{table, "ceremony", "[" + strings.Join(quoted, ", ") + "]"},
	})
}

// setting is one key of the configuration with its TOML text.
type setting struct {
	table     []string
	key, text string
}

func (p *Project) set(list []setting) ([]Edit, error) {
	q := p
	for _, s := range list {
		file, prefix := q.configPlace()
		next, err := q.setValue(file, append(slices.Clone(prefix), s.table...), s.key, s.text)
		if err != nil {
			return nil, err
		}
		q = next
	}
	return changed(p, q), nil
}
