package tags

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromInterpreter(t *testing.T) {
	linux := Probe{Implementation: "cpython", FullVersion: "3.11.7", Platform: "linux-x86_64", Machine: "x86_64", Libc: "glibc", LibcVersion: "2.36", Bits: 64}
	with := func(change func(p *Probe)) Probe {
		p := linux
		change(&p)
		return p
	}
	for _, c := range []struct {
		probe Probe
		want  string
	}{
		{linux, "3.11.7@manylinux_2_36_x86_64 3.11.7 3.11.7 manylinux_2_36_x86_64 cp311"},
		{with(func(p *Probe) { p.FullVersion = "3.11.2" }), "bookworm 3.11 3.11.2 manylinux_2_36_x86_64 cp311"},
		{with(func(p *Probe) { p.FullVersion, p.Platform = "3.11.2", "linux-aarch64" }), "bookworm-arm64 3.11 3.11.2 manylinux_2_36_aarch64 cp311"},
		{with(func(p *Probe) { p.FullVersion = "3.12.0+" }), "3.12.0@manylinux_2_36_x86_64 3.12.0 3.12.0 manylinux_2_36_x86_64 cp312"},
		{with(func(p *Probe) { p.FullVersion = "3.15.0rc1" }), "3.15.0rc1@manylinux_2_36_x86_64 3.15.0rc1 3.15.0rc1 manylinux_2_36_x86_64 cp315"},
		{with(func(p *Probe) { p.FullVersion, p.FreeThreaded = "3.13.5", true }), "3.13.5t@manylinux_2_36_x86_64 3.13.5t 3.13.5 manylinux_2_36_x86_64 cp313t"},
		{with(func(p *Probe) { p.FullVersion, p.ABIFlags = "3.7.3", "dm" }), "3.7.3@manylinux_2_36_x86_64 3.7.3 3.7.3 manylinux_2_36_x86_64 cp37m"},
		{with(func(p *Probe) { p.FullVersion, p.ABIFlags = "2.7.18", "m" }), "2.7.18@manylinux_2_36_x86_64 2.7.18 2.7.18 manylinux_2_36_x86_64 cp27m"},
		{with(func(p *Probe) { p.Bits = 32 }), "3.11.7@manylinux_2_36_i686 3.11.7 3.11.7 manylinux_2_36_i686 cp311"},
		{with(func(p *Probe) { p.Platform, p.Bits = "linux-aarch64", 32 }), "3.11.7@manylinux_2_36_armv8l 3.11.7 3.11.7 manylinux_2_36_armv8l cp311"},
		{with(func(p *Probe) { p.Platform, p.Bits = "linux-armv6l", 32 }), "3.11.7@linux_armv6l 3.11.7 3.11.7 linux_armv6l cp311"},
		{with(func(p *Probe) { p.LibcVersion = "2.20-2014.11" }), "3.11.7@manylinux_2_20_x86_64 3.11.7 3.11.7 manylinux_2_20_x86_64 cp311"},
		{with(func(p *Probe) { p.Libc, p.LibcVersion = "musl", "1.2" }), "3.11.7@musllinux_1_2_x86_64 3.11.7 3.11.7 musllinux_1_2_x86_64 cp311"},
		{with(func(p *Probe) { p.Libc, p.LibcVersion = "", "" }), "3.11.7@linux_x86_64 3.11.7 3.11.7 linux_x86_64 cp311"},
		{Probe{Implementation: "pypy", ImplementationVersion: "7.3.17", FullVersion: "3.10.14", Platform: "linux-x86_64", Libc: "glibc", LibcVersion: "2.28", Bits: 64, SOABI: "pypy310-pp73-x86_64-linux-gnu"},
			"pypy3.10.14@manylinux_2_28_x86_64 3.10.14 3.10.14 manylinux_2_28_x86_64 pypy310_pp73"},
		{Probe{Implementation: "cpython", FullVersion: "3.12.7", Platform: "macosx-10.13-universal2", Machine: "arm64", MacOS: "14.6.1", Bits: 64},
			"3.12.7@macosx_14_0_arm64 3.12.7 3.12.7 macosx_14_0_arm64 cp312"},
		{Probe{Implementation: "cpython", FullVersion: "3.9.18", Platform: "macosx-10.9-x86_64", Machine: "x86_64", MacOS: "10.15.7", Bits: 64},
			"3.9.18@macosx_10_15_x86_64 3.9.18 3.9.18 macosx_10_15_x86_64 cp39"},
		{Probe{Implementation: "cpython", FullVersion: "3.13.1", Platform: "win-amd64", Machine: "AMD64", Bits: 64, FreeThreaded: true},
			"3.13.1t@win_amd64 3.13.1t 3.13.1 win_amd64 cp313t"},
		{Probe{Implementation: "cpython", FullVersion: "3.12.7", Platform: "win32", Bits: 32}, "3.12.7@win32 3.12.7 3.12.7 win32 cp312"},
		{Probe{Implementation: "jython", FullVersion: "2.7.3", Platform: "java"}, "neither cpython nor pypy"},
		{with(func(p *Probe) { p.Platform = "freebsd-14-amd64" }), "neither Linux, macOS nor Windows"},
		{with(func(p *Probe) { p.FullVersion = "three" }), "no Python version"},
		{with(func(p *Probe) { p.LibcVersion = "2.99999" }), "is no platform"},
		{with(func(p *Probe) { p.Platform = "linux-../x" }), "is no platform"},
	} {
		target, err := FromInterpreter(c.probe)
		got := strings.Join([]string{target.Name, target.Python, target.FullVersion, target.Platform, target.ABITag()}, " ")
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%+v:\n got %s\nwant %s", c.probe, got, c.want)
		}
	}
}

