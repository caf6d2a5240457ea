package verify

import (
	"bytes"
	"errors"
	"slices"

	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// A list is sha256sums.txt as it was found.
type list struct {
	readable bool
	hashes   map[string]string // path -> sha256
	order    []string          // the paths
}

// readList reads the list and checks all that speaks for it.
func (c *checker) readList() (*list, error) {
	l := &list{hashes: map[string]string{}}
	path := c.show(mirror.SumsFile)
	data, err := c.read(mirror.SumsFile, mirror.MaxListSize)
	if errors.Is(err, errTooLarge) {
		c.add("list-changed", path, "%v", err)
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	if data == nil {
		if c.holdsFiles() || c.needsHouse() {
			c.add("list-missing", path, "the wheelhouse has no signed list yet")
		}
		return l, nil
	}
	if unmerged(data) {
		c.add("list-unmerged", path, "%s", unmergedText)
		return l, nil
	}
	entries, err := mirror.ParseList(data)
	if err != nil {
		c.add("list-changed", path, "%v", err)
		return l, nil
	}
	l.readable = true
	for _, e := range entries {
		l.hashes[e.Path] = e.SHA256
		l.order = append(l.order, e.Path)
	}
	return l, c.signatures(data)
}

const unmergedText = "an unresolved merge conflict: the list and its signature are made anew, not merged"

// unmerged reports whether git left both sides of a merge in a file.
func unmerged(data []byte) bool {
	return bytes.HasPrefix(data, []byte("<<<<<<< ")) || bytes.Contains(data, []byte("\n<<<<<<< "))
}

func (c *checker) holdsFiles() bool {
	return slices.ContainsFunc(c.files, func(f scanned) bool { return f.rel[0] == 's' || f.rel[0] == 'w' })
}

// signatures checks who signed the list: the publisher, the log, and where the
// policy or a file says so, the OpenPGP root.
func (c *checker) signatures(data []byte) error {
	at, logged := c.book.published[hashOf(data)]
	if c.haveProof() && !logged {
		c.add("list-not-logged", c.show(mirror.SumsFile), "no publication of it is in the proof")
	}
	if err := c.noteSignature(data, at, logged && at >= 0); err != nil {
		return err
	}
	return c.countersignature(data, at, logged && at >= 0)
}

// noteSignature checks sha256sums.txt.sig. Whether the signer was a publisher is
// asked at the place of the publication in the log: who was one then may have
// gone since.
func (c *checker) noteSignature(data []byte, at int64, logged bool) error {
	path := c.show(mirror.SignFile)
	msg, err := c.read(mirror.SignFile, note.MaxSize)
	if err != nil && !errors.Is(err, errTooLarge) {
		return err
	}
	if msg == nil && err == nil {
		c.add("list-not-signed", path, "no publisher has signed the list")
		return nil
	}
	if c.chain == nil {
		return nil // without roots nobody knows who is a publisher; that is said
	}
	if unmerged(msg) {
		c.add("list-unmerged", path, "%s", unmergedText)
		return nil
	}
	n, err := note.Parse(msg)
	if err != nil || n.Text != mirror.ListNote(c.chain.Newest().Origin, data) {
		c.add("list-changed", path, "it is not a signature of this list")
		return nil
	}
	for _, s := range n.Sigs {
		if err := c.publisher(n.Text, s, at, logged); err != nil {
			c.add("list-changed", path, "%v", err)
			return nil
		}
	}
	return nil
}

func (c *checker) publisher(text string, s note.Signature, at int64, logged bool) error {
	var key note.Verifier
	if logged {
		h, err := c.chainAt(at).Holder(at, s.Name, s.Hash)
		if err != nil {
			return err
		}
		if h.Role == trust.RolePublisher {
			key = h.Verifier
		}
	} else if v, _ := everHeld(c.roots(), c.size()-1, s.Name, s.Hash, trust.RolePublisher); v != nil {
		key = v
	}
	if key == nil {
		return errors.New("it is signed by a key that was no publisher's")
	}
	if !key.Verify([]byte(text), s.Sig) {
		return errors.New("the signature of " + s.Name + " is wrong")
	}
	return nil
}

// chainAt is the chain that knows which root was in force at a log index.
func (c *checker) chainAt(at int64) *trust.Chain {
	if c.v != nil && at < c.v.Size {
		return c.v.Chain
	}
	return c.roots()
}

// size is the number of statements that we know of.
func (c *checker) size() int64 {
	size := int64(1)
	if c.v != nil {
		size = c.v.Size
	}
	if c.log.tree != nil {
		size = max(size, c.log.tree.Size())
	}
	return size
}

// countersignature checks sha256sums.txt.asc.
func (c *checker) countersignature(data []byte, at int64, logged bool) error {
	path := c.show(mirror.OpenPGPFile)
	asc, err := c.read(mirror.OpenPGPFile, trust.MaxSignaturesSize)
	if err != nil && !errors.Is(err, errTooLarge) {
		return err
	}
	if asc == nil && err == nil {
		if c.chain != nil && !c.chain.Provisional() && contains(c.in.Policy.Ceremony, "every-publication") {
			c.add("list-not-countersigned", path, "the policy wants an OpenPGP signature by the root with every publication")
		}
		return nil
	}
	if c.chain == nil {
		return nil
	}
	if err == nil {
		err = c.signedByRoot(data, asc, at, logged)
	}
	if err != nil {
		c.add("countersignature-changed", path, "it is not a signature of this list by the root: %v", err)
	}
	return nil
}

// signedByRoot takes the keys of the root in force when the list was published,
// or of the newest one.
func (c *checker) signedByRoot(data, asc []byte, at int64, logged bool) error {
	roots := []*trust.Root{c.roots().Newest()}
	if logged {
		roots = append([]*trust.Root{c.chainAt(at).At(at)}, roots...)
	}
	var err error
	for _, r := range roots {
		var certs [][]byte
		for _, k := range r.OpenPGP {
			certs = append(certs, k.Certificate)
		}
		if _, err = trust.VerifyDetached(data, asc, certs...); err == nil {
			return nil
		}
	}
	return err
}
