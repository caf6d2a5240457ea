package compare

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
)

// differ collects the facts about two trees.
type differ struct {
	c *run
	place
	a, b  *tree
	facts []Fact
	inner bool // something differs in what is installed
	err   error
}

// fact adds one about the trees as a whole.
func (d *differ) fact(cause, format string, args ...any) *Fact {
	line := fmt.Sprintf(format, args...)
	if d.where != "" {
		line = d.where + ": " + line
	}
	d.facts = append(d.facts, Fact{Cause: cause, Line: printable(line), Where: printable(d.where), format: format})
	return &d.facts[len(d.facts)-1]
}

// alike marks facts about containers: several archives within one have the same,
// and whoever has read one of them knows the others.
func alike(facts []Fact) {
	for i := range facts {
		facts[i].class = facts[i].format
	}
}

// about adds a fact about members.
func (d *differ) about(keys []string, cause, format string, args ...any) *Fact {
	f := d.fact(cause, format, args...)
	f.Count = len(keys)
	for _, k := range keys[:min(len(keys), MaxNames)] {
		f.Names = append(f.Names, printable(k))
	}
	return f
}

// trees compares two archives or folders.
func (c *run) trees(at place, a, b *tree) (outcome, error) {
	keysFor(a, b)
	d := &differ{c: c, place: at, a: a, b: b}
	out := outcome{verdict: Content}
	if a.wheel != nil && b.wheel != nil {
		out.contents = [2]string{a.wheel.ContentOf(a.sums), b.wheel.ContentOf(b.sums)}
		d.wheelFiles(out.contents[0] != out.contents[1])
	} else {
		d.files()
	}
	before := len(d.facts)
	d.container()
	if d.err != nil {
		return out, d.err
	}
	alike(d.facts[before:])
	if len(d.facts) == 0 && a.kind != folderKind {
		// Bytes that no reader looks at.
		d.fact(Deflate, "%s: headers or packed bytes differ", a.kind)
	}
	if d.inner {
		out.verdict = Differs
	}
	out.facts = d.facts
	return out, nil
}

// files compares what is in two archives that are no wheels.
func (d *differ) files() {
	if d.a.top != d.b.top && d.a.top != "" && d.b.top != "" && d.a.kind != arKind {
		d.fact("", "folder %s != %s", d.a.top, d.b.top)
		d.inner = true
	}
	onlyA, onlyB := missingFrom(d.a.keys, d.b), missingFrom(d.b.keys, d.a)
	onlyA, onlyB = d.renamed(onlyA, onlyB, "", func(string) bool { return true })
	d.onlyIn(onlyB, d.c.w.b)
	d.onlyIn(onlyA, d.c.w.a)
	d.kinds()
	changed := d.changed(nil)
	d.tell(changed)
	d.bits()
}

func missingFrom(keys []string, t *tree) []string {
	var out []string
	for _, k := range keys {
		if t.at[k] == nil {
			out = append(out, k)
		}
	}
	return out
}

func (d *differ) onlyIn(keys []string, who string) {
	if len(keys) == 0 {
		return
	}
	d.inner = true
	count, names := group(keys)
	d.about(keys, "", "%s only %s: %s", count, who, names)
}

// renamed takes the files out that are on both sides under other names, of those
// that may be.
func (d *differ) renamed(onlyA, onlyB []string, cause string, may func(string) bool) (restA, restB []string) {
	if len(onlyA) == 0 || len(onlyB) == 0 || len(onlyA)+len(onlyB) > maxRenames {
		return onlyA, onlyB
	}
	bySize := map[int64][]string{}
	for _, k := range onlyB {
		if m := d.b.at[k]; m.what == isFile && m.data.size > 0 && may(k) {
			bySize[m.data.size] = append(bySize[m.data.size], k)
		}
	}
	var pairs, keys []string
	gone := map[string]bool{}
	for _, k := range onlyA {
		m := d.a.at[k]
		if m.what != isFile || m.data.open == nil || !may(k) {
			restA = append(restA, k)
			continue
		}
		to := ""
		for _, other := range bySize[m.data.size] {
			if same, err := d.same(m, d.b.at[other]); err == nil && same && !gone[other] {
				to = other
				break
			}
		}
		if to == "" {
			restA = append(restA, k)
			continue
		}
		gone[to] = true
		pairs, keys = append(pairs, k+" -> "+to), append(keys, k)
	}
	for _, k := range onlyB {
		if !gone[k] {
			restB = append(restB, k)
		}
	}
	if len(pairs) > 0 {
		d.inner = true
		count, _ := group(keys)
		d.about(keys, cause, "%s by another name: %s", count, some(pairs))
	}
	return restA, restB
}

