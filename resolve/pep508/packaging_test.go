package pep508

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

// These tests run the cases recorded from Python's packaging 26.3.

func TestPackagingNames(t *testing.T) {
	var cases []struct {
		In, Canonical string
		IsNormalized  bool `json:"is_normalized"`
	}
	sharedCases(t, "names.json", &cases)
	for _, c := range cases {
		if got := NormalizeName(c.In); got != c.Canonical {
			t.Errorf("NormalizeName(%q) = %q, want %q", c.In, got, c.Canonical)
		}
		if got := IsNormalizedName(c.In); got != c.IsNormalized {
			t.Errorf("IsNormalizedName(%q) = %v", c.In, got)
		}
	}
}

func TestPackagingRequirements(t *testing.T) {
	var cases []struct {
		In            string
		Valid         bool
		Name          string
		CanonicalName string `json:"canonical_name"`
		Extras        []string
		Specifier     []string
		URL, Marker   *string
		Str           string
	}
	sharedCases(t, "requirements.json", &cases)
	for _, c := range cases {
		r, err := Parse(c.In)
		if (err == nil) != c.Valid {
			t.Errorf("%q: valid = %v, want %v (%v)", c.In, err == nil, c.Valid, err)
		}
		if err != nil {
			checkSyntaxError(t, c.In, err)
		}
		if err != nil || !c.Valid {
			continue
		}
		var clauses []string
		for _, clause := range r.Specifiers.Clauses() {
			clauses = append(clauses, clause.String())
		}
		slices.Sort(clauses)
		got := []string{r.Name, r.Canonical(), strings.Join(r.Extras, " "), strings.Join(clauses, " "), r.URL, r.Marker.String(), r.String()}
		want := []string{c.Name, c.CanonicalName, strings.Join(c.Extras, " "), strings.Join(c.Specifier, " "), deref(c.URL), deref(c.Marker), c.Str}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", c.In, got, want)
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// checkSyntaxError checks the promise that a caret can be shown.
func checkSyntaxError(t *testing.T, in string, err error) {
	t.Helper()
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		t.Errorf("%q: %T is no *SyntaxError", in, err)
		return
	}
	if syntax.Input != in || syntax.Offset < 0 || syntax.Offset > len(in) || syntax.Msg == "" {
		t.Errorf("%q: bad error %+v", in, syntax)
	}
}

func TestPackagingMarkerParse(t *testing.T) {
	var cases []struct {
		In    string
		Valid bool
		Str   string
	}
	sharedCases(t, "marker_parse.json", &cases)
	for _, c := range cases {
		m, err := ParseMarker(c.In)
		if (err == nil) != c.Valid {
			t.Errorf("%q: valid = %v, want %v (%v)", c.In, err == nil, c.Valid, err)
		}
		if err != nil {
			checkSyntaxError(t, c.In, err)
			continue
		}
		if c.Valid && m.String() != c.Str {
			t.Errorf("%q: got %q, want %q", c.In, m, c.Str)
		}
	}
}

func TestPackagingMarkerEval(t *testing.T) {
	var named map[string]Environment
	sharedCases(t, "environments.json", &named)
	var cases []struct {
		Marker  string
		Env     any
		Extra   *string
		Context string
		Want    any
	}
	sharedCases(t, "marker_eval.json", &cases)
	contexts := map[string]Context{
		"": ContextRequirement, "requirement": ContextRequirement,
		"metadata": ContextMetadata, "lock_file": ContextLockFile,
	}
	for _, c := range cases {
		v := Values{Extra: c.Extra}
		if name, ok := c.Env.(string); ok {
			v.Environment = named[name]
		} else {
			fillValues(&v, c.Env.(map[string]any))
		}
		got := outcome(MustParseMarker(c.Marker), contexts[c.Context], v)
		if got != c.Want {
			t.Errorf("%s in %v (extra %q, %s) = %v, want %v", c.Marker, c.Env, deref(c.Extra), c.Context, got, c.Want)
		}
	}
}

// fillValues reads an environment in which extra, extras and dependency_groups may stand.
func fillValues(v *Values, env map[string]any) {
	v.Environment = Environment{}
	for name, value := range env {
		switch value := value.(type) {
		case nil:
			v.Environment[name] = ""
		case string:
			v.Environment[name] = value
		case []any:
			set := []string{}
			for _, item := range value {
				set = append(set, item.(string))
			}
			if name == "extras" {
				v.Extras = set
			} else {
				v.DependencyGroups = set
			}
		}
	}
}

// outcome is true, false, or "error:" and the reference's name for the error.
func outcome(m *Marker, c Context, v Values) any {
	holds, err := m.EvalContext(c, v)
	var comparison *UndefinedComparisonError
	var name *UndefinedNameError
	switch {
	case errors.As(err, &comparison):
		return "error:UndefinedComparison"
	case errors.As(err, &name):
		return "error:UndefinedEnvironmentName"
	case err != nil:
		return err
	}
	return holds
}

func TestPackagingEnvironments(t *testing.T) {
	var named map[string]Environment
	sharedCases(t, "environments.json", &named)
	if len(named) == 0 {
		t.Fatal("no environments")
	}
	for name, env := range named {
		for variable := range env {
			if variables[variable] != variable {
				t.Errorf("%s has %q, which markers cannot use", name, variable)
			}
			m, err := json.Marshal(env[variable])
			if err != nil {
				t.Fatal(err)
			}
			if variable == "python_full_version" || versionValued(variable) || strings.Contains(string(m), "\\") {
				continue
			}
			holds, err := MustParseMarker(variable + " == " + string(m)).Eval(env)
			if err != nil || !holds {
				t.Errorf("%s: %s == %s is %v, %v", name, variable, m, holds, err)
			}
		}
	}
}
