package tile

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

const (
	// MaxCheckpoint is the largest signed checkpoint that is read, in bytes.
	MaxCheckpoint = 64 << 10
	// MaxSize is the largest tree: more would not fit an index of its hashes into 63 bits.
	MaxSize = 1<<62 - 1
)

// ErrCheckpoint is the answer to every text that is not a checkpoint.
var ErrCheckpoint = errors.New("malformed checkpoint")

// A Checkpoint is the size and root hash of a log (C2SP tlog-checkpoint). Its text is
//
//	example.com/behind-the-sofa
//	20852163
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
// and, where there are any, extension lines, which must not be empty. The size
// has no sign and no leading zero, the hash is 32 bytes in canonical base64, the
// origin is not empty.
type Checkpoint struct {
	Origin     string
	Size       int64
	Root       tlog.Hash
	Extensions []string
}

// Text returns the text that is signed.
func (c Checkpoint) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	for _, e := range c.Extensions {
		b.WriteString(e + "\n")
	}
	return b.String()
}

// ParseCheckpoint reads a checkpoint's text strictly. The error is [ErrCheckpoint].
func ParseCheckpoint(text string) (Checkpoint, error) {
	body, ok := strings.CutSuffix(text, "\n")
	if !ok || len(text) > MaxCheckpoint || !utf8.ValidString(text) {
		return Checkpoint{}, ErrCheckpoint
	}
	lines := strings.Split(body, "\n")
	if len(lines) < 3 {
		return Checkpoint{}, ErrCheckpoint
	}
	for _, line := range lines {
		if line == "" || strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 }) {
			return Checkpoint{}, ErrCheckpoint
		}
	}
	c := Checkpoint{Origin: lines[0]}
	if len(lines) > 3 {
		c.Extensions = lines[3:]
	}
	var err error
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || c.Size > MaxSize {
		return Checkpoint{}, ErrCheckpoint
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || copy(c.Root[:], root) != HashSize || len(root) != HashSize {
		return Checkpoint{}, ErrCheckpoint
	}
	// A leading zero, a sign, loose base64: it would not come back the same.
	if c.Text() != text {
		return Checkpoint{}, ErrCheckpoint
	}
	if c.Size == 0 && c.Root != EmptyRoot() {
		return Checkpoint{}, ErrCheckpoint
	}
	return c, nil
}

// EmptyRoot returns the root hash of the empty tree.
func EmptyRoot() tlog.Hash {
	h, err := tlog.TreeHash(0, nil)
	if err != nil {
		panic("unreachable: the empty tree reads no hashes")
	}
	return h
}

// OpenCheckpoint reads a signed checkpoint of the log with this origin, signed
// by at least one of the log's keys. Every line of a known key must be right.
// Cosignatures of keys that are not in known are left in the note, unchecked.
func OpenCheckpoint(msg []byte, origin string, known note.Verifiers) (Checkpoint, *note.Opened, error) {
	if len(msg) > MaxCheckpoint {
		return Checkpoint{}, nil, ErrCheckpoint
	}
	o, err := note.Open(msg, known)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	c, err := ParseCheckpoint(o.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if c.Origin != origin {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint of the log %q, want %q", c.Origin, origin)
	}
	return c, o, nil
}
