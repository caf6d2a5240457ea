package build

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Variations is a set of circumstances that a build may differ in from one machine,
// person or day to the next, and that must not show in what it makes.
type Variations uint16

// The variations, by name (see [Variations.String]):
//
//	path        where the source lies
//	time        the clock: more than a year away
//	zone        TZ
//	locale      LANG and LC_ALL: another language, with another order of letters
//	umask       of the build, and of the modes in the copy of the source
//	hash-seed   PYTHONHASHSEED and PERL_HASH_SEED: the order of sets
//	host        the host name
//	user        name and number of the user and the group
//	home        HOME
//	file-order  the order in which the source's folders list their files
//	file-times  the times of the source's files, as another checkout has them
//	cpus        one processor in place of all
//	suite       another release of the distribution; only where it is asked for
const (
	VaryPath Variations = 1 << iota
	VaryTime
	VaryZone
	VaryLocale
	VaryUmask
	VaryHashSeed
	VaryHost
	VaryUser
	VaryHome
	VaryFileOrder
	VaryFileTimes
	VaryCPUs
	VarySuite
)

// AllVariations are those that are varied unless something else is asked for.
const AllVariations = VarySuite - 1

// variationWords has a row for each variation: its name, and what it is called in sentences.
var variationWords = [...][2]string{
	{"path", "path"}, {"time", "time"}, {"zone", "time zone"}, {"locale", "locale"}, {"umask", "umask"},
	{"hash-seed", "hash seed"}, {"host", "host name"}, {"user", "user"}, {"home", "home folder"},
	{"file-order", "order of files"}, {"file-times", "times of the source's files"}, {"cpus", "number of processors"},
	{"suite", "suite"},
}

// VariationNames are all names, in the order of the constants.
func VariationNames() []string {
	var out []string
	for _, w := range variationWords {
		out = append(out, w[0])
	}
	return out
}

// Has reports whether all of w are in v.
func (v Variations) Has(w Variations) bool { return v&w == w }

// Each returns the members as sets of one, in the order of the constants.
func (v Variations) Each() []Variations {
	var out []Variations
	for ; v != 0; v &= v - 1 {
		out = append(out, v&-v)
	}
	return out
}

// Names are the names of the members, in the order of the constants.
func (v Variations) Names() []string {
	out := []string{}
	for _, one := range v.Each() {
		out = append(out, variationWords[bits.TrailingZeros16(uint16(one))][0])
	}
	return out
}

// String is the names, joined by commas.
func (v Variations) String() string { return strings.Join(v.Names(), ",") }

// Words are the members in a sentence: "the time zone and the locale".
func (v Variations) Words() string {
	var out []string
	for _, one := range v.Each() {
		out = append(out, "the "+variationWords[bits.TrailingZeros16(uint16(one))][1])
	}
	switch n := len(out); n {
	case 0:
		return "nothing"
	case 1:
		return out[0]
	default:
		return strings.Join(out[:n-1], ", ") + " and " + out[n-1]
	}
}

// ParseVariations reads a list such as "time,zone" (these two), "-user,+suite" (of
// usual, without the one and with the other) or "all,-time". all and none stand for
// [AllVariations] and the empty set; a list that begins with + or - begins with usual.
func ParseVariations(list string, usual Variations) (Variations, error) {
	var v Variations
	if strings.HasPrefix(list, "+") || strings.HasPrefix(list, "-") {
		v = usual
	}
	for _, item := range strings.Split(list, ",") {
		name := strings.TrimLeft(item, "+-")
		if len(item)-len(name) > 1 {
			name = item
		}
		var one Variations
		switch i := slices.Index(VariationNames(), name); {
		case i >= 0:
			one = 1 << i
		case name == "all":
			one = AllVariations
		case name != "none" || item != name:
			return 0, fmt.Errorf("%q is no variation: all, none, or one of %s", item, strings.Join(VariationNames(), ", "))
		}
		if strings.HasPrefix(item, "-") {
			v &^= one
		} else {
			v |= one
		}
	}
	return v, nil
}

// Varied says how one build differs from the plain one. The zero value is the
// plain one.
type Varied struct {
	Set Variations
	// Round picks the other value, from 1 on: a set of three strings comes in the same
	// order under two hash seeds now and then, hardly under four.
	Round int
}

// NotVaried is a variation that was wanted and could not be had.
type NotVaried struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}
