// Package schema has the JSON Schemas (draft 2020-12) of the files that people
// and tools read: the lock and the configuration, as JSON with the keys of the
// TOML, and what each verb prints with --json.
//
// A schema is named by its file without ".json". "status" is the work order
// that add, remove, lock and status print; "build" and "sign" contain one. They
// refer to each other by file name, so that the folder works for any validator:
//
//	check-jsonschema --schemafile schema/status.json order.json
package schema

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed *.json
var files embed.FS

// MaxDocument is the most bytes that Validate reads.
const MaxDocument = 256 << 20

// ErrUnknown is wrapped by errors about a name that Names does not list.
var ErrUnknown = errors.New("no such schema")

// base makes the file names absolute, as a compiler wants them. Nothing is
// ever fetched: all that a schema refers to is embedded.
const base = "mem:///"

// Names lists the schemas, sorted.
func Names() []string {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic("schema: " + err.Error()) // embedded: cannot happen
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	slices.Sort(names)
	return names
}

// Bytes gives the text of a schema.
func Bytes(name string) ([]byte, error) {
	b, err := files.ReadFile(name + ".json")
	if err != nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	return b, nil
}

// Validate tests a JSON document against a schema. Formats such as date-time
// are asserted. The error names every place that does not fit.
func Validate(name string, json []byte) error {
	if len(json) > MaxDocument {
		return fmt.Errorf("validating %s: more than %d bytes", name, MaxDocument)
	}
	all, err := compiled()
	if err != nil {
		return err
	}
	s := all[name]
	if s == nil {
		return fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(json))
	if err != nil {
		return fmt.Errorf("validating %s: %w", name, err)
	}
	if err := s.Validate(doc); err != nil {
		return fmt.Errorf("validating %s: %w", name, err)
	}
	return nil
}

// compiled compiles all schemas once.
var compiled = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(jsonschema.SchemeURLLoader{})
	for _, n := range Names() {
		b, err := Bytes(n)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("reading schema %s: %w", n, err)
		}
		if err := c.AddResource(base+n+".json", doc); err != nil {
			return nil, fmt.Errorf("reading schema %s: %w", n, err)
		}
	}
	all := map[string]*jsonschema.Schema{}
	for _, n := range Names() {
		s, err := c.Compile(base + n + ".json")
		if err != nil {
			return nil, fmt.Errorf("compiling schema %s: %w", n, err)
		}
		all[n] = s
	}
	return all, nil
})
