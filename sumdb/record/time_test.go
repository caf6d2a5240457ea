package record

import (
	"testing"
	"time"
)

// Times are read as time.Parse reads them, in the one spelling.
func TestTimes(t *testing.T) {
	for _, v := range []string{"2026-11-22T14:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2024-02-29T23:59:59Z", "2023-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
		"2026-1-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01t00:00:00Z", "2026-01-01T00:00:00z", "2026-01-01 00:00:00Z", "+026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", ""} {
		want, err := time.Parse(timeLayout, v)
		ok := err == nil && want.Format(timeLayout) == v && want.Year() >= 1970
		got, gotOK := parseTime(v)
		if ok != gotOK || ok && !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v, %v", v, got, gotOK, want, ok)
		}
	}
}
