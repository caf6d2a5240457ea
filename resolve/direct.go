package resolve

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/solver"
)

// Direct is a package that the request takes from somewhere else than the
// index, which is then never asked for the name.
type Direct struct {
	// Addresses gives the version at each address that a requirement may name
	// (see DirectKey). Several addresses are told apart by their markers.
	Addresses map[string]string
	Files     []index.File // of all versions, with their sha256

	// Local is the folder of a project in the user's own tree. It has no files
	// and no requirements of its own (the request has them); its version meets
	// the bounds of others. It is not part of the solution.
	Local          string
	Version        string // of a local project; "": any bound is met
	RequiresPython string
}

// DirectKey is an address as Direct.Addresses has it: without a hash or a name
// in its fragment, which do not say where it leads.
func DirectKey(address string) string {
	base, fragment, _ := strings.Cut(address, "#")
	for _, part := range strings.Split(fragment, "&") {
		if strings.HasPrefix(part, "subdirectory=") {
			base += "#" + part
		}
	}
	return base
}

// Allowed is the set of files that somebody named by hash.
type Allowed struct {
	SHA256 []string
	Origin string // "requirements.txt:3"
}

// at is the version that a requirement with an address means.
func (req *Request) at(r pep508.Requirement) (spec pep440.Specifiers, why string) {
	d, ok := req.Direct[r.Canonical()]
	v := d.Addresses[DirectKey(r.URL)]
	switch {
	case d.Local != "" && isLocal(r.URL):
		return spec, ""
	case !ok || v == "":
		return spec, fmt.Sprintf("by a direct address (%s) that the project does not name itself; to trust it, require %s @ %s", hideUser(r.URL), r.Name, hideUser(r.URL))
	}
	spec, err := pep440.ParseSpecifiers("==" + v)
	if err != nil {
		return spec, err.Error()
	}
	return spec, ""
}

func isLocal(address string) bool {
	return strings.HasPrefix(address, "file:") || strings.HasPrefix(address, ".") || strings.HasPrefix(address, "/")
}

// hideUser leaves out what may be a password.
func hideUser(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "one that cannot be read"
	}
	if u.User != nil && !(u.Scheme == "git+ssh" || u.Scheme == "ssh") {
		u.User = nil
	} else if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	return u.String()
}

// localProject is the one release of a project in the user's own tree.
func localProject(name string, d Direct) *project {
	version := d.Version
	v, err := pep440.Parse(version)
	if err != nil {
		version = "0"
		v, _ = pep440.Parse(version)
	}
	file := strings.ReplaceAll(name, "-", "_") + "-" + v.String() + "-py2.py3-none-any.whl"
	p := newProject(name, &index.Page{Name: name, Files: []index.File{{Name: file, RequiresPython: d.RequiresPython}}},
		&Request{})
	p.local, p.anyVersion = d.Local, err != nil
	return p
}

// overridden puts the overrides in the place of the requirements on their names.
// The extras asked for stay; where no override of a name holds on the target,
// the requirement does.
func (p *provider) overridden(needs []*need) []*need {
	if len(p.req.Overrides) == 0 {
		return needs
	}
	var out []*need
	for _, n := range needs {
		list := p.overridesOf(n)
		if list == nil {
			list = []*need{n}
		}
		out = append(out, list...)
	}
	return out
}

// overridesOf makes the needs that replace one, the same ones each time, since
// the search tells needs apart by their place in memory.
func (v *view) overridesOf(n *need) []*need {
	v.mu.Lock()
	list, done := v.replaced[n]
	v.mu.Unlock()
	if done {
		return list
	}
	for _, o := range v.req.Overrides {
		if o.Canonical() != n.name {
			continue
		}
		if holds, err := o.Marker.Eval(v.env); o.Marker != nil && (err != nil || !holds) {
			continue
		}
		m := newNeed(o.Requirement)
		m.root, m.group, m.origin, m.override = n.root, n.group, n.origin, o.Origin
		m.extras = slices.Compact(slices.Sorted(slices.Values(append(m.extras, n.extras...))))
		m.instead = n.wants()
		list = append(list, m)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if have, done := v.replaced[n]; done {
		return have
	}
	v.replaced[n] = list
	return list
}

// forbids says why a file is not one that the user named by hash; "" if it is.
func (a Allowed) forbids(f *index.File) string {
	switch {
	case a.SHA256 == nil || slices.Contains(a.SHA256, f.SHA256):
		return ""
	case f.SHA256 == "":
		return "the index gives no sha256, and " + a.Origin + " names the files by hash"
	}
	return "the sha256 of " + f.Name + " is not among those at " + a.Origin
}

// withoutLocals takes local projects out of the answer: they are not locked.
func (v *view) withoutLocals(t *TargetSolution) {
	local := func(name string) bool { return v.req.Direct[name].Local != "" }
	t.Pins = slices.DeleteFunc(t.Pins, func(p Pin) bool { return local(p.Name) })
	for i := range t.Pins {
		t.Pins[i].Dependencies = slices.DeleteFunc(t.Pins[i].Dependencies, local)
	}
}

// localSet is the set of releases that a bound admits of a local project.
func (p *project) localSet() (solver.Set, bool) {
	if !p.anyVersion {
		return solver.Set{}, false
	}
	return solver.FullSet(len(p.releases)), true
}
