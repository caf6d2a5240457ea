package repro

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/provenance/build"
)

// Options say what is repeated, and how.
type Options struct {
	Dir      string   // the working folder
	Command  []string // the program and its arguments
	Environ  []string // of the caller
	Umask    int      // of the caller
	Vary     build.Variations
	Times    int      // runs when nothing differs, at least 2
	Patterns []string // of what is compared; none: see the package comment
	Cache    string   // folder for what is kept while it lasts, and for locales
	Memory   string   // a memory file system for the copies, such as /dev/shm; "" for none
	Bwrap    string   // path of bubblewrap; "" to run without a sandbox
	Network  bool     // the command may use the network
	Hide     []string // files and folders that the command must not see
	Skip     []string // folders in Dir that are not copied
	Keep     string   // folder for what was compared; "" for none
	Suite    *Suite   // the trees that VarySuite compares
	Output   io.Writer
	Event    func(string) // what is being done, in a few words; may be nil
}

// A Suite is a pair of releases of a distribution in which the command runs.
type Suite struct {
	Name, Tree       string // of the plain runs; Tree "" is this machine
	Other, OtherTree string
}

// Report is what the runs gave. Its JSON form is described by the schema "repro".
type Report struct {
	Command   []string          `json:"command"`
	Equal     bool              `json:"equal"`
	Runs      int               `json:"runs"`
	Varied    []string          `json:"varied"`
	NotVaried []build.NotVaried `json:"not_varied"`
	Files     []File            `json:"files"` // of the plain run
	Causes    []Cause           `json:"causes,omitempty"`
	Notes     []string          `json:"notes,omitempty"`
	Suites    []string          `json:"suites,omitempty"` // the plain runs' and the other
	Network   bool              `json:"network"`
	Sandbox   bool              `json:"sandbox"`
	Seconds   float64           `json:"seconds"` // of the longest run
}

// File is one file that was compared.
type File struct {
	Name   string `json:"name"` // relative to the working folder
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Equal  bool   `json:"equal"`
	path   string
}

// Path is where the file lies until the check is closed.
func (f *File) Path() string { return f.path }

// CommandError says that the command does not work in the plain run.
type CommandError struct {
	Why string
	Log []byte
}

func (e *CommandError) Error() string {
	return strings.TrimSpace("the command failed: " + e.Why + "\n" + lastLines(e.Log, 15))
}

// Missing reports whether there is no such program where the command runs.
func (e *CommandError) Missing() bool {
	said := bytes.TrimSpace(e.Log)
	return e.Why == "exit status 127" && bytes.HasPrefix(said, []byte("sh: ")) && bytes.HasSuffix(said, []byte(": not found"))
}

// NothingError says that a run wrote nothing to compare.
type NothingError struct {
	Patterns []string
	Log      []byte
}

func (e *NothingError) Error() string {
	if len(e.Patterns) == 0 {
		return strings.TrimSpace("the command wrote no file\n" + lastLines(e.Log, 5))
	}
	return strings.TrimSpace(fmt.Sprintf("the command wrote no file that matches %s\n%s", strings.Join(e.Patterns, " or "), lastLines(e.Log, 5)))
}

// Hint is what helps.
func (e *NothingError) Hint() string {
	return "name what it writes, relative to the working folder: --out 'dist/*', or --out '../*.deb' for files beside it"
}

// Check runs the command again and again and reports. Errors are those of this
// package, *build.SandboxError, the context's, or a file system's. close removes
// the files that the report still points to, and is never nil.
func Check(ctx context.Context, o Options) (rep *Report, closing func(), err error) {
	closing = func() {}
	if o.Dir, err = filepath.EvalSymlinks(o.Dir); err != nil {
		return nil, closing, err
	}
	j := &job{Options: o}
	sweep(o.Cache, workPrefix)
	if j.temp, closing, err = build.WorkDir(o.Cache, workPrefix); err != nil {
		return nil, func() {}, err
	}
	if j.source, err = readSource(o.Dir, append([]string{o.Cache}, o.Skip...)); err != nil {
		return nil, closing, err
	}
	not, done, err := j.prepare(ctx)
	defer done()
	if err != nil {
		return nil, closing, err
	}
	rep, err = j.check(ctx)
	if err != nil {
		return nil, closing, err
	}
	rep.NotVaried = not
	return rep, closing, nil
}