// maxRenames keeps the search for renamed files from reading two large trees
// that have nothing in common.
const maxRenames = 20_000

// kinds compares what members are: a file here, a link there.
func (d *differ) kinds() {
	other := map[string][]string{}
	for _, k := range d.both() {
		a, b := d.a.at[k], d.b.at[k]
		switch {
		case a.what != b.what:
			other[a.what+" != "+b.what] = append(other[a.what+" != "+b.what], k)
		case a.link != b.link:
			what := fmt.Sprintf("%s to %s != %s", a.what, orNone(a.link), orNone(b.link))
			if a.what == isChar || a.what == isBlock {
				what = fmt.Sprintf("%s %s != %s", a.what, a.link, b.link)
			}
			other[what] = append(other[what], k)
		}
	}
	d.spread(other, "", "%[3]s: %[1]s", 0)
}

// spread has one line for each text that differs, a few at most. The format gets
// the text, the count and the names; of is how many there are at all.
func (d *differ) spread(byText map[string][]string, cause, format string, of int) {
	texts := sorted(byText)
	sort.SliceStable(texts, func(i, j int) bool { return len(byText[texts[i]]) > len(byText[texts[j]]) })
	for i, text := range texts {
		d.inner = true
		if i == maxSpread {
			var rest []string
			for _, t := range texts[i:] {
				rest = append(rest, byText[t]...)
			}
			count, names := group(rest)
			d.about(rest, cause, "and %d more such differences, %s: %s", len(texts)-i, count, names)
			return
		}
		keys := byText[text]
		count, names := group(keys)
		if len(keys) > 1 {
			names = count + ", " + names
		}
		if len(keys) == of && of > 3 {
			names = fmt.Sprintf("all %d members", of)
		}
		d.about(keys, cause, format, text, count, names)
	}
}

// maxSpread is the most lines of one kind of fact.
const maxSpread = 12

// bits compares modes that change who may run a file, and as whom.
func (d *differ) bits() {
	exec := map[string][]string{}
	set := map[string][]string{}
	for _, k := range d.both() {
		a, b := d.a.at[k], d.b.at[k]
		if a.exec != b.exec && a.what == b.what && !d.isRecord(k) {
			who := d.c.w.a
			if b.exec {
				who = d.c.w.b
			}
			exec[who] = append(exec[who], k)
		}
		if a.set != b.set {
			pair := orNone(a.set) + " != " + orNone(b.set)
			set[pair] = append(set[pair], k)
		}
	}
	d.spread(exec, ZipModes, "executable only %[1]s: %[3]s", 0)
	d.spread(set, ZipModes, "%[3]s: %[1]s", 0)
}

func (d *differ) isRecord(key string) bool {
	return d.a.wheel != nil && strings.HasPrefix(key, distInfo+"RECORD")
}

// both lists the keys that both have and that are no folders.
func (d *differ) both() []string {
	var keys []string
	for _, k := range d.a.keys {
		if d.b.at[k] != nil {
			keys = append(keys, k)
		}
	}
	return keys
}

// same compares the bytes of two members, by their packed bytes where these are equal.
func (d *differ) same(a, b *member) (bool, error) {
	if a.data.open == nil || b.data.open == nil {
		return a.data.open == nil && b.data.open == nil, nil
	}
	if p, q := a.packing, b.packing; p != nil && q != nil && p.method == q.method && p.opaque == q.opaque && p.data.size == q.data.size && a.data.size == b.data.size {
		if i, err := firstDifference(d.c.ctx, p.data, q.data); err != nil || i < 0 {
			return err == nil, err
		}
	}
	if a.data.size != b.data.size {
		return false, nil
	}
	i, err := firstDifference(d.c.ctx, a.data, b.data)
	return i < 0, err
}

