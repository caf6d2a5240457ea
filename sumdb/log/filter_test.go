package log

import (
	"math/rand/v2"
	"testing"
)

// A filter never denies what is there, and lets little else through.
func TestFilter(t *testing.T) {
	const n = 100_000
	r := rand.New(rand.NewPCG(1, 2))
	f := newFilter(n)
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = r.Uint64()
		f.add(keys[i])
	}
	for _, k := range keys {
		if !f.has(k) {
			t.Fatalf("%x is missing", k)
		}
	}
	wrong := 0
	for range n {
		if f.has(r.Uint64()) {
			wrong++
		}
	}
	if wrong > n/300 {
		t.Errorf("lets %d of %d through that are not there", wrong, n)
	}
}

// A segment gives the same answers from its pages, after it was asked so much
// that it made a filter, and after pages were read ahead.
func TestSegmentFinds(t *testing.T) {
	dir := t.TempDir()
	var facts []fact
	for i := range int64(3000) {
		facts = append(facts, fact{uint64(i/3) << 50, i}) // three under each key, some across pages
	}
	s, err := writeSegment(dir, 0, 3000, facts)
	if err != nil {
		t.Fatal(err)
	}
	s.prefetch(dir, []uint64{0, 7 << 50, 8})
	for range 2 {
		for k := range uint64(1000) {
			got, err := s.find(dir, k<<50, nil)
			if err != nil || len(got) != 3 || got[0] != int64(3*k) || got[2] != int64(3*k+2) {
				t.Fatalf("key %d: %v, %v", k, got, err)
			}
			if got, err := s.find(dir, k<<50+1, nil); err != nil || len(got) != 0 {
				t.Fatalf("a key that is not there: %v, %v", got, err)
			}
		}
	}
	if s.filter == nil {
		t.Error("no filter after as many questions")
	}
}
