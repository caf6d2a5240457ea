package build

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
)

// A database is what dpkg knows of a file system (/var/lib/dpkg: the file status,
// and in info a list of files a package).
type database struct {
	root string // "" for this machine

	once     sync.Once
	versions map[string]string // package to version, installed ones
	err      error
}

// databases by root; packages come and go seldom enough for one reading a process.
var databases sync.Map

func dpkg(root string) *database {
	d, _ := databases.LoadOrStore(root, &database{root: root})
	return d.(*database)
}

func (d *database) path(parts ...string) string {
	return filepath.Join(append([]string{d.root, "/var/lib/dpkg"}, parts...)...)
}

// read reads the file status once.
func (d *database) read() error {
	d.once.Do(func() {
		d.versions = map[string]string{}
		f, err := os.Open(d.path("status"))
		if err != nil {
			d.err = err
			return
		}
		defer f.Close()
		s := bufio.NewScanner(f)
		s.Buffer(nil, 1<<20)
		field := map[string]string{}
		end := func() {
			if strings.HasSuffix(field["Status"], " installed") && field["Package"] != "" {
				d.versions[field["Package"]] = field["Version"]
			}
			clear(field)
		}
		for s.Scan() {
			line := s.Text()
			if line == "" {
				end()
			} else if k, v, ok := strings.Cut(line, ": "); ok && line[0] != ' ' {
				field[k] = v
			}
		}
		end()
		d.err = s.Err()
	})
	return d.err
}

// all lists every installed package as "NAME VERSION", sorted.
func (d *database) all() []string {
	if d.read() != nil {
		return nil
	}
	var out []string
	for p, v := range d.versions {
		out = append(out, p+" "+v)
	}
	sort.Strings(out)
	return out
}

// owners finds the packages that the files belong to, as "NAME VERSION", sorted.
// Files that no package brought are left out.
func (d *database) owners(files []string) []string {
	if len(files) == 0 || d.read() != nil {
		return nil
	}
	want := map[string]bool{}
	for _, f := range files {
		want[f] = true
		if rest, ok := strings.CutPrefix(f, "/usr/"); ok {
			want["/"+rest] = true // packages from before the folders were merged
		}
	}
	lists, _ := filepath.Glob(d.path("info", "*.list"))
	var out []string
	for _, list := range lists {
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(list), ".list"), ":")
		if v, ok := d.versions[name]; ok && names(list, want) {
			out = append(out, name+" "+v)
		}
	}
	sort.Strings(out)
	return out
}

// names reports whether a list has a wanted file.
func names(list string, want map[string]bool) bool {
	b, err := os.ReadFile(list)
	if err != nil {
		return false
	}
	for line := range bytes.Lines(b) {
		if want[string(bytes.TrimRight(line, "\n"))] {
			return true
		}
	}
	return false
}
