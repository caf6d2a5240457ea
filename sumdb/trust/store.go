package trust

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/note"
)

// A Store is a folder of private keys (mode 0700, files 0600), a subfolder for
// each log's origin (percent-encoded, so that it is one path element):
//
//	wheels.example.org/builder-1f2e3d4c.key       a note key: skey text and a newline; the key hash in the name
//	wheels.example.org/openpgp-4C04….asc          a software OpenPGP key, armored
//
// It never overwrites a key, and refuses to read what others could.
//
// A key file may be under a passphrase (sealed.go); then [Signer.Unlock] or the
// first signature asks for it.
type Store struct {
	dir     string
	ask     func(key string) ([]byte, error)
	phrases [][]byte // that have opened a key: they are tried before anybody is asked
}

// OpenStore opens a folder of keys, which need not exist until a key is put
// there. It returns ErrPermissions when others can look into it.
func OpenStore(dir string) (*Store, error) {
	if err := private(dir, true); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &Store{dir: dir}, nil
}

// Ask sets who is asked for the passphrase of a protected key (name and hash are
// given). Without it such keys cannot sign.
func (s *Store) Ask(ask func(key string) ([]byte, error)) { s.ask = ask }

// Dir is the folder.
func (s *Store) Dir() string { return s.dir }

// Origins lists the logs that the store has keys for, ascending.
func (s *Store) Origins() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing keys: %w", err)
	}
	var list []string
	for _, e := range entries {
		if o, err := url.PathUnescape(e.Name()); err == nil && e.IsDir() && ValidOrigin(o) {
			list = append(list, o)
		}
	}
	slices.Sort(list)
	return list, nil
}

func private(path string, dir bool) error {
	st, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("looking at keys: %w", err)
	}
	if st.IsDir() != dir || !dir && !st.Mode().IsRegular() {
		return fail(path, ErrPermissions, "is not what a folder of keys may hold")
	}
	if mode := st.Mode().Perm(); mode&0o077 != 0 {
		want := "600"
		if dir {
			want = "700"
		}
		return fail(path, ErrPermissions, "can be read or changed by others (mode %04o); run: chmod %s %s", mode, want, path)
	}
	return nil
}

func (s *Store) folder(origin string) (string, error) {
	if !ValidOrigin(origin) {
		return "", fmt.Errorf("looking for keys: %q cannot be a log's origin", origin)
	}
	return filepath.Join(s.dir, url.PathEscape(origin)), nil
}

// put writes a new file, durably; MkdirAll, unlike chmod afterwards, never
// leaves a moment in which others could look in.
func (s *Store) put(origin, name string, data []byte) error {
	dir, err := s.folder(origin)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of keys: %w", err)
	}
	for _, d := range []string{s.dir, dir} {
		if err := private(d, true); err != nil {
			return err
		}
	}
	path := filepath.Join(dir, name)
	if err := writeNew(path, data); err != nil {
		return err
	}
	// A key that signed and is then lost with the power is a lost key: sync first.
	if err := errors.Join(durable.SyncDir(dir), durable.SyncDir(s.dir)); err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	return nil
}

// writeNew makes a whole file or none: a link, unlike a rename, fails where the
// name is taken.
func writeNew(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		return fail(path, ErrExists, "exists already and is never overwritten")
	}
	if err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	return nil
}

var keyFile = regexp.MustCompile(`^(builder|log|publisher|reviewer|witness)-([0-9a-f]{8})\.key$`)

// A Signer is a note signer out of a store.
type Signer struct {
	note.Signer
	Role      string
	Key       string // vkey
	Protected bool   // under a passphrase
}

// Unlock makes sure that the key can sign: where it is protected and not open
// yet, the passphrase is asked for now. The error wraps ErrPassphrase where it
// does not fit.
func (k Signer) Unlock() error {
	if l, ok := k.Signer.(*lockedKey); ok {
		_, err := l.unlock()
		return err
	}
	return nil
}

