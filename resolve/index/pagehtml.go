package index

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxToken caps one tag of a page.
const maxToken = 1 << 20

// parseHTML reads a project page of PEP 503 with the attributes of PEP 592,
// 629, 658, 714 and 792, or any flat page with links to files (find-links).
// What is no link to a distribution is passed over: such pages are made by
// hand and by servers' folder listings.
func parseHTML(body, name string, base *url.URL) (*Page, error) {
	h := htmlPage{page: &Page{Name: name}, base: base}
	z := html.NewTokenizer(strings.NewReader(body))
	z.SetMaxBuf(maxToken)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); err.Error() != "EOF" {
				return nil, err
			}
			return h.page, nil
		case html.StartTagToken, html.SelfClosingTagToken:
			tag, more := z.TagName()
			kind := atom.Lookup(tag)
			if kind != atom.A && kind != atom.Base && kind != atom.Meta {
				continue
			}
			if err := h.tag(kind, attributes(z, more)); err != nil {
				return nil, err
			}
		}
	}
}

// attributes are those of the current tag; of doubles the first counts, as the
// HTML standard says.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	attrs := map[string]string{}
	for more {
		var k, v []byte
		k, v, more = z.TagAttr()
		if _, ok := attrs[string(k)]; !ok {
			attrs[string(k)] = string(v)
		}
	}
	return attrs
}

type htmlPage struct {
	page    *Page
	base    *url.URL
	hasBase bool
}

func (h *htmlPage) tag(kind atom.Atom, attrs map[string]string) error {
	switch kind {
	case atom.Base:
		return h.setBase(attrs["href"])
	case atom.Meta:
		switch attrs["name"] {
		case "pypi:repository-version":
			return checkVersion(strings.TrimSpace(attrs["content"]))
		case "pypi:project-status":
			h.page.Status = attrs["content"]
		case "pypi:project-status-reason":
			h.page.StatusReason = attrs["content"]
		}
		return nil
	}
	if len(h.page.Files) >= MaxFiles {
		return fmt.Errorf("more than %d files", MaxFiles)
	}
	f, ok, err := h.anchor(attrs)
	if ok && err == nil {
		h.page.Files = append(h.page.Files, f)
	}
	return err
}

// setBase follows the HTML standard: the first base element with an href.
func (h *htmlPage) setBase(href string) error {
	if href == "" || h.hasBase {
		return nil
	}
	ref, err := url.Parse(href)
	if err != nil {
		return fmt.Errorf("base address is none")
	}
	u := h.base.ResolveReference(ref)
	if u.Scheme != "http" && u.Scheme != "https" && u.Scheme != h.base.Scheme {
		return fmt.Errorf("base address of kind %q", u.Scheme)
	}
	h.base, h.hasBase = u, true
	return nil
}

func (h *htmlPage) anchor(attrs map[string]string) (f File, ok bool, err error) {
	ref, perr := url.Parse(strings.TrimSpace(attrs["href"]))
	if perr != nil || ref.Opaque != "" {
		return f, false, nil
	}
	f.Name = path.Base(ref.Path) // decoded, as pip names it
	if checkFileName(f.Name) != nil || !isDistribution(f.Name) {
		return f, false, nil
	}
	if f.URL, err = resolveURL(h.base, attrs["href"]); err != nil {
		return f, false, fmt.Errorf("address of %s: %w", f.Name, err)
	}
	if err := f.fragment(ref.Fragment); err != nil {
		return f, false, err
	}
	f.RequiresPython = strings.TrimSpace(attrs["data-requires-python"])
	f.YankedReason, f.Yanked = attrs["data-yanked"]
	core, has := attrs["data-core-metadata"]
	if !has { // PEP 714: the new name wins where both are there
		core, has = attrs["data-dist-info-metadata"]
	}
	if has && f.IsWheel() {
		f.HasMetadata = core != "false"
		if sum, is := strings.CutPrefix(core, "sha256="); is {
			if f.CoreMetadata, err = checkSHA256(sum); err != nil {
				return f, false, fmt.Errorf("hash of the metadata of %s: %w", f.Name, err)
			}
		}
	}
	return f, true, nil
}

// fragment reads "sha256=hex", among other parts divided by "&" as in
// "egg=name&sha256=hex".
func (f *File) fragment(fragment string) (err error) {
	hashes := map[string]string{}
	for part := range strings.SplitSeq(fragment, "&") {
		if alg, value, ok := strings.Cut(part, "="); ok {
			hashes[alg] = value
		}
	}
	if sum, ok := hashes["sha256"]; ok {
		if f.SHA256, err = checkSHA256(sum); err != nil {
			return fmt.Errorf("hash of %s: %w", f.Name, err)
		}
		return nil
	}
	f.OtherHash = strongest(hashes)
	return nil
}
