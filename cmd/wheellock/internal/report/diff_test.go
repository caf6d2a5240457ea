package report

import (
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
)

// Whatever stands in a lock or a configuration, a comment made of it holds no
// markup, link or mention of its own, and a page moves no cursor.
func TestHostileDiff(t *testing.T) {
	evil := "`</code><img src=x onerror=alert(1)>\n\n# all is well @admin [x](https://evil.example)\x1b[2J\u202e"
	d := &Diff{Base: evil, Sections: []Section{{Kind: "hash", Level: Alarm, Title: "HASH CHANGED WITHOUT A NEW VERSION",
		Items: []Entry{{Name: evil, Targets: []string{evil}, Old: evil, New: evil, Text: evil, More: []string{evil}}}}}}
	var b strings.Builder
	MarkdownDiff(&b, d, 2)
	for n, line := range strings.Split(b.String(), "\n") {
		outside := ""
		for i, part := range strings.Split(line, "`") {
			if i%2 == 0 {
				outside += part
			}
		}
		if n == 0 {
			// The heading escapes each character that could mean something.
			outside = strings.NewReplacer(`\[`, "", `\]`, "", `\(`, "", `\)`, "", `\`, "").Replace(outside)
		}
		if strings.Count(line, "`")%2 != 0 && n > 0 || strings.ContainsAny(outside, "<>@[") || strings.Contains(line, "\x1b") || n > 0 && strings.HasPrefix(line, "#") {
			t.Errorf("line %d: %q", n, line)
		}
	}
	var page strings.Builder
	WriteDiff(&page, d, 2, term.Style{Color: true})
	if strings.ContainsAny(page.String(), "\x1b\u202e") {
		t.Errorf("the page moves the cursor: %q", page.String())
	}
}

// A comment stays below what forges accept.
func TestLongDiff(t *testing.T) {
	d := &Diff{Base: "HEAD"}
	for range 10 {
		s := Section{Kind: "version", Level: Review, Title: "Versions"}
		for range 500 {
			s.Items = append(s.Items, Entry{Name: strings.Repeat("x", 60), Old: "1.0", New: "2.0"})
		}
		d.Sections = append(d.Sections, s)
	}
	var b strings.Builder
	MarkdownDiff(&b, d, 1)
	if b.Len() > 65_536 || !strings.Contains(b.String(), "wheellock diff") {
		t.Errorf("%d bytes", b.Len())
	}
	if o, c := strings.Count(b.String(), "<details>"), strings.Count(b.String(), "</details>"); o != c {
		t.Errorf("%d details opened, %d closed", o, c)
	}
}
