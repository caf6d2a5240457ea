package tags

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// reference answers questions with Python's packaging itself.
const reference = `
import hashlib, json, sys
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
    out = [str(t) for t in out]
    # Thousands of lists of thousands of tags: the one that differs is asked
    # for again in full.
    return out if q["whole"] else [hashlib.sha256("\n".join(out).encode()).hexdigest()]

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

// tagQuery is a target as the functions of the reference want it.
type tagQuery struct {
	Python    string   `json:"python"`
	Impl      string   `json:"impl"`
	ABI       string   `json:"abi"`
	Platforms []string `json:"platforms"`
	Mac       []int    `json:"mac"`
	Arch      string   `json:"arch"`
	Whole     bool     `json:"whole"`
}

func queryOf(target Target) tagQuery {
	p, _ := target.python()
	pl := parsePlatform(target.Platform)
	q := tagQuery{Python: p.dotted(), Impl: p.impl, ABI: target.ABITag(), Arch: pl.arch}
	if pl.os == "macos" {
		q.Mac = []int{pl.major, pl.minor}
	} else {
		q.Platforms = pl.tags() // compared on their own, in TestReferenceLinuxPlatforms
	}
	return q
}

// everyTarget is the catalogue on each of its architectures, and each Python on
// each kind of platform.
func everyTarget(t *testing.T) []Target {
	t.Helper()
	var names []string
	for _, d := range Catalogue() {
		for _, arch := range Architectures(d.Name) {
			names = append(names, d.Name+"-"+arch)
		}
	}
	var platforms []string
	for _, arch := range manylinuxArchs {
		for _, minor := range []int{36, 43} {
			platforms = append(platforms, fmt.Sprintf("manylinux_2_%d_%s", minor, arch))
		}
		platforms = append(platforms, "musllinux_1_1_"+arch, "musllinux_1_2_"+arch)
	}
	for _, v := range []string{"10_4", "10_9", "10_12", "10_15", "10_16", "11_0", "12_0", "13_2", "14_0", "15_0", "26_0", "27_0"} {
		platforms = append(platforms, "macosx_"+v+"_x86_64")
		if v >= "11" {
			platforms = append(platforms, "macosx_"+v+"_arm64")
		}
	}
	platforms = append(platforms, "macosx_10_6_i386", "win32", "win_amd64", "win_arm64", "linux_x86_64", "linux_armv6l", "musllinux_1_2_armv6l",
		"manylinux_2_4_x86_64", "manylinux_2_5_i686", "manylinux_2_17_x86_64", "manylinux_2_16_aarch64", "manylinux_2_17_ppc64le", "manylinux_3_1_x86_64")
	pythons := []string{"2.7", "3.2", "3.3", "3.13t", "3.14t", "3.15t", "3.16t", "3.16", "pypy2.7", "pypy3.11.17"}
	for minor := 5; minor <= 15; minor++ {
		pythons = append(pythons, fmt.Sprintf("3.%d", minor))
	}
	for minor := 6; minor <= 12; minor++ {
		pythons = append(pythons, fmt.Sprintf("pypy3.%d", minor))
	}
	for _, py := range pythons {
		for _, plat := range platforms {
			p, err := parsePython(py)
			if err != nil {
				t.Fatal(err)
			}
			if p.runsOn(parsePlatform(plat)) == nil {
				names = append(names, py+"@"+plat)
			}
		}
	}
	var targets []Target
	for _, name := range names {
		target, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, target)
	}
	return targets
}

// Every target takes the reference's tags in the reference's order.
func TestReferenceTags(t *testing.T) {
	targets := everyTarget(t)
	var questions [][2]any
	for _, target := range targets {
		questions = append(questions, [2]any{"tags", queryOf(target)})
	}
	var answers [][]string
	ask(t, questions, &answers)
	for i, want := range answers {
		got := tagStrings(targets[i].Tags())
		sum := sha256.Sum256([]byte(strings.Join(got, "\n")))
		if want[0] == hex.EncodeToString(sum[:]) {
			continue
		}
		q := queryOf(targets[i])
		q.Whole = true
		var whole [][]string
		ask(t, [][2]any{{"tags", q}}, &whole)
		t.Fatalf("%s: (-want +got)\n%s", targets[i].Name, cmp.Diff(whole[0], got))
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
	for _, arch := range []string{"x86_64", "i686", "aarch64", "armv7l", "armv8l", "armv6l", "ppc64", "ppc64le", "s390x", "riscv64", "loongarch64"} {
		for _, v := range [][2]int{{2, 4}, {2, 5}, {2, 11}, {2, 12}, {2, 16}, {2, 17}, {2, 23}, {2, 27}, {2, 28}, {2, 31}, {2, 35}, {2, 36}, {2, 39}, {2, 41}, {2, 43}, {3, 0}, {3, 2}} {
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
	seed := int64(427)
	if s := os.Getenv("WHEELLOCK_SEED"); s != "" {
		seed, _ = strconv.ParseInt(s, 10, 64)
	}
	rnd := rand.New(rand.NewSource(seed))
	pieces := []string{"-", "--", ".", "..", "_", "__", "0", "1", "1!", "+", "a", "A", "é", "²", "٣", " ", "\t", "py3", "-1", "-1b", "rc1", "any", "İ", "/", "\u00a0", "\u0345", "中", "cp312", "none", "007", "1a", "a1", "1_b", "9999999999999999999999", "abi3.abi3t", "\u0661", "\uff11", "ß", "K", "\n", "\x00", "+l", "1.0.0-1", "v1", "1.*", ".dev1", ".whl", ".tar.gz", ".zip", ".ZIP"}
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
		if q[0] != "tag" && strings.ContainsFunc(in, unicode.IsControl) {
			want = nil // refused here on purpose
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
