package interop

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/torchwood"
	formats "github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	fwitness "github.com/transparency-dev/formats/witness"
	xnote "golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/tlogproof"
)

const rounds = 20000

// A tally counts texts that a library accepts and we refuse, by the reason that
// why gives; a text without a reason is an error.
type tally struct {
	t     *testing.T
	why   func(text string) string
	count map[string]int
	both  int
}

func newTally(t *testing.T, why func(string) string) *tally {
	return &tally{t: t, why: why, count: map[string]int{}}
}

// see takes one text's verdicts: ours and theirs, nil for accepted.
func (c *tally) see(who, text string, mine, theirs error) {
	switch {
	case mine == nil && theirs == nil:
		c.both++
	case mine == nil:
		c.t.Errorf("%s refuses what we accept (%v):\n%q", who, theirs, text)
	case theirs == nil:
		reason := c.why(text)
		if reason == "" {
			c.t.Errorf("%s accepts what we refuse (%v), for no known reason:\n%q", who, mine, text)
		}
		c.count[who+": "+reason]++
	}
}

func (c *tally) done(reasons ...string) {
	c.t.Logf("%d accepted by both; accepted by others only: %v", c.both, c.count)
	if c.both == 0 {
		c.t.Error("nothing was accepted")
	}
	for _, r := range reasons {
		if c.count[r] == 0 {
			c.t.Errorf("%s: no longer so", r)
		}
	}
}

type keys struct {
	log     *note.SigningKey
	witness *note.Cosigner
	policy  string
	signed  string // a checkpoint with a cosignature
}

func world(t *testing.T) keys {
	t.Helper()
	k := sumdbtest.Key(t, sumdbtest.Origin)
	w := &note.Cosigner{Key: sumdbtest.Key(t, "witness.example"), Now: func() int64 { return 1795000000 }}
	root := tlog.RecordHash([]byte("leaf"))
	text := tile.Checkpoint{Origin: sumdbtest.Origin, Size: 1, Root: root}.Text()
	msg, err := note.Sign(text, k, w)
	if err != nil {
		t.Fatal(err)
	}
	p := fmt.Sprintf("# trust\nlog %s\nwitness w1 %s https://w.example/\ngroup g any w1\nquorum g\n", k.Verifier(), w.Verifier())
	return keys{k, w, p, string(msg)}
}

func TestNotes(t *testing.T) {
	k := world(t)
	theirs, err := xnote.NewVerifier(k.log.Verifier().String())
	if err != nil {
		t.Fatal(err)
	}
	c := newTally(t, noteReason)
	for _, text := range mutants(k.signed, rounds, 1) {
		o, mine := note.Open([]byte(text), note.List(k.log.Verifier()))
		n, err := xnote.Open([]byte(text), xnote.VerifierList(theirs))
		c.see("x/mod", text, mine, err)
		if mine == nil && err == nil && o.Note().Text != n.Text {
			t.Errorf("another text in %q", text)
		}
	}
	c.done()
}

// noteReason says why we refuse a note that others accept.
func noteReason(text string) string {
	i := strings.LastIndex(text, "\n\n")
	if i < 0 {
		return ""
	}
	seen := map[string]bool{}
	for _, line := range strings.SplitAfter(strings.TrimSuffix(text[i+2:], "\n"), "\n") {
		line = strings.TrimSuffix(line, "\n")
		sig, err := note.ParseLine(line)
		if err != nil || strings.TrimSuffix(sig.Line(), "\n") != line {
			return "a signature line in another spelling"
		}
		key := fmt.Sprintf("%s+%08x", sig.Name, sig.Hash)
		if seen[key] {
			return "two signatures by one key"
		}
		seen[key] = true
	}
	return ""
}

