package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/provenance/vcs"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

type releaseOptions struct {
	create      string
	localUser   string
	signers     []string
	unsigned    bool
	format      string
	name        string
	into        string
	noStatement bool
}

// Formats of the tarball.
const (
	formatAuto  = "auto"
	formatSdist = "sdist"
	formatGit   = "git"
)

func (a *app) releaseVerb() *cobra.Command {
	var o releaseOptions
	cmd := &cobra.Command{
		Use:   "release [TAG]",
		Short: "make a signed tag and its source tarball, the same bytes for everybody",
		Long: `release makes the source tarball of a signed tag: by the project's own backend, in a
sandbox without network, from the commit alone, then put into normal form; or, for
a project without a backend, of the commit's files (but those with export-ignore in
.gitattributes). Anybody who runs it on the same tag gets the same bytes. Beside it
come a .sha256 file, the OpenPGP signature where a key is at hand, and the sentence
for the release notes. What was released is stated in the log.

--create VERSION first makes the tag at HEAD, named VERSION or TAG, and signs it with
git's key (user.signingkey) or --local-user. The working folder must be clean, and
the version the one that the project has. Nothing is bumped and nothing is pushed.

A tag counts if one of the keys of root or release-keys in the configuration, or
--signer, has signed it. --unsigned takes any, and the statement says so. Without TAG
the one at HEAD is taken.`,
		Example: "  wheellock release --create 1.2.3\n  wheellock release 1.2.3\n  wheellock release -o /tmp/again --no-statement 1.2.3",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			tag := ""
			if len(args) > 0 {
				if tag = args[0]; tag == "" {
					return usage("an empty name is no tag")
				}
			}
			return a.release(cmd.Context(), o, tag)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.create, "create", "", "make the tag for `VERSION` at HEAD, signed")
	f.StringVarP(&o.localUser, "local-user", "u", "", "sign tag and tarball with the key `ID` of gpg")
	f.StringArrayVar(&o.signers, "signer", nil, "the OpenPGP `FINGERPRINT` of a key that may sign the tag; may be repeated")
	f.BoolVar(&o.unsigned, "unsigned", false, "take a tag whose signature nobody has checked, and say so in the statement")
	f.StringVar(&o.format, "format", formatAuto, "sdist: by the project's backend; git: the commit's files; auto: sdist where there is a backend")
	f.StringVar(&o.name, "name", "", "git format: the `NAME` in NAME-VERSION.tar.gz (default: that in pyproject.toml)")
	f.StringVarP(&o.into, "output", "o", "dist", "the `DIR` to write into")
	f.BoolVar(&o.noStatement, "no-statement", false, "state nothing in the log: only make the tarball")
	return cmd
}

// releaser is one run of the verb.
type releaser struct {
	*session
	o        releaseOptions
	checkout *vcs.Checkout
	temp     string
	pins     []string // fingerprints that may sign tags
	version  string   // wanted; "": whatever the backend says
	tag      *vcs.Tag
	signer   trust.OpenPGPSigner // of this machine; nil: none
	out      released
}

func (a *app) release(ctx context.Context, o releaseOptions, tag string) error {
	if err := o.check(); err != nil {
		return err
	}
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	r := &releaser{session: s, o: o}
	if err := r.open(ctx); err != nil {
		return err
	}
	if o.create != "" {
		err = r.mayCreate(ctx, tag)
	} else {
		err = r.find(ctx, tag)
	}
	if err != nil {
		return err
	}
	if err := r.notMoved(ctx); err != nil {
		return err
	}
	tarball, err := r.tarball(ctx)
	if err != nil {
		return err
	}
	if err := r.agrees(); err != nil {
		return err
	}
	if err := r.notOther(ctx); err != nil {
		return err
	}
	if o.create != "" {
		if err := r.createTag(ctx); err != nil {
			return err
		}
	}
	if err := r.write(tarball); err != nil {
		return r.tagStands(err)
	}
	if err := r.stateRelease(ctx); err != nil {
		return r.tagStands(err)
	}
	return r.print()
}

