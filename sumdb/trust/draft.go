package trust

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// clockSlack is how far the clock of one machine may be behind another's.
const clockSlack = 10 * time.Minute

// Draft makes the document of root N+1, which nobody has signed yet: edit changes
// a copy of the newest root, or of the draft from (nil: none), whose number,
// previous hash and time are filled in. Tables may be left unsorted. A clock that
// is before the newest root's is refused with ErrClock: what such a machine signs
// would be born expired, or last too long.
func Draft(c *Chain, from []byte, now time.Time, edit func(*Root) error) ([]byte, error) {
	newest := c.Newest()
	if now.Before(newest.Created.Add(-clockSlack)) {
		return nil, fail("clock", ErrClock, "it is %s here, but root %d was made at %s", stamp(now), newest.Number, stamp(newest.Created))
	}
	base := newest.Format()
	if from != nil {
		if err := Follows(c, from); err != nil {
			return nil, err
		}
		base = from
	}
	r, err := ParseRoot(base) // a deep copy
	if err != nil {
		return nil, err
	}
	r.Number = newest.Number + 1
	r.Previous = Digest(c.signed[len(c.signed)-1].Document)
	r.Created = now.UTC().Truncate(time.Second)
	if err := edit(r); err != nil {
		return nil, err
	}
	r.sort()
	doc := r.Format()
	if _, err := ParseRoot(doc); err != nil {
		return nil, err
	}
	return doc, Follows(c, doc)
}

// Follows checks a draft against the chain in all but its signatures. Its error
// wraps ErrStale where another root has come since the draft was made.
func Follows(c *Chain, document []byte) error {
	r, _, err := parseRoot("draft", document)
	if err != nil {
		return err
	}
	n := len(c.roots)
	part := fmt.Sprintf("root-%d.toml", r.Number)
	switch {
	case r.Origin != c.Newest().Origin:
		return fail(part, ErrChain, "is for the log %s, this is %s", r.Origin, c.Newest().Origin)
	case r.Number < int64(n):
		return fail(part, ErrStale, "is stale: another root %d is in force", r.Number)
	case r.Number > int64(n):
		return fail(part, ErrChain, "comes too early: the newest root here is %d", n-1)
	case r.Previous != Digest(c.signed[n-1].Document):
		return fail(part, ErrStale, "is stale: it follows another root %d than the one here", n-1)
	}
	return c.follows(part, r)
}

// A SignatureFile is what somebody brought: armored or binary, one signature or several.
type SignatureFile struct {
	Name string // for messages
	Data []byte
}

// A Quorum is how far the keys of one root have signed a document.
type Quorum struct {
	Root      int64 // number of the root that asks for it
	Threshold int
	Signed    []string // fingerprints, ascending
	Missing   []string // those that could still sign
}

// Reached reports whether enough have signed.
func (q Quorum) Reached() bool { return len(q.Signed) >= q.Threshold }

// A Gathering is a document with the signatures that have come in.
type Gathering struct {
	Signed           // the signatures in canonical form; enough only if Complete
	Quorums []Quorum // of the root before, and for a root document of its own keys
}

// Complete reports whether every quorum is reached.
func (g *Gathering) Complete() bool {
	return !slices.ContainsFunc(g.Quorums, func(q Quorum) bool { return !q.Reached() })
}

