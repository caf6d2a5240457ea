package vcs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Caps on a repository's history.
const (
	maxVersions = 100_000
	maxBlob     = 256 << 20 // of a file whose hash is computed
)

// A Repository is a clone whose history is read.
type Repository struct {
	Git Git
	Dir string

	known map[string]blob // by object id
}

type blob struct {
	sha256 string
	size   int64
}

// A Version is a file as one commit has left it.
type Version struct {
	Commit    string
	Time      time.Time // of the commit, as whoever made it says
	Path      string    // below the repository's top
	Data      []byte
	Signature []byte // PATH.asc in the same commit; nil: none
}

func (r *Repository) run(ctx context.Context, args ...string) ([]byte, error) {
	return r.Git.run(ctx, r.Dir, Ref{URL: r.Dir, Revision: "HEAD"}, args...)
}

// Versions lists how the files that wanted names were changed along the first
// parents of HEAD, oldest first. A deletion is no version.
func (r *Repository) Versions(ctx context.Context, wanted func(path string) bool) ([]Version, error) {
	shallow, err := r.run(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(string(shallow)) == "true" {
		return nil, fmt.Errorf("the clone is shallow: its history is not all here")
	}
	out, err := r.run(ctx, "-c", "core.quotePath=false", "log", "--first-parent", "--reverse", "-m", "--no-renames", "--name-status", "--format=@%H %ct", "HEAD")
	if err != nil {
		return nil, err
	}
	var list []Version
	var commit string
	var at time.Time
	for _, line := range strings.Split(string(out), "\n") {
		if head, ok := strings.CutPrefix(line, "@"); ok {
			id, seconds, _ := strings.Cut(head, " ")
			n, err := strconv.ParseInt(seconds, 10, 64)
			if err != nil || !IsCommit(id) {
				return nil, fmt.Errorf("git log says %q", line)
			}
			commit, at = id, time.Unix(n, 0).UTC()
			continue
		}
		status, path, ok := strings.Cut(line, "\t")
		if !ok || status == "D" || !wanted(path) {
			continue
		}
		if len(list) == maxVersions {
			return nil, fmt.Errorf("more than %d versions", maxVersions)
		}
		v := Version{Commit: commit, Time: at, Path: path}
		if v.Data, err = r.run(ctx, "cat-file", "blob", commit+":"+path); err != nil {
			return nil, err
		}
		if sig, err := r.run(ctx, "cat-file", "blob", commit+":"+path+".asc"); err == nil {
			v.Signature = sig
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		list = append(list, v)
	}
	return list, nil
}

// Sizes gives the size of each file of a commit that wanted names, by the file's
// SHA-256. Of a Git LFS pointer it is that of the file that it stands for.
func (r *Repository) Sizes(ctx context.Context, commit string, wanted func(path string) bool) (map[string]int64, error) {
	out, err := r.run(ctx, "ls-tree", "-r", "-l", "-z", commit)
	if err != nil {
		return nil, err
	}
	if r.known == nil {
		r.known = map[string]blob{}
	}
	sizes := map[string]int64{}
	for _, row := range strings.Split(string(out), "\x00") {
		head, path, ok := strings.Cut(row, "\t")
		f := strings.Fields(head) // mode type id size
		if !ok || len(f) != 4 || f[1] != "blob" || f[0] == "120000" || !wanted(path) {
			continue
		}
		b, have := r.known[f[2]]
		if !have {
			if n, err := strconv.ParseInt(f[3], 10, 64); err != nil || n > maxBlob {
				continue
			}
			data, err := r.run(ctx, "cat-file", "blob", f[2])
			if err != nil {
				return nil, err
			}
			b = blobOf(data)
			r.known[f[2]] = b
		}
		sizes[b.sha256] = b.size
	}
	return sizes, nil
}

func blobOf(data []byte) blob {
	if IsPointer(data) {
		var b blob
		for _, line := range strings.Split(string(data), "\n") {
			if oid, ok := strings.CutPrefix(line, "oid sha256:"); ok {
				b.sha256 = oid
			}
			if n, ok := strings.CutPrefix(line, "size "); ok {
				b.size, _ = strconv.ParseInt(n, 10, 64)
			}
		}
		return b
	}
	sum := sha256.Sum256(data)
	return blob{hex.EncodeToString(sum[:]), int64(len(data))}
}
