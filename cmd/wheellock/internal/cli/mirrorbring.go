package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
)

// A wanted file is one that the policy has the wheelhouse carry.
type wantedFile struct {
	project, name, hash, rel string
	pkg                      *lock.Package // of a wheel; nil: a source
	targets                  []string
}

// bringIn fetches, by hash from any index, the published files that the policy
// has the wheelhouse carry and that are not in it: nothing else would put a wheel
// there that nobody builds. What is there with other bytes is left for sign and
// verify to name. It returns the paths that are new.
func (s *session) bringIn(ctx context.Context) ([]string, error) {
	lib := s.library(ctx)
	var added []string
	list := s.carried()
	paths := make([]string, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, f := range list {
		_, err := os.Lstat(s.house().Path(f.rel))
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		added = append(added, f.rel)
		g.Go(func() (err error) {
			paths[i], err = lib.get(ctx, f.project, f.name, f.hash)
			if err != nil || f.pkg == nil {
				return err
			}
			if why, err := rebuild.Unlocked(s.locked, f.pkg, paths[i], f.targets); err != nil {
				return err
			} else if why != "" {
				return finding(rebuild.UnlockedHint, "%s", why)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, f := range list {
		if paths[i] == "" {
			continue
		}
		if err := s.house().Put(paths[i], f.rel, f.hash, false); err != nil {
			return nil, err
		}
	}
	return added, nil
}

// carried lists the published wheels that the policy has the wheelhouse carry, and
// the sources of those that were built.
func (s *session) carried() []wantedFile {
	var out []wantedFile
	seen := map[string]bool{}
	add := func(f wantedFile) {
		if !seen[f.rel] && f.hash != "" {
			seen[f.rel] = true
			out = append(out, f)
		}
	}
	policy := s.project.Config.Policy.Mirror
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		if p.Group == lock.GroupBuild || policy == "none" {
			continue
		}
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if w.Origin == lock.OriginBuilt {
				if p.Sdist != nil && !w.Missing() {
					add(wantedFile{p.Name, p.Sdist.Name, p.Sdist.SHA256, mirror.Sdist(p.Sdist.Name), nil, nil})
				}
				continue
			}
			for _, t := range s.locked.WheelTargets(p, w) {
				if policy == "all" {
					add(wantedFile{p.Name, w.Name, w.SHA256, mirror.Wheel(w.Name, t), p, []string{t}})
				}
			}
		}
	}
	return out
}
