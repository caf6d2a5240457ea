package tags

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reference answers questions with Python's packaging itself.
const reference = `
import json, sys
from packaging import tags, utils

def version(s):
    return tuple(map(int, s.split(".")))

def tag_list(q):
    v, plats = version(q["python"]), q["platforms"]
    if q["mac"]:
        plats = list(tags.mac_platforms(tuple(q["mac"]), q["arch"]))
    if q["impl"] == "pypy":
        interp = "pp%d%d" % v
        out = list(tags.generic_tags(interp, [q["abi"]], plats))
    else:
        interp = "cp%d%d" % v
        out = list(tags.cpython_tags(v, [q["abi"]], plats))
    out += tags.compatible_tags(v, interp, plats)
    return [str(t) for t in out]

def linux(q):
    # The list of a machine, from the functions that look at the machine.
    from packaging import _manylinux, _musllinux
    _manylinux._have_compatible_abi = lambda *a: True
    _manylinux._get_glibc_version = lambda: _manylinux._GLibCVersion(*q["glibc"])
    _manylinux._get_manylinux_module = lambda: None
    _musllinux._get_musl_version = lambda *a: _musllinux._MuslVersion(*q["musl"]) if q["musl"] else None
    m = _musllinux if q["musl"] else _manylinux
    return list(m.platform_tags(q["archs"]))

def wheel(s):
    try:
        n, v, b, t = utils.parse_wheel_filename(s)
    except (ValueError, OverflowError):
        return None
    return [n, str(v), str(b[0]) if b else "", b[1] if b else "", sorted(map(str, t))]

def sdist(s):
    try:
        n, v = utils.parse_sdist_filename(s)
    except ValueError:
        return None
    return [n, str(v)]

def tag(s):
    try:
        return sorted(map(str, tags.parse_tag(s)))
    except ValueError:
        return None

kinds = {"tags": tag_list, "linux": linux, "wheel": wheel, "sdist": sdist, "tag": tag}
json.dump([kinds[k](q) for k, q in json.load(sys.stdin)], sys.stdout)
`

// ask runs the reference over questions, each a pair of kind and argument, and
// decodes its answers.
func ask(t *testing.T, questions [][2]any, answers any) {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_PACKAGING")
	if dir == "" {
		t.Skip("no Python packaging to compare with: set WHEELLOCK_PACKAGING to a folder that holds it")
	}
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", reference)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+dir)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running the reference: %v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(out, answers); err != nil {
		t.Fatal(err)
	}
}

func TestReferenceTags(t *testing.T) {
	type query struct {
		Python    string   `json:"python"`
		Impl      string   `json:"impl"`
		ABI       string   `json:"abi"`
		Platforms []string `json:"platforms"`
		Mac       []int    `json:"mac"`
		Arch      string   `json:"arch"`
	}
	var targets []Target
	for _, py := range []string{"2.7", "3.5", "3.6", "3.7", "3.8", "3.10", "3.13", "3.13t", "3.14", "3.15", "3.15t", "pypy3.10", "pypy2.7"} {
		for _, plat := range []string{
			"manylinux_2_23_x86_64", "manylinux_2_17_i686", "manylinux_2_36_aarch64", "manylinux_2_31_armv7l",
			"manylinux_2_28_ppc64le", "manylinux_2_17_s390x", "manylinux_2_39_riscv64", "manylinux_2_5_x86_64", "manylinux_2_4_x86_64",
			"manylinux_2_16_aarch64", "manylinux_3_1_x86_64", "musllinux_1_1_i686", "musllinux_1_2_armv7l",
			"macosx_10_4_x86_64", "macosx_10_9_x86_64", "macosx_11_0_arm64", "macosx_13_2_x86_64", "macosx_26_0_arm64",
			"win32", "win_amd64", "win_arm64", "linux_x86_64",
		} {
			target, err := Lookup(py + "@" + plat)
			if err != nil {
				t.Fatal(err)
			}
			targets = append(targets, target)
		}
	}
	var questions [][2]any
	for _, target := range targets {
		p, _ := target.python()
		pl := parsePlatform(target.Platform)
		q := query{p.dotted(), p.impl, target.ABITag(), pl.tags(), nil, pl.arch}
		if pl.os == "macos" {
			q.Mac = []int{pl.major, pl.minor}
		}
		questions = append(questions, [2]any{"tags", q})
	}
	var answers [][]string
	ask(t, questions, &answers)
	for i, want := range answers {
		if d := cmp.Diff(want, tagStrings(targets[i].Tags())); d != "" {
			t.Errorf("%s: (-want +got)\n%s", targets[i].Name, d)
		}
	}
	t.Logf("%d targets", len(answers))
}

