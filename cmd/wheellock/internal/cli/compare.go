package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/compare"
)

type compareOptions struct {
	html       string
	diffoscope bool
}

func (a *app) compareVerb() *cobra.Command {
	var o compareOptions
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "explain the difference of two wheels, archives, packages or folders",
		Long: `compare says how two files differ and why, one line a fact however many members it
shows in: wheels, sdists, zips, tars, Debian packages (.deb), whatever is packed in
them, compiled code, Python bytecode, text; or two folders. What differs in the
container only (times, modes, order, compression) is told from what differs in
what is installed. Nothing is run, unpacked to disk by name, or believed.

Each fact has a cause, a word of a fixed list that wheels.lock records too:
docs/causes.md says what each means and what to do about it.

-v shows the differing lines of texts below each fact, and of the first function
that differs where objdump is installed. --html writes a page of the same.
--diffoscope hands over to diffoscope, where that is installed, for all that a
reader could want to know of every byte.

The exit code is 0 for the same bytes, 1 for any difference, 2 for what cannot be
read, 3 where this machine lacks something.`,
		Example: "  wheellock compare dist/foo-1.0-py3-none-any.whl upstream/foo-1.0-py3-none-any.whl\n  wheellock compare -v old.deb new.deb\n  wheellock compare --html page.html foo-1.0.tar.gz foo-1.1.tar.gz",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.diffoscope {
				return a.diffoscope(cmd.Context(), args[0], args[1], o.html)
			}
			return a.compare(cmd.Context(), args[0], args[1], o)
		},
	}
	cmd.Flags().StringVar(&o.html, "html", "", "write a page into `FILE`")
	cmd.Flags().BoolVar(&o.diffoscope, "diffoscope", false, "let diffoscope compare")
	return cmd
}

func (a *app) compare(ctx context.Context, x, y string, o compareOptions) error {
	opt := compare.Options{Diffs: a.verbose || a.json || o.html != "", Temp: a.Getenv("TMPDIR")}
	if opt.Diffs {
		opt.Objdump, _ = exec.LookPath("objdump")
	}
	res, err := compare.Paths(ctx, a.path(x), a.path(y), opt)
	if err != nil {
		return a.compareError(err, x, y)
	}
	c := report.ComparisonOf(x, y, res)
	if o.html != "" {
		page, err := report.ComparisonPage(c, version())
		if err != nil {
			return err
		}
		if err := durable.WriteFile(a.path(o.html), page, 0o644); err != nil {
			return environment("name a file in a folder that is there and can be written", "%v", err)
		}
	}
	if a.json {
		err = a.printJSON(c)
	} else if !a.quiet || o.html == "" {
		report.WriteComparison(a.Out, c, a.verbose, a.style)
	}
	if err == nil && res.Verdict != compare.Bytes {
		return &Error{Code: Finding, Shown: true}
	}
	return err
}

// compareError: what cannot be read is the user's input. Names are those that the
// user gave.
func (a *app) compareError(err error, x, y string) error {
	var damaged *archive.Error
	var input *compare.InputError
	said := strings.ReplaceAll(strings.ReplaceAll(err.Error(), a.path(x), x), a.path(y), y)
	said = strings.TrimPrefix(strings.TrimPrefix(said, "stat "), "open ")
	switch {
	case errors.As(err, &damaged) && (damaged.Kind == archive.Bomb || damaged.Kind == archive.TooBig):
		return invalid("it asks for more than anything honest does: do not unpack it either", "%s", said)
	case errors.As(err, &damaged):
		return invalid("get the file again: it is damaged, or not what its name says", "%s", said)
	case errors.As(err, &input):
		return invalid(input.Next, "%s", said)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return invalid("name two files, or two folders", "%s", said)
	}
	return err
}

// diffoscope hands over. Its exit codes are 0 and 1 as ours, 2 for trouble.
func (a *app) diffoscope(ctx context.Context, x, y, html string) error {
	if a.json {
		return usage("--diffoscope prints what diffoscope prints; for JSON ask it: diffoscope --json - %s %s", x, y)
	}
	exe, err := exec.LookPath("diffoscope")
	if err != nil {
		return environment("apt-get install diffoscope-minimal, or the same command without --diffoscope", "diffoscope is not installed here")
	}
	for _, name := range []string{x, y} {
		if _, err := os.Stat(a.path(name)); err != nil {
			return a.compareError(err, x, y)
		}
	}
	args := []string{"--no-progress"}
	if html != "" {
		args = append(args, "--html", a.path(html))
	}
	if a.style.Color {
		args = append(args, "--text-color=always")
	}
	cmd := exec.CommandContext(ctx, exe, append(args, "--", a.path(x), a.path(y))...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = a.World.Dir, a.Environ(), a.Out, a.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return &Error{Code: Finding, Shown: true}
	}
	return environment("read what it says above, or run the same command without --diffoscope", "diffoscope: %v", err)
}