// prepare finds out what can be varied here.
func (j *job) prepare(ctx context.Context) (not []build.NotVaried, done func(), err error) {
	asked := j.Vary
	why := map[build.Variations]string{}
	leave := func(v build.Variations, reason string) {
		if asked.Has(v) && reason != "" && why[v] == "" {
			why[v] = reason
			j.Vary &^= v
		}
	}
	reason, done := j.makeRoom()
	leave(build.VaryFileOrder, reason)
	if j.Bwrap == "" {
		leave(build.VaryHost, "without a sandbox")
		leave(build.VaryUser, "without a sandbox")
	}
	if j.clock = j.clockLibrary(); j.clock == "" {
		leave(build.VaryTime, "libfaketime is not installed: apt-get install faketime; only seconds passed between the runs")
	}
	leave(build.VaryCPUs, build.CannotPin())
	if j.Suite != nil {
		leave(build.VaryLocale, "the trees of other releases have none")
	}
	if j.Vary.Has(build.VaryLocale) {
		if j.locales = build.OtherLocales(ctx, j.Cache); len(j.locales) == 0 {
			leave(build.VaryLocale, "no other UTF-8 locale is installed: apt-get install locales")
		}
	}
	if !j.Vary.Has(build.VaryTime) {
		j.clock = ""
	}
	not = []build.NotVaried{}
	for _, one := range asked.Each() {
		if why[one] != "" {
			not = append(not, build.NotVaried{Name: one.String(), Why: why[one]})
		}
	}
	return not, done, nil
}

// check is the plain run, the varied ones, and where one differs, the search for why.
func (j *job) check(ctx context.Context) (*Report, error) {
	j.event("run 1: as it is")
	plain, err := j.run(ctx, build.Varied{})
	if err != nil {
		return nil, err
	}
	j.Output = nil
	if plain.failed != "" {
		return nil, &CommandError{Why: plain.failed, Log: plain.log}
	}
	if len(plain.outputs) == 0 {
		return nil, &NothingError{Patterns: j.Patterns, Log: plain.log}
	}
	rep := &Report{Command: j.Command, Suites: j.suites(), Varied: j.Vary.Names(), Network: j.Network, Sandbox: j.Bwrap != "", Equal: true}
	for _, left := range j.source.left {
		rep.Notes = append(rep.Notes, left+" is no file, folder or link, and was not copied")
	}
	for n := 1; n < max(j.Times, 2); n++ {
		if err := j.pause(ctx); err != nil {
			return nil, err
		}
		j.event(fmt.Sprintf("run %d: other %s", n+1, inShort(j.Vary)))
		varied, err := j.run(ctx, build.Varied{Set: j.Vary, Round: n})
		if err != nil {
			return nil, err
		}
		if names := differing(plain, varied); len(names) > 0 {
			rep.Equal = false
			s := &search{job: j, plain: plain, round: n, aside: map[string]noise{}}
			if rep.Causes, err = s.all(ctx, varied); err != nil {
				return nil, err
			}
			break
		}
		removeAll(varied.dir)
	}
	for _, o := range plain.outputs {
		f := File{Name: o.name, SHA256: o.sha256, Size: o.size, Equal: true, path: o.path}
		f.Equal = !slices.ContainsFunc(rep.Causes, func(c Cause) bool { return slices.Contains(c.Files, o.name) })
		rep.Files = append(rep.Files, f)
	}
	rep.Runs, rep.Seconds = j.runs, float64(j.took.Milliseconds())/1000
	return rep, j.keepPlain(plain)
}

// inShort names a set in a line of progress.
func inShort(v build.Variations) string {
	names := v.Names()
	if n := len(names); n > 4 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), n-3)
	} else if n == 0 {
		return "nothing, once more"
	}
	return strings.Join(names, ", ")
}

func (j *job) event(text string) {
	if j.Event != nil {
		j.Event(text)
	}
}

// pause lets the clock move on by what a zip can tell apart, so that no two runs
// agree only because they came in the same second.
func (j *job) pause(ctx context.Context) error {
	if j.clock != "" {
		return nil
	}
	select {
	case <-time.After(2100*time.Millisecond - time.Since(j.began)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// root is the tree in which a run takes place; "" is this machine.
func (j *job) root(v build.Varied) string {
	if j.Suite == nil {
		return ""
	}
	if v.Set.Has(build.VarySuite) {
		return j.Suite.OtherTree
	}
	return j.Suite.Tree
}

// clockLibrary is where libfaketime lies in every tree that runs take place in.
func (j *job) clockLibrary() string {
	lib := build.ClockLibrary(j.root(build.Varied{}))
	if lib != build.ClockLibrary(j.root(build.Varied{Set: build.VarySuite})) {
		return ""
	}
	return lib
}

func (j *job) suites() []string {
	if j.Suite == nil {
		return nil
	}
	return []string{j.Suite.Name, j.Suite.Other}
}

// keepPlain copies what the plain run wrote to where the caller wants it.
func (j *job) keepPlain(o *outcome) error { return j.keepAs("1", o) }

func (j *job) keepAs(name string, o *outcome) error {
	if j.Keep == "" {
		return nil
	}
	for _, x := range o.outputs {
		to := filepath.Join(j.Keep, name, keptName(x.name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := copyFile(x.path, to); err != nil {
			return err
		}
	}
	return nil
}
