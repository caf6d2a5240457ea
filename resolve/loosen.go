package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// loosen tries a requirement with one clause less, then without any, and
// offers the tightest that the solution found so still satisfies.
func (r *relaxer) loosen(n *need) {
	q, err := n.parsed()
	if err != nil {
		return
	}
	clauses := q.Specifiers.Clauses()
	for drop := -1; drop < len(clauses); drop++ {
		var out, keep []pep440.Specifier
		for i, c := range clauses {
			if i == drop || drop < 0 && len(clauses) == 1 {
				out = append(out, c)
			} else {
				keep = append(keep, c)
			}
		}
		if drop < 0 && len(clauses) > 1 || drop >= 0 && len(clauses) == 1 {
			continue
		}
		if r.loosened(n, q, keep, out) {
			return
		}
	}
	if len(clauses) > 1 {
		r.loosened(n, q, nil, clauses)
	}
}

func (r *relaxer) loosened(n *need, q pep508.Requirement, keep, out []pep440.Specifier) bool {
	q.Specifiers = join(keep)
	free := n.like(q)
	g, ok := r.works(trial{of: n, by: free})
	if !ok {
		return false
	}
	tight := q
	tight.Specifiers = join(append(slices.Clone(keep), tighten(out, g[n.name])...))
	if by := n.like(tight); by.text != free.text {
		if h, ok := r.works(trial{of: n, by: by}); ok {
			free, g = by, h
		}
	}
	r.add(r.write(n, free.text), r.insteadOf(n)+g.gives(n.name))
	return true
}

func join(list []pep440.Specifier) pep440.Specifiers {
	var words []string
	for _, c := range list {
		words = append(words, c.Op+c.Version)
	}
	s, err := pep440.ParseSpecifiers(strings.Join(words, ","))
	if err != nil {
		return pep440.Specifiers{}
	}
	return s
}

// tighten makes, of clauses that were in the way, such as admit versions.
func tighten(out []pep440.Specifier, versions []string) []pep440.Specifier {
	if len(versions) == 0 {
		return nil
	}
	list := make([]pep440.Version, len(versions))
	for i, v := range versions {
		list[i] = pep440.MustParse(v)
	}
	oldest := slices.MinFunc(list, pep440.Version.Compare)
	newest := slices.MaxFunc(list, pep440.Version.Compare)
	var tight []pep440.Specifier
	for _, c := range out {
		switch c.Op {
		case "==", "===":
			if len(list) == 1 {
				tight = append(tight, pep440.Specifier{Op: "==", Version: newest.String()})
			}
		case ">=", ">", "~=":
			tight = append(tight, pep440.Specifier{Op: ">=", Version: oldest.Public()})
		case "<", "<=":
			if next, ok := major(newest.String()); ok && c.Op == "<" && strings.Trim(c.Version, "0123456789") == "" {
				tight = append(tight, pep440.Specifier{Op: "<", Version: next})
			}
		}
	}
	return tight
}

// major is the first number of a version plus one: "4" for 3.1.
func major(version string) (string, bool) {
	first, _, _ := strings.Cut(version, ".")
	n := 0
	if _, err := fmt.Sscanf(first, "%d", &n); err != nil || fmt.Sprint(n) != first {
		return "", false
	}
	return fmt.Sprint(n + 1), true
}

// dropExtras tries a requirement without one of its extras, then without all.
func (r *relaxer) dropExtras(n *need) {
	q, err := n.parsed()
	if err != nil || len(n.extras) == 0 || !r.extraBlamed(n) {
		return
	}
	tried := [][]string{}
	for i := range q.Extras {
		tried = append(tried, slices.Delete(slices.Clone(q.Extras), i, i+1))
	}
	if len(q.Extras) > 1 {
		tried = append(tried, nil)
	}
	worked := false
	for i, keep := range tried {
		if i == len(q.Extras) && worked {
			return
		}
		less := q
		less.Extras = keep
		by := n.like(less)
		if g, ok := r.works(trial{of: n, by: by}); ok {
			r.add(r.write(n, by.text), r.insteadOf(n)+g.gives(n.name))
			worked = true
		}
	}
}

// extraBlamed reports whether what an extra of n adds is in the proof.
func (r *relaxer) extraBlamed(n *need) bool {
	for _, i := range r.group[0].leaves {
		for _, t := range i.Terms {
			if t.Name.Package == n.name && slices.Contains(n.extras, t.Name.Extra) {
				return true
			}
		}
	}
	return false
}

// narrow tries to do without a requirement on the group's targets alone, where
// others have a solution and a marker tells them apart.
func (r *relaxer) narrow(n *need) bool {
	q, err := n.parsed()
	if err != nil || !n.root || n.marker != nil {
		return false
	}
	for _, m := range r.markers() {
		if q.Marker, err = pep508.ParseMarker(m); err != nil {
			continue
		}
		by := n.like(q)
		if _, ok := r.works(trial{of: n, by: by}); ok {
			r.add(r.write(n, by.text), r.insteadOf(n)+"; leaves it out on "+joinWords(r.names()))
			return true
		}
	}
	return false
}

// drop tries to do without a requirement.
func (r *relaxer) drop(n *need) {
	if _, ok := r.works(trial{of: n}); !ok {
		return
	}
	switch {
	case !n.root || n.group != "":
		r.add("remove "+n.text+at(n), "nothing smaller was found")
	default:
		r.add("wheellock remove "+n.name, "does without "+n.text+at(n))
	}
}

// markers are true on the targets that have a solution and false on the group's.
func (r *relaxer) markers() []string {
	if len(r.others) == 0 {
		return nil
	}
	var list []string
	if python := r.boundary(); python != "" {
		list = append(list, "python_version >= '"+python+"'")
	}
	for _, variable := range []string{"sys_platform", "platform_machine", "python_version"} {
		bad, good := []string{}, []string{}
		for _, x := range r.group {
			bad = append(bad, x.env[variable])
		}
		for _, t := range r.others {
			good = append(good, t.Environment()[variable])
		}
		slices.Sort(bad)
		slices.Sort(good)
		bad, good = slices.Compact(bad), slices.Compact(good)
		switch {
		case slices.ContainsFunc(bad, func(s string) bool { return slices.Contains(good, s) }):
		case len(good) == 1:
			list = append(list, variable+" == '"+good[0]+"'")
		case len(bad) == 1:
			list = append(list, variable+" != '"+bad[0]+"'")
		}
	}
	return list
}

func (r *relaxer) names() []string {
	var out []string
	for _, x := range r.group {
		out = append(out, x.target.Name)
	}
	return out
}

// boundary is the Python that a version which the group misses needs, or else
// the lowest of the targets that have a solution; "" if the group is not older.
func (r *relaxer) boundary() string {
	low := pep440.Version{}
	for _, t := range r.others {
		if v := t.Version(); !low.IsValid() || v.Less(low) {
			low = v
		}
	}
	parts := strings.SplitN(low.String(), ".", 3)
	text := strings.Join(parts[:min(len(parts), 2)], ".")
	bounds := append(r.pythonsMissed(), text)
	slices.SortFunc(bounds, func(a, b string) int { return minor(a) - minor(b) })
	for _, b := range bounds {
		above := !slices.ContainsFunc(r.group, func(x *explainer) bool { return minor(x.target.Python) >= minor(b) })
		if above && minor(b) <= minor(text) {
			return b
		}
	}
	return ""
}
