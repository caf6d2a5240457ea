package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

type buildOptions struct {
	names   []string
	targets []string
	missing bool
	into    string
	check   int
	order   string
	agree   bool // as a second builder
	// supersede: other tools than those of the recipe will do
	supersede bool
}

func (a *app) buildVerb() *cobra.Command {
	var o buildOptions
	cmd := &cobra.Command{
		Use:   "build [NAME...]",
		Short: "build the locked sources and compare with upstream's wheels",
		Long: `build makes the wheels of the lock from their locked sources, each by its recipe
in a sandbox without network, compares them with the published wheels, puts the
files into the wheelhouse and their hashes into the lock, and states it in the
log. With --check 2 each is built twice, the second time with what the recipe
does not fix changed, and has to come out the same. What an interrupted build
has made is kept: the same command goes on from there.

What this machine cannot build for, another one can: wheellock status -o order.json
here, and there, in a clone of the project and with a builder's key of its own,
wheellock build --order order.json. It builds just that, and lists the files to
carry back: by git, or by hand to the same places.

With --agree it builds again what has a hash, as a second builder (builders = 2 in
the policy): by the recipe that is locked, and states what came out, the same or
not. The lock does not change. Without names it takes the wheels that too few
builders have stated.

With --into DIR nothing is changed: the locked sources are built again, each has to
come out with the locked hash, and the files go into DIR. With --offline, as inside
the build of a Debian package, sources and build requirements come from the
wheelhouse, the folders of --find-links and the cache.`,
		Example: `  wheellock build --missing --check 2
  wheellock build markupsafe --target bookworm
  wheellock build --order order.json
  wheellock build --agree
  wheellock build --into wheels --offline --target bookworm --find-links tools`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			if o.check < 1 || o.check > 10 {
				return usage("--check %d: build between 1 and 10 times", o.check)
			}
			if o.order != "" && (len(args) > 0 || o.missing || len(o.targets) > 0 || o.into != "") {
				return usage("--order FILE says what to build: leave names, --missing, --target and --into out")
			}
			if o.into != "" {
				return a.buildInto(cmd, o)
			}
			if o.agree && (o.missing || o.order != "" || o.supersede) {
				return invalid("wheellock build --agree", "--agree builds again, by the locked recipe, what has a hash; --missing, --order and --supersede do not go with it")
			}
			if len(args) == 0 && !o.missing && !o.agree && o.order == "" {
				return invalid("wheellock build --missing --check 2", "name what to build, or say --missing")
			}
			return a.build(cmd.Context(), o)
		},
	}
	cmd.Flags().StringArrayVar(&o.targets, "target", nil, "only for `TARGET`; may be repeated")
	cmd.Flags().BoolVar(&o.missing, "missing", false, "whatever the lock has no hash for yet")
	cmd.Flags().StringVar(&o.into, "into", "", "build what is locked again, into `DIR`; neither lock nor log change")
	cmd.Flags().BoolVar(&o.agree, "agree", false, "build again what is locked, and state whether it is the same: a second builder's word")
	cmd.Flags().IntVar(&o.check, "check", 1, "build each `N` times and require equal bytes")
	cmd.Flags().StringVar(&o.order, "order", "", "what the order in `FILE` (status -o) says its machine cannot build")
	cmd.Flags().BoolVar(&o.supersede, "supersede", false, "build with the tools of now what a recipe's toolchain, gone from here, built")
	return cmd
}

// buildReport is what build --json prints.
type buildReport struct {
	Built  []builtWheel     `json:"built"`
	Failed []failedWheel    `json:"failed,omitempty"`
	Files  []string         `json:"files,omitempty"` // to be carried back, of --order
	Order  *workorder.Order `json:"order"`
}

type builtWheel struct {
	Package   string   `json:"package"`
	Version   string   `json:"version"`
	Targets   []string `json:"targets"`
	File      string   `json:"file"`
	SHA256    string   `json:"sha256"`
	Verdict   string   `json:"verdict"`
	Causes    []string `json:"causes,omitempty"`
	Lines     []string `json:"differences,omitempty"`
	Installed string   `json:"installed"` // the file that the lock has now
	Seconds   float64  `json:"seconds"`
	Times     int      `json:"times"`
	// What was different each time but the first, and what could not be.
	Varied    []string          `json:"varied,omitempty"`
	NotVaried []build.NotVaried `json:"not_varied,omitempty"`
	// Of --agree: whether it is what is locked, and how it differs from the locked file.
	Agrees  *bool    `json:"agrees,omitempty"`
	Against []string `json:"against,omitempty"`
}

