package tags

import (
	"strconv"
	"strings"
)

// maxPlatformVersion bounds each number of a platform, so that a hostile target
// (manylinux_2_999999999_x86_64) cannot ask for a list without end.
const maxPlatformVersion = 255

// platform is a platform tag understood: {"linux", "glibc", 2, 36, "x86_64"},
// {"macos", "", 14, 0, "arm64"}, {"windows", "", 0, 0, "amd64"}. What is not
// understood has an empty os.
type platform struct {
	os, libc     string
	major, minor int
	arch         string
}

// legacy are the names of manylinux before PEP 600, with the glibc 2.x they mean.
var legacy = []struct {
	name  string
	minor int
}{{"manylinux2014", 17}, {"manylinux2010", 12}, {"manylinux1", 5}}

// parsePlatform reads a platform tag. "any" and tags of other systems give the
// zero platform.
func parsePlatform(s string) platform {
	if arch, ok := strings.CutPrefix(s, "linux_"); ok && arch != "" {
		return platform{os: "linux", arch: arch}
	}
	for _, l := range legacy {
		if arch, ok := strings.CutPrefix(s, l.name+"_"); ok && arch != "" {
			return platform{"linux", "glibc", 2, l.minor, arch}
		}
	}
	for _, f := range []struct{ prefix, os, libc string }{
		{"manylinux_", "linux", "glibc"},
		{"musllinux_", "linux", "musl"},
		{"macosx_", "macos", ""},
	} {
		if rest, ok := strings.CutPrefix(s, f.prefix); ok {
			return versioned(f.os, f.libc, rest)
		}
	}
	if s == "win32" {
		return platform{os: "windows", arch: "x86"}
	}
	if arch, ok := strings.CutPrefix(s, "win_"); ok && arch != "" {
		return platform{os: "windows", arch: arch}
	}
	return platform{}
}

// versioned reads "2_36_x86_64".
func versioned(os, libc, rest string) platform {
	f := strings.SplitN(rest, "_", 3)
	if len(f) != 3 || f[2] == "" {
		return platform{}
	}
	major, ok1 := number(f[0])
	minor, ok2 := number(f[1])
	if !ok1 || !ok2 {
		return platform{}
	}
	return platform{os, libc, major, minor, f[2]}
}

// number reads a small decimal without leading zeros.
func number(s string) (int, bool) {
	if s == "" || len(s) > 1 && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n <= maxPlatformVersion
}

// String is the platform's tag, in PEP 600's form.
func (p platform) String() string {
	v := strconv.Itoa(p.major) + "_" + strconv.Itoa(p.minor) + "_" + p.arch
	switch {
	case p.libc == "glibc":
		return "manylinux_" + v
	case p.libc == "musl":
		return "musllinux_" + v
	case p.os == "macos":
		return "macosx_" + v
	case p.os == "linux":
		return "linux_" + p.arch
	case p.os == "windows" && p.arch == "x86":
		return "win32"
	case p.os == "windows":
		return "win_" + p.arch
	}
	return ""
}

// tags are the platform tags that the platform takes, best first.
func (p platform) tags() []string {
	switch {
	case p.os == "macos":
		return macTags(p)
	case p.os == "linux":
		return linuxTags(p)
	}
	return []string{p.String()}
}

func linuxTags(p platform) []string {
	archs := []string{p.arch}
	if p.arch == "armv8l" {
		// A 32-bit userland on a 64-bit ARM: it runs what is made for ARMv7.
		archs = append(archs, "armv7l")
	}
	var out []string
	for _, arch := range archs {
		switch p.libc {
		case "glibc":
			out = append(out, glibcTags(p.major, p.minor, arch)...)
		case "musl":
			for m := p.minor; m >= 0; m-- {
				out = append(out, platform{"linux", "musl", p.major, m, arch}.String())
			}
		}
	}
	for _, arch := range archs {
		out = append(out, "linux_"+arch)
	}
	return out
}

// glibcTags goes down to 2.5, which manylinux1 was made on, and to 2.17 on
// architectures that came with manylinux2014. Should there be a glibc 3, it is
// taken to run what 2.50 and older did, as PEP 600's reference does.
func glibcTags(major, minor int, arch string) []string {
	var out []string
	for ; major >= 2; major, minor = major-1, 50 {
		lowest := 0
		if major == 2 {
			lowest = 17
			if arch == "x86_64" || arch == "i686" {
				lowest = 5
			}
		}
		for m := minor; m >= lowest; m-- {
			out = append(out, platform{"linux", "glibc", major, m, arch}.String())
			for _, l := range legacy {
				if major == 2 && m == l.minor {
					out = append(out, l.name+"_"+arch)
				}
			}
		}
	}
	return out
}

// macTags knows two eras: up to 10.16 the minor number counted releases, from
// 11 on the major one does. An x86_64 system runs binaries of both; an arm64
// one only fat binaries that were marked with the older number of their x86_64
// half.
func macTags(p platform) []string {
	var out []string
	add := func(major, minor int, formats []string) {
		for _, f := range formats {
			out = append(out, platform{"macos", "", major, minor, f}.String())
		}
	}
	if p.major == 10 {
		for m := p.minor; m >= 0; m-- {
			add(10, m, macFormats(10, m, p.arch))
		}
		return out
	}
	for major := p.major; major > 10; major-- {
		add(major, 0, macFormats(major, 0, p.arch))
	}
	for m := 16; m >= 4; m-- {
		if p.arch == "x86_64" {
			add(10, m, macFormats(10, m, p.arch))
		} else {
			add(10, m, []string{"universal2"})
		}
	}
	return out
}

func macFormats(major, minor int, arch string) []string {
	switch arch {
	case "arm64":
		return []string{"arm64", "universal2"}
	case "x86_64", "i386":
		if major == 10 && minor < 4 {
			return nil
		}
		if arch == "i386" {
			return []string{"i386", "intel", "fat3", "fat", "universal"}
		}
		return []string{"x86_64", "intel", "fat64", "fat3", "universal2", "universal"}
	}
	return []string{arch}
}
