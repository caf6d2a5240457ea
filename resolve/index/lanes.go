package index

import "sync"

// lane is a way to get metadata without the wheel.
type lane int

const (
	laneFile  lane = iota // FILE.metadata
	laneRange             // byte ranges
)

// origins remembers what each origin answered.
type origins struct {
	mu   sync.Mutex
	seen map[string]*[2]tally
}

type tally struct{ hits, misses int }

func (o *origins) learn(origin string, l lane, hit bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen == nil {
		o.seen = map[string]*[2]tally{}
	}
	if o.seen[origin] == nil {
		o.seen[origin] = &[2]tally{}
	}
	if t := &o.seen[origin][l]; hit {
		t.hits++
	} else {
		t.misses++
	}
}

// plan says which ways to try in turn, or to race both. listed: the page says
// that FILE.metadata is there. Two answers are enough to prefer a way, as a
// wrong guess costs only one round trip.
func (o *origins) plan(origin string, listed bool) (lanes []lane, race bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var file, ranges tally
	if t := o.seen[origin]; t != nil {
		file, ranges = t[laneFile], t[laneRange]
	}
	noRanges := ranges.misses >= 2 && ranges.hits == 0
	sureRanges := ranges.hits >= 4 && ranges.misses == 0
	switch {
	case listed && file.misses == 0:
		return []lane{laneFile, laneRange}, false
	case sureRanges && file.misses > 0:
		return []lane{laneRange, laneFile}, false
	case file.hits >= 2 && file.misses == 0:
		return []lane{laneFile, laneRange}, false
	case sureRanges: // FILE.metadata has lost every race, if it is there at all
		return []lane{laneRange, laneFile}, false
	case noRanges && file.misses >= 2 && file.hits == 0 && !listed:
		return nil, false
	case noRanges:
		return []lane{laneFile}, false
	case file.misses >= 2 && file.hits == 0 && ranges.hits > 0:
		return []lane{laneRange, laneFile}, false
	}
	return nil, true
}
