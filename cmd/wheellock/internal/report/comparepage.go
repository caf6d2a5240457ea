package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/compare"
)

//go:embed compare.html
var comparisonHTML string

var comparisonTemplate = template.Must(template.New("compare").Funcs(template.FuncMap{
	"word": ComparisonFact.word,
	"meaning": func(cause string) string {
		if cause == "" {
			return "no word of the list fits"
		}
		return compare.Meaning(cause)
	},
	"packing": func(cause string) bool { return packing[cause] },
	"kind": func(line string) string {
		switch {
		case strings.HasPrefix(line, "+"):
			return "ins"
		case strings.HasPrefix(line, "-"):
			return "del"
		case strings.HasPrefix(line, "@@"):
			return "at"
		}
		return ""
	},
	"size":  func(n *int64) string { return fmt.Sprintf("%d bytes", *n) },
	"clean": term.Clean,
	"files": func(n int) string { return Plural(n, "member") },
}).Parse(comparisonHTML))

// ComparisonPage is a comparison as one HTML file that needs no other: no script,
// no picture, nothing from elsewhere.
func ComparisonPage(c *Comparison, version string) ([]byte, error) {
	var b bytes.Buffer
	err := comparisonTemplate.Execute(&b, map[string]any{"C": c, "Version": version})
	return b.Bytes(), err
}
