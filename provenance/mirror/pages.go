package mirror

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// A page file, as both forms of the page show it.
type pageFile struct {
	project  string
	version  string
	file     string
	href     string // relative to the project's page
	sha256   string
	size     int64
	requires string // Requires-Python
	metadata string // hex sha256 of FILE.metadata; "" for sdists
	yanked   string // reason; set by Withdrawn
	isYanked bool
}

// Withdrawn maps the sha256 of a withdrawn file to the reason. It stays on the
// pages, yanked (PEP 592): an exact pin still finds it and its reason.
type Withdrawn map[string]string

// Pages computes all index pages and metadata files of the wheelhouse, path to
// content, from the signed list. targets are the names that get pages; those with
// a folder under wheels/ get them too, and those that have pages already: other
// projects may share the wheelhouse.
func (w Wheelhouse) Pages(targets []string, withdrawn Withdrawn) (map[string][]byte, error) {
	list, _, err := w.ReadList()
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	byTarget := map[string][]pageFile{}
	for _, t := range targets {
		byTarget[t] = nil
	}
	have, err := os.ReadDir(w.Path("simple"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, d := range have {
		if d.IsDir() {
			byTarget[d.Name()] = nil
		}
	}
	var shared []pageFile
	for _, l := range list {
		f, err := w.pageFile(l, withdrawn, out)
		if err != nil {
			return nil, err
		}
		parts := strings.Split(l.Path, "/")
		if parts[0] == "wheels" && parts[1] != AnyFolder {
			byTarget[parts[1]] = append(byTarget[parts[1]], f)
			continue
		}
		shared = append(shared, f)
	}
	for t, files := range byTarget {
		targetPages(out, path.Join("simple", t), append(slices.Clone(files), shared...))
	}
	return out, nil
}

// FlatFolder holds all files of the flat layout.
const FlatFolder = "localwheels"

// FlatPages is [Wheelhouse.Pages] for the flat layout, which has one page a project
// for all targets: simple/NAME/ and FILE.metadata beside the files in localwheels.
// files maps the paths of that layout to those of the wheelhouse. Two files of one
// name with different bytes cannot be in it.
func (w Wheelhouse) FlatPages(withdrawn Withdrawn) (pages map[string][]byte, files map[string]string, err error) {
	list, _, err := w.ReadList()
	if err != nil {
		return nil, nil, err
	}
	pages, files = map[string][]byte{}, map[string]string{}
	metadata := map[string][]byte{}
	hashes := map[string]Listed{}
	var all []pageFile
	for _, l := range list {
		to := path.Join(FlatFolder, path.Base(l.Path))
		if have, ok := hashes[to]; ok {
			if have.SHA256 != l.SHA256 {
				return nil, nil, fmt.Errorf("%s and %s have one name and other bytes: %w", have.Path, l.Path, ErrOtherBytes)
			}
			continue
		}
		hashes[to], files[to] = l, l.Path
		f, err := w.pageFile(l, withdrawn, metadata)
		if err != nil {
			return nil, nil, err
		}
		f.href = "../../" + hrefOf(to)
		if m := metadata[l.Path+".metadata"]; m != nil {
			pages[to+".metadata"] = m
		}
		all = append(all, f)
	}
	targetPages(pages, "simple", all)
	return pages, files, nil
}

// pageFile reads what the page has to say about one file.
func (w Wheelhouse) pageFile(l Listed, withdrawn Withdrawn, out map[string][]byte) (pageFile, error) {
	f := pageFile{file: path.Base(l.Path), sha256: l.SHA256, href: "../../../" + hrefOf(l.Path)}
	f.yanked, f.isYanked = withdrawn[l.SHA256]
	info, err := os.Stat(w.Path(l.Path))
	if err != nil {
		return f, fmt.Errorf("%s is on the list but not in the wheelhouse: %w", l.Path, err)
	}
	f.size = info.Size()
	if f.project, f.version, err = projectOf(l.Path); err != nil {
		return f, err
	}
	if strings.HasPrefix(l.Path, "sdists/") {
		return f, nil
	}
	wheel, err := archive.OpenWheel(w.Path(l.Path), archive.Read)
	if err != nil {
		return f, fmt.Errorf("reading %s: %w", l.Path, err)
	}
	defer wheel.Close()
	sum := sha256.Sum256(wheel.Metadata)
	f.metadata = hex.EncodeToString(sum[:])
	out[l.Path+".metadata"] = wheel.Metadata
	if m, err := metadata.Parse(wheel.Metadata); err == nil {
		f.requires = m.RequiresPython
	}
	return f, nil
}

// hrefOf escapes a path for an address: a local version has a plus sign, an epoch an
// exclamation mark, and a name that somebody put there may have anything.
func hrefOf(rel string) string { return (&url.URL{Path: rel}).EscapedPath() }

// targetPages adds the pages of one target.
func targetPages(out map[string][]byte, dir string, files []pageFile) {
	sort.Slice(files, func(i, j int) bool {
		if files[i].project != files[j].project {
			return files[i].project < files[j].project
		}
		return files[i].file < files[j].file
	})
	var projects []string
	for len(files) > 0 {
		name := files[0].project
		n := 0
		for n < len(files) && files[n].project == name {
			n++
		}
		projects = append(projects, name)
		out[path.Join(dir, name, "index.html")] = projectHTML(name, files[:n])
		out[path.Join(dir, name, "index.json")] = projectJSON(name, files[:n])
		files = files[n:]
	}
	out[path.Join(dir, "index.html")] = listHTML(projects)
	out[path.Join(dir, "index.json")] = listJSON(projects)
}

const htmlHead = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"pypi:repository-version\" content=\"1.1\">\n<title>%s</title>\n</head>\n<body>\n"

// projectHTML is a page of PEP 503 with the attributes of PEP 592, 658 and 714.
func projectHTML(name string, files []pageFile) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, htmlHead, "Links for "+html.EscapeString(name))
	fmt.Fprintf(&b, "<h1>Links for %s</h1>\n", html.EscapeString(name))
	for _, f := range files {
		fmt.Fprintf(&b, "<a href=\"%s#sha256=%s\"", html.EscapeString(f.href), f.sha256)
		if f.requires != "" {
			fmt.Fprintf(&b, " data-requires-python=\"%s\"", html.EscapeString(f.requires))
		}
		if f.metadata != "" {
			// PEP 714 renamed the attribute; older pip reads only the old name.
			fmt.Fprintf(&b, " data-dist-info-metadata=\"sha256=%s\" data-core-metadata=\"sha256=%s\"", f.metadata, f.metadata)
		}
		if f.isYanked {
			fmt.Fprintf(&b, " data-yanked=\"%s\"", html.EscapeString(f.yanked))
		}
		fmt.Fprintf(&b, ">%s</a><br>\n", html.EscapeString(f.file))
	}
	b.WriteString("</body>\n</html>\n")
	return b.Bytes()
}

