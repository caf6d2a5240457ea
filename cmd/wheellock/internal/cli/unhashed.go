package cli

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
)

// hashFiles gives each file that is to be locked and for which its page says no
// sha256 the one that it has now: a folder behind a plain web server is an index
// too (PEP 503 asks for hashes, but demands none). From then on it may not
// change. The notes name what was locked so.
func (s *session) hashFiles(ctx context.Context, client *index.Client, sol *resolve.Solution) ([]string, error) {
	all := slices.Clone(sol.Targets)
	for _, v := range sol.Variants {
		all = append(all, v.Targets...)
	}
	var notes []string
	var g errgroup.Group
	g.SetLimit(8)
	for _, t := range all {
		for i := range t.Pins {
			for _, f := range s.bare(&t.Pins[i]) {
				notes = append(notes, fmt.Sprintf("%s: its index gives no sha256, so the file that it gave now is locked", f.Name))
				g.Go(func() (err error) {
					*f, err = client.Hashed(ctx, *f)
					return err
				})
			}
		}
	}
	slices.Sort(notes)
	return slices.Compact(notes), g.Wait()
}

// bare are the files of a pin without a sha256 that the lock will name: of the
// wheels of a version those that are taken, or were compared with before.
func (s *session) bare(p *resolve.Pin) (files []*index.File) {
	named := map[string]bool{}
	if p.Wheel != nil {
		named[p.Wheel.Name] = true
	}
	if s.locked != nil {
		for _, was := range s.locked.Packages {
			for _, u := range was.Upstream {
				named[u.Name] = true
			}
		}
	}
	add := func(f *index.File) {
		if f != nil && f.SHA256 == "" {
			files = append(files, f)
		}
	}
	add(p.Wheel)
	add(p.Sdist)
	for i := range p.Wheels {
		if named[p.Wheels[i].Name] {
			add(&p.Wheels[i])
		}
	}
	return files
}
