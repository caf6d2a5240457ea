// Package witness lets others watch a log: a witness signs that a checkpoint
// continues what it signed before, so that no two readers can be shown two
// histories unless a quorum of witnesses lies. Both sides of C2SP tlog-witness
// are here, [Client] and [Server].
//
// # The call
//
//	POST PREFIX/add-checkpoint
//
//	old 2                                             size that the witness signed last
//	PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=      consistency proof, at most 63 lines
//
//	wheels.example.org                                the signed checkpoint
//	5
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	— wheels.example.org Az3grl…
//
// is answered with
//
//	200  signature lines of the witness
//	400  not such a request, or old is larger than the checkpoint
//	403  the checkpoint is not signed by a key of the log that the witness knows
//	404  the witness does not know this origin
//	409  old is not what it signed last; the body says what is (text/x.tlog.size)
//	409  old is the same size, with another root hash: a fork
//	422  the proof does not hold
//
// # State
//
// Under the server's folder:
//
//	lock                  flock: two processes with one key could sign a fork
//	logs/HEX              the last checkpoint that was cosigned for the origin with
//	                      this sha256, with the log's signatures and the witness's own
//
// The file is replaced, with fsync, before the cosignature leaves the process,
// under a lock for the origin, so that no crash and no second request can
// bring an older state back. One that is there but is not signed by the witness
// itself stops the witness for that log: to begin again at 0 would be to forget.
package witness

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// Bounds of the protocol.
const (
	MaxHashes   = 63                                         // lines of a consistency proof
	MaxRequest  = 64 + MaxHashes*45 + 1 + tile.MaxCheckpoint // bytes of a request
	MaxResponse = 64 << 10                                   // bytes of an answer
)

// SizeType is the media type of an answer that says which size was signed last.
const SizeType = "text/x.tlog.size"

// ErrRequest is the answer to everything that is not a request.
var ErrRequest = errors.New("malformed add-checkpoint request")

// A Request is what a log asks of a witness.
type Request struct {
	Old        int64
	Proof      tlog.TreeProof
	Checkpoint []byte // the signed note, not looked at here
}

// Format returns the request's body.
func (r *Request) Format() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", r.Old)
	b.WriteString(tile.FormatHashes(r.Proof) + "\n")
	b.Write(r.Checkpoint)
	return b.Bytes()
}

// ParseRequest reads a request's body, in its one spelling. The error is
// [ErrRequest].
func ParseRequest(body []byte) (*Request, error) {
	if len(body) > MaxRequest {
		return nil, ErrRequest
	}
	head, checkpoint, ok := strings.Cut(string(body), "\n\n")
	if !ok {
		return nil, ErrRequest
	}
	lines := strings.Split(head, "\n")
	old, ok := strings.CutPrefix(lines[0], "old ")
	if !ok || len(lines) > 1+MaxHashes {
		return nil, ErrRequest
	}
	r := &Request{Checkpoint: []byte(checkpoint)}
	var err error
	if r.Old, err = parseSize(old); err != nil {
		return nil, err
	}
	if r.Proof, ok = tile.ParseHashes(lines[1:]); !ok {
		return nil, ErrRequest
	}
	if !bytes.Equal(r.Format(), body) {
		return nil, ErrRequest
	}
	return r, nil
}

func parseSize(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > tile.MaxSize || strconv.FormatInt(n, 10) != text {
		return 0, ErrRequest
	}
	return n, nil
}
