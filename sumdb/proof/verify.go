package proof

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// Verify checks a proof without any network: the roots and pins, the
// checkpoint's signatures, that every leaf and index entry is in its tree, that
// nothing about the wanted packages or the root is left out, and every
// statement's signature by what its key could sign at that place. All errors
// are *Error, but those about roots, which are *trust.Error.
func Verify(data []byte, pins Pins, want []Want) (*Verified, error) {
	check := func(origin string, roots []trust.Signed) (*trust.Chain, error) {
		chain, err := trust.VerifyChain(origin, roots, pins.Root)
		if err != nil {
			return nil, err
		}
		return chain, CheckLogPin(chain, pins.Log)
	}
	return verify(data, check, want)
}

// CheckLogPin wants the pinned log key to be one that some root delegated: it
// may have been replaced since by a newer root.
func CheckLogPin(chain *trust.Chain, pin string) error {
	if pin == "" {
		return nil
	}
	for n := range chain.Len() {
		for _, r := range chain.Root(n).Roles {
			if r.Name == trust.RoleLog && slices.Contains(slices.Concat(r.Keys, r.Spare), pin) {
				return nil
			}
		}
	}
	return fail("log", trust.ErrPins, "the pinned key is not one that its roots delegate")
}

// A verifier carries what has been found so far.
type verifier struct {
	p      *Proof
	v      *Verified
	text   string // of the checkpoint
	index  int    // which of v.Statements is the last index statement; -1: none
	placed []record.Placed
}

func verify(data []byte, check func(string, []trust.Signed) (*trust.Chain, error), want []Want) (*Verified, error) {
	p, err := Parse(data)
	if err != nil {
		return nil, err
	}
	n, err := note.Parse(p.Checkpoint)
	if err != nil {
		return nil, fail("checkpoint", ErrMalformed, "is not a signed note")
	}
	cp, err := tile.ParseCheckpoint(n.Text)
	if err != nil {
		return nil, fail("checkpoint", ErrMalformed, "is not a checkpoint")
	}
	chain, err := check(cp.Origin, p.Roots)
	if err != nil {
		return nil, err
	}
	s := &verifier{p: p, text: n.Text, index: -1, v: &Verified{Origin: cp.Origin, Size: cp.Size, Hash: cp.Root,
		Checkpoint: p.Checkpoint, Chain: chain, byName: map[string][]int{}, lines: map[string][]index.Line{}}}
	for _, step := range []func() error{s.tree, s.statements, s.place,
		func() error { return s.cosigned(n.Sigs) }, s.trailing, s.entries,
		func() error { return s.complete(want) }, s.signatures} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return s.v, nil
}

// tree checks that the leaves are in the log.
func (s *verifier) tree() error {
	if !inTree(s.p.Statements, s.p.Hashes, s.v.Size, s.v.Hash) {
		return fail("statements", ErrTampered, "they and the hashes do not give the checkpoint's root hash")
	}
	return nil
}

func inTree(list []Block, missing []Subtree, size int64, root tlog.Hash) bool {
	places := make([]int64, len(list))
	hashes := make([]tlog.Hash, len(list))
	_ = each(len(list), func(i int) error {
		places[i], hashes[i] = list[i].Number, tlog.RecordHash(list[i].Data)
		return nil
	})
	got, ok := rootFrom(size, places, hashes, missing)
	return ok && got == root
}

// statements parses the leaves.
func (s *verifier) statements() error {
	s.v.Statements = make([]Statement, len(s.p.Statements))
	err := each(len(s.p.Statements), func(i int) error {
		b := s.p.Statements[i]
		signed, err := record.ParseLeaf(b.Data)
		if err != nil {
			return fail(fmt.Sprintf("statement %d", b.Number), ErrMalformed, "is not a statement")
		}
		if signed.Log() != s.v.Origin {
			return fail(fmt.Sprintf("statement %d", b.Number), ErrTampered, "is for another log")
		}
		s.v.Statements[i] = Statement{Number: b.Number, Signed: signed}
		return nil
	})
	if err != nil {
		return err
	}
	for i, st := range s.v.Statements {
		if st.Kind() == record.KindIndex {
			s.index = i
			continue
		}
		name, _ := nameOf(st.Signed)
		s.v.byName[name] = append(s.v.byName[name], i)
	}
	return nil
}

// nameOf is where the index has a statement.
func nameOf(s *record.Signed) (name, version string) {
	if name, version = s.Package(); name != "" {
		return name, version
	}
	return "_" + s.Kind(), index.NoVersion
}

const rootName = "_" + record.KindRoot

// place gives each root the place of its statement. That all root statements
// are here is for complete to say.
func (s *verifier) place() error {
	for _, st := range s.v.History(rootName) {
		r, err := st.AsRoot()
		if err != nil {
			return fail(fmt.Sprintf("statement %d", st.Number), ErrMalformed, "is not a root statement")
		}
		s.placed = append(s.placed, record.Placed{At: st.Number, Root: r})
	}
	if len(s.placed) != s.v.Chain.Len() {
		return fail("roots", ErrIncomplete, "%d roots, and %d root statements", s.v.Chain.Len(), len(s.placed))
	}
	if err := s.v.Chain.Keys().Place(s.placed); err != nil {
		return err
	}
	return nil
}

