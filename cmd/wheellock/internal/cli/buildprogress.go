package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
)

// buildProgress shows builds as they come and go: on a terminal with a line that names
// what is being built and for how long, elsewhere a line for each that is done.
type buildProgress struct {
	status *term.Status // nil: nothing is shown
	stop   chan struct{}

	mu      sync.Mutex
	since   time.Time
	active  []*rebuild.Job
	done, n int
}

// newProgress begins to show; end stops it.
func (a *app) newProgress(jobs int) *buildProgress {
	p := &buildProgress{stop: make(chan struct{}), since: a.Now(), n: jobs}
	if a.quiet || a.noProgress || a.json && !a.errStyle.Live {
		return p
	}
	p.status = term.NewStatus(a.Err, a.errStyle.Live)
	if a.errStyle.Live {
		go func() {
			for {
				select {
				case <-p.stop:
					return
				case <-time.After(time.Second):
					p.draw(a.Now())
				}
			}
		}()
	}
	return p
}

func (p *buildProgress) end() {
	close(p.stop)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active = nil
	if p.status != nil {
		p.status.Set("")
	}
}

// draw writes the line of what is under way.
func (p *buildProgress) draw(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status == nil || len(p.active) == 0 {
		return
	}
	var names []string
	for _, j := range p.active {
		names = append(names, j.Package.Name+" "+j.Package.Version+" for "+j.Target().Name)
	}
	p.status.Set(fmt.Sprintf("[%d/%d] %d s: %s", p.done, p.n, int(now.Sub(p.since).Seconds()), strings.Join(names, ", ")))
}

// Begin shows what has begun.
func (r *buildRun) Begin(j *rebuild.Job) {
	p := r.progress
	p.mu.Lock()
	p.active = append(p.active, j)
	p.mu.Unlock()
	p.draw(r.Now())
}

// Done shows what has come to its end.
func (r *buildRun) Done(i, n int, j *rebuild.Job, o *rebuild.Outcome) {
	p := r.progress
	p.mu.Lock()
	p.done, p.n = i, n
	p.active = slices.DeleteFunc(p.active, func(k *rebuild.Job) bool { return k == j })
	p.mu.Unlock()
	if p.status == nil || o == nil {
		p.draw(r.Now())
		return
	}
	state := fmt.Sprintf("%.1f s", o.Seconds())
	if o.Failure != nil {
		state = "failed"
	}
	p.status.Print(fmt.Sprintf("[%d/%d] %s %s for %s  %s", i, n, o.Job.Package.Name, o.Job.Package.Version, o.Target.Name, state))
	p.draw(r.Now())
}

// Extended says that a recipe has grown.
func (r *buildRun) Extended(j *rebuild.Job, requires []string) {
	if r.quiet {
		return
	}
	line := fmt.Sprintf("%s %s: its backend also asks for %s; the recipe pins it now", j.Package.Name, j.Package.Version, term.Line(strings.Join(requires, ", ")))
	if r.progress == nil || r.progress.status == nil {
		r.say("%s", line)
		return
	}
	r.progress.status.Print(line)
}
