package report

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/workorder"
)

var update = flag.Bool("update", false, "write the golden files anew")

// orders are those of the situations that workorder is tested with, read from
// their JSON: so the JSON holds all that the page says.
func orders(t *testing.T) map[string]*workorder.Order {
	files, err := filepath.Glob("../../../../provenance/workorder/testdata/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d orders: %v", len(files), err)
	}
	out := map[string]*workorder.Order{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		o := new(workorder.Order)
		if err := json.Unmarshal(data, o); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".json")] = o
	}
	return out
}

func render(o *workorder.Order, s term.Style) string {
	var b strings.Builder
	Order(&b, o, s)
	return b.String()
}

// TestPages compares each page with its golden file, as plain text.
func TestPages(t *testing.T) {
	for name, o := range orders(t) {
		got := render(o, term.Style{})
		golden := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s: the page has changed (-want +got):\n%s", name, d)
		}
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestPageFits: no line is wider than the page, none ends in space, and colours
// change nothing but colours.
func TestPageFits(t *testing.T) {
	for name, o := range orders(t) {
		plain := render(o, term.Style{})
		for n, line := range strings.Split(plain, "\n") {
			// A word alone on its line may be as long as it is.
			if w := utf8.RuneCountInString(line); w > term.Width && len(strings.Fields(line)) > 1 {
				t.Errorf("%s: line %d has %d columns: %s", name, n+1, w, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("%s: line %d ends in space: %q", name, n+1, line)
			}
		}
		colored := render(o, term.Style{Color: true})
		if !strings.Contains(colored, "\x1b[") {
			t.Errorf("%s: no colour", name)
		}
		if d := cmp.Diff(plain, escapes.ReplaceAllString(colored, "")); d != "" {
			t.Errorf("%s: in colour the text is another (-plain +colour):\n%s", name, d)
		}
	}
}

// TestPageEnds: the last two lines are always the next command and the trust.
func TestPageEnds(t *testing.T) {
	for name, o := range orders(t) {
		page := render(o, term.Style{})
		lines := strings.Split(strings.TrimSuffix(page, "\n"), "\n")
		if last := lines[len(lines)-1]; last != TrustLine(o.Trust) || !strings.HasPrefix(last, "Trust: ") {
			t.Errorf("%s: the last line is %q", name, last)
		}
		if !strings.Contains(page, "\nNext: ") {
			t.Errorf("%s: no next command:\n%s", name, page)
		}
		if o.Next != "" && !strings.Contains(page, "Next: "+o.Next+"\n") {
			t.Errorf("%s: %s cannot be pasted from the page", name, o.Next)
		}
		for _, s := range o.Steps {
			if len(o.Packages) > 0 && s.Command != "-" && !strings.Contains(page, s.Command) {
				t.Errorf("%s: %s cannot be pasted from the page", name, s.Command)
			}
		}
	}
}

// TestHostileNames: what comes from an index cannot move the cursor.
func TestHostileNames(t *testing.T) {
	for _, o := range orders(t) {
		for i := range o.Packages {
			for target := range o.Packages[i].Versions {
				o.Packages[i].Versions[target] = "1.0\x1b[2J\r"
			}
		}
		if page := render(o, term.Style{}); strings.ContainsAny(page, "\x1b\r") {
			t.Fatalf("the page has control characters: %q", page)
		}
	}
}
