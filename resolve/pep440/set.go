package pep440

import (
	"slices"
	"sort"
)

// A Set is a set of versions, immutable and small to copy. The zero Set is
// empty. See the package comment for what the cuts mean: cuts ascend strictly,
// and a version is a member if an odd number of them is at or below it. The
// cut "" lies below every version.
type Set struct{ cuts []string }

var (
	fullCuts = []string{""}
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
	return between(v.Key(), v.Key()+string([]byte{above}))
}

// from is [cut, ...).
func from(cut string) Set {
	if cut <= leastKey {
		return Full()
	}
	return Set{[]string{cut}}
}

// between is [lo, hi).
func between(lo, hi string) Set {
	if lo <= leastKey {
		lo = ""
	}
	if hi <= leastKey || hi <= lo {
		return Set{}
	}
	return Set{[]string{lo, hi}}
}

// Contains reports whether v is a member. It does not allocate.
func (a Set) Contains(v Version) bool {
	if !v.IsValid() {
		return false
	}
	key := v.spelling()
	if len(a.cuts) > 8 {
		n := sort.Search(len(a.cuts), func(i int) bool { return a.cuts[i] > key })
		return n%2 == 1
	}
	in := false
	for _, cut := range a.cuts {
		if cut > key {
			break
		}
		in = !in
	}
	return in
}

// IsEmpty reports whether no version is a member.
func (a Set) IsEmpty() bool { return len(a.cuts) == 0 }

// IsFull reports whether every version is a member.
func (a Set) IsFull() bool { return len(a.cuts) == 1 && a.cuts[0] == "" }

// Complement is the set of the versions that are not in a.
func (a Set) Complement() Set {
	switch {
	case a.IsEmpty():
		return Full()
	case a.cuts[0] == "":
		return Set{a.cuts[1:]}
	}
	return Set{append([]string{""}, a.cuts...)}
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
func (a Set) Equal(b Set) bool { return slices.Equal(a.cuts, b.cuts) }

// Key is a comparable value that is the same for equal sets and no others.
func (a Set) Key() string {
	var key []byte
	for _, cut := range a.cuts {
		key = append(key, byte(len(cut)>>8), byte(len(cut)))
		key = append(key, cut...)
	}
	return string(key)
}

// sweep passes over the cuts of a and b in order. visit gets each cut and
// whether the versions from there to the next cut are in a and in b; it ends
// the sweep by returning false.
func sweep(a, b Set, visit func(cut string, inA, inB bool) bool) {
	i, j := 0, 0
	for i < len(a.cuts) || j < len(b.cuts) {
		var cut string
		switch {
		case j == len(b.cuts) || i < len(a.cuts) && a.cuts[i] < b.cuts[j]:
			cut = a.cuts[i]
			i++
		case i == len(a.cuts) || b.cuts[j] < a.cuts[i]:
			cut = b.cuts[j]
			j++
		default:
			cut = a.cuts[i]
			i++
			j++
		}
		if !visit(cut, i%2 == 1, j%2 == 1) {
			return
		}
	}
}

// merge is the set of the versions for which keep holds. keep(false, false) must be false.
func merge(a, b Set, keep func(inA, inB bool) bool) Set {
	cuts := make([]string, 0, len(a.cuts)+len(b.cuts))
	sweep(a, b, func(cut string, inA, inB bool) bool {
		if keep(inA, inB) != (len(cuts)%2 == 1) {
			cuts = append(cuts, cut)
		}
		return true
	})
	return Set{cuts}
}

// never reports whether hit holds for no version. hit(false, false) must be false.
func never(a, b Set, hit func(inA, inB bool) bool) bool {
	found := false
	sweep(a, b, func(_ string, inA, inB bool) bool {
		found = hit(inA, inB)
		return !found
	})
	return !found
}
