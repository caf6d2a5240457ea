// Package pep440 is being written: this file holds the exported shapes.
package pep440

import "errors"

var errUnwritten = errors.New("unwritten")

// Version is a PEP 440 version. It is a value; the zero Version is invalid.
type Version struct{ key string }

// Parse reads a version in any spelling that PEP 440 accepts.
func Parse(s string) (Version, error) { return Version{}, errUnwritten }

// MustParse is Parse for tables and tests; it panics on an invalid version.
func MustParse(s string) Version {
	v, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

// IsValid reports whether v came from Parse.
func (v Version) IsValid() bool { return v.key != "" }

// Compare returns -1, 0 or +1. It allocates nothing.
func (v Version) Compare(w Version) int { return 0 }

// Equal reports whether v and w are the same version ("1.0" and "1.0.0" are).
func (v Version) Equal(w Version) bool { return v.Compare(w) == 0 }

// Key is a comparable value, the same for equal versions: use it as a map key.
func (v Version) Key() string { return v.key }

// String is the normal form.
func (v Version) String() string { return "" }

// Public is the normal form without the local label.
func (v Version) Public() string { return "" }

// Base is epoch and release only.
func (v Version) Base() string { return "" }

// Local is the local label without its plus sign, or "".
func (v Version) Local() string { return "" }

// Epoch is the epoch in decimal.
func (v Version) Epoch() string { return "" }

// Release is the release's numbers in decimal, as written (no zeros removed).
func (v Version) Release() []string { return nil }

// IsPrerelease reports a pre-release or development release.
func (v Version) IsPrerelease() bool { return false }

// IsPost reports a post-release.
func (v Version) IsPost() bool { return false }

// IsDev reports a development release.
func (v Version) IsDev() bool { return false }

// Pre says whether pre-releases may match.
type Pre int

// PreAuto leaves it to the clauses, PreAllow admits and PreForbid refuses pre-releases.
const (
	PreAuto Pre = iota
	PreAllow
	PreForbid
)

// Specifier is one clause.
type Specifier struct{ Op, Version string }

// Specifiers is a comma-separated list of clauses, all of which must hold; the zero value admits any version.
type Specifiers struct{}

// ParseSpecifiers reads a comma-separated list.
func ParseSpecifiers(s string) (Specifiers, error) { return Specifiers{}, errUnwritten }

// Clauses returns the clauses as written, in order.
func (s Specifiers) Clauses() []Specifier { return nil }

// String is the sorted, comma-separated list.
func (s Specifiers) String() string { return "" }

// IsEmpty reports a list without clauses.
func (s Specifiers) IsEmpty() bool { return true }

// And is the list with the clauses of both.
func (s Specifiers) And(t Specifiers) Specifiers { return s }

// Contains reports whether v satisfies every clause.
func (s Specifiers) Contains(v Version, pre Pre) bool { return false }

// ContainsString is Contains for a string that may not be a version: only === can match such a one.
func (s Specifiers) ContainsString(v string, pre Pre) bool { return false }

// Filter returns the matching members of vs in their order.
func (s Specifiers) Filter(vs []string, pre Pre) []string { return nil }

// Prereleases reports whether a clause itself opts in to pre-releases; said is false when there are no clauses.
func (s Specifiers) Prereleases() (allowed, said bool) { return false, false }

// Set is the version set of the list.
func (s Specifiers) Set() Set { return Set{} }

// Set is a set of versions: an immutable, sorted union of disjoint intervals.
type Set struct{}

// Empty is the set without versions.
func Empty() Set { return Set{} }

// Full is the set of all versions.
func Full() Set { return Set{} }

// Singleton holds v alone (not its local variants).
func Singleton(v Version) Set { return Set{} }

// Intersect is the set of versions in both.
func (a Set) Intersect(b Set) Set { return Set{} }

// Union is the set of versions in either.
func (a Set) Union(b Set) Set { return Set{} }

// Complement is the set of versions not in a.
func (a Set) Complement() Set { return Set{} }

// IsEmpty reports whether no version is in a.
func (a Set) IsEmpty() bool { return false }

// IsFull reports whether every version is in a.
func (a Set) IsFull() bool { return false }

// SubsetOf reports whether every version of a is in b.
func (a Set) SubsetOf(b Set) bool { return false }

// Disjoint reports whether a and b share no version.
func (a Set) Disjoint(b Set) bool { return false }

// Equal reports whether a and b hold the same versions.
func (a Set) Equal(b Set) bool { return false }

// Contains reports whether v is in a.
func (a Set) Contains(v Version) bool { return false }

// String is the set as clauses, ">=2,<3" or ">=1,!=1.5"; alternatives are joined by " || ".
func (a Set) String() string { return "" }

// CanonicalVersion is the normal form of s, without trailing zeros if strip; s itself if it is no version.
func CanonicalVersion(s string, strip bool) string { return "" }
