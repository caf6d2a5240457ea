package convert

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// ErrNoFolder says that a pylock.toml needs to know where the wheels lie:
// wheels.lock holds no addresses.
var ErrNoFolder = errors.New("a pylock.toml needs the folder of the wheels")

// AmbiguousError says that one pylock.toml cannot tell two targets apart,
// because markers know nothing of the libc or the distribution.
type AmbiguousError struct{ A, B, Marker string }

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("targets %s and %s look the same to an installer (%s)", e.A, e.B, e.Marker)
}

// Hint says what to try next.
func (e *AmbiguousError) Hint() string { return "write one file for each target with --target" }

// Pylock gives a pylock.toml (PEP 751) for one target, or for all where target
// is "". filesDir is the folder with the wheels, absolute or relative to the
// file, with slashes; for all targets each has a folder of its name below it,
// since two targets may have different files of one name. A package that only
// some targets have carries a marker. With a selection the file has its packages
// and no groups; with nil it has all, and one that only dependency groups need,
// or only some of conflicting ones, carries a marker that says so. Errors are
// *UnknownTargetError, *MissingError, *AmbiguousError and ErrNoFolder.
func Pylock(l *lock.Lock, target, filesDir string, sel *Selection) ([]byte, error) {
	if filesDir == "" {
		return nil, ErrNoFolder
	}
	names := []string{target}
	if target == "" {
		names = nil
		for _, t := range l.Targets {
			names = append(names, t.Name)
		}
		slices.Sort(names)
	}
	w := &pylock{l: l, sel: sel, dir: filesDir, all: target == "", markers: map[string]string{}}
	if err := w.collect(names); err != nil {
		return nil, err
	}
	return w.format(names), nil
}

type pylock struct {
	l       *lock.Lock
	sel     *Selection // nil: everything
	dir     string
	all     bool
	markers map[string]string // target -> marker
	blocks  []*pyblock
	groups  []string
}

// pyblock is one [[packages]].
type pyblock struct {
	p       *lock.Package
	targets []string
	files   []pyfile
}

type pyfile struct {
	path string
	w    *lock.Wheel
}

