package pyproject

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Caps on the user's files.
const (
	maxFile         = 4 << 20 // bytes of one file
	maxDepth        = 16      // of -r, include-group and extras that name each other
	maxRequirements = 20_000  // requirements and constraints of a project
)

// Names of the files.
const (
	pyprojectFile    = "pyproject.toml"
	configFileName   = "wheellock.toml"
	requirementsFile = "requirements.in"
)

// Project is a folder with its configuration and inputs. It never changes: an
// edit is a list of files as they should be, and With gives the project that
// they make.
type Project struct {
	Dir         string
	Config      Config
	Inputs      []Input  // requirements, in the order of the files
	Constraints []Input  // of -c files and of the configuration
	Overrides   []Input  // each replaces every other requirement on its name
	NoBinary    []string // packages whose wheels are not used: sorted, normalised, or All
	OnlyBinary  []string // packages whose sources are not used
	Prereleases bool     // a requirements file says --pre
	Locals      []Local  // projects in the user's own tree
	Own         []Local  // the projects whose pyproject.toml are read; nothing asks for them here
	Ignored     []Ignored

	configFile string            // as given to Open
	overlay    map[string][]byte // files as With changed them, by their name in the project
	files      map[string][]byte // every file that was read
	entries    []entry           // requirements that an edit can reach
	sources    []Source
	groups     []string  // of the TOML files, normalised
	config     *document // nil: there is no configuration file
	prefix     []string  // of the configuration's keys in its file
}

// entry is a requirement with its place.
type entry struct {
	Input
	whole span     // in a requirements file: its lines
	body  span     // in a requirements file: its text
	path  []string // in a TOML file: the array
	index int      // in the array
}

// Open reads the project in dir: the configuration, and every requirement that
// it or the usual files name. configFile, relative to dir or absolute, takes
// the place of wheellock.toml; it may also be a pyproject.toml. A folder
// without any of them is a project without inputs. Errors of the user's files
// are *Error.
func Open(dir, configFile string) (*Project, error) { return load(dir, configFile, nil) }

// With gives the project as it will be when the edits are written.
func (p *Project) With(edits []Edit) (*Project, error) {
	overlay := maps.Clone(p.overlay)
	if overlay == nil {
		overlay = map[string][]byte{}
	}
	for _, e := range edits {
		overlay[p.name(e.Path)] = e.Data
	}
	return load(p.Dir, p.configFile, overlay)
}

// Edits gives all files that With changed since Open, sorted by path.
func (p *Project) Edits() []Edit {
	var list []Edit
	for _, name := range slices.Sorted(maps.Keys(p.overlay)) {
		list = append(list, Edit{p.path(name), p.overlay[name]})
	}
	return list
}

// Files gives the names of the files that were read, sorted; relative to the
// project's folder where they lie in it.
func (p *Project) Files() []string { return slices.Sorted(maps.Keys(p.files)) }

func (p *Project) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.Dir, filepath.FromSlash(name))
}

// name is the reverse of path.
func (p *Project) name(path string) string {
	if rel, err := filepath.Rel(p.Dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return path
}

// loader reads the files of a project.
type loader struct {
	*Project
	docs map[string]*document
}

func load(dir, configFile string, overlay map[string][]byte) (*Project, error) {
	l := &loader{&Project{Dir: dir, configFile: configFile, overlay: overlay, files: map[string][]byte{}}, map[string]*document{}}
	if err := l.readConfig(); err != nil {
		return nil, err
	}
	if err := l.readSources(); err != nil {
		return nil, err
	}
	l.binaryOptions(&l.NoBinary, &l.OnlyBinary, l.Config.NoBinary)
	l.binaryOptions(&l.OnlyBinary, &l.NoBinary, l.Config.OnlyBinary)
	if err := l.checkConflicts(); err != nil {
		return nil, err
	}
	return l.Project, nil
}

// Groups gives the normalised names of the extras and dependency groups, sorted;
// those without requirements too.
func (p *Project) Groups() []string { return slices.Compact(slices.Sorted(slices.Values(p.groups))) }

// read gives a file's bytes, fs.ErrNotExist where there is none.
func (l *loader) read(name string) ([]byte, error) {
	if b, ok := l.files[name]; ok {
		return b, nil
	}
	b, ok := l.overlay[name]
	if !ok {
		var err error
		if b, err = readFile(l.path(name)); err != nil {
			if isNotExist(err) {
				return nil, err
			}
			return nil, unreadable(name, err)
		}
	}
	if len(b) > maxFile {
		return nil, &Error{name, 0, fmt.Sprintf("the file has more than %d bytes", maxFile), "this is no file of requirements"}
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return nil, &Error{name, lineOf(b, i), "a zero byte: the file is not text in UTF-8", "save it as UTF-8"}
	}
	l.files[name] = b
	return b, nil
}

// unreadable says what stands in a file's place. That the file may not be read
// is the machine's fault; the rest is the user's.
func unreadable(name string, err error) error {
	var e *Error
	switch {
	case errors.As(err, &e):
		e.File = name
		return e
	case errors.Is(err, syscall.ELOOP):
		return &Error{name, 0, "a symbolic link that leads in a circle", "put a file of text in its place"}
	case errors.Is(err, syscall.ENOTDIR):
		return &Error{name, 0, "part of the path is a file, not a folder", "correct the path"}
	case errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.EINVAL):
		return &Error{name, 0, "no file can have this name", "correct the path"}
	}
	return fmt.Errorf("reading %s: %w", name, err)
}

func readFile(path string) ([]byte, error) {
	// Asked before it is opened: opening a pipe waits for a writer.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, &Error{filepath.Base(path), 0, "not a regular file", "put a file of text in its place"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// toml reads and parses a file once; nil without error where there is none.
func (l *loader) toml(name string) (*document, error) {
	if d := l.docs[name]; d != nil {
		return d, nil
	}
	b, err := l.read(name)
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d, err := parseTOML(name, b)
	if err == nil {
		l.docs[name] = d
	}
	return d, err
}

// add takes a requirement or constraint in.
func (l *loader) add(e entry, constraint bool) error {
	if where, marker := localReference(e.Requirement); where != "" && !constraint {
		_, err := l.local(e.Input, nameOf(e.Requirement), where, marker)
		l.entries = append(l.entries, e)
		return err
	}
	if len(l.Inputs)+len(l.Constraints) >= maxRequirements {
		return &Error{e.File, e.Line, fmt.Sprintf("more than %d requirements", maxRequirements), "this is no file of requirements"}
	}
	if constraint {
		l.Constraints = append(l.Constraints, e.Input)
		return nil
	}
	l.Inputs = append(l.Inputs, e.Input)
	l.entries = append(l.entries, e)
	return nil
}
