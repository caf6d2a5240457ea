package attest

import (
	"bytes"
	"encoding/json"
	"io"
)

// maxDepth is how deep a document may nest; what we write nests seven deep.
const maxDepth = 16

// decode reads one JSON document into v. Whoever calls it compares with what would be
// written for v, so that nothing is read in two ways; here is only said what is wrong.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		return nil
	}
	if why := explain(data); why != nil {
		return why
	}
	return malformed("%v", err)
}

// explain says what is wrong with JSON that is not in its one spelling, where that
// can be said: a key that stands twice, of which encoding/json takes the last and
// others the first, or more than one document.
func explain(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := unique(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return malformed("there is more after the document")
	}
	return nil
}

// unique reads one value and refuses an object that has a key twice.
func unique(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return malformed("not JSON: %v", err)
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxDepth {
		return malformed("it nests deeper than %d", maxDepth)
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			key, ok := t.(string)
			if err != nil || !ok {
				return malformed("not JSON: %v", err)
			}
			if seen[key] {
				return malformed("the key %.80q stands twice", key)
			}
			seen[key] = true
		}
		if err := unique(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return malformed("not JSON: %v", err)
	}
	return nil
}

// What follows is in-toto's Statement v1 and SLSA's provenance v1, as far as we use
// them, with the keys in the order in which we write them.

type statement struct {
	Type          string     `json:"_type"`
	Subject       []resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     predicate  `json:"predicate"`
}

type predicate struct {
	BuildDefinition struct {
		BuildType            string     `json:"buildType"`
		ExternalParameters   external   `json:"externalParameters"`
		InternalParameters   internal   `json:"internalParameters"`
		ResolvedDependencies []resource `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID      string  `json:"id"`
			Version version `json:"version"`
		} `json:"builder"`
		Metadata   metadata   `json:"metadata"`
		Byproducts []resource `json:"byproducts"`
	} `json:"runDetails"`
}

type external struct {
	Package nameVersion `json:"package"`
	Recipe  resource    `json:"recipe"`
	Source  resource    `json:"source"`
	Target  string      `json:"target"`
}

type nameVersion struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type internal struct {
	Log    string   `json:"log"`
	Place  string   `json:"place,omitempty"`
	Times  int      `json:"times"`
	Varied []string `json:"varied,omitempty"`
	Walls  string   `json:"walls,omitempty"`
}

type version struct {
	Wheellock string `json:"wheellock"`
}

type metadata struct {
	InvocationID string `json:"invocationId"`
	StartedOn    string `json:"startedOn"`
	FinishedOn   string `json:"finishedOn"`
}

type resource struct {
	Name        string       `json:"name,omitempty"`
	URI         string       `json:"uri,omitempty"`
	Digest      *digest      `json:"digest,omitempty"`
	Content     string       `json:"content,omitempty"`
	MediaType   string       `json:"mediaType,omitempty"`
	Annotations *annotations `json:"annotations,omitempty"`
}

type digest struct {
	SHA256 string `json:"sha256"`
}

type annotations struct {
	Content string `json:"content,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Version string `json:"version,omitempty"`
}
