package main

import (
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"time"
)

// bench is one run.
type bench struct {
	options
	dir    string
	server *server
	result *result
}

// fiveTargets are the first target and four neighbours.
var fiveTargets = []string{target, "jammy", "bookworm", "noble", "bookworm-arm64"}

func (b *bench) all() error {
	for _, set := range b.sets {
		for _, delay := range b.delays {
			if err := b.beside(set, delay); err != nil {
				return err
			}
		}
	}
	last := b.sets[len(b.sets)-1]
	for _, delay := range b.delays {
		if err := b.five(last, delay); err != nil {
			return err
		}
	}
	b.server.setting.Delay = 0
	if err := b.check(last); err != nil {
		return err
	}
	return b.requests(last)
}

// beside times the tools on one requirement set, cold and warm.
func (b *bench) beside(set string, delay time.Duration) error {
	if err := b.slow(delay); err != nil {
		return err
	}
	p, err := b.project("one", set, target)
	if err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	tools := []tool{b.lockTool(), b.onlyTool()}
	if b.uv != "" {
		tools = append(tools, b.uvTool())
	}
	// Once for the server, which makes each page when it is first asked for.
	var theirs []byte
	for _, t := range tools {
		_, out, err := t.run(p)
		if err != nil {
			return err
		}
		theirs = out
	}
	ours, err := p.locked()
	if err != nil {
		return err
	}
	var differ []string
	if b.uv != "" {
		differ = differences(ours, compiled(theirs))
	}
	defer func() { b.server.setting.PagesAge = false }()
	for _, cache := range []string{cold, warm, warmPages} {
		if b.server.setting.PagesAge = cache == warmPages; b.server.setting.PagesAge {
			if err := b.refill(tools, p); err != nil {
				return err
			}
		}
		times, err := b.rounds(tools, p, cache == cold)
		if err != nil {
			return err
		}
		b.result.Beside = append(b.result.Beside, row{Set: set, Packages: len(ours), Delay: delay.String(), Cache: cache, Differ: differ,
			Wheellock: figureOf(times["wheellock"]), Resolve: figureOf(times["resolve"]), UV: figureOf(times["uv"])})
	}
	return nil
}

// refill empties the caches and runs each tool once.
func (b *bench) refill(tools []tool, p *project) error {
	if _, err := b.server.ask(true); err != nil {
		return err
	}
	for _, t := range tools {
		if err := os.RemoveAll(p.cache(t.name)); err != nil {
			return err
		}
		if _, _, err := t.run(p); err != nil {
			return err
		}
	}
	return nil
}

// rounds runs the tools one after the other, another one first each time.
func (b *bench) rounds(tools []tool, p *project, cold bool) (map[string][]sample, error) {
	times := map[string][]sample{}
	for i := range b.runs {
		for k := range tools {
			t := tools[(i+k)%len(tools)]
			if cold {
				if err := os.RemoveAll(p.cache(t.name)); err != nil {
					return nil, err
				}
			}
			s, _, err := t.run(p)
			if err != nil {
				return nil, err
			}
			times[t.name] = append(times[t.name], s)
		}
	}
	return times, nil
}

func (b *bench) slow(delay time.Duration) error {
	b.server.setting.Delay = delay
	_, err := b.server.ask(true)
	return err
}

// five times five targets beside one.
func (b *bench) five(set string, delay time.Duration) error {
	if err := b.slow(delay); err != nil {
		return err
	}
	one, err := b.project("one", set, fiveTargets[0])
	if err != nil {
		return err
	}
	defer os.RemoveAll(one.dir)
	five, err := b.project("five", set, fiveTargets...)
	if err != nil {
		return err
	}
	defer os.RemoveAll(five.dir)
	run := b.lockTool().run
	// Two projects stand for two tools; each has a cache of its own.
	tools := []tool{{"wheellock", func(*project) (sample, []byte, error) { return run(one) }},
		{"wheellock", func(*project) (sample, []byte, error) { return run(five) }}}
	for _, cache := range []string{cold, warm} {
		var times [2][]sample
		for i := range b.runs {
			for k := range tools {
				n := (i + k) % 2
				p := []*project{one, five}[n]
				if cache == cold {
					if err := os.RemoveAll(p.cache("wheellock")); err != nil {
						return err
					}
				}
				s, _, err := run(p)
				if err != nil {
					return err
				}
				times[n] = append(times[n], s)
			}
		}
		b.result.Five = append(b.result.Five, fiveRow{Set: set, Delay: delay.String(), Cache: cache, Targets: fiveTargets,
			One: figureOf(times[0]), Five: figureOf(times[1])})
	}
	return nil
}

// check times `lock --check` of a project that is up to date.
func (b *bench) check(set string) error {
	if err := b.slow(0); err != nil {
		return err
	}
	p, err := b.project("one", set, target)
	if err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	if _, _, err := b.lockTool().run(p); err != nil {
		return err
	}
	if _, err := b.server.ask(true); err != nil {
		return err
	}
	locked, err := p.locked()
	if err != nil {
		return err
	}
	var times []sample
	for range b.runs {
		s, _, err := command(p.dir, b.wheellock, "lock", "--check", "--index-url", b.server.url)
		if err != nil {
			return err
		}
		times = append(times, s)
	}
	asked, err := b.server.ask(false)
	b.result.Check = checkRow{Set: set, Packages: len(locked), Time: figureOf(times), Requests: asked.Statuses}
	return err
}

// requests counts what reaches the server.
func (b *bench) requests(set string) error {
	b.server.setting = setting{MaxAge: 2 * time.Minute}
	p, err := b.project("one", set, target)
	if err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	count := func(what string) error {
		if _, err := b.server.ask(true); err != nil {
			return err
		}
		if _, _, err := b.lockTool().run(p); err != nil {
			return err
		}
		got, err := b.server.ask(false)
		b.result.Requests = append(b.result.Requests, requestRow{what, got.Statuses})
		return err
	}
	if err := count("nothing cached"); err != nil {
		return err
	}
	if err := count("within max-age"); err != nil {
		return err
	}
	// Filled anew with a short life, since nobody wants to wait for two minutes.
	b.server.setting.MaxAge = time.Second
	if err := os.RemoveAll(p.cache("wheellock")); err != nil {
		return err
	}
	if _, err := b.server.ask(true); err != nil {
		return err
	}
	if _, _, err := b.lockTool().run(p); err != nil {
		return err
	}
	time.Sleep(2100 * time.Millisecond) // the cache keeps whole seconds
	return count("after max-age")
}

// differences lists packages whose versions are not the same.
func differences(ours, theirs map[string]string) (out []string) {
	names := map[string]bool{}
	for n := range ours {
		names[n] = true
	}
	for n := range theirs {
		names[n] = true
	}
	for n := range names {
		if ours[n] != theirs[n] {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s: wheellock %s, uv %s", n, orNone(ours[n]), orNone(theirs[n]))))
		}
	}
	sort.Strings(out)
	return out
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// figureOf is the median time and the highest memory of some runs.
func figureOf(samples []sample) *figure {
	if len(samples) == 0 {
		return nil
	}
	var f figure
	walls := make([]float64, len(samples))
	for i, s := range samples {
		walls[i] = s.wall.Seconds()
		f.MiB = max(f.MiB, float64(s.rss)/(1<<20))
	}
	slices.Sort(walls)
	f.Seconds, f.Least, f.Most = walls[len(walls)/2], walls[0], walls[len(walls)-1]
	if n := len(walls); n%2 == 0 {
		f.Seconds = (walls[n/2-1] + walls[n/2]) / 2
	}
	return &f
}
