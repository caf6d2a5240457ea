package lock

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Archive says that a locked file was taken from an address, not from an index.
type Archive struct {
	Name string // of the file; its hash stands in its own row
	URL  string // https, http or file; without user information and fragment
}

// VCS says that the package's source was made from a commit: a tar.gz whose
// bytes the commit alone determines, named NAME-VERSION.tar.gz.
type VCS struct {
	Type         string // "git"
	URL          string // https, http, ssh or file; without a password
	CommitID     string // 40 or 64 lower-case hexadecimal digits
	Subdirectory string // of the project in the repository; "": its root
}

// String is the direct reference as an input would name it.
func (v *VCS) String() string {
	s := v.Type + "+" + v.URL + "@" + v.CommitID
	if v.Subdirectory != "" {
		s += "#subdirectory=" + v.Subdirectory
	}
	return s
}

// Source says where the package comes from if not from an index: the commit or
// the addresses of its files; "" is an index.
func (p *Package) Source() string {
	if p.VCS != nil {
		return p.VCS.String()
	}
	urls := make([]string, len(p.Archives))
	for i, a := range p.Archives {
		urls[i] = a.URL
	}
	return strings.Join(urls, " ")
}

// SourceChange is a name that now comes from elsewhere. Old and New are
// Package.Source; "" is an index.
type SourceChange struct {
	Name, Version string // of the new lock
	Old, New      string
}

// String is one line for a person.
func (c SourceChange) String() string {
	word := func(s string) string {
		if s == "" {
			return "an index"
		}
		return s
	}
	return fmt.Sprintf("SOURCE CHANGED: %s %s came from %s, now comes from %s", c.Name, c.Version, word(c.Old), word(c.New))
}

// diffSources compares where names come from, whatever their versions.
func (c *Changes) diffSources(a, b *Lock) {
	old := map[string][]string{}
	for i := range a.Packages {
		if p := &a.Packages[i]; p.Group != GroupBuild {
			old[p.Name] = append(old[p.Name], p.Source())
		}
	}
	for i := range b.Packages {
		p := &b.Packages[i]
		was, there := old[p.Name]
		if p.Group == GroupBuild || slices.Contains(was, p.Source()) || !there && p.Source() == "" {
			continue
		}
		if !there {
			continue // a new name: its block shows where from
		}
		c.Sources = append(c.Sources, SourceChange{p.Name, p.Version, strings.Join(set(was), " "), p.Source()})
	}
}

func (c *checker) direct(i int, p *Package) {
	if p.VCS == nil && len(p.Archives) == 0 {
		return
	}
	at := place{"packages", i, 0}
	if p.Group == GroupBuild || p.VCS != nil && len(p.Archives) > 0 {
		c.fail(at, hintLock, "package %s: a build requirement, or one from a commit, has no [[packages.archive]]", p.id())
	}
	if v := p.VCS; v != nil {
		at.table = "vcs"
		switch {
		case v.Type != "git":
			c.fail(at, hintLock, "package %s: vcs type is %q, expected \"git\"", p.id(), clip(v.Type))
		case !isAddress(v.URL, "https", "http", "ssh", "file"):
			c.fail(at, hintLock, "package %s: vcs url is %q, expected https, ssh or file without a password", p.id(), clip(hidden(v.URL)))
		case (len(v.CommitID) != 40 && len(v.CommitID) != 64) || strings.Trim(v.CommitID, "0123456789abcdef") != "":
			c.fail(at, hintLock, "package %s: commit-id is %q, expected 40 lower-case hexadecimal digits", p.id(), clip(v.CommitID))
		case v.Subdirectory != "" && !isRelative(v.Subdirectory):
			c.fail(at, hintLock, "package %s: subdirectory leaves the repository", p.id())
		case p.Sdist == nil:
			c.fail(at, hintLock, "package %s: from a commit, without the [packages.sdist] that is made of it", p.id())
		}
	}
	for j, a := range p.Archives {
		at := place{"archive", i, j}
		own := p.Sdist != nil && p.Sdist.Name == a.Name ||
			slices.ContainsFunc(p.Wheels, func(w Wheel) bool { return w.Name == a.Name }) ||
			slices.ContainsFunc(p.Upstream, func(u Upstream) bool { return u.Name == a.Name })
		switch {
		case !own:
			c.fail(at, hintLock, "package %s: archive %q is none of its files", p.id(), clip(a.Name))
		case !isAddress(a.URL, "https", "http", "file"):
			c.fail(at, hintLock, "package %s: archive url is %q, expected https without user information", p.id(), clip(hidden(a.URL)))
		case j > 0 && p.Archives[j-1].Name >= a.Name:
			c.fail(at, hintLock, "package %s: archive %s stands twice or out of order", p.id(), a.Name)
		}
	}
}

// isAddress: an absolute address of one of the schemes, which shows no secret
// and has one reading. Only ssh has a user: its login, never a password.
func isAddress(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	if err != nil || !isText(s) || strings.ContainsAny(s, " \"\\#") || !slices.Contains(schemes, u.Scheme) {
		return false
	}
	if u.User != nil {
		if _, secret := u.User.Password(); secret || u.Scheme != "ssh" {
			return false
		}
	}
	if u.Scheme == "file" {
		return u.Host == "" && strings.HasPrefix(u.Path, "/")
	}
	return u.Host != "" && !strings.HasPrefix(u.Host, "-")
}

// hidden keeps a password out of a message.
func hidden(s string) string {
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if host, path, _ := strings.Cut(rest, "/"); strings.Contains(host, "@") {
			return scheme + "://..@" + host[strings.LastIndexByte(host, '@')+1:] + "/" + path
		}
	}
	return s
}

// isRelative: a path below its folder, in one spelling.
func isRelative(s string) bool {
	if !isText(s) || strings.ContainsAny(s, "\\\"") {
		return false
	}
	for _, part := range strings.Split(s, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}