func (y *pylock) collect(names []string) error {
	byMarker := map[string]string{}
	byPackage := map[*lock.Package]*pyblock{}
	var missing []string
	for _, n := range names {
		list, err := y.picks(n)
		var m *MissingError
		if errors.As(err, &m) && y.all {
			for _, x := range m.Wheels {
				missing = append(missing, x+" on "+n)
			}
			continue
		}
		if err != nil {
			return err
		}
		marker := markerOf(y.l.Target(n))
		if other, twice := byMarker[marker]; twice {
			return &AmbiguousError{other, n, marker}
		}
		byMarker[marker], y.markers[n] = n, marker
		for _, x := range list {
			b := byPackage[x.p]
			if b == nil {
				b = &pyblock{p: x.p}
				byPackage[x.p] = b
				y.blocks = append(y.blocks, b)
				if y.sel == nil {
					y.groups = append(y.groups, x.p.Groups...)
				}
			}
			b.add(n, x.w, y.path(n, x.w))
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return &MissingError{"", missing}
	}
	slices.SortFunc(y.blocks, func(a, b *pyblock) int {
		return strings.Compare(a.p.Name+"\x00"+a.p.Version, b.p.Name+"\x00"+b.p.Version)
	})
	if y.sel == nil {
		y.groups = append(y.groups, y.conflicting()...)
	}
	slices.Sort(y.groups)
	y.groups = slices.Compact(y.groups)
	return nil
}

// add takes a wheel in; one that several targets share is listed once.
func (b *pyblock) add(target string, w *lock.Wheel, path string) {
	b.targets = append(b.targets, target)
	if !slices.ContainsFunc(b.files, func(f pyfile) bool { return f.w == w }) {
		b.files = append(b.files, pyfile{path, w})
	}
}

func (y *pylock) path(target string, w *lock.Wheel) string {
	dir := y.dir
	if y.all {
		dir = path.Join(dir, target)
	}
	p := path.Join(dir, w.Name)
	if !path.IsAbs(p) && !strings.HasPrefix(p, ".") {
		p = "./" + p // so that no reader takes it for an address
	}
	return p
}

func (y *pylock) format(names []string) []byte {
	var b strings.Builder
	var environments []string
	for _, n := range names {
		environments = append(environments, y.markers[n])
	}
	b.WriteString("lock-version = \"1.0\"\n")
	fmt.Fprintf(&b, "environments = %s\n", array(environments))
	if len(y.groups) > 0 {
		fmt.Fprintf(&b, "dependency-groups = %s\n", array(y.groups))
	}
	fmt.Fprintf(&b, "created-by = %s\n", quote(lock.CreatedBy))
	for _, x := range y.blocks {
		fmt.Fprintf(&b, "\n[[packages]]\nname = %s\nversion = %s\n", quote(x.p.Name), quote(x.p.Version))
		if m := y.marker(x, len(names)); m != "" {
			fmt.Fprintf(&b, "marker = %s\n", quote(m))
		}
		if x.p.RequiresPython != "" {
			fmt.Fprintf(&b, "requires-python = %s\n", quote(x.p.RequiresPython))
		}
		for _, f := range x.files {
			fmt.Fprintf(&b, "[[packages.wheels]]\nname = %s\npath = %s\n", quote(f.w.Name), quote(f.path))
			if f.w.Size > 0 {
				fmt.Fprintf(&b, "size = %d\n", f.w.Size)
			}
			fmt.Fprintf(&b, "hashes = { sha256 = %s }\n", quote(f.w.SHA256))
		}
	}
	return []byte(b.String())
}

// marker says when a package is installed; "" for always.
func (y *pylock) marker(x *pyblock, targets int) string {
	var where, groups []string
	variants := y.inVariants(x.p, x.targets[0])
	same := !slices.ContainsFunc(x.targets, func(t string) bool { return y.inVariants(x.p, t) != variants })
	if len(x.targets) < targets || !same {
		for _, t := range x.targets {
			m := y.markers[t]
			if v := y.inVariants(x.p, t); v != "" && !same {
				m = "(" + m + ") and (" + v + ")"
			}
			where = append(where, m)
		}
	}
	if y.sel == nil {
		for _, g := range x.p.Groups {
			groups = append(groups, "'"+g+"' in dependency_groups")
		}
	}
	if !same {
		variants = ""
	}
	var factors []string
	for _, f := range []string{either(where), strings.Join(groups, " or "), variants} {
		if f != "" {
			factors = append(factors, f)
		}
	}
	if len(factors) == 1 {
		return factors[0]
	}
	return parenthesised(factors, " and ")
}

func either(markers []string) string {
	if len(markers) == 1 {
		return markers[0]
	}
	return parenthesised(markers, " or ")
}

func parenthesised(list []string, word string) string {
	if len(list) == 0 {
		return ""
	}
	return "(" + strings.Join(list, ")"+word+"(") + ")"
}

var linux = regexp.MustCompile(`^(?:manylinux|musllinux)_[0-9]+_[0-9]+_(.+)$|^manylinux(?:1|2010|2014)_(.+)$|^linux_(.+)$`)

var mac = regexp.MustCompile(`^macosx_[0-9]+_[0-9]+_(.+)$`)

// markerOf describes a target as far as markers can.
func markerOf(t *lock.Target) string {
	implementation := t.Implementation
	if implementation == "" {
		implementation = "cpython"
	}
	parts := strings.SplitN(strings.TrimRight(t.Python, "t"), ".", 3)
	python := strings.Join(parts[:min(2, len(parts))], ".")
	m := fmt.Sprintf("implementation_name == '%s' and python_version == '%s'", implementation, python)
	system, machine := "", ""
	switch {
	case t.Platform == "win32":
		system, machine = "win32", "x86"
	case strings.HasPrefix(t.Platform, "win_"):
		system, machine = "win32", strings.ToUpper(strings.TrimPrefix(t.Platform, "win_"))
	case linux.MatchString(t.Platform):
		system, machine = "linux", strings.Join(linux.FindStringSubmatch(t.Platform)[1:], "")
	case mac.MatchString(t.Platform):
		system, machine = "darwin", mac.FindStringSubmatch(t.Platform)[1]
	}
	if system == "" {
		return m
	}
	return m + fmt.Sprintf(" and sys_platform == '%s' and platform_machine == '%s'", system, machine)
}

func array(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes a TOML string of what a checked lock holds: printable ASCII.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
