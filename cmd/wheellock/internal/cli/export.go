package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock/convert"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
)

func (a *app) exportVerb() *cobra.Command {
	var format, target, wheels, output string
	var packages []string
	var groups groupOptions
	var drop dropinOptions
	cmd := &cobra.Command{
		Use:   "export",
		Short: "write the lock in the formats of other tools",
		Long: `export prints the lock of a target as a requirements file with hashes (for pip and
uv) or as pylock.toml (PEP 751). Each package has exactly the one hash that is
locked for the target; a wheel that is still to be built is an error.

--format tlog-proof writes a proof (C2SP tlog-proof) into DIR for every locked wheel
and source of all targets that the log has a statement about, FILE.tlog-proof each.
--format slsa writes what builders attest of the locked wheels' builds (SLSA
provenance v1 in DSSE envelopes) into DIR, WHEEL.intoto.jsonl each, and prints the
keys to check them with; private names are left out.

--format build-requirements needs no lock of wheellock's: it writes the
build-requirements.txt of a requirements.txt or poetry.lock and a signed list of
checksums byte for byte as SecureDrop's script does, or prints what wheels are
missing and exits 1. --strict mends what that script gets wrong (see docs/import.md).

` + groupHelp,
		Example: "  wheellock export --format requirements --target bookworm > req.txt\n  wheellock export --group app1 --target bookworm\n  wheellock export --format slsa -o attestations\n  wheellock export --format build-requirements --requirements requirements.txt --sums sha256sums.txt",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format == formatProofs {
				return a.exportProofs(cmd.Context(), output)
			}
			if format == formatAttestations {
				return a.exportAttestations(cmd.Context(), output, packages)
			}
			if format == formatBuildRequirements {
				return a.exportBuildRequirements(drop, target)
			}
			if drop.given() {
				return usage("--requirements, --sums and --strict are for --format %s", formatBuildRequirements)
			}
			if output != "" || len(packages) > 0 {
				return usage("-o is for --format %s and %s, --package for the latter; the others go to standard output", formatProofs, formatAttestations)
			}
			s, t, err := a.lockedTarget(target)
			if err != nil {
				return err
			}
			sel, err := s.selection(t, groups)
			if err != nil && !(groups.all && format == "pylock") {
				return err
			}
			var out []byte
			switch format {
			case "requirements":
				out, err = convert.Requirements(s.locked, t, sel)
			case "pylock":
				if wheels == "" {
					return usage("--format pylock needs --wheels DIR, the folder that holds the wheels (wheellock fetch makes it)")
				}
				of := &sel
				if groups.all {
					of = nil // an installer may choose: markers name the groups
				}
				out, err = convert.Pylock(s.locked, t, wheels, of)
			default:
				return usage("--format %q is none of requirements, pylock, tlog-proof, slsa, build-requirements", format)
			}
			if err != nil {
				return exportError(err)
			}
			if a.json {
				return a.printJSON(map[string]any{"target": t, "format": format, "content": string(out)})
			}
			_, err = a.Out.Write(out)
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", "requirements", "requirements, pylock, tlog-proof, slsa or build-requirements")
	cmd.Flags().StringVarP(&output, "output", "o", "", "tlog-proof, slsa: into `DIR`")
	cmd.Flags().StringArrayVar(&packages, "package", nil, "slsa: only `NAME`; may be repeated")
	cmd.Flags().StringVar(&target, "target", "", "for `TARGET` (may be left out when there is one)")
	cmd.Flags().StringVar(&wheels, "wheels", "", "pylock: the folder that holds the wheels")
	drop.flags(cmd.Flags())
	groups.flags(cmd)
	return cmd
}

func exportError(err error) error {
	var missing *convert.MissingError
	if errors.As(err, &missing) {
		return &Error{Code: Finding, Msg: err.Error(), Hint: "wheellock build --missing", Err: err}
	}
	return err
}

// lockedTarget opens the project and picks the target: the named one, or the only
// one there is.
func (a *app) lockedTarget(name string) (*session, string, error) {
	s, err := a.openForReading()
	if err != nil {
		return nil, "", err
	}
	if err := s.needLock(); err != nil {
		return nil, "", err
	}
	if err := s.upToDate(); err != nil {
		return nil, "", err
	}
	names := targetNames(s.locked)
	if name == "" {
		if len(names) != 1 {
			return nil, "", usage("name the target with --target: %s", strings.Join(names, ", "))
		}
		return s, names[0], nil
	}
	covered, err := coveredTargets(s.locked, []string{name})
	if err != nil {
		return nil, "", err
	}
	return s, covered[0], nil
}

func (a *app) fetchVerb() *cobra.Command {
	var target, dir string
	var groups groupOptions
	cmd := &cobra.Command{
		Use:   "fetch",
		Short: "put the locked wheels of a target into a folder, and print it",
		Long: `fetch copies exactly the locked wheels of a target into a folder, from the
wheelhouse or by hash from the index, and prints the folder's name, so that it
can stand in a command line of pip.

` + groupHelp,
		Example: `  pip install --no-index --find-links "$(wheellock fetch --target bookworm -d out)" --require-hashes -r req.txt`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, t, err := a.lockedTarget(target)
			if err != nil {
				return err
			}
			if dir == "" {
				return usage("name the folder with -d")
			}
			sel, err := s.selection(t, groups)
			if err != nil {
				return err
			}
			return s.fetch(cmd.Context(), t, sel, dir)
		},
	}
	cmd.Flags().StringVar(&target, "target", "", "for `TARGET` (may be left out when there is one)")
	cmd.Flags().StringVarP(&dir, "dest", "d", "", "into `DIR`")
	groups.flags(cmd)
	return cmd
}

func (s *session) fetch(ctx context.Context, target string, sel convert.Selection, dir string) error {
	// convert knows what may be exported; what it refuses is not fetched either.
	if _, err := convert.Requirements(s.locked, target, sel); err != nil {
		return exportError(err)
	}
	to := s.path(dir)
	if err := durable.MkdirAll(to, 0o755); err != nil {
		return fileError("making "+dir, err)
	}
	lib := s.library(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	names := []string{}
	for _, p := range sel.Packages(s.locked, target) {
		w := s.locked.WheelFor(p, target)
		names = append(names, w.Name)
		g.Go(func() error {
			path, err := lib.get(ctx, p.Name, w.Name, w.SHA256, mirror.Wheel(w.Name, target))
			if err != nil {
				return err
			}
			if why, err := rebuild.Unlocked(s.locked, p, path, []string{target}); err != nil {
				return err
			} else if why != "" {
				return finding(rebuild.UnlockedHint, "%s", why)
			}
			return place(path, filepath.Join(to, w.Name), w.SHA256)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if s.json {
		return s.printJSON(map[string]any{"directory": dir, "target": target, "wheels": names})
	}
	fmt.Fprintln(s.Out, dir)
	return nil
}

// place copies a file to a new name unless it is there already.
func place(from, to, hash string) error {
	if have, err := mirror.HashFile(to); err == nil && have == hash {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if got := hashOf(data); got != hash {
		return changedFile(filepath.Base(to), hash, got)
	}
	return durable.WriteFile(to, data, 0o644)
}
