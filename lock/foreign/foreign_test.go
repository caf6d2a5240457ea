package foreign

import (
	"errors"
	"strings"
	"testing"
)

const digest = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// The same package, as each tool and format writes it.
func TestRead(t *testing.T) {
	for _, x := range []struct{ file, text string }{
		{"requirements.txt", "\xef\xbb\xbf# made by pip-compile\r\nApp[tls]==1.0 ; python_version < \"4\" \\\r\n    --hash=sha256:" + digest + "\r\n    # via -r x.in\r\n"},
		{"poetry.lock", "[[package]]\nname = \"App\"\nversion = \"1.0\"\ncategory = \"main\"\nmarker = 'python_version < \"4\"'\n[metadata]\nlock-version = \"1.1\"\n[metadata.files]\nApp = [{file = \"App-1.0.tar.gz\", hash = \"sha256:" + digest + "\"}]\n"},
		{"poetry.lock", "[[package]]\nname = \"App\"\nversion = \"1.0\"\ngroups = [\"main\", \"dev\"]\nmarkers = {main = 'python_version < \"4\"'}\nfiles = [{file = \"App-1.0.tar.gz\", hash = \"sha256:" + digest + "\"}]\n[metadata]\nlock-version = \"2.1\"\n"},
		{"Pipfile.lock", `{"_meta": {"pipfile-spec": 6, "sources": [{"url": "https://corp.example"}]}, "default": {"App": {"version": "==1.0", "markers": "python_version < \"4\"", "hashes": ["sha256:` + digest + `"]}}}`},
		{"pylock.toml", "lock-version = \"1.0\"\n[[packages]]\nname = \"App\"\nversion = \"1.0\"\nmarker = 'python_version < \"4\"'\nsdist = {name = \"App-1.0.tar.gz\", hashes = {sha256 = \"" + digest + "\"}}\n"},
	} {
		l, err := Read(x.file, []byte(x.text))
		if err != nil || len(l.Packages) != 1 {
			t.Errorf("%s: %+v, %v", x.file, l, err)
			continue
		}
		p := l.Packages[0]
		if p.Name != "App" || p.Version != "1.0" || p.Marker != `python_version < "4"` || !p.In("main") || len(p.Hashes()) != 1 || p.Hashes()[0] != digest {
			t.Errorf("%s: %+v", x.file, p)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, x := range []struct{ file, text, want string }{
		{"requirements.txt", "\xff\xfea\x00=\x00", "not UTF-8"},
		{"requirements.txt", "a==1 --hash=sha256:zz\n", "requirements.txt:1: "},
		{"requirements.txt", "a==1\n-r other.txt\n", "requirements.txt:2: it names another file"},
		{"poetry.lock", "[[package]\n", "poetry.lock:1: "},
		{"poetry.lock", "a = 1\n<<<<<<< HEAD\n", "merge conflict"},
		{"Pipfile.lock", "{\"_meta\": {\"pipfile-spec\": 5}}", "pipfile-spec is 5"},
		{"Pipfile.lock", "{\"default\": {}}", "no _meta"},
		{"Pipfile.lock", "{\"_meta\": {\"pipfile-spec\": 6}, \"default\": {\"a\": {\"version\": \"*\"}}}", "no locked version"},
		{"pylock.toml", "lock-version = \"2.0\"\n", "lock-version is \"2.0\""},
		{"setup.py", "x", "none of requirements.txt"},
		{"requirements.txt", strings.Repeat("x", MaxSize+1), "more than"},
	} {
		l, err := Read(x.file, []byte(x.text))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), x.want) || e.Hint == "" {
			t.Errorf("%s %.40q: %v, %v; want %s", x.file, x.text, l, err, x.want)
		}
	}
}
