package index

import (
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

const pipHelp = `Download Options:
  -c, --constraint <file>     Constrain versions using the given constraints
                              file (default none).

Package Index Options:
  -i, --index-url <url>       Base URL of the Python Package Index (default
                              https://mirror.index.example/simple). This should
                              point to a repository compliant with PEP 503.
  --extra-index-url <url>     Extra URLs of package indexes (default
                              https://wrong.example/).
`

func TestDefaultURL(t *testing.T) {
	const home = "/home/alice"
	for _, c := range []struct {
		name  string
		env   map[string]string
		files map[string]string
		run   map[string]string // command -> output; others are missing
		want  string            // or an error that begins with "!"
	}{
		{name: "ours first", env: map[string]string{"WHEELLOCK_INDEX_URL": "https://a.example/", "UV_DEFAULT_INDEX": "https://b.example/", "PIP_INDEX_URL": "https://d.example/"}, want: "https://a.example/"},
		{name: "uv's new", env: map[string]string{"UV_DEFAULT_INDEX": "corp=https://b.example/s?x=y", "UV_INDEX_URL": "https://c.example/", "PIP_INDEX_URL": "https://d.example/"}, want: "https://b.example/s?x=y"},
		{name: "uv's old", env: map[string]string{"UV_INDEX_URL": "https://c.example/", "PIP_INDEX_URL": "https://d.example/"}, want: "https://c.example/"},
		{name: "pip's", env: map[string]string{"PIP_INDEX_URL": " https://d.example/ "}, files: map[string]string{"/etc/pip.conf": "[global]\nindex-url=https://e.example"}, want: "https://d.example/"},
		{name: "machine's file", files: map[string]string{"/etc/pip.conf": "# x\n[global]\ncert = /x\nindex_url: https://e.example/simple \n"}, want: "https://e.example/simple"},
		{name: "user's file over the machine's", files: map[string]string{"/etc/pip.conf": "[global]\nindex-url=https://e.example", home + "/.pip/pip.conf": "[global]\nindex-url=https://f.example", home + "/.config/pip/pip.conf": "[global]\nindex-url=https://g.example"}, want: "https://g.example"},
		{name: "legacy file", files: map[string]string{home + "/.pip/pip.conf": "[global]\nindex-url =\n    https://f.example\n    https://ignored.example"}, want: "https://f.example"},
		{name: "XDG", env: map[string]string{"XDG_CONFIG_HOME": "/x"}, files: map[string]string{home + "/.config/pip/pip.conf": "[global]\nindex-url=https://g.example", "/x/pip/pip.conf": "[global]\nindex-url=https://h.example"}, want: "https://h.example"},
		{name: "virtual environment", env: map[string]string{"VIRTUAL_ENV": "/venv"}, files: map[string]string{"/venv/pip.conf": "[global]\nindex-url=https://v.example", home + "/.config/pip/pip.conf": "[global]\nindex-url=https://g.example"}, want: "https://v.example"},
		{name: "install goes before global, whatever the file", env: map[string]string{"PIP_CONFIG_FILE": "/own"}, files: map[string]string{"/etc/pip.conf": "[install]\nindex-url=https://e.example", "/own": "[global]\nindex-url=https://o.example"}, want: "https://e.example"},
		{name: "own file", env: map[string]string{"PIP_CONFIG_FILE": "/own"}, files: map[string]string{"/etc/pip.conf": "[global]\nindex-url=https://e.example", "/own": "[global]\nindex-url=https://o.example"}, want: "https://o.example"},
		{name: "files off", env: map[string]string{"PIP_CONFIG_FILE": os.DevNull}, files: map[string]string{"/etc/pip.conf": "[global]\nindex-url=https://e.example"}, run: map[string]string{"python3": pipHelp}, want: "https://mirror.index.example/simple"},
		{name: "other sections", files: map[string]string{"/etc/pip.conf": "[download]\nindex-url=https://e.example\n[list]\nindex-url=https://e2.example"}, run: map[string]string{"python3": pipHelp}, want: "https://mirror.index.example/simple"},
		{name: "pip where python3 has none", run: map[string]string{"pip": pipHelp}, want: "https://mirror.index.example/simple"},
		{name: "narrow terminal", run: map[string]string{"python3": "  -i, --index-url <url>  Base (default\n                       https://my-\n                       host.exa\n                       mple/simple). This"}, want: "https://my-host.example/simple"},
		{name: "help without a default", run: map[string]string{"python3": "  -i, --index-url <url>  Base\n  --extra-index-url <url>  Extra (default https://wrong.example)"}, want: "!no package index is configured: python3 -m pip help download: its help names no default index"},
		{name: "no pip at all", want: "!no package index is configured: python3 -m pip help download: not found"},
		{name: "nonsense", env: map[string]string{"PIP_INDEX_URL": "index.example/simple"}, want: "!index address in PIP_INDEX_URL: want https://HOST/PATH"},
		{name: "nonsense with a password", env: map[string]string{"PIP_INDEX_URL": "ftp://alice:hunter2@index.example/simple"}, want: "!index address in PIP_INDEX_URL: want https://HOST/PATH, got \"ftp://index.example/simple\""},
		{name: "a folder", env: map[string]string{"WHEELLOCK_INDEX_URL": "/srv/index"}, want: "/srv/index"},
		{name: "password is kept", env: map[string]string{"PIP_INDEX_URL": "https://alice:hunter2@index.example/simple"}, want: "https://alice:hunter2@index.example/simple"},
	} {
		got, err := DefaultURL(context.Background(), Env{
			Home:   home,
			Getenv: func(name string) string { return c.env[name] },
			ReadFile: func(path string) ([]byte, error) {
				if text, ok := c.files[path]; ok {
					return []byte(text), nil
				}
				return nil, os.ErrNotExist
			},
			Run: func(_ context.Context, name string, args ...string) ([]byte, error) {
				if out, ok := c.run[name]; ok && strings.HasSuffix(strings.Join(args, " "), "help download") {
					return []byte(out), nil
				}
				return nil, errors.New("not found")
			},
		})
		if err != nil {
			got = "!" + err.Error()
		}
		if got != c.want && !(strings.HasPrefix(c.want, "!") && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if strings.HasPrefix(got, "!") && strings.Contains(got, "hunter2") {
			t.Errorf("%s: shows the password: %s", c.name, got)
		}
	}
}

func TestExtraIndexes(t *testing.T) {
	files := map[string]string{"/etc/pip.conf": "[global]\nextra-index-url =\n    https://alice:hunter2@a.example/simple\n    https://b.example/simple\n[install]\nindex-url = https://c.example\n"}
	env := map[string]string{"UV_INDEX": "corp=https://alice:hunter2@u.example/simple https://v.example"}
	got := ExtraIndexes(Env{
		Getenv: func(name string) string { return env[name] },
		ReadFile: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		},
	})
	want := map[string][]string{
		"/etc/pip.conf": {"https://a.example/simple", "https://b.example/simple"},
		"UV_INDEX":      {"https://u.example/simple", "https://v.example"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}
