package repro

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/provenance/compare"
)

// A Cause is why files differ.
type Cause struct {
	// Variations that together, and only together, make the difference; none where the
	// files differ with nothing varied.
	Variations  []string `json:"variations"`
	Sentence    string   `json:"sentence"`
	Files       []string `json:"files"` // names of outputs; none where the command fails
	Differences []string `json:"differences"`
	Hint        string   `json:"hint,omitempty"`
}

// maxDifferences is the most lines that a cause has.
const maxDifferences = 24

// A search looks for why a varied run differs from the plain one.
type search struct {
	*job
	plain *outcome
	round int
	aside map[string]noise // of files that differ with nothing varied
	last  map[build.Variations]*outcome
}

// all finds every cause.
func (s *search) all(ctx context.Context, varied *outcome) ([]Cause, error) {
	s.last = map[build.Variations]*outcome{s.Vary: varied}
	out, err := s.unstable(ctx)
	if err != nil {
		return nil, err
	}
	causes, err := Causes(ctx, s.Vary, s.differs)
	if err != nil {
		return nil, err
	}
	if s.clock == "" && len(causes) > 0 {
		// A minute may have passed since: what the clock did is no variation's fault.
		late, err := s.unstable(ctx)
		if err != nil {
			return nil, err
		}
		if len(late) > 0 {
			out = append(out, late...)
			if causes, err = Causes(ctx, s.Vary, s.differs); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range causes {
		other := s.last[c]
		found, err := s.cause(ctx, c, other, s.telling(ctx, other))
		if err != nil {
			return nil, err
		}
		out = append(out, found)
	}
	return out, nil
}

// differs runs with a set varied, unless it has been.
func (s *search) differs(ctx context.Context, set build.Variations) (bool, error) {
	o := s.last[set]
	if o == nil {
		s.event(fmt.Sprintf("run %d: other %s", s.runs+1, inShort(set)))
		var err error
		if o, err = s.run(ctx, build.Varied{Set: set, Round: s.round}); err != nil {
			return false, err
		}
		s.last[set] = o
	}
	return len(s.telling(ctx, o)) > 0, nil
}

// unstable runs the plain build again and sets aside what differs.
func (s *search) unstable(ctx context.Context) ([]Cause, error) {
	s.event(fmt.Sprintf("run %d: as it is, once more", s.runs+1))
	again, err := s.run(ctx, build.Varied{})
	if err != nil {
		return nil, err
	}
	names := s.telling(ctx, again)
	if len(names) == 0 {
		return nil, nil
	}
	if names[0] == "" {
		return nil, &CommandError{Why: again.failed + ", where it worked the time before", Log: again.log}
	}
	c, err := s.cause(ctx, 0, again, names)
	if err != nil {
		return nil, err
	}
	clock := s.onlyTimes(ctx, again, names)
	if !clock {
		if clock, err = s.isClock(ctx, names); err != nil {
			return nil, err
		}
	}
	if clock {
		c.Variations = build.VaryTime.Names()
		c.Sentence = strings.Replace(c.Sentence, "differs"+nothingVaried, "depends on the time", 1)
		c.Sentence = strings.Replace(c.Sentence, "differ"+nothingVaried, "depend on the time", 1)
		c.Hint = hints[build.VaryTime]
	}
	for _, n := range names {
		s.hear(ctx, n, again)
	}
	return []Cause{c}, nil
}

// isClock tells whether these files differ by the seconds that pass: two runs with a
// clock that stands still give the same.
func (s *search) isClock(ctx context.Context, names []string) (bool, error) {
	if s.clock == "" {
		return false, nil
	}
	s.freeze = true
	defer func() { s.freeze = false }()
	var got [2]*outcome
	for i := range got {
		s.event(fmt.Sprintf("run %d: with a clock that stands still", s.runs+1))
		var err error
		if got[i], err = s.run(ctx, build.Varied{}); err != nil {
			return false, err
		}
		if got[i].failed != "" {
			return false, nil // not every program bears it
		}
	}
	left := differing(got[0], got[1])
	return !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(left, n) }), nil
}

const nothingVaried = " from run to run with nothing varied"

// cause describes a difference; set 0 is one that comes with nothing varied.
func (s *search) cause(ctx context.Context, set build.Variations, other *outcome, names []string) (Cause, error) {
	c := Cause{Variations: set.Names(), Files: []string{}, Differences: []string{}, Hint: Hint(set)}
	if other.failed != "" {
		c.Sentence = fmt.Sprintf("the command fails with another %s: %s", strings.TrimPrefix(set.Words(), "the "), other.failed)
		c.Differences = strings.Split(lastLines(other.log, 12), "\n")
		return c, nil
	}
	c.Files = names
	does := "differs" + nothingVaried
	switch len(set.Each()) {
	case 0:
	case 1:
		does = "depends on " + set.Words()
	default:
		does = "depends on " + set.Words() + " together"
	}
	members, err := s.lines(ctx, &c, other)
	if err != nil {
		return c, err
	}
	if len(names) == 1 {
		c.Sentence = names[0] + " " + does + members
	} else {
		if len(set.Each()) == 0 {
			does = strings.Replace(does, "differs", "differ", 1)
		} else {
			does = strings.Replace(does, "depends", "depend", 1)
		}
		c.Sentence = fmt.Sprintf("%d of %d files %s", len(names), len(s.plain.outputs), does)
	}
	label := strings.ReplaceAll(set.String(), ",", "+")
	if set == 0 {
		label = "again"
	}
	return c, s.keepAs(label, other)
}

