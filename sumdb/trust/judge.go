package trust

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Verdicts of Judge.
const (
	SignatureGood    = "good"
	SignatureExpired = "expired"     // right, by a key that had run out
	SignatureRevoked = "revoked"     // right, by a key that was taken back
	SignatureWeak    = "weak"        // by a hash or key that proves nothing
	SignatureUnknown = "unknown-key" // no key at hand made it
	SignatureBad     = "bad"         // not of these bytes
)

// maxKeyring caps the certificates of a keyring.
const maxKeyring = 10_000

// A Judgement is what one OpenPGP signature says at an instant.
type Judgement struct {
	Verdict string
	Primary string    // fingerprint of the certificate; "" where no key is at hand
	Signer  string    // fingerprint, or key ID, of the key that signed
	UserID  string    // its newest
	Made    time.Time // what the signature says of itself, which proves nothing
	Since   time.Time // expired, revoked: from when on
	// Finding is set where the signature's own date cannot be right. That
	// decides nothing: a clock was wrong, or somebody set it.
	Finding string
}

// Judge judges each signature of a detached OpenPGP signature file over data, by
// the certificates of a keyring (files as people send them, several in one, too).
// The state of a key is that at a trusted instant, such as the time of the log's
// publish statement: GnuPG asks its own clock, and its exit code does not tell an
// expired key from a good one. A revocation because of a compromise (or without a
// reason) counts from the beginning, another one from its date. The error is
// ErrMalformed for a file that holds no signature.
func Judge(data, signatures []byte, keyring [][]byte, at time.Time) ([]Judgement, error) {
	blocks, err := looseBlocks(signatures, armorSignature)
	if err != nil {
		return nil, fail("signature", ErrMalformed, "is no detached OpenPGP signature")
	}
	certs := openKeyring(keyring)
	var out []Judgement
	for _, block := range blocks {
		list, err := splitPackets(block)
		if err != nil {
			return nil, fail("signature", ErrMalformed, "is no detached OpenPGP signature")
		}
		for _, p := range list {
			if p.tag != tagSignature || len(out) == 2*MaxOpenPGPKeys {
				return nil, fail("signature", ErrMalformed, "is no detached OpenPGP signature")
			}
			out = append(out, judge(data, p.body, certs, at))
		}
	}
	return out, nil
}

func judge(data, body []byte, certs []*history, at time.Time) Judgement {
	p, err := readOne(tagSignature, body)
	sig, ok := p.(*packet.Signature)
	if err != nil || !ok {
		return Judgement{Verdict: SignatureBad}
	}
	j := Judgement{Verdict: SignatureUnknown, Made: sig.CreationTime.UTC()}
	switch {
	case len(sig.IssuerFingerprint) > 0:
		j.Signer = fmt.Sprintf("%X", sig.IssuerFingerprint)
	case sig.IssuerKeyId != nil:
		j.Signer = fmt.Sprintf("%016X", *sig.IssuerKeyId)
	}
	d, strict := parseSignature(appendPacket(nil, tagSignature, body))
	for _, c := range certs {
		for _, k := range c.keys {
			if !sig.CheckKeyIdOrFingerprint(k.key) {
				continue
			}
			j.Primary, j.Signer, j.UserID = fingerprint(c.keys[0].key), fingerprint(k.key), c.userID
			switch {
			case !strongHash(sig.Hash) || usable(k.key) != nil:
				j.Verdict = SignatureWeak
			case strict != nil || !d.verify(data, k.key):
				j.Verdict = SignatureBad
			default:
				j.Verdict, j.Since = c.state(k, at)
				if life := sig.SigLifetimeSecs; j.Verdict == SignatureGood && life != nil && *life > 0 {
					if end := j.Made.Add(time.Duration(*life) * time.Second); !end.After(at) {
						j.Verdict, j.Since = SignatureExpired, end
					}
				}
			}
			switch {
			case j.Made.Before(k.key.CreationTime):
				j.Finding = fmt.Sprintf("it is dated %s, before its key was made (%s)", j.Made.Format(time.DateOnly), k.key.CreationTime.UTC().Format(time.DateOnly))
			case j.Made.After(at.Add(10 * time.Minute)):
				j.Finding = fmt.Sprintf("it is dated %s, after the time that counts (%s)", j.Made.Format(time.DateOnly), at.UTC().Format(time.DateOnly))
			}
			if j.Verdict == SignatureGood {
				return j
			}
		}
	}
	return j
}

// A history is a certificate with all that its owner ever said of its keys.
type history struct {
	userID string
	keys   []pastKey // the primary first
}

type pastKey struct {
	key     *packet.PublicKey
	said    []*packet.Signature // self-signatures or bindings that are right
	revoked []*packet.Signature
}

// openKeyring reads the certificates that can be read: one that cannot made no
// signature that could be checked.
func openKeyring(files [][]byte) []*history {
	var out []*history
	for _, data := range files {
		blocks := [][]byte{data}
		if bytes.Contains(data, []byte("-----BEGIN ")) {
			var err error
			if blocks, err = looseBlocks(data, armorPublicKey); err != nil {
				continue
			}
		}
		for _, b := range blocks {
			list, err := splitPackets(b)
			for from := 0; err == nil && from < len(list) && len(out) < maxKeyring; {
				to := from + 1
				for to < len(list) && list[to].tag != tagPublicKey {
					to++
				}
				if h := openHistory(list[from:to]); h != nil {
					out = append(out, h)
				}
				from = to
			}
		}
	}
	return out
}