// interpreters are the Pythons of this machine, those of pyenv among them.
func interpreters() []string {
	names := []string{"python3", "python2.7", "pypy3", "/usr/bin/python3"}
	for minor := 5; minor <= 15; minor++ {
		names = append(names, fmt.Sprintf("python3.%d", minor))
	}
	names = append(names, "python3.13t", "python3.14t")
	home, _ := os.UserHomeDir()
	for _, root := range []string{os.Getenv("PYENV_ROOT"), filepath.Join(home, ".pyenv")} {
		if more, err := filepath.Glob(filepath.Join(root, "versions", "*", "bin", "python")); err == nil && root != "" {
			names = append(names, more...)
		}
	}
	var out []string
	seen := map[string]bool{}
	for _, name := range names {
		// Some of them are there only to say that they are not installed.
		real, err := exec.Command(name, "-c", "import sys; print(sys.executable)").Output()
		if err == nil && !seen[string(real)] {
			seen[string(real)] = true
			out = append(out, name)
		}
	}
	return out
}

func TestProbeScript(t *testing.T) {
	found := interpreters()
	if len(found) == 0 {
		t.Skip("no Python here to probe")
	}
	for _, name := range found {
		target := probe(t, name)
		if err := target.Check(); err != nil {
			t.Error(err)
		}
		if again, err := New(target.Name, target.Python, target.Platform, target.Implementation, target.ABI); err != nil || again.Tags()[0] != target.Tags()[0] {
			t.Errorf("%s: a lock's entry gives back %+v, %v; want %+v", name, again, err, target)
		}
		if libc, _, _ := target.Libc(); runtime.GOOS == "linux" && libc == "" {
			t.Errorf("%s: no libc found", name)
		}
		t.Logf("%s: %s (%s, %s)", name, target.Name, target.ABITag(), target.Tags()[0])
	}
}

func probe(t *testing.T, python string) Target {
	t.Helper()
	out, err := exec.Command(python, "-c", ProbeScript).Output()
	if err != nil {
		t.Fatalf("%s: %v", python, err)
	}
	var p Probe
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatalf("%s: %v in %s", python, err, out)
	}
	target, err := FromInterpreter(p)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// The target of a local interpreter takes what that interpreter's own packaging
// says, and has the environment that it says.
func TestReferenceInterpreter(t *testing.T) {
	dir := os.Getenv("WHEELLOCK_PACKAGING")
	if dir == "" {
		t.Skip("no Python packaging to compare with: set WHEELLOCK_PACKAGING to a folder that holds it")
	}
	const script = `import json
from packaging import markers, tags
print(json.dumps([list(dict.fromkeys(map(str, tags.sys_tags()))), markers.default_environment()]))`
	compared := 0
	for _, name := range interpreters() {
		cmd := exec.Command(name, "-c", script)
		cmd.Env = append(os.Environ(), "PYTHONPATH="+dir)
		out, err := cmd.Output()
		if err != nil {
			continue // packaging 26 needs Python 3.8, 21 runs on 3.6
		}
		var answer [2]json.RawMessage
		var want []string
		env := map[string]string{}
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(answer[0], &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(answer[1], &env); err != nil {
			t.Fatal(err)
		}
		target := probe(t, name)
		if d := cmp.Diff(linuxLast(want), linuxLast(tagStrings(target.Tags()))); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
		env["platform_release"], env["platform_version"] = "", ""
		if d := cmp.Diff(env, map[string]string(target.Environment())); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
		compared++
	}
	t.Logf("%d interpreters compared", compared)
}

func BenchmarkParseWheelName(b *testing.B) {
	for b.Loop() {
		if _, err := ParseWheelName("numpy-1.26.4-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBest(b *testing.B) {
	target, err := Lookup("bookworm")
	if err != nil {
		b.Fatal(err)
	}
	w, err := ParseWheelName("numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, ok := target.Best(w); !ok {
			b.Fatal("does not fit")
		}
	}
}

// linuxLast puts the tags of wheels that were built on the spot at the end:
// packaging up to 25 has them after manylinux, as pip builds the list for other
// machines and as ours is, packaging 26 before it.
func linuxLast(list []string) []string {
	var out, built []string
	for _, t := range list {
		if strings.Contains(t, "-linux_") {
			built = append(built, t)
		} else {
			out = append(out, t)
		}
	}
	return append(out, built...)
}
