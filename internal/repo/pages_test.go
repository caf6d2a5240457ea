package repo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link       = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	roomName   = regexp.MustCompile("`((?:cmd|internal|lock|provenance|resolve|schema|sumdb)(?:/[a-z0-9]+)*)`")
	formatsRow = regexp.MustCompile(`(?m)^\| [^|]+ \| ([^|]+) \| ([^|]+) \|$`)
)

// What a page refers to is there: files, and packages in backquotes.
func TestPagesReferToWhatIsThere(t *testing.T) {
	pages := 0
	for _, name := range tracked(t) {
		if filepath.Ext(name) != ".md" {
			continue
		}
		pages++
		text := read(t, name)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root(), filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s: broken link: %v", name, err)
			}
		}
		if name == "docs/formats.md" || name == "docs/decisions.md" || name == "docs/statements.md" {
			for _, m := range roomName.FindAllStringSubmatch(text, -1) {
				if info, err := os.Stat(filepath.Join(root(), m[1])); err != nil || !info.IsDir() {
					t.Errorf("%s: there is no package %s", name, m[1])
				}
			}
		}
	}
	if pages < 5 {
		t.Errorf("found %d pages", pages)
	}
}

// Each format's package exists and so does its schema, where one is named.
func TestFormatsPage(t *testing.T) {
	quoted := regexp.MustCompile("`([^`]+)`")
	rows := formatsRow.FindAllStringSubmatch(read(t, "docs/formats.md"), -1)
	if len(rows) < 10 {
		t.Fatalf("docs/formats.md has %d rows that were understood", len(rows))
	}
	for _, row := range rows {
		packages := quoted.FindAllStringSubmatch(row[1], -1)
		for _, m := range packages {
			if _, err := os.Stat(filepath.Join(root(), m[1])); err != nil {
				t.Error(err)
			}
		}
		if m := quoted.FindStringSubmatch(row[2]); m != nil && len(packages) > 0 && !strings.HasPrefix(row[2], "in ") {
			if _, err := os.Stat(filepath.Join(root(), "schema", m[1]+".json")); err != nil {
				t.Error(err)
			}
		}
	}
}
