// Package resolvetest makes package indexes for tests: invented projects with
// real, installable files, served from memory ([NewSource]) or by an HTTP
// server on loopback that can be told to misbehave ([Serve]).
//
// A [Universe] is a Go value or a text:
//
//	# one block for each release; several versions may share one
//	courier 2.1.0 2.2.0
//	  python >=3.9
//	  date 2026-02-01
//	  needs ident <4,>=2.5
//	  needs shim; python_version < "3.10"
//	  extra socks: sockslib >=1.5
//	  wheels py3-none-any
//
// The lines of a block, all optional, in any order:
//
//	python SPECIFIERS        Requires-Python
//	date 2026-02-01          upload time (noon UTC), or a whole RFC 3339 instant
//	needs REQUIREMENT        a Requires-Dist
//	extra NAME: REQUIREMENT  a Requires-Dist of an extra; "extra NAME:" just provides it
//	wheels TAG...            tags of the published wheels, or "none"; default py3-none-any
//	no-sdist                 nothing but wheels
//	yanked [REASON]          PEP 592
//	native                   has a C extension
//	differs                  the published wheel is not what the sdist builds
//	misbehave WORD [ADDRESS] what its build does wrong, see smallbuild.py
//	builds-with REQUIREMENT  [build-system] requires, instead of smallbuild
//	built-with VERSION       of smallbuild, for the published wheel
//	bulk N                   N more files of a kilobyte each
//	old-metadata             the sdist says nothing of dependencies (PKG-INFO 1.0)
//
// [BuildSdist] and [BuildWheel] make the files. The sdist's build backend is
// smallbuild, which is itself a release of [Standard]; the wheel that it builds
// under SOURCE_DATE_EPOCH = [Release.Time] equals BuildWheel's, bit for bit.
package resolvetest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Universe is a set of invented projects.
type Universe struct {
	Releases []Release // any order
}

// Release is one version of one project and the files that it has.
type Release struct {
	Name, Version  string
	RequiresPython string
	Requires       []string            // Requires-Dist lines
	Extras         map[string][]string // extra -> its Requires-Dist lines, without the extra's marker
	Uploaded       time.Time           // zero: DefaultUploaded
	NoSdist        bool                // no sdist is published
	Wheels         []string            // tags of the published wheels; none: sdist only
	Yanked         bool
	YankedReason   string
	Native         bool     // has a C extension: the backend's tag is the interpreter's
	Differs        bool     // the published wheel is not what the sdist builds: one file has another line
	Misbehave      string   // what the backend does wrong, see smallbuild.py
	Address        string   // for Misbehave "network": where it tries to connect
	BuildRequires  []string // [build-system] requires; nil: smallbuild
	BuiltWith      string   // version of smallbuild that made the published wheels; "": BackendVersion
	Bulk           int      // so many more files of a kilobyte each, for wheels that are worth range requests
	OldMetadata    bool     // sdist with PKG-INFO 1.0 and no static metadata
}

// With returns u with more releases.
func (u Universe) With(more ...Release) Universe {
	return Universe{slices.Concat(u.Releases, more)}
}

// Find returns the release of a name and version.
func (u Universe) Find(name, version string) (Release, bool) {
	for _, r := range u.Releases {
		if normalize(r.Name) == normalize(name) && r.Version == version {
			return r, true
		}
	}
	return Release{}, false
}

// MustFind is Find for tables in tests; it panics where there is none.
func (u Universe) MustFind(name, version string) Release {
	r, ok := u.Find(name, version)
	if !ok {
		panic("no release " + name + " " + version)
	}
	return r
}

