package verify

import (
	"fmt"
	"slices"
	"strings"
)

func pure(file string) bool { return strings.HasSuffix(file, "-none-any.whl") }

func contains(list []string, s string) bool { return slices.Contains(list, s) }

// equal compares sorted lists of causes; both sides are written sorted.
func equal(a, b []string) bool { return slices.Equal(a, b) }

// short is enough of a hash to tell two apart by eye.
func short(hash string) string {
	if len(hash) > 12 {
		return hash[:12] + "…"
	}
	return hash
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		noun += "e" // witnesses
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
