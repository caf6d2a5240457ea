package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/schema"
)

// maxOrder bounds the file of a work order; that of 500 packages has 2 MB.
const maxOrder = 64 << 20

// readOrder reads what status -o wrote on another machine.
func (a *app) readOrder(name string) (*workorder.Order, error) {
	data, err := readCapped(a.path(name), maxOrder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, invalid("write it with wheellock status -o order.json, where the builds are missing, and bring it here", "there is no %s", name)
	}
	if err != nil {
		return nil, fileError("reading "+name, err)
	}
	if err := schema.Validate("status", data); err != nil {
		return nil, invalid("write it with wheellock status -o order.json, where the builds are missing", "%s is no work order: %v", name, err)
	}
	var o workorder.Order
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, invalid("write it with wheellock status -o order.json", "%s: %v", name, err)
	}
	return &o, nil
}

// ordered selects what an order asks of another machine and nobody has done since.
func (s *session) ordered(name string) (jobs []*rebuild.Job, unplanned []rebuild.Failure, err error) {
	o, err := s.readOrder(name)
	if err != nil {
		return nil, nil, err
	}
	all, none := rebuild.Select(s.locked, rebuild.Selection{})
	for _, w := range o.Elsewhere() {
		row := s.rowOf(w)
		if row == nil {
			return nil, nil, finding("fetch the lock that it was written for (git pull), or write it anew where it comes from: wheellock status -o "+filepath.Base(name),
				"%s asks for %s %s for %s, which %s does not lock so", name, w.Package, w.Version, strings.Join(w.Targets, ", "), lock.FileName)
		}
		if !row.Missing() && row.SHA256 != w.SHA256 {
			continue // built meanwhile
		}
		for _, j := range all {
			if j.Package.Name == w.Package && j.Package.Version == w.Version && j.Row.Name == row.Name && slices.Equal(j.Row.Targets, row.Targets) {
				jobs = append(jobs, j)
			}
		}
		for _, f := range none {
			if f.Package == w.Package && f.Version == w.Version && slices.Equal(f.Targets, w.Targets) {
				unplanned = append(unplanned, f)
			}
		}
	}
	return jobs, unplanned, nil
}

// rowOf finds the locked row that serves an order's targets.
func (s *session) rowOf(w workorder.Wanted) *lock.Wheel {
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		if p.Name != w.Package || p.Version != w.Version || p.Group == lock.GroupBuild {
			continue
		}
		for k := range p.Wheels {
			if slices.Equal(s.locked.WheelTargets(p, &p.Wheels[k]), w.Targets) {
				return &p.Wheels[k]
			}
		}
	}
	return nil
}

// files are the project's files that a build may write, by path below its folder,
// with size and time.
func (s *session) files() map[string]string {
	out := map[string]string{}
	note := func(path string, d fs.DirEntry) {
		if info, err := d.Info(); err == nil && !d.IsDir() {
			if rel, err := filepath.Rel(s.dir, path); err == nil {
				out[filepath.ToSlash(rel)] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	for _, root := range []string{filepath.Join(s.dir, lock.FileName), filepath.Join(s.dir, proofFile), s.house().Path("")} {
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == ".state" {
				return fs.SkipDir // the log's own, which may be lost
			}
			if err == nil {
				note(path, d)
			}
			return nil
		})
	}
	return out
}

// changed lists the files that are new or other than before.
func (s *session) changed(before map[string]string) []string {
	var out []string
	for path, is := range s.files() {
		if before[path] != is {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// printFiles says what has to come back to where the order was written.
func (r *buildRun) printFiles(files []string) {
	if len(files) == 0 {
		return
	}
	fmt.Fprintln(r.Out, "Carry back, by git or by hand to the same places:")
	for _, f := range files {
		fmt.Fprintf(r.Out, "  %s\n", term.Clean(f))
	}
	fmt.Fprintln(r.Out)
}
