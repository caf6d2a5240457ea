package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/repro"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

type reproOptions struct {
	vary      string
	out       []string
	times     int
	network   bool
	noSandbox bool
	keep      string
	suites    string
	packages  []string
	record    bool
	recordOptions
}

func (a *app) reproVerb() *cobra.Command {
	var o reproOptions
	cmd := &cobra.Command{
		Use:   "repro [flags] -- COMMAND [ARG...]",
		Short: "repeat a build command under variation, and name what a difference comes from",
		Long: `repro runs any build command again and again, each time in a fresh copy of the working
folder in which everything that must not matter is different, and compares what
it wrote: wheels, archives and packages, or what --out names. Where two runs differ
it bisects to the one variation that causes it, or to those that only together do.

Variations (--vary takes some, or all, or some away: -user,-home):

  path        where the folder lies          host        the host name
  time        the clock                      user        user and group
  zone        the time zone                  home        the home folder
  locale      language and order of letters  file-order  how folders list files
  umask       modes of files                 file-times  times of the folder's files
  hash-seed   order of sets in Python, Perl  cpus        one processor
  suite       another release of the distribution: only where it is asked for

The command sees this machine read-only in bubblewrap, with no network unless
--network is given, an empty home and an empty /tmp. What cannot be varied here is said.

With --record what came out equal is stated in the log as an artifact of this project,
so that wheellock verify FILE finds it.`,
		Example: "  wheellock repro -- make dist\n  wheellock repro --out '../*.deb' -- dpkg-buildpackage -us -uc -b\n" +
			"  wheellock repro --vary -user,-time -- python3 -m build --no-isolation\n  wheellock repro --record -- dpkg-deb --root-owner-group -b pkg client_1.2.3_all.deb",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.repro(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false) // the command has flags of its own
	f.StringVar(&o.vary, "vary", "all", "what to vary: a `LIST` of names, each with - in front to leave it out or + to add it")
	f.StringArrayVar(&o.out, "out", nil, "compare files that match `PATTERN`, such as dist/*.whl or ../*.deb; may be repeated")
	f.IntVar(&o.times, "times", 3, "run `N` times when nothing differs")
	f.BoolVar(&o.network, "network", false, "let the command use the network")
	f.BoolVar(&o.noSandbox, "no-sandbox", false, "run without bubblewrap: host and user are not varied, and the network is open")
	f.StringVar(&o.keep, "keep", "", "put what was compared into `DIR`, a folder a run")
	f.StringVar(&o.suites, "suites", "", "the `PAIR` of releases that suite compares (default: this one and its backports); here is this machine")
	f.StringArrayVar(&o.packages, "package", nil, "suite: a distribution's `PACKAGE` that the command needs in the trees; may be repeated")
	f.BoolVar(&o.record, "record", false, "state what came out equal in the log, as artifacts")
	o.recordOptions.flags(f)
	return cmd
}

// reproReport is what repro --json prints.
type reproReport struct {
	*repro.Report
	Recorded []recorded `json:"recorded,omitempty"`
	Log      string     `json:"log,omitempty"`
}

func (a *app) repro(ctx context.Context, o reproOptions, command []string) error {
	dir, err := a.folder()
	if err != nil {
		return err
	}
	if len(command) == 0 {
		return invalid("wheellock repro -- "+likelyCommand(dir), "name the command to repeat")
	}
	opts, err := a.reproOptions(ctx, o, dir, command)
	if err != nil {
		return err
	}
	if o.record {
		// Better now than after hours of building.
		if err := a.mayRecord(ctx, o.recordOptions); err != nil {
			return err
		}
	}
	rep, done, err := repro.Check(ctx, opts)
	defer done()
	if err != nil {
		return reproError(err)
	}
	out := reproReport{Report: rep}
	if o.record && rep.Equal && len(o.out) == 0 && !repro.Artifact(rep.Files[0].Name) {
		return invalid("name what is to be recorded: --out PATTERN", "the command wrote no wheel, archive or package, but %s and the like", rep.Files[0].Name)
	}
	if o.record && rep.Equal {
		if out.Recorded, out.Log, err = a.record(ctx, rep, o.recordOptions); err != nil {
			return err
		}
	}
	if a.json {
		err = a.printJSON(out)
	} else {
		report.Repro(a.Out, rep, a.style)
		printRecorded(a.Out, out)
	}
	if err == nil && !rep.Equal {
		return &Error{Code: Finding, Shown: true}
	}
	return err
}

func (a *app) reproOptions(ctx context.Context, o reproOptions, dir string, command []string) (repro.Options, error) {
	var none repro.Options
	set, err := build.ParseVariations(o.vary, build.AllVariations)
	if err != nil {
		return none, usage("--vary: %v", err)
	}
	if o.times < 2 || o.times > repro.MaxTimes {
		return none, usage("--times %d: run between 2 and %d times", o.times, repro.MaxTimes)
	}
	for _, p := range o.out {
		if err := repro.CheckPattern(p); err != nil {
			return none, usage("--out: %v", err)
		}
	}
	if strings.Contains(command[0], "/") && !filepath.IsAbs(command[0]) && !exists(filepath.Join(dir, command[0])) {
		return none, usage("there is no %s in %s", command[0], filepath.Base(dir))
	}
	cache, err := a.cache()
	if err != nil {
		return none, err
	}
	opts := repro.Options{
		Dir: dir, Command: command, Environ: a.Environ(), Umask: umask(), Vary: set, Times: o.times, Patterns: o.out,
		Cache: filepath.Join(cache, "repro"), Memory: "/dev/shm", Network: o.network, Hide: a.secrets(),
		Skip: []string{filepath.Join(dir, stateFolder)},
	}
	if o.keep != "" {
		opts.Keep = a.path(o.keep)
		opts.Skip = append(opts.Skip, opts.Keep)
		if list, err := os.ReadDir(opts.Keep); err == nil && len(list) > 0 {
			return none, usage("--keep %s: the folder is not empty", o.keep)
		}
	}
	if !o.noSandbox {
		opts.Bwrap, _ = exec.LookPath("bwrap")
		if err := (&build.Builder{Bwrap: opts.Bwrap}).CheckSandbox(ctx); err != nil {
			return none, &Error{Code: Environment, Msg: err.Error(), Err: err,
				Hint: classify(err).Hint + "; or --no-sandbox, which varies less and leaves the network open"}
		}
	}
	if !a.quiet && !a.json && !a.noProgress {
		opts.Event = func(text string) { a.say("%s", text) }
	}
	if a.verbose {
		opts.Output = a.Err
	}
	return opts, a.reproSuite(ctx, &opts, o)
}

// secrets are the user's files that no build needs to see.
func (a *app) secrets() []string {
	var out []string
	if dir, err := a.keyFolder(); err == nil {
		out = append(out, dir)
	}
	if home := a.Getenv("HOME"); filepath.IsAbs(home) {
		for _, name := range []string{".ssh", ".gnupg", ".netrc", ".pypirc", ".git-credentials"} {
			out = append(out, filepath.Join(home, name))
		}
	}
	return out
}

// umask of this process; only the kernel tells it without setting it.
func umask() int {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if text, ok := strings.CutPrefix(line, "Umask:"); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(text), 8, 32); err == nil {
				return int(n)
			}
		}
	}
	return 0o022
}

