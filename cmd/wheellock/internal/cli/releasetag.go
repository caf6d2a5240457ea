package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/vcs"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// maxDirty is how many changed files a message names.
const maxDirty = 5

// mayCreate checks all that a new tag needs, before anything is built. The tag is
// made when it is known that the tarball can be.
func (r *releaser) mayCreate(ctx context.Context, name string) error {
	r.version = r.o.create
	if !versionWord.MatchString(r.version) {
		return usage("--create %q is no version", r.version)
	}
	if _, err := pep440.Parse(r.version); err != nil && r.o.format != formatGit {
		return usage("--create %s: not a version as Python has them (PEP 440)", r.version)
	}
	if name == "" {
		name = r.version
	}
	old, err := r.checkout.Tag(ctx, name)
	switch {
	case errors.Is(err, vcs.ErrNoTag):
	case errors.Is(err, vcs.ErrTagName):
		return usage("%v", err)
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	default:
		hint := "wheellock release " + name
		if head, herr := r.checkout.Head(ctx); err != nil || herr != nil || head != old.Commit {
			hint = "a tag that has been published never moves: take the next version"
		}
		return invalid(hint, "there is a tag %s already", name)
	}
	commit, err := r.checkout.Head(ctx)
	if err != nil {
		return invalid("git commit", "there is no commit to tag: %v", err)
	}
	if err := r.clean(ctx); err != nil {
		return err
	}
	if err := r.ownSigner(ctx); err != nil {
		return err
	}
	if r.signer == nil {
		return environment("git config user.signingkey ID, or --local-user ID; gpg --list-secret-keys names what is here",
			"no key is here to sign the tag with")
	}
	if !slices.Contains(r.pins, r.signer.Fingerprint()) {
		return r.unpinned("the key "+r.signer.Fingerprint()+" would sign the tag, and", r.signer.Fingerprint())
	}
	r.tag = &vcs.Tag{Name: name, Commit: commit}
	return nil
}

// unpinned says how a key is pinned.
func (r *releaser) unpinned(what, fingerprint string) error {
	file := r.project.Config.File
	if file == "" {
		file = "wheellock.toml"
	}
	return finding(fmt.Sprintf("if that key makes your releases, write release-keys = [%q] into %s and commit it; or --signer %s for this time", fingerprint, file, fingerprint),
		"%s neither root nor release-keys names it", what)
}

// clean requires that what is built is what lies here. What this verb writes is
// passed over.
func (r *releaser) clean(ctx context.Context) error {
	dirty, err := r.checkout.Dirty(ctx)
	if err != nil {
		return err
	}
	own := []string{filepath.Join(r.dir, stateFolder), r.path(r.o.into)}
	dirty = slices.DeleteFunc(dirty, func(name string) bool {
		full := filepath.Join(r.checkout.Top, filepath.FromSlash(name))
		return slices.ContainsFunc(own, func(dir string) bool {
			if d, err := filepath.EvalSymlinks(dir); err == nil {
				dir = d
			}
			return full == dir || strings.HasPrefix(full, dir+string(filepath.Separator))
		})
	})
	if len(dirty) == 0 {
		return nil
	}
	more := ""
	if len(dirty) > maxDirty {
		more = fmt.Sprintf(" and %d more", len(dirty)-maxDirty)
		dirty = dirty[:maxDirty]
	}
	return finding("git status; commit them, or git stash -u, or name them in .gitignore",
		"the working folder is not what HEAD holds: %s%s", strings.Join(dirty, ", "), more)
}

