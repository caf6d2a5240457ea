package tags

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// ErrFileName is wrapped by every error about a file name that is neither a
// wheel's nor an sdist's.
var ErrFileName = errors.New("invalid file name")

// WheelName is a wheel's file name in its parts (PEP 427).
type WheelName struct {
	File    string         // as given
	Name    string         // normalised (PEP 503)
	Raw     string         // as written
	Version pep440.Version // never the zero Version
	Build   string         // build tag as written, "" if none
	Tags    []Tag          // expanded, in written order, without repeats
}

// ParseWheelName reads a wheel's file name. What it refuses is what packaging
// 26.3 refuses, names beyond MaxFileName and MaxTags, and control characters. Its errors wrap
// ErrFileName.
func ParseWheelName(file string) (WheelName, error) {
	w, err := parseWheelName(file)
	if err != nil {
		return WheelName{}, fmt.Errorf("%w: %q: %w", ErrFileName, clip(file), err)
	}
	return w, nil
}

func parseWheelName(file string) (WheelName, error) {
	stem, ok := strings.CutSuffix(file, ".whl")
	if !ok {
		return WheelName{}, errors.New("a wheel's name ends in .whl")
	}
	if len(file) > MaxFileName {
		return WheelName{}, fmt.Errorf("longer than %d bytes", MaxFileName)
	}
	if err := printable(file); err != nil {
		return WheelName{}, err
	}
	parts := strings.Split(stem, "-")
	if len(parts) != 5 && len(parts) != 6 {
		return WheelName{}, errors.New("not NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl")
	}
	w := WheelName{File: file, Raw: parts[0], Name: pep508.NormalizeName(parts[0])}
	if !escapedName(w.Raw) {
		return WheelName{}, fmt.Errorf("%q is no escaped project name", w.Raw)
	}
	var err error
	if w.Version, err = pep440.Parse(parts[1]); err != nil {
		return WheelName{}, err
	}
	if len(parts) == 6 {
		w.Build = parts[2]
		// The digit is what tells a build tag from a stray dash in the name.
		if w.Build == "" || w.Build[0] < '0' || w.Build[0] > '9' {
			return WheelName{}, fmt.Errorf("build tag %q does not begin with a digit", w.Build)
		}
	}
	n := len(parts)
	if w.Tags, err = expand(stem, parts[n-3], parts[n-2], parts[n-1]); err != nil {
		return WheelName{}, err
	}
	return w, nil
}

// printable refuses control characters, of which packaging lets some pass: file
// names stand in lists with one name a line, which a line break would forge.
func printable(file string) error {
	if strings.ContainsFunc(file, unicode.IsControl) {
		return errors.New("has a control character")
	}
	return nil
}

// escapedName reports letters, digits, dots and single underscores, at least
// one: what building a wheel makes of a project name (PEP 427). A double
// underscore would be a run that escaping should have shortened.
func escapedName(s string) bool {
	for _, r := range s {
		if r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			return false
		}
	}
	return s != "" && !strings.Contains(s, "__")
}

// BuildTag splits the build tag into its number, decimal without leading zeros,
// and the rest. Both are "" without a build tag.
func (w WheelName) BuildTag() (number, rest string) {
	if w.Build == "" {
		return "", ""
	}
	i := 0
	for i < len(w.Build) && w.Build[i] >= '0' && w.Build[i] <= '9' {
		i++
	}
	number = strings.TrimLeft(w.Build[:i], "0")
	if number == "" {
		number = "0"
	}
	return number, w.Build[i:]
}

// CompareBuild orders two wheels of one version by build tag: -1, 0 or +1. pip
// prefers the higher one among wheels whose tags fit equally well; no build tag
// is below every other.
func CompareBuild(a, b WheelName) int {
	an, ar := a.BuildTag()
	bn, br := b.BuildTag()
	if len(an) != len(bn) {
		// Shorter is smaller, for numbers without leading zeros; and "" is none.
		if len(an) < len(bn) {
			return -1
		}
		return 1
	}
	if c := strings.Compare(an, bn); c != 0 {
		return c
	}
	return strings.Compare(ar, br)
}

// clip keeps an error line readable when a hostile page sends a long name.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
