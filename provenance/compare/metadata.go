package compare

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// metadata compares METADATA, PKG-INFO or a Debian control file field by field.
func (d *differ) metadata(label string, a, b []byte) {
	if bytes.Equal(a, b) {
		return
	}
	said := len(d.facts)
	defer func(a, b []byte) { d.attach(d.facts[said:], label, a, b) }(a, b)
	if bytes.Contains(a, []byte("\r\n")) != bytes.Contains(b, []byte("\r\n")) {
		d.fact(MetadataEOL, "%s: other line ends, CRLF %s", label, map[bool]string{true: d.c.w.a, false: d.c.w.b}[bytes.Contains(a, []byte("\r\n"))])
	}
	a, b = unix(a), unix(b)
	if bytes.Equal(a, b) {
		return
	}
	ah, abody, _ := strings.Cut(string(a), "\n\n")
	bh, bbody, _ := strings.Cut(string(b), "\n\n")
	found := len(d.facts)
	af, bf := fields(ah), fields(bh)
	for _, name := range sorted(union(af, bf)) {
		d.field(label, name, af[name], bf[name])
	}
	if ah != bh && len(d.facts) == found {
		d.fact(MetadataFields, "%s: fields in another order or folded otherwise", label)
	}
	if abody != bbody {
		d.fact(MetadataFields, "%s: description, %s", label, firstLine([]byte(abody), []byte(bbody)))
	}
	if len(d.facts) == said {
		d.fact(MetadataFields, "%s: %s", label, firstLine(a, b))
	}
}

// attach gives the whole difference of the file to the first of its facts.
func (d *differ) attach(facts []Fact, label string, a, b []byte) {
	for i := range facts {
		facts[i].Names, facts[i].Count = []string{printable(label)}, 1
	}
	if len(facts) > 0 {
		d.c.diffs(&facts[0], []found{{"", difference{text: &[2][]byte{a, b}}}})
	}
}

// field compares the values of one field, as a set.
func (d *differ) field(label, name string, a, b []string) {
	onlyA, onlyB := minus(a, b), minus(b, a)
	if len(onlyA)+len(onlyB) == 0 {
		return
	}
	cause, w := MetadataFields, d.c.w
	switch name {
	case "License-File", "License", "License-Expression":
		cause = LicenseFiles
	case "Requires-Dist":
		plainA, plainB := plain(onlyA), plain(onlyB)
		if slices.Equal(plainA, plainB) {
			d.fact(MetadataFields, "%s: Requires-Dist is written otherwise: %s != %s", label, onlyA[0], onlyB[0])
			return
		}
		cause = RequirementGone
	}
	switch {
	case len(a) == 1 && len(b) == 1:
		d.fact(cause, "%s: %s %s", label, name, quotes([]byte(a[0]), []byte(b[0])))
	case len(onlyA) > 0 && len(onlyB) > 0:
		d.fact(cause, "%s: %s only %s: %s; only %s: %s", label, name, w.a, some(onlyA), w.b, some(onlyB))
	case len(b) == 0:
		d.fact(cause, "%s: %s %s, %s: %s", label, name, w.missingB, w.a, some(onlyA))
	case len(a) == 0:
		d.fact(cause, "%s: %s %s, %s: %s", label, name, w.missingA, w.b, some(onlyB))
	case len(onlyA) > 0:
		d.fact(cause, "%s: %s only %s: %s", label, name, w.a, some(onlyA))
	default:
		d.fact(cause, "%s: %s only %s: %s", label, name, w.b, some(onlyB))
	}
}

func some(values []string) string {
	if len(values) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(values[:3], ", "), len(values)-3)
	}
	return strings.Join(values, ", ")
}

// fields reads the headers; lines that begin with a blank continue the last.
func fields(head string) map[string][]string {
	out := map[string][]string{}
	last := ""
	for _, line := range strings.Split(head, "\n") {
		if line != "" && (line[0] == ' ' || line[0] == '\t') && last != "" {
			vs := out[last]
			vs[len(vs)-1] += "\n" + strings.TrimSpace(line)
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			name, value = "(no field)", line
		}
		last = name
		out[last] = append(out[last], strings.TrimSpace(value))
	}
	return out
}

// plain writes requirements without parentheses, quotes' kind and blanks, so
// that old and new ways of writing one requirement compare equal. The clauses
// of a specifier are a set.
func plain(reqs []string) []string {
	out := make([]string, len(reqs))
	for i, r := range reqs {
		req, marker, _ := strings.Cut(r, ";")
		req = strings.NewReplacer("(", "", ")", "", " ", "").Replace(req)
		at := strings.IndexAny(req, "<>=!~")
		if at >= 0 {
			clauses := strings.Split(req[at:], ",")
			slices.Sort(clauses)
			req = req[:at] + strings.Join(clauses, ",")
		}
		out[i] = strings.ToLower(req) + ";" + strings.NewReplacer("'", `"`, " ", "", "(", "", ")", "").Replace(marker)
	}
	slices.Sort(out)
	return out
}

// minus is the sorted rest of a without the values of b, counting repeats.
func minus(a, b []string) []string {
	left := map[string]int{}
	for _, v := range b {
		left[v]++
	}
	var out []string
	for _, v := range a {
		if left[v]--; left[v] < 0 {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

func union[V any](a, b map[string]V) map[string]bool {
	u := map[string]bool{}
	for k := range a {
		u[k] = true
	}
	for k := range b {
		u[k] = true
	}
	return u
}
