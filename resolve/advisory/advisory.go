package advisory

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// Ecosystem is the word under which OSV lists Python packages.
const Ecosystem = "PyPI"

// MaxRecord is the largest record that is read, in bytes.
const MaxRecord = 16 << 20

// Advisory is one record, as far as it is about Python packages.
type Advisory struct {
	ID        string
	Aliases   []string // sorted; other databases' names of the same thing
	Summary   string   // one line; may be ""
	Severity  string   // "HIGH", or a CVSS vector; "" where it is not said
	URL       string   // the first reference of kind ADVISORY, else the first; may be ""
	Published time.Time
	Modified  time.Time
	Withdrawn time.Time // zero: in force
	Affected  []Affected
	Origin    string // the file it was read from
}

// Affected says which versions of one package are affected.
type Affected struct {
	Name     string // normalised
	Versions []pep440.Version
	Ranges   []Range // sorted and apart

	all    bool            // nothing is said that could be understood
	listed map[string]bool // keys of Versions
}

// Range is a run of affected versions.
type Range struct {
	From  pep440.Version // zero: from the first version on
	Fixed pep440.Version // the first that is not affected; zero: see Last
	Last  pep440.Version // the last that is; zero with Fixed: no end
}

func (r Range) has(v pep440.Version) bool {
	switch {
	case r.From.String() != "" && v.Compare(r.From) < 0:
		return false
	case r.Fixed.String() != "":
		return v.Compare(r.Fixed) < 0
	case r.Last.String() != "":
		return v.Compare(r.Last) <= 0
	}
	return true
}

// String is the range as a person writes it: ">=2.0,<2.5.0".
func (r Range) String() string {
	var parts []string
	if r.From.String() != "" {
		parts = append(parts, ">="+r.From.String())
	}
	switch {
	case r.Fixed.String() != "":
		parts = append(parts, "<"+r.Fixed.String())
	case r.Last.String() != "":
		parts = append(parts, "<="+r.Last.String())
	}
	if len(parts) == 0 {
		return "every version"
	}
	return strings.Join(parts, ",")
}

// record is the file format, as far as it matters here.
type record struct {
	ID        string    `json:"id"`
	Aliases   []string  `json:"aliases"`
	Summary   string    `json:"summary"`
	Details   string    `json:"details"`
	Published time.Time `json:"published"`
	Modified  time.Time `json:"modified"`
	Withdrawn time.Time `json:"withdrawn"`
	Severity  []struct {
		Score string `json:"score"`
	} `json:"severity"`
	Affected   []affected `json:"affected"`
	References []struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	} `json:"references"`
	Specific struct {
		Severity any `json:"severity"`
	} `json:"database_specific"`
}

type affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Ranges []struct {
		Type   string  `json:"type"`
		Events []event `json:"events"`
	} `json:"ranges"`
	Versions []string `json:"versions"`
}

type event struct {
	Introduced   *string `json:"introduced"`
	Fixed        *string `json:"fixed"`
	LastAffected *string `json:"last_affected"`
	Limit        *string `json:"limit"`
}

// Parse reads one record. One about no Python package has no Affected.
func Parse(data []byte) (*Advisory, error) {
	if len(data) > MaxRecord {
		return nil, fmt.Errorf("parsing an advisory: it has %d bytes, the most is %d", len(data), MaxRecord)
	}
	var r record
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &r); err != nil {
		return nil, fmt.Errorf("parsing an advisory: %w", err)
	}
	if r.ID == "" {
		return nil, fmt.Errorf("parsing an advisory: it has no id: not a record of the OSV format")
	}
	a := &Advisory{ID: r.ID, Aliases: r.Aliases, Summary: r.summary(), Severity: r.severity(), URL: r.url(),
		Published: r.Published.UTC(), Modified: r.Modified.UTC(), Withdrawn: r.Withdrawn.UTC()}
	slices.Sort(a.Aliases)
	for _, x := range r.Affected {
		// The ecosystem may carry a release after a colon.
		if eco, _, _ := strings.Cut(x.Package.Ecosystem, ":"); eco == Ecosystem && pep508.ValidName(x.Package.Name) {
			a.Affected = append(a.Affected, x.read())
		}
	}
	return a, nil
}

func (r *record) summary() string {
	s := r.Summary
	if s == "" {
		s = r.Details
	}
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(s)
}

func (r *record) severity() string {
	if s, ok := r.Specific.Severity.(string); ok && s != "" {
		return strings.ToUpper(s)
	}
	if len(r.Severity) > 0 {
		return r.Severity[0].Score
	}
	return ""
}

func (r *record) url() string {
	for _, x := range r.References {
		if x.Type == "ADVISORY" {
			return x.URL
		}
	}
	if len(r.References) > 0 {
		return r.References[0].URL
	}
	return ""
}

