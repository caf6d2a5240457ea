package recipe

import (
	"fmt"
	"time"
)

// Without an epoch flit copies the files' times into the zip, in local time: the
// sdist says when a file was changed, the wheel what the publisher's clock showed
// then. Where they differ by whole quarters of an hour the difference is the
// publisher's time zone. It is written as POSIX has it (XBD 8.3), so that it means
// the same whatever zone database a machine has.

// daylight are the rules for summer time that are tried where two offsets occur:
// POSIX text after the zones, and whether an instant is in summer.
var daylight = []struct {
	rule   func(std int) string // std: seconds east of Greenwich in winter
	summer func(t time.Time, std int) bool
}{
	{ // the European Union's since 1996: from and to 01:00 UTC
		func(std int) string {
			h := std / 3600
			return fmt.Sprintf("M3.5.0/%d,M10.5.0/%d", 1+h, 2+h)
		},
		func(t time.Time, std int) bool {
			y := t.Year()
			return !t.Before(lastSunday(y, time.March).Add(time.Hour)) && t.Before(lastSunday(y, time.October).Add(time.Hour))
		},
	},
	{ // the United States' since 2007: from and to 02:00 local time
		func(int) string { return "M3.2.0,M11.1.0" },
		func(t time.Time, std int) bool {
			y, off := t.Year(), time.Duration(std)*time.Second
			return !t.Before(firstSunday(y, time.March).AddDate(0, 0, 7).Add(2*time.Hour-off)) &&
				t.Before(firstSunday(y, time.November).Add(time.Hour-off))
		},
	},
}

func firstSunday(year int, m time.Month) time.Time {
	t := time.Date(year, m, 1, 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, (7-int(t.Weekday()))%7)
}

func lastSunday(year int, m time.Month) time.Time {
	t := time.Date(year, m+1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -1)
	return t.AddDate(0, 0, -int(t.Weekday()))
}

// zone finds the time zone in which all source times show as those of the zip. It
// is "" where that is UTC, or where none does.
func zone(zip, source map[string]time.Time) string {
	type pair struct {
		at     time.Time
		offset int
	}
	var pairs []pair
	low, high := 1<<30, -1<<30
	for name, shown := range zip {
		at, ok := source[name]
		if !ok {
			at, ok = source["src/"+name]
		}
		if !ok || shown.IsZero() {
			continue
		}
		// A zip has seconds by twos.
		offset := int(shown.Sub(at.Truncate(2*time.Second)) / time.Second)
		if offset%900 != 0 || offset < -12*3600 || offset > 14*3600 {
			return ""
		}
		pairs = append(pairs, pair{at, offset})
		low, high = min(low, offset), max(high, offset)
	}
	switch {
	case len(pairs) == 0 || low == 0 && high == 0:
		return ""
	case low == high:
		return posixZone(low)
	case high-low != 3600 || low%3600 != 0:
		return ""
	}
	for _, d := range daylight {
		fits := true
		for _, p := range pairs {
			fits = fits && (p.offset == high) == d.summer(p.at, low)
		}
		if fits {
			return posixZone(low) + posixName(high) + "," + d.rule(low)
		}
	}
	return ""
}

// posixName is a zone's name, posixZone that with its offset, which POSIX counts
// to the west.
func posixName(east int) string {
	sign := '+'
	if east < 0 {
		sign, east = '-', -east
	}
	return fmt.Sprintf("<%c%02d%02d>", sign, east/3600, east%3600/60)
}

func posixZone(east int) string {
	sign, off := "-", east
	if east <= 0 {
		sign, off = "", -east
	}
	text := fmt.Sprintf("%s%s%d", posixName(east), sign, off/3600)
	if off%3600 != 0 {
		text += fmt.Sprintf(":%02d", off%3600/60)
	}
	return text
}
