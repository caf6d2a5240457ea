package pep440

import (
	"fmt"
	"strings"
)

// MaxLength is the longest version string, in bytes, that Parse looks at. The
// longest that the reference's own tests use has about 300.
const MaxLength = 8192

// A Version is a PEP 440 version. It is a small value to be copied; the zero
// Version is invalid, sorts below all others and prints as "". Two Versions are
// the same under == if they have the same normal form; use Equal or
// Key where "1.0" and "1.0.0" must not differ.
type Version struct {
	data string // normal form, sort key, number of trailing zeros
	text uint16 // length of the normal form
	key  uint16 // end of the sort key in data
	bits uint8
}

const (
	bitPre = 1 << iota
	bitPost
	bitDev
	bitLocal
)

// InvalidVersionError is the error of Parse.
type InvalidVersionError struct{ Input string }

func (e *InvalidVersionError) Error() string {
	return fmt.Sprintf("invalid version %s", quoted(e.Input))
}

// quoted is s in quotes, cut short if it is long.
func quoted(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%.*q...", most, s)
	}
	return fmt.Sprintf("%q", s)
}

// Parse reads a version in any spelling that PEP 440 allows, with white space
// around it. Its error is an *InvalidVersionError. It allocates once.
func Parse(s string) (Version, error) {
	if len(s) > MaxLength {
		return Version{}, &InvalidVersionError{s}
	}
	var p parts
	if !scan(trimSpace(s), &p) {
		return Version{}, &InvalidVersionError{s}
	}
	return p.version(), nil
}

// MustParse is Parse for tables and tests; it panics if s is no version.
func MustParse(s string) Version {
	v, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

// version puts the parts together.
func (p *parts) version() Version {
	var room [128]byte
	data := p.appendText(room[:0])
	text := len(data)
	data = p.appendKey(data)
	key := len(data)
	data = appendInt(data, p.zeros())
	v := Version{data: string(data), text: uint16(text), key: uint16(key)}
	if p.pre != 0 {
		v.bits |= bitPre
	}
	if p.post != "" {
		v.bits |= bitPost
	}
	if p.dev != "" {
		v.bits |= bitDev
	}
	if p.local != "" {
		v.bits |= bitLocal
	}
	return v
}

// parts takes v apart again.
func (v Version) parts() *parts {
	p := &parts{}
	scan(v.String(), p)
	return p
}

// IsValid reports whether v came from Parse.
func (v Version) IsValid() bool { return v.data != "" }

// Compare returns -1, 0 or +1 as v is below, equal to or above w in the order
// of PEP 440. Trailing zeros of the release do not count. It does not allocate.
func (v Version) Compare(w Version) int { return strings.Compare(v.Key(), w.Key()) }

// Equal reports whether v and w are the same version; "1.0" and "1.0.0" are.
func (v Version) Equal(w Version) bool { return v.Key() == w.Key() }

// Less reports whether v is below w.
func (v Version) Less(w Version) bool { return v.Key() < w.Key() }

// Key is v's sort key: the same for equal versions, and in byte order
// otherwise. It is binary, costs nothing, and serves as the key of a map.
func (v Version) Key() string { return v.data[v.text:v.key] }

// spelling is the key with the number of trailing zeros: the identity of the
// normal form, still in order.
func (v Version) spelling() string { return v.data[v.text:] }

// zeros is the number of the release's trailing zeros.
func (v Version) zeros() int {
	if n := v.data[v.key]; n <= smallNumbers {
		return int(n) - 1
	}
	return v.parts().zeros()
}

// String is the normal form, "1!2.0rc1.post2.dev3+ubuntu.1".
func (v Version) String() string { return v.data[:v.text] }

// Public is the normal form without the local label.
func (v Version) Public() string {
	public, _, _ := strings.Cut(v.String(), "+")
	return public
}

// Local is the local label in normal form without its plus sign, or "".
func (v Version) Local() string {
	_, local, _ := strings.Cut(v.String(), "+")
	return local
}

// Base is epoch and release: "1!2.0".
func (v Version) Base() string {
	if !v.IsValid() {
		return ""
	}
	return string(v.parts().appendBase(nil))
}

// Epoch is the epoch in decimal, "0" if there is none.
func (v Version) Epoch() string { return v.parts().epoch }

// Release holds the release's numbers in decimal, trailing zeros included.
func (v Version) Release() []string { return append([]string(nil), v.parts().release()...) }

// Pre is the pre-release's letter ("a", "b" or "rc") and number, or "" and "".
func (v Version) Pre() (letter, number string) {
	p := v.parts()
	switch p.pre {
	case 0:
		return "", ""
	case 'c':
		return "rc", p.preNum
	}
	return string(p.pre), p.preNum
}

// Post is the number of the post-release, or "".
func (v Version) Post() string { return v.parts().post }

// Dev is the number of the development release, or "".
func (v Version) Dev() string { return v.parts().dev }

// IsPrerelease reports whether v is a pre-release or a development release.
func (v Version) IsPrerelease() bool { return v.bits&(bitPre|bitDev) != 0 }

// IsPost reports whether v is a post-release.
func (v Version) IsPost() bool { return v.bits&bitPost != 0 }

// IsDev reports whether v is a development release.
func (v Version) IsDev() bool { return v.bits&bitDev != 0 }

// HasLocal reports whether v has a local label.
func (v Version) HasLocal() bool { return v.bits&bitLocal != 0 }

// MarshalText writes the normal form.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText is Parse.
func (v *Version) UnmarshalText(text []byte) error {
	w, err := Parse(string(text))
	if err != nil {
		return err
	}
	*v = w
	return nil
}

// CanonicalVersion is the normal form of s, without the release's trailing
// zeros if strip is set ("1.0.0" becomes "1"). A string that is no version comes back unchanged.
func CanonicalVersion(s string, strip bool) string {
	v, err := Parse(s)
	if err != nil {
		return s
	}
	if !strip {
		return v.String()
	}
	p := v.parts()
	p.many = p.release()[:p.trimmed()]
	return p.String()
}
