package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/verify"
	"github.com/freedomofpress/wheellock/sumdb/proof"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

type verifyOptions struct {
	targets []string
	wheels  string
	what    string // --for
	roots   []string
	quorum  int // --root-threshold
	groups  groupOptions
	fresh   bool
	maxAge  string
	file    string // to be looked up; "": none
	folder  folderOptions
}

func (a *app) verifyVerb() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "check lock, proof, log, wheelhouse and signatures, without a network",
		Long: `verify checks that every locked file is what the log says, by the proof beside the
lock, and that the wheelhouse's files, lists, pages, roots and tiles are those
that were signed. The first word of the result is its class:

  OK          exit 0
  INCOMPLETE  work is left: exit 0, or 1 with --for release
  STALE       something is not the newest word: exit 1
  EXPIRED     a key that is needed for what is left has run out: exit 1
  TAMPERED    two things that must agree do not: exit 1

Keys that ran out make nothing red that they signed. Whether the log could be a frozen
view of it is asked with --fresh: witnesses must have cosigned it lately.

With FILE, a Debian package or any other file, it is also looked up in the log by its
hash: who stated it, as what, and whether it was taken back. A file that no
statement names is a finding (wheellock repro --record makes one).

Of the folder that --wheels names, the default group is asked for, or what
--group, --only-group and --all-groups say, as fetch has it.

With --wheelhouse DIR it checks something else: a folder of wheels and source
archives beside signed lists of checksums, as other teams keep it, list against
files both ways (Git LFS pointers count as their files), and with --keyring who
signed the lists, by the state of the keys at a time that can be trusted.`,
		Example: "  wheellock verify\n  wheellock verify --for release\n  wheellock verify --fresh --max-age 2d\n  wheellock verify --wheels out --target bookworm\n  wheellock verify client_1.2.3_all.deb\n  wheellock verify --wheelhouse localwheels --sums sha256sums.txt --keyring pubkeys --at 2021-04-20",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.file = args[0]
			}
			if o.folder.given() {
				if o.file != "" || o.wheels != "" || o.what != "" {
					return usage("--wheelhouse stands alone: it checks a folder, not this project")
				}
				return a.verifyFolder(cmd.Context(), o.folder)
			}
			return a.verify(cmd.Context(), o)
		},
	}
	cmd.Flags().StringArrayVar(&o.targets, "target", nil, "what is left to do counts for `TARGET` only; may be repeated")
	cmd.Flags().StringVar(&o.wheels, "wheels", "", "also check that `DIR` holds the locked wheels of the targets and nothing else")
	cmd.Flags().StringVar(&o.what, "for", "", "release: what is left to do, and a provisional root, are findings")
	cmd.Flags().StringArrayVar(&o.roots, "root", nil, "trust this OpenPGP `FINGERPRINT` instead of the configuration's; may be repeated")
	cmd.Flags().IntVar(&o.quorum, "root-threshold", 0, "how many of several --root must have signed (default: as many as the newest root asks for)")
	cmd.Flags().BoolVar(&o.fresh, "fresh", false, "also ask whether this is a recent view of the log, by its witnesses' signatures, and warn of what runs out")
	cmd.Flags().StringVar(&o.maxAge, "max-age", "7d", "--fresh: how old those signatures may be: `DAYS`d or HOURSh")
	o.folder.flags(cmd.Flags())
	o.groups.flags(cmd)
	return cmd
}

func (a *app) verify(ctx context.Context, o verifyOptions) error {
	if o.what != "" && o.what != "release" {
		return usage("--for %q: only release", o.what)
	}
	dir, err := a.folder()
	if err != nil {
		return err
	}
	if err := a.recover(dir); err != nil {
		return err
	}
	p, err := pyproject.Open(dir, a.config)
	if err != nil {
		return err
	}
	s := &session{app: a, dir: dir, project: p, unlock: func() {}}
	in, err := s.verifyInput(o)
	if err != nil {
		return err
	}
	if o.file != "" {
		if in.File, err = s.askedFile(o.file); err != nil {
			return err
		}
		in.Project = projectName(s)
	}
	rep, err := verify.Verify(ctx, in)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(rep)
	} else {
		report.Verification(a.Out, rep, a.style)
	}
	if code := rep.Exit(); err == nil && code != Done {
		return &Error{Code: code, Shown: true}
	}
	return err
}

func (s *session) verifyInput(o verifyOptions) (verify.Input, error) {
	c := s.project.Config
	age, err := maxAge(o.maxAge)
	if err != nil {
		return verify.Input{}, err
	}
	for i, name := range o.targets {
		o.targets[i] = declaredName(c, name)
	}
	in := verify.Input{
		Fresh: o.fresh, MaxAge: age,
		Dir: s.dir, RequiresDigest: s.project.RequiresDigest(), Policy: c.Policy,
		Pins:          proof.Pins{Root: s.rootPins(), Log: c.Log},
		ReadOnlyHouse: s.readOnly(), Targets: o.targets, ForRelease: o.what == "release", Now: s.Now(), Jobs: s.jobs,
	}
	if o.quorum != 0 && (o.quorum < 1 || o.quorum > len(o.roots)) {
		return verify.Input{}, usage("--root-threshold %d does not fit %d --root", o.quorum, len(o.roots))
	}
	if len(o.roots) > 0 {
		in.Pins.Root = trust.Pins{Fingerprints: o.roots, Threshold: o.quorum}
	}
	if c.Wheelhouse != "" && !s.readOnly() {
		in.House = mirror.Wheelhouse{Dir: s.inside(c.Wheelhouse)}
	}
	if o.wheels != "" {
		in.WheelsDir = s.path(o.wheels)
	}
	in.LockBytes, err = readCapped(filepath.Join(s.dir, lock.FileName), lock.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return in, invalid("wheellock add NAME", "there is no %s in %s", lock.FileName, filepath.Base(s.dir))
	}
	if err != nil {
		return in, err
	}
	if o.wheels != "" {
		if in.Wanted, err = s.wanted(in, o); err != nil {
			return in, err
		}
	}
	in.Proof, err = readCapped(filepath.Join(s.dir, proofFile), maxProof)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return in, err
}

// askedFile is the file that verify is asked about.
func (s *session) askedFile(name string) (*verify.File, error) {
	path := s.path(name)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, usage("%s is no file", name)
	}
	hash, err := mirror.HashFile(path)
	return &verify.File{Name: filepath.Base(path), SHA256: hash, Size: info.Size()}, err
}
