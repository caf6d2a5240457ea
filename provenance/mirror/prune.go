package mirror

import (
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// Needed are the paths of the wheelhouse that locks need, with the hashes that they
// have there.
type Needed map[string][]string

// Add takes in every file that a lock names, of every group: a recipe needs its
// sources and tools as much as a target its wheels.
func (n Needed) Add(l *lock.Lock) {
	put := func(rel, hash string) {
		if !slices.Contains(n[rel], hash) {
			n[rel] = append(n[rel], hash)
		}
	}
	for i := range l.Packages {
		p := &l.Packages[i]
		if p.Sdist != nil {
			put(Sdist(p.Sdist.Name), p.Sdist.SHA256)
		}
		for k := range p.Wheels {
			w := &p.Wheels[k]
			for _, t := range l.WheelTargets(p, w) {
				put(Wheel(w.Name, t), w.SHA256)
			}
		}
	}
}

// Unneeded are the files that no lock names. A file under a needed path with other
// bytes than the lock's is not among them: it is for verify to judge, not to be
// cleared away.
func (n Needed) Unneeded(list []Listed) []Listed {
	var out []Listed
	for _, l := range list {
		if len(n[l.Path]) == 0 {
			out = append(out, l)
		}
	}
	return out
}

// ReadLock reads a lock that was logged, by its hash, from the wheelhouse.
func (w Wheelhouse) ReadLock(hash string) (*lock.Lock, error) {
	if !isHash(hash) {
		return nil, fmt.Errorf("%q is no sha256", hash)
	}
	rel := LockCopy(hash)
	data, err := w.readCapped(rel, lock.MaxSize)
	if err != nil {
		return nil, err
	}
	if got, err := w.Hash(rel); err != nil || got != hash {
		return nil, fmt.Errorf("%s: its name is not the sha256 of its bytes", rel)
	}
	l, err := lock.Parse(rel, data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %s", rel, strings.TrimSpace(err.Error()))
	}
	return l, nil
}
