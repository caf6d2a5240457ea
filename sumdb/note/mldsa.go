package note

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
)

// verifyMLDSA44 checks a cosignature of the kind that witnesses are to use from
// now on (C2SP tlog-cosignature, "ML-DSA-44 signed message").
func verifyMLDSA44(name string, key []byte, text string, c Cosignature) bool {
	msg, ok := subtreeMessage(name, text, c.Time)
	if !ok || len(c.Sig) != mldsa44.SignatureSize {
		return false
	}
	var k mldsa44.PublicKey
	if err := k.UnmarshalBinary(key); err != nil {
		return false
	}
	return mldsa44.Verify(&k, msg, nil, c.Sig)
}

// subtreeMessage is what is signed over a whole tree. Unlike that of Ed25519 it
// commits to the witness's name, and not to the checkpoint's extension lines.
func subtreeMessage(name, text string, time int64) ([]byte, bool) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || len(name) > 255 || len(lines[0]) == 0 || len(lines[0]) > 255 {
		return nil, false
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] {
		return nil, false
	}
	hash, ok := decode64(lines[2])
	if !ok || len(hash) != 32 || base64.StdEncoding.EncodeToString(hash) != lines[2] {
		return nil, false
	}
	b := []byte("subtree/v1\n\x00")
	b = append(append(b, byte(len(name))), name...)
	b = binary.BigEndian.AppendUint64(b, uint64(time))
	b = append(append(b, byte(len(lines[0]))), lines[0]...)
	b = binary.BigEndian.AppendUint64(b, 0)
	b = binary.BigEndian.AppendUint64(b, size)
	return append(b, hash...), true
}