// ownSigner finds the key that git would sign with; r.signer stays nil where there
// is none.
func (r *releaser) ownSigner(ctx context.Context) error {
	id := r.o.localUser
	if id == "" {
		if out, err := r.checkout.Run(ctx, "config", "--get", "user.signingkey"); err == nil {
			id = strings.TrimSpace(string(out))
		}
	}
	if id == "" && r.o.create != "" {
		// As git does: the committer's address.
		if out, err := r.checkout.Run(ctx, "var", "GIT_COMMITTER_IDENT"); err == nil {
			_, rest, _ := strings.Cut(string(out), "<")
			if id, _, _ = strings.Cut(rest, ">"); id != "" {
				id = "<" + id + ">"
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	gpg, err := exec.LookPath("gpg")
	if err != nil || id == "" {
		if r.o.localUser != "" {
			return environment("apt-get install gnupg", "gpg is not installed")
		}
		return nil
	}
	signer, err := trust.NewGPG(gpg, r.Getenv("GNUPGHOME"), id)
	if err != nil {
		if r.o.localUser != "" {
			return invalid("gpg --list-secret-keys names those that it has", "--local-user %s: %v", r.o.localUser, err)
		}
		return nil
	}
	r.signer = signer
	return nil
}

// createTag makes the tag that mayCreate has allowed, and verifies it as everybody
// will.
func (r *releaser) createTag(ctx context.Context) error {
	t := r.tag
	message := r.out.Name + " " + r.out.Version
	if _, err := r.checkout.Run(ctx, "-c", "gpg.format=openpgp", "tag", "-u", r.signer.Fingerprint(), "-m", message, "--", t.Name, t.Commit); err != nil {
		return environment("git tag -s "+t.Name+" shows what is wrong with gpg (the agent, the card, a passphrase)", "signing the tag: %v", err)
	}
	made, err := r.checkout.Tag(ctx, t.Name)
	if err != nil {
		return err
	}
	if made.Commit != t.Commit {
		return finding("git tag -d "+t.Name+", and see what else works in this repository", "tag %s leads to another commit than the one that was released", t.Name)
	}
	r.tag = made
	return r.verifyTag(ctx)
}

// find finds and verifies an existing tag; "" is the one at HEAD.
func (r *releaser) find(ctx context.Context, name string) error {
	if name == "" {
		head, err := r.checkout.Head(ctx)
		if err != nil {
			return invalid("git commit", "there is nothing to release: %v", err)
		}
		names, err := r.checkout.TagsAt(ctx, head)
		if err != nil {
			return err
		}
		if len(names) != 1 {
			hint := "wheellock release TAG, or wheellock release --create VERSION"
			if len(names) > 1 {
				return usage("the tags at HEAD are %s: name one", strings.Join(names, ", "))
			}
			return invalid(hint, "there is no tag at HEAD")
		}
		name = names[0]
	}
	t, err := r.checkout.Tag(ctx, name)
	switch {
	case errors.Is(err, vcs.ErrNoTag):
		hint := "git tag lists those that are here; git fetch --tags; or make it: wheellock release --create VERSION"
		if r.checkout.Shallow {
			hint = "this is a shallow clone: git fetch --depth 1 origin tag " + name
		}
		return invalid(hint, "%v", err)
	case errors.Is(err, vcs.ErrTagName):
		return usage("%v", err)
	case errors.Is(err, vcs.ErrOtherTag), errors.Is(err, vcs.ErrBadTag):
		return finding("git cat-file -p refs/tags/"+name+" shows it; do not release it", "%v", err)
	case err != nil:
		return err
	}
	r.tag = t
	r.version = versionOfTag(name)
	if err := r.ownSigner(ctx); err != nil {
		return err
	}
	if r.o.unsigned {
		r.out.Unsigned = "nobody's signature of tag " + name + " was checked"
		return nil
	}
	return r.verifyTag(ctx)
}

// verifyTag requires the signature of a pinned key, by our own strict reader.
func (r *releaser) verifyTag(ctx context.Context) error {
	t := r.tag
	unsigned := "or --unsigned, and the statement says so"
	switch {
	case t.Object == "":
		return finding(fmt.Sprintf("git tag -s -f %s %s^{}, if it was never published; %s", t.Name, t.Name, unsigned), "tag %s is a mere name: it holds no signature", t.Name)
	case t.Kind == "":
		return finding(fmt.Sprintf("git tag -s -f %s %s^{}, if it was never published; %s", t.Name, t.Name, unsigned), "tag %s is not signed", t.Name)
	case t.Kind != "openpgp":
		return finding("sign it with gpg; "+unsigned, "tag %s is signed by %s, and only OpenPGP signatures can be checked here", t.Name, t.Kind)
	case len(r.pins) == 0:
		return invalid("git verify-tag --raw "+t.Name+" names the key; write release-keys = [\"FINGERPRINT\"] into the configuration, or --signer FINGERPRINT; "+unsigned,
			"no key is pinned that may sign tags")
	}
	certs := r.certificates(ctx)
	if len(certs) == 0 {
		return environment("gpg --import FILE with the public key of "+r.pins[len(r.pins)-1], "no public key of those that may sign tags is here")
	}
	who, err := trust.VerifyDetached(t.Text, t.Signature, certs...)
	if err != nil {
		return finding("git verify-tag --raw "+t.Name+" names its key; if that one makes your releases, add it to release-keys, or import the pinned key's newest version; "+unsigned,
			"tag %s is not signed by a key that root or release-keys names: %v", t.Name, err)
	}
	r.out.SignedBy = who
	return nil
}

// certificates are the public keys of the pinned fingerprints: from the root's own
// documents, else from gpg. Whose they are is computed from their bytes.
func (r *releaser) certificates(ctx context.Context) [][]byte {
	var out [][]byte
	have := map[string]bool{}
	add := func(data []byte) {
		k, err := trust.ReadCertificate(data)
		if err == nil && slices.Contains(r.pins, k.Fingerprint) && !have[k.Fingerprint] {
			have[k.Fingerprint] = true
			out = append(out, k.Certificate)
		}
	}
	if r.signer != nil {
		add(r.signer.Certificate())
	}
	if gpg, err := exec.LookPath("gpg"); err == nil {
		for _, p := range r.pins {
			cmd := exec.CommandContext(ctx, gpg, "--batch", "--no-tty", "--quiet", "--export-options", "export-minimal", "--export", "--", p)
			cmd.Env, cmd.Dir, cmd.Stderr = r.Environ(), os.TempDir(), io.Discard
			var b limitedBuffer
			cmd.Stdout = &b
			if cmd.Run() == nil && b.Len() > 0 {
				add(b.Bytes())
			}
		}
	}
	if roots, err := r.readRoots(); err == nil {
		for i := len(roots) - 1; i >= 0; i-- {
			root, err := trust.ParseRoot(roots[i].Document)
			if err != nil {
				continue
			}
			for _, k := range root.OpenPGP {
				add(k.Certificate)
			}
		}
	}
	return out
}
