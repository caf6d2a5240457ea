package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
)

// intoReport is what build --into prints with --json.
type intoReport struct {
	Directory string        `json:"directory"`
	Built     []intoWheel   `json:"built"`
	Failed    []failedWheel `json:"failed,omitempty"`
}

type intoWheel struct {
	Package string   `json:"package"`
	Version string   `json:"version"`
	Targets []string `json:"targets"`
	File    string   `json:"file"`
	SHA256  string   `json:"sha256"`
	// Proven: the file is the published one, and what was built installs the same.
	Proven  bool    `json:"proven,omitempty"`
	Seconds float64 `json:"seconds"`
}

// buildInto builds locked sources again and requires the locked files. It changes
// nothing but the folder, and that only when every file came out.
func (a *app) buildInto(cmd *cobra.Command, o buildOptions) error {
	for _, f := range []string{"missing", "check", "order", "supersede"} {
		if cmd.Flags().Changed(f) {
			return invalid("wheellock build --missing, then: wheellock build --into "+o.into,
				"--into builds what the lock has a hash of, once; --%s does not go with it", f)
		}
	}
	if info, err := os.Stat(a.path(o.into)); err == nil && !info.IsDir() {
		return invalid("wheellock build --into DIR takes a folder, there or not", "--into %s: that is a file", o.into)
	}
	ctx := cmd.Context()
	s, err := a.openForReading()
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
	if o.targets, err = coveredTargets(s.locked, o.targets); err != nil {
		return err
	}
	if err := s.knowNames(o.names); err != nil {
		return err
	}
	jobs, unplanned := rebuild.Select(s.locked, rebuild.Selection{Names: o.names, Targets: o.targets})
	for _, j := range jobs {
		if j.Row.Missing() {
			unplanned = append(unplanned, rebuild.Failure{Package: j.Package.Name, Version: j.Package.Version,
				Why: "the lock has no hash for it yet", Hint: "wheellock build --missing"})
		}
	}
	if len(unplanned) > 0 {
		return finding(unplanned[0].Hint, "%s %s: %s", unplanned[0].Package, unplanned[0].Version, unplanned[0].Why)
	}
	if err := s.taken(o, len(jobs)); err != nil {
		return err
	}
	r := s.buildRun(ctx, s.locked)
	if len(jobs) > 0 {
		if err := s.builder().CheckSandbox(ctx); err != nil {
			return err
		}
		if err := r.reproduce(ctx, jobs); err != nil {
			return err
		}
	}
	return r.reportInto(o.into)
}

// taken says which wheels of the selection are not built here, since the lock takes
// them as they were published.
func (s *session) taken(o buildOptions, built int) error {
	n := 0
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		if p.Group == lock.GroupBuild || len(o.names) > 0 && !slices.Contains(o.names, p.Name) {
			continue
		}
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if w.Recipe == "" && !w.Missing() && (len(o.targets) == 0 || overlap(s.locked.WheelTargets(p, w), o.targets)) {
				n++
			}
		}
	}
	if n > 0 && built == 0 {
		return finding("wheellock fetch --target T -d "+o.into+" takes them", "nothing to build: the lock takes all %d wheels as published", n)
	}
	if n > 0 {
		s.say("%d wheels are not built: the lock takes them as published (wheellock fetch)", n)
	}
	return nil
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// reproduce builds in a folder that goes away with the session.
func (r *buildRun) reproduce(ctx context.Context, jobs []*rebuild.Job) error {
	dir, done, err := build.WorkDir(r.builder().Cache, ".out-")
	if err != nil {
		return err
	}
	r.undo = append(r.undo, done)
	r.Dir, r.Memory = dir, rebuild.AvailableMemory()
	r.progress = r.newProgress(len(jobs))
	defer r.progress.end()
	return r.Reproduce(ctx, jobs)
}

// reportInto puts the files into the folder, if all are there, and says so.
func (r *buildRun) reportInto(into string) error {
	out := intoReport{Directory: into, Built: []intoWheel{}}
	for _, f := range r.Failures {
		out.Failed = append(out.Failed, r.failed(f))
	}
	dir := r.path(into)
	for _, o := range r.Outcomes {
		if o.Failure != nil {
			continue
		}
		row := o.Job.Row
		if len(out.Failed) == 0 {
			if err := durable.MkdirAll(dir, 0o755); err != nil {
				return fileError("making "+into, err)
			}
			if err := place(o.Locked, filepath.Join(dir, row.Name), row.SHA256); err != nil {
				return err
			}
		}
		out.Built = append(out.Built, intoWheel{
			Package: o.Job.Package.Name, Version: o.Job.Package.Version, Targets: r.Lock.WheelTargets(o.Job.Package, row),
			File: row.Name, SHA256: row.SHA256, Proven: o.SHA256 != row.SHA256, Seconds: o.Seconds(),
		})
	}
	if r.json {
		if err := r.printJSON(out); err != nil {
			return err
		}
	} else {
		for _, b := range out.Built {
			how := ""
			if b.Proven {
				how = " (as published; what was built installs the same)"
			}
			fmt.Fprintf(r.Out, "%s%s\n", b.File, how)
		}
		r.printFailed(out.Failed)
	}
	return notBuilt(out.Failed, len(out.Built))
}
