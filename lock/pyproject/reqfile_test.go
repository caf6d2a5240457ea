package pyproject

import (
	"strings"
	"testing"
	"time"
)

// TestManyContinuations: a line of very many parts is read in one pass.
func TestManyContinuations(t *testing.T) {
	const parts = 200_000
	start := time.Now()
	list := logicalLines([]byte(strings.Repeat("ident \\\n", parts) + "tango # why \\\n more\n"))
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if len(list) != 1 || !strings.HasPrefix(list[0].text, "ident ident") || strings.Contains(list[0].text, "why") {
		t.Errorf("got %d lines", len(list))
	}
}
