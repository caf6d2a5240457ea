package log

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"syscall"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/store"
)

// MaxPending is the largest number of pending statements in a folder.
const MaxPending = 100_000

// A Pending is a signed statement that the log does not hold yet. Its file is
// named by the sha256 of its bytes, so that branches that add different ones
// merge without a conflict, and the same one twice is one file.
type Pending struct {
	Name string // file name: hex sha256
	*record.Signed
}

// WritePending puts a leaf into the folder of pending statements, durably, and
// returns its file name. Writing it again changes nothing.
func WritePending(dir string, leaf []byte) (name string, err error) {
	if _, err := record.ParseLeaf(leaf); err != nil {
		return "", fmt.Errorf("writing a pending statement: %w", err)
	}
	sum := sha256.Sum256(leaf)
	name = hex.EncodeToString(sum[:])
	if err := durable.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	if old, err := os.ReadFile(filepath.Join(dir, name)); err == nil && string(old) == string(leaf) {
		return name, nil
	}
	return name, durable.WriteFile(filepath.Join(dir, name), leaf, 0o644)
}

// A BadPending is a file among the pending statements that is none.
type BadPending struct {
	Name string
	Err  error
}

// ListPending reads the pending statements of a folder in the order in which
// they are to be appended: roots first, since they say who may sign the rest,
// then by time, then by name. Files that are not pending statements are listed
// apart. Signatures are not checked. A missing folder has none.
func ListPending(dir string) (list []Pending, bad []BadPending, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if len(entries) > MaxPending {
		return nil, nil, fmt.Errorf("reading %s: %d files, at most %d", dir, len(entries), MaxPending)
	}
	for _, e := range entries {
		if durable.IsTemp(e.Name()) || e.Name() == ".gitkeep" || e.Name() == ".gitattributes" {
			continue
		}
		p, err := readPending(dir, e.Name())
		if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			return nil, nil, err // says nothing about the statement
		}
		if err != nil {
			bad = append(bad, BadPending{e.Name(), err})
			continue
		}
		list = append(list, p)
	}
	sort.Slice(list, func(i, j int) bool { return pendingBefore(list[i], list[j]) })
	return list, bad, nil
}

func pendingBefore(a, b Pending) bool {
	ar, aerr := a.AsRoot()
	br, berr := b.AsRoot()
	if (aerr == nil) != (berr == nil) {
		return aerr == nil
	}
	if aerr == nil && ar.Number != br.Number {
		return ar.Number < br.Number
	}
	if !a.Time().Equal(b.Time()) {
		return a.Time().Before(b.Time())
	}
	return a.Name < b.Name
}

func readPending(dir, name string) (Pending, error) {
	data, err := store.Folder(dir).ReadFile(context.Background(), name, record.MaxLeaf)
	if err != nil {
		return Pending{}, err
	}
	sum := sha256.Sum256(data)
	if name != hex.EncodeToString(sum[:]) {
		return Pending{}, errors.New("its name is not the sha256 of its bytes")
	}
	s, err := record.ParseLeaf(data)
	return Pending{name, s}, err
}

// PendingResult says what became of the pending statements.
type PendingResult struct {
	Appended map[string]int64 // file name -> index
	Held     map[string]int64 // those that the log held already
	Refused  []BadPending     // those that stay where they are, and why
	*Result
}

// AppendPending appends the pending statements of a folder in one batch (in
// several when there are more than [MaxBatch]) and removes those that the
// published log covers. What the door refuses stays and does not stand in the
// way of the others. It may be repeated at any time.
func (l *Log) AppendPending(ctx context.Context, dir string) (*PendingResult, error) {
	list, bad, err := ListPending(dir)
	if err != nil {
		return nil, err
	}
	res := &PendingResult{Appended: map[string]int64{}, Held: map[string]int64{}, Refused: bad}
	batches := 0
	for ; batches == 0 || len(list) > 0; batches++ {
		n := pendingBatch(list)
		if err := l.appendSome(ctx, dir, list[:n], res); err != nil {
			return res, err
		}
		list = list[n:]
	}
	sort.Slice(res.Refused, func(i, j int) bool { return res.Refused[i].Name < res.Refused[j].Name })
	if batches > 1 {
		l.Flush(ctx) // see there: nothing is lost without it
	}
	return res, nil
}

// pendingBatch says how many go into one batch; index statements need room too.
func pendingBatch(list []Pending) int {
	var bytes int64
	for i, p := range list {
		if bytes += int64(len(p.Leaf)); i == MaxBatch/2 || bytes > MaxBatchBytes/2 {
			return i
		}
	}
	return len(list)
}

func (l *Log) appendSome(ctx context.Context, dir string, list []Pending, res *PendingResult) error {
	s, err := l.begin(ctx)
	if len(list) == 0 && errors.Is(err, ErrNoLog) {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.end()
	appended := map[string]int64{}
	var done []string
	leaves := make([][]byte, len(list))
	for i, p := range list {
		leaves[i] = p.Leaf
	}
	admit := s.admitter(leaves)
	for n, p := range list {
		i, err := admit(n)
		var door *record.DoorError
		switch {
		case err == nil:
			appended[p.Name] = i
			done = append(done, p.Name)
		case errors.As(err, &door) && door.Rule == record.RuleHeld:
			// Held in this batch is a second file of one claim: removed only
			// after the batch is published, like the first.
			res.Held[p.Name] = door.Index
			done = append(done, p.Name)
		case errors.As(err, &door):
			res.Refused = append(res.Refused, BadPending{p.Name, err})
		default:
			return err
		}
	}
	if res.Result, err = s.commit(nil); err != nil {
		return err
	}
	for name, i := range appended {
		res.Appended[name] = i
	}
	for _, name := range done {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing a pending statement that is in the log: %w", err)
		}
	}
	if len(done) > 0 {
		return durable.SyncDir(dir)
	}
	return nil
}