// Parse reads the text form of a universe.
func Parse(text string) (Universe, error) {
	var u Universe
	var block []Release // the releases that the current lines are about
	for i, line := range strings.Split(text, "\n") {
		if t := strings.TrimSpace(line); t == "" || t[0] == '#' {
			continue
		}
		if line[0] != ' ' && line[0] != '\t' {
			u.Releases = append(u.Releases, block...)
			block = nil
			fields := strings.Fields(line)
			if len(fields) < 2 {
				return Universe{}, fmt.Errorf("parsing universe: line %d: want a name and versions", i+1)
			}
			for _, v := range fields[1:] {
				block = append(block, Release{Name: fields[0], Version: v, Wheels: []string{"py3-none-any"}})
			}
			continue
		}
		if len(block) == 0 {
			return Universe{}, fmt.Errorf("parsing universe: line %d: before any release", i+1)
		}
		for j := range block {
			if err := block[j].set(strings.TrimSpace(line)); err != nil {
				return Universe{}, fmt.Errorf("parsing universe: line %d: %w", i+1, err)
			}
		}
	}
	u.Releases = append(u.Releases, block...)
	return u, u.check()
}

// MustParse is Parse for tables in tests; it panics on an error.
func MustParse(text string) Universe {
	u, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

func (u Universe) check() error {
	seen := map[string]bool{}
	for _, r := range u.Releases {
		key := normalize(r.Name) + " " + r.Version
		if seen[key] {
			return fmt.Errorf("parsing universe: %s is there twice", key)
		}
		seen[key] = true
	}
	return nil
}

func (r *Release) set(line string) error {
	key, value, _ := strings.Cut(line, " ")
	value = strings.TrimSpace(value)
	flags := map[string]*bool{"no-sdist": &r.NoSdist, "native": &r.Native, "differs": &r.Differs, "old-metadata": &r.OldMetadata}
	if flag, ok := flags[key]; ok {
		if value != "" {
			return fmt.Errorf("%s takes no value", key)
		}
		*flag = true
		return nil
	}
	switch key {
	case "yanked":
		r.Yanked, r.YankedReason = true, value
		return nil
	case "date":
		return r.setDate(value)
	}
	if value == "" {
		return fmt.Errorf("%q needs a value, or is no known word", key)
	}
	switch key {
	case "python":
		r.RequiresPython = value
	case "needs":
		r.Requires = append(r.Requires, value)
	case "extra":
		return r.setExtra(value)
	case "wheels":
		if r.Wheels = strings.Fields(value); value == "none" {
			r.Wheels = nil
		}
	case "misbehave":
		r.Misbehave, r.Address, _ = strings.Cut(value, " ")
	case "builds-with":
		r.BuildRequires = append(r.BuildRequires, value)
	case "bulk":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("bulk %q is no number", value)
		}
		r.Bulk = n
	case "built-with":
		r.BuiltWith = value
	default:
		return fmt.Errorf("unknown word %q", key)
	}
	return nil
}

func (r *Release) setDate(value string) (err error) {
	if len(value) == len("2026-02-01") {
		value += "T12:00:00Z"
	}
	r.Uploaded, err = time.Parse(time.RFC3339, value)
	return err
}

func (r *Release) setExtra(value string) error {
	name, req, ok := strings.Cut(value, ":")
	if !ok {
		return fmt.Errorf("want extra NAME: REQUIREMENT")
	}
	if r.Extras == nil {
		r.Extras = map[string][]string{}
	} else {
		r.Extras = maps.Clone(r.Extras)
	}
	name = strings.TrimSpace(name)
	if req = strings.TrimSpace(req); req == "" {
		if _, ok := r.Extras[name]; !ok {
			r.Extras[name] = nil // an extra that needs nothing is one all the same
		}
		return nil
	}
	r.Extras[name] = append(slices.Clone(r.Extras[name]), req)
	return nil
}

// normalize is PEP 503's normalisation; the fakes do not use the code that
// they help to test.
func normalize(name string) string {
	var b strings.Builder
	dash := false
	for _, c := range strings.ToLower(name) {
		if c == '-' || c == '_' || c == '.' {
			dash = true
			continue
		}
		if dash {
			b.WriteByte('-')
			dash = false
		}
		b.WriteRune(c)
	}
	return b.String()
}