func (x affected) read() Affected {
	a := Affected{Name: pep508.NormalizeName(x.Package.Name), listed: map[string]bool{}}
	a.all = len(x.Versions) == 0 && len(x.Ranges) == 0
	for _, text := range x.Versions {
		// A version that is none cannot be locked either.
		if v, err := pep440.Parse(text); err == nil && !a.listed[v.Key()] {
			a.listed[v.Key()] = true
			a.Versions = append(a.Versions, v)
		}
	}
	for _, r := range x.Ranges {
		if r.Type != "GIT" {
			a.Ranges = append(a.Ranges, ranges(r.Events)...)
		}
	}
	slices.SortFunc(a.Versions, pep440.Version.Compare)
	slices.SortFunc(a.Ranges, func(x, y Range) int {
		return cmp.Or(x.From.Compare(y.From), x.Fixed.Compare(y.Fixed), x.Last.Compare(y.Last))
	})
	return a
}

// point is an event with its version: an end closes what began before it.
type point struct {
	at   pep440.Version
	kind int
}

const (
	begin = iota
	last
	fixed // also "limit": versions from there on are not spoken of
)

// ranges turns events, in any order, into runs. Events of one version: an end
// comes first, so that "fixed 2.0, introduced 2.0" stays affected.
func ranges(events []event) []Range {
	var points []point
	for _, e := range events {
		for _, x := range []struct {
			text *string
			kind int
		}{{e.Introduced, begin}, {e.LastAffected, last}, {e.Fixed, fixed}, {e.Limit, fixed}} {
			if x.text == nil || x.kind != begin && *x.text == "*" {
				continue
			}
			v, err := pep440.Parse(*x.text)
			if x.kind == begin && (err != nil || *x.text == "0") {
				points = append(points, point{}) // the zero Version sorts first
			} else if err == nil {
				points = append(points, point{v, x.kind})
			}
		}
	}
	if len(points) > 0 && !slices.ContainsFunc(points, func(p point) bool { return p.kind == begin }) {
		points = append(points, point{})
	}
	slices.SortStableFunc(points, func(a, b point) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(b.kind, a.kind))
	})
	var list []Range
	var open *Range
	for _, p := range points {
		switch {
		case p.kind == begin && open == nil:
			open = &Range{From: p.at}
		case p.kind == begin || open == nil:
		case p.kind == last && p.at.Compare(open.From) >= 0:
			open.Last = p.at
			list, open = append(list, *open), nil
		case p.kind == fixed:
			open.Fixed = p.at
			list, open = append(list, *open), nil
		}
	}
	if open != nil {
		list = append(list, *open)
	}
	return list
}

// Is reports whether id is the record's own or one of its aliases, in any case.
func (a *Advisory) Is(id string) bool {
	return strings.EqualFold(a.ID, id) || slices.ContainsFunc(a.Aliases, func(x string) bool { return strings.EqualFold(x, id) })
}

// Names are the packages that the record is about, normalised and sorted.
func (a *Advisory) Names() []string {
	var names []string
	for _, x := range a.Affected {
		names = append(names, x.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Affects reports whether a version of the package, whose name is normalised,
// is affected. A local version is affected as its public one: +ourcorp says who
// packed it, and not that it was patched.
func (a *Advisory) Affects(name string, v pep440.Version) bool {
	if !a.Withdrawn.IsZero() {
		return false
	}
	public, _, local := strings.Cut(v.String(), "+")
	if local {
		if p, err := pep440.Parse(public); err == nil {
			v = p
		}
	}
	for _, x := range a.Affected {
		if x.Name != name {
			continue
		}
		if x.all || x.listed[v.Key()] || slices.ContainsFunc(x.Ranges, func(r Range) bool { return r.has(v) }) {
			return true
		}
	}
	return false
}

// Ranges are the runs of affected versions of the package, sorted.
func (a *Advisory) Ranges(name string) []Range {
	var list []Range
	for _, x := range a.Affected {
		if x.Name == name {
			list = append(list, x.Ranges...)
		}
	}
	slices.SortFunc(list, func(x, y Range) int { return cmp.Or(x.From.Compare(y.From), x.Fixed.Compare(y.Fixed)) })
	return slices.Compact(list)
}

// Fixed are the versions that the record names as the first good ones, sorted,
// without those that another entry says are affected.
func (a *Advisory) Fixed(name string) []pep440.Version {
	var list []pep440.Version
	for _, r := range a.Ranges(name) {
		if r.Fixed.String() != "" && !a.Affects(name, r.Fixed) {
			list = append(list, r.Fixed)
		}
	}
	slices.SortFunc(list, pep440.Version.Compare)
	return slices.CompactFunc(list, func(x, y pep440.Version) bool { return x.Compare(y) == 0 })
}
