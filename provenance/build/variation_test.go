package build

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/lock"
)

func TestParseVariations(t *testing.T) {
	const usual = VaryTime | VaryZone | VaryUser
	for list, want := range map[string]Variations{
		"time":            VaryTime,
		"path,hash-seed":  VaryPath | VaryHashSeed,
		"-user":           VaryTime | VaryZone,
		"+suite,-zone":    VaryTime | VaryUser | VarySuite,
		"all":             AllVariations,
		"all,-time,suite": AllVariations&^VaryTime | VarySuite,
		"none":            0,
		"time,-time":      0,
	} {
		if got, err := ParseVariations(list, usual); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", list, got, err, want)
		}
	}
	for _, bad := range []string{"", "clock", "time,", "--time", "+-time", "time zone", "+none", "Time"} {
		if got, err := ParseVariations(bad, usual); err == nil {
			t.Errorf("%q was read as %s", bad, got)
		}
	}
	for _, v := range append(AllVariations.Each(), AllVariations|VarySuite) {
		if got, err := ParseVariations(v.String(), 0); err != nil || got != v {
			t.Errorf("%s: got %s, %v", v, got, err)
		}
	}
	if got := (VaryZone | VaryLocale | VaryCPUs).Words(); got != "the time zone, the locale and the number of processors" {
		t.Errorf("words: %s", got)
	}
}

// facts is a backend that prints what it sees, a line a variation.
const facts = `
import os, pwd, socket, time
def build_wheel(out, config_settings=None, metadata_directory=None):
    print("fact path", os.getcwd())
    print("fact time", int(time.time()) // 10**6)
    print("fact zone", time.strftime("%Z"))
    print("fact locale", os.environ["LC_ALL"])
    print("fact umask", os.umask(0))
    print("fact hash-seed", hash("x"))
    print("fact host", socket.gethostname())
    print("fact user", os.getuid(), os.getgid(), pwd.getpwuid(os.getuid()).pw_name)
    print("fact home", os.path.expanduser("~"))
    print("fact file-order", os.listdir("many"))
    print("fact file-times", [os.stat(os.path.join("many", n)).st_mtime for n in sorted(os.listdir("many"))])
    print("fact cpus", len(os.sched_getaffinity(0)))
    raise SystemExit("seen")
`

// TestEachVariation: each shows where it should and nowhere else, and those that
// the recipe fixes do not show at all.
func TestEachVariation(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	j := w.job(release("ident", "3.2"))
	j.Sdist = sourceOf(t, facts, "many/one", "many/two", "many/three")
	j.Name, j.Version, j.Requires = "intruder", "1.0", nil
	j.Recipe = &lock.Recipe{
		Backend: "backend", BackendPath: []string{"."}, Python: w.here.Tag, Umask: "022", BuildPath: "/build/x",
		Epoch: &lock.Epoch{Value: 1234567890, From: "project"},
	}
	see := func(v Varied) map[string]string {
		t.Helper()
		j.Vary = v
		_, err := w.Build(t.Context(), j)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", v.Set, err)
		}
		seen := map[string]string{}
		for _, line := range strings.Split(string(e.Log), "\n") {
			if fact, ok := strings.CutPrefix(line, "fact "); ok {
				name, value, _ := strings.Cut(fact, " ")
				seen[name] = value
			}
		}
		return seen
	}
	plain := see(Varied{})
	if len(plain) != 12 {
		t.Fatalf("the build saw %v", plain)
	}
	set, not := w.Variations(t.Context(), j.Recipe, "")
	t.Logf("varied: %s; not: %v", set, not)
	if set&(VaryPath|VaryUmask|VaryFileTimes) != 0 || !set.Has(VaryZone|VaryHashSeed|VaryHost|VaryUser|VaryHome|VaryFileOrder) {
		t.Errorf("the recipe leaves open: %s", set)
	}
	if len(set.Each())+len(not) != len(AllVariations.Each()) {
		t.Errorf("neither varied nor said not to be: %s, %v", set, not)
	}
	for _, one := range set.Each() {
		for name, value := range see(Varied{Set: one, Round: 1}) {
			if (value != plain[name]) != (name == one.String()) {
				t.Errorf("varying %s: %s is %s, was %s", one, name, value, plain[name])
			}
		}
	}
	j.Recipe.Epoch, j.Recipe.Env = nil, map[string]string{"LC_ALL": "C.UTF-8", "HOME": "/tmp"}
	if set, _ := w.Variations(t.Context(), j.Recipe, ""); set&(VaryZone|VaryLocale|VaryHome) != 0 {
		t.Errorf("the recipe leaves open: %s", set)
	}
}

// TestOtherLocales: they are others, and stay where they were made.
func TestOtherLocales(t *testing.T) {
	cache := t.TempDir()
	list := OtherLocales(t.Context(), cache)
	if len(list) == 0 {
		t.Skip("neither locales nor localedef's sources here")
	}
	for _, l := range list {
		if strings.HasPrefix(l.Name, "C.") || strings.HasPrefix(l.Name, "en") {
			t.Errorf("%s is no other language", l.Name)
		}
		if _, err := os.Stat(filepath.Join(l.Path, l.Name)); l.Path != "" && err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "locale", ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func varied(round int) Variations {
	if round == 0 {
		return 0
	}
	return AllVariations &^ (VaryPath | VaryUmask | VaryFileTimes)
}
