package solver

import "math/bits"

// Set is a set of versions of one package: bit i stands for version i. Sets of
// one package have the same length. A Set that was given away is never changed.
type Set []uint64

// NewSet returns the empty set for a package with n versions.
func NewSet(n int) Set { return make(Set, (n+63)/64) }

// FullSet returns the set of all n versions.
func FullSet(n int) Set {
	s := NewSet(n)
	for i := range s {
		s[i] = ^uint64(0)
	}
	if r := n % 64; r != 0 {
		s[len(s)-1] = 1<<r - 1
	}
	return s
}

// SetOf returns the set of the given versions of a package with n versions.
func SetOf(n int, versions ...int) Set {
	s := NewSet(n)
	for _, v := range versions {
		s.Add(v)
	}
	return s
}

// Add puts version v into s, which must not have been given away yet.
func (s Set) Add(v int) { s[v/64] |= 1 << (v % 64) }

// Has reports whether v is in s.
func (s Set) Has(v int) bool { return s[v/64]&(1<<(v%64)) != 0 }

// IsEmpty reports whether nothing is in s.
func (s Set) IsEmpty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// Count returns how many versions are in s.
func (s Set) Count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// And returns the versions in both sets.
func (s Set) And(t Set) Set {
	r := make(Set, len(s))
	for i := range s {
		r[i] = s[i] & t[i]
	}
	return r
}

// Or returns the versions in either set.
func (s Set) Or(t Set) Set {
	r := make(Set, len(s))
	for i := range s {
		r[i] = s[i] | t[i]
	}
	return r
}

// AndNot returns the versions of s that are not in t.
func (s Set) AndNot(t Set) Set {
	r := make(Set, len(s))
	for i := range s {
		r[i] = s[i] &^ t[i]
	}
	return r
}

// SubsetOf reports whether every version of s is in t.
func (s Set) SubsetOf(t Set) bool {
	for i := range s {
		if s[i]&^t[i] != 0 {
			return false
		}
	}
	return true
}

// Disjoint reports whether no version is in both sets.
func (s Set) Disjoint(t Set) bool {
	for i := range s {
		if s[i]&t[i] != 0 {
			return false
		}
	}
	return true
}

// Equal reports whether both sets hold the same versions.
func (s Set) Equal(t Set) bool {
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

// Newest returns the highest version of s, or -1.
func (s Set) Newest() int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 0 {
			return i*64 + 63 - bits.LeadingZeros64(s[i])
		}
	}
	return -1
}

// Oldest returns the lowest version of s, or -1.
func (s Set) Oldest() int {
	for i, w := range s {
		if w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// Below returns the highest version of s that is lower than v, or -1.
func (s Set) Below(v int) int {
	for v--; v >= 0; v-- {
		w := s[v/64] << (63 - v%64)
		if w != 0 {
			return v - bits.LeadingZeros64(w)
		}
		v -= v % 64
	}
	return -1
}

// Above returns the lowest version of s that is higher than v, or -1.
func (s Set) Above(v int) int {
	for v++; v < len(s)*64; v++ {
		w := s[v/64] >> (v % 64)
		if w != 0 {
			return v + bits.TrailingZeros64(w)
		}
		v |= 63
	}
	return -1
}