func (o *releaseOptions) check() error {
	if o.create != "" && o.unsigned {
		return usage("--create signs the tag: leave --unsigned out")
	}
	if !slices.Contains([]string{formatAuto, formatSdist, formatGit}, o.format) {
		return usage("--format %q: expected auto, sdist or git", o.format)
	}
	if o.name != "" && !projectWord.MatchString(o.name) {
		return usage("--name %q: letters, digits, dots, hyphens and underscores", o.name)
	}
	for i, s := range o.signers {
		f, err := trust.NormalizeFingerprint(s)
		if err != nil {
			return usage("--signer: %v", err)
		}
		o.signers[i] = f
	}
	return nil
}

var (
	projectWord = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`)
	versionWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+!_~-]{0,98}$`)
)

// open finds what is needed before anything is built or signed.
func (r *releaser) open(ctx context.Context) error {
	git, err := exec.LookPath("git")
	if err != nil {
		return environment("apt-get install git", "git is not installed")
	}
	if r.temp, err = os.MkdirTemp("", "wheellock-release-"); err != nil {
		return err
	}
	r.session.temp = append(r.session.temp, r.temp)
	r.checkout, err = vcs.Git{Path: git, Env: r.Environ()}.OpenCheckout(ctx, r.dir, r.temp)
	if errors.Is(err, vcs.ErrNoRepository) && strings.Contains(err.Error(), "dubious ownership") {
		return environment("run it as its owner, or git config --global --add safe.directory "+r.dir, "the repository belongs to another user, and git does not read it")
	}
	if errors.Is(err, vcs.ErrNoRepository) {
		return invalid("run it in the project's repository, or name it: wheellock -C DIR release", "%s is %v", filepath.Base(r.dir), err)
	}
	if err != nil {
		return err
	}
	r.pins = slices.Concat(r.project.Config.Root, r.project.Config.ReleaseKeys, r.o.signers)
	r.out.Name = r.o.name
	if !r.stating() {
		return nil
	}
	if err := r.needFolder(); err != nil {
		return err
	}
	if err := r.maySign(ctx, trust.RolePublisher); err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Hint += "; or --no-statement, which only makes the tarball"
		}
		return err
	}
	return nil
}

// stating reports whether there will be a statement: there is a lock, whose log
// holds it, and nobody has said no.
func (r *releaser) stating() bool { return !r.o.noStatement && r.locked != nil }

// versionOfTag is the version that a tag's name ends with: 1.2.3 of v1.2.3 and of
// client-1.2.3; "" where it has none.
func versionOfTag(tag string) string {
	i := strings.IndexFunc(tag, func(c rune) bool { return c >= '0' && c <= '9' })
	for i >= 0 && i < len(tag) {
		if _, err := pep440.Parse(tag[i:]); err == nil {
			return tag[i:]
		}
		next := strings.IndexAny(tag[i:], "-/_")
		if next < 0 {
			return ""
		}
		i += next + 1
	}
	return ""
}

// sameVersion compares as PEP 440 does, where both are such versions.
func sameVersion(a, b string) bool {
	x, err1 := pep440.Parse(a)
	y, err2 := pep440.Parse(b)
	if err1 != nil || err2 != nil {
		return a == b
	}
	return x.Compare(y) == 0
}

// agrees compares the version that came out with the one that was wanted.
func (r *releaser) agrees() error {
	if r.version == "" || sameVersion(r.version, r.out.Version) {
		return nil
	}
	if r.o.create != "" {
		return invalid("change the project's version and commit it, or wheellock release --create "+r.out.Version,
			"the version asked for is %s, the project says %s", r.version, r.out.Version)
	}
	return finding("a tag of another version misleads everybody: make one named "+r.out.Version+", or see whether the version was bumped before the tag",
		"tag %s is of version %s, the project says %s", r.tag.Name, r.version, r.out.Version)
}

// tagStands adds to an error that the tag was made already.
func (r *releaser) tagStands(err error) error {
	if r.o.create == "" {
		return err
	}
	e := classify(err)
	return &Error{Code: e.Code, Err: err, Msg: fmt.Sprintf("tag %s is made, the rest is not: %s", r.tag.Name, e.Msg),
		Hint: fmt.Sprintf("%s; then: wheellock release %s", strings.TrimSuffix(e.Hint, "."), r.tag.Name)}
}