// A lockedKey is a protected key that has not been opened yet.
type lockedKey struct {
	*note.VerifierKey
	s    *Store
	path string
	file *sealed
	skey string
	open *note.SigningKey
}

func (l *lockedKey) unlock() (*note.SigningKey, error) {
	if l.open != nil {
		return l.open, nil
	}
	for _, p := range l.s.phrases {
		if skey, k, err := l.file.open(p); err == nil {
			l.skey, l.open = skey, k
			return k, nil
		}
	}
	short := ShortKey(l.file.key)
	if l.s.ask == nil {
		return nil, fail(l.path, ErrPassphrase, "is under a passphrase, and nobody can be asked for it")
	}
	phrase, err := l.s.ask(short)
	if err != nil {
		return nil, err
	}
	skey, k, err := l.file.open(phrase)
	if errors.Is(err, ErrPassphrase) {
		return nil, fail(l.path, ErrPassphrase, "the passphrase does not fit the key %s", short)
	}
	if err != nil {
		return nil, fail(l.path, err, "does not hold the key that it says")
	}
	l.skey, l.open = skey, k
	l.s.phrases = append(l.s.phrases, phrase)
	return k, nil
}

// Sign asks for the passphrase where that has not been done.
func (l *lockedKey) Sign(text []byte) ([]byte, error) {
	k, err := l.unlock()
	if err != nil {
		return nil, err
	}
	return k.Sign(text)
}

// Put stores a note signer key (skey text) and returns its vkey.
func (s *Store) Put(origin, role, skey string) (vkey string, err error) {
	return s.putKey(origin, role, skey, nil)
}

func (s *Store) putKey(origin, role, skey string, phrase []byte) (vkey string, err error) {
	k, err := note.NewSigner(skey)
	if err != nil {
		return "", fmt.Errorf("storing a %s key: %w", role, err)
	}
	name := fmt.Sprintf("%s-%08x.key", role, k.KeyHash())
	if !keyFile.MatchString(name) {
		return "", fmt.Errorf("storing a key: there is no role %q", role)
	}
	data := []byte(skey + "\n")
	if phrase != nil {
		if data, err = seal(rand.Reader, k, skey, phrase); err != nil {
			return "", err
		}
	}
	return k.Verifier().String(), s.put(origin, name, data)
}

// Protect writes a key's file again, under a passphrase, or with none where phrase
// is nil. A protected key is opened first, so its passphrase is asked for. The file
// is replaced whole, once what was written has been read back.
func (s *Store) Protect(origin string, k Signer, phrase []byte) error {
	dir, err := s.folder(origin)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%08x.key", k.Role, k.KeyHash()))
	if err := k.Unlock(); err != nil {
		return err
	}
	var skey string
	if l, ok := k.Signer.(*lockedKey); ok {
		skey = l.skey
	} else {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("protecting a key: %w", err)
		}
		skey = strings.TrimSuffix(string(data), "\n")
	}
	open, err := note.NewSigner(skey)
	if err != nil || open.Verifier().String() != k.Key {
		return fail(path, ErrMalformed, "is not the key that its name says")
	}
	data := []byte(skey + "\n")
	if phrase != nil {
		if data, err = seal(rand.Reader, open, skey, phrase); err != nil {
			return err
		}
		file, err := parseSealed(data)
		if err == nil {
			_, _, err = file.open(phrase)
		}
		if err != nil {
			return fmt.Errorf("protecting a key: it cannot be opened again: %w", err)
		}
	}
	return durable.WriteFile(path, data, 0o600)
}

