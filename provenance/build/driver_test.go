package build

import (
	"io"
	"strings"
	"testing"
)

// TestReceive: every process of the build can write to the driver's pipe.
func TestReceive(t *testing.T) {
	for text, want := range map[string]string{
		"{\"requires\":[]}\n{\"wheel\":\"a-1-py3-none-any.whl\",\"size\":2}\nPK":              "",
		"{\"requires\":[]}\n{\"requires\":[]}\n":                                              "malformed",
		"{\"wheel\":\"../a-1-py3-none-any.whl\",\"size\":2}\nPK":                              "malformed",
		"{\"wheel\":\"a-1-py3-none-any.whl\",\"size\":2}\nPKx":                                "malformed",
		"{\"wheel\":\"a-1-py3-none-any.whl\",\"size\":3}\nPK":                                 "EOF",
		"{\"wheel\":\"a-1-py3-none-any.whl\",\"size\":2}{\"wheel\":\"b.whl\",\"size\":2}\nPK": "malformed",
		"{\"wheel\":\"a-1-py3-none-any.whl\",\"size\":4000000000}\nPK":                        "the most is",
		"{}\n": "malformed",
		"[\n":  "malformed",
		"":     "EOF",
	} {
		_, err := receive(io.Reader(strings.NewReader(text)), t.TempDir(), func([]string) error { return nil })
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