// Signers are the fingerprints of all who signed, ascending.
func (g *Gathering) Signers() []string {
	var all []string
	for _, q := range g.Quorums {
		all = append(all, q.Signed...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Gather collects the signatures of a draft of the next root. Files may name a
// signer twice; each must hold a signature of exactly this document by a key of
// the newest root or of the draft. That the quorums are reached is for Complete
// to say.
func Gather(c *Chain, document []byte, files ...SignatureFile) (*Gathering, error) {
	if err := Follows(c, document); err != nil {
		return nil, err
	}
	r, certs, err := parseRoot("draft", document)
	if err != nil {
		return nil, err
	}
	n := len(c.roots) - 1
	return gather(document, files, party{c.roots[n], c.certs[n]}, party{r, certs})
}

// GatherBy collects signatures of any document by the keys of the newest root.
func GatherBy(c *Chain, document []byte, files ...SignatureFile) (*Gathering, error) {
	n := len(c.roots) - 1
	return gather(document, files, party{c.roots[n], c.certs[n]})
}

// A party is a root whose quorum is asked.
type party struct {
	root  *Root
	certs []*certificate
}

func gather(document []byte, files []SignatureFile, parties ...party) (*Gathering, error) {
	var all []*certificate
	for _, p := range parties {
		all = append(all, p.certs...)
	}
	found := map[string][]byte{}
	for _, f := range files {
		blocks, err := ReadSignatures(f.Data)
		if err != nil {
			return nil, fail(f.Name, ErrMalformed, "%v", err)
		}
		for _, b := range blocks {
			who, err := signerOf(b, document, all)
			if err != nil {
				return nil, fail(f.Name, ErrSignature, "%s", whyNot(b, all))
			}
			if found[who] == nil {
				found[who] = b
			}
		}
	}
	g := &Gathering{Signed: Signed{Document: document}}
	for _, p := range parties {
		g.Quorums = append(g.Quorums, p.quorum(document, found))
	}
	for _, who := range g.Signers() {
		g.Signatures = append(g.Signatures, armor(armorSignature, found[who])...)
	}
	return g, nil
}

// quorum asks each certificate of its own root: the two roots may have different
// certificates of one key, with different subkeys.
func (p party) quorum(document []byte, found map[string][]byte) Quorum {
	q := Quorum{Root: p.root.Number, Threshold: p.root.Threshold}
	for _, c := range p.certs {
		d, err := parseSignature(found[c.fingerprint])
		if err == nil && c.signedBy(d, document) {
			q.Signed = append(q.Signed, c.fingerprint)
		} else {
			q.Missing = append(q.Missing, c.fingerprint)
		}
	}
	return q
}

// whyNot says in words why a signature does not count.
func whyNot(block []byte, certs []*certificate) string {
	d, err := parseSignature(block)
	if err != nil {
		return "is not a plain detached signature (gpg --detach-sign makes one; --clearsign and --textmode do not), or has a weak hash"
	}
	for _, c := range certs {
		for _, k := range c.keys {
			if d.sig.CheckKeyIdOrFingerprint(k) {
				return "is by " + c.fingerprint + ", but over other bytes than this document"
			}
		}
	}
	if d.sig.IssuerFingerprint != nil {
		return fmt.Sprintf("is by %X, which is no key of either root", d.sig.IssuerFingerprint)
	}
	return "is by a key of neither root"
}

// ReadSignatures reads detached signatures as people bring them: armored by
// whatever program, with CRLF or headers, several in one file, or binary.
func ReadSignatures(data []byte) ([][]byte, error) {
	const begin, end = "-----BEGIN " + armorSignature + "-----", "-----END " + armorSignature + "-----"
	if len(data) > MaxSignaturesSize {
		return nil, fmt.Errorf("is larger than %d bytes", MaxSignaturesSize)
	}
	if bytes.Contains(data, []byte("-----BEGIN PGP SIGNED MESSAGE-----")) {
		return nil, fmt.Errorf("is a cleartext signature; make a detached one: gpg --armor --detach-sign FILE")
	}
	var blocks [][]byte
	binary := data
	if bytes.Contains(data, []byte(begin)) {
		binary = nil
		for rest := string(data); strings.TrimSpace(rest) != ""; {
			one, tail, ok := strings.Cut(rest, end)
			if !ok {
				return nil, fmt.Errorf("ends within a signature: it was not copied whole")
			}
			sig, err := dearmorKey([]byte(one+end), armorSignature)
			if err != nil {
				return nil, fmt.Errorf("is damaged: the armor of a signature cannot be read, or its checksum is wrong")
			}
			binary, rest = append(binary, sig...), tail
		}
	}
	list, err := splitPackets(binary)
	if err != nil || len(list) == 0 {
		return nil, fmt.Errorf("holds no detached OpenPGP signature")
	}
	for _, p := range list {
		if p.tag != tagSignature {
			return nil, fmt.Errorf("holds something else than detached OpenPGP signatures")
		}
		blocks = append(blocks, appendPacket(nil, p.tag, p.body))
	}
	return blocks, nil
}

// Expected tells who has to sign a draft of the root after before, and who has by
// the files given, whose bad signatures are passed over: for showing it where
// there is no chain. Whether the draft follows is for [Gather] to say.
func Expected(before *Root, document []byte, files []SignatureFile) *Gathering {
	g := &Gathering{Signed: Signed{Document: document}}
	r, own, err := parseRoot("draft", document)
	if err != nil {
		return g
	}
	old, err := before.check()
	if err != nil {
		return g
	}
	found := map[string][]byte{}
	for _, f := range files {
		blocks, err := ReadSignatures(f.Data)
		if err != nil {
			continue
		}
		for _, b := range blocks {
			if who, err := signerOf(b, document, slices.Concat(old, own)); err == nil {
				found[who] = b
			}
		}
	}
	for _, p := range []party{{before, old}, {r, own}} {
		g.Quorums = append(g.Quorums, p.quorum(document, found))
	}
	return g
}
