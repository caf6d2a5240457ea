package pep440

import (
	"slices"
	"sort"
)

// A Set is a set of versions, immutable and small to copy. The zero Set is
// empty. See the package comment for what the cuts mean: cuts ascend strictly,
// and a version is a member if an odd number of them is at or below it. The
// cut with the key "" lies below every version.
type Set struct{ cuts []cut }

// cut is a place between versions.
type cut struct {
	key   string // below all versions whose keys are not less
	zeros int    // how many zeros the release had as written; for String only
}

var (
	fullCuts = []cut{{}}
	leastKey = func() string { return MustParse("0.dev0").Key() }()
)

// Empty is the set without versions.
func Empty() Set { return Set{} }

// Full is the set of all versions.
func Full() Set { return Set{fullCuts} }

// Singleton holds v and what is equal to it ("1.0" and "1.0.0"), but not v's
// local variants: == of a specifier is Specifiers.Set.
func Singleton(v Version) Set {
	if !v.IsValid() {
		return Set{}
	}
	zeros := v.zeros()
	return between(cut{v.Key(), zeros}, cut{v.Key() + string([]byte{above}), zeros})
}

// from is [cut, ...).
func from(lo cut) Set {
	if lo.key <= leastKey {
		return Full()
	}
	return Set{[]cut{lo}}
}

// between is [lo, hi).
func between(lo, hi cut) Set {
	if lo.key <= leastKey {
		lo = cut{}
	}
	if hi.key <= leastKey || hi.key <= lo.key {
		return Set{}
	}
	return Set{[]cut{lo, hi}}
}

// Contains reports whether v is a member. It does not allocate.
func (a Set) Contains(v Version) bool {
	if !v.IsValid() {
		return false
	}
	key := v.spelling()
	if len(a.cuts) > 8 {
		n := sort.Search(len(a.cuts), func(i int) bool { return a.cuts[i].key > key })
		return n%2 == 1
	}
	in := false
	for i := range a.cuts {
		if a.cuts[i].key > key {
			break
		}
		in = !in
	}
	return in
}

// IsEmpty reports whether no version is a member.
func (a Set) IsEmpty() bool { return len(a.cuts) == 0 }

// IsFull reports whether every version is a member.
func (a Set) IsFull() bool { return len(a.cuts) == 1 && a.cuts[0].key == "" }

// Complement is the set of the versions that are not in a.
func (a Set) Complement() Set {
	switch {
	case a.IsEmpty():
		return Full()
	case a.cuts[0].key == "":
		return Set{a.cuts[1:]}
	}
	return Set{append([]cut{{}}, a.cuts...)}
}

// Intersect is the set of the versions that are in both.
func (a Set) Intersect(b Set) Set {
	switch {
	case a.IsFull() || b.IsEmpty():
		return b
	case b.IsFull() || a.IsEmpty():
		return a
	}
	return merge(a, b, func(inA, inB bool) bool { return inA && inB })
}

// Union is the set of the versions that are in either.
func (a Set) Union(b Set) Set {
	switch {
	case a.IsFull() || b.IsEmpty():
		return a
	case b.IsFull() || a.IsEmpty():
		return b
	}
	return merge(a, b, func(inA, inB bool) bool { return inA || inB })
}

// Minus is the set of the versions that are in a and not in b.
func (a Set) Minus(b Set) Set {
	return merge(a, b, func(inA, inB bool) bool { return inA && !inB })
}

// SubsetOf reports whether every version of a is in b. It does not allocate.
func (a Set) SubsetOf(b Set) bool {
	return never(a, b, func(inA, inB bool) bool { return inA && !inB })
}

// Disjoint reports whether no version is in both. It does not allocate.
func (a Set) Disjoint(b Set) bool {
	return never(a, b, func(inA, inB bool) bool { return inA && inB })
}

// Equal reports whether a and b have the same versions.
func (a Set) Equal(b Set) bool {
	return slices.EqualFunc(a.cuts, b.cuts, func(c, d cut) bool { return c.key == d.key })
}

// Key is a comparable value that is the same for equal sets and no others.
func (a Set) Key() string {
	var key []byte
	for _, c := range a.cuts {
		key = append(key, byte(len(c.key)>>8), byte(len(c.key)))
		key = append(key, c.key...)
	}
	return string(key)
}

// sweep passes over the cuts of a and b in order. visit gets each cut and
// whether the versions from there to the next cut are in a and in b; it ends
// the sweep by returning false.
func sweep(a, b Set, visit func(at cut, inA, inB bool) bool) {
	i, j := 0, 0
	for i < len(a.cuts) || j < len(b.cuts) {
		var at cut
		switch {
		case j == len(b.cuts) || i < len(a.cuts) && a.cuts[i].key < b.cuts[j].key:
			at = a.cuts[i]
			i++
		case i == len(a.cuts) || b.cuts[j].key < a.cuts[i].key:
			at = b.cuts[j]
			j++
		default: // the same cut; one text whatever the order of a and b
			at = a.cuts[i]
			at.zeros = min(at.zeros, b.cuts[j].zeros)
			i++
			j++
		}
		if !visit(at, i%2 == 1, j%2 == 1) {
			return
		}
	}
}

// merge is the set of the versions for which keep holds. keep(false, false) must be false.
func merge(a, b Set, keep func(inA, inB bool) bool) Set {
	cuts := make([]cut, 0, len(a.cuts)+len(b.cuts))
	sweep(a, b, func(at cut, inA, inB bool) bool {
		if keep(inA, inB) != (len(cuts)%2 == 1) {
			cuts = append(cuts, at)
		}
		return true
	})
	return Set{cuts}
}

// never reports whether hit holds for no version. hit(false, false) must be false.
func never(a, b Set, hit func(inA, inB bool) bool) bool {
	found := false
	sweep(a, b, func(_ cut, inA, inB bool) bool {
		found = hit(inA, inB)
		return !found
	})
	return !found
}
