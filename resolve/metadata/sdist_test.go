package metadata

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	newInfo = "Metadata-Version: 2.2\nName: a\nVersion: 1\nRequires-Dist: from-info\n"
	oldInfo = "Metadata-Version: 2.1\nName: a\nVersion: 1\n"
	project = "[project]\nname = 'a'\ndynamic = ['version']\ndependencies = ['from-project']\n"
)

func TestReadSdist(t *testing.T) {
	members := []member{
		{kind: tar.TypeXGlobalHeader},
		{name: "./"},
		{name: "./a-1/"},
		{name: "a-1/PKG-INFO", body: oldInfo},
		{name: "a-1/src/PKG-INFO", body: "other"},
		{name: "a-1/setup.py", body: "x"},
		{name: "a-1/setup.cfg", body: "cfg"},
		{name: "a-1/pyproject.toml", body: project},
		{name: "a-1/docs/link", kind: tar.TypeSymlink, link: "../src/PKG-INFO"},
		{name: "a-1/docs/hard", kind: tar.TypeLink, link: "a-1/setup.py"},
	}
	plain := tarOf(t, members...)
	for ext, data := range map[string][]byte{
		".tar": plain, ".tar.gz": gzipOf(t, plain), ".tgz": gzipOf(t, plain), ".zip": zipOf(t, members[3:9]...),
	} {
		s, err := ReadSdist(bytes.NewBuffer(data), ext)
		if err != nil {
			t.Errorf("%s: %v", ext, err)
			continue
		}
		if s.Root != "a-1" || string(s.PKGInfo) != oldInfo || string(s.PyProject) != project || string(s.SetupCfg) != "cfg" || !s.HasSetupPy {
			t.Errorf("%s: %+v", ext, s)
		}
	}
	// A zip in a file is read in place.
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, zipOf(t, members[3:6]...), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if s, err := ReadSdist(f, ".zip"); err != nil || s.PyProject != nil || string(s.PKGInfo) != oldInfo {
		t.Errorf("zip in a file: %+v, %v", s, err)
	}
}

