package rebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// keptFor is how long a wheel is kept for a run that was broken off.
const keptFor = 7 * 24 * time.Hour

// A Keeper is a Builder that keeps each wheel at once, so that a run which is
// interrupted or killed goes on where it was. What is kept is one build: by one
// recipe, for one target, under one variation; the next run asks for the same
// ones, since what it does follows from the lock.
//
//	DIR/KEY/result.json  the build.Result with the wheel's sha256
//	DIR/KEY/FILE.whl     its bytes
//
// A folder appears whole, by a rename, and a wheel whose hash is not the recorded
// one is built again.
type Keeper struct {
	Builder
	Dir string

	mu   sync.Mutex
	used map[string]int
	held int
}

// kept is what result.json holds.
type kept struct {
	Result build.Result
	SHA256 string
}

const resultFile = "result.json"

// Build takes the wheel of an earlier run, or builds it and keeps it.
func (k *Keeper) Build(ctx context.Context, j build.Job) (*build.Result, error) {
	key := k.use(keptKey(j))
	if r := k.load(key, j); r != nil {
		k.count()
		return r, nil
	}
	r, err := k.Builder.Build(ctx, j)
	if err != nil {
		return nil, err
	}
	// Nothing rests on it: where it cannot be kept, it is built again some day.
	if k.save(key, r) == nil {
		k.count()
	}
	return r, nil
}

func (k *Keeper) count() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held++
}

// keptKey names a build by all that its bytes follow from. A recipe's digest covers
// the source and the build requirements by hash.
func keptKey(j build.Job) string {
	h := sha256.New()
	fmt.Fprintf(h, "wheellock-kept/v1\n%s %s\n%s\n%s\n%+v\n%+v\n", j.Name, j.Version,
		j.Recipe.ComputeDigest(), strings.Join(j.Recipe.ExpectTags, " "), j.Target, j.Vary)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// use numbers the builds of one key: who asks again in the same run wants to see
// whether the same comes out.
func (k *Keeper) use(key string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.used == nil {
		k.used = map[string]int{}
	}
	k.used[key]++
	if n := k.used[key]; n > 1 {
		key = fmt.Sprintf("%s-%d", key, n)
		k.used[key] = 1
	}
	return key
}

// load puts a kept wheel into the job's folder; nil where there is none that holds.
func (k *Keeper) load(key string, j build.Job) *build.Result {
	dir := filepath.Join(k.Dir, key)
	b, err := os.ReadFile(filepath.Join(dir, resultFile))
	if err != nil {
		return nil
	}
	var e kept
	if json.Unmarshal(b, &e) != nil || e.Result.File != filepath.Base(e.Result.File) {
		return nil
	}
	from := filepath.Join(dir, e.Result.File)
	if sum, err := mirror.HashFile(from); err != nil || sum != e.SHA256 {
		return nil
	}
	e.Result.Path = filepath.Join(j.Into, e.Result.File)
	if os.Link(from, e.Result.Path) != nil {
		return nil
	}
	return &e.Result
}

func (k *Keeper) save(key string, r *build.Result) error {
	temp, done, err := build.WorkDir(k.Dir, ".new-")
	if err != nil {
		return err
	}
	defer done()
	sum, err := mirror.HashFile(r.Path)
	if err != nil {
		return err
	}
	inner := filepath.Join(temp, key)
	if err := os.Mkdir(inner, 0o700); err != nil {
		return err
	}
	if err := os.Link(r.Path, filepath.Join(inner, r.File)); err != nil {
		return err
	}
	b, err := json.Marshal(kept{Result: *r, SHA256: sum})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(inner, resultFile), b, 0o600); err != nil {
		return err
	}
	dir := filepath.Join(k.Dir, key)
	os.RemoveAll(dir) // one whose hash did not hold
	return os.Rename(inner, dir)
}

// Kept is how many of the builds that this run asked for the next one would find.
func (k *Keeper) Kept() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held
}

// Forget removes what this run asked for: its wheels are where they belong now.
func (k *Keeper) Forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key := range k.used {
		os.RemoveAll(filepath.Join(k.Dir, key))
	}
	k.used, k.held = nil, 0
}

// Sweep removes what no run has asked for in a week, and half-written folders of
// killed ones.
func (k *Keeper) Sweep() {
	build.Sweep(k.Dir)
	list, err := os.ReadDir(k.Dir)
	if err != nil {
		return
	}
	old := slices.DeleteFunc(list, func(e os.DirEntry) bool {
		info, err := e.Info()
		return err != nil || strings.HasPrefix(e.Name(), ".") || time.Since(info.ModTime()) < keptFor
	})
	for _, e := range old {
		os.RemoveAll(filepath.Join(k.Dir, e.Name()))
	}
}