type failedWheel struct {
	Package string   `json:"package"`
	Version string   `json:"version"`
	Targets []string `json:"targets"`
	Why     string   `json:"why"`
	// Elsewhere is set when nothing is wrong but that this machine cannot do it.
	Elsewhere bool   `json:"elsewhere,omitempty"`
	Hint      string `json:"hint,omitempty"`
	// What the wheel depends on, where it came out different: variations that together
	// make the difference.
	DependsOn [][]string `json:"depends_on,omitempty"`
}

func (a *app) build(ctx context.Context, o buildOptions) error {
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.needLock(); err != nil {
		return err
	}
	if err := s.upToDate(); err != nil {
		return err
	}
	if err := s.needFolder(); err != nil {
		return err
	}
	if o.targets, err = coveredTargets(s.locked, o.targets); err != nil {
		return err
	}
	if err := s.knowNames(o.names); err != nil {
		return err
	}
	if o.agree {
		return s.agree(ctx, o)
	}
	jobs, unplanned := rebuild.Select(s.locked, rebuild.Selection{Names: o.names, Targets: o.targets, Missing: o.missing})
	var again []*rebuild.Job // which another builder has to confirm
	var before map[string]string
	if o.order != "" {
		if jobs, unplanned, err = s.ordered(o.order); err != nil {
			return err
		}
		before = s.files()
		again = slices.DeleteFunc(slices.Clone(jobs), func(j *rebuild.Job) bool { return j.Row.Missing() })
		jobs = slices.DeleteFunc(jobs, func(j *rebuild.Job) bool { return !j.Row.Missing() })
	}
	if len(jobs)+len(again) == 0 && len(unplanned) > 0 {
		return finding(unplanned[0].Hint, "%s %s: %s", unplanned[0].Package, unplanned[0].Version, unplanned[0].Why)
	}
	if len(jobs)+len(again) == 0 {
		why := "the lock has a hash for every wheel"
		if o.order != "" {
			why = o.order + " asks nothing of another machine that is not built"
		}
		s.say("nothing to build: %s", why)
	} else if err := s.builder().CheckSandbox(ctx); err != nil {
		return err
	}
	if err := s.maySign(ctx, trust.RoleBuilder); err != nil {
		// Better now than after an hour of building.
		return err
	}
	run := s.buildRun(ctx, s.locked)
	run.Check, run.Failures, run.Supersede, run.before = o.check, unplanned, o.supersede, before
	if err := run.all(ctx, jobs); err != nil {
		return err
	}
	if err := run.commit(ctx); err != nil {
		return err
	}
	run.keeper.Forget()
	if len(again) > 0 {
		second, err := s.again(ctx, again, o.check)
		if err != nil {
			return err
		}
		run.built, run.Failures = append(run.built, second.built...), append(run.Failures, second.Failures...)
	}
	return run.report(ctx)
}

func targetNames(l *lock.Lock) []string {
	var out []string
	for _, t := range l.Targets {
		out = append(out, t.Name)
	}
	return out
}

// knowNames refuses names that the lock does not hold.
func (s *session) knowNames(names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(s.locked.Packages, func(p lock.Package) bool { return p.Name == n && p.Group != lock.GroupBuild }) {
			return usage("%s is not in the lock", n)
		}
	}
	return nil
}

// report prints what was built and the order that is left, and returns an error
// when something could not be built.
func (r *buildRun) report(ctx context.Context) error {
	order, err := r.order(ctx, nil, 0)
	if err != nil {
		return err
	}
	out := buildReport{Built: append([]builtWheel{}, r.built...), Order: order}
	for _, f := range r.Failures {
		out.Failed = append(out.Failed, r.failed(f))
	}
	if r.before != nil {
		out.Files = r.changed(r.before)
	}
	if r.json {
		if err := r.printJSON(out); err != nil {
			return err
		}
	} else {
		r.print(out)
		r.printFiles(out.Files)
		if err := r.show(order); err != nil {
			return err
		}
	}
	if err := notBuilt(out.Failed, len(out.Built)); err != nil {
		return err
	}
	return disagreed(out.Built)
}

