package pep440

import (
	"encoding/json"
	"slices"
	"testing"
)

// These tests run the cases recorded from Python's packaging 26.3.

func TestPackagingVersions(t *testing.T) {
	var cases []struct {
		In                   string
		Valid                bool
		Normal, Public, Base string
		Epoch                any
		Release              []any
		Pre                  []any
		Post, Dev            any
		Local                *string
		IsPre                bool `json:"is_pre"`
		IsPost               bool `json:"is_post"`
		IsDev                bool `json:"is_dev"`
	}
	sharedCases(t, "versions.json", &cases)
	for _, c := range cases {
		v, err := Parse(c.In)
		if (err == nil) != c.Valid {
			t.Errorf("%q: valid = %v, want %v", c.In, err == nil, c.Valid)
		}
		if err != nil || !c.Valid {
			continue
		}
		letter, number := v.Pre()
		if c.Pre == nil {
			c.Pre = []any{"", ""}
		}
		local := ""
		if c.Local != nil {
			local = *c.Local
		}
		var release []string
		for _, n := range c.Release {
			release = append(release, text(n))
		}
		got := []string{v.String(), v.Public(), v.Base(), v.Epoch(), letter, number, v.Post(), v.Dev(), v.Local()}
		want := []string{c.Normal, c.Public, c.Base, text(c.Epoch), text(c.Pre[0]), text(c.Pre[1]), text(c.Post), text(c.Dev), local}
		if !slices.Equal(got, want) || !slices.Equal(v.Release(), release) {
			t.Errorf("%q: got %q %q, want %q %q", c.In, got, v.Release(), want, release)
		}
		if v.IsPrerelease() != c.IsPre || v.IsPost() != c.IsPost || v.IsDev() != c.IsDev || v.HasLocal() != (c.Local != nil) {
			t.Errorf("%q: flags are wrong", c.In)
		}
	}
}

// text is a JSON number or string, "" for null.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	b, err := json.Marshal(int64(v.(float64)))
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestPackagingVersionOrder(t *testing.T) {
	var groups [][]string
	sharedCases(t, "version_order.json", &groups)
	for i, group := range groups {
		for _, a := range group {
			for j, other := range groups {
				for _, b := range other {
					want := min(1, max(-1, i-j))
					if got := MustParse(a).Compare(MustParse(b)); got != want {
						t.Errorf("Compare(%q, %q) = %d, want %d", a, b, got, want)
					}
				}
			}
			if i > 3 { // all pairs would take long and show no more
				groups[i] = group[:1]
			}
		}
	}
}

func TestPackagingSpecifiers(t *testing.T) {
	var cases []struct {
		In               string
		Valid            bool
		Op, Version, Str string
		Prereleases      *bool
	}
	sharedCases(t, "specifiers.json", &cases)
	for _, c := range cases {
		s, err := ParseSpecifier(c.In)
		if (err == nil) != c.Valid {
			t.Errorf("%q: valid = %v, want %v", c.In, err == nil, c.Valid)
		}
		if err != nil || !c.Valid {
			continue
		}
		clauses := s.Clauses()
		if len(clauses) != 1 || clauses[0] != (Specifier{c.Op, c.Version}) || s.String() != c.Str {
			t.Errorf("%q: got %q %q, want %q %q %q", c.In, clauses, s, c.Op, c.Version, c.Str)
		}
		allowed, said := s.Prereleases()
		if said != (c.Prereleases != nil) || said && allowed != *c.Prereleases {
			t.Errorf("%q: Prereleases = %v, %v", c.In, allowed, said)
		}
	}
}

func TestPackagingContains(t *testing.T) {
	var cases []struct {
		Spec           string
		Yes, No        []string
		Prereleases    *bool
		SetPrereleases *bool `json:"set_prereleases"`
		Installed      *bool
	}
	sharedCases(t, "contains.json", &cases)
	for _, c := range cases {
		s, err := ParseSpecifiers(c.Spec)
		if err != nil {
			t.Errorf("%q: %v", c.Spec, err)
			continue
		}
		check := func(text string, want bool) {
			v, err := Parse(text)
			pre := preOf(c.Prereleases, c.SetPrereleases)
			if c.Installed != nil && *c.Installed && v.IsPrerelease() {
				pre = PreAllow
			}
			if got := s.ContainsString(text, pre); got != want {
				t.Errorf("%q contains %q (pre %d) = %v, want %v", c.Spec, text, pre, got, want)
			}
			if err == nil && v.String() == text && s.Contains(v, pre) != want {
				t.Errorf("%q contains version %q (pre %d) = %v, want %v", c.Spec, text, pre, !want, want)
			}
			if err == nil && s.Set().Contains(v) != s.Contains(v, PreAllow) {
				t.Errorf("%q and %q: set and list differ", c.Spec, text)
			}
		}
		for _, text := range c.Yes {
			check(text, true)
		}
		for _, text := range c.No {
			check(text, false)
		}
	}
}

// preOf is the first that is not null of the arguments of a call and of the set's constructor.
func preOf(arguments ...*bool) Pre {
	for _, allow := range arguments {
		if allow != nil && *allow {
			return PreAllow
		}
		if allow != nil {
			return PreForbid
		}
	}
	return PreAuto
}

func TestPackagingFilter(t *testing.T) {
	var cases []struct {
		Spec           string
		Versions, Keep []string
		Prereleases    *bool
		SetPrereleases *bool `json:"set_prereleases"`
	}
	sharedCases(t, "filter.json", &cases)
	for _, c := range cases {
		s, err := ParseSpecifiers(c.Spec)
		if err != nil {
			t.Errorf("%q: %v", c.Spec, err)
			continue
		}
		pre := preOf(c.Prereleases, c.SetPrereleases)
		if got := s.Filter(c.Versions, pre); !slices.Equal(got, c.Keep) {
			t.Errorf("%q filters %q (pre %d) to %q, want %q", c.Spec, c.Versions, pre, got, c.Keep)
		}
	}
}

func TestPackagingRanges(t *testing.T) {
	var cases []struct {
		A, B     string
		AEmpty   bool `json:"a_empty"`
		AndEmpty bool `json:"and_empty"`
		Subset   bool `json:"a_subset_b"`
		Disjoint bool
	}
	sharedCases(t, "ranges.json", &cases)
	for _, c := range cases {
		a, b := MustParseSpecifiers(c.A).Set(), MustParseSpecifiers(c.B).Set()
		got := []bool{a.IsEmpty(), a.Intersect(b).IsEmpty(), a.SubsetOf(b), a.Disjoint(b)}
		want := []bool{c.AEmpty, c.AndEmpty, c.Subset, c.Disjoint}
		if !slices.Equal(got, want) {
			t.Errorf("%q, %q: got %v, want %v", c.A, c.B, got, want)
		}
		if a.Intersect(b.Complement()).IsEmpty() != c.Subset || a.Minus(b).IsEmpty() != c.Subset {
			t.Errorf("%q, %q: the complement disagrees with SubsetOf", c.A, c.B)
		}
	}
}

func TestPackagingCanonicalVersion(t *testing.T) {
	var cases []struct{ In, Strip, Keep string }
	sharedCases(t, "canonical_version.json", &cases)
	for _, c := range cases {
		if got := CanonicalVersion(c.In, true); got != c.Strip {
			t.Errorf("CanonicalVersion(%q, true) = %q, want %q", c.In, got, c.Strip)
		}
		if got := CanonicalVersion(c.In, false); got != c.Keep {
			t.Errorf("CanonicalVersion(%q, false) = %q, want %q", c.In, got, c.Keep)
		}
	}
}
