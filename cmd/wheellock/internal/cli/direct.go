package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// sources are the packages that the inputs take from an address, by name and
// version as a pin has them.
type sources struct {
	archives map[[2]string][]lock.Archive
	vcs      map[[2]string]*lock.VCS
	notes    []string
}

// sources fetches what the requirements name by address, checks it, and puts it
// into the request; the client offers it in the place of the names' pages.
func (s *session) sources(ctx context.Context, client *index.Client, req *resolve.Request) (*sources, error) {
	out := &sources{archives: map[[2]string][]lock.Archive{}, vcs: map[[2]string]*lock.VCS{}}
	client.NoOffers()
	direct := map[string]resolve.Direct{}
	for name, d := range req.Direct {
		if d.Local != "" {
			direct[name] = d
		}
	}
	for _, r := range req.Requirements {
		name := r.Canonical()
		if r.URL == "" {
			continue
		}
		d := direct[name]
		if d.Local != "" {
			return nil, invalid("keep one of them", "%s: %s is also the project in %s", r.Origin, r.Name, d.Local)
		}
		key := resolve.DirectKey(r.URL)
		if d.Addresses[key] != "" {
			continue // again, for another group
		}
		f, version, err := s.source(ctx, client, req, r, out)
		if err != nil {
			return nil, err
		}
		if d.Addresses == nil {
			d.Addresses = map[string]string{}
		}
		d.Addresses[key] = version
		if !slices.ContainsFunc(d.Files, func(g index.File) bool { return g.Name == f.Name }) {
			d.Files = append(d.Files, f)
		} else {
			return nil, invalid("keep one of them, or give each a version of its own", "%s: two addresses of %s lead to a file named %s", r.Origin, r.Name, f.Name)
		}
		direct[name] = d
	}
	req.Direct = direct
	if err := s.onePerName(direct); err != nil {
		return nil, err
	}
	for name, d := range direct {
		if d.Local == "" {
			client.Offer(name, d.Files)
		}
	}
	return out, nil
}

// onePerName refuses a source whose name the wheelhouse has for other bytes. A
// source's hash never changes, in no log and for no index: without this, the
// build would be the one to fail.
func (s *session) onePerName(direct map[string]resolve.Direct) error {
	if s.readOnly() {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(direct)) {
		for _, f := range direct[name].Files {
			have, err := s.house().Hash(mirror.Sdist(f.Name))
			if err == nil && !f.IsWheel() && have != f.SHA256 {
				return finding("give the project another version at this commit or address, such as 1.2.post1 after 1.2: a name and version mean the same bytes for ever",
					"%s from %s: the wheelhouse has another %s (sha256 %s), which was locked before", name, f.URL, f.Name, have[:12])
			}
		}
	}
	return nil
}

func (s *session) source(ctx context.Context, client *index.Client, req *resolve.Request, r resolve.Requirement, out *sources) (index.File, string, error) {
	scheme, _, _ := strings.Cut(r.URL, ":")
	if strings.HasPrefix(scheme, "git+") {
		return s.commit(ctx, client, req, r, out)
	}
	if vcs, _, ok := strings.Cut(scheme, "+"); ok {
		return index.File{}, "", invalid("export an sdist of it and require that by address or from an index", "%s: %s: %s repositories are not read, only git", r.Origin, r.Name, vcs)
	}
	return s.archive(ctx, client, req, r, out)
}

