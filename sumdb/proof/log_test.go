package proof

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

const origin = "wheels.example.org"

var start = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

// A testLog is a whole log in memory, with its keys.
type testLog struct {
	t       testing.TB
	keys    *trust.Store
	chain   *trust.Chain
	roots   []trust.Signed
	placed  []int64
	leaves  [][]byte
	stored  []tlog.Hash
	index   *index.Index
	signers map[string]trust.Signer
	witness []*note.Cosigner
	noIndex bool // a log that forgets to write its index
}

func newLog(t testing.TB, witnesses int) *testLog {
	t.Helper()
	keys, err := trust.OpenStore(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	l := &testLog{t: t, keys: keys, index: index.New(), signers: map[string]trust.Signer{}}
	root, err := trust.Setup(keys, trust.SetupOptions{Origin: origin, Now: start})
	if err != nil {
		t.Fatal(err)
	}
	l.addRoot(root)
	if witnesses > 0 {
		var vkeys []string
		for i := range witnesses {
			skey, _, err := note.GenerateKey(rand.Reader, fmt.Sprintf("witness%d.example", i))
			if err != nil {
				t.Fatal(err)
			}
			k, err := note.NewSigner(skey)
			if err != nil {
				t.Fatal(err)
			}
			w := &note.Cosigner{Key: k, Now: func() int64 { return start.Unix() }}
			l.witness = append(l.witness, w)
			vkeys = append(vkeys, w.Verifier().String())
		}
		l.rotate(func(r *trust.Root) error {
			r.Roles = append(r.Roles, trust.RoleKeys{Name: trust.RoleWitness, Threshold: 1, Expires: r.Expires, Keys: vkeys})
			return nil
		})
	}
	return l
}

func (l *testLog) head() record.Head { return record.Head{Log: origin, Time: start} }

func (l *testLog) software() []trust.OpenPGPSigner {
	l.t.Helper()
	k, err := l.keys.OpenPGP(origin)
	if err != nil {
		l.t.Fatal(err)
	}
	return k
}

func (l *testLog) rotate(edit func(*trust.Root) error, signers ...trust.OpenPGPSigner) {
	l.t.Helper()
	if signers == nil {
		signers = l.software()
	}
	root, err := trust.Next(l.chain, start, edit, signers...)
	if err != nil {
		l.t.Fatal(err)
	}
	l.addRoot(root)
}

// addRoot appends the statement of a root; from then on its keys sign.
func (l *testLog) addRoot(root trust.Signed) {
	l.t.Helper()
	l.makeIndexIfDue()
	l.roots = append(l.roots, root)
	chain, err := trust.CheckChain(origin, l.roots)
	if err != nil {
		l.t.Fatal(err)
	}
	l.placed = append(l.placed, int64(len(l.leaves)))
	if err := chain.Place(l.placed); err != nil {
		l.t.Fatal(err)
	}
	l.chain = chain
	for _, role := range []string{trust.RoleLog, trust.RoleBuilder, trust.RoleReviewer, trust.RolePublisher} {
		held, err := l.keys.Holding(chain, int64(len(l.leaves)), role)
		if err != nil {
			l.t.Fatal(err)
		}
		delete(l.signers, role)
		if len(held) > 0 {
			l.signers[role] = held[0]
		}
	}
	s, err := record.Root{Head: l.head(), Number: int64(len(l.roots) - 1), Document: trust.Digest(root.Document)[7:],
		Signature: trust.Digest(root.Signatures)[7:]}.Statement()
	l.add(s, err)
}

func (l *testLog) makeIndexIfDue() {
	l.t.Helper()
	if l.noIndex || !l.index.Due() {
		return
	}
	root, n, err := l.index.Root()
	if err != nil {
		l.t.Fatal(err)
	}
	s, err := record.Index{Head: l.head(), Entries: n, Root: fmt.Sprintf("%x", root[:])}.Statement()
	l.add(s, err)
}

func (l *testLog) append(s *record.Statement, err error) int64 {
	l.t.Helper()
	l.makeIndexIfDue()
	return l.add(s, err)
}

func (l *testLog) add(s *record.Statement, err error) int64 {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
	leaf, err := record.Sign(s, l.signers[s.Role()])
	if err != nil {
		l.t.Fatal(err)
	}
	return l.addLeaf(leaf)
}

func (l *testLog) addLeaf(leaf []byte) int64 {
	l.t.Helper()
	n := int64(len(l.leaves))
	hashes, err := tlog.StoredHashes(n, leaf, l)
	if err != nil {
		l.t.Fatal(err)
	}
	if !l.noIndex {
		if err := l.index.Add(leaf); err != nil {
			l.t.Fatal(err)
		}
	}
	l.stored = append(l.stored, hashes...)
	l.leaves = append(l.leaves, leaf)
	return n
}

func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.stored[x]
	}
	return out, nil
}

