package pyproject

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a project folder. Each argument is "NAME\nCONTENT".
func write(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		name, content, _ := strings.Cut(f, "\n")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t testing.TB, files ...string) *Project {
	t.Helper()
	p, err := Open(write(t, files...), "")
	if err != nil {
		t.Fatalf("%v (hint: %v)", err, err.(*Error).Hint)
	}
	return p
}

// refused asserts that a project is refused at a line, with words of the
// message or the hint.
func refused(t *testing.T, line int, words string, files ...string) {
	t.Helper()
	_, err := Open(write(t, files...), "")
	asError(t, err, line, words)
}

func asError(t *testing.T, err error, line int, words string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want an *Error with %q", err, words)
		return
	}
	if line >= 0 && e.Line != line {
		t.Errorf("line %d, want %d: %v", e.Line, line, e)
	}
	if !strings.Contains(e.Msg+"\n"+e.Hint, words) {
		t.Errorf("%v (hint: %s): want %q", e, e.Hint, words)
	}
	if e.Hint == "" {
		t.Errorf("%v: no hint", e)
	}
}

// inputs lists "GROUP|REQUIREMENT|FILE:LINE".
func inputs(list []Input) []string {
	var out []string
	for _, i := range list {
		out = append(out, i.Group+"|"+i.Requirement+"|"+i.Origin())
	}
	return out
}

// fataler is *testing.T or *rapid.T.
type fataler interface {
	Helper()
	Fatal(...any)
}

// apply gives the project after one edit.
func apply(t fataler, p *Project) func(edits []Edit, err error) *Project {
	return func(edits []Edit, err error) *Project {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		q, err := p.With(edits)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
}
