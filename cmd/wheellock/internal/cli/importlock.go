package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/foreign"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

type importOptions struct {
	targets, groups []string
	preset          string
	wheelhouse      string
	sums            []string
	keyring         []string
}

func (a *app) importVerb() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import FILE | import --wheelhouse DIR",
		Short: "take over another tool's lock, or the history of a wheelhouse",
		Long: `import FILE takes a requirements.txt with hashes, a poetry.lock (1.0 to 2.x), a
Pipfile.lock or a pylock.toml over as wheels.lock: the same versions, and only files
whose hashes the lock has. The inputs are those of the project; where wheellock can
read none, requirements.in is written, with what was asked for at its locked
version. What cannot be kept is named, and the exit code is 1. No address goes into
our files. Without a configuration the preset is "upstream", so that what is
installed stays the same: wheellock init --preset says what others ask for.

import --wheelhouse DIR states in the log what each version of the signed lists in
a git repository said: its sources, and its wheels with the hashes that they had,
each superseding the one before (docs/import.md).`,
		Example: "  wheellock import poetry.lock --target bookworm\n  wheellock import requirements/requirements.txt --target bullseye\n  wheellock import --wheelhouse ../securedrop-builder --keyring ../securedrop-builder/pubkeys",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && o.wheelhouse == "":
				return a.importLock(cmd, args[0], o)
			case len(args) == 0 && o.wheelhouse != "":
				return a.importHistory(cmd.Context(), o)
			}
			return usage("import needs FILE or --wheelhouse DIR")
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.targets, "target", nil, "lock for `TARGET`; may be repeated")
	f.StringArrayVar(&o.groups, "group", nil, "also take what group `NAME` of the lock installs; may be repeated")
	f.StringVar(&o.preset, "preset", "upstream", "policy, where there is no configuration yet")
	f.StringVar(&o.wheelhouse, "wheelhouse", "", "state the history of the lists in the git repository `DIR`")
	f.StringArrayVar(&o.sums, "sums", nil, "--wheelhouse: of the list `FILE` in it (default: each sha256sums.txt); may be repeated")
	f.StringArrayVar(&o.keyring, "keyring", nil, "--wheelhouse: judge each list's signature by the keys in `PATH`")
	return cmd
}

// importResult is what import --json prints.
type importResult struct {
	File     string   `json:"file"`
	Format   string   `json:"format"`
	Inputs   string   `json:"inputs"` // the files that say what is asked for
	Targets  []string `json:"targets"`
	Packages int      `json:"packages"` // kept, of those in the lock
	NotKept  []string `json:"not-kept"`
	Left     []string `json:"left"` // of other groups or targets
	Notes    []string `json:"notes"`
}

