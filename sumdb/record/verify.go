package record

import (
	"runtime"
	"sync"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

// Preverify checks the signatures of a batch on all processors, so that the
// door, which takes one statement after the other, finds them checked. It
// decides nothing: the door asks again who holds the role at the statement's
// place, and a result counts only for the very key that was used here.
func Preverify(batch []*Signed, keys Keys, at int64, now time.Time) {
	var wg sync.WaitGroup
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, s := range batch {
		v, err := keys.Verifier(s.Role(), s.Signer, s.Hash, at+int64(i), now)
		key, ok := v.(*note.VerifierKey)
		if err != nil || !ok {
			continue
		}
		turn <- struct{}{}
		wg.Go(func() {
			if s.Verify(key) {
				s.verified = key
			}
			<-turn
		})
	}
	wg.Wait()
}
