package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/provenance/recipe"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// judge checks that what came out is a wheel, of this package, with a tag that
// was expected, and that it will run on the target.
func (b *Builder) judge(ctx context.Context, j Job, r *Result) error {
	bad := func(format string, args ...any) error {
		return &Error{Package: j.Name + " " + j.Version, Why: fmt.Sprintf(format, args...), Log: r.Log}
	}
	name, err := tags.ParseWheelName(r.File)
	if err != nil {
		return bad("the backend wrote %s: %v", r.File, err)
	}
	if name.Name != j.Name || name.Version.String() != j.Version {
		return bad("the backend wrote %s, which is another package or version", r.File)
	}
	w, err := archive.OpenWheel(r.Path, archive.Audit)
	if err != nil {
		return bad("the backend wrote a bad wheel: %v", err)
	}
	w.Close()
	r.Tags = name.Tags
	r.Native = slices.ContainsFunc(name.Tags, func(t tags.Tag) bool { return t.Platform != "any" })
	if !recipe.Expected(j.Recipe, r.File, j.Target) {
		if want := j.Recipe.ExpectTags; len(want) > 0 {
			return bad("the wheel's tag is %s, the recipe expects %s%s", joinTags(name.Tags), someOf(want), tagReason(name.Tags, want))
		}
		return bad("the backend wrote %s, which %s cannot install: %s", r.File, j.Target.Name, j.Target.Why(name))
	}
	if r.Native {
		// Only now is it known that the source holds native code.
		if why := hostMismatch(r.interpreter.Target, j.Target); why != "" {
			return elsewhere(j.Target, why)
		}
	}
	return nil
}

// someOf names at most two of the expected tags: upstream's list of platforms
// says no more than its first.
func someOf(tags []string) string {
	if len(tags) <= 2 {
		return strings.Join(tags, " or ")
	}
	return fmt.Sprintf("%s, %s or %d more", tags[0], tags[1], len(tags)-2)
}

// tagReason says what another tag than upstream's means; "" where it could mean
// anything.
func tagReason(built []tags.Tag, want []string) string {
	any := func(tag string) bool { return strings.HasSuffix(tag, "-any") }
	abi3 := func(tag string) bool { return strings.Contains(tag, "-abi3-") }
	native := slices.ContainsFunc(built, func(t tags.Tag) bool { return t.Platform != "any" })
	switch {
	case native && !slices.ContainsFunc(want, func(s string) bool { return !any(s) }):
		return ": it came out with native code, which upstream's wheel does not have; upstream switches that off"
	case !native && !slices.ContainsFunc(want, any):
		return ": it came out without the native code that upstream's wheel has; something that it needs is missing here"
	case native && slices.ContainsFunc(want, abi3) && !slices.ContainsFunc(built, func(t tags.Tag) bool { return t.ABI == "abi3" }):
		return ": it came out for one Python, and upstream's is for all (abi3); upstream switches that on"
	}
	return ""
}

func joinTags(list []tags.Tag) string {
	var s []string
	for _, t := range list {
		s = append(s, t.String())
	}
	return strings.Join(s, ", ")
}

// requirementName is the name of a hook-given requirement, if its marker holds.
func requirementName(text string, t tags.Target) (name string, holds bool, err error) {
	r, err := pep508.Parse(text)
	if err != nil {
		return "", false, err
	}
	if r.URL != "" {
		// What an address gives is not locked, and file: would be this machine's.
		return "", false, errors.New("an address cannot be pinned")
	}
	if r.Marker != nil {
		if ok, err := r.Marker.Eval(t.Environment()); err == nil && !ok {
			return "", false, nil
		}
	}
	return pep508.NormalizeName(r.Name), true, nil
}

func jobText(j Job) (string, error) {
	b, err := json.Marshal(job{
		Backend: j.Recipe.Backend, BackendPath: j.Recipe.BackendPath,
		Path: j.Recipe.BuildPath, Out: "/build/out", Reverse: j.Vary.Set.Has(VaryFileOrder), Metadata: j.metadata, Sdist: j.sdist, Umask: j.Recipe.Umask, Config: settingsOf(j.Recipe.Config),
	})
	return string(b), err
}

// cappedLog keeps the first MaxLog bytes of a build's output, and counts the rest.
type cappedLog struct {
	mu      sync.Mutex
	b       []byte
	written atomic.Int64
}

func (l *cappedLog) Write(p []byte) (int, error) {
	l.written.Add(int64(len(p)))
	l.mu.Lock()
	defer l.mu.Unlock()
	if room := MaxLog - len(l.b); room > 0 {
		l.b = append(l.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// harmless writes out what a terminal would obey: a log is read in one.
func harmless(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == '\r':
			if len(b) == 1 || b[1] != '\n' {
				out = append(out, '\n') // a line that the build meant to overwrite
			}
		case r == '\n' || r == '\t' || unicode.IsPrint(r) && r != utf8.RuneError:
			out = append(out, b[:n]...)
		default:
			out = append(out, strings.Trim(strconv.QuoteToASCII(string(b[:n])), `"`)...)
		}
		b = b[n:]
	}
	return out
}

func (l *cappedLog) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return harmless(l.b)
}