// archive fetches a file by its address. Without a hash the address says
// nothing about the bytes of tomorrow, so one is asked for.
func (s *session) archive(ctx context.Context, client *index.Client, req *resolve.Request, r resolve.Requirement, out *sources) (f index.File, version string, err error) {
	fail := func(hint, format string, args ...any) (index.File, string, error) {
		return f, "", invalid(hint, "%s: %s: %s", r.Origin, r.Name, fmt.Sprintf(format, args...))
	}
	u, err := url.Parse(r.URL)
	switch {
	case err != nil:
		return fail("write "+r.Name+" @ https://HOST/FILE#sha256=HASH", "the address cannot be read")
	case u.User != nil:
		u.User = nil
		return fail("write it without, and put the password into ~/.netrc", "the address holds a user name or a password (%s)", u.Host)
	case u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "file" || u.Scheme == "file" && !strings.HasPrefix(u.Path, "/"):
		return fail("write "+r.Name+" @ https://HOST/FILE#sha256=HASH", "%s is no address of a file", u.Redacted())
	}
	fragment := u.Fragment
	u.Fragment, u.RawFragment = "", ""
	var hash string
	for _, part := range strings.Split(fragment, "&") {
		switch key, value, _ := strings.Cut(part, "="); key {
		case "sha256":
			hash = strings.ToLower(value)
		case "subdirectory":
			return fail("publish an sdist of the project, or name its commit: "+r.Name+" @ git+https://HOST/REPOSITORY@COMMIT#subdirectory="+value, "a subdirectory of an archive is not built")
		}
	}
	allowed := req.Hashes[r.Canonical()].SHA256
	switch {
	case hash == "" && len(allowed) == 1:
		hash = allowed[0]
	case hash != "" && len(allowed) > 0 && !slices.Contains(allowed, hash):
		return fail("keep the one that is right", "the hash in the address is not among those behind --hash")
	}
	if hash != "" && (len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "") {
		return fail("write #sha256= and 64 hexadecimal digits", "%q is no sha256", hash)
	}
	base := path.Base(u.Path)
	f = index.File{Name: base, URL: u.String(), SHA256: hash}
	kept, err := client.Fetch(ctx, f)
	var other *index.HashError
	if errors.As(err, &other) {
		return f, "", finding("do not use the file before you know why; compare it with one you trust by `wheellock compare`",
			"%s: %s: the file at %s has %s, the requirement says %s", r.Origin, r.Name, u.Redacted(), other.Got, other.Want)
	}
	if err != nil {
		return f, "", fmt.Errorf("%s: %s: %w", r.Origin, r.Name, err)
	}
	if hash == "" {
		now, err := mirror.HashFile(kept)
		if err != nil {
			return f, "", err
		}
		plain := r.Requirement
		plain.URL = u.String() + "#sha256=" + now
		return fail("write it as: "+plain.String()+" (what the address gives now; nobody has verified it)", "a file by its address needs its sha256")
	}
	info, err := os.Stat(kept)
	if err != nil {
		return f, "", err
	}
	f.Size = info.Size()
	if strings.HasSuffix(base, ".whl") {
		w, err := tags.ParseWheelName(base)
		if err != nil || w.Name != r.Canonical() {
			return fail("correct the name", "%s is no wheel of it", base)
		}
		version = w.Version.String()
	} else if version, err = s.versionOf(ctx, client, req, r, &f, kept); err != nil {
		return f, "", err
	}
	key := [2]string{r.Canonical(), version}
	out.archives[key] = append(out.archives[key], lock.Archive{Name: f.Name, URL: f.URL})
	return f, version, nil
}

// versionOf finds the version in an archive, and gives the file the name that
// an sdist has.
func (s *session) versionOf(ctx context.Context, client *index.Client, req *resolve.Request, r resolve.Requirement, f *index.File, kept string) (string, error) {
	ext := ""
	for _, e := range []string{".tar.gz", ".zip"} {
		if strings.HasSuffix(f.Name, e) {
			ext = e
		}
	}
	if ext == "" {
		return "", invalid("require a .whl, .tar.gz or .zip", "%s: %s: %s is neither a wheel nor a source archive that is read here", r.Origin, r.Name, f.Name)
	}
	file, err := os.Open(kept)
	if err != nil {
		return "", err
	}
	defer file.Close()
	src, err := metadata.ReadSdist(file, ext)
	if err != nil {
		return "", invalid("correct the address", "%s: %s: %v", r.Origin, r.Name, err)
	}
	version, err := s.versionIn(ctx, client, req, r, src, index.File{Name: sdistFile(r.Canonical(), "0", ext), URL: f.URL, SHA256: f.SHA256, Size: f.Size})
	if err != nil {
		return "", err
	}
	f.Name = sdistFile(r.Canonical(), version, ext)
	return version, nil
}

func sdistFile(name, version, ext string) string {
	return strings.ReplaceAll(name, "-", "_") + "-" + version + ext
}

// versionIn asks, in this order, what stands in the source, the user, and the
// source's backend for its version. ask is the source as a file of version 0.
func (s *session) versionIn(ctx context.Context, client *index.Client, req *resolve.Request, r resolve.Requirement, src metadata.Sdist, ask index.File) (string, error) {
	name := r.Canonical()
	var found metadata.Metadata
	if m, err := metadata.Parse(src.PKGInfo); err == nil {
		found = m
	} else if m, _, err := metadata.ParseProject(src.PyProject); err == nil {
		found = m
	}
	if found.Name != "" && pep508.NormalizeName(found.Name) != name {
		return "", invalid("correct the name", "%s: the source at the address is that of %s, not of %s", r.Origin, found.Name, r.Name)
	}
	if found.Version.IsValid() {
		return found.Version.String(), nil
	}
	var said []string
	for key := range req.UserMetadata {
		if n, v, _ := strings.Cut(key, "@"); n == name && v != "" {
			said = append(said, v)
		}
	}
	if len(said) == 1 {
		return said[0], nil
	}
	client.Offer(name, []index.File{ask})
	defer client.Offer(name, nil)
	v := resolve.UnknownMetadata{Name: name, Version: "0", File: ask.Name}
	b, err := s.runMetadata(ctx, client, ask, v, req.Targets[0])
	if err == nil {
		var m metadata.Metadata
		if m, err = metadata.Parse(b); err == nil && pep508.NormalizeName(m.Name) != name {
			err = fmt.Errorf("its metadata is that of %s", m.Name)
		}
		if err == nil {
			return m.Version.String(), nil
		}
	}
	v.Version = "VERSION"
	out := unknownMetadata(ctx, s.project, v, err)
	var e *Error
	if errors.As(out, &e) && e.Code != Environment {
		e.Msg = fmt.Sprintf("%s: %s: the source does not say which version it is, and its backend cannot tell without the history of the repository: %v", r.Origin, name, err)
	}
	return "", out
}

