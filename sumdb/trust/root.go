package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

const rootVersion = "1"

// text is a root as the TOML library reads it. What it accepts too generously
// is caught when the root is written again and compared.
type text struct {
	Version     string    `toml:"root-version"`
	Number      int64     `toml:"number"`
	Origin      string    `toml:"origin"`
	Previous    string    `toml:"previous"`
	Provisional bool      `toml:"provisional"`
	Policy      string    `toml:"policy"`
	Created     time.Time `toml:"created"`
	Expires     time.Time `toml:"expires"`
	Threshold   int       `toml:"threshold"`
	OpenPGP     []struct {
		Fingerprint string `toml:"fingerprint"`
		Certificate string `toml:"certificate"`
	} `toml:"openpgp"`
	Roles []struct {
		Name      string    `toml:"name"`
		Threshold int       `toml:"threshold"`
		Expires   time.Time `toml:"expires"`
		Keys      []string  `toml:"keys"`
		Spare     []string  `toml:"spare"`
	} `toml:"roles"`
	Revoked []struct {
		Key  string `toml:"key"`
		How  string `toml:"how"`
		From int64  `toml:"from"`
	} `toml:"revoked"`
}

// ParseRoot reads a root document strictly and checks everything that can be
// seen in one document alone, certificates and verifier keys included. The
// error wraps ErrMalformed.
func ParseRoot(data []byte) (*Root, error) {
	r, _, err := parseRoot("root document", data)
	return r, err
}

func parseRoot(part string, data []byte) (*Root, []*certificate, error) {
	if len(data) > MaxRootSize || !printable(data) {
		return nil, nil, fail(part, ErrMalformed, "is not a root document: printable ASCII of at most %d bytes", MaxRootSize)
	}
	var t text
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return nil, nil, fail(part, ErrMalformed, "is not a root document")
	}
	if t.Version != rootVersion {
		return nil, nil, fail(part, ErrMalformed, "has a root-version that this program does not know")
	}
	r := t.root()
	if r == nil || !bytes.Equal(r.Format(), data) {
		return nil, nil, fail(part, ErrMalformed, "is not in its canonical spelling")
	}
	certs, err := r.check()
	if err != nil {
		return nil, nil, fail(part, ErrMalformed, "%v", err)
	}
	return r, certs, nil
}

func (t *text) root() *Root {
	r := &Root{Number: t.Number, Origin: t.Origin, Previous: t.Previous, Provisional: t.Provisional,
		Policy: t.Policy, Created: t.Created.UTC(), Expires: t.Expires.UTC(), Threshold: t.Threshold}
	for _, k := range t.OpenPGP {
		cert, err := base64.StdEncoding.Strict().DecodeString(k.Certificate)
		if err != nil {
			return nil
		}
		r.OpenPGP = append(r.OpenPGP, OpenPGPKey{k.Fingerprint, cert})
	}
	for _, k := range t.Roles {
		r.Roles = append(r.Roles, RoleKeys{k.Name, k.Threshold, k.Expires.UTC(), k.Keys, k.Spare})
	}
	for _, k := range t.Revoked {
		r.Revoked = append(r.Revoked, Revocation{k.Key, k.How, k.From})
	}
	return r
}

// Format writes the document's one spelling.
func (r *Root) Format() []byte {
	var b bytes.Buffer
	line := func(key, value string) { b.WriteString(key + " = " + value + "\n") }
	line("root-version", quote(rootVersion))
	line("number", fmt.Sprint(r.Number))
	line("origin", quote(r.Origin))
	if r.Previous != "" {
		line("previous", quote(r.Previous))
	}
	line("provisional", fmt.Sprint(r.Provisional))
	if r.Policy != "" {
		line("policy", quote(r.Policy))
	}
	line("created", stamp(r.Created))
	line("expires", stamp(r.Expires))
	line("threshold", fmt.Sprint(r.Threshold))
	for _, k := range r.OpenPGP {
		b.WriteString("\n[[openpgp]]\n")
		line("fingerprint", quote(k.Fingerprint))
		line("certificate", quote(base64.StdEncoding.EncodeToString(k.Certificate)))
	}
	for _, k := range r.Roles {
		b.WriteString("\n[[roles]]\n")
		line("name", quote(k.Name))
		line("threshold", fmt.Sprint(k.Threshold))
		line("expires", stamp(k.Expires))
		line("keys", list(k.Keys))
		if len(k.Spare) > 0 {
			line("spare", list(k.Spare))
		}
	}
	for _, k := range r.Revoked {
		b.WriteString("\n[[revoked]]\n")
		line("key", quote(k.Key))
		line("how", quote(k.How))
		if k.How != Lost {
			line("from", fmt.Sprint(k.From))
		}
	}
	return b.Bytes()
}

