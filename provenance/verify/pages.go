package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// maxPage caps what is read of an index page or a metadata file.
const maxPage = 256 << 20

// pages makes every index page again from the list and compares.
func (c *checker) pages(ctx context.Context, l *list) error {
	there, err := exists(c.in.House.Path("simple"))
	if err != nil {
		return err
	}
	if !there || !l.readable {
		if l.readable && c.carries() {
			c.add("page-missing", c.show("simple"), "the wheelhouse has no index pages yet")
		}
		return nil
	}
	var targets []string
	for _, t := range c.lock.Targets {
		targets = append(targets, t.Name)
	}
	withdrawn := mirror.Withdrawn{}
	for hash, list := range c.book.withdrawn {
		for _, w := range list {
			if w.where != pending {
				withdrawn[hash] = w.reason // the newest one's, as mirror sync has it
			}
		}
	}
	if err := c.withdrawnElsewhere(ctx, l, withdrawn); err != nil {
		return err
	}
	want, err := c.in.House.Pages(targets, withdrawn)
	if err != nil {
		return c.noPages(err)
	}
	var before map[string][]byte
	if len(withdrawn) > 0 {
		if before, err = c.in.House.Pages(targets, nil); err != nil {
			return c.noPages(err)
		}
	}
	names := make([]string, 0, len(want))
	for n := range want {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if err := c.page(n, want[n], before[n]); err != nil {
			return err
		}
	}
	stale, err := c.in.House.Stale(want)
	if err != nil {
		return err
	}
	for _, n := range stale {
		if !hidden(n[strings.LastIndexByte(n, '/')+1:]) {
			c.add("page-unknown", c.show(n), "the signed list gives no such page")
		}
	}
	return nil
}

// withdrawnElsewhere adds what was taken back of packages that only other projects
// of a shared wheelhouse lock: the lock's proof says nothing of them, the log does.
func (c *checker) withdrawnElsewhere(ctx context.Context, l *list, out mirror.Withdrawn) error {
	if c.log.tree == nil {
		return nil
	}
	var names []string
	for _, f := range l.order {
		name, _, err := mirror.ProjectOf(path.Base(f))
		if err == nil && !slices.Contains(names, name) && !slices.ContainsFunc(c.lock.Packages, func(p lock.Package) bool { return p.Name == name }) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	view := &log.View{Checkpoint: tile.Checkpoint{Size: c.log.tree.Size(), Root: c.log.tree.Root()}, Tree: c.log.tree}
	for _, name := range names {
		past, err := view.History(ctx, c.in.House.Path(mirror.LogFolder), name, func(e log.Entry) bool {
			_, err := c.roots().Holder(e.Index, e.Signer, e.Hash)
			return !errors.Is(err, trust.ErrStolen)
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return nil // a log that cannot be read is named elsewhere
		}
		for _, e := range past {
			if _, void, ok := c.signedBy(e.Index, e.Signed); !ok || void || e.Kind() != record.KindWithdraw {
				continue
			}
			if w, err := e.AsWithdraw(); err == nil {
				out[w.File.SHA256] = w.Reason
			}
		}
	}
	return nil
}

// carries reports whether the policy wants the mirror to hold any locked wheel:
// what came out as published need not be there.
func (c *checker) carries() bool {
	for _, p := range c.lock.Packages {
		if p.Group == lock.GroupBuild {
			continue
		}
		for _, w := range p.Wheels {
			if c.in.Policy.Mirror == "all" || c.in.Policy.Mirror != "none" && w.Origin == lock.OriginBuilt && !w.Missing() {
				return true
			}
		}
	}
	return false
}

// noPages: without the files that the list names there is nothing to compare
// with. A damaged or missing file is named already.
func (c *checker) noPages(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	if !slices.ContainsFunc(c.findings, func(f Finding) bool { return aboutFiles[f.ID] }) {
		c.add("page-changed", c.show("simple"), "the pages cannot be made again: %v", err)
	}
	return nil
}

var aboutFiles = map[string]bool{
	"wheel-changed": true, "sdist-changed": true, "file-changed": true, "file-not-fetched": true,
	"wheel-replaced": true, "listed-file-missing": true, "list-out-of-date": true, "list-changed": true,
}

func (c *checker) page(rel string, want, before []byte) error {
	got, err := c.read(rel, maxPage)
	switch {
	case err != nil && !errors.Is(err, errTooLarge):
		return err
	case err != nil:
		c.add("page-changed", c.show(rel), "%v", err)
	case got == nil:
		if c.in.Policy.Mirror != "none" {
			c.add("page-missing", c.show(rel), "it is not there yet")
		}
	case bytes.Equal(got, want):
	case before != nil && bytes.Equal(got, before):
		c.add("page-old", c.show(rel), "it does not show yet that a file was taken back")
	case older(rel, got, want):
		c.add("page-old", c.show(rel), "it lacks what was signed since it was made")
	default:
		c.add("page-changed", c.show(rel), "it is not the page that the signed list gives")
	}
	return nil
}

// older reports whether a page only lacks some of what it should have, as one
// does that was made before the list was signed anew. It says nothing that the
// right page does not say.
func older(rel string, got, want []byte) bool {
	if strings.HasSuffix(rel, ".html") {
		lines := map[string]bool{}
		for _, line := range strings.SplitAfter(string(want), "\n") {
			lines[line] = true
		}
		for _, line := range strings.SplitAfter(string(got), "\n") {
			if !lines[line] {
				return false
			}
		}
		return true
	}
	if !strings.HasSuffix(rel, ".json") {
		return false
	}
	var g, w map[string]any
	if json.Unmarshal(got, &g) != nil || json.Unmarshal(want, &w) != nil || len(g) != len(w) {
		return false
	}
	for key, value := range w {
		if !within(g[key], value) {
			return false
		}
	}
	return true
}

// within reports whether a JSON value is another, or a list of some of its members.
func within(got, want any) bool {
	list, ok := want.([]any)
	some, ok2 := got.([]any)
	if !ok || !ok2 {
		return sameJSON(got, want)
	}
	members := map[string]bool{}
	for _, m := range list {
		members[text(m)] = true
	}
	for _, m := range some {
		if !members[text(m)] {
			return false
		}
	}
	return true
}

func sameJSON(a, b any) bool { return text(a) == text(b) }

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	return string(b)
}