func TestReferenceLinuxPlatforms(t *testing.T) {
	type query struct {
		Glibc []int    `json:"glibc"`
		Musl  []int    `json:"musl"`
		Archs []string `json:"archs"`
	}
	var plats []platform
	var questions [][2]any
	for _, arch := range []string{"x86_64", "i686", "aarch64", "armv7l", "armv8l", "ppc64le", "s390x", "riscv64", "loongarch64"} {
		for _, v := range [][2]int{{2, 4}, {2, 5}, {2, 11}, {2, 12}, {2, 16}, {2, 17}, {2, 41}, {3, 0}, {3, 2}} {
			plats = append(plats, platform{"linux", "glibc", v[0], v[1], arch})
		}
		for _, v := range [][2]int{{1, 0}, {1, 1}, {1, 2}, {2, 0}} {
			plats = append(plats, platform{"linux", "musl", v[0], v[1], arch})
		}
	}
	for _, p := range plats {
		q := query{Archs: []string{p.arch}}
		if p.arch == "armv8l" {
			q.Archs = append(q.Archs, "armv7l")
		}
		if p.libc == "musl" {
			q.Musl = []int{p.major, p.minor}
		} else {
			q.Glibc = []int{p.major, p.minor}
		}
		questions = append(questions, [2]any{"linux", q})
	}
	var answers [][]string
	ask(t, questions, &answers)
	for i, want := range answers {
		var got []string
		for _, s := range plats[i].tags() {
			if !strings.HasPrefix(s, "linux_") {
				got = append(got, s)
			}
		}
		if d := cmp.Diff(append([]string(nil), want...), got); d != "" {
			t.Errorf("%+v: (-want +got)\n%s", plats[i], d)
		}
	}
}

// mutate makes n file names out of good ones by small damage.
func mutate(seeds []string, n int) []string {
	rnd := rand.New(rand.NewSource(427))
	pieces := []string{"-", "--", ".", "..", "_", "__", "0", "1", "1!", "+", "a", "A", "é", "²", "٣", " ", "\t", "py3", "-1", "-1b", "rc1", "any", "İ", "/", "\u00a0", "\u0345", "中", "cp312", "none", ".whl", ".tar.gz", ".zip", ".ZIP"}
	out := append([]string(nil), seeds...)
	for i := 0; i < n; i++ {
		r := []rune(seeds[rnd.Intn(len(seeds))])
		for k := rnd.Intn(3) + 1; k > 0; k-- {
			at := rnd.Intn(len(r) + 1)
			switch rnd.Intn(3) {
			case 0:
				r = append(r[:at:at], append([]rune(pieces[rnd.Intn(len(pieces))]), r[at:]...)...)
			case 1:
				if at < len(r) {
					r = append(r[:at:at], r[at+1:]...)
				}
			case 2:
				if at < len(r) {
					r = append(r[:at:at], append([]rune(pieces[rnd.Intn(len(pieces))]), r[at+1:]...)...)
				}
			}
		}
		out = append(out, string(r))
	}
	return out
}

var wheelSeeds = []string{
	"foo-1.0-py3-none-any.whl", "Foo_Bar.baz-1!2.0rc1+l.1-007b-cp39.cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
	"a-0-1-py2.py3-none-any.whl", "zope.interface-6.2-cp312-cp312-macosx_11_0_arm64.whl", "x_y-1.0.post1-py3-none-win32.whl",
}

func TestReferenceFileNames(t *testing.T) {
	wheels := mutate(wheelSeeds, 20000)
	sdists := mutate([]string{"foo-1.0.tar.gz", "Foo.Bar-baz-1.0rc1+x.zip", "a-0.zip"}, 8000)
	sets := mutate([]string{"py3-none-any", "cp39.cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64", "sillywalk-none-t1"}, 8000)
	var questions [][2]any
	for _, w := range wheels {
		questions = append(questions, [2]any{"wheel", w})
	}
	for _, s := range sdists {
		questions = append(questions, [2]any{"sdist", s})
	}
	for _, s := range sets {
		questions = append(questions, [2]any{"tag", s})
	}
	var answers []json.RawMessage
	ask(t, questions, &answers)
	valid := 0
	for i, q := range questions {
		in, got := q[1].(string), any(nil)
		switch q[0] {
		case "wheel":
			if w, err := ParseWheelName(in); err == nil {
				n, rest := w.BuildTag()
				got = []any{w.Name, w.Version.String(), n, rest, sortedTags(w.Tags)}
			}
		case "sdist":
			if s, err := ParseSdistName(in); err == nil {
				got = []any{s.Name, s.Version.String()}
			}
		case "tag":
			if tags, err := ParseTags(in); err == nil {
				got = sortedTags(tags)
			}
		}
		var want any
		if err := json.Unmarshal(answers[i], &want); err != nil {
			t.Fatal(err)
		}
		if want != nil {
			valid++
		}
		g, w := fmt.Sprint(got), fmt.Sprint(want)
		if g != w {
			t.Errorf("%s %q: %s, want %s", q[0], in, g, w)
		}
	}
	t.Logf("%d names, %d of them valid", len(questions), valid)
}
