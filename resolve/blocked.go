package resolve

import (
	"fmt"
	"slices"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// Blocked is the newest version that a target could use and some requirement
// does not admit, and whose requirements those are.
type Blocked struct {
	Version pep440.Version
	By      []string // sorted: "app 1.0 needs lib<2", "requirements.in:3 asks for lib<2"
}

// blocked fills in Pin.Blocked. who says which packages have a need.
func (v *view) blocked(p *provider, pins []Pin, needs map[string][]any, who map[*need][]string) {
	for k := range pins {
		pin := &pins[k]
		proj, err := v.project(pin.Name)
		if err != nil {
			continue
		}
		pv := v.of(proj)
		for i := len(pv.releases) - 1; i >= 0 && pv.releases[i].version.Compare(pin.Version) > 0; i-- {
			if pv.releases[i].pre || !v.plain(pv, i) {
				continue
			}
			if by := p.against(pv, i, needs[pin.Name], who); len(by) > 0 {
				pin.Blocked = &Blocked{pv.releases[i].version, by}
			}
			break
		}
	}
}

// timeless names what a cut-off hides because the index does not say when it was
// uploaded: an index that says it of no file would otherwise look out of date.
func (v *view) timeless(p *provider, pins []Pin, needs map[string][]any) []string {
	if v.req.ExcludeNewer.IsZero() {
		return nil
	}
	var list []string
	for _, pin := range pins {
		proj, err := v.project(pin.Name)
		if err != nil {
			continue
		}
		pv := v.of(proj)
		for i := len(pv.releases) - 1; i >= 0 && pv.releases[i].version.Compare(pin.Version) > 0; i-- {
			r := pv.releases[i]
			if !r.pre && r.timeless() && p.admitted(pv, i, needs[pin.Name]) {
				list = append(list, fmt.Sprintf("%s %s is left out: the index does not say when it was uploaded, so the cut-off cannot be judged", pin.Name, r.text))
				break
			}
		}
	}
	return list
}

// timeless reports whether a release has files and none tells its time.
func (r *release) timeless() bool {
	for _, w := range r.wheels {
		if !w.file.Uploaded.IsZero() {
			return false
		}
	}
	for _, d := range r.sdists {
		if !d.file.Uploaded.IsZero() {
			return false
		}
	}
	return len(r.wheels)+len(r.sdists) > 0
}

// admitted reports whether everything in force allows release i.
func (p *provider) admitted(pv *projectView, i int, labels []any) bool {
	for _, l := range labels {
		if !pv.set(l.(*need).spec).Has(i) {
			return false
		}
	}
	return !slices.ContainsFunc(p.constraints[pv.name], func(c *need) bool { return !pv.set(c.spec).Has(i) })
}

// against says who does not admit release i.
func (p *provider) against(pv *projectView, i int, labels []any, who map[*need][]string) []string {
	var by []string
	judge := func(n *need) {
		switch {
		case pv.set(n.spec).Has(i):
		case n.origin != "":
			by = append(by, fmt.Sprintf("%s asks for %s", n.origin, n.wants()))
		default:
			for _, w := range who[n] {
				by = append(by, fmt.Sprintf("%s needs %s", w, n.wants()))
			}
		}
	}
	for _, l := range labels {
		judge(l.(*need))
	}
	for _, c := range p.constraints[pv.name] {
		judge(c)
	}
	slices.Sort(by)
	return slices.Compact(by)
}
