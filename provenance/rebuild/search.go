package rebuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/compare"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/provenance/recipe"
)

// search looks for a recipe that comes closer to the published wheel than the one
// that was planned: build, compare, next recipe, at most [recipe.MaxTries] builds.
// What comes closest takes the place of o's recipe, result and comparisons.
//
// It is done once for a wheel, while the lock has no verdict about the published
// file: what was found stands in the recipe. Native wheels are not searched for: their
// bytes are the publisher's compiler's. Without an index there is no search.
func (r *Run) search(ctx context.Context, o *Outcome, dir string) error {
	source, err := r.Files.Source()
	if err != nil || !o.worthSearching() {
		return nil
	}
	s, err := recipe.NewSearch(ctx, source, r.Lock.ExcludeNewer, r.Settings, o.Job.Package, &o.Recipe, o.Target)
	if err != nil {
		return nil // the build stands; what could not be read now was read when it was planned
	}
	k := slices.IndexFunc(o.Compared, func(c Compared) bool { return c.Upstream.Name == s.Published() })
	if k < 0 {
		return nil
	}
	start, best := o.Recipe.Digest, *o
	try := s.First()
	for n := 1; ; n++ {
		seen := recipe.Seen{Failed: true}
		if o.Result != nil {
			newest, err := newestTime(o.Result.Path)
			if err != nil {
				return err
			}
			seen = recipe.Seen{Result: o.Compared[k].Result, Newest: newest}
		}
		next, err := s.Next(ctx, seen)
		if s.Best() == try {
			best = *o
		}
		if err != nil || next == nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			break // an index that went away ends the search, not the build
		}
		try = next
		if err := r.try(ctx, s, try, o, filepath.Join(dir, fmt.Sprintf("try%d", n))); err != nil {
			return err
		}
	}
	*o = best
	r.mu.Lock()
	digest, err := s.Best().Adopt(r.Lock, start, o.Target)
	if err == nil {
		o.Recipe = *r.Lock.Recipe(digest)
		o.row.Recipe = digest
		o.Why = s.Best().Why
	}
	r.mu.Unlock()
	return err
}

// worthSearching: a pure wheel that is not what was published, of which the lock
// has no verdict yet.
func (o *Outcome) worthSearching() bool {
	if o.Failure != nil || o.Result.Native {
		return false
	}
	untried := false
	for _, c := range o.Compared {
		if c.Result.Verdict == compare.Bytes {
			return false
		}
		untried = untried || c.Upstream.Verdict == lock.VerdictUntried
	}
	return untried
}

// try builds one try and compares it. Where it does not build, o.Result is nil.
func (r *Run) try(ctx context.Context, s *recipe.Search, t *recipe.Try, o *Outcome, dir string) error {
	o.Result, o.Compared = nil, nil
	p := o.Job.Package
	sdist, err := r.Files.Get(ctx, p.Name, p.Sdist.Name, p.Sdist.SHA256, mirror.Sdist(p.Sdist.Name))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for n := 0; ; n++ {
		var reqs []build.Requirement
		for _, pin := range t.Pins {
			path, err := r.Files.Get(ctx, pin.Name, pin.Wheel.Name, pin.Wheel.SHA256)
			if err != nil {
				return fmt.Errorf("fetching build requirement %s %s: %w", pin.Name, pin.Version, err)
			}
			reqs = append(reqs, build.Requirement{Name: pin.Name, Version: pin.Version.String(), SHA256: pin.Wheel.SHA256, Path: path})
		}
		res, err := r.Builder.Build(ctx, build.Job{Name: p.Name, Version: p.Version, Recipe: &t.Recipe, Sdist: sdist, Requires: reqs, Target: o.Target, Into: dir})
		var more *build.RequiresError
		if errors.As(err, &more) && n < maxAsks {
			if s.Extend(ctx, t, more.Requires) == nil {
				continue
			}
		}
		if err != nil {
			return ctx.Err() // a try that does not build is none
		}
		o.Recipe = t.Recipe
		if err := o.take(res); err != nil {
			return err
		}
		return r.compare(ctx, o)
	}
}

// take makes a wheel the outcome's.
func (o *Outcome) take(res *build.Result) error {
	hash, err := mirror.HashFile(res.Path)
	if err != nil {
		return err
	}
	info, err := os.Stat(res.Path)
	if err != nil {
		return err
	}
	if o.Content, err = archive.Content(res.Path); err != nil {
		return err
	}
	o.Result, o.SHA256, o.Size = res, hash, info.Size()
	return nil
}

// newestTime is the newest time in the zip.
func newestTime(wheel string) (newest time.Time, err error) {
	w, err := archive.OpenWheel(wheel, archive.Read)
	if err != nil {
		return newest, err
	}
	defer w.Close()
	for _, e := range w.Entries {
		if e.Time.After(newest) {
			newest = e.Time
		}
	}
	return newest, nil
}