// notBuilt is the error of a run in which something failed; nil where nothing did.
func notBuilt(failed []failedWheel, built int) error {
	here := slices.DeleteFunc(slices.Clone(failed), func(f failedWheel) bool { return f.Elsewhere })
	if len(here) > 0 {
		msg := fmt.Sprintf("%s %s was not built", here[0].Package, here[0].Version)
		if n := len(here) - 1; n == 1 {
			msg += ", nor was one other"
		} else if n > 1 {
			msg += fmt.Sprintf(", nor were %d others", n)
		}
		return &Error{Code: Finding, Msg: msg, Hint: here[0].Hint}
	}
	refused := len(failed)
	if refused > 0 {
		return &Error{Code: Environment, Hint: failed[0].Hint,
			Msg: fmt.Sprintf("%d of %d wheels cannot be built on this machine", refused, refused+built)}
	}
	return nil
}

func (r *buildRun) print(out buildReport) {
	for _, b := range out.Built {
		style, verdict := term.Good, "same "+b.Verdict+" as upstream"
		switch b.Verdict {
		case "":
			verdict = "no upstream wheel"
		case lock.VerdictDiffers:
			style, verdict = term.Todo, "differs: "+strings.Join(b.Causes, ", ")
		}
		if b.Agrees != nil {
			style, verdict = b.verdict()
		}
		times := ""
		if b.Times > 1 {
			times = fmt.Sprintf(" (%d times the same)", b.Times)
		}
		line := "built " + b.File + times
		gap := "  "
		if term.Len(line)+len(gap)+term.Len(verdict) > term.Width {
			gap = "\n      "
		}
		fmt.Fprintf(r.Out, "%s%s%s\n", line, gap, r.style.Paint(style, verdict))
		if r.verbose || b.Agrees != nil && !*b.Agrees {
			for _, l := range b.Lines {
				fmt.Fprintf(r.Out, "      %s\n", l)
			}
			if len(b.Varied) > 0 {
				fmt.Fprintf(r.Out, "      varied: %s\n", strings.Join(b.Varied, ", "))
			}
			for _, l := range term.Wrap(notVaried(b.NotVaried), term.Width-6, "  ") {
				fmt.Fprintf(r.Out, "      %s\n", l)
			}
		}
	}
	r.printFailed(out.Failed)
	if len(r.built)+len(r.Failures) > 0 {
		fmt.Fprintln(r.Out)
	}
}

// printFailed says what was not built; what fails for one reason is said once.
func (r *buildRun) printFailed(failed []failedWheel) {
	for len(failed) > 0 {
		f := failed[0]
		var names []string
		failed = slices.DeleteFunc(slices.Clone(failed), func(g failedWheel) bool {
			if g.Why != f.Why || !slices.Equal(g.Targets, f.Targets) {
				return false
			}
			names = append(names, g.Package+" "+g.Version)
			return true
		})
		head := fmt.Sprintf("not built for %s: %s", strings.Join(f.Targets, ", "), strings.Join(names, ", "))
		for _, line := range term.Wrap(head, term.Width, "  ") {
			fmt.Fprintln(r.Out, r.style.Paint(term.Bad, line))
		}
		reason, log, _ := strings.Cut(f.Why, "\n")
		for _, line := range term.Wrap(term.Clean(reason), term.Width-6, "") {
			fmt.Fprintf(r.Out, "      %s\n", line)
		}
		for _, line := range strings.Split(log, "\n") {
			if log != "" {
				fmt.Fprintf(r.Out, "      %s\n", term.Clean(line))
			}
		}
	}
}

// notVaried is a list in one line, each reason once.
func notVaried(list []build.NotVaried) string {
	var reasons, parts []string
	names := map[string][]string{}
	for _, n := range list {
		if names[n.Why] == nil {
			reasons = append(reasons, n.Why)
		}
		names[n.Why] = append(names[n.Why], n.Name)
	}
	for _, why := range reasons {
		parts = append(parts, strings.Join(names[why], ", ")+" ("+why+")")
	}
	if len(parts) == 0 {
		return ""
	}
	return "not varied: " + strings.Join(parts, "; ")
}