func listHTML(projects []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, htmlHead, "Simple index")
	for _, p := range projects {
		fmt.Fprintf(&b, "<a href=\"%s/\">%s</a><br>\n", p, p)
	}
	b.WriteString("</body>\n</html>\n")
	return b.Bytes()
}

// projectJSON is a page of PEP 691 with the fields of PEP 700.
func projectJSON(name string, files []pageFile) []byte {
	type file struct {
		Filename     string            `json:"filename"`
		URL          string            `json:"url"`
		Hashes       map[string]string `json:"hashes"`
		Requires     string            `json:"requires-python,omitempty"`
		Size         int64             `json:"size"`
		CoreMetadata any               `json:"core-metadata,omitempty"`
		DistInfo     any               `json:"dist-info-metadata,omitempty"`
		Yanked       any               `json:"yanked"`
	}
	list := []file{}
	var versions []string
	for _, f := range files {
		entry := file{Filename: f.file, URL: f.href, Hashes: map[string]string{"sha256": f.sha256}, Requires: f.requires, Size: f.size, Yanked: false}
		if f.metadata != "" {
			m := map[string]string{"sha256": f.metadata}
			entry.CoreMetadata, entry.DistInfo = m, m
		}
		if f.isYanked {
			entry.Yanked = true
			if f.yanked != "" {
				entry.Yanked = f.yanked
			}
		}
		list = append(list, entry)
		if !slices.Contains(versions, f.version) {
			versions = append(versions, f.version)
		}
	}
	sort.Slice(versions, func(i, j int) bool {
		a, errA := pep440.Parse(versions[i])
		b, errB := pep440.Parse(versions[j])
		if errA != nil || errB != nil {
			return versions[i] < versions[j]
		}
		return a.Compare(b) < 0
	})
	return jsonPage(map[string]any{
		"meta": map[string]string{"api-version": "1.1"}, "name": name, "versions": versions, "files": list,
	})
}

func listJSON(projects []string) []byte {
	list := []map[string]string{}
	for _, p := range projects {
		list = append(list, map[string]string{"name": p})
	}
	return jsonPage(map[string]any{"meta": map[string]string{"api-version": "1.1"}, "projects": list})
}

func jsonPage(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		panic(err) // strings, numbers and maps of them always encode
	}
	return b.Bytes()
}

// Sync writes the pages, and removes pages that are no longer wanted: metadata
// files first, project pages next, the lists that lead to them last.
func (w Wheelhouse) Sync(targets []string, withdrawn Withdrawn) (written, removed int, err error) {
	pages, err := w.Pages(targets, withdrawn)
	if err != nil {
		return 0, 0, err
	}
	var names []string
	for n := range pages {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		di, dj := pageRank(names[i]), pageRank(names[j])
		if di != dj {
			return di < dj
		}
		return names[i] < names[j]
	})
	for _, n := range names {
		if old, err := os.ReadFile(w.Path(n)); err == nil && bytes.Equal(old, pages[n]) {
			continue
		}
		if err := w.Write(n, pages[n]); err != nil {
			return written, removed, err
		}
		written++
	}
	stale, err := w.Stale(pages)
	if err != nil {
		return written, removed, err
	}
	for _, n := range stale {
		if err := os.Remove(w.Path(n)); err != nil {
			return written, removed, err
		}
		removed++
		os.Remove(filepath.Dir(w.Path(n))) // when it was the last
	}
	return written, removed, nil
}

func pageRank(name string) int {
	switch {
	case strings.HasPrefix(name, "wheels/"):
		return 0
	case strings.Count(name, "/") > 2:
		return 1
	}
	return 2
}

// Stale lists page files of the wheelhouse that pages does not have.
func (w Wheelhouse) Stale(pages map[string][]byte) ([]string, error) {
	var out []string
	for _, top := range []string{"simple", "wheels"} {
		err := filepath.WalkDir(w.Path(top), func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() || durable.IsTemp(d.Name()) || top == "wheels" && !strings.HasSuffix(name, ".metadata") {
				return err
			}
			rel, err := filepath.Rel(w.Dir, name)
			if rel = filepath.ToSlash(rel); err == nil && pages[rel] == nil {
				out = append(out, rel)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	sort.Strings(out)
	return out, nil
}
