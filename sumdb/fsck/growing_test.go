package fsck_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/fsck"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// early reads the checkpoint of an earlier time once.
type early struct {
	store.Reader
	checkpoint []byte
}

func (e *early) ReadFile(ctx context.Context, path string, limit int64) ([]byte, error) {
	if path == store.CheckpointPath && e.checkpoint != nil {
		defer func() { e.checkpoint = nil }()
		return e.checkpoint, nil
	}
	return e.Reader.ReadFile(ctx, path, limit)
}

// What is appended while a log is checked gives no alarm, even when the partial
// tiles of its beginning have been pruned; damage does.
func TestLogThatGrowsMeanwhile(t *testing.T) {
	for name, damage := range map[string]func(dir string){
		"":                          func(string) {},
		"index":                     flip("index/entry/package-7", 12),
		"tile/0/000: not":           flip("tile/0/000", 100),
		"tile/0/009: not a tile of": put("tile/0/009"),
	} {
		w := sumdbtest.New(t)
		leaves := w.Leaves(900)
		w.Append(leaves[:280]...)
		w.Append(leaves[280:300]...)
		before, err := os.ReadFile(filepath.Join(w.Dir, store.CheckpointPath))
		if err != nil {
			t.Fatal(err)
		}
		w.Append(leaves[300:]...)
		w.Clock = time.Now().Add(time.Hour)
		if err := w.Log().Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		damage(w.Dir)
		rep, err := fsck.CheckWith(t.Context(), w.Dir, fsck.Options{Origin: sumdbtest.Origin, LogKeys: w.LogKeys(), Keys: w.Keyring}, &early{store.Folder(w.Dir), before})
		if err != nil || rep.Checkpoint.Size != 302 && rep.Checkpoint.Size != 301 {
			t.Fatalf("%+v, %v", rep, err)
		}
		if name == "" && !rep.OK() {
			t.Errorf("%v", rep.Problems)
		}
		if name != "" {
			want(t, rep, name)
		}
	}
}