// changed compares the files that both have and that differ, save those that skip
// takes. Archives within give facts of their own, everything else a difference.
func (d *differ) changed(skip func(string) bool) (leaves []found) {
	facts := map[string][]Fact{} // by member
	var archives []string
	for _, k := range d.both() {
		a, b := d.a.at[k], d.b.at[k]
		if d.err != nil || skip != nil && skip(k) || a.what != isFile && a.what != isLink || a.what != b.what {
			continue
		}
		var same bool
		if d.a.sums != nil && d.b.sums != nil {
			same = d.a.sums[a.name] == d.b.sums[b.name]
		} else if same, d.err = d.same(a, b); d.err != nil {
			return nil
		}
		if same {
			continue
		}
		out := d.member(k, a, b)
		if out.leaf != nil {
			leaves = append(leaves, found{k, *out.leaf})
		}
		if len(out.facts) > 0 {
			facts[k], archives = out.facts, append(archives, k)
		}
		// A tar within a .deb is only what things are packed in; elsewhere a file
		// whose bytes differ is another file.
		d.inner = d.inner || d.a.kind != arKind || out.verdict == Differs
	}
	d.merge(archives, facts)
	return leaves
}

func (d *differ) member(k string, a, b *member) outcome {
	if why := a.packing.why(b.packing); why != "" {
		return outcome{leaf: &difference{same: why + ", compared as it is packed", cause: PreprocessedData}}
	}
	at := d.below(k, [2]string{path.Base(a.name), path.Base(b.name)})
	if d.a.kind == arKind && k == "data.tar" {
		at.strict = true
	}
	out, err := d.c.pair(at, a.data, b.data)
	if err != nil && d.err == nil {
		d.err = err
	}
	return out
}

func (p *packing) why(q *packing) string {
	if p == nil || q == nil {
		return ""
	}
	if p.opaque != "" {
		return p.opaque
	}
	return q.opaque
}

// merge tells the facts of archives within. What several of them say alike of
// their containers is one line.
func (d *differ) merge(archives []string, facts map[string][]Fact) {
	type kind struct{ cause, class string }
	in := map[kind][]string{}
	for _, k := range archives {
		for _, f := range facts[k] {
			id := kind{f.Cause, f.class}
			if list := in[id]; f.class != "" && !slices.Contains(list[max(0, len(list)-1):], k) {
				in[id] = append(list, k)
			}
		}
	}
	told := map[kind]bool{}
	for _, k := range archives {
		for _, f := range facts[k] {
			id := kind{f.Cause, f.class}
			if told[id] {
				continue
			}
			if all := in[id]; len(all) > 1 {
				told[id] = true
				f.Count, f.Names = len(all), all[:min(len(all), MaxNames)]
				count, names := group(slices.Clone(all[1:]))
				if len(all) > 2 {
					names = count + ", " + names
				}
				f.Line = printable(clipTo(f.Line, maxLine-120) + "; likewise in " + names)
			}
			d.facts = append(d.facts, f)
		}
	}
}

// container compares what is not installed: fields of headers, packing, order.
func (d *differ) container() {
	keys := d.both()
	for _, k := range d.a.folders {
		if d.b.at[k] != nil && d.b.at[k].what == isFolder {
			keys = append(keys, k)
		}
	}
	d.headers(keys)
	d.packed(keys)
	d.order(keys)
	if d.a.wheel != nil {
		d.record()
	}
	d.folders()
	d.whole(string(d.a.kind), d.a.fields, d.b.fields)
}

// headers compares what the container says of members that both have.
func (d *differ) headers(keys []string) {
	pairs := make([]map[string][]string, len(d.a.columns)) // values -> keys
	var rest []string
	for _, k := range keys {
		a, b := d.a.at[k], d.b.at[k]
		differs := false
		for i, col := range d.a.columns[:min(len(a.values), len(b.values))] {
			x, y := a.values[i], b.values[i]
			if x == y {
				continue
			}
			differs = true
			pair := show(k) + " " + clip(x) + " != " + clip(y)
			if col.paired {
				pair = x + " != " + y
			}
			if pairs[i] == nil {
				pairs[i] = map[string][]string{}
			}
			pairs[i][pair] = append(pairs[i][pair], k)
		}
		if !differs && a.residue != b.residue && !d.wrote(a, b) {
			rest = append(rest, k)
		}
	}
	for i, col := range d.a.columns {
		if pairs[i] != nil {
			d.header(col, pairs[i], len(keys))
		}
	}
	if len(rest) > 0 {
		sort.Strings(rest)
		count, names := group(rest)
		d.about(rest, Deflate, "%s headers: %s written otherwise, %s", d.a.kind, count, names)
	}
}

// before puts files, which people know, before folders.
func (d *differ) before(a, b string) bool {
	x, y := d.a.at[a].what == isFolder, d.a.at[b].what == isFolder
	return x == y && a < b || !x && y
}