const (
	hexA = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
	hexB = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
)

func (l *testLog) source(name, version string) int64 {
	l.t.Helper()
	return l.append(record.Source{Head: l.head(), Name: name, Version: version,
		File: record.File{Name: name + "-" + version + ".tar.gz", SHA256: hexA, Size: 10}}.Statement())
}

func (l *testLog) build(name, version string) int64 {
	l.t.Helper()
	return l.append(record.Build{Head: l.head(), Name: name, Version: version, Target: "bookworm", Recipe: hexA, Source: hexA, Content: hexB,
		File: record.File{Name: name + "-" + version + "-py3-none-any.whl", SHA256: hexB, Size: 20}, Supersedes: record.NoIndex}.Statement())
}

func (l *testLog) withdraw(name, version string) int64 {
	l.t.Helper()
	return l.append(record.Withdraw{Head: l.head(), Name: name, Version: version, Reason: "malware",
		File: record.File{Name: name + "-" + version + "-py3-none-any.whl", SHA256: hexB, Size: 20}}.Statement())
}

// fill appends statements about other packages up to a size.
func (l *testLog) fill(size int) {
	l.t.Helper()
	for i := 0; len(l.leaves) < size; i++ {
		l.source(fmt.Sprintf("filler%d", i%37), fmt.Sprintf("%d.0", i))
	}
}

func (l *testLog) checkpoint() []byte {
	l.t.Helper()
	root, err := tlog.TreeHash(int64(len(l.leaves)), l)
	if err != nil {
		l.t.Fatal(err)
	}
	cp := tile.Checkpoint{Origin: origin, Size: int64(len(l.leaves)), Root: root}
	signers := []note.Signer{l.signers[trust.RoleLog]}
	for i := len(l.witness) - 1; i >= 0; i-- { // not in a proof's order
		signers = append(signers, l.witness[i])
	}
	msg, err := note.Sign(cp.Text(), signers...)
	if err != nil {
		l.t.Fatal(err)
	}
	return msg
}

func (l *testLog) asSource() Source {
	return Source{Checkpoint: l.checkpoint(), Roots: l.roots, Hashes: l, Index: l.index.Snapshot(),
		Leaf: func(n int64) ([]byte, error) { return l.leaves[n], nil }}
}

func (l *testLog) pins() Pins {
	l.t.Helper()
	signers := l.chain.Signers(l.chain.Len() - 1)
	return Pins{Root: trust.Pins{Fingerprints: signers}, Log: l.chain.Holders(0, trust.RoleLog)[0].Key}
}

func (l *testLog) proof(want []Want, extra ...int64) []byte {
	l.t.Helper()
	data, err := Build(l.asSource(), want, extra)
	if err != nil {
		l.t.Fatal(err)
	}
	return data
}

func (l *testLog) verify(data []byte, want []Want) *Verified {
	l.t.Helper()
	v, err := Verify(data, l.pins(), want)
	if err != nil {
		l.t.Fatal(err)
	}
	return v
}

func organisation(t testing.TB) trust.OpenPGPSigner {
	t.Helper()
	cfg := &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048}
	e, err := openpgp.NewEntity("Example Organisation", "", "root@example.org", cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, "PGP PRIVATE KEY BLOCK", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.SerializePrivate(w, cfg); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	k, err := trust.ReadPrivateKey(b.Bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// numbers are the log indexes of statements.
func numbersOf(list []Statement) []int64 {
	var n []int64
	for _, s := range list {
		n = append(n, s.Number)
	}
	return n
}
