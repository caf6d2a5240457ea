package serve

import (
	"math"
	"sync"
	"time"
)

// rate is what an option means: zero the default, negative no bound.
func rate(set, fallback float64) float64 {
	switch {
	case set == 0:
		return fallback
	case set < 0:
		return math.Inf(1)
	}
	return set
}

// A bucket lets through so many a second, and twice as many at once after a
// quiet time.
type bucket struct {
	mu   sync.Mutex
	rate float64
	now  func() time.Time
	have float64
	at   time.Time
}

func newBucket(rate float64, now func() time.Time) *bucket {
	return &bucket{rate: rate, now: now, have: 2 * rate, at: now()}
}

// take takes one, or says how long to wait for it.
func (b *bucket) take() (wait time.Duration, ok bool) {
	if math.IsInf(b.rate, 1) {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if passed := now.Sub(b.at); passed > 0 {
		b.have = min(math.Max(2*b.rate, 1), b.have+passed.Seconds()*b.rate)
		b.at = now
	}
	if b.have < 1 {
		return time.Duration((1 - b.have) / b.rate * float64(time.Second)), false
	}
	b.have--
	return 0, true
}

// buckets has one for each key. Only keys that hold a role get one, so there are
// never many.
type buckets struct {
	mu   sync.Mutex
	rate float64
	now  func() time.Time
	of   map[string]*bucket
}

func (b *buckets) take(key string) (time.Duration, bool) {
	b.mu.Lock()
	one := b.of[key]
	if one == nil {
		one = newBucket(b.rate, b.now)
		b.of[key] = one
	}
	b.mu.Unlock()
	return one.take()
}
