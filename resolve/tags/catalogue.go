package tags

import "sort"

// distribution is a row of the catalogue: what the distribution's own python3
// package says, with its last update, and its C library.
type distribution struct {
	name, python, platform string // platform without architecture: "manylinux_2_36"
	arch                   string // the one that needs no suffix; "" is x86_64
	aliases                []string
}

var distributions = []distribution{
	{"xenial", "3.5.2", "manylinux_2_23", "", []string{"ubuntu-16.04"}},
	{"bionic", "3.6.9", "manylinux_2_27", "", []string{"ubuntu-18.04"}},
	{"focal", "3.8.10", "manylinux_2_31", "", []string{"ubuntu-20.04"}},
	{"jammy", "3.10.12", "manylinux_2_35", "", []string{"ubuntu-22.04"}},
	{"noble", "3.12.3", "manylinux_2_39", "", []string{"ubuntu-24.04"}},
	{"buster", "3.7.3", "manylinux_2_28", "", []string{"debian-10"}},
	{"bullseye", "3.9.2", "manylinux_2_31", "", []string{"debian-11"}},
	{"bookworm", "3.11.2", "manylinux_2_36", "", []string{"debian-12"}},
	{"trixie", "3.13.5", "manylinux_2_41", "", []string{"debian-13"}},
	{"alpine-3.10", "3.7.10", "musllinux_1_1", "", nil},
	{"alpine-3.11", "3.8.10", "musllinux_1_1", "", nil},
	{"alpine-3.12", "3.8.10", "musllinux_1_1", "", nil},
	{"alpine-3.13", "3.8.15", "musllinux_1_2", "", nil},
	{"alpine-3.14", "3.9.17", "musllinux_1_2", "", nil},
	{"alpine-3.15", "3.9.18", "musllinux_1_2", "", nil},
	{"alpine-3.16", "3.10.15", "musllinux_1_2", "", nil},
	{"alpine-3.17", "3.10.15", "musllinux_1_2", "", nil},
	{"alpine-3.18", "3.11.12", "musllinux_1_2", "", nil},
	{"alpine-3.19", "3.11.14", "musllinux_1_2", "", nil},
	{"alpine-3.20", "3.12.12", "musllinux_1_2", "", nil},
	{"alpine-3.21", "3.12.12", "musllinux_1_2", "", nil},
	{"alpine-3.22", "3.12.12", "musllinux_1_2", "", nil},
	{"alpine-3.23", "3.12.12", "musllinux_1_2", "", nil},
	// No distribution here: a Python that most projects publish wheels for, and
	// the oldest macOS that Apple still mends.
	{"macos", "3.13", "macosx_14_0", "arm64", nil},
	{"windows", "3.13", "win", "amd64", nil},
}

func (d distribution) defaultArch() string {
	if d.arch != "" {
		return d.arch
	}
	return "x86_64"
}

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
