package solver

// relation is what the state of a package says about a term.
type relation int

const (
	open relation = iota
	satisfied
	contradicted
)

func relate(t Term) relation { return relateState(t, t.pkg.positive, t.pkg.allowed) }

func relateState(t Term, positive bool, allowed Set) relation {
	switch {
	case t.Positive && allowed.Disjoint(t.Set):
		return contradicted
	case t.Positive && positive && allowed.SubsetOf(t.Set):
		return satisfied
	case !t.Positive && allowed.Disjoint(t.Set):
		return satisfied
	case !t.Positive && positive && allowed.SubsetOf(t.Set):
		return contradicted
	}
	return open
}

// propagate draws every conclusion from a change of p.
func (s *search) propagate(p *pkg) error {
	changed := []*pkg{p}
	for len(changed) > 0 {
		p := changed[len(changed)-1]
		changed = changed[:len(changed)-1]
		// What was learned last narrows most.
		for k := len(p.incompats) - 1; k >= 0; k-- {
			i := p.incompats[k]
			if i.contradicted >= 0 {
				continue
			}
			last, verdict := s.examine(i)
			switch verdict {
			case contradicted:
				s.mute(i)
			case satisfied:
				learned, err := s.conflict(i)
				if err != nil {
					return err
				}
				t, _ := s.examine(learned)
				s.derive(t.negate(), learned)
				s.mute(learned)
				changed = append(changed[:0], t.pkg)
				k = 0
			case open:
				if last.pkg != nil {
					s.derive(last.negate(), i)
					s.mute(i)
					changed = push(changed, last.pkg)
				}
			}
		}
	}
	return nil
}

func push(list []*pkg, p *pkg) []*pkg {
	for _, q := range list {
		if q == p {
			return list
		}
	}
	return append(list, p)
}

// mute marks i as false at this level, so that it is not looked at again
// until the search goes back behind it.
func (s *search) mute(i *Incompatibility) {
	i.contradicted = s.level
	s.quiet = append(s.quiet, i)
}

// examine says whether all terms of i are true (satisfied), one is false
// (contradicted), or neither (open): then, if exactly one is undecided, it is
// returned.
func (s *search) examine(i *Incompatibility) (Term, relation) {
	var last Term
	n := 0
	for _, t := range i.Terms {
		switch relate(t) {
		case contradicted:
			return Term{}, contradicted
		case open:
			n++
			last = t
		}
	}
	switch n {
	case 0:
		return Term{}, satisfied
	case 1:
		return last, open
	}
	return Term{}, open
}

// conflict finds out why all terms of i are true, goes back to where that
// could first have been avoided, and returns the incompatibility that avoids it.
func (s *search) conflict(i *Incompatibility) (*Incompatibility, error) {
	s.conflicts++
	if m := s.options.MaxConflicts; m > 0 && s.conflicts > m {
		return nil, &LimitError{Conflicts: m}
	}
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	learned := false
	for !i.hopeless() {
		term, by, previous := s.satisfier(i)
		if by.cause == nil || previous < by.level {
			s.bump(i)
			s.backtrack(previous)
			if learned {
				s.add(i)
			}
			return i, nil
		}
		i = resolve(i, by.cause, term.pkg)
		learned = true
	}
	return nil, &NoSolution{Proof: i}
}

// satisfier returns the assignment that made the last term of i true, that
// term, and the level at which the others (and the rest of that term) were.
func (s *search) satisfier(i *Incompatibility) (Term, assignment, int) {
	var term Term
	by := assignment{index: -1}
	previous := 0
	for _, t := range i.Terms {
		a := t.pkg.history[t.pkg.firstTrue(t, nil)]
		if a.index > by.index {
			if by.index >= 0 {
				previous = max(previous, by.level)
			}
			term, by = t, a
		} else {
			previous = max(previous, a.level)
		}
	}
	// The assignment may have needed earlier ones about the same package.
	p := term.pkg
	if k := p.firstTrue(term, &by.term); k >= 0 {
		previous = max(previous, p.history[k].level)
	}
	return term, by, previous
}

// firstTrue returns the first entry of the history that makes t true (with
// the help of u, if given); -1 if u alone does.
func (p *pkg) firstTrue(t Term, u *Term) int {
	try := func(positive bool, allowed Set) bool {
		if u != nil && u.Positive {
			positive, allowed = true, allowed.And(u.Set)
		} else if u != nil {
			allowed = allowed.AndNot(u.Set)
		}
		return relateState(t, positive, allowed) == satisfied
	}
	if u != nil && try(false, p.full) {
		return -1
	}
	low, high := 0, len(p.history)-1
	for low < high {
		mid := (low + high) / 2
		if h := p.history[mid]; try(h.positive, h.allowed) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}
