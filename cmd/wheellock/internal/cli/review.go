package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// criteria are what a review may vouch for.
var criteria = []string{"safe-to-build", "safe-to-deploy"}

type reviewOptions struct{ dir, criteria string }

func (a *app) reviewVerb() *cobra.Command {
	var o reviewOptions
	cmd := &cobra.Command{
		Use:   "review NAME",
		Short: "unpack a locked source for reading, then state that it was reviewed",
		Long: `review unpacks the locked sources of a package into a folder, beside the one that
was reviewed last, so that they can be read and compared. With --criteria it
states in the log, by this machine's reviewer key, that they were.`,
		Example: "  wheellock review idna -d reading\n  wheellock review idna --criteria safe-to-deploy",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.criteria != "" && !slices.Contains(criteria, o.criteria) {
				return usage("--criteria %q is none of %s", o.criteria, strings.Join(criteria, ", "))
			}
			return a.review(cmd.Context(), pep508.NormalizeName(args[0]), o)
		},
	}
	cmd.Flags().StringVarP(&o.dir, "dest", "d", "review", "unpack into `DIR`")
	cmd.Flags().StringVar(&o.criteria, "criteria", "", "state the review: "+strings.Join(criteria, " or "))
	return cmd
}

// reviewReport is what review --json prints.
type reviewReport struct {
	Package  string         `json:"package"`
	Criteria string         `json:"criteria,omitempty"` // set when the review was stated
	Sources  []reviewSource `json:"sources"`
}

type reviewSource struct {
	Version  string `json:"version"`
	File     string `json:"file"`
	SHA256   string `json:"sha256"`
	Folder   string `json:"folder,omitempty"`   // where it was unpacked
	Last     string `json:"last,omitempty"`     // version reviewed before
	LastPath string `json:"last_dir,omitempty"` // where that was unpacked
}

func (a *app) review(ctx context.Context, name string, o reviewOptions) error {
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.needLock(); err != nil {
		return err
	}
	if err := s.upToDate(); err != nil {
		return err
	}
	var sources []*lock.Package
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		if p.Name == name && p.Group != lock.GroupBuild && p.Sdist != nil {
			sources = append(sources, p)
		}
	}
	if len(sources) == 0 {
		return usage("the lock has no source of %s", name)
	}
	if o.criteria != "" {
		return s.stateReview(ctx, sources, o)
	}
	return s.unpackForReview(ctx, sources, o)
}

func (s *session) unpackForReview(ctx context.Context, sources []*lock.Package, o reviewOptions) error {
	lib := s.library(ctx)
	r := reviewReport{Package: sources[0].Name, Sources: []reviewSource{}}
	last := s.lastReviewed(ctx, sources)
	for _, p := range sources {
		one := reviewSource{Version: p.Version, File: p.Sdist.Name, SHA256: p.Sdist.SHA256}
		var err error
		if one.Folder, err = s.unpackInto(ctx, lib, p.Name, p.Version, p.Sdist.Name, p.Sdist.SHA256, o.dir); err != nil {
			return err
		}
		if last != nil && last.File.SHA256 != p.Sdist.SHA256 {
			one.Last = last.Version
			if one.LastPath, err = s.unpackInto(ctx, lib, p.Name, last.Version, last.File.Name, last.File.SHA256, o.dir); err != nil {
				return err
			}
		}
		r.Sources = append(r.Sources, one)
	}
	if s.json {
		return s.printJSON(r)
	}
	for _, one := range r.Sources {
		fmt.Fprintf(s.Out, "%s %s is in %s\n", r.Package, one.Version, one.Folder)
		if one.Last != "" {
			fmt.Fprintf(s.Out, "reviewed last: %s; diff -ru %s %s\n", one.Last, one.LastPath, one.Folder)
		}
	}
	fmt.Fprintf(s.Out, "\nNext: read it, then wheellock review %s --criteria safe-to-deploy\n", r.Package)
	return nil
}

// unpackInto unpacks a source into DIR/NAME-VERSION, which must not be there.
func (s *session) unpackInto(ctx context.Context, lib *library, name, version, file, hash, dir string) (string, error) {
	path, err := lib.get(ctx, name, file, hash, mirror.Sdist(file))
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, name+"-"+version)
	full := s.path(to)
	if exists(full) {
		return "", invalid("remove it, or name another folder with -d", "%s is there already", to)
	}
	if err := os.MkdirAll(full, 0o755); err != nil {
		return "", err
	}
	root, err := archive.Unpack(path, full, fs.FileMode(0o022))
	if err != nil {
		os.RemoveAll(full)
		return "", err
	}
	return filepath.Join(to, root), nil
}

// lastReviewed is the newest source of the package that anybody reviewed; nil
// when there is none, or no log.
func (s *session) lastReviewed(ctx context.Context, sources []*lock.Package) *record.Source {
	led, err := s.ledger(ctx, false)
	if err != nil {
		return nil
	}
	past, err := led.history(ctx, sources[0].Name)
	if err != nil {
		return nil
	}
	files := map[string]record.Source{}
	var last *record.Source
	for _, e := range past {
		if src, err := e.AsSource(); err == nil {
			files[src.File.SHA256] = src
		}
		if rev, err := e.AsReview(); err == nil {
			if src, ok := files[rev.Source]; ok {
				last = &src
			}
		}
	}
	return last
}

// stateReview states the review of the locked sources.
func (s *session) stateReview(ctx context.Context, sources []*lock.Package, o reviewOptions) error {
	if err := s.needFolder(); err != nil {
		return err
	}
	led, err := s.ledger(ctx, true)
	if err != nil {
		return err
	}
	last := s.lastReviewed(ctx, sources)
	lib := s.library(ctx)
	r := reviewReport{Package: sources[0].Name, Criteria: o.criteria, Sources: []reviewSource{}}
	for _, p := range sources {
		if err := led.stateFiles(ctx, lib, p); err != nil {
			return err
		}
		review := record.Review{Head: led.head(), Name: p.Name, Version: p.Version, Source: p.Sdist.SHA256, Criteria: []string{o.criteria}}
		if last != nil && last.File.SHA256 != p.Sdist.SHA256 {
			review.From = last.File.SHA256
		}
		if err := led.state(review.Statement()); err != nil {
			return err
		}
		r.Sources = append(r.Sources, reviewSource{Version: p.Version, File: p.Sdist.Name, SHA256: p.Sdist.SHA256})
	}
	if err := led.finish(ctx, s.locked); err != nil {
		return err
	}
	if s.json {
		return s.printJSON(r)
	}
	for _, one := range r.Sources {
		fmt.Fprintf(s.Out, "stated: %s %s is %s\n", r.Package, one.Version, o.criteria)
	}
	return nil
}
