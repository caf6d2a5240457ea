package schema

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fixtures lists testdata/NAME.good*.json and testdata/NAME.bad*.json.
func fixtures(t *testing.T, name, kind string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join("testdata", name+"."+kind+"*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestSchemas(t *testing.T) {
	names := Names()
	if !slices.Contains(names, "wheels.lock") || !slices.Contains(names, "status") {
		t.Fatalf("names %q", names)
	}
	for _, n := range names {
		b, err := Bytes(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"$schema": "https://json-schema.org/draft/2020-12/schema"`, `"title": "`, `"description": "`} {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s has no %s", n, want)
			}
		}
		good, bad := fixtures(t, n, "good"), fixtures(t, n, "bad")
		if len(good) == 0 || len(bad) == 0 {
			t.Errorf("%s has %d good and %d bad examples in testdata", n, len(good), len(bad))
		}
		for _, f := range good {
			if err := Validate(n, read(t, f)); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		}
		for _, f := range bad {
			if err := Validate(n, read(t, f)); err == nil {
				t.Errorf("%s is accepted", f)
			}
		}
		if err := Validate(n, []byte("{")); err == nil {
			t.Errorf("%s accepts half a document", n)
		}
		if err := Validate(n, []byte("[]")); err == nil {
			t.Errorf("%s accepts an array", n)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUnknown(t *testing.T) {
	if err := Validate("nothing", []byte("{}")); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if _, err := Bytes("../schema"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

// Every mutation of a good lock is refused by the schema too, which a tool that
// does not know our reader relies on.
func TestLockMutations(t *testing.T) {
	good := string(read(t, "testdata/wheels.lock.good.json"))
	for _, m := range [][2]string{
		{`"lock-version": "1"`, `"lock-version": 1`},
		{`"created-by": "wheellock"`, `"created-by": "me"`},
		{`"name": "six"`, `"name": "Six"`},
		{`"version": "1.17.0"`, `"version": "1.17.00"`},
		{`"origin": "built"`, `"origin": "found"`},
		{`"verdict": "untried"`, `"verdict": "fine"`},
		{`"umask": "022"`, `"umask": "0o22"`},
		{`"six-1.17.0.tar.gz"`, `"../six-1.17.0.tar.gz"`},
		{`"2026-11-15T00:00:00Z"`, `"2026-11-15"`},
		{`"requires-digest"`, `"requires-digets"`},
		{`"name": "bookworm"`, `"name": "any"`},
		{`"group": "build"`, `"group": "dev"`},
	} {
		if !strings.Contains(good, m[0]) {
			t.Errorf("the example has no %s", m[0])
			continue
		}
		if err := Validate("wheels.lock", []byte(strings.Replace(good, m[0], m[1], 1))); err == nil {
			t.Errorf("%s instead of %s is accepted", m[1], m[0])
		}
	}
}

// A validator that is not ours agrees about the schemas and every example.
func TestCheckJSONSchema(t *testing.T) {
	tool := os.Getenv("WHEELLOCK_CHECK_JSONSCHEMA")
	if tool == "" {
		t.Skip("WHEELLOCK_CHECK_JSONSCHEMA does not name the executable check-jsonschema")
	}
	run := func(args ...string) (string, error) {
		out, err := exec.Command(tool, args...).CombinedOutput()
		return string(out), err
	}
	var all []string
	for _, n := range Names() {
		all = append(all, n+".json")
	}
	if out, err := run(append([]string{"--check-metaschema"}, all...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, n := range Names() {
		if out, err := run(append([]string{"--schemafile", n + ".json"}, fixtures(t, n, "good")...)...); err != nil {
			t.Errorf("%s: %v\n%s", n, err, out)
		}
		for _, f := range fixtures(t, n, "bad") {
			if out, err := run("--schemafile", n+".json", f); err == nil || !strings.Contains(out, "Schema validation errors") {
				t.Errorf("%s is accepted, or cannot be read\n%s", f, out)
			}
		}
	}
}
