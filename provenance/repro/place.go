package repro

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/build"
)

// A place is where a run's copy lies, as the command sees it.
type place struct{ parent, name string }

func (p place) dir() string { return filepath.Join(p.parent, p.name) }

// placeOf: another path is also longer, and has another last part.
func placeOf(root, name string, v build.Varied) place {
	if !v.Set.Has(build.VaryPath) {
		return place{filepath.Join(root, "build"), name}
	}
	n := max(v.Round, 1)
	return place{filepath.Join(root, fmt.Sprintf("build-%d/some/where/else", n)), fmt.Sprintf("%s-%d", name, n)}
}

// A cell is one run's sandbox.
type cell struct {
	*job
	varied build.Varied
	at     place
	work   string // folder of this machine that holds the copy
	tmp    string // folder that becomes /tmp
	files  string // folder for files shown in place of the machine's
	root   string // tree shown in place of this machine's; "" for its own
}

// never are the parts of the root folder that a run has its own of, or none.
var never = []string{"proc", "dev", "run", "tmp", "sys", "build", "lost+found"}

// bubblewrap is the command line before the command's own.
func (c *cell) bubblewrap(vars map[string]string) ([]string, error) {
	a := []string{c.Bwrap, "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"}
	if c.Network {
		a = append(a, "--share-net")
	}
	uid, gid := os.Getuid(), os.Getgid()
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	if c.varied.Set.Has(build.VaryUser) {
		uid, gid = c.varied.UserID(), c.varied.UserID()
	}
	if c.varied.Set.Has(build.VaryHost) {
		host = c.varied.HostName()
	}
	a = append(a, "--uid", fmt.Sprint(uid), "--gid", fmt.Sprint(gid), "--cap-drop", "ALL", "--hostname", host)
	if a, err = c.bindRoot(a); err != nil {
		return nil, err
	}
	a = append(a, "--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--tmpfs", "/run", "--bind", c.tmp, "/tmp")
	if c.root == "" {
		a = append(a, "--ro-bind-try", "/sys", "/sys")
	}
	if c.Network {
		for _, d := range []string{"/run/systemd/resolve", "/run/resolvconf"} {
			a = append(a, "--ro-bind-try", d, d)
		}
	}
	a = c.bindBelowTemp(a, vars["PATH"])
	for _, h := range c.Hide {
		if info, err := os.Lstat(h); err == nil && c.root == "" {
			if info.IsDir() {
				a = append(a, "--tmpfs", h)
			} else if info.Mode().IsRegular() {
				a = append(a, "--ro-bind", "/dev/null", h)
			}
		}
	}
	a = append(a, "--bind", c.work, c.at.parent)
	if a, err = c.bindFiles(a, host, uid, gid); err != nil {
		return nil, err
	}
	for _, k := range sortedKeys(vars) {
		a = append(a, "--setenv", k, vars[k])
	}
	return append(a, "--remount-ro", "/", "--chdir", c.at.dir(), "--"), nil
}

// bindRoot shows the root folder's parts read-only; the root itself is a new one, so
// that paths can be made in it.
func (c *cell) bindRoot(a []string) ([]string, error) {
	list, err := os.ReadDir(c.root + "/")
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		from, to := filepath.Join(c.root, "/", e.Name()), "/"+e.Name()
		switch {
		case slices.Contains(never, e.Name()):
		case e.Type()&os.ModeSymlink != 0:
			if link, err := os.Readlink(from); err == nil {
				a = append(a, "--symlink", link, to)
			}
		case e.IsDir() || e.Type().IsRegular():
			a = append(a, "--ro-bind-try", from, to)
		}
	}
	return a, nil
}

// bindBelowTemp shows again what lies below /tmp and /run and is needed: what PATH
// names, locales, and the working folder itself, for tools with absolute paths.
func (c *cell) bindBelowTemp(a []string, path string) []string {
	done := map[string]bool{}
	need := append(filepath.SplitList(path), c.Dir)
	for _, l := range c.locales {
		need = append(need, l.Path)
	}
	for _, d := range need {
		below := strings.HasPrefix(d, "/tmp/") || strings.HasPrefix(d, "/run/")
		if info, err := os.Stat(d); !below || done[d] || err != nil || !info.IsDir() {
			continue
		}
		done[d] = true
		a = append(a, "--ro-bind", d, d)
	}
	return a
}

// bindFiles shows files that name the machine, the user and its processors.
func (c *cell) bindFiles(a []string, host string, uid, gid int) ([]string, error) {
	show := func(name, text string) error {
		if _, err := os.Stat(c.root + name); err != nil {
			return nil
		}
		path := filepath.Join(c.files, strings.ReplaceAll(name[1:], "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
		a = append(a, "--ro-bind", path, name)
		return nil
	}
	if c.varied.Set.Has(build.VaryHost) {
		if err := show("/etc/hostname", host+"\n"); err != nil {
			return nil, err
		}
	}
	if c.varied.Set.Has(build.VaryUser) {
		name := c.varied.UserName()
		users, _ := os.ReadFile(c.root + "/etc/passwd")
		groups, _ := os.ReadFile(c.root + "/etc/group")
		if err := show("/etc/passwd", fmt.Sprintf("%s%s:x:%d:%d:Some Body:/nonexistent:/bin/sh\n", users, name, uid, gid)); err != nil {
			return nil, err
		}
		if err := show("/etc/group", fmt.Sprintf("%s%s:x:%d:\n", groups, name, gid)); err != nil {
			return nil, err
		}
	}
	if c.varied.Set.Has(build.VaryCPUs) && c.root == "" {
		// The C library counts them here, whatever the process may use.
		if err := show("/sys/devices/system/cpu/online", fmt.Sprintln(firstCPU())); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// taskset is util-linux's program that pins a process to one processor.
const taskset = "/usr/bin/taskset"

// firstCPU is the first processor that this process may use, as the kernel lists them
// ("0-1", "2,4").
func firstCPU() int {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			first, _, _ := strings.Cut(strings.TrimSpace(list), ",")
			first, _, _ = strings.Cut(first, "-")
			if n, err := strconv.Atoi(first); err == nil {
				return n
			}
		}
	}
	return 0
}
