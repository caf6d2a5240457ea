package dropin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/tags"
)

// shared is the folder of other projects' data.
func shared(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	dir = filepath.Join(dir, "testdata", "securedrop")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no testdata of other projects here; set WHEELLOCK_SHARED")
	}
	return dir
}

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// inputs are the files of one case.
func inputs(t *testing.T, dir string) (name string, requirements, pyproject, sums []byte) {
	t.Helper()
	name = "requirements.txt"
	if _, err := os.Stat(filepath.Join(dir, "inputs", name)); err != nil {
		name, pyproject = "poetry.lock", read(t, dir, "inputs", "pyproject.toml")
	}
	return name, read(t, dir, "inputs", name), pyproject, read(t, dir, "sha256sums.txt")
}

func cases(t *testing.T, kind string, atLeast int) []string {
	t.Helper()
	dirs, _ := filepath.Glob(filepath.Join(shared(t), "cases", kind, "*"))
	if len(dirs) < atLeast {
		t.Fatalf("%d cases of %s, want at least %d", len(dirs), kind, atLeast)
	}
	return dirs
}

func TestRegenerate(t *testing.T) {
	for _, dir := range cases(t, "regenerate", 6) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			name, requirements, pyproject, sums := inputs(t, dir)
			got, err := BuildRequirements(name, requirements, pyproject, sums)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(read(t, dir, "expected", "build-requirements.txt")), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	for _, dir := range cases(t, "missing", 5) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			name, requirements, pyproject, sums := inputs(t, dir)
			_, err := BuildRequirements(name, requirements, pyproject, sums)
			want := "The following dependent wheel(s) are missing:\n" + strings.TrimRight(string(read(t, dir, "expected", "missing.txt")), "\n")
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			if _, err := Strict(name, requirements, pyproject, sums, nil); err == nil {
				t.Error("the strict mode misses nothing")
			} else {
				t.Log("strict:", err)
			}
		})
	}
}

const (
	a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	b = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	c = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
)