func TestCheckpoints(t *testing.T) {
	k := world(t)
	text, _, _ := strings.Cut(k.signed, "\n\n")
	c := newTally(t, func(text string) string {
		lines := strings.Split(text, "\n")
		switch {
		case lines[0] == "":
			return "an empty origin"
		case len(lines) > 1 && (strings.HasPrefix(lines[1], "+") || len(lines[1]) > 1 && lines[1][0] == '0'):
			return "a size with a sign or leading zeros"
		case len(lines) > 1 && lines[1] == "0":
			return "an empty tree whose root is not the hash of nothing"
		case len(lines) > 2 && len(lines[2]) == 44 && strings.Count(lines[2], "=") != 1:
			return "a root hash of 31 or 33 bytes"
		case strings.Contains(text, "\r"), len(lines) > 2 && len(lines[2]) != 44:
			return "base64 with line ends in it"
		case len(lines) > 2 && lines[2] != canonical(lines[2]):
			return "base64 with unused bits"
		case strings.Contains(text, "\n\n"), !strings.HasSuffix(text, "\n"):
			return "an empty or unfinished extension line"
		case len(lines) > 1 && len(lines[1]) > 18:
			return "a size that is no int64"
		case !isNoteText(text):
			return "bytes that no note may have"
		}
		return ""
	})
	for _, text := range mutants(text+"\n", rounds, 2) {
		m, mine := tile.ParseCheckpoint(text)
		a, err := torchwood.ParseCheckpoint(text)
		c.see("torchwood", text, mine, err)
		if mine == nil && err == nil && (a.Origin != m.Origin || a.N != m.Size || a.Hash != m.Root) {
			t.Errorf("torchwood reads %v, we %v", a, m)
		}
		var b formats.Checkpoint
		_, err = b.Unmarshal([]byte(text))
		c.see("formats", text, mine, err)
		if mine == nil && err == nil && (b.Origin != m.Origin || b.Size != uint64(m.Size) || !bytes.Equal(b.Hash, m.Root[:])) {
			t.Errorf("formats reads %v, we %v", b, m)
		}
	}
	c.done()
}

func canonical(s string) string {
	h, err := tlog.ParseHash(s)
	if err != nil {
		return s
	}
	return h.String()
}

// isNoteText: valid UTF-8 without control characters but newline.
func isNoteText(s string) bool {
	for _, r := range s {
		if r < ' ' && r != '\n' || r == 0xfffd {
			return false
		}
	}
	return true
}

func TestCosignatures(t *testing.T) {
	k := world(t)
	vkey := k.witness.Verifier().String()
	plain := k.witness.Key.Verifier().String()
	torch, err := torchwood.NewCosignatureVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	form, err := fnote.NewVerifierForCosignatureV1(plain)
	if err != nil {
		t.Fatal(err)
	}
	if k.witness.Verifier().KeyHash() != torch.KeyHash() || torch.KeyHash() != form.KeyHash() {
		t.Error("key hashes differ")
	}
	c := newTally(t, noteReason)
	for _, text := range mutants(k.signed, rounds/4, 3) {
		_, mine := note.Open([]byte(text), note.List(k.witness.Verifier()))
		for who, v := range map[string]xnote.Verifier{"torchwood": torch, "formats": form} {
			n, err := xnote.Open([]byte(text), xnote.VerifierList(v))
			c.see(who, text, mine, err)
			if err == nil && mine == nil {
				if at, err := torchwood.CosignatureTimestamp(n.Sigs[0]); err != nil || at != 1795000000 {
					t.Errorf("time %d, %v", at, err)
				}
			}
		}
	}
	c.done()
	// Theirs are read by us.
	skey, _, err := xnote.GenerateKey(nil, "other.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := fnote.NewSignerForCosignatureV1(skey)
	if err != nil {
		t.Fatal(err)
	}
	n, err := xnote.Open([]byte(k.signed), xnote.VerifierList(torch))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := xnote.Sign(n, signer)
	if err != nil {
		t.Fatal(err)
	}
	other, err := xnote.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	own, err := note.NewSigner(skey)
	if err != nil || own.Name() != other.Name() {
		t.Fatal(err)
	}
	cos := &note.Cosigner{Key: own}
	if _, err := note.Open(msg, note.List(cos.Verifier())); err != nil {
		t.Errorf("a cosignature by formats: %v", err)
	}
	// ML-DSA-44, which we only read.
	skey, vkey, err = fnote.GenerateMLDSAKey("pq.example")
	if err != nil {
		t.Fatal(err)
	}
	pq, err := fnote.NewMLDSASigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	if msg, err = xnote.Sign(n, pq); err != nil {
		t.Fatal(err)
	}
	pv, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatalf("an ML-DSA key by formats: %v", err)
	}
	if _, err := note.Open(msg, note.List(pv)); err != nil {
		t.Errorf("an ML-DSA cosignature by formats: %v", err)
	}
	msg = bytes.Replace(msg, []byte(sumdbtest.Origin+"\n1\n"), []byte(sumdbtest.Origin+"\n2\n"), 1)
	if _, err := note.Open(msg, note.List(pv)); err == nil {
		t.Error("an ML-DSA cosignature of another checkpoint is taken")
	}
}

