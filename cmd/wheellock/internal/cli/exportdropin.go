package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/freedomofpress/wheellock/lock/foreign"
	"github.com/freedomofpress/wheellock/provenance/dropin"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

const formatBuildRequirements = "build-requirements"

// dropinOptions are the flags of --format build-requirements.
type dropinOptions struct {
	requirements, sums string
	strict             bool
}

func (o *dropinOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.requirements, "requirements", "", "build-requirements: of `FILE`, a requirements.txt or poetry.lock")
	f.StringVar(&o.sums, "sums", "", "build-requirements: with the wheels of `FILE`, a signed sha256sums.txt")
	f.BoolVar(&o.strict, "strict", false, "build-requirements: names, versions and markers are read, one wheel for each line")
}

func (o *dropinOptions) given() bool { return o.requirements != "" || o.sums != "" || o.strict }

// exportBuildRequirements needs no project: it stands where the team's script stood.
func (a *app) exportBuildRequirements(o dropinOptions, target string) error {
	if o.requirements == "" || o.sums == "" {
		return usage("--format %s needs --requirements FILE and --sums FILE", formatBuildRequirements)
	}
	if target != "" && !o.strict {
		return usage("--target goes with --strict: without it, markers and tags are not looked at")
	}
	files := make([][]byte, 3)
	beside := filepath.Join(filepath.Dir(o.requirements), "pyproject.toml")
	for i, name := range []string{o.requirements, o.sums, beside} {
		data, err := a.readForeign(name)
		switch {
		case i == 2 && errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, fs.ErrNotExist):
			return usage("%s: no such file", name)
		case err != nil:
			return fileError("reading "+name, err)
		default:
			files[i] = data
		}
	}
	name := o.requirements
	text := &dropin.Text{}
	var err error
	if o.strict {
		var t *tags.Target
		if target != "" {
			found, err := a.declaredTarget(target)
			if err != nil {
				return err
			}
			t = &found
		}
		text, err = dropin.Strict(name, files[0], files[2], files[1], t)
	} else {
		text.Content, err = dropin.BuildRequirements(name, files[0], files[2], files[1])
	}
	if errors.Is(err, dropin.ErrList) {
		return invalid("write it with sha256sum", "%s: %v", o.sums, err)
	}
	return a.printBuildRequirements(text, target, err)
}

func (a *app) printBuildRequirements(text *dropin.Text, target string, err error) error {
	var missing *dropin.MissingError
	var unfit *dropin.StrictError
	out := map[string]any{"target": target, "format": formatBuildRequirements, "content": ""}
	switch {
	case errors.As(err, &missing):
		names := []string{}
		for _, m := range missing.Missing {
			names = append(names, m.String())
		}
		out["missing"] = names
	case errors.As(err, &unfit):
		out["refused"] = unfit.Reasons
	case err != nil:
		return err
	default:
		out["content"], out["notes"] = string(text.Content), append([]string{}, text.Notes...)
	}
	if a.json {
		if printed := a.printJSON(out); printed != nil {
			return printed
		}
		if err != nil {
			return &Error{Code: Finding, Shown: true}
		}
		return nil
	}
	if missing != nil {
		// On stdout and in these words: that is what callers of their script read.
		fmt.Fprintln(a.Out, missing)
		return &Error{Code: Finding, Shown: true}
	}
	if err != nil {
		return &Error{Code: Finding, Msg: err.Error(), Hint: "correct the list and have it signed again", Err: err}
	}
	for _, n := range text.Notes {
		a.say("%s", n)
	}
	_, err = a.Out.Write(text.Content)
	return err
}

// declaredTarget is a target by its name: the project's own word for it, or a
// known one.
func (a *app) declaredTarget(name string) (tags.Target, error) {
	if s, err := a.openForReading(); err == nil {
		if list, err := targetsOf(s.project.Config); err == nil {
			for _, t := range list {
				if t.Name == name {
					return t, nil
				}
			}
		}
	}
	return tags.Lookup(name)
}

// readForeign reads a file that another tool wrote.
func (a *app) readForeign(name string) ([]byte, error) {
	return readCapped(a.path(name), foreign.MaxSize)
}
