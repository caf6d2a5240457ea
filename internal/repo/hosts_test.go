package repo

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/resolve/index"
)

// forbiddenHosts are the public registries that this machine's tools are set up
// for, and where known the hosts that their pages refer to.
func forbiddenHosts(t *testing.T) []string {
	t.Helper()
	hosts := map[string]bool{}
	add := func(text string) {
		for _, address := range addresses.FindAllString(text, -1) {
			if u, err := url.Parse(address); err == nil && strings.Contains(u.Hostname(), ".") && !isExample(u.Hostname()) {
				hosts[strings.ToLower(u.Hostname())] = true
			}
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		// pip's own word only: an index set in the environment may be a mirror
		// that a developer runs for an afternoon.
		address, err := index.DefaultURL(context.Background(), index.Env{
			Getenv: func(string) string { return "" },
			Home:   home,
			Run: func(ctx context.Context, name string, args ...string) ([]byte, error) {
				return exec.CommandContext(ctx, name, args...).Output()
			},
		})
		if err == nil {
			add(address)
			add(fileHosts(t, address))
		}
	}
	if out, _, err := command("go", "env", "GOPROXY", "GOSUMDB"); err == nil {
		add(out)
		for _, line := range strings.Fields(out) {
			if !strings.Contains(line, "/") && strings.Contains(line, ".") {
				add("https://" + strings.Split(line, "+")[0])
			}
		}
	}
	sources, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, f := range append(sources, "/etc/apt/sources.list") {
		if b, err := os.ReadFile(f); err == nil {
			add(string(b))
		}
	}
	if out, _, err := command("npm", "config", "get", "registry"); err == nil {
		add(out)
	}
	return slices.Sorted(maps.Keys(hosts))
}

var addresses = regexp.MustCompile(`https?://[A-Za-z0-9.-]+`)

func isExample(host string) bool {
	return host == "example" || strings.HasSuffix(host, ".example") || strings.HasPrefix(host, "127.") || strings.HasSuffix(host, ".invalid")
}

// fileHosts asks the index itself where its files lie, where the network may be
// used.
func fileHosts(t *testing.T, address string) string {
	if os.Getenv("WHEELLOCK_NETWORK") != "1" {
		return ""
	}
	c, err := index.New(index.Options{URL: address, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.Page(t.Context(), "requests")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range page.Files {
		out = append(out, f.URL)
	}
	return strings.Join(out, "\n")
}

// Whose index a project takes its packages from is for its users to say: no
// public registry stands in a tracked file, not even as an example.
func TestNoRegistryHosts(t *testing.T) {
	hosts := forbiddenHosts(t)
	if len(hosts) == 0 {
		t.Skip("neither pip, go, apt nor npm says here which registries there are")
	}
	t.Logf("%d hosts are forbidden", len(hosts))
	for i, h := range hosts {
		hosts[i] = regexp.QuoteMeta(h)
	}
	grep(t, regexp.MustCompile(`(?i)(^|[^a-z0-9.-])((www|files)\.)?(`+strings.Join(hosts, "|")+`)($|[^a-z0-9-])`), "names a public registry")
}

// Paths of the machine that a file was written on help nobody else.
func TestNoMachinePaths(t *testing.T) {
	folders := map[string]bool{root(): true, filepath.Dir(root()): true}
	if home, err := os.UserHomeDir(); err == nil {
		folders[home] = true
	}
	// Not paths of a machine, but of all, or of the sandbox.
	for _, f := range []string{"/", os.TempDir(), "/tmp", "/build", "/source", "/env", "/usr", "/opt"} {
		delete(folders, f)
	}
	var names []string
	for f := range folders {
		names = append(names, regexp.QuoteMeta(f))
	}
	slices.Sort(names)
	grep(t, regexp.MustCompile(fmt.Sprintf(`(^|[^A-Za-z0-9_.}/$-])(%s)/`, strings.Join(names, "|"))), "holds a path of this machine")
}

// grep reports every line of a tracked file that matches.
func grep(t *testing.T, re *regexp.Regexp, what string) {
	t.Helper()
	for _, name := range tracked(t) {
		text := read(t, name)
		if !re.MatchString(text) {
			continue
		}
		for i, line := range strings.Split(text, "\n") {
			if re.MatchString(line) {
				t.Errorf("%s:%d %s: %.120q", name, i+1, what, line)
			}
		}
	}
}
