package log

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

const (
	journalMagic = "wheellock-append/v1"
	maxJournal   = MaxBatchBytes + 2*(MaxBatch+MaxBatch/128) + 2*tile.MaxCheckpoint + 1<<20
)

// A journal is an append that has been signed.
type journal struct {
	origin  string
	oldSize int64
	oldRoot tlog.Hash
	note    []byte // the new checkpoint
	leaves  [][]byte
}

func (j *journal) format() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%s\n%d %s\n%d\n", journalMagic, j.origin, j.oldSize, base64.StdEncoding.EncodeToString(j.oldRoot[:]), len(j.note))
	b.Write(j.note)
	data := b.Bytes()
	for _, leaf := range j.leaves {
		var err error
		if data, err = tile.AppendEntry(data, leaf); err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256(data)
	return append(data, "sha256 "+hex.EncodeToString(sum[:])+"\n"...), nil
}

var errJournal = errors.New("damaged journal")

const journalTail = len("sha256 ") + 64 + 1

func parseJournal(data []byte) (*journal, error) {
	if len(data) < journalTail {
		return nil, errJournal
	}
	body, tail := data[:len(data)-journalTail], data[len(data)-journalTail:]
	sum := sha256.Sum256(body)
	if string(tail) != "sha256 "+hex.EncodeToString(sum[:])+"\n" {
		return nil, errJournal
	}
	parts := strings.SplitN(string(body), "\n", 5)
	if len(parts) != 5 || parts[0] != journalMagic {
		return nil, errJournal
	}
	j := &journal{origin: parts[1]}
	size, root, _ := strings.Cut(parts[2], " ")
	var err1, err2, err3 error
	j.oldSize, err1 = strconv.ParseInt(size, 10, 64)
	j.oldRoot, err2 = tlog.ParseHash(root)
	n, err3 := strconv.Atoi(parts[3])
	if err1 != nil || err2 != nil || err3 != nil || n < 0 || n > len(parts[4]) || j.oldSize < 0 {
		return nil, errJournal
	}
	j.note = []byte(parts[4][:n])
	for rest := []byte(parts[4][n:]); len(rest) > 0; {
		if len(rest) < 2 {
			return nil, errJournal
		}
		size := int(rest[0])<<8 | int(rest[1])
		if len(rest) < 2+size {
			return nil, errJournal
		}
		j.leaves = append(j.leaves, rest[2:2+size])
		rest = rest[2+size:]
	}
	return j, nil
}

// readJournal returns nil when there is none.
func (l *Log) readJournal() (*journal, error) {
	path := l.statePath("journal")
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxJournal {
		return nil, errJournal
	}
	data, err := store.Folder(l.o.Dir).ReadFile(context.Background(), ".state/journal", maxJournal)
	if err != nil {
		return nil, err
	}
	return parseJournal(data)
}

func (l *Log) dropJournal() error {
	path := l.statePath("journal")
	return l.step("drop journal", path, func() error {
		// Not synced: a journal that comes back after a crash names a
		// checkpoint that is already published, and is dropped again.
		err := durable.Remove(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}