// Signers gives the keys of a role (all roles for ""), ascending by role and vkey.
func (s *Store) Signers(origin, role string) ([]Signer, error) {
	var list []Signer
	err := s.each(origin, func(path, name string) error {
		m := keyFile.FindStringSubmatch(name)
		if m == nil || role != "" && m[1] != role {
			return nil
		}
		k, err := s.readKey(path, m[1])
		if err != nil {
			return err
		}
		if fmt.Sprintf("%08x", k.KeyHash()) != m[2] {
			return fail(path, ErrMalformed, "is not the key that its name says")
		}
		list = append(list, k)
		return nil
	})
	slices.SortFunc(list, func(a, b Signer) int { return strings.Compare(a.Role+" "+a.Key, b.Role+" "+b.Key) })
	return list, err
}

func (s *Store) readKey(path, role string) (Signer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Signer{}, fmt.Errorf("reading a key: %w", err)
	}
	if isSealed(data) {
		file, err := parseSealed(data)
		if err != nil {
			return Signer{}, fail(path, ErrMalformed, "is not a protected key in its one spelling; restore it from a copy")
		}
		v, err := verifier(file.key)
		return Signer{&lockedKey{VerifierKey: v, s: s, path: path, file: file}, role, file.key, true}, err
	}
	k, err := note.NewSigner(strings.TrimSuffix(string(data), "\n"))
	if err != nil {
		return Signer{}, fail(path, ErrMalformed, "is not the key that its name says")
	}
	return Signer{Signer: k, Role: role, Key: k.Verifier().String()}, nil
}

// Holding gives the store's keys that hold a role for a new statement at index, by the chain.
func (s *Store) Holding(c *Chain, index int64, role string) ([]Signer, error) {
	all, err := s.Signers(c.Newest().Origin, role)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(k Signer) bool {
		h, err := c.Holder(index, k.Name(), k.KeyHash())
		return err != nil || h.Role != role || h.Key != k.Key
	}), nil
}

// each calls f for the files of an origin; permissions are checked first.
func (s *Store) each(origin string, f func(path, name string) error) error {
	dir, err := s.folder(origin)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing keys: %w", err)
	}
	for _, d := range []string{s.dir, dir} {
		if err := private(d, true); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if !keyFile.MatchString(e.Name()) && !pgpFile.MatchString(e.Name()) {
			continue // the signer's mark lies here too
		}
		path := filepath.Join(dir, e.Name())
		if err := private(path, false); err != nil {
			return err
		}
		if err := f(path, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// Generate makes a note key for a role and returns its vkey. Its name is the
// origin itself for the log, else "ROLEn.ORIGIN" with n one more than the store
// has keys of that role.
func (s *Store) Generate(rand io.Reader, origin, role string) (vkey string, err error) {
	return s.GenerateProtected(rand, origin, role, nil)
}

// GenerateProtected is Generate under a passphrase (nil: none), so that the key
// never lies on the disk without it.
func (s *Store) GenerateProtected(rand io.Reader, origin, role string, phrase []byte) (vkey string, err error) {
	have, err := s.Signers(origin, role)
	if err != nil {
		return "", err
	}
	name := origin
	if role != RoleLog {
		name = fmt.Sprintf("%s%d.%s", role, len(have)+1, origin)
	}
	skey, _, err := note.GenerateKey(rand, name)
	if err != nil {
		return "", err
	}
	return s.putKey(origin, role, skey, phrase)
}

var pgpFile = regexp.MustCompile(`^openpgp-([0-9A-F]{40})\.asc$`)

// OpenPGP gives the software root keys of an origin, ascending by fingerprint.
func (s *Store) OpenPGP(origin string) ([]OpenPGPSigner, error) {
	var list []OpenPGPSigner
	err := s.each(origin, func(path, name string) error {
		m := pgpFile.FindStringSubmatch(name)
		if m == nil {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a key: %w", err)
		}
		k, err := ReadPrivateKey(data, nil)
		if err != nil || k.Fingerprint() != m[1] {
			return fail(path, ErrMalformed, "is not the key that its name says")
		}
		list = append(list, k)
		return nil
	})
	return list, err
}
