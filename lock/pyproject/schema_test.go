package pyproject

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/schema"
)

// The schema and the reader agree about a configuration with every key.
func TestConfigFitsSchema(t *testing.T) {
	d, err := parseTOML("wheellock.toml", []byte(everyKey))
	if err != nil {
		t.Fatal(err)
	}
	check := func() error {
		b, err := json.Marshal(d.value)
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate("config", b)
	}
	if err := check(); err != nil {
		t.Fatal(err)
	}
	text, err := schema.Bytes("config")
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]string{configKeys, policyKeys, targetKeys, indexKeys, metadataKeys} {
		for _, k := range keys {
			if !strings.Contains(string(text), `"`+k+`": {`) {
				t.Errorf("the schema has no key %s", k)
			}
		}
	}
	d.value["whelhouse"] = "x"
	if check() == nil {
		t.Error("the schema accepts an unknown key")
	}
}
