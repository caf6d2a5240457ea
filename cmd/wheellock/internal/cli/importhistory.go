package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/lock/foreign"
	"github.com/freedomofpress/wheellock/provenance/dropin"
	"github.com/freedomofpress/wheellock/provenance/vcs"
	"github.com/freedomofpress/wheellock/resolve/tags"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// historyResult is what import --wheelhouse prints with --json.
type historyResult struct {
	Wheelhouse string   `json:"wheelhouse"`
	Lists      []string `json:"lists"`
	Versions   int      `json:"versions"` // of the lists
	Sources    int      `json:"sources"`  // stated
	Wheels     int      `json:"wheels"`   // stated, of them:
	Superseded int      `json:"superseding"`
	Known      int      `json:"known"` // stated before
	NotStated  []string `json:"not-stated"`
	Notes      []string `json:"notes"`
	Log        string   `json:"log"`
	Size       int64    `json:"size"`
}

// importHistory states what the signed lists of a repository said, oldest first.
func (a *app) importHistory(ctx context.Context, o importOptions) error {
	s, err := a.openForWriting(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	keys, err := a.keyring(o.keyring)
	if err != nil {
		return err
	}
	git, err := s.git()
	if err != nil {
		return err
	}
	repo := &vcs.Repository{Git: git, Dir: a.path(o.wheelhouse)}
	h := &pastLists{session: s, repo: repo, keys: keys, sources: map[string]record.File{}, seen: map[string]string{}, built: map[[2]string]string{}}
	h.res = historyResult{Wheelhouse: o.wheelhouse, Lists: []string{}, NotStated: []string{}, Notes: []string{}}
	versions, err := repo.Versions(ctx, func(name string) bool {
		if len(o.sums) > 0 {
			return slices.Contains(o.sums, name)
		}
		base := name[strings.LastIndexByte(name, '/')+1:]
		return base == "sha256sums.txt" || strings.HasSuffix(base, "-sha256sums.txt")
	})
	if err != nil {
		return invalid("name a clone of it, with its whole history (git fetch --unshallow)", "%s: %v", o.wheelhouse, err)
	}
	if len(versions) == 0 {
		return invalid("name the list: --sums FILE, from the top of the repository", "no commit of %s changes a sha256sums.txt", o.wheelhouse)
	}
	if h.led, err = s.ledger(ctx, true); err != nil {
		return err
	}
	// Sources first: a wheel was often listed before the archive that it is of.
	for _, wheels := range []bool{false, true} {
		for _, v := range versions {
			if err := h.version(ctx, v, wheels); err != nil {
				return err
			}
		}
	}
	h.res.Versions = len(versions)
	if s.locked != nil {
		err = h.led.finish(ctx, s.locked)
	} else if err = h.flush(ctx); err == nil {
		err = s.writeFiles(h.led.pins)
	}
	if err != nil {
		return err
	}
	return h.print()
}

// pastLists is the state of one import.
type pastLists struct {
	*session
	led     *ledger
	repo    *vcs.Repository
	keys    [][]byte
	sources map[string]record.File // name and version -> the source archive
	seen    map[string]string      // file name of a source -> hash
	built   map[[2]string]string   // wheel and target -> hash that holds now
	res     historyResult
}

// recipeUnknown stands for the recipe of a wheel whose list did not say how it was
// made. It is kept as evidence, so that its hash can be looked up.
const recipeUnknown = "wheellock-import/v1 recipe\nnobody recorded how these wheels were built\n"

// version states the sources or the wheels of one version of one list.
func (h *pastLists) version(ctx context.Context, v vcs.Version, wheels bool) error {
	if !slices.Contains(h.res.Lists, v.Path) {
		h.res.Lists = append(h.res.Lists, v.Path)
	}
	where := fmt.Sprintf("%.12s %s", v.Commit, v.Path)
	entries, err := dropin.ParseList(v.Data)
	if err != nil {
		if wheels {
			h.res.Notes = append(h.res.Notes, fmt.Sprintf("%s is left aside: %v", where, err))
		}
		return nil
	}
	sizes, err := h.repo.Sizes(ctx, v.Commit, dropin.IsArtifact)
	if err != nil {
		return err
	}
	evidence := ""
	if wheels {
		if evidence, err = h.evidence(v); err != nil {
			return err
		}
	}
	for _, e := range entries {
		switch is := strings.HasSuffix(strings.ToLower(e.Base()), ".whl"); {
		case is && wheels:
			err = h.wheel(ctx, e, sizes, where, evidence, v)
		case !is && !wheels:
			err = h.source(e, sizes, where)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// evidence keeps the list, its signature and a page that says what they were.
func (h *pastLists) evidence(v vcs.Version) (string, error) {
	house := h.house()
	list, err := house.Keep(v.Data)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "wheellock-import/v1 list\ncommit %s\ncommitted %s\nlist %s sha256:%s\n", v.Commit, v.Time.UTC().Format(time.RFC3339), v.Path, list)
	if len(v.Signature) > 0 {
		sig, err := house.Keep(v.Signature)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "signature sha256:%s\n", sig)
	}
	if len(h.keys) > 0 && len(v.Signature) > 0 {
		got, _ := trust.Judge(v.Data, v.Signature, h.keys, v.Time)
		for _, j := range got {
			fmt.Fprintf(&b, "judged %s %s dated %s\n", j.Verdict, cmp.Or(j.Primary, j.Signer, "-"), j.Made.Format(time.RFC3339))
			if j.Verdict != trust.SignatureGood {
				h.res.Notes = append(h.res.Notes, fmt.Sprintf("%.12s %s: the signature was %s at %s", v.Commit, v.Path, j.Verdict, v.Time.UTC().Format(time.DateOnly)))
			}
			if gap := v.Time.Sub(j.Made); gap > 90*24*time.Hour || j.Finding != "" {
				h.res.Notes = append(h.res.Notes, fmt.Sprintf("%.12s %s: committed on %s, the signature is dated %s", v.Commit, v.Path, v.Time.UTC().Format(time.DateOnly), j.Made.Format(time.DateOnly)))
			}
		}
	}
	return house.Keep(b.Bytes())
}

func (h *pastLists) skip(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(h.res.NotStated, text) {
		h.res.NotStated = append(h.res.NotStated, text)
	}
}

// source states a source archive, whose hash can never change.
func (h *pastLists) source(e dropin.Entry, sizes map[string]int64, where string) error {
	name, err := tags.ParseSdistName(e.Base())
	if err != nil {
		h.skip("%s: %v", e.Base(), err)
		return nil
	}
	if old := h.seen[e.Base()]; old != "" {
		if old != e.SHA256 {
			h.skip("%s: %s gives it sha256 %s, an older list %s: a source never changes", e.Base(), where, e.SHA256, old)
		}
		return nil
	}
	size, ok := sizes[e.SHA256]
	if !ok {
		h.skip("%s: the commit %s has no file with its hash, so its size is not known", e.Base(), where)
		return nil
	}
	h.seen[e.Base()] = e.SHA256
	project, version := foreign.Normalize(name.Name), name.Version.String()
	f := record.File{Name: e.Base(), SHA256: e.SHA256, Size: size}
	h.sources[project+" "+version] = f
	past, err := h.led.known(context.Background(), project)
	if err != nil {
		return err
	}
	for _, p := range past {
		if p.Kind() == record.KindSource && slices.Contains(p.Files(), f) {
			h.res.Known++
			return nil
		}
	}
	h.res.Sources++
	return h.led.state(record.Source{Head: h.led.head(), Name: project, Version: version, File: f}.Statement())
}

// wheel states a wheel as it was listed, superseding what the list before had.
func (h *pastLists) wheel(ctx context.Context, e dropin.Entry, sizes map[string]int64, where, evidence string, v vcs.Version) error {
	name, err := tags.ParseWheelName(e.Base())
	if err != nil {
		h.skip("%s: %v", e.Base(), err)
		return nil
	}
	project, version, target := foreign.Normalize(name.Name), name.Version.String(), targetOfWheel(name)
	key := [2]string{e.Base(), target}
	if h.built[key] == e.SHA256 {
		return nil
	}
	size, ok := sizes[e.SHA256]
	src, has := h.sources[project+" "+version]
	switch {
	case !ok:
		h.skip("%s: the commit %s has no file with its hash, so its size is not known", e.Base(), where)
		return nil
	case !has:
		h.skip("%s: no list has its source", e.Base())
		return nil
	}
	recipe, err := h.house().Keep([]byte(recipeUnknown))
	if err != nil {
		return err
	}
	b := record.Build{
		Head: h.led.head(), Name: project, Version: version, Target: target, Recipe: recipe, Source: src.SHA256, Evidence: evidence,
		File: record.File{Name: e.Base(), SHA256: e.SHA256, Size: size}, Supersedes: record.NoIndex,
	}
	past, err := h.led.known(ctx, project)
	if err != nil {
		return err
	}
	for i := len(past) - 1; i >= 0; i-- {
		old, err := past[i].AsBuild()
		if err != nil || old.File.Name != b.File.Name || old.Target != target || old.Failed != "" {
			continue
		}
		if old.Evidence == evidence && old.File == b.File {
			h.res.Known++
			h.built[key] = e.SHA256
			return nil
		}
	}
	// The statement that is superseded has to be in the log: its index is its name.
	if h.built[key] != "" {
		if err := h.flush(ctx); err != nil {
			return err
		}
		if past, err = h.led.known(ctx, project); err != nil {
			return err
		}
	}
	for i := len(past) - 1; i >= 0; i-- {
		old, err := past[i].AsBuild()
		if err != nil || old.File.Name != b.File.Name || old.Target != target || old.Failed != "" || old.File == b.File {
			continue
		}
		if past[i].Index < 0 {
			return environment("run it where the log's key is, with append = \"now\"", "%s has another hash in a statement that waits in pending: what supersedes it needs its index", e.Base())
		}
		b.Supersedes = past[i].Index
		b.Reason = fmt.Sprintf("the list of %s (commit %.12s) has another hash", v.Time.UTC().Format(time.DateOnly), v.Commit)
		h.res.Superseded++
		break
	}
	h.built[key] = e.SHA256
	h.res.Wheels++
	return h.led.state(b.Statement())
}

// flush appends what was stated so far.
func (h *pastLists) flush(ctx context.Context) error {
	h.led.forced = true
	return h.led.append(ctx)
}

// targetOfWheel is a word for what a wheel was built for: the tags are all that a
// list says of it.
func targetOfWheel(w tags.WheelName) string {
	base := strings.TrimSuffix(w.File, ".whl")
	parts := strings.Split(base, "-")
	platform, python := parts[len(parts)-1], parts[len(parts)-3]
	if platform == "any" {
		return "any"
	}
	return python + "-" + platform
}

func (h *pastLists) print() error {
	h.res.Log = h.led.origin
	if h.led.view != nil {
		h.res.Size = h.led.view.Checkpoint.Size
	}
	slices.Sort(h.res.NotStated)
	r := h.res
	if h.json {
		if err := h.printJSON(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(h.Out, "%s: %s of %s\n", filepath.Base(r.Wheelhouse), report.Plural(r.Versions, "version"), report.Plural(len(r.Lists), "list"))
		fmt.Fprintf(h.Out, "stated: %s, %s (%d superseding another hash); %d were stated before\n", report.Plural(r.Sources, "source"), report.Plural(r.Wheels, "wheel"), r.Superseded, r.Known)
		for _, x := range r.NotStated {
			fmt.Fprintln(h.Out, strings.Join(term.Wrap("not stated: "+term.Line(x), 78, "  "), "\n"))
		}
		for _, x := range r.Notes {
			fmt.Fprintln(h.Out, strings.Join(term.Wrap("note: "+term.Line(x), 78, "  "), "\n"))
		}
		fmt.Fprintf(h.Out, "%s has %s now\n\nNext: %s\n", r.Log, report.Plural(int(r.Size), "statement"), h.style.Paint(term.Command, "wheellock history NAME"))
	}
	if len(r.NotStated) > 0 {
		return &Error{Code: Finding, Shown: true}
	}
	return nil
}