func openHistory(list []rawPacket) *history {
	p, err := readOne(tagPublicKey, list[0].body)
	primary, ok := p.(*packet.PublicKey)
	if err != nil || !ok || list[0].tag != tagPublicKey || primary.Version != 4 {
		return nil
	}
	h := &history{keys: []pastKey{{key: primary}}}
	var user string             // whose signatures come now
	var sub *pastKey            // or of which key
	var named *packet.Signature // the newest over a user ID
	other := false              // a photo, or what this library cannot read
	flush := func() {
		if sub != nil {
			h.keys = append(h.keys, *sub)
		}
		user, sub, other = "", nil, true
	}
	for _, raw := range list[1:] {
		switch raw.tag {
		case tagUserID:
			flush()
			user, other = string(raw.body), false
		case tagSubkey:
			flush()
			if p, err := readOne(tagSubkey, raw.body); err == nil {
				if k, ok := p.(*packet.PublicKey); ok && k.Version == 4 {
					sub, other = &pastKey{key: k}, false
				}
			}
		case tagSignature:
			p, err := readOne(tagSignature, raw.body)
			sig, ok := p.(*packet.Signature)
			if err != nil || !ok || !sig.CheckKeyIdOrFingerprint(primary) {
				continue
			}
			switch {
			case sub != nil:
				sub.hear(primary, sig)
			case user != "" && sig.SigType >= packet.SigTypeGenericCert && sig.SigType <= packet.SigTypePositiveCert:
				if primary.VerifyUserIdSignature(user, primary, sig) == nil {
					h.keys[0].said = append(h.keys[0].said, sig)
					if named == nil || sig.CreationTime.After(named.CreationTime) {
						named, h.userID = sig, user
					}
				}
			case sig.SigType == packet.SigTypeKeyRevocation:
				if primary.VerifyRevocationSignature(sig) == nil {
					h.keys[0].revoked = append(h.keys[0].revoked, sig)
				}
			case sig.SigType == packet.SigTypeDirectSignature && !other:
				if primary.VerifyDirectKeySignature(sig) == nil {
					h.keys[0].said = append(h.keys[0].said, sig)
				}
			}
		default:
			flush()
		}
	}
	flush()
	return h
}

// hear takes in what the primary key says of a subkey.
func (k *pastKey) hear(primary *packet.PublicKey, sig *packet.Signature) {
	switch sig.SigType {
	case packet.SigTypeSubkeyBinding:
		back := sig.EmbeddedSignature
		if sig.FlagSign && back != nil && back.SigType == packet.SigTypePrimaryKeyBinding && strongHash(sig.Hash) && strongHash(back.Hash) &&
			primary.VerifyKeySignature(k.key, sig) == nil {
			k.said = append(k.said, sig)
		}
	case packet.SigTypeSubkeyRevocation:
		if primary.VerifySubkeyRevocationSignature(sig, k.key) == nil {
			k.revoked = append(k.revoked, sig)
		}
	}
}

// state is that of a key and of its primary at an instant.
func (h *history) state(k pastKey, at time.Time) (verdict string, since time.Time) {
	for _, x := range []pastKey{h.keys[0], k} {
		if v, t := x.state(at); v != SignatureGood {
			return v, t
		}
	}
	if s := k.at(at); k.key.IsSubkey && s == nil {
		return SignatureUnknown, time.Time{}
	} else if s != nil && s.FlagsValid && !s.FlagSign {
		return SignatureUnknown, time.Time{} // it may not sign
	}
	return SignatureGood, time.Time{}
}

func (k pastKey) state(at time.Time) (string, time.Time) {
	for _, r := range k.revoked {
		soft := r.RevocationReason != nil && (*r.RevocationReason == packet.KeySuperseded || *r.RevocationReason == packet.KeyRetired)
		if !soft || !r.CreationTime.After(at) {
			return SignatureRevoked, r.CreationTime.UTC()
		}
	}
	s := k.at(at)
	if s == nil || s.KeyLifetimeSecs == nil || *s.KeyLifetimeSecs == 0 {
		return SignatureGood, time.Time{}
	}
	if end := k.key.CreationTime.Add(time.Duration(*s.KeyLifetimeSecs) * time.Second).UTC(); !end.After(at) {
		return SignatureExpired, end
	}
	return SignatureGood, time.Time{}
}

// at is the newest word on the key that there was at an instant, or the first of
// all: a certificate that was tidied up may have lost the older ones.
func (k pastKey) at(at time.Time) *packet.Signature {
	var newest, first *packet.Signature
	for _, s := range k.said {
		if first == nil || s.CreationTime.Before(first.CreationTime) {
			first = s
		}
		if !s.CreationTime.After(at) && (newest == nil || s.CreationTime.After(newest.CreationTime)) {
			newest = s
		}
	}
	if newest == nil {
		return first
	}
	return newest
}

// looseBlocks reads a file of armored blocks as people send it (see dearmorKey).
func looseBlocks(file []byte, kind string) ([][]byte, error) {
	if len(file) > MaxSignaturesSize && kind == armorSignature {
		return nil, ErrMalformed
	}
	text := strings.ReplaceAll(string(file), "\r\n", "\n")
	end := "-----END " + kind + "-----"
	var out [][]byte
	for strings.TrimSpace(text) != "" {
		i := strings.Index(text, end)
		if i < 0 || len(out) == maxKeyring {
			return nil, ErrMalformed
		}
		b, err := dearmorKey([]byte(text[:i+len(end)]), kind)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
		text = text[i+len(end):]
	}
	if len(out) == 0 {
		return nil, errors.New("no " + kind)
	}
	return out, nil
}