func (a *app) importLock(cmd *cobra.Command, file string, o importOptions) error {
	ctx := cmd.Context()
	data, err := a.readForeign(file)
	if errors.Is(err, fs.ErrNotExist) {
		return usage("%s: no such file", file)
	}
	if err != nil {
		return fileError("reading "+file, err)
	}
	l, err := foreign.Read(file, data)
	if err != nil {
		return err
	}
	if l.Format == foreign.Poetry {
		beside, err := a.readForeign(filepath.Join(filepath.Dir(file), "pyproject.toml"))
		if err == nil {
			asked, err := foreign.Asked(beside)
			if err != nil {
				return err
			}
			foreign.Regroup(l, asked)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fileError("reading pyproject.toml", err)
		}
	}
	s, err := a.openForImport(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if s.locked != nil {
		return invalid("move wheels.lock away first", "there is a %s already: an import would replace it", lock.FileName)
	}
	im := &imported{session: s, lock: l, file: file, groups: append([]string{"main"}, o.groups...)}
	im.res = importResult{File: file, Format: l.Format, NotKept: []string{}, Left: []string{}, Notes: []string{}}
	if err := im.pick(); err != nil {
		return err
	}
	p, err := im.inputs(cmd, o)
	if err != nil {
		return err
	}
	c, err := im.change()
	if err != nil {
		return err
	}
	r, err := s.relockAndWrite(ctx, p, c)
	if err != nil {
		return err
	}
	im.compare(r)
	return im.print()
}

// openForImport opens the project. One whose requirements only poetry can read is
// opened without them: import writes what takes their place.
func (a *app) openForImport(ctx context.Context) (*session, error) {
	s, err := a.openForWriting(ctx)
	var bad *pyproject.Error
	if err == nil || !errors.As(err, &bad) || !strings.Contains(bad.Msg, "tool.poetry") {
		return s, err
	}
	dir, ferr := a.folder()
	if ferr != nil {
		return nil, ferr
	}
	if exists(filepath.Join(dir, "wheellock.toml")) {
		return nil, err
	}
	// A configuration of its own takes the place of the tables.
	if err := writeNew(filepath.Join(dir, "requirements.in"), nil); err != nil {
		return nil, invalid("move it away, or name it in wheellock.toml: sources = [\"requirements.in\"]", "there is a requirements.in already, and pyproject.toml has requirements that only poetry reads")
	}
	config := filepath.Join(dir, "wheellock.toml")
	if err := writeNew(config, []byte("sources = [\"requirements.in\"]\n")); err != nil {
		return nil, err
	}
	s, err = a.openForWriting(ctx)
	if err != nil {
		return nil, err
	}
	s.undo = append(s.undo, func() {
		if s.locked == nil { // a failed import leaves nothing
			os.Remove(config)
			os.Remove(filepath.Join(dir, "requirements.in"))
		}
	})
	return s, nil
}

// imported is one import of a lock.
type imported struct {
	*session
	lock   *foreign.Lock
	file   string
	groups []string
	taken  []foreign.Package
	res    importResult
}

func (im *imported) where(p foreign.Package) string {
	if p.Line > 0 {
		return fmt.Sprintf("%s:%d", im.file, p.Line)
	}
	return im.file
}

func (im *imported) not(p foreign.Package, format string, args ...any) {
	im.res.NotKept = append(im.res.NotKept, fmt.Sprintf("%s: %s: ", im.where(p), strings.TrimSpace(p.Name+" "+p.Version))+fmt.Sprintf(format, args...))
}

// pick chooses the packages that are taken over, and names the others.
func (im *imported) pick() error {
	for _, g := range im.groups[1:] {
		if !slices.Contains(im.lock.Groups, g) {
			return usage("%s has no group %q; it has: %s", im.file, g, cmp.Or(strings.Join(im.lock.Groups, ", "), "none"))
		}
	}
	left := map[string]int{}
	seen := map[string]bool{}
	for _, p := range im.lock.Packages {
		if !slices.ContainsFunc(im.groups, p.In) {
			left[strings.Join(p.Groups, ", ")]++
			continue
		}
		if p.Optional && im.lock.Format == foreign.Poetry {
			left["extras only"]++
			continue
		}
		switch {
		case p.Direct != "":
			im.not(p, "it comes from a %s, not from an index; require it by name @ address", p.Direct)
			continue
		case p.Version == "":
			im.not(p, "it is not pinned with ==")
			continue
		}
		if _, err := pep440.Parse(p.Version); err != nil {
			return &foreign.Error{File: im.file, Line: p.Line, Msg: fmt.Sprintf("%s: %v", p.Name, err), Hint: "write the lock anew with its own tool"}
		}
		if p.Marker != "" {
			if _, err := pep508.ParseMarker(p.Marker); err != nil {
				return &foreign.Error{File: im.file, Line: p.Line, Msg: fmt.Sprintf("%s: %v", p.Name, err), Hint: "write the lock anew with its own tool"}
			}
		}
		key := foreign.Normalize(p.Name) + "\x00" + p.Marker
		if seen[key] && im.lock.Format == foreign.Requirements {
			return &foreign.Error{File: im.file, Line: p.Line, Msg: p.Name + " is pinned twice", Hint: "take one of the lines out"}
		}
		seen[key] = true
		if len(p.Files) == 0 {
			im.res.Notes = append(im.res.Notes, fmt.Sprintf("%s: %s %s has no hash: the file is whatever the index gives", im.where(p), p.Name, p.Version))
		} else if len(p.Hashes()) == 0 {
			im.not(p, "it has no sha256, only other hashes")
			continue
		}
		im.taken = append(im.taken, p)
	}
	for _, g := range slices.Sorted(maps.Keys(left)) {
		im.res.Left = append(im.res.Left, fmt.Sprintf("%s of %s", report.Plural(left[g], "package"), g))
	}
	if im.lock.Sources > 0 {
		im.res.Notes = append(im.res.Notes, "addresses of indexes in "+im.file+" are not taken over: name yours in the configuration (index-url) if pip does not use it anyway")
	}
	if len(im.taken) == 0 {
		what := "nothing"
		if len(im.res.Left) > 0 {
			what = "nothing of the default group, but " + strings.Join(im.res.Left, ", ")
		}
		return invalid("name its groups with --group", "%s locks %s: nothing that could be taken over", im.file, what)
	}
	return nil
}

// change asks for exactly the lock's versions and files.
func (im *imported) change() (change, error) {
	c := change{hashes: map[string]resolve.Allowed{}}
	for _, p := range im.taken {
		text := p.Name + "==" + p.Version
		if p.Marker != "" && !strings.Contains(p.Marker, "extra") {
			text += " ; " + p.Marker
		}
		r, err := pep508.Parse(text)
		if err != nil {
			return c, requirementError(im.where(p), err)
		}
		c.ask = append(c.ask, resolve.Requirement{Requirement: r, Origin: im.where(p), Firm: true})
		c.early = append(c.early, r.Canonical())
		if h := p.Hashes(); len(h) > 0 {
			x := c.hashes[r.Canonical()]
			c.hashes[r.Canonical()] = resolve.Allowed{SHA256: append(x.SHA256, h...), Origin: im.where(p)}
		}
	}
	return c, nil
}

// inputs is the project with configuration, targets and something that asks.
func (im *imported) inputs(cmd *cobra.Command, o importOptions) (*pyproject.Project, error) {
	p := im.project
	if p.Config.File == "" || im.isNew(p) {
		edits, err := p.Init(o.preset)
		if err != nil {
			return nil, invalid("one of: "+strings.Join(pyproject.Presets(), ", "), "--preset: %v", err)
		}
		if p, err = p.With(edits); err != nil {
			return nil, err
		}
	}
	p, err := im.withTargets(cmd, p, o.targets)
	if err != nil {
		return nil, err
	}
	if len(p.Inputs) > 0 {
		names := []string{}
		for _, in := range p.Inputs {
			if !slices.Contains(names, in.File) {
				names = append(names, in.File)
			}
		}
		im.res.Inputs = strings.Join(names, ", ")
		return p, nil
	}
	im.res.Inputs = "requirements.in"
	asked, err := im.asked()
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, k := range im.taken {
		if asked != nil && !asked[foreign.Normalize(k.Name)] {
			continue
		}
		text := k.Name
		if len(k.Extras) > 0 {
			text += "[" + strings.Join(k.Extras, ",") + "]"
		}
		text += "==" + k.Version
		if k.Marker != "" && !strings.Contains(k.Marker, "extra") {
			text += " ; " + k.Marker
		}
		lines = append(lines, text)
	}
	content := "# Taken over from " + filepath.Base(im.file) + " at the versions that it locks; loosen what may move.\n" + strings.Join(lines, "\n") + "\n"
	if len(o.groups) > 0 && asked != nil {
		im.res.Notes = append(im.res.Notes, "requirements.in has what the default group asks for; add the others with: wheellock add --group")
	}
	return p.With([]pyproject.Edit{{Path: filepath.Join(im.dir, "requirements.in"), Data: []byte(content)}})
}

// isNew reports whether import wrote the configuration itself.
func (im *imported) isNew(p *pyproject.Project) bool {
	return len(im.undo) > 0 && len(p.Config.Targets) == 0
}

// asked is what the project's own file asks for, normalised; nil: it is not known,
// and all is asked for.
func (im *imported) asked() (map[string]bool, error) {
	var list []foreign.Dependency
	beside := filepath.Dir(im.file)
	switch im.lock.Format {
	case foreign.Poetry:
		data, err := im.readForeign(filepath.Join(beside, "pyproject.toml"))
		if errors.Is(err, fs.ErrNotExist) || len(im.groups) > 1 {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if list, err = foreign.Asked(data); err != nil {
			return nil, err
		}
	case foreign.Pipfile:
		data, err := im.readForeign(filepath.Join(beside, "Pipfile"))
		if errors.Is(err, fs.ErrNotExist) || len(im.groups) > 1 {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var x struct {
			Packages map[string]any `toml:"packages"`
		}
		if err := toml.Unmarshal(data, &x); err != nil {
			return nil, invalid("correct it", "Pipfile: %v", err)
		}
		for _, n := range slices.Sorted(maps.Keys(x.Packages)) {
			list = append(list, foreign.Dependency{Name: n})
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	out := map[string]bool{}
	for _, d := range list {
		out[foreign.Normalize(d.Name)] = true
	}
	return out, nil
}

// compare says what of the lock is not in ours, and the reverse.
func (im *imported) compare(r *relocked) {
	for _, t := range r.targets {
		im.res.Targets = append(im.res.Targets, t.Name)
	}
	theirs := map[string]bool{}
	for _, p := range im.taken {
		name := foreign.Normalize(p.Name)
		theirs[name] = true
		var lost, other []string
		for _, t := range r.targets {
			if p.Marker != "" && !strings.Contains(p.Marker, "extra") {
				if m, err := pep508.ParseMarker(p.Marker); err == nil {
					if holds, err := m.Eval(t.Environment()); err == nil && !holds {
						other = append(other, t.Name)
						continue
					}
				}
			}
			if im.locked.Find(name, t.Name) == nil {
				lost = append(lost, t.Name)
			}
		}
		switch {
		case len(lost) > 0:
			im.not(p, "nothing asks for it on %s", strings.Join(lost, ", "))
		case len(other) == len(r.targets):
			im.res.Left = append(im.res.Left, fmt.Sprintf("%s %s: %s", p.Name, p.Version, p.Marker))
		default:
			im.res.Packages++
		}
	}
	for i := range im.locked.Packages {
		p := &im.locked.Packages[i]
		if p.Group == "" && !theirs[p.Name] {
			im.res.NotKept = append(im.res.NotKept, fmt.Sprintf("%s %s is new: %s does not have it", p.Name, p.Version, im.file))
		}
	}
}

func (im *imported) print() error {
	if im.json {
		if err := im.printJSON(im.res); err != nil {
			return err
		}
	} else {
		head := fmt.Sprintf("%s: %s kept by version and hashes, for %s", filepath.Base(im.file), report.Plural(im.res.Packages, "package"), strings.Join(im.res.Targets, ", "))
		fmt.Fprintln(im.Out, strings.Join(term.Wrap(head, 78, "  "), "\n"))
		fmt.Fprintf(im.Out, "asked for by %s\n", im.res.Inputs)
		for _, section := range []struct {
			word string
			list []string
		}{{"not kept", im.res.NotKept}, {"left aside", im.res.Left}, {"note", im.res.Notes}} {
			for _, x := range section.list {
				fmt.Fprintln(im.Out, strings.Join(term.Wrap(section.word+": "+term.Line(x), 78, "  "), "\n"))
			}
		}
		fmt.Fprintln(im.Out, "\nNext:", im.style.Paint(term.Command, "wheellock status"))
	}
	if len(im.res.NotKept) > 0 {
		return &Error{Code: Finding, Shown: true}
	}
	return nil
}
