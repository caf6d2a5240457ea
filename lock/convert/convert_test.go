package convert

import (
	"errors"
	"fmt"
	"testing"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
)

func hexOf(n int) string { return fmt.Sprintf("%064x", n) }

func sample() *lock.Lock {
	l := &lock.Lock{
		RequiresDigest: "sha256:" + hexOf(0),
		Targets: []lock.Target{
			{Name: "bookworm", Python: "3.11", Platform: "manylinux_2_36_x86_64"},
			{Name: "focal", Python: "3.8", Platform: "manylinux_2_31_x86_64"},
		},
		Packages: []lock.Package{
			{Name: "six", Version: "1.17.0", RequiresPython: ">=2.7", Wheels: []lock.Wheel{{Name: "six-1.17.0-py2.py3-none-any.whl", Origin: "upstream", Size: 11050, SHA256: hexOf(1)}}},
			{Name: "idna", Version: "3.15", Targets: []string{"focal"}, Wheels: []lock.Wheel{{Name: "idna-3.15-py3-none-any.whl", Origin: "upstream", SHA256: hexOf(2)}}},
			{Name: "idna", Version: "3.20", Targets: []string{"bookworm"}, Wheels: []lock.Wheel{{Name: "idna-3.20-py3-none-any.whl", Origin: "upstream", SHA256: hexOf(3)}}},
			{Name: "pytest", Version: "9.0", Targets: []string{"bookworm"}, Groups: []string{"dev", "test"}, Wheels: []lock.Wheel{{Name: "pytest-9.0-py3-none-any.whl", Origin: "upstream", SHA256: hexOf(4)}}},
			{Name: "setuptools", Version: "80.0", Group: lock.GroupBuild, Wheels: []lock.Wheel{{Name: "setuptools-80.0-py3-none-any.whl", Origin: "upstream", SHA256: hexOf(5)}}},
		},
	}
	l.Sort()
	return l
}

