package merge

import (
	"reflect"
	"slices"

	"github.com/freedomofpress/wheellock/lock"
)

func equal[T any](a, b T) bool { return reflect.DeepEqual(a, b) }

// three is the rule of every three-way merge; false: both changed it.
func three[T any](base, ours, theirs T) (T, bool) {
	switch {
	case equal(ours, theirs), equal(theirs, base):
		return ours, true
	case equal(ours, base):
		return theirs, true
	}
	return ours, false
}

// has applies the rule to being there.
func has(base, ours, theirs bool) bool {
	if ours == theirs {
		return ours
	}
	return ours != base && ours || theirs != base && theirs
}

// union is the members that either side has or added, without those that one
// side took out.
func union(base, ours, theirs []string) []string {
	var out []string
	for _, x := range slices.Concat(ours, theirs) {
		if has(slices.Contains(base, x), slices.Contains(ours, x), slices.Contains(theirs, x)) {
			out = append(out, x)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// row merges the row to install; why says what is in conflict.
func row(base, ours, theirs *lock.Wheel) (w lock.Wheel, why string) {
	switch {
	case theirs == nil:
		return *ours, ""
	case ours == nil:
		return *theirs, ""
	}
	var b lock.Wheel
	if base != nil {
		b = *base
	}
	if w, ok := three(b, *ours, *theirs); ok {
		return w, ""
	}
	a, c := *ours, *theirs
	if a.Missing() {
		a, c = c, a // if one has a hash, it is a
	}
	switch {
	case !c.Missing() && a.SHA256 != c.SHA256:
		return a, "two hashes of " + a.Name
	case a.Recipe != c.Recipe && !(c.Missing() && c.Recipe == "") && !(a.Missing() && a.Recipe == ""):
		return a, "two recipes for " + a.Name
	case !c.Missing() && (a.Name != c.Name || a.Origin != c.Origin):
		return a, "two files of one hash, " + min(a.Name, c.Name) + " and " + max(a.Name, c.Name)
	case a.Missing() && a.Name != c.Name:
		return a, "two files to be built, " + min(a.Name, c.Name) + " and " + max(a.Name, c.Name)
	}
	if a.Recipe == "" {
		a.Recipe = c.Recipe
	}
	if a.Content != "" && c.Content != "" && a.Content != c.Content {
		return a, "two hashes of the content of " + a.Name
	}
	a.Content, a.Size = max(a.Content, c.Content), max(a.Size, c.Size)
	return a, ""
}

// published merges what is known of a published file.
func published(base, ours, theirs lock.Upstream) (u lock.Upstream, why string) {
	if u, ok := three(base, ours, theirs); ok {
		return u, ""
	}
	if ours.SHA256 != theirs.SHA256 {
		return ours, "two hashes of the published " + ours.Name
	}
	ours.Size, theirs.Size = max(ours.Size, theirs.Size), max(ours.Size, theirs.Size)
	if ours.Content == "" || theirs.Content == "" {
		ours.Content = max(ours.Content, theirs.Content)
		theirs.Content = ours.Content
	}
	judged := func(u lock.Upstream) lock.Upstream { u.Causes = slices.Clone(u.Causes); return u }
	switch {
	case equal(judged(ours), judged(theirs)), theirs.Verdict == lock.VerdictUntried && ours.Content == theirs.Content:
		return ours, ""
	case ours.Verdict == lock.VerdictUntried && ours.Content == theirs.Content:
		return theirs, ""
	}
	return ours, "two verdicts on the published " + ours.Name
}
