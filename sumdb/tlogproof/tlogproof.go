// Package tlogproof reads and writes the proof that one statement is in a log,
// as a file that lies beside a wheel: C2SP tlog-proof.
//
//	c2sp.org/tlog-proof@v1
//	extra d2hlZWxsb2NrL3YxIGJ1aWxkCi4uLg==      base64 of the leaf; see below
//	index 73894                                 log index of the leaf
//	gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
//	B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
//	                                            the inclusion proof, from the leaf's sibling up
//	wheels.example.org
//	109482                                      the checkpoint, with its signatures
//	sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
//
//	— wheels.example.org hI2DJw…
//	— witness1.example mJirIk…
//
// The extra data that we write is the leaf itself (package record), so that the
// file needs nothing beside it but a policy: which logs and witnesses are
// trusted (package policy). It is believed only because its hash is proved.
//
// Such a proof says that a statement was made and published. It does not say
// that nothing was stated since: a withdrawal for example. For that there is
// wheels.lock.proof (package proof).
//
// There is one spelling of a proof: Parse and Format are inverse to each other.
package tlogproof

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// Extension is what the name of a proof's file ends with.
const Extension = ".tlog-proof"

const (
	header = "c2sp.org/tlog-proof@v1\n"
	// MaxSize bounds a proof in bytes: a leaf, its path, and a checkpoint.
	MaxSize = 512 << 10
	// maxHashes is the depth of the deepest tree.
	maxHashes = 63
)

// ErrMalformed is the answer to everything that is not a proof in its one
// spelling.
var ErrMalformed = errors.New("malformed tlog-proof")

// A Proof is the content of a file, none of it checked.
type Proof struct {
	Extra      []byte // opaque, nil: none
	Index      int64  // of the leaf in the log
	Hashes     tlog.RecordProof
	Checkpoint []byte // the signed note
}

// Format returns the file's bytes.
func (p *Proof) Format() []byte {
	var b bytes.Buffer
	b.WriteString(header)
	if len(p.Extra) > 0 {
		fmt.Fprintf(&b, "extra %s\n", base64.StdEncoding.EncodeToString(p.Extra))
	}
	fmt.Fprintf(&b, "index %d\n", p.Index)
	b.WriteString(tile.FormatHashes(p.Hashes) + "\n")
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// Parse reads a file. The error is [ErrMalformed].
func Parse(data []byte) (*Proof, error) {
	rest, ok := strings.CutPrefix(string(data), header)
	if !ok || len(data) > MaxSize {
		return nil, ErrMalformed
	}
	head, checkpoint, ok := strings.Cut(rest, "\n\n")
	if !ok || checkpoint == "" {
		return nil, ErrMalformed
	}
	p := &Proof{Checkpoint: []byte(checkpoint)}
	lines := strings.Split(head, "\n")
	if text, ok := strings.CutPrefix(lines[0], "extra "); ok {
		extra, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(lines) < 2 {
			return nil, ErrMalformed
		}
		p.Extra, lines = extra, lines[1:]
	}
	text, ok := strings.CutPrefix(lines[0], "index ")
	if !ok || len(lines) > 1+maxHashes {
		return nil, ErrMalformed
	}
	var err error
	if p.Index, err = strconv.ParseInt(text, 10, 64); err != nil || p.Index < 0 || p.Index >= tile.MaxSize {
		return nil, ErrMalformed
	}
	if p.Hashes, ok = tile.ParseHashes(lines[1:]); !ok {
		return nil, ErrMalformed
	}
	// Whatever has a second spelling does not come back the same: signs, leading
	// zeros, loose base64, an empty extra line.
	if !bytes.Equal(p.Format(), data) {
		return nil, ErrMalformed
	}
	return p, nil
}

// Check proves that a leaf is in a log of the policy, under a checkpoint that its
// quorum of witnesses has cosigned. A nil leaf stands for the extra data.
// Errors are those of policy.Check and *store.DamagedError.
func (p *Proof) Check(leaf []byte, trusted *policy.Policy) (tile.Checkpoint, []policy.Seen, error) {
	if leaf == nil {
		leaf = p.Extra
	}
	c, seen, err := trusted.Check(p.Checkpoint)
	if err != nil {
		return c, seen, err
	}
	return c, seen, store.CheckLeaf(leaf, p.Index, c.Size, c.Root, p.Hashes)
}