func TestRequirements(t *testing.T) {
	for _, tt := range []struct {
		target string
		names  map[string]bool
		want   string
	}{
		{"bookworm", nil, "idna==3.20 --hash=sha256:" + hexOf(3) + "\npytest==9.0 --hash=sha256:" + hexOf(4) + "\nsix==1.17.0 --hash=sha256:" + hexOf(1) + "\n"},
		{"bookworm", map[string]bool{"idna": true, "six": true}, "idna==3.20 --hash=sha256:" + hexOf(3) + "\nsix==1.17.0 --hash=sha256:" + hexOf(1) + "\n"},
		{"bookworm", map[string]bool{"pytest": true, "setuptools": true}, "pytest==9.0 --hash=sha256:" + hexOf(4) + "\n"},
		{"focal", nil, "idna==3.15 --hash=sha256:" + hexOf(2) + "\nsix==1.17.0 --hash=sha256:" + hexOf(1) + "\n"},
	} {
		got, err := Requirements(sample(), tt.target, Selection{Names: tt.names})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s %v: %s", tt.target, tt.names, diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	l := sample()
	var unknown *UnknownTargetError
	if _, err := Requirements(l, "xenial", Selection{}); !errors.As(err, &unknown) || !cmp.Equal(unknown.Locked, []string{"bookworm", "focal"}) || unknown.Hint() == "" {
		t.Errorf("%v", err)
	}
	if _, err := Pylock(l, "xenial", "dir", nil); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
	if _, err := Pylock(l, "", "", nil); !errors.Is(err, ErrNoFolder) {
		t.Errorf("%v", err)
	}
	for i := range l.Packages {
		if l.Packages[i].Name == "idna" {
			l.Packages[i].Wheels[0] = lock.Wheel{Name: l.Packages[i].Wheels[0].Name, Origin: "built"}
		}
	}
	var missing *MissingError
	if _, err := Requirements(l, "focal", Selection{}); !errors.As(err, &missing) || !cmp.Equal(missing.Wheels, []string{"idna 3.15"}) || missing.Hint() == "" {
		t.Errorf("%v", err)
	}
	if _, err := Pylock(l, "", "dir", nil); !errors.As(err, &missing) || !cmp.Equal(missing.Wheels, []string{"idna 3.15 on focal", "idna 3.20 on bookworm"}) {
		t.Errorf("%v", err)
	}
	l = sample()
	l.Targets = append(l.Targets, lock.Target{Name: "ubuntu", Python: "3.11", Platform: "manylinux_2_35_x86_64"})
	l.Packages = nil
	l.Sort()
	var same *AmbiguousError
	if _, err := Pylock(l, "", "dir", nil); !errors.As(err, &same) || same.A != "bookworm" || same.B != "ubuntu" {
		t.Errorf("%v", err)
	}
}

func TestPylock(t *testing.T) {
	got, err := Pylock(sample(), "", "out", nil)
	if err != nil {
		t.Fatal(err)
	}
	bookworm := "implementation_name == 'cpython' and python_version == '3.11' and sys_platform == 'linux' and platform_machine == 'x86_64'"
	focal := "implementation_name == 'cpython' and python_version == '3.8' and sys_platform == 'linux' and platform_machine == 'x86_64'"
	want := `lock-version = "1.0"
environments = ["` + bookworm + `", "` + focal + `"]
dependency-groups = ["dev", "test"]
created-by = "wheellock"

[[packages]]
name = "idna"
version = "3.15"
marker = "` + focal + `"
[[packages.wheels]]
name = "idna-3.15-py3-none-any.whl"
path = "./out/focal/idna-3.15-py3-none-any.whl"
hashes = { sha256 = "` + hexOf(2) + `" }

[[packages]]
name = "idna"
version = "3.20"
marker = "` + bookworm + `"
[[packages.wheels]]
name = "idna-3.20-py3-none-any.whl"
path = "./out/bookworm/idna-3.20-py3-none-any.whl"
hashes = { sha256 = "` + hexOf(3) + `" }

[[packages]]
name = "pytest"
version = "9.0"
marker = "(` + bookworm + `) and ('dev' in dependency_groups or 'test' in dependency_groups)"
[[packages.wheels]]
name = "pytest-9.0-py3-none-any.whl"
path = "./out/bookworm/pytest-9.0-py3-none-any.whl"
hashes = { sha256 = "` + hexOf(4) + `" }

[[packages]]
name = "six"
version = "1.17.0"
requires-python = ">=2.7"
[[packages.wheels]]
name = "six-1.17.0-py2.py3-none-any.whl"
path = "./out/bookworm/six-1.17.0-py2.py3-none-any.whl"
size = 11050
hashes = { sha256 = "` + hexOf(1) + `" }
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Fatal(diff)
	}
	var v map[string]any
	if err := toml.Unmarshal(got, &v); err != nil {
		t.Fatal(err)
	}
	one, err := Pylock(sample(), "focal", "/srv/wheels", nil)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Environments []string
		Packages     []struct {
			Name, Version, Marker string
			Wheels                []struct{ Path string }
		}
	}
	if err := toml.Unmarshal(one, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Packages) != 2 || p.Packages[0].Version != "3.15" || p.Packages[0].Marker != "" || p.Packages[0].Wheels[0].Path != "/srv/wheels/idna-3.15-py3-none-any.whl" {
		t.Errorf("%+v", p)
	}
}

func TestMarkers(t *testing.T) {
	for _, tt := range []struct {
		target lock.Target
		want   string
	}{
		{lock.Target{Python: "3.12.1", Platform: "musllinux_1_2_aarch64"}, "implementation_name == 'cpython' and python_version == '3.12' and sys_platform == 'linux' and platform_machine == 'aarch64'"},
		{lock.Target{Python: "3.13t", Platform: "win_amd64"}, "implementation_name == 'cpython' and python_version == '3.13' and sys_platform == 'win32' and platform_machine == 'AMD64'"},
		{lock.Target{Python: "3.10", Platform: "macosx_14_0_arm64", Implementation: "pypy"}, "implementation_name == 'pypy' and python_version == '3.10' and sys_platform == 'darwin' and platform_machine == 'arm64'"},
		{lock.Target{Python: "3.10", Platform: "manylinux2014_x86_64"}, "implementation_name == 'cpython' and python_version == '3.10' and sys_platform == 'linux' and platform_machine == 'x86_64'"},
		{lock.Target{Python: "3.10", Platform: "win32"}, "implementation_name == 'cpython' and python_version == '3.10' and sys_platform == 'win32' and platform_machine == 'x86'"},
	} {
		if got := markerOf(&tt.target); got != tt.want {
			t.Errorf("%+v: %s", tt.target, got)
		}
	}
}