// wrote reports whether a's header must differ from b's for what is told anyway.
func (d *differ) wrote(a, b *member) bool {
	return a.what != b.what || a.link != b.link || a.packing != nil && a.packing.method != b.packing.method || a.name != b.name && d.a.kind == zipKind
}

func (d *differ) header(f column, byPair map[string][]string, of int) {
	inner := d.inner
	if f.paired {
		d.spread(byPair, f.cause, string(d.a.kind)+" "+f.name+": %[1]s, %[3]s", of)
	} else {
		var keys []string
		first, example := "", ""
		for _, p := range sorted(byPair) {
			for _, k := range byPair[p] {
				if keys = append(keys, k); example == "" || d.before(k, example) {
					first, example = p, k
				}
			}
		}
		sort.Strings(keys)
		d.about(keys, f.cause, "%s "+f.name+": %d of %d members, %s", d.a.kind, len(keys), of, first)
	}
	// Owners and modes of what dpkg installs are content; so are all modes of a folder.
	installed := d.strict || d.a.kind == folderKind
	d.inner = inner || installed && (f.name == "modes" || f.name == "owners")
}

// packed compares the packed bytes of files that are equal unpacked.
func (d *differ) packed(keys []string) {
	var other []string
	var sizes [2]int64
	for _, k := range keys {
		a, b := d.a.at[k], d.b.at[k]
		if d.err != nil || a.packing == nil || b.packing == nil || a.data.open == nil || a.what != b.what {
			continue
		}
		if a.data.size != b.data.size || d.a.sums != nil && d.a.sums[a.name] != d.b.sums[b.name] {
			continue
		}
		p, q := a.packing, b.packing
		differs := p.method != q.method || p.data.size != q.data.size
		if !differs {
			var i int64
			if i, d.err = firstDifference(d.c.ctx, p.data, q.data); d.err != nil || i < 0 {
				continue
			}
		}
		if d.a.sums == nil {
			if same, err := d.same(a, b); err != nil || !same {
				d.err = err
				continue
			}
		}
		other = append(other, k)
		sizes[0], sizes[1] = sizes[0]+p.data.size, sizes[1]+q.data.size
	}
	if len(other) > 0 {
		sort.Strings(other)
		how := ""
		if a, b := d.a.at[other[0]].packing, d.b.at[other[0]].packing; a.method != b.method {
			how = fmt.Sprintf(", %s %s != %s", show(other[0]), a.method, b.method)
		}
		d.about(other, Deflate, "deflate: %d of %d members are packed otherwise, %d != %d bytes%s", len(other), len(keys), sizes[0], sizes[1], how)
	}
}

// order compares the order of the members that both have. In a folder there is none.
func (d *differ) order(keys []string) {
	if d.a.kind == folderKind {
		return
	}
	in := map[string]bool{}
	for _, k := range keys {
		in[k] = true
	}
	list := func(t *tree) (out []string) {
		for _, m := range t.members {
			if in[m.key] {
				out = append(out, m.key)
			}
		}
		return out
	}
	a, b := list(d.a), list(d.b)
	for i := range a {
		if a[i] != b[i] {
			d.fact(RecordOrder, "%s: members in another order, from the %s: %s != %s", d.a.kind, ordinal(i+1), show(a[i]), show(b[i]))
			return
		}
	}
}

// folders compares members that are folders. A wheel's and a zip's are ignored by
// who installs it; elsewhere an empty folder is something.
func (d *differ) folders() {
	onlyA, onlyB := missingFrom(d.a.folders, d.b), missingFrom(d.b.folders, d.a)
	for i, keys := range [][]string{onlyA, onlyB} {
		if len(keys) == 0 {
			continue
		}
		d.inner = d.inner || d.a.kind == folderKind || d.strict
		cause := ZipModes
		if d.a.kind == folderKind {
			cause = ""
		}
		who := d.c.w.a
		if i == 1 {
			who = d.c.w.b
		}
		_, names := group(keys)
		d.about(keys, cause, "%s: %s only %s: %s", d.a.kind, plural(len(keys), "folder"), who, names)
	}
}

// whole compares what a container says of itself.
func (d *differ) whole(name string, a, b []field) {
	for i := range min(len(a), len(b)) {
		if a[i].value != b[i].value {
			d.fact(a[i].cause, "%s "+a[i].name+": %s != %s", name, clip(orNone(a[i].value)), clip(orNone(b[i].value)))
		}
	}
}