// cosigned checks the checkpoint's signatures by the keys in force at its end.
// Every line must be one that we can check, the log's own first.
func (s *verifier) cosigned(sigs []note.Signature) error {
	keep, cosigned := checkpointLines(s.v.Chain, s.v.Size, s.text, sigs)
	if len(keep) != len(sigs) || !slices.EqualFunc(keep, sigs, func(a, b note.Signature) bool { return a.Line() == b.Line() }) {
		return fail("checkpoint", ErrTampered, "it has a signature that is wrong, out of order, or of a key that holds no role")
	}
	if len(keep) == len(cosigned) {
		return fail("checkpoint", ErrTampered, "it is not signed by the log")
	}
	s.v.Cosigned = cosigned
	return nil
}

// checkpointLines gives the good signature lines in the order that a proof has
// them: the log's, then the witnesses', each ascending, one a key.
func checkpointLines(chain *trust.Chain, size int64, text string, sigs []note.Signature) (keep []note.Signature, cosigned []Cosigned) {
	var own, others []note.Signature
	seen := map[string]bool{}
	times := map[string]Cosigned{}
	sorted := slices.Clone(sigs)
	slices.SortFunc(sorted, func(a, b note.Signature) int { return strings.Compare(a.Line(), b.Line()) })
	for _, sig := range sorted {
		h, err := chain.Holder(size-1, sig.Name, sig.Hash)
		if err != nil || h.Role != trust.RoleLog && h.Role != trust.RoleWitness || seen[h.Key] || !h.Verifier.Verify([]byte(text), sig.Sig) {
			continue
		}
		seen[h.Key] = true
		if h.Role == trust.RoleLog {
			own = append(own, sig)
			continue
		}
		others = append(others, sig)
		if c, err := note.ParseCosignature(sig.Sig); err == nil {
			times[sig.Line()] = Cosigned{h.Key, c.Time}
		}
	}
	if len(own) == 0 {
		return nil, nil
	}
	for _, sig := range others {
		cosigned = append(cosigned, times[sig.Line()])
	}
	return append(own, others...), cosigned
}

// trailing checks that all leaves after the last index statement are there.
// The statement is the last because every leaf after it is here to be seen.
func (s *verifier) trailing() error {
	from := int64(0)
	rest := s.v.Statements
	if s.index >= 0 {
		from = s.v.Statements[s.index].Number + 1
		rest = rest[s.index+1:]
	}
	if s.v.Size-from > index.Interval {
		return fail("statements", ErrIncomplete, "more than %d leaves follow the last index statement", index.Interval)
	}
	if int64(len(rest)) != s.v.Size-from { // ascending and below size, so then all are there
		return fail("statements", ErrIncomplete, "a statement after the last index statement is left out")
	}
	return nil
}

// entries checks the index entries against the last index statement.
func (s *verifier) entries() error {
	if s.index < 0 {
		if len(s.p.Entries)+len(s.p.EntryHashes) > 0 {
			return fail("index entries", ErrTampered, "there are some, and no index statement")
		}
		return nil
	}
	st, err := s.v.Statements[s.index].AsIndex()
	if err != nil {
		return fail(fmt.Sprintf("statement %d", s.v.Statements[s.index].Number), ErrMalformed, "is not an index statement")
	}
	root, err := tlog.ParseHash(base64Of(st.Root))
	if err != nil || !inTree(s.p.Entries, s.p.EntryHashes, st.Entries, root) {
		return fail("index entries", ErrTampered, "they and the hashes do not give the root hash of the index statement")
	}
	return nil
}

// each calls f for 0 to n-1 on all processors and gives the error of the lowest.
func each(n int, f func(i int) error) error {
	workers := min(runtime.GOMAXPROCS(0), (n+15)/16)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				if errs[i] = f(i); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// signatures checks who signed each statement, by the roots as of its place.
func (s *verifier) signatures() error {
	return each(len(s.v.Statements), func(i int) error {
		st := &s.v.Statements[i]
		part := fmt.Sprintf("statement %d", st.Number)
		h, err := s.v.Chain.Holder(st.Number, st.Signer, st.Hash)
		if err != nil && !errors.Is(err, trust.ErrStolen) {
			return &Error{Part: part, Err: err}
		}
		if h.Role != st.Signed.Role() {
			return fail(part, trust.ErrNotHeld, "is signed by a key that has not the role for its kind")
		}
		if !st.Verify(h.Verifier) {
			return fail(part, trust.ErrSignature, "its signature is wrong")
		}
		st.Role, st.Key, st.Spare, st.Void = h.Role, h.Key, h.Spare, err != nil
		if st.Void && i == s.index {
			return fail(part, trust.ErrStolen, "the package index was signed with a stolen key; the log has to state a new one")
		}
		return nil
	})
}
