package metadata

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHeadersAgainstPython damages messages at random and lets Python's email
// module, whose reading counts, say what they hold.
func TestHeadersAgainstPython(t *testing.T) {
	const script = `
import email, json, sys
out = []
for s in json.load(sys.stdin):
    fields = {}
    for k, v in email.message_from_bytes(s.encode("ascii")).items():
        if k.lower() != "description":
            fields.setdefault(k.lower(), []).append(v)
    out.append(fields)
json.dump(out, sys.stdout)
`
	rnd := rand.New(rand.NewSource(822))
	pieces := []string{"Name: a", "Requires-Dist: b ; extra == 'x'", "Requires-Dist:", "NAME:  c ", "\n", "\n", "\n", "\n", "\r\n", "\r", " ", "\t", ":", ": x", " folded", "From me", "From: you", "body", "Na me: x", "Description: d", "Name :x", "\x00", "\x0b", "\x0c", "\x1c", "\x7f", "-: 1"}
	var messages []string
	for range 20000 {
		var s strings.Builder
		for k := rnd.Intn(14); k >= 0; k-- {
			s.WriteString(pieces[rnd.Intn(len(pieces))])
			if rnd.Intn(2) == 0 {
				s.WriteByte('\n')
			}
		}
		messages = append(messages, s.String())
	}
	in, err := json.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", script)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("no python3 to compare with: %v", err)
	}
	var answers []map[string][]string
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	failures := 0
	for i, want := range answers {
		if d := cmp.Diff(want, headers([]byte(messages[i]))); d != "" {
			if failures++; failures <= 10 {
				t.Errorf("%q: (-want +got)\n%s", messages[i], d)
			}
		}
	}
	t.Logf("%d messages, %d differ", len(answers), failures)
}
