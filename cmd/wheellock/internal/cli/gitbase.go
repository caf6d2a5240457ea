package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
)

// base is a revision of the project's git repository.
type base struct {
	dir    string // the project
	rev    string // as it was asked for
	commit string
	env    []string
}

const maxBaseFiles = 200 // input files that are read from a revision

// gitBase finds a revision. "main..." is where the branch left main.
func (s *session) gitBase(ctx context.Context, rev string) (*base, error) {
	b := &base{dir: s.dir, rev: rev, env: os.Environ()}
	if s.Environ != nil {
		b.env = s.Environ()
	}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, environment("install git, or compare with a file: wheellock diff --against FILE", "git is not installed")
	}
	if _, err := b.git(ctx, "rev-parse", "--is-inside-work-tree"); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, invalid("wheellock diff --against FILE compares with a file", "%s is in no git repository that can be read: %v", filepath.Base(s.dir), err)
	}
	name, fork := strings.CutSuffix(rev, "...")
	if name == "" || strings.HasPrefix(name, "-") {
		return nil, usage("%q is no revision", rev)
	}
	out, err := b.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if err != nil && rev == "HEAD" {
		return b, nil // a repository without a commit: all is new
	}
	if err != nil {
		return nil, invalid("git log --oneline -5 shows revisions; a shallow clone may have to be deepened with git fetch", "git knows no revision %s", name)
	}
	b.commit = strings.TrimSpace(string(out))
	if fork {
		if out, err = b.git(ctx, "merge-base", b.commit, "HEAD"); err != nil {
			return nil, invalid("a shallow clone may have to be deepened with git fetch --unshallow", "%s and HEAD have no commit in common", name)
		}
		b.commit = strings.TrimSpace(string(out))
	}
	return b, nil
}

// git runs git in the project's folder. What the checkout configures may not run
// anything, and nothing is fetched.
func (b *base) git(ctx context.Context, args ...string) ([]byte, error) {
	hard := []string{"--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "protocol.allow=never"}
	cmd := exec.CommandContext(ctx, "git", append(hard, args...)...)
	cmd.Dir = b.dir
	cmd.Env = append(slices.Clone(b.env), "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(pipe, lock.MaxSize+1))
	if len(out) > lock.MaxSize {
		_ = cmd.Process.Kill()
		err = fmt.Errorf("more than %d bytes", lock.MaxSize)
	}
	if wait := cmd.Wait(); err == nil && wait != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		err = errors.New(strings.TrimPrefix(line, "fatal: "))
	}
	return out, err
}

// file reads a file of the project at the revision; nil: it is not there.
func (b *base) file(ctx context.Context, name string) ([]byte, error) {
	out, err := b.git(ctx, "cat-file", "blob", b.commit+":./"+name)
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if list, lerr := b.git(ctx, "ls-tree", "--name-only", b.commit, "--", "./"+name); lerr == nil && len(bytes.TrimSpace(list)) == 0 {
		return nil, nil
	}
	return nil, fmt.Errorf("reading %s of %s: %w", name, b.rev, err)
}

// lock is the lock at the revision; nil: there was none.
func (b *base) lock(ctx context.Context) (*lock.Lock, error) {
	if b.commit == "" {
		return nil, nil
	}
	data, err := b.file(ctx, lock.FileName)
	if err != nil || data == nil {
		return nil, err
	}
	return lock.Parse(b.rev+":"+lock.FileName, data)
}

// project is the configuration at the revision, as far as it can be read; the
// caller removes the folder that it was unpacked into.
func (b *base) project(ctx context.Context, config, temp string) (*pyproject.Project, error) {
	out, err := b.git(ctx, "ls-tree", "-r", "-z", "--name-only", b.commit, "--", ".")
	if err != nil {
		return nil, err
	}
	n := 0
	for _, name := range strings.Split(string(out), "\x00") {
		ext := filepath.Ext(name)
		if ext != ".toml" && ext != ".in" && ext != ".txt" || !filepath.IsLocal(name) || n >= maxBaseFiles {
			continue
		}
		n++
		data, err := b.file(ctx, name)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(temp, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, err
		}
	}
	return pyproject.Open(temp, config)
}