// copyContainer puts our files into the container of a published wheel of the same
// content. Where its bytes come out, the recipe names the container from now on.
func (r *Run) copyContainer(ctx context.Context, o *Outcome) error {
	if o.Failure != nil || o.Recipe.Container != "" || o.Recipe.NormalForm != "" {
		return nil
	}
	for _, c := range o.Compared {
		if c.Result.Verdict == compare.Bytes {
			return nil
		}
	}
	for k := range o.Compared {
		c := &o.Compared[k]
		if c.Result.Verdict != compare.Content || c.Upstream.Name != o.Result.File {
			continue
		}
		box, err := containerOf(c.Path)
		if err != nil {
			return nil // of a kind that cannot be copied
		}
		packed, err := repack(o.Result.Path, box)
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(packed)) != c.Upstream.SHA256 {
			return nil // deflated otherwise: the backend's own bytes are as good
		}
		if err := rewrite(o.Result.Path, packed); err != nil {
			return err
		}
		rec := o.Recipe
		o.Container = box.Text()
		rec.Container = fmt.Sprintf("sha256:%x", sha256.Sum256(o.Container))
		r.mu.Lock()
		digest, err := recipe.Replace(r.Lock, rec.Digest, rec)
		if err == nil {
			o.Recipe, o.row.Recipe = *r.Lock.Recipe(digest), digest
		}
		r.mu.Unlock()
		if err != nil {
			return err
		}
		o.Compared = nil
		if err := o.take(o.Result); err != nil {
			return err
		}
		return r.compare(ctx, o)
	}
	return nil
}

func containerOf(wheel string) (*archive.Container, error) {
	w, err := archive.OpenWheel(wheel, archive.Read)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return w.Container()
}

func repack(wheel string, box *archive.Container) ([]byte, error) {
	w, err := archive.OpenWheel(wheel, archive.Read)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	var out bytes.Buffer
	err = w.Repack(&out, box)
	return out.Bytes(), err
}

// contain puts what was built into the container that its recipe names.
func (r *Run) contain(ctx context.Context, o *Outcome, res *build.Result) error {
	if o.Recipe.Container == "" {
		return nil
	}
	box, err := r.container(ctx, o)
	if err != nil {
		return err
	}
	if err := fit(res.Path, box); err != nil {
		return &build.Error{Package: o.Job.Package.Name + " " + o.Job.Package.Version, Log: res.Log,
			Why: fmt.Sprintf("it does not fit into the container of its recipe (%v)", err)}
	}
	return nil
}

// fit puts a wheel into a container. What comes out is judged as what a backend wrote
// was: a container is a text that anybody may have put into a pull request, and its modes,
// extra fields and comment can make links of files, give them second names, or show
// another directory to another reader.
func fit(wheel string, box *archive.Container) error {
	packed, err := repack(wheel, box)
	if err != nil {
		return err
	}
	if err := rewrite(wheel, packed); err != nil {
		return err
	}
	w, err := archive.OpenWheel(wheel, archive.Audit)
	if err != nil {
		os.Remove(wheel)
		return err
	}
	return w.Close()
}

// rewrite gives a path other bytes, in a new file: the old one may have other names.
func rewrite(path string, data []byte) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// container finds the text of a recipe's container: kept as evidence, else made
// again from the published wheel.
func (r *Run) container(ctx context.Context, o *Outcome) (*archive.Container, error) {
	want := o.Recipe.Container[len("sha256:"):]
	if o.Container == nil {
		if path, err := r.Files.Get(ctx, o.Job.Package.Name, want, want, mirror.Evidence(want)); err == nil {
			if o.Container, err = os.ReadFile(path); err != nil {
				return nil, err
			}
		}
	}
	for _, up := range o.Job.Package.Upstream {
		if o.Container != nil {
			break
		}
		path, err := r.Files.Get(ctx, o.Job.Package.Name, up.Name, up.SHA256, r.wheelPlaces(o.Job.Package, up.Name)...)
		if err != nil {
			continue
		}
		if box, err := containerOf(path); err == nil && fmt.Sprintf("%x", sha256.Sum256(box.Text())) == want {
			o.Container = box.Text()
		}
	}
	if o.Container == nil || fmt.Sprintf("%x", sha256.Sum256(o.Container)) != want {
		o.Container = nil
		return nil, fmt.Errorf("%s %s: the container %s of its recipe is neither in the wheelhouse's evidence nor that of a published wheel",
			o.Job.Package.Name, o.Job.Package.Version, o.Recipe.Container)
	}
	return archive.ParseContainer(o.Container)
}
