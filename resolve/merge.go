package resolve

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/tags"
)

// has is what a reason says of the target: left out where targets are merged
// that differ in nothing else.
var has = regexp.MustCompile(`, target has \d+(\.\d+)*`)

// merge makes one explanation of those that say the same.
func (e *ConflictError) merge(results []targetResult) {
	e.Explanations = nil
	for _, group := range alike(results) {
		first := group[0]
		x := Explanation{So: first.so}
		for i, s := range first.said {
			if slices.ContainsFunc(group, func(y *explainer) bool { return y.said[i] != s }) {
				s = has.ReplaceAllString(s, "")
			}
			x.Facts = append(x.Facts, s)
		}
		var titles []string
		for _, y := range group {
			x.Targets = append(x.Targets, y.target.Name)
			titles = append(titles, title(y.target, strings.Join(x.Facts, "\n")))
		}
		x.title = joinWords(titles)
		e.Explanations = append(e.Explanations, x)
	}
}

// alike groups the targets' explanations, in the order of the targets.
func alike(results []targetResult) [][]*explainer {
	var groups [][]*explainer
	said := map[string]int{}
	for _, r := range results {
		if r.conflict == nil {
			continue
		}
		key := has.ReplaceAllString(strings.Join(append(r.conflict.said, r.conflict.so), "\n"), "")
		k, ok := said[key]
		if !ok {
			k = len(groups)
			said[key] = k
			groups = append(groups, nil)
		}
		groups[k] = append(groups[k], r.conflict)
	}
	return groups
}

// title is a target's name, with its Python and libc where the facts speak of
// such and the name does not tell.
func title(t tags.Target, facts string) string {
	var of []string
	if strings.Contains(facts, "Python") && !strings.Contains(t.Name, t.Python) {
		of = append(of, "Python "+t.Python)
	}
	if libc, major, minor := t.Libc(); libc != "" && strings.Contains(facts, "needs "+libc) && !has.MatchString(facts) {
		of = append(of, fmt.Sprintf("%s %d.%d", libc, major, minor))
	}
	if len(of) == 0 {
		return t.Name
	}
	return t.Name + " (" + strings.Join(of, ", ") + ")"
}
