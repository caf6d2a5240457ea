package vcs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Git runs git.
type Git struct {
	Path   string   // of the program
	Cache  string   // a folder for repositories; made where it is missing
	Env    []string // "HOME=...", proxies, SSH_AUTH_SOCK: what git and ssh need of the user's environment
	Online bool     // false: only what the cache has
}

// FetchError says that a repository did not give what was asked for.
type FetchError struct {
	URL, Revision string
	Output        string // what git said, shortened
}

func (e *FetchError) Error() string {
	return fmt.Sprintf("fetching %s from %s: %s", e.Revision, e.URL, e.Output)
}

// ErrOffline is a commit that is not in the cache while nothing may be fetched.
var ErrOffline = errors.New("the commit is not in the cache")

// ErrNoRevision is a name that the repository does not have.
var ErrNoRevision = errors.New("the repository has no such branch or tag")

// hardened switches off what a configuration or a repository could make git do.
var hardened = []string{
	"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.askPass=", "-c", "credential.helper=",
	"-c", "protocol.allow=never", "-c", "protocol.https.allow=always", "-c", "protocol.http.allow=always", "-c", "protocol.ssh.allow=always", "-c", "protocol.file.allow=always",
	"-c", "submodule.recurse=false", "-c", "fetch.recurseSubmodules=false", "-c", "transfer.fsckObjects=true",
	"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "init.templateDir=", "-c", "http.followRedirects=initial",
}

func (g Git) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, g.Path, append(append([]string{}, hardened...), args...)...)
	cmd.Dir = dir
	cmd.Env = append(append([]string{}, g.Env...),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_SSH_COMMAND=ssh -oBatchMode=yes", "GIT_NO_REPLACE_OBJECTS=1",
		"GIT_PROTOCOL_FROM_USER=0", "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "LC_ALL=C")
	return cmd
}

func (g Git) run(ctx context.Context, dir string, r Ref, args ...string) ([]byte, error) {
	cmd := g.command(ctx, dir, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &FetchError{r.URL, r.Revision, said(errs.String(), err)}
	}
	return out.Bytes(), nil
}

// said is the line of git's complaint that tells why, in printable ASCII: much
// of it is the server's own text.
func said(text string, err error) string {
	line := err.Error()
	for _, l := range strings.Split(text, "\n") {
		if rest, fatal := strings.CutPrefix(l, "fatal: "); fatal {
			line = rest
			break
		} else if strings.TrimSpace(l) != "" {
			line = l
		}
	}
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, line)
	return strings.TrimRight(line[:min(len(line), 300)], ". ")
}

// Resolve asks the repository for the commit that a branch or tag names now.
func (g Git) Resolve(ctx context.Context, r Ref) (commit string, err error) {
	if !g.Online {
		return "", ErrOffline
	}
	if err := os.MkdirAll(g.Cache, 0o700); err != nil {
		return "", err
	}
	out, err := g.run(ctx, g.Cache, r, "ls-remote", "--", r.URL)
	if err != nil {
		return "", err
	}
	refs := map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		if id, name, ok := strings.Cut(line, "\t"); ok && IsCommit(id) {
			refs[name] = id
		}
	}
	// A peeled tag (^{}) is the commit that an annotated one points to.
	for _, name := range []string{"refs/tags/" + r.Revision + "^{}", "refs/tags/" + r.Revision, "refs/heads/" + r.Revision, r.Revision} {
		if id := refs[name]; id != "" {
			return id, nil
		}
	}
	return "", ErrNoRevision
}

// Fetch makes sure that the cache has the commit that r names, and reads it.
func (g Git) Fetch(ctx context.Context, r Ref) (*Tree, error) {
	sum := sha256.Sum256([]byte(r.URL))
	dir := filepath.Join(g.Cache, hex.EncodeToString(sum[:]))
	if t, err := g.read(ctx, dir, r); err == nil {
		return t, nil
	}
	if !g.Online {
		return nil, ErrOffline
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	format := "--object-format=sha1"
	if len(r.Revision) == 64 {
		format = "--object-format=sha256"
	}
	if _, err := g.run(ctx, dir, r, "init", "--quiet", "--bare", format, "."); err != nil {
		return nil, err
	}
	// One commit without its history where the server lets it be asked for by
	// id; else everything that some name of the repository leads to.
	fetch := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"}
	_, err := g.run(ctx, dir, r, append(fetch, "--depth=1", "--", r.URL, r.Revision)...)
	if err != nil && ctx.Err() == nil {
		if _, all := g.run(ctx, dir, r, append(fetch, "--", r.URL, "+refs/*:refs/fetched/*")...); all != nil {
			return nil, err
		}
	}
	t, err := g.read(ctx, dir, r)
	if err != nil && ctx.Err() == nil {
		return nil, &FetchError{r.URL, r.Revision, err.Error()}
	}
	return t, err
}