// lines fills in the differences, and says of a single wheel how much of it differs.
func (s *search) lines(ctx context.Context, c *Cause, other *outcome) (members string, err error) {
	for _, name := range c.Files {
		a, b := find(s.plain, name), find(other, name)
		switch {
		case a == nil:
			c.Differences = append(c.Differences, name+" is only written with the variation")
			continue
		case b == nil:
			c.Differences = append(c.Differences, name+" is only written without the variation")
			continue
		}
		lines, count := s.compare(ctx, a, b)
		for _, l := range lines {
			if len(c.Files) > 1 {
				l = name + ": " + l
			}
			c.Differences = append(c.Differences, l)
		}
		members = count
	}
	if n := len(c.Differences); n > maxDifferences {
		c.Differences = append(c.Differences[:maxDifferences:maxDifferences], fmt.Sprintf("and %d more", n-maxDifferences))
	}
	return members, nil
}

// compare says how two outputs differ, but for what differs without a variation. What
// cannot be compared in detail differs all the same.
func (s *search) compare(ctx context.Context, a, b *output) (lines []string, members string) {
	res, err := compare.Paths(ctx, a.path, b.path, compare.Options{Temp: s.temp})
	if err != nil {
		return []string{fmt.Sprintf("%d bytes, sha256 %s != %d bytes, %s (%v)", a.size, a.sha256[:12], b.size, b.sha256[:12], err)}, ""
	}
	res.Facts = s.aside[a.name].others(res.Facts)
	for _, f := range res.Facts {
		lines = append(lines, f.Line)
	}
	return lines, Members(res, a.path)
}

// Members is ": 2 of 14 files differ", of an archive whose facts name them.
func Members(res *compare.Result, path string) string {
	seen := map[string]bool{}
	for _, f := range res.Facts {
		for _, n := range f.Names {
			seen[f.Where+"/"+n] = true
		}
	}
	if len(seen) == 0 {
		return ""
	}
	if strings.HasSuffix(path, ".whl") {
		if w, err := archive.OpenWheel(path, archive.Read); err == nil {
			defer w.Close()
			return fmt.Sprintf(": %d of %d files differ", len(seen), len(w.Entries))
		}
	}
	if len(seen) == 1 {
		return ": 1 file in it differs"
	}
	return fmt.Sprintf(": %d files in it differ", len(seen))
}

func find(o *outcome, name string) *output {
	for i := range o.outputs {
		if o.outputs[i].name == name {
			return &o.outputs[i]
		}
	}
	return nil
}

// hints say what is usually done about a dependency.
var hints = map[build.Variations]string{
	build.VaryPath:      "let no absolute path in: -ffile-prefix-map=$PWD=. for compilers, relative paths elsewhere",
	build.VaryTime:      "take SOURCE_DATE_EPOCH for the time, and give it to what packs: tar --mtime=@$SOURCE_DATE_EPOCH, gzip -n",
	build.VaryZone:      "write times in UTC: TZ=UTC in front of the command",
	build.VaryLocale:    "sort and format without the locale: LC_ALL=C.UTF-8 in front of the command",
	build.VaryUmask:     "set the modes of what is packed: umask 022 in the command, tar --mode=go=rX,u+rw",
	build.VaryHashSeed:  "sort what comes out of sets and dictionaries, or set PYTHONHASHSEED=0 in the command",
	build.VaryHost:      "leave the host name out of what is built",
	build.VaryUser:      "pack without owners: tar --owner=0 --group=0 --numeric-owner, dpkg-deb --root-owner-group",
	build.VaryHome:      "read nothing from the home folder and leave its name out of what is built",
	build.VaryFileOrder: "sort what is listed: sorted(glob(...)), tar --sort=name, ls or find with | LC_ALL=C sort",
	build.VaryFileTimes: "set the times of what is packed: tar --mtime=@$SOURCE_DATE_EPOCH, or touch -d before packing",
	build.VaryCPUs:      "make the result independent of how many jobs run: make -j1, or rules for the order",
	build.VarySuite:     "pin the tools that make the difference",
}

// Hint says what is usually done where something depends on a set.
func Hint(set build.Variations) string {
	if set == 0 {
		return "look for the clock (SOURCE_DATE_EPOCH), random numbers, addresses in memory, and processes that race"
	}
	var out []string
	for _, one := range set.Each() {
		out = append(out, hints[one])
	}
	return strings.Join(out, "; or ")
}

func lastLines(b []byte, n int) string {
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
