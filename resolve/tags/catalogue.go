package tags

import (
	"sort"
	"strings"
)

// distribution is a row of the catalogue: what the distribution's own python3
// package says, with its last update, and its C library.
type distribution struct {
	name, python, platform string // platform without architecture: "manylinux_2_36"
	archs                  string // on which it runs; the first one needs no suffix
	aliases                []string
}

// Architectures on which distributions have a Python 3.
const (
	ports    = "x86_64 aarch64 armv7l i686 ppc64le s390x"
	riscv    = ports + " riscv64"
	loongson = riscv + " loongarch64"
)

var distributions = []distribution{
	{"xenial", "3.5.2", "manylinux_2_23", ports, []string{"ubuntu-16.04"}},
	{"bionic", "3.6.9", "manylinux_2_27", ports, []string{"ubuntu-18.04"}},
	{"focal", "3.8.10", "manylinux_2_31", riscv, []string{"ubuntu-20.04"}},
	{"jammy", "3.10.12", "manylinux_2_35", riscv, []string{"ubuntu-22.04"}},
	{"noble", "3.12.3", "manylinux_2_39", riscv, []string{"ubuntu-24.04"}},
	{"resolute", "3.14.4", "manylinux_2_43", riscv, []string{"ubuntu-26.04"}},
	{"buster", "3.7.3", "manylinux_2_28", ports, []string{"debian-10"}},
	{"bullseye", "3.9.2", "manylinux_2_31", ports, []string{"debian-11"}},
	{"bookworm", "3.11.2", "manylinux_2_36", ports, []string{"debian-12"}},
	{"trixie", "3.13.5", "manylinux_2_41", riscv, []string{"debian-13"}},
	{"alpine-3.10", "3.7.10", "musllinux_1_1", ports, nil},
	{"alpine-3.11", "3.8.10", "musllinux_1_1", ports, nil},
	{"alpine-3.12", "3.8.10", "musllinux_1_1", ports, nil},
	{"alpine-3.13", "3.8.15", "musllinux_1_2", ports, nil},
	{"alpine-3.14", "3.9.17", "musllinux_1_2", ports, nil},
	{"alpine-3.15", "3.9.18", "musllinux_1_2", ports, nil},
	{"alpine-3.16", "3.10.15", "musllinux_1_2", ports, nil},
	{"alpine-3.17", "3.10.15", "musllinux_1_2", ports, nil},
	{"alpine-3.18", "3.11.12", "musllinux_1_2", ports, nil},
	{"alpine-3.19", "3.11.14", "musllinux_1_2", ports, nil},
	{"alpine-3.20", "3.12.12", "musllinux_1_2", riscv, nil},
	{"alpine-3.21", "3.12.12", "musllinux_1_2", loongson, nil},
	{"alpine-3.22", "3.12.12", "musllinux_1_2", loongson, nil},
	{"alpine-3.23", "3.12.12", "musllinux_1_2", loongson, nil},
	{"alpine-3.24", "3.14.5", "musllinux_1_2", loongson, nil},
	// No distribution here: a Python that most projects publish wheels for, and
	// a macOS old enough that what it takes also runs on those in use.
	{"macos", "3.13", "macosx_14_0", "arm64 x86_64", nil},
	{"windows", "3.13", "win", "amd64 arm64 x86", nil},
}

func (d distribution) defaultArch() string {
	first, _, _ := strings.Cut(d.archs, " ")
	return first
}

// has reports whether the distribution is made for arch.
func (d distribution) has(arch string) bool { return contains(strings.Fields(d.archs), arch) }

// target makes the row's target for an architecture, "" being the default one.
func (d distribution) target(arch string) Target {
	t := Target{Name: d.name, Implementation: "cpython"}
	if arch == "" {
		arch = d.defaultArch()
	}
	if arch != d.defaultArch() {
		t.Name += "-" + archSuffix(arch)
	}
	p, err := parsePython(d.python)
	if err != nil {
		panic(err) // a row of our own table
	}
	t.Python, t.Platform = p.dotted(), joinArch(d.platform, arch)
	t.FullVersion = d.python
	if p.full == "" {
		t.FullVersion = last["cpython "+d.python][0]
	}
	return t
}

// Catalogue is the known distributions, macos and windows, each on its usual
// architecture, ordered by name.
func Catalogue() []Target {
	var out []Target
	for _, d := range distributions {
		out = append(out, d.target(""))
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Architectures are the words that may follow a name of the catalogue, such as
// "arm64" in "bookworm-arm64"; the one that is meant without any comes first. It
// is nil for other names.
func Architectures(name string) []string {
	d, ok := row(name)
	if !ok {
		return nil
	}
	var out []string
	for _, arch := range strings.Fields(d.archs) {
		out = append(out, archSuffix(arch))
	}
	return out
}

// Catalogued reports a name of the catalogue, with an architecture or without.
func Catalogued(name string) bool {
	_, ok, err := catalogued(name)
	return ok && err == nil
}
