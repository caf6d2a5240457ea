package pyproject

import (
	"runtime"
	"strings"
	"testing"
)

// TestManyContinuations: a line of very many parts is read in one pass.
func TestManyContinuations(t *testing.T) {
	const parts = 50_000
	text := []byte(strings.Repeat("ident \\\n", parts) + "tango # why \\\n more\n")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	list := logicalLines(text)
	runtime.ReadMemStats(&after)
	// To begin the line anew with each part would take parts/2 times as much.
	if n := (after.TotalAlloc - before.TotalAlloc) / uint64(len(text)); n > parts/4 {
		t.Errorf("it took %d times the memory of the text", n)
	}
	if len(list) != 1 || !strings.HasPrefix(list[0].text, "ident ident") || strings.Contains(list[0].text, "why") {
		t.Errorf("got %d lines", len(list))
	}
}
