// Package cli is the command line: a file a verb. Verbs parse flags, ask the
// libraries, write files in one transaction and print a report; what they know
// beyond that belongs into a library.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
)

// World is everything that a command may touch besides files: the streams, the
// environment, the clock. Tests give their own.
type World struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Environ  func() []string
	Now      func() time.Time
	Dir      string // working folder
	Asks     bool   // somebody sits there and can answer questions
	Limits   Limits
}

// Limits shortens waits that tests would have to sit through. A field that is
// zero leaves the library's default.
type Limits struct {
	Stall   time.Duration // a transfer slower than 1 KiB/s for that long ends
	Backoff time.Duration // before a request is tried again
	Build   time.Duration // of one build
	Lock    time.Duration // waiting for another verb in the same project
}

// System is the real world.
func System() World {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	return World{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Getenv: os.Getenv, Environ: os.Environ, Now: time.Now, Dir: dir,
		Asks: term.IsTerminal(os.Stdin) && term.IsTerminal(os.Stderr),
	}
}

// Main runs one command and returns its exit code: 0 done, 1 a finding, 2 wrong
// usage or invalid input, 3 the environment failed, 130 interrupted.
func Main(args []string, w World) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks the verb to stop; a second one must not have to ask.
	context.AfterFunc(ctx, stop)
	a := &app{World: w}
	root := a.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = a.late
	}
	if err != nil && ctx.Err() != nil && !errors.As(err, new(*Error)) {
		err = &Error{Code: Interrupted, Msg: "interrupted", Hint: "nothing was changed; run the same command again"}
	}
	return a.fail(err)
}

// app holds the global flags of one run.
type app struct {
	World
	dir, config, indexURL, cacheDir string
	findLinks                       []string
	offline, json, quiet, verbose   bool
	noProgress                      bool
	color                           string
	jobs                            int
	style, errStyle                 term.Style
	mayMerge                        bool  // the verb resolves a lock that has conflicts
	printed                         bool  // a JSON result went out: an error must not follow it
	late                            error // a finding of the side that must not stop the verb, only end it
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "wheellock",
		Short: "lock, rebuild, prove and mirror the Python wheels of a project",
		Long: `wheellock locks the Python wheels of a project for each target platform, rebuilds
them from source, records every artifact in a transparency log, and tells what
is still to be built, signed and mirrored before a release.`,
		Example:       "  wheellock add requests --target bookworm\n  wheellock build --missing --check 2\n  wheellock verify",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usageArgs(cobra.NoArgs),
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return a.prepare()
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runHere(cmd) },
	}
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetIn(a.In)
	root.CompletionOptions.DisableDefaultCmd = false
	root.SetFlagErrorFunc(flagError)
	f := root.PersistentFlags()
	f.StringVarP(&a.dir, "directory", "C", "", "work in `DIR`")
	f.StringVar(&a.config, "config", "", "read the configuration from `FILE`")
	f.StringVar(&a.indexURL, "index-url", "", "package index of this call (default: the one that pip uses)")
	f.StringArrayVar(&a.findLinks, "find-links", nil, "also take files from `DIR` or page; may be repeated")
	f.BoolVar(&a.offline, "offline", false, "use no network: only what is cached")
	f.BoolVar(&a.json, "json", false, "print the result as JSON")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print results and errors only")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say more")
	f.StringVar(&a.color, "color", string(term.Auto), "auto, always or never")
	f.BoolVar(&a.noProgress, "no-progress", false, "show no progress")
	f.StringVar(&a.cacheDir, "cache-dir", "", "keep downloads and build environments in `DIR`")
	f.IntVar(&a.jobs, "jobs", 0, "do at most `N` things at a time (default: by the number of processors)")
	root.AddCommand(a.verbs()...)
	return root
}

// flagError names the help of the command that was meant; who comes from pip
// asks for pre-releases by a flag.
func flagError(cmd *cobra.Command, err error) error {
	hint := cmd.CommandPath() + " --help"
	if err.Error() == "unknown flag: --pre" {
		hint = "a requirement asks for its own pre-releases: 'name>=2.0a0'"
	}
	return invalid(hint, "%v", err)
}

// prepare checks the global flags and finds out how the streams look.
func (a *app) prepare() error {
	mode := term.Mode(a.color)
	if mode != term.Auto && mode != term.Always && mode != term.Never {
		return usage("--color %q is none of auto, always, never", a.color)
	}
	if a.jobs < 0 {
		return usage("--jobs %d is negative", a.jobs)
	}
	a.style = term.For(a.Out, mode, a.Getenv)
	a.errStyle = term.For(a.Err, mode, a.Getenv)
	return nil
}

// say writes a line of progress to the error stream, unless --quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.Err, format+"\n", args...)
	}
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			if cmd.HasSubCommands() && len(args) > 0 {
				return usageNear(cmd, args[0])
			}
			return &Error{Code: Usage, Msg: fmt.Sprintf("%s: %v", cmd.CommandPath(), err), Hint: cmd.CommandPath() + " --help"}
		}
		return nil
	}
}

func usageNear(cmd *cobra.Command, word string) error {
	e := &Error{Code: Usage, Msg: fmt.Sprintf("unknown command %q for %q", word, cmd.CommandPath()), Hint: cmd.CommandPath() + " --help"}
	cmd.SuggestionsMinimumDistance = 2 // letters; cobra's own search sets it, a direct call does not
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		e.Hint = "did you mean: " + cmd.CommandPath() + " " + near[0]
	}
	return e
}
