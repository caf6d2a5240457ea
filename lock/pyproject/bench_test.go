package pyproject

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkOpen250 is the part of `lock --check` that reads the inputs.
func BenchmarkOpen250(b *testing.B) {
	var text strings.Builder
	text.WriteString("[project]\nname = \"x\"\ndependencies = [\n")
	for i := range 250 {
		fmt.Fprintf(&text, "    \"package-%d[extra]>=1.%d,<2; python_version >= '3.8'\",  # why\n", i, i)
	}
	text.WriteString("]\n[tool.wheellock]\nversions = \"newest\"\n[[tool.wheellock.targets]]\nname = \"bookworm\"\n")
	files := map[string][]byte{"pyproject.toml": []byte(text.String())}
	dir := b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		p, err := load(dir, "", files)
		if err != nil || len(p.Inputs) != 250 || p.RequiresDigest() == "" {
			b.Fatal(err)
		}
	}
}
