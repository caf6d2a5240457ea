package pyproject

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cutoff is what exclude-newer says.
type cutoff struct {
	at  time.Time     // an instant
	ago time.Duration // or a cooldown
}

// Cutoff gives the instant that exclude-newer means at now, in UTC and whole
// seconds: the instant itself, or now less the cooldown. ok is false where none
// is set. A date means its beginning in UTC.
func (c Config) Cutoff(now time.Time) (at time.Time, ok bool, err error) {
	if c.ExcludeNewer == "" {
		return time.Time{}, false, nil
	}
	x, err := parseCutoff(c.ExcludeNewer)
	if err != nil {
		return time.Time{}, false, err
	}
	if x.at.IsZero() {
		x.at = now.Add(-x.ago)
	}
	return x.at.UTC().Truncate(time.Second), true, nil
}

// Bound gives what bounded-by means; the reader has checked it.
func (c Config) Bound() time.Duration {
	d, _ := parseDuration(c.BoundedBy)
	return d
}

func parseCutoff(s string) (cutoff, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return cutoff{at: t}, nil
		}
	}
	if d, ok := parseDuration(s); ok {
		return cutoff{ago: d}, nil
	}
	return cutoff{}, fmt.Errorf("parsing exclude-newer %q: neither an instant nor a cooldown", s)
}

// parseDuration reads "7 days": a number without sign or leading zero, one
// blank and a unit.
func parseDuration(s string) (time.Duration, bool) {
	num, unit, ok := strings.Cut(s, " ")
	n, err := strconv.ParseUint(num, 10, 16)
	if !ok || err != nil || strconv.FormatUint(n, 10) != num {
		return 0, false
	}
	hours, known := map[string]uint64{"hour": 1, "day": 24, "week": 7 * 24}[strings.TrimSuffix(unit, "s")]
	if !known || unit == "" {
		return 0, false
	}
	return time.Duration(n*hours) * time.Hour, true
}

// isVerifierKey reports whether s has the shape of a note verifier's key: a
// name, eight hexadecimal digits and base64, joined by plus signs. Whoever uses
// it parses it in full.
func isVerifierKey(s string) bool {
	name, rest, ok := strings.Cut(s, "+")
	hash, key, ok2 := strings.Cut(rest, "+")
	return ok && ok2 && name != "" && !strings.ContainsAny(name, " \t\r\n") && len(hash) == 8 &&
		strings.Trim(hash, "0123456789abcdef") == "" && len(key) >= 40 &&
		strings.Trim(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == ""
}
