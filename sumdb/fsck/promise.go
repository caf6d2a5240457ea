package fsck

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// Signatures take most of the time of a check, and none of them depends on
// another. So the door is told that each is good, and they are checked a bundle
// at a time on all processors, with the keys that the door was given.

// A promise is a signature that is still to be checked.
type promise struct {
	index int64
	s     *record.Signed
	key   note.Verifier
	good  bool
}

// lender hands out keys that take note of what they should have checked.
type lender struct {
	record.Keys
	r     *replay
	index int64
	s     *record.Signed
}

func (r *replay) later(i int64, s *record.Signed) record.Keys { return lender{r.c.o.Keys, r, i, s} }

func (l lender) Verifier(role, name string, hash uint32, at int64, now time.Time) (note.Verifier, error) {
	v, err := l.Keys.Verifier(role, name, hash, at, now)
	if err != nil {
		return nil, err
	}
	// Who asks checks that the key has the name and hash of the signature.
	return borrowed{v, l}, nil
}

type borrowed struct {
	note.Verifier
	l lender
}

func (b borrowed) Verify(_, _ []byte) bool {
	b.l.r.owed = append(b.l.r.owed, promise{b.l.index, b.l.s, b.Verifier, false})
	return true
}

// signatures checks what is owed.
func (r *replay) signatures() error {
	var all sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for w := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := w; i < len(r.owed); i += n {
				p := &r.owed[i]
				p.good = p.s.Verify(p.key)
			}
		}()
	}
	all.Wait()
	owed := r.owed
	r.owed = r.owed[:0]
	for _, p := range owed {
		if p.good {
			continue
		}
		bad := &record.DoorError{Rule: record.RuleSigner, Index: -1, Msg: fmt.Sprintf("the signature of %s+%08x is wrong", p.s.Signer, p.s.Hash)}
		if err := r.c.problem("", p.index, "%v", bad); err != nil {
			return err
		}
	}
	return nil
}