func sums(lines ...string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

// Each row is one thing that their script gets wrong: what it writes, and what is
// written here.
func TestStrict(t *testing.T) {
	bookworm, err := tags.Lookup("bookworm")
	if err != nil {
		t.Fatal(err)
	}
	const project = "[project]\ndependencies = [\"app\"]\n"
	for _, x := range []struct {
		name, file, text string
		sums             []byte
		target           *tags.Target
		theirs, ours     string // ours: the text, or a part of the error
		fails            bool
	}{
		{"a prefix is no version", "requirements.txt", "app==1.1\n",
			sums(a+"  app-1.1-py3-none-any.whl", b+"  app-1.10-py3-none-any.whl"), nil,
			"app==1.1 --hash=sha256:" + a + " --hash=sha256:" + b + "\n", "app==1.1 --hash=sha256:" + a + "\n", false},
		{"a prefix is no wheel", "requirements.txt", "app==1.1\n", sums(b + "  app-1.10-py3-none-any.whl"), nil,
			"app==1.1 --hash=sha256:" + b + "\n", "missing:\napp==1.1", true},
		{"what a later package needs", "poetry.lock", poetry("aaa", "bbb = \"*\"", "") + poetry("app", "aaa = \"*\"", "") + poetry("bbb", "", ""),
			sums(a+"  aaa-1-py3-none-any.whl", b+"  app-1-py3-none-any.whl", c+"  bbb-1-py3-none-any.whl"), nil,
			"aaa==1 --hash=sha256:" + a + "\napp==1 --hash=sha256:" + b + "\n",
			"aaa==1 --hash=sha256:" + a + "\napp==1 --hash=sha256:" + b + "\nbbb==1 --hash=sha256:" + c + "\n", false},
		{"a marker that does not hold", "requirements.txt", "app==1\nwin==2 ; sys_platform == \"win32\"\n",
			sums(a+"  app-1-py3-none-any.whl", b+"  win-2-py3-none-any.whl"), &bookworm,
			"app==1 --hash=sha256:" + a + "\nwin==2 --hash=sha256:" + b + "\n", "app==1 --hash=sha256:" + a + "\n", false},
		{"a marker without a target stays", "requirements.txt", "app==1 ; python_version < \"3.9\"\n", sums(a + "  app-1-py3-none-any.whl"), nil,
			"app==1 --hash=sha256:" + a + "\n", "app==1 ; python_version < \"3.9\" --hash=sha256:" + a + "\n", false},
		{"a marker on a dependency", "poetry.lock", poetry("app", "old = {version = \"*\", markers = \"python_version < '3.8'\"}", "") + poetry("old", "", ""),
			sums(a+"  app-1-py3-none-any.whl", b+"  old-1-py3-none-any.whl"), &bookworm,
			"app==1 --hash=sha256:" + a + "\nold==1 --hash=sha256:" + b + "\n", "app==1 --hash=sha256:" + a + "\n", false},
		{"a .zip source that is not the one locked", "requirements.txt", "app==1 --hash=sha256:" + c + "\n",
			sums(a+"  app-1-py3-none-any.whl", b+"  app-1.zip"), nil,
			"app==1 --hash=sha256:" + a + "\n", "app-1.zip (line 2 of the list) is not the source that is locked", true},
		{"a .zip source that is", "requirements.txt", "app==1 --hash=sha256:" + b + "\n",
			sums(a+"  app-1-py3-none-any.whl", b+"  app-1.zip"), nil,
			"app==1 --hash=sha256:" + a + "\n", "app==1 --hash=sha256:" + a + "\n", false},
		{"two wheels by one line", "requirements.txt", "app==1\n",
			sums(a+"  App-1-py3-none-any.whl", b+"  app-1-py3-none-any.whl"), &bookworm,
			"app==1 --hash=sha256:" + a + " --hash=sha256:" + b + "\n", "would authorise 2 wheels: App-1-py3-none-any.whl (line 1), app-1-py3-none-any.whl (line 2)", true},
		{"two wheels of which one fits", "requirements.txt", "app==1\n",
			sums(a+"  app-1-cp39-cp39-linux_x86_64.whl", b+"  app-1-cp311-cp311-linux_x86_64.whl"), &bookworm,
			"app==1 --hash=sha256:" + a + " --hash=sha256:" + b + "\n", "app==1 --hash=sha256:" + b + "\n", false},
	} {
		t.Run(x.name, func(t *testing.T) {
			theirs, err := BuildRequirements(x.file, []byte(x.text), []byte(project), x.sums)
			if err != nil || string(theirs) != x.theirs {
				t.Errorf("their way: %s%v, want %s", theirs, err, x.theirs)
			}
			got, err := Strict(x.file, []byte(x.text), []byte(project), x.sums, x.target)
			switch {
			case x.fails && (err == nil || !strings.Contains(err.Error(), x.ours)):
				t.Errorf("got %v, want %s", err, x.ours)
			case !x.fails && err != nil:
				t.Error(err)
			case !x.fails && string(got.Content) != x.ours:
				t.Errorf("got %s, want %s", got.Content, x.ours)
			}
		})
	}
}

func poetry(name, needs, markers string) string {
	s := "[[package]]\nname = \"" + name + "\"\nversion = \"1\"\nfiles = []\n"
	if markers != "" {
		s += "markers = '" + markers + "'\n"
	}
	if needs != "" {
		s += "[package.dependencies]\n" + needs + "\n"
	}
	return s
}

// What is right by both rules is the same text; where their line authorises the
// wheels of two targets, each target's text has one of them.
func TestStrictAgrees(t *testing.T) {
	bookworm, err := tags.Lookup("bookworm")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range cases(t, "regenerate", 6) {
		name, requirements, pyproject, sums := inputs(t, dir)
		want := string(read(t, dir, "expected", "build-requirements.txt"))
		got, err := Strict(name, requirements, pyproject, sums, nil)
		var strict *StrictError
		if errors.As(err, &strict) {
			if got, err = Strict(name, requirements, pyproject, sums, &bookworm); err != nil {
				t.Errorf("%s: %v", filepath.Base(dir), err)
				continue
			}
			// Its first hash is that of cp311 in each of these.
			lines := strings.SplitAfter(want, "\n")
			for i, l := range lines {
				if f := strings.Fields(l); len(f) > 2 {
					lines[i] = f[0] + " " + f[1] + "\n"
				}
			}
			want = strings.Join(lines, "")
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(dir), err)
		} else if diff := cmp.Diff(want, string(got.Content)); diff != "" {
			t.Errorf("%s: %s", filepath.Base(dir), diff)
		}
	}
}

func TestParseListRefuses(t *testing.T) {
	for _, s := range []string{
		"zz  app-1.whl\n", a + " app-1.whl\n", a + "  ../app-1.whl\n", a + "  /app-1.whl\n", a + "  app\x1b-1.whl\n",
		a + "  app-1.whl\n" + b + "  app-1.whl\n", "\xff\xfea\x00",
	} {
		if got, err := ParseList([]byte(s)); !errors.Is(err, ErrList) {
			t.Errorf("%q gave %v, %v", s, got, err)
		}
	}
	got, err := ParseList([]byte("\xef\xbb\xbf# No files\r\n\r\n" + strings.ToUpper(a) + " *./App-1.whl\r\n"))
	if err != nil || len(got) != 1 || got[0] != (Entry{"App-1.whl", a, 3}) {
		t.Errorf("got %v, %v", got, err)
	}
}
