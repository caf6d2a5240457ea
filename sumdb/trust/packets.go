package trust

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// OpenPGP packet tags (RFC 9580, section 5) that a certificate or a signature is made of.
const (
	tagSignature = 2
	tagSecretKey = 5
	tagPublicKey = 6
	tagUserID    = 13
	tagSubkey    = 14
)

// A rawPacket is a packet as it stood in the file and its body.
type rawPacket struct {
	tag  int
	body []byte
}

// splitPackets walks over a packet sequence. Lengths must be definite and in
// their shortest form.
func splitPackets(data []byte) ([]rawPacket, error) {
	var list []rawPacket
	for len(data) > 0 {
		tag, head, size, ok := packetHeader(data)
		if !ok || size > len(data)-head {
			return nil, ErrMalformed
		}
		list = append(list, rawPacket{tag, data[head : head+size]})
		data = data[head+size:]
	}
	return list, nil
}

func packetHeader(b []byte) (tag, head, size int, ok bool) {
	switch {
	case len(b) < 2 || b[0]&0x80 == 0:
		return 0, 0, 0, false
	case b[0]&0x40 == 0:
		return oldHeader(b)
	}
	tag = int(b[0] & 0x3F)
	switch {
	case b[1] < 192:
		return tag, 2, int(b[1]), true
	case b[1] < 224:
		if len(b) < 3 {
			return 0, 0, 0, false
		}
		return tag, 3, int(b[1]-192)<<8 + int(b[2]) + 192, true
	case b[1] == 255 && len(b) >= 6:
		n := binary.BigEndian.Uint32(b[2:])
		return tag, 6, int(n), n >= 8384 && n < 1<<30
	}
	return 0, 0, 0, false // a partial length
}

func oldHeader(b []byte) (tag, head, size int, ok bool) {
	tag = int(b[0]>>2) & 0x0F
	switch b[0] & 3 {
	case 0:
		return tag, 2, int(b[1]), true
	case 1:
		if len(b) < 3 {
			return 0, 0, 0, false
		}
		n := int(binary.BigEndian.Uint16(b[1:]))
		return tag, 3, n, n >= 1<<8
	case 2:
		if len(b) < 5 {
			return 0, 0, 0, false
		}
		n := binary.BigEndian.Uint32(b[1:])
		return tag, 5, int(n), n >= 1<<16 && n < 1<<30
	}
	return 0, 0, 0, false // an indeterminate length
}

// appendPacket writes a packet with a header in the new format.
func appendPacket(b []byte, tag int, body []byte) []byte {
	b = append(b, 0xC0|byte(tag))
	switch n := len(body); {
	case n < 192:
		b = append(b, byte(n))
	case n < 8384:
		b = append(b, byte((n-192)>>8)+192, byte(n-192))
	default:
		b = binary.BigEndian.AppendUint32(append(b, 255), uint32(n))
	}
	return append(b, body...)
}

// A detached is one parsed detached signature.
type detached struct {
	sig    *packet.Signature
	left16 []byte // first two bytes of the digest
}

// parseSignature reads the one packet of a detached signature. Beyond what the
// library checks: exactly one packet, version 4 over binary data, a strong
// hash, shortest integers with nothing after them, and an unsigned area with
// nothing in it but the issuer's key ID, since what stands there can be
// changed by anyone.
func parseSignature(block []byte) (*detached, error) {
	list, err := splitPackets(block)
	if err != nil || len(list) != 1 || list[0].tag != tagSignature {
		return nil, ErrMalformed
	}
	body := list[0].body
	if len(body) < 6 || body[0] != 4 || body[1] != byte(packet.SigTypeBinary) {
		return nil, ErrMalformed
	}
	rest, _, ok := cutArea(body[4:])
	if !ok {
		return nil, ErrMalformed
	}
	rest, unhashed, ok := cutArea(rest)
	if !ok || len(rest) < 2 || !validIntegers(body[2], rest[2:]) {
		return nil, ErrMalformed
	}
	p, err := packet.Read(bytes.NewReader(block))
	sig, isSig := p.(*packet.Signature)
	if err != nil || !isSig || !strongHash(sig.Hash) {
		return nil, ErrMalformed
	}
	if len(unhashed) > 0 && !isIssuer(unhashed, sig.IssuerKeyId) {
		return nil, ErrMalformed
	}
	return &detached{sig, rest[:2]}, nil
}

// cutArea takes a subpacket area with its two-byte length off b.
func cutArea(b []byte) (rest, area []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > len(b)-2 {
		return nil, nil, false
	}
	return b[2+n:], b[2 : 2+n], true
}

func isIssuer(area []byte, id *uint64) bool {
	return id != nil && bytes.Equal(area, binary.BigEndian.AppendUint64([]byte{9, 16}, *id))
}

// validIntegers checks the algorithm's part of a signature: one or two MPIs
// without leading zero bits, or 64 bytes, and no more.
func validIntegers(algorithm byte, b []byte) bool {
	count := 2
	switch packet.PublicKeyAlgorithm(algorithm) {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		count = 1
	case packet.PubKeyAlgoECDSA, packet.PubKeyAlgoEdDSA:
	case packet.PubKeyAlgoEd25519:
		return len(b) == 64
	default:
		return false
	}
	for range count {
		if len(b) < 3 {
			return false
		}
		bits := int(binary.BigEndian.Uint16(b))
		n := (bits + 7) / 8
		if n == 0 || n > len(b)-2 || b[2]>>((bits-1)%8) != 1 {
			return false
		}
		b = b[2+n:]
	}
	return len(b) == 0
}

func strongHash(h crypto.Hash) bool {
	return h == crypto.SHA256 || h == crypto.SHA384 || h == crypto.SHA512
}

// verify checks the signature with a key. When it was made plays no part.
func (d *detached) verify(data []byte, key *packet.PublicKey) bool {
	if !d.sig.CheckKeyIdOrFingerprint(key) || d.sig.IssuerKeyId != nil && *d.sig.IssuerKeyId != key.KeyId ||
		d.sig.IssuerFingerprint != nil && !bytes.Equal(d.sig.IssuerFingerprint, key.Fingerprint) {
		return false
	}
	sum := d.sig.Hash.New()
	sum.Write(data)
	// The library leaves these two bytes of a version 4 signature unchecked.
	digest := d.sig.Hash.New()
	digest.Write(data)
	digest.Write(d.sig.HashSuffix)
	if !bytes.Equal(digest.Sum(nil)[:2], d.left16) {
		return false
	}
	return key.VerifySignature(sum, d.sig) == nil
}

// readOne parses a single packet body with the library.
func readOne(tag int, body []byte) (packet.Packet, error) {
	p, err := packet.Read(bytes.NewReader(appendPacket(nil, tag, body)))
	if err == io.EOF {
		err = ErrMalformed
	}
	return p, err
}
