package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/vcs"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
)

// gitEnvironment is what git and ssh get of the user's environment: how to reach
// a host and how to log in there, nothing that changes what git does.
var gitEnvironment = []string{"HOME", "PATH", "USER", "LOGNAME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
	"http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "TMPDIR"}

func (s *session) git() (vcs.Git, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return vcs.Git{}, environment("install git", "git is not there, and a requirement names a commit")
	}
	cache, err := s.cache()
	if err != nil {
		return vcs.Git{}, err
	}
	g := vcs.Git{Path: path, Cache: filepath.Join(cache, "vcs"), Online: !s.offline}
	for _, name := range gitEnvironment {
		if v := s.Getenv(name); v != "" {
			g.Env = append(g.Env, name+"="+v)
		}
	}
	return g, nil
}

// commit makes the source of a commit.
func (s *session) commit(ctx context.Context, client *index.Client, req *resolve.Request, r resolve.Requirement, out *sources) (f index.File, version string, err error) {
	fail := func(hint, format string, args ...any) (index.File, string, error) {
		return f, "", invalid(hint, "%s: %s: %s", r.Origin, r.Name, fmt.Sprintf(format, args...))
	}
	ref, err := vcs.Parse(r.URL)
	switch {
	case errors.Is(err, vcs.ErrUser):
		return fail("write it without, and put the password into ~/.netrc; ssh uses your agent", "%v", err)
	case errors.Is(err, vcs.ErrRevision):
		ref.Revision = "HEAD"
	case err != nil:
		return fail("write "+r.Name+" @ git+https://HOST/REPOSITORY@COMMIT", "%v", err)
	}
	if !vcs.IsCommit(ref.Revision) {
		return f, "", s.proposeCommit(ctx, r, ref)
	}
	tree, data, err := s.sdistOf(ctx, ref.String(), r.Canonical(), "")
	if err != nil {
		return f, "", vcsError(fmt.Sprintf("%s: %s", r.Origin, r.Name), err)
	}
	src, err := metadata.ReadSdist(bytes.NewReader(data), ".tar.gz")
	if err != nil {
		return fail("name another commit", "%v", err)
	}
	if src.PyProject == nil && !src.HasSetupPy && src.SetupCfg == nil {
		return fail("name its folder: "+ref.String()+"#subdirectory=DIR", "there is no pyproject.toml and no setup.py at the root of the commit")
	}
	ask := index.File{Name: sdistFile(r.Canonical(), "0", ".tar.gz"), URL: ref.String(), SHA256: sumOf(data), Size: int64(len(data))}
	if version, err = s.versionIn(ctx, client, req, r, src, ask); err != nil {
		return f, "", err
	}
	if data, err = tree.Sdist(r.Canonical(), version); err != nil {
		return f, "", err
	}
	f = index.File{Name: sdistFile(r.Canonical(), version, ".tar.gz"), URL: ref.String(), SHA256: sumOf(data), Size: int64(len(data))}
	out.vcs[[2]string{r.Canonical(), version}] = &lock.VCS{Type: "git", URL: ref.URL, CommitID: ref.Revision, Subdirectory: ref.Subdirectory}
	if len(tree.Submodules) > 0 {
		out.notes = append(out.notes, fmt.Sprintf("%s %s: submodules of the commit are not followed: %s", r.Name, version, strings.Join(tree.Submodules, ", ")))
	}
	return f, version, nil
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// proposeCommit refuses a branch or tag, which lead elsewhere tomorrow, with the
// line to write instead.
func (s *session) proposeCommit(ctx context.Context, r resolve.Requirement, ref vcs.Ref) error {
	was := ref.Revision
	refuse := func(hint string) error {
		return invalid(hint, "%s: %s: %q is not a whole commit id, and a branch or tag may lead elsewhere tomorrow", r.Origin, r.Name, was)
	}
	g, err := s.git()
	if err != nil {
		return err
	}
	commit, err := g.Resolve(ctx, ref)
	switch {
	case errors.Is(err, vcs.ErrNoRevision), errors.Is(err, vcs.ErrOffline):
		ref.Revision = "COMMIT"
		return refuse("write the 40 digits of `git rev-parse`: " + r.Name + " @ " + ref.String() + " (" + err.Error() + ")")
	case err != nil:
		return vcsError(fmt.Sprintf("%s: %s", r.Origin, r.Name), err)
	}
	plain := r.Requirement
	ref.Revision = commit
	plain.URL = ref.String()
	return refuse("write it as: " + plain.String() + " (what " + was + " is now; look at it before you trust it)")
}

func (s *session) sdistOf(ctx context.Context, address, name, version string) (*vcs.Tree, []byte, error) {
	ref, err := vcs.Parse(address)
	if err != nil {
		return nil, nil, err
	}
	g, err := s.git()
	if err != nil {
		return nil, nil, err
	}
	tree, err := g.Fetch(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	data, err := tree.Sdist(name, version)
	return tree, data, err
}

func vcsError(doing string, err error) error {
	var fetch *vcs.FetchError
	switch {
	case errors.Is(err, vcs.ErrOffline):
		return &Error{Code: Environment, Msg: doing + ": " + err.Error(), Hint: "run it once without --offline", Err: err}
	case errors.As(err, &fetch):
		return &Error{Code: Environment, Msg: doing + ": " + err.Error(), Hint: "check the address and the commit, and that `git ls-remote " + fetch.URL + "` works without a prompt", Err: err}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