func TestReadSdistRefuses(t *testing.T) {
	info := member{name: "a-1/PKG-INFO", body: newInfo}
	for _, c := range []struct {
		what    string
		members []member
		want    string
	}{
		{"nothing", nil, "empty"},
		{"parent", []member{info, {name: "a-1/../../x"}}, "leads out"},
		{"parent that stays inside", []member{info, {name: "a-1/b/../c"}}, "leads out"},
		{"absolute", []member{{name: "/etc/passwd"}}, "leads out"},
		{"drive", []member{{name: "C:x"}}, "leads out"},
		{"backslash", []member{info, {name: `a-1\..\x`}}, "leads out"},
		{"long name", []member{info, {name: "a-1/" + strings.Repeat("x/", MaxPath/2)}}, "leads out"},
		{"two roots", []member{info, {name: "b-1/setup.py"}}, "two top folders"},
		{"no root", []member{{name: "setup.py", body: "x"}}, "not in a top folder"},
		{"twice", []member{info, info}, "stands twice"},
		{"twice by another spelling", []member{info, {name: "a-1/./PKG-INFO", body: "x"}}, "stands twice"},
		{"linked", []member{{name: "a-1/PKG-INFO", kind: tar.TypeSymlink, link: "x"}}, "not a plain file"},
		{"hard linked", []member{{name: "a-1/PKG-INFO", kind: tar.TypeLink, link: "a-1/x"}}, "not a plain file"},
		{"a folder", []member{{name: "a-1/PKG-INFO/"}}, "not a plain file"},
		{"link out", []member{info, {name: "a-1/x", kind: tar.TypeSymlink, link: "../../x"}}, "leads out of the top"},
		{"link to a neighbour", []member{info, {name: "a-1/x", kind: tar.TypeSymlink, link: "../a-12"}}, "leads out of the top"},
		{"absolute link", []member{info, {name: "a-1/x", kind: tar.TypeSymlink, link: "/a-1/x"}}, "leads out of the top"},
		{"hard link out", []member{info, {name: "a-1/x", kind: tar.TypeLink, link: "etc/passwd"}}, "leads out of the top"},
		{"pipe", []member{info, {name: "a-1/x", kind: tar.TypeFifo}}, "neither file"},
		{"device", []member{info, {name: "a-1/x", kind: tar.TypeChar}}, "neither file"},
		{"long", []member{{name: "a-1/pyproject.toml", body: strings.Repeat("#", MaxPyProject+1)}}, "longer than"},
	} {
		_, err := ReadSdist(bytes.NewReader(tarOf(t, c.members...)), ".tar")
		if !errors.Is(err, ErrSdist) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
		if len(c.members) == 0 || strings.Contains(c.what, "hard") || strings.Contains("pipe device", c.what) {
			continue
		}
		_, err = ReadSdist(bytes.NewReader(zipOf(t, c.members...)), ".zip")
		if !errors.Is(err, ErrSdist) {
			t.Errorf("%s in a zip: %v, want %q", c.what, err, c.want)
		}
	}
	if _, err := ReadSdist(strings.NewReader("x"), ".tar.xz"); !errors.Is(err, ErrFormat) {
		t.Errorf("xz: %v", err)
	}
	whole := gzipOf(t, tarOf(t, info, member{name: "a-1/x", body: strings.Repeat("random?", 9999)}))
	for _, n := range []int{0, 5, len(whole) / 2, len(whole) - 9, len(whole) - 1} {
		if _, err := ReadSdist(bytes.NewReader(whole[:n]), ".tar.gz"); !errors.Is(err, ErrSdist) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

func TestStatic(t *testing.T) {
	for _, c := range []struct{ what, info, project, want string }{
		{"new PKG-INFO first", newInfo, project, "from-info 1"},
		{"no requirements, but new", "Metadata-Version: 2.4\nName: a\nVersion: 1\n", "", " 1"},
		{"old PKG-INFO says nothing", oldInfo, "", "-"},
		{"even with requirements", oldInfo + "Requires-Dist: b\n", "", "-"},
		{"then the project", oldInfo, project, "from-project 1"},
		{"project alone", "", project, "from-project "},
		{"dynamic", newInfo + "Dynamic: requires-dist\n", "", "-"},
		{"dynamic extras", newInfo + "Dynamic: Provides-Extra\n", "", "-"},
		{"dynamic python", newInfo + "Dynamic: Requires-Python\n", "", "-"},
		{"dynamic, with a project", newInfo + "Dynamic: Requires-Dist\n", project, "from-project 1"},
		{"other dynamic", newInfo + "Dynamic: License-File\n", "", "from-info 1"},
		{"both dynamic", newInfo + "Dynamic: Requires-Dist\n", strings.ReplaceAll(project, "'version'", "'version', 'dependencies'"), "-"},
		{"broken project", "", "[project", "-"},
		{"broken PKG-INFO", "x", project, "from-project "},
		{"nothing", "", "", "-"},
	} {
		m, ok := Sdist{PKGInfo: []byte(c.info), PyProject: []byte(c.project)}.Static()
		got := "-"
		if ok {
			got = strings.Join(requirements(m), ",") + " "
			if m.Version.IsValid() {
				got += m.Version.String()
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func FuzzReadSdist(f *testing.F) {
	f.Add(tarOf(f, member{name: "a-1/PKG-INFO", body: newInfo}, member{name: "a-1/l", kind: tar.TypeSymlink, link: "PKG-INFO"}), true)
	f.Add(zipOf(f, member{name: "a-1/PKG-INFO", body: newInfo}), false)
	f.Fuzz(func(t *testing.T, b []byte, isTar bool) {
		ext := ".zip"
		if isTar {
			ext = ".tar"
		}
		s, err := ReadSdist(bytes.NewReader(b), ext)
		if err == nil && (s.Root == "" || strings.Contains(s.Root, "/") || s.Root == "..") {
			t.Fatalf("root %q", s.Root)
		}
		s.Static()
	})
}
