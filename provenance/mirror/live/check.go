// Package live compares a mirror that is being served with what it should hold: the
// files of the signed list and the lock, the pages that installers read, and their
// metadata. Nothing that the mirror says is believed; it is asked as pip or uv would
// ask it, and every file is fetched and hashed.
//
// What differs are facts. An error is what says nothing about the mirror's content:
// it cannot be reached, or trickles.
package live

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/resolve/index"
)

// A Fact is one difference. What is a word that stays the same for ever:
//
//	file-missing file-changed file-extra
//	page-missing page-changed page-extra yank-missing
//	metadata-missing metadata-changed proof-missing proof-changed
//	list-missing list-changed
//	log-missing log-foreign log-older log-newer log-forked log-changed
type Fact struct {
	What string `json:"what"`
	Path string `json:"path"` // below the mirror
	Text string `json:"text"`
}

// Want is what the mirror should hold.
type Want struct {
	Files     []mirror.Listed // by their paths in a wheelhouse
	Withdrawn mirror.Withdrawn
	Targets   []string
	Flat      bool
	Lists     map[string][]byte // sha256sums.txt and its signatures
	// Proof checks a tlog-proof beside a file; nil: none are asked for.
	Proof func(data []byte, name, sha256 string) error
	// Proven are the sha256 of the files that have a proof.
	Proven map[string]bool
	Temp   string // a folder for what is fetched
}

type checker struct {
	*Site
	want  Want
	mu    sync.Mutex
	facts []Fact
	meta  map[string]string // path of a wheel -> sha256 of its METADATA
}