func TestProofs(t *testing.T) {
	k := world(t)
	leaf := []byte("leaf")
	good := string((&tlogproof.Proof{Extra: leaf, Index: 0, Checkpoint: []byte(k.signed)}).Format())
	trusted, err := policy.Parse([]byte(k.policy))
	if err != nil {
		t.Fatal(err)
	}
	torch, err := torchwood.ParsePolicy([]byte(k.policy))
	if err != nil {
		t.Fatal(err)
	}
	if err := torchwood.VerifyProof(torch, tlog.RecordHash(leaf), []byte(good)); err != nil {
		t.Errorf("torchwood refuses our proof: %v\n%s", err, good)
	}
	spelling := func(text string) string {
		switch {
		case strings.Contains(text, "index +"), strings.Contains(text, "index -"), indexZeros(text):
			return "an index with a sign or leading zeros"
		case proofBase64(text):
			return "base64 in another spelling"
		case noteBelow(text):
			return "a checkpoint note in another spelling"
		}
		return ""
	}
	c := newTally(t, spelling)
	for _, text := range mutants(good, rounds, 4) {
		p, mine := tlogproof.Parse([]byte(text))
		if mine == nil {
			_, _, mine = p.Check(leaf, trusted)
		}
		c.see("torchwood", text, mine, torchwood.VerifyProof(torch, tlog.RecordHash(leaf), []byte(text)))
	}
	c.done("torchwood: an index with a sign or leading zeros", "torchwood: base64 in another spelling")
	// The other library only parses.
	c = newTally(t, spelling)
	for _, text := range mutants(good, rounds, 5) {
		m, mine := tlogproof.Parse([]byte(text))
		var p fproof.TLogProof
		err := p.Unmarshal([]byte(text))
		if err == nil && mine != nil {
			if spelling(text) == "" {
				// It looks into neither the extra data nor the checkpoint.
				c.count["formats: parts not looked into"]++
				continue
			}
		}
		c.see("formats", text, mine, err)
		if mine == nil && err == nil && (p.Index != uint64(m.Index) || !bytes.Equal(p.ExtraData, m.Extra) || len(p.Hashes) != len(m.Hashes)) {
			t.Errorf("formats reads another proof from %q", text)
		}
	}
	c.done()
}

func indexZeros(text string) bool {
	_, rest, _ := strings.Cut(text, "index ")
	n, _, _ := strings.Cut(rest, "\n")
	return len(n) > 1 && n[0] == '0'
}

// proofBase64: a line above the note is base64 that is not as it would be written.
func proofBase64(text string) bool {
	head, _, _ := strings.Cut(text, "\n\n")
	for _, line := range strings.Split(head, "\n") {
		line = strings.TrimPrefix(line, "extra ")
		if strings.ContainsAny(line, "\r") {
			return true
		}
	}
	if _, rest, ok := strings.Cut(head, "extra "); ok {
		extra, _, _ := strings.Cut(rest, "\n")
		if extra != "bGVhZg==" {
			return true
		}
	}
	return false
}