// prevWithout is the previous lock without the packages that now come from
// elsewhere: their files are other ones by right.
func (x *sources) prevWithout(l *lock.Lock) *lock.Lock {
	if l == nil {
		return nil
	}
	c := *l
	c.Packages = nil
	for _, p := range l.Packages {
		if p.Group == lock.GroupBuild || p.Source() == x.of(&p).Source() {
			c.Packages = append(c.Packages, p)
		}
	}
	return &c
}

// of is a package with what the inputs say about where it comes from.
func (x *sources) of(p *lock.Package) *lock.Package {
	q := &lock.Package{Name: p.Name, Version: p.Version}
	key := [2]string{p.Name, p.Version}
	q.VCS = x.vcs[key]
	for _, a := range x.archives[key] {
		has := p.Sdist != nil && p.Sdist.Name == a.Name ||
			slices.ContainsFunc(p.Wheels, func(w lock.Wheel) bool { return w.Name == a.Name }) ||
			slices.ContainsFunc(p.Upstream, func(u lock.Upstream) bool { return u.Name == a.Name })
		if has {
			q.Archives = append(q.Archives, a)
		}
	}
	slices.SortFunc(q.Archives, func(a, b lock.Archive) int { return strings.Compare(a.Name, b.Name) })
	return q
}

// mark writes into the lock where its packages come from.
func (x *sources) mark(l *lock.Lock) {
	for i := range l.Packages {
		if p := &l.Packages[i]; p.Group != lock.GroupBuild {
			q := x.of(p)
			p.Archives, p.VCS = q.Archives, q.VCS
		}
	}
}

// offerLocked makes the files of the lock's direct packages known to the
// client, so that another machine finds them where this one did.
func (s *session) offerLocked(client *index.Client) {
	if s.locked == nil {
		return
	}
	files := map[string][]index.File{}
	for i := range s.locked.Packages {
		p := &s.locked.Packages[i]
		if p.VCS != nil && p.Sdist != nil {
			files[p.Name] = append(files[p.Name], index.File{Name: p.Sdist.Name, URL: p.VCS.String(), Size: p.Sdist.Size, SHA256: p.Sdist.SHA256})
		}
		for _, a := range p.Archives {
			f := index.File{Name: a.Name, URL: a.URL}
			if p.Sdist != nil && p.Sdist.Name == a.Name {
				f.Size, f.SHA256 = p.Sdist.Size, p.Sdist.SHA256
			}
			for _, w := range p.Wheels {
				if w.Name == a.Name && w.Origin == lock.OriginUpstream {
					f.Size, f.SHA256 = w.Size, w.SHA256
				}
			}
			for _, w := range p.Upstream {
				if w.Name == a.Name {
					f.Size, f.SHA256 = w.Size, w.SHA256
				}
			}
			files[p.Name] = append(files[p.Name], f)
		}
	}
	for name, list := range files {
		client.Offer(name, list)
	}
}

// makeSource is index.Options.Make: the sdist of a commit.
func (s *session) makeSource(ctx context.Context, f index.File) (string, error) {
	n, err := tags.ParseSdistName(f.Name)
	if err != nil {
		return "", err
	}
	version := n.Version.String()
	if f.Name == sdistFile(n.Name, "0", n.Ext) {
		version = "" // only to ask the backend, see versionIn
	}
	_, data, err := s.sdistOf(ctx, f.URL, n.Name, version)
	if err != nil {
		return "", err
	}
	cache, err := s.cache()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(cache, "vcs"), 0o700); err != nil {
		return "", err
	}
	temp, err := os.CreateTemp(filepath.Join(cache, "vcs"), ".sdist-")
	if err != nil {
		return "", err
	}
	s.clientMu.Lock()
	s.temp = append(s.temp, temp.Name())
	s.clientMu.Unlock()
	_, err = temp.Write(data)
	return temp.Name(), errors.Join(err, temp.Close())
}