// likelyCommand is what somebody in this folder may want to repeat.
func likelyCommand(dir string) string {
	for _, row := range [][2]string{
		{"debian/rules", "dpkg-buildpackage -us -uc -b"}, {"pyproject.toml", "python3 -m build --no-isolation"},
		{"setup.py", "python3 setup.py sdist bdist_wheel"}, {"Cargo.toml", "cargo build --release --offline"},
	} {
		if exists(filepath.Join(dir, row[0])) {
			return row[1]
		}
	}
	return "make dist"
}

// reproError: the command's own failure is a finding, with the end of its log.
func reproError(err error) error {
	var bad *repro.CommandError
	if errors.As(err, &bad) {
		hint := "it failed in a copy of this folder with no network and an empty home; --network opens the network, --verbose shows all it says"
		if bad.Missing() {
			hint = "there is no such program there: what lies outside of this folder is seen only below /usr and the like, and by its full path"
		}
		return &Error{Code: Finding, Msg: bad.Error(), Err: err, Hint: hint}
	}
	if errors.As(err, new(*repro.TooBigError)) || errors.As(err, new(*repro.ChangedError)) {
		return &Error{Code: Environment, Msg: err.Error(), Err: err, Hint: classify(err).Hint}
	}
	return err
}

// mayRecord returns an error where the record could not be made in the end.
func (a *app) mayRecord(ctx context.Context, o recordOptions) error {
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	if err := s.needLock(); err != nil {
		return err
	}
	if err := s.needFolder(); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	return s.maySign(ctx, trust.RolePublisher)
}

// reproSuite finds or makes the trees that suite compares.
func (a *app) reproSuite(ctx context.Context, opts *repro.Options, o reproOptions) error {
	if !opts.Vary.Has(build.VarySuite) {
		if o.suites != "" || len(o.packages) > 0 {
			return usage("--suites and --package are for --vary suite")
		}
		return nil
	}
	if o.noSandbox {
		return usage("--vary suite needs the sandbox: without --no-sandbox")
	}
	pair := o.suites
	if pair == "" {
		if name := distribution(); name != "" {
			pair = name + "," + name + "-backports"
		}
	}
	one, other, ok := strings.Cut(pair, ",")
	if !ok || one == "" || other == "" || one == other || strings.Contains(other, ",") {
		return usage("--suites %q: two releases, such as bookworm,bookworm-backports or here,unstable", pair)
	}
	// A configuration may say what the trees hold; there need not be any.
	s := &session{app: a}
	if p, err := pyproject.Open(opts.Dir, a.config); err == nil {
		s.project = p
	}
	cache, err := a.cache()
	if err != nil {
		return err
	}
	trees := s.newBuilder(cache).Trees
	tree := func(name string) (string, error) {
		if name == "here" {
			return "", nil
		}
		plan := trees.Plans[name]
		plan.Packages = append(plan.Packages[:len(plan.Packages):len(plan.Packages)], o.packages...)
		t, err := trees.Tree(ctx, name, plan)
		if err != nil {
			return "", err
		}
		return t.Root(), nil
	}
	opts.Suite = &repro.Suite{Name: one, Other: other}
	if opts.Suite.Tree, err = tree(one); err != nil {
		return err
	}
	opts.Suite.OtherTree, err = tree(other)
	return err
}

// distribution is the codename of this machine's release; "" where it has none.
func distribution() string {
	text, _ := os.ReadFile("/etc/os-release")
	for _, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "VERSION_CODENAME="); ok {
			return strings.Trim(name, `"`)
		}
	}
	return ""
}
