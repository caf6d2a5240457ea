package rebuild

import (
	"slices"
	"strings"
	"sync"

	"github.com/freedomofpress/wheellock/lock"
)

// queue gives jobs to workers: those that wait for nothing, while there is memory.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	waiting []*Job
	done    map[*Job]bool
	running int
	room    int64 // bytes for all; 0: unlimited
	used    int64
	ended   bool
}

// take waits for a job that may begin; nil when there is none any more.
func (q *queue) take() *Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.ended || len(q.waiting) == 0 {
			return nil
		}
		for i, j := range q.waiting {
			if !q.free(j) || q.room > 0 && q.running > 0 && q.used+j.weight > q.room {
				continue
			}
			q.waiting = slices.Delete(q.waiting, i, i+1)
			q.used += j.weight
			q.running++
			return j
		}
		q.changed.Wait()
	}
}

// free reports whether all that a job waits for has come to its end.
func (q *queue) free(j *Job) bool {
	return !slices.ContainsFunc(j.after, func(k *Job) bool { return !q.done[k] })
}

func (q *queue) finish(j *Job) {
	q.mu.Lock()
	q.done[j] = true
	q.used -= j.weight
	q.running--
	q.mu.Unlock()
	q.changed.Broadcast()
}

// What a build takes of the memory at its peak, roughly: of a pure wheel, of one
// that a C compiler works for, and of one in Rust (cryptography: 3 GiB).
const (
	pureMemory   = 256 << 20
	nativeMemory = 1 << 30
	rustMemory   = 3 << 30
)

// weigh is the memory that a job is reckoned with. One that does not fit beside
// others runs alone.
func (r *Run) weigh(j *Job) int64 {
	switch rec := r.Lock.Recipe(j.Row.Recipe); {
	case j.Package.KindOf(j.Row) == lock.Pure:
		return pureMemory
	case rec != nil && slices.ContainsFunc(rec.BuildRequires, func(b lock.BuildRequire) bool {
		return b.Name == "maturin" || strings.HasPrefix(b.Name, "setuptools-rust")
	}):
		return rustMemory
	}
	return nativeMemory
}
