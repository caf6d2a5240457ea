package archive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeWheel(t *testing.T, name string, parts []part) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, rawZip(parts, "", "", ""), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func scheme(dir string) Scheme {
	return Scheme{Purelib: dir + "/lib/site-packages", Scripts: dir + "/bin", Data: dir, Interpreter: "/usr/bin/python3.11"}
}

func TestInstall(t *testing.T) {
	parts := wheelParts(
		part{name: "foo/__init__.py", body: "x = 1\n"},
		part{name: "foo/tool", body: "bin", mode: 0o100775},
		part{name: "foo-1.0.data/scripts/old", body: "#!python\nprint(1)\n"},
		part{name: "foo-1.0.data/scripts/shell", body: "#!/bin/sh\n"},
		part{name: "foo-1.0.data/data/share/foo.txt", body: "data"},
		part{name: "foo-1.0.data/headers/foo.h", body: "int x;"},
		part{name: "foo-1.0.data/purelib/extra.py", body: "y"},
		part{name: "foo-1.0.dist-info/entry_points.txt", body: "[console_scripts]\nfoo = foo.cli:main.run [extra]\n\n[other]\nx = y\n"},
	)
	dir := t.TempDir()
	file := writeWheel(t, "foo-1.0-py3-none-any.whl", parts)
	if err := Install(file, scheme(dir)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		text string
		mode fs.FileMode
	}{
		"lib/site-packages/foo/__init__.py": {"x = 1\n", 0o644},
		"lib/site-packages/foo/tool":        {"bin", 0o755},
		"lib/site-packages/extra.py":        {"y", 0o644},
		"bin/old":                           {"#!/usr/bin/python3.11\nprint(1)\n", 0o755},
		"bin/shell":                         {"#!/bin/sh\n", 0o755},
		"share/foo.txt":                     {"data", 0o644},
		"include/site/foo/foo.h":            {"int x;", 0o644},
		"bin/foo":                           {"#!/usr/bin/python3.11\nimport sys\nfrom foo.cli import main\nif __name__ == \"__main__\":\n    sys.exit(main.run())\n", 0o755},
	} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		info, _ := os.Stat(filepath.Join(dir, name))
		if string(b) != want.text || info.Mode().Perm() != want.mode {
			t.Errorf("%s: %q %o, want %q %o", name, b, info.Mode().Perm(), want.text, want.mode)
		}
	}
	if err := Install(file, scheme(dir)); err != nil {
		t.Errorf("the same wheel again: %v", err)
	}
	other := writeWheel(t, "foo-1.0-py3-none-any.whl", wheelParts(part{name: "foo/__init__.py", body: "x = 2\n"}))
	if err := Install(other, scheme(dir)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("other bytes in the same place: %v", err)
	}
}

func TestInstallRefusals(t *testing.T) {
	bad := wheelParts(part{name: "a.py", body: "a"})
	bad[0].body = "b"
	for what, c := range map[string]struct {
		parts []part
		want  Kind
	}{
		"RECORD":        {bad, BadRecord},
		"unknown place": {wheelParts(part{name: "foo-1.0.data/boot/a", body: "a"}), BadField},
		"script path":   {wheelParts(part{name: "foo-1.0.dist-info/entry_points.txt", body: "[console_scripts]\n../../evil = a:b\n"}), BadField},
		"code":          {wheelParts(part{name: "foo-1.0.dist-info/entry_points.txt", body: "[console_scripts]\nfoo = a:b();evil\n"}), BadField},
		"script twice":  {wheelParts(part{name: "foo-1.0.dist-info/entry_points.txt", body: "[console_scripts]\nf = a:b\n[gui_scripts]\nf = a:c\n"}), BadField},
	} {
		err := Install(writeWheel(t, "foo-1.0-py3-none-any.whl", c.parts), scheme(t.TempDir()))
		if kindOf(err) != c.want {
			t.Errorf("%s: got %v, want %q", what, err, c.want)
		}
	}
	name := writeWheel(t, "bar-1.0-py3-none-any.whl", wheelParts())
	if _, err := OpenWheel(name, Read); kindOf(err) != NoDistInfo || !strings.Contains(err.Error(), "another package") {
		t.Errorf("another package's folder: %v", err)
	}
}
