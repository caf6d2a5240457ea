package pyproject

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
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
	for _, keys := range [][]string{configKeys, policyKeys, targetKeys, indexKeys, metadataKeys, buildKeys, treeKeys} {
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

// docs/configuration.md explains every key there is.
func TestKeysAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Concat(configKeys, policyKeys, targetKeys, metadataKeys, buildKeys, indexKeys, treeKeys) {
		if !bytes.Contains(page, []byte("`"+key+"`")) && !bytes.Contains(page, []byte("\n"+key+" = ")) && !bytes.Contains(page, []byte("[["+key+"]]")) && !bytes.Contains(page, []byte("["+key+"]")) {
			t.Errorf("docs/configuration.md does not explain %s", key)
		}
	}
}
