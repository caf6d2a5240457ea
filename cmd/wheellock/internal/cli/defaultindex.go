package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/resolve/index"
)

// defaultIndexTTL is how long the answer of pip itself is kept: asking takes
// half a second, and pip's built-in default changes once in a decade.
const defaultIndexTTL = 24 * time.Hour

// defaultIndex finds the index that the user's pip uses.
func (s *session) defaultIndex(ctx context.Context, cache string) (string, error) {
	env := s.indexEnv()
	env.Run = func(ctx context.Context, name string, args ...string) ([]byte, error) {
		return s.runCached(ctx, filepath.Join(cache, "pip-default"), name, args)
	}
	return index.DefaultURL(ctx, env)
}

// indexEnv is where pip's and uv's own settings are.
func (s *session) indexEnv() index.Env {
	return index.Env{Getenv: s.Getenv, Home: s.Getenv("HOME")}
}

// runCached runs a program and keeps its answer for a day.
func (s *session) runCached(ctx context.Context, dir, name string, args []string) ([]byte, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256([]byte(path + "\x00" + strings.Join(args, "\x00")))
	file := filepath.Join(dir, hex.EncodeToString(key[:8]))
	if info, err := os.Stat(file); err == nil && s.Now().Sub(info.ModTime()) < defaultIndexTTL {
		if b, err := os.ReadFile(file); err == nil && len(b) > 0 {
			return b, nil
		}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = s.Environ()
	// python -m looks into the working folder first: a pip.py in a project that
	// somebody else wrote would run here.
	cmd.Dir = "/"
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	if durable.MkdirAll(dir, 0o700) == nil {
		// A cache that cannot be written costs half a second the next time.
		_ = durable.WriteFile(file, out, 0o600)
	}
	return out, nil
}
