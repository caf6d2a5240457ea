package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The commands of the repository itself: they are named in README.md, and run.
func TestReadmeCommands(t *testing.T) {
	named := regexp.MustCompile(`(?m)^(scripts/[a-z]+|\.ci/[a-z]+)`).FindAllString(read(t, "README.md"), -1)
	for _, want := range []string{"scripts/try", "scripts/test"} {
		if !slices.Contains(named, want) {
			t.Errorf("README.md does not show %s", want)
		}
	}
	for _, name := range append(named, ".ci/run") {
		checkScript(t, name)
	}
	if !strings.Contains(read(t, ".ci/run"), "scripts/test") {
		t.Error(".ci/run does not call the test command of README.md")
	}
}

func checkScript(t *testing.T, name string) {
	t.Helper()
	info, err := os.Stat(filepath.Join(root(), name))
	if err != nil {
		t.Error(err)
		return
	}
	if info.Mode()&0o111 != 0o111 {
		t.Errorf("%s is not executable", name)
	}
	var first string
	for _, line := range strings.SplitAfter(read(t, name), "\n")[1:] {
		if !strings.HasPrefix(line, "#") {
			first = line
			break
		}
	}
	if first != "set -euo pipefail\n" {
		t.Errorf("%s does not begin with set -euo pipefail but with %q", name, first)
	}
	if out, err := exec.Command("bash", "-n", filepath.Join(root(), name)).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

// wheellock builds the program once.
func wheellock(t *testing.T) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "wheellock")
	if _, errs, err := command("go", "build", "-o", exe, "./cmd/wheellock"); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	return exe
}

var (
	helpVerb = regexp.MustCompile(`(?m)^  ([a-z-]+) +\S`)
	verbRow  = regexp.MustCompile("(?m)^\\| `([a-z-]+)[^`]*` \\|")
	usage    = regexp.MustCompile("wheellock(?: [^\\s()\"|&>`]+)+")
	flag     = regexp.MustCompile(` (--?[a-zA-Z][a-z-]*)`)
)

// README.md lists the verbs that exist, all of them and no others, and shows no
// flag that its verb does not know.
func TestReadmeVerbs(t *testing.T) {
	exe := wheellock(t)
	help := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(exe, append(args, "--help")...).CombinedOutput()
		if err != nil {
			t.Errorf("wheellock %s --help: %v", strings.Join(args, " "), err)
		}
		return string(out)
	}
	text := read(t, "README.md")
	_, list, _ := strings.Cut(help(), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	exist, listed := map[string]bool{}, map[string]bool{}
	for _, m := range helpVerb.FindAllStringSubmatch(list, -1) {
		exist[m[1]] = true
	}
	for _, m := range verbRow.FindAllStringSubmatch(text, -1) {
		listed[m[1]] = true
	}
	if len(exist) < 10 {
		t.Fatalf("wheellock --help lists %d verbs", len(exist))
	}
	for v := range exist {
		if !listed[v] && v != "help" {
			t.Errorf("README.md does not list the verb %s", v)
		}
	}
	for v := range listed {
		if !exist[v] {
			t.Errorf("README.md lists %s, which is no verb", v)
		}
	}
	checked := 0
	for _, line := range usage.FindAllString(text, -1) {
		words := strings.Fields(line)
		if len(words) < 2 || !exist[words[1]] {
			continue
		}
		page := help(words[1])
		if len(words) > 2 && regexp.MustCompile(`(?m)^  `+words[2]+` {2,}\S`).MatchString(page) {
			page = help(words[1], words[2])
		}
		for _, f := range flag.FindAllStringSubmatch(line, -1) {
			checked++
			if !regexp.MustCompile(`(?m)^ *(-\w, )?`+f[1]+`\b`).MatchString(page) && !strings.Contains(page, "  "+f[1]+", ") {
				t.Errorf("README.md: %q: the verb has no flag %s", line, f[1])
			}
		}
	}
	if checked < 3 {
		t.Errorf("only %d flags were seen in README.md: the pattern is wrong", checked)
	}
}

// The lock of this project's own tools is what its inputs ask for.
func TestOwnLock(t *testing.T) {
	cmd := exec.Command(wheellock(t), "lock", "--check")
	cmd.Dir = root()
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
