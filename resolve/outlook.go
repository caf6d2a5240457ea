package resolve

import (
	"context"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// Outlook is what a release is to a target, as far as the page tells.
type Outlook struct {
	Version  pep440.Version
	Uploaded time.Time // of its first file; zero where the index does not say
	Pre      bool
	Yanked   bool   // every file that the target could use is
	Late     bool   // the request's cut-off hides it
	Refused  string // why the target cannot use it, "needs Python 3.10"; "" if it can
}

// Look judges every release of a page for a target, the newest first, by the
// request's cut-off, NoBinary and OnlyBinary; its requirements are not looked at.
func Look(page *index.Page, t tags.Target, req Request) []Outlook {
	v := newView(newStore(context.Background(), nil, &req), t)
	p := v.of(newProject(page.Name, page, &req))
	var list []Outlook
	for i := len(p.releases) - 1; i >= 0; i-- {
		r, c := p.releases[i], v.candidate(p, i)
		o := Outlook{Version: r.version, Uploaded: r.uploaded(), Pre: r.pre, Yanked: c.yanked}
		if !c.usable() {
			o.Refused, o.Late = v.nearest(p, i)
		}
		list = append(list, o)
	}
	return list
}

// uploaded is when the first file of a release came.
func (r *release) uploaded() time.Time {
	var first time.Time
	earlier := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	for _, w := range r.wheels {
		earlier(w.file.Uploaded)
	}
	for _, d := range r.sdists {
		earlier(d.file.Uploaded)
	}
	return first
}