// noteBelow: the checkpoint is not a note as we write it.
func noteBelow(text string) bool {
	_, below, ok := strings.Cut(text, "\n\n")
	return !ok || noteReason(below) != ""
}

var quoted = regexp.MustCompile(`"([^"\\]|\\.)*"`)

// refusals are our reasons against policies that others accept.
var refusals = []string{
	"log X: malformed key", // formats does not look at logs
	"expected: log KEY [URL]",
	"log wheels.example.org: another log has the same key",
	"witness w1: malformed key", // a name or key hash that does not fit the key
	"witness w2: malformed key",
	"expected: witness NAME KEY [URL]",
	"witness witness.example: another witness has the same key", // it would be two of a quorum
	"witness witness2.example: another witness has the same key",
	"no witness or group above is named X",
	"group g: X is a member already, here or of another group", // so would this
	"a second quorum line",
	"a control character",
	"the last line has no end",
}

func TestPolicies(t *testing.T) {
	k := world(t)
	other := &note.Cosigner{Key: sumdbtest.Key(t, "witness2.example")}
	good := strings.Replace(k.policy, "group g any w1\n", fmt.Sprintf("witness w2 %s https://w2.example\ngroup g 2 w1 w2\n", other.Verifier()), 1)
	c := newTally(t, func(text string) string {
		for _, line := range strings.Split(text, "\n") {
			if f := strings.Fields(line); len(f) > 2 && f[0] == "group" && (f[2][0] == '+' || f[2][0] == '0') {
				return "a threshold with a sign or leading zeros"
			}
		}
		_, err := policy.Parse([]byte(text))
		_, msg, _ := strings.Cut(err.Error(), " ") // behind "policy:LINE:"
		msg = quoted.ReplaceAllString(msg, "X")
		if !slices.Contains(refusals, msg) {
			return ""
		}
		return msg
	})
	for _, text := range mutants(good, rounds, 6) {
		p, mine := policy.Parse([]byte(text))
		if err, done := torchPolicy(text); done {
			c.see("torchwood", text, mine, err)
		}
		if mine == nil && needsAddress(p) {
			continue // formats asks for one; the page makes it optional
		}
		if strings.Contains(strings.TrimPrefix(text, "#"), "#") {
			continue // formats ends a line there
		}
		_, err := fwitness.ParsePolicy([]byte(text))
		if mine == nil && err != nil && strings.Contains(err.Error(), "invalid witness URL") {
			continue // we look at an address when we go there
		}
		c.see("formats", text, mine, err)
	}
	c.done()
}

// torchPolicy: torchwood v0.9.0 panics at a line of nothing but blanks.
func torchPolicy(text string) (err error, done bool) {
	defer func() { done = recover() == nil }()
	_, err = torchwood.ParsePolicy([]byte(text))
	return err, true
}

func needsAddress(p *policy.Policy) bool {
	for _, w := range p.Witnesses {
		if w.URL == "" {
			return true
		}
	}
	return false
}

func TestTilePaths(t *testing.T) {
	c := newTally(t, func(text string) string {
		var level int
		if _, err := fmt.Sscanf(text, "tile/%d/", &level); err != nil || level > 63 {
			return "a level above 63"
		}
		return ""
	})
	for seed, good := range []string{"tile/0/x001/x234/067", "tile/3/000.p/255", "tile/entries/x001/000.p/1", "tile/1/999"} {
		for _, text := range mutants(good, rounds, uint64(seed+10)) {
			m, mine := tile.ParsePath(text)
			a, err := torchwood.ParseTilePath(text)
			c.see("torchwood", text, mine, err)
			if mine == nil && err == nil && (a.N != m.Index || a.W != m.Width || (a.L == -1) != m.Entries || !m.Entries && a.L != m.Level || torchwood.TilePath(a) != m.Path()) {
				t.Errorf("%q is another tile: %v, %v", text, a, m)
			}
		}
	}
	c.done()
}
