// Package sumdbtest helps tests to make small logs: fixed keys, statements, and
// a naive Merkle tree written straight from RFC 6962 as a second opinion.
package sumdbtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// Origin is the origin of the logs made here.
const Origin = "wheels.example.org"

// Start is the time of the first statement.
var Start = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

// Key makes the key of a name; the same name gives the same key.
func Key(t testing.TB, name string) *note.SigningKey {
	t.Helper()
	seed := sha256.Sum256([]byte("wheellock test key " + name))
	skey, _, err := note.GenerateKey(bytes.NewReader(seed[:]), name)
	if err != nil {
		t.Fatal(err)
	}
	k, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A World is a log's keys, one a role, and a clock that stands still a
// day after Start unless set.
type World struct {
	TB      testing.TB
	Dir     string // the log's folder
	KeyDir  string
	Clock   time.Time
	Signers map[string]*note.SigningKey // by role
	Keyring *Keyring
}

// New makes a world in fresh temporary folders.
func New(t testing.TB) *World {
	t.Helper()
	dir := t.TempDir()
	w := &World{
		TB: t, Dir: filepath.Join(dir, "log"), KeyDir: filepath.Join(dir, "keys"), Clock: Start.AddDate(0, 0, 1),
		Signers: map[string]*note.SigningKey{
			record.RoleLog:       Key(t, Origin),
			record.RoleBuilder:   Key(t, "builder1."+Origin),
			record.RoleReviewer:  Key(t, "reviewer1."+Origin),
			record.RolePublisher: Key(t, "publisher1."+Origin),
		},
		Keyring: &Keyring{Roles: map[string][]note.Verifier{}},
	}
	for role, k := range w.Signers {
		w.Keyring.Roles[role] = []note.Verifier{k.Verifier()}
	}
	return w
}

// LogKeys returns the verifiers of the log's checkpoints.
func (w *World) LogKeys() note.Verifiers {
	return note.List(w.Signers[record.RoleLog].Verifier())
}

// Options returns what opens the world's log for writing.
func (w *World) Options() log.Options {
	return log.Options{
		Dir: w.Dir, KeyDir: w.KeyDir, Origin: Origin, Create: true,
		Signer: w.Signers[record.RoleLog], LogKeys: w.LogKeys(), Keys: w.Keyring,
		Now: func() time.Time { return w.Clock },
	}
}

// Log opens the world's log for writing.
func (w *World) Log() *log.Log {
	w.TB.Helper()
	l, err := log.Open(w.Options())
	if err != nil {
		w.TB.Fatal(err)
	}
	return l
}

// Stater is what every struct of a kind can do.
type Stater interface {
	Statement() (*record.Statement, error)
}

// Leaf signs a statement with the key of its role.
func (w *World) Leaf(x Stater) []byte {
	w.TB.Helper()
	s, err := x.Statement()
	if err != nil {
		w.TB.Fatal(err)
	}
	leaf, err := record.Sign(s, w.Signers[s.Role()])
	if err != nil {
		w.TB.Fatal(err)
	}
	return leaf
}

// Head is the head of the n'th statement: a second a statement.
func Head(n int) record.Head {
	return record.Head{Log: Origin, Time: Start.Add(time.Duration(n) * time.Second)}
}

// Digest returns the hex sha256 of a formatted text.
func Digest(format string, args ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, format, args...))
	return hex.EncodeToString(sum[:])
}

// Root is root statement n.
func Root(n int) record.Root {
	return record.Root{Head: Head(n), Number: int64(n), Document: Digest("root %d", n), Signature: Digest("root %d.asc", n)}
}

// Source is a source statement about the n'th package.
func Source(n int) record.Source {
	name := fmt.Sprintf("package-%d", n)
	return record.Source{Head: Head(n), Name: name, Version: "1.0", File: record.File{
		Name: name + "-1.0.tar.gz", SHA256: Digest("sdist %d", n), Size: int64(1000 + n),
	}}
}

// Build is a successful build of the n'th package.
func Build(n int) record.Build {
	name := fmt.Sprintf("package-%d", n)
	return record.Build{
		Head: Head(n), Name: name, Version: "1.0", Target: "bookworm",
		Recipe: Digest("recipe %d", n), Source: Digest("sdist %d", n), Content: Digest("content %d", n),
		File: record.File{
			Name: fmt.Sprintf("package_%d-1.0-py3-none-any.whl", n), SHA256: Digest("wheel %d", n), Size: int64(500 + n),
		},
	}
}

// Leaves returns the first n leaves of a plain log: root 0, then sources.
func (w *World) Leaves(n int) [][]byte {
	w.TB.Helper()
	var leaves [][]byte
	for i := range n {
		if i == 0 {
			leaves = append(leaves, w.Leaf(Root(0)))
			continue
		}
		leaves = append(leaves, w.Leaf(Source(i)))
	}
	return leaves
}

// Append appends and fails the test on any error.
func (w *World) Append(leaves ...[]byte) *log.Result {
	w.TB.Helper()
	res, err := w.Log().Append(w.TB.Context(), leaves...)
	if err != nil {
		w.TB.Fatal(err)
	}
	return res
}

// A Keyring is a fixed answer to who may sign what: all keys of a role, from
// the first statement on.
type Keyring struct {
	Roles  map[string][]note.Verifier
	Placed []record.Placed // what the log told last
}

// Place implements record.Keys.
func (k *Keyring) Place(roots []record.Placed) error {
	k.Placed = append([]record.Placed(nil), roots...)
	return nil
}

// Verifier implements record.Keys.
func (k *Keyring) Verifier(role, name string, hash uint32, _ int64, _ time.Time) (note.Verifier, error) {
	for _, v := range k.Roles[role] {
		if v.Name() == name && v.KeyHash() == hash {
			return v, nil
		}
	}
	return nil, fmt.Errorf("%s+%08x is not a %s: %w", name, hash, role, record.ErrNoRole)
}
