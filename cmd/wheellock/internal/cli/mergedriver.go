package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/merge"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// proofLine opens every proof; git need not tell the file's name.
const proofLine = "wheellock-proof/v1\n"

func (a *app) mergeDriverVerb() *cobra.Command {
	var install bool
	cmd := &cobra.Command{
		Use:   "merge-driver [BASE OURS THEIRS [PATH] | --install]",
		Short: "merge wheels.lock in git",
		Long: `merge-driver merges the changes of two branches to wheels.lock, package by
package, and writes the result to OURS, as git asks of a merge driver. Pins and
hashes that one branch changed are kept; where both changed the same one it ends
with 1, and only the packages in conflict stand between markers. wheellock lock
then resolves those again. Where both branches changed what is locked, it must be
run after a clean merge too, and every verb says so. --install sets it up for
this repository: a line in .gitattributes, and the driver in git's configuration.`,
		Example: "  wheellock merge-driver --install",
		Args:    usageArgs(cobra.RangeArgs(0, 4)),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case install && len(args) == 0:
				return a.installDriver(cmd.Context())
			case install || len(args) < 3:
				return usage("merge-driver needs BASE OURS THEIRS, or --install alone")
			}
			return a.mergeFiles(args)
		},
	}
	cmd.Flags().BoolVar(&install, "install", false, "set it up for this repository")
	return cmd
}

// mergeFiles is what git calls: %O %A %B %P.
func (a *app) mergeFiles(args []string) error {
	var data [3][]byte
	for i := range data {
		var err error
		if data[i], err = readCapped(a.path(args[i]), lock.MaxSize); err != nil {
			return err
		}
	}
	name := lock.FileName
	if len(args) == 4 {
		name = args[3]
	}
	if strings.HasSuffix(name, ".proof") || bytes.HasPrefix(data[1], []byte(proofLine)) {
		return a.keepOurs(name, "wheellock sign, or in CI wheellock log append --pending, makes it anew")
	}
	if strings.HasPrefix(filepath.Base(name), mirror.SumsFile) {
		return a.keepOurs(name, "wheellock sign makes it anew, with the files of both")
	}
	ours, err := lock.Parse(name+" of this branch", data[1])
	if err != nil {
		return a.unmerged(args[1], name, data, err)
	}
	theirs, err := lock.Parse(name+" of the other branch", data[2])
	if err != nil {
		return a.unmerged(args[1], name, data, err)
	}
	// A base that cannot be read, such as one that git merged from several, is
	// none: then more is in conflict, and nothing is guessed.
	base, err := lock.Parse(name, data[0])
	if err != nil {
		base = nil
	}
	r := merge.Merge(base, ours, theirs)
	if err := durable.WriteFile(a.path(args[1]), r.Text, 0o644); err != nil {
		return err
	}
	return a.mergedReport(name, r)
}

// keepOurs leaves a proof, a list or its signature as it is: they are made anew
// from lock, log and files, so there is nothing in them to merge, and list and
// signature still agree.
func (a *app) keepOurs(name, next string) error {
	if a.json {
		return a.printJSON(map[string]any{"file": name, "conflicts": []any{}, "resolve_again": false})
	}
	a.say("%s: this branch's is kept; %s", name, next)
	return nil
}

// unmerged is a file that no merge can read: both texts stay, whole.
func (a *app) unmerged(path, name string, data [3][]byte, why error) error {
	if err := durable.WriteFile(a.path(path), merge.Whole(data[1], data[2]), 0o644); err != nil {
		return err
	}
	return finding("restore one side: git checkout --ours "+name+", then run wheellock lock", "%v; nothing was merged", why)
}

func (a *app) mergedReport(name string, r *merge.Result) error {
	if a.json {
		list := []map[string]string{}
		for _, c := range r.Conflicts {
			list = append(list, map[string]string{"name": c.Name, "why": c.Why})
		}
		if err := a.printJSON(map[string]any{"file": name, "conflicts": list, "resolve_again": r.Stale || len(list) > 0}); err != nil {
			return err
		}
	}
	if len(r.Conflicts) > 0 {
		var lines []string
		for _, c := range r.Conflicts {
			lines = append(lines, fmt.Sprintf("%s: %s", name, c))
		}
		return &Error{Code: Finding, Shown: a.json, Msg: strings.Join(lines, "\n"),
			Hint: "merge the inputs, then run `wheellock lock`: it resolves these again and keeps the rest"}
	}
	if r.Stale && !a.json {
		a.say("%s: merged; both branches changed what is locked: run `wheellock lock` before you commit", name)
	}
	return nil
}

// attributes are the lines of .gitattributes. A lock has one spelling, which
// git's conversion of line ends would break.
var attributes = []string{
	lock.FileName + " -text merge=wheellock",
	lock.FileName + ".proof -text merge=wheellock",
	mirror.SumsFile + " -text merge=wheellock",
	mirror.SumsFile + ".* -text merge=wheellock",
}

func (a *app) installDriver(ctx context.Context) error {
	dir, err := a.folder()
	if err != nil {
		return err
	}
	if _, err := a.git(ctx, dir, "rev-parse", "--show-toplevel"); err != nil {
		return err
	}
	path := filepath.Join(dir, ".gitattributes")
	data, err := readCapped(path, 1<<20)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	added := []string{}
	have := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	for _, line := range attributes {
		if slices.Contains(have, line) {
			continue
		}
		if len(data) > 0 && data[len(data)-1] != '\n' {
			data = append(data, '\n')
		}
		data = append(data, line+"\n"...)
		added = append(added, line)
	}
	if len(added) > 0 {
		if err := durable.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	driver := driverCommand() + " merge-driver %O %A %B %P"
	for _, kv := range [][2]string{{"merge.wheellock.name", "wheellock: merge wheels.lock by package"}, {"merge.wheellock.driver", driver}} {
		if _, err := a.git(ctx, dir, "config", "--local", kv[0], kv[1]); err != nil {
			return err
		}
	}
	if a.json {
		return a.printJSON(map[string]any{"attributes": added, "driver": driver})
	}
	for _, line := range added {
		fmt.Fprintf(a.Out, ".gitattributes  %s\n", line)
	}
	fmt.Fprintf(a.Out, "git config      merge.wheellock.driver = %s\n", driver)
	a.say("commit .gitattributes; every clone runs `wheellock merge-driver --install` once, since git takes no commands from a repository")
	return nil
}

// driverCommand is how git's shell finds this program: by name where the search
// path leads to it, so that an update of it is used.
func driverCommand() string {
	self, err := os.Executable()
	if err != nil {
		return "wheellock"
	}
	if found, err := exec.LookPath("wheellock"); err == nil {
		a, errA := os.Stat(found)
		b, errB := os.Stat(self)
		if errA == nil && errB == nil && os.SameFile(a, b) {
			return "wheellock"
		}
	}
	return "'" + strings.ReplaceAll(self, "'", `'\''`) + "'"
}

// git runs git in a folder and gives its output.
func (a *app) git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	if a.Environ != nil {
		cmd.Env = a.Environ()
	}
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", environment("install git", "git is not here")
	case err != nil:
		return "", environment("run it in a git repository", "git %s: %s", args[0], strings.TrimSpace(bad.String()))
	}
	return out.String(), nil
}