// Check fetches everything and returns the facts, sorted by path.
func (s *Site) Check(ctx context.Context, want Want) ([]Fact, error) {
	c := &checker{Site: s, want: want, meta: map[string]string{}}
	for _, name := range sorted(want.Lists) {
		if err := c.list(ctx, name, want.Lists[name]); err != nil {
			return nil, err
		}
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, f := range want.Files {
		g.Go(func() error { return c.file(inner, f) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := c.pages(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(c.facts, func(a, b Fact) int {
		return strings.Compare(a.Path+"\x00"+a.What+a.Text, b.Path+"\x00"+b.What+b.Text)
	})
	return slices.Compact(c.facts), nil
}

func sorted[T any](m map[string]T) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (c *checker) add(what, path, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.facts = append(c.facts, Fact{what, path, fmt.Sprintf(format, args...)})
}

// wrong makes a fact of an error that is one, and returns the others.
func (c *checker) wrong(kind, rel string, err error) error {
	var no *AnswerError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(kind+"-missing", rel, "it is not there")
	case errors.As(err, &no):
		c.add(kind+"-changed", rel, "%s", no.Msg)
	default:
		return err
	}
	return nil
}

// place is where the mirror has a file.
func (c *checker) place(f mirror.Listed) string {
	if c.want.Flat {
		return path.Join(mirror.FlatFolder, path.Base(f.Path))
	}
	return f.Path
}

func (c *checker) list(ctx context.Context, name string, want []byte) error {
	var b bytes.Buffer
	if _, _, err := c.get(ctx, c.address(name), &b, mirror.MaxListSize); err != nil {
		return c.wrong("list", name, err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		c.add("list-changed", name, "it is not the one of this wheelhouse")
	}
	return nil
}

// file fetches one file, its metadata and its proof.
func (c *checker) file(ctx context.Context, f mirror.Listed) error {
	rel := c.place(f)
	temp, err := os.CreateTemp(c.want.Temp, "live")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	h := sha256.New()
	if _, _, err := c.get(ctx, c.address(rel), io.MultiWriter(h, temp), index.MaxFile); err != nil {
		return c.wrong("file", rel, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.SHA256 {
		c.add("file-changed", rel, "its sha256 is %s, it should be %s", got[:12], f.SHA256[:12])
		return nil
	}
	if c.want.Proof != nil && c.want.Proven[f.SHA256] {
		if err := c.proof(ctx, rel, f); err != nil {
			return err
		}
	}
	if !strings.HasSuffix(rel, ".whl") {
		return nil
	}
	wheel, err := archive.OpenWheel(temp.Name(), archive.Read)
	if err != nil {
		return fmt.Errorf("reading %s: %w", rel, err)
	}
	defer wheel.Close()
	sum := sha256.Sum256(wheel.Metadata)
	c.mu.Lock()
	c.meta[rel] = hex.EncodeToString(sum[:])
	c.mu.Unlock()
	var b bytes.Buffer
	if _, _, err := c.get(ctx, c.address(rel+".metadata"), &b, index.MaxMetadata); err != nil {
		return c.wrong("metadata", rel+".metadata", err)
	}
	if !bytes.Equal(b.Bytes(), wheel.Metadata) {
		c.add("metadata-changed", rel+".metadata", "it is not the METADATA of the wheel")
	}
	return nil
}

func (c *checker) proof(ctx context.Context, rel string, f mirror.Listed) error {
	rel += ".tlog-proof"
	var b bytes.Buffer
	if _, _, err := c.get(ctx, c.address(rel), &b, 1<<20); err != nil {
		return c.wrong("proof", rel, err)
	}
	if err := c.want.Proof(b.Bytes(), path.Base(f.Path), f.SHA256); err != nil {
		c.add("proof-changed", rel, "%v", err)
	}
	return nil
}

// pages checks the pages of every target, in both forms.
func (c *checker) pages(ctx context.Context) error {
	tops := []string{"simple"}
	if !c.want.Flat {
		tops = nil
		for _, t := range c.want.Targets {
			tops = append(tops, "simple/"+t)
		}
	}
	for _, top := range tops {
		byProject := map[string][]mirror.Listed{}
		for _, f := range c.want.Files {
			parts := strings.Split(f.Path, "/")
			if !c.want.Flat && parts[0] == "wheels" && parts[1] != mirror.AnyFolder && parts[1] != path.Base(top) {
				continue
			}
			if name, _, err := mirror.ProjectOf(parts[len(parts)-1]); err == nil {
				byProject[name] = append(byProject[name], f)
			}
		}
		if err := c.projects(ctx, top, byProject); err != nil {
			return err
		}
		g, inner := errgroup.WithContext(ctx)
		g.SetLimit(8)
		for _, name := range sorted(byProject) {
			for _, form := range []string{"index.html", "index.json"} {
				g.Go(func() error { return c.page(inner, top+"/"+name+"/"+form, name, byProject[name]) })
			}
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// projects reads the list of projects: the one page that has a name for everything.
func (c *checker) projects(ctx context.Context, top string, want map[string][]mirror.Listed) error {
	rel := top + "/index.json"
	var b bytes.Buffer
	if _, _, err := c.get(ctx, c.address(rel), &b, index.MaxPage); err != nil {
		return c.wrong("page", rel, err)
	}
	var page struct {
		Projects []struct{ Name string }
	}
	if err := json.Unmarshal(b.Bytes(), &page); err != nil {
		c.add("page-changed", rel, "it is no list of projects: %v", err)
		return nil
	}
	have := map[string]bool{}
	for _, p := range page.Projects {
		have[p.Name] = true
		if want[p.Name] == nil {
			c.add("page-extra", top+"/"+p.Name+"/", "nothing that is signed is of this project")
		}
	}
	for name := range want {
		if !have[name] {
			c.add("page-changed", rel, "it does not list %s", name)
		}
	}
	return nil
}

// page compares what a page says of each file.
func (c *checker) page(ctx context.Context, rel, name string, want []mirror.Listed) error {
	var b bytes.Buffer
	kind, at, err := c.get(ctx, c.address(rel), &b, index.MaxPage)
	if err != nil {
		return c.wrong("page", rel, err)
	}
	if strings.HasSuffix(rel, ".json") && (kind == "" || strings.HasPrefix(kind, "application/octet-stream") || strings.HasPrefix(kind, "text/plain")) {
		kind = "application/json" // a static host that has no name for it; installers do not ask for this address
	}
	page, err := index.ParsePage(kind, b.String(), name, at)
	if err != nil {
		c.add("page-changed", rel, "it is no page of an index: %v", err)
		return nil
	}
	if len(page.Files) == 0 {
		c.add("page-changed", rel, "it links none of its %d files", len(want))
		return nil
	}
	have := map[string]index.File{}
	for _, f := range page.Files {
		have[f.Name] = f
	}
	for _, f := range want {
		base := path.Base(f.Path)
		got, ok := have[base]
		delete(have, base)
		c.link(rel, f, got, ok)
	}
	for base := range have {
		c.add("file-extra", rel, "it links %s, which nobody signed", base)
	}
	return nil
}

func (c *checker) link(rel string, f mirror.Listed, got index.File, ok bool) {
	base := path.Base(f.Path)
	switch {
	case !ok:
		c.add("page-changed", rel, "it does not link %s", base)
		return
	case got.SHA256 != f.SHA256:
		c.add("page-changed", rel, "it gives %s another sha256: %s", base, orNone(got.SHA256))
	case got.URL != c.plain(c.place(f)):
		c.add("page-changed", rel, "it links %s at another place: %s", base, got.URL)
	}
	reason, gone := c.want.Withdrawn[f.SHA256]
	switch {
	case gone && !got.Yanked:
		c.add("yank-missing", rel, "%s was taken back (%s), and the page does not say so", base, reason)
	case got.Yanked && !gone:
		c.add("page-changed", rel, "it says that %s was taken back, and nobody did", base)
	}
	if meta := c.meta[c.place(f)]; meta != "" && got.CoreMetadata != meta {
		c.add("metadata-changed", rel, "it gives another sha256 for the metadata of %s: %s", base, orNone(got.CoreMetadata))
	}
}

// plain is the address of a path as pages give it: without user information.
func (c *checker) plain(rel string) string {
	u := c.address(rel)
	u.User = nil
	return u.String()
}

func orNone(hash string) string {
	if len(hash) < 12 {
		return "none"
	}
	return hash[:12]
}

// ReadFile reads a small file below the site's folder log, as package store wants it.
func (s *Site) ReadFile(ctx context.Context, rel string, limit int64) ([]byte, error) {
	var b bytes.Buffer
	_, _, err := s.get(ctx, s.address(mirror.LogFolder+"/"+rel), &b, limit)
	return b.Bytes(), err
}
