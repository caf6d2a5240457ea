package trust

import (
	"errors"
	"io"
	"time"

	xnote "golang.org/x/mod/sumdb/note"
)

// A Store is a folder of private keys: one subfolder a log origin, mode 0700,
// files 0600. It never overwrites a key and refuses files that others can read.
type Store struct{ dir string }

// OpenStore opens a folder of keys, which need not exist until a key is put there.
func OpenStore(dir string) (*Store, error) { return nil, errors.New("unwritten") }

// Generate makes a note key for a role and returns its vkey. Its name is the
// origin itself for the log, else "ROLEn.ORIGIN" with the next free n.
func (s *Store) Generate(rand io.Reader, origin, role string) (vkey string, err error) {
	return "", errors.New("unwritten")
}

// Put stores a note signer key (skey text).
func (s *Store) Put(origin, role, skey string) error { return errors.New("unwritten") }

// Signers gives the keys of a role, ascending by name.
func (s *Store) Signers(origin, role string) ([]Signer, error) { return nil, errors.New("unwritten") }

// A Signer is a note signer out of a store.
type Signer struct {
	xnote.Signer
	Role string
	Key  string // vkey
}

// OpenPGP gives the software root keys of an origin, ascending by fingerprint.
func (s *Store) OpenPGP(origin string) ([]OpenPGPSigner, error) {
	return nil, errors.New("unwritten")
}

// SetupOptions say how the first root is made.
type SetupOptions struct {
	Origin   string
	Now      time.Time
	Lifetime time.Duration // of root and roles; 0: one year
	Roles    []string      // besides log; nil: builder, publisher and reviewer
	Policy   []byte        // content of the file policy; nil: none
	Rand     io.Reader     // nil: crypto/rand
}

// Setup makes what the first verb that signs needs: note keys, a software
// OpenPGP key, and a provisional root 0 signed by it. Keys of the origin that
// are there already are used again.
func Setup(s *Store, o SetupOptions) (Signed, error) { return Signed{}, errors.New("unwritten") }

// Next makes root N+1: edit changes a copy of the newest root (number, previous
// and created are filled in), then all signers sign, and the result is checked
// against the chain before it is returned.
func Next(c *Chain, now time.Time, edit func(*Root) error, signers ...OpenPGPSigner) (Signed, error) {
	return Signed{}, errors.New("unwritten")
}

// Adopt makes the root that puts the organisation's keys (adopted) in the place
// of a provisional software key (old): signed by old and adopted, no longer
// provisional. threshold 0 means all adopted keys must sign the next one.
func Adopt(c *Chain, now time.Time, old []OpenPGPSigner, adopted []OpenPGPSigner, threshold int) (Signed, error) {
	return Signed{}, errors.New("unwritten")
}