// quote needs no escapes: check refuses strings with quotes and backslashes.
func quote(s string) string { return `"` + s + `"` }

func list(keys []string) string {
	quoted := make([]string, len(keys))
	for i, k := range keys {
		quoted[i] = quote(k)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// Digest is "sha256:" and the hash of data, as root documents and statements name files.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func validDigest(s string) bool {
	h, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(h) == 64 && strings.Trim(h, "0123456789abcdef") == ""
}

func printable(data []byte) bool {
	for _, c := range data {
		if (c < 0x20 || c > 0x7e) && c != '\n' {
			return false
		}
	}
	return true
}

// ValidOrigin reports whether a log may be called so: what a key name may be,
// in ASCII, and nothing that is special in TOML or as a folder's name.
func ValidOrigin(origin string) bool {
	return record.ValidOrigin(origin) && len(origin) <= MaxOriginLength && printable([]byte(origin)) &&
		!strings.ContainsAny(origin, "\"\\\n%") && strings.Trim(origin, "./") != "" && origin[0] != '.' && origin[0] != '-'
}

// check looks at the meaning of one document and parses its certificates.
func (r *Root) check() ([]*certificate, error) {
	switch {
	case r.Number < 0 || r.Number >= MaxRoots:
		return nil, fmt.Errorf("number %d is out of range", r.Number)
	case !ValidOrigin(r.Origin):
		return nil, fmt.Errorf("the origin cannot be a log's name")
	case (r.Number == 0) != (r.Previous == "") || r.Previous != "" && !validDigest(r.Previous):
		return nil, fmt.Errorf("previous must be the hash of the root before, and absent in root 0")
	case r.Policy != "" && !validDigest(r.Policy):
		return nil, fmt.Errorf("policy is not a hash")
	case !validTime(r.Created) || !validTime(r.Expires) || !r.Expires.After(r.Created):
		return nil, fmt.Errorf("created and expires are not in order")
	case len(r.OpenPGP) == 0 || len(r.OpenPGP) > MaxOpenPGPKeys:
		return nil, fmt.Errorf("it must name 1 to %d OpenPGP keys", MaxOpenPGPKeys)
	case r.Threshold < 1 || r.Threshold > len(r.OpenPGP):
		return nil, fmt.Errorf("threshold %d does not fit %d OpenPGP keys", r.Threshold, len(r.OpenPGP))
	}
	certs, err := r.certificates()
	if err != nil {
		return nil, err
	}
	return certs, r.checkKeys()
}

func validTime(t time.Time) bool {
	return t.Year() >= 1970 && t.Year() <= 9999 && t.Nanosecond() == 0
}

func (r *Root) certificates() ([]*certificate, error) {
	var certs []*certificate
	for i, k := range r.OpenPGP {
		if i > 0 && k.Fingerprint <= r.OpenPGP[i-1].Fingerprint {
			return nil, fmt.Errorf("its OpenPGP keys are not sorted, or one is there twice")
		}
		if len(k.Certificate) > MaxCertificateSize {
			return nil, fmt.Errorf("an OpenPGP certificate is too large")
		}
		c, err := parseCertificate(k.Certificate)
		if err != nil {
			return nil, err
		}
		if c.fingerprint != k.Fingerprint {
			return nil, fmt.Errorf("the certificate beside fingerprint %d is another key's", i+1)
		}
		certs = append(certs, c)
	}
	return certs, nil
}

// checkKeys looks at roles and revocations. A key has one role, so that what it
// signed can be judged from its name alone.
func (r *Root) checkKeys() error {
	seen := map[string]bool{}
	log := false
	for i, k := range r.Roles {
		if i > 0 && k.Name <= r.Roles[i-1].Name {
			return fmt.Errorf("its roles are not sorted, or one is there twice")
		}
		if !slices.Contains([]string{RoleBuilder, RoleLog, RolePublisher, RoleReviewer, RoleWitness}, k.Name) {
			return fmt.Errorf("it has a role that does not exist")
		}
		if len(k.Keys) == 0 || len(k.Keys)+len(k.Spare) > MaxRoleKeys || k.Threshold < 1 || k.Threshold > len(k.Keys) {
			return fmt.Errorf("threshold %d does not fit the keys of role %s", k.Threshold, k.Name)
		}
		if !validTime(k.Expires) || !k.Expires.After(r.Created) {
			return fmt.Errorf("role %s expires before the root was made", k.Name)
		}
		if k.Name == RoleLog {
			log = true
			if k.Threshold != 1 {
				return fmt.Errorf("the threshold of role log must be 1")
			}
		}
		if !slices.IsSorted(k.Keys) || !slices.IsSorted(k.Spare) {
			return fmt.Errorf("the keys of role %s are not sorted", k.Name)
		}
		for _, key := range slices.Concat(k.Keys, k.Spare) {
			v, err := r.checkKey(k.Name, key)
			if err != nil {
				return err
			}
			for _, id := range identities(v) {
				if seen[id] {
					return fmt.Errorf("a key of role %s is there twice, under one name or two", k.Name)
				}
				seen[id] = true
			}
		}
	}
	if !log {
		return fmt.Errorf("it names no key for role log")
	}
	return r.checkRevoked(seen)
}

// identities are what a key may share with no other: what makes its signatures, since
// a name costs nothing, and what signature lines call it, which has 32 bits only.
func identities(v *note.VerifierKey) []string {
	return []string{"key " + string(v.Public()), fmt.Sprintf("name %s+%08x", v.Name(), v.KeyHash())}
}

func (r *Root) checkKey(role, key string) (*note.VerifierKey, error) {
	v, err := verifier(key)
	if err != nil {
		return nil, fmt.Errorf("a key of role %s is not a verifier key", role)
	}
	if v.Cosigns() != (role == RoleWitness) {
		return nil, fmt.Errorf("a key of role %s has the algorithm of another role", role)
	}
	// C2SP tlog-checkpoint: a log signs with a key that bears its origin's name.
	if role == RoleLog && v.Name() != r.Origin {
		return nil, fmt.Errorf("the log's key must have the origin's name")
	}
	return v, nil
}

func (r *Root) checkRevoked(holds map[string]bool) error {
	if len(r.Revoked) > MaxRevocations {
		return fmt.Errorf("it has more than %d revocations", MaxRevocations)
	}
	for i, k := range r.Revoked {
		v, err := verifier(k.Key)
		switch {
		case err != nil:
			return fmt.Errorf("revocation %d has no verifier key", i+1)
		case i > 0 && k.Key <= r.Revoked[i-1].Key:
			return fmt.Errorf("its revocations are not sorted, or one is there twice")
		case slices.ContainsFunc(identities(v), func(id string) bool { return holds[id] }):
			return fmt.Errorf("a revoked key holds a role")
		case k.How != Lost && k.How != Stolen || k.From < 0 || k.How == Lost && k.From != 0:
			return fmt.Errorf("revocation %d is neither lost nor stolen from an index", i+1)
		}
	}
	return nil
}

// verifier parses a verifier key that must be in the only spelling.
func verifier(key string) (*note.VerifierKey, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, err
	}
	if v.String() != key || strings.ContainsAny(key, "\"\\") {
		return nil, note.ErrKey
	}
	return v, nil
}
