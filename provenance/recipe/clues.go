package recipe

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/provenance/archive"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// clues is what a published wheel tells of how it was made.
type clues struct {
	file     string
	uploaded time.Time            // zero: the index does not say
	made     string               // backend by its Generator, a normalised project name: "setuptools", "flit"
	version  string               // its version, "" when not said
	times    []time.Time          // of files, distinct, ascending
	fileTime map[string]time.Time // name -> time, .dist-info left out but for its licenses
	distTime map[string]time.Time // base name in .dist-info -> time
	wheel    archive.Entry        // the WHEEL member
	parens   bool                 // Requires-Dist: foo (>=1)
	license  bool                 // a licence stands in .dist-info
	declared bool                 // METADATA has License-File
	platform bool                 // METADATA has Platform: UNKNOWN
	python   string               // of its tags, "py2.py3", where they are pure; else ""
}

// ranger is a source that gives random access to a file far away.
type ranger interface {
	OpenRange(ctx context.Context, f index.File) (io.ReaderAt, int64, error)
}

// read collects the clues of a published wheel, by ranges where the source can,
// else from the whole file.
func (pl *planner) read(ctx context.Context, f index.File) (*clues, error) {
	if r, ok := pl.src.(ranger); ok {
		if at, size, err := r.OpenRange(ctx, f); err == nil {
			w, err := archive.ReadWheel(f.Name, at, size, archive.Read)
			if c, isCloser := at.(io.Closer); isCloser {
				defer c.Close()
			}
			if err == nil {
				return cluesOf(w, f), nil
			}
			var refusal *archive.Error
			if errors.As(err, &refusal) && refusal.Kind != archive.Truncated {
				return nil, err // the file itself is at fault
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	path, err := pl.src.Fetch(ctx, f)
	if err != nil {
		return nil, err
	}
	w, err := archive.OpenWheel(path, archive.Read)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return cluesOf(w, f), nil
}

var (
	generator = regexp.MustCompile(`^([A-Za-z][\w.-]*)\s*\(?v?([0-9][\w.+!-]*)?\)?$`)
	parens    = regexp.MustCompile(`(?mi)^Requires-Dist:[^;\n]*[\w\]]\s*\(`)
	declared  = regexp.MustCompile(`(?mi)^License-File:`)
	platform  = regexp.MustCompile(`(?m)^Platform: UNKNOWN$`)
	licences  = regexp.MustCompile(`^(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*$`)
)

func cluesOf(w *archive.Wheel, f index.File) *clues {
	c := &clues{file: f.Name, uploaded: f.Uploaded, fileTime: map[string]time.Time{}, distTime: map[string]time.Time{}, python: purePython(f.Name)}
	if m := generator.FindStringSubmatch(w.Info.Generator); m != nil {
		c.made, c.version = pep508.NormalizeName(m[1]), m[2]
	}
	head, _, _ := strings.Cut(strings.ReplaceAll(string(w.Metadata), "\r\n", "\n"), "\n\n")
	c.parens, c.declared, c.platform = parens.MatchString(head), declared.MatchString(head), platform.MatchString(head)
	seen := map[time.Time]bool{}
	for i := range w.Entries {
		e := &w.Entries[i]
		if e.Dir() {
			continue
		}
		if !seen[e.Time] {
			seen[e.Time], c.times = true, append(c.times, e.Time)
		}
		if base, ok := strings.CutPrefix(e.Name, w.DistInfo+"/"); !ok {
			c.fileTime[e.Name] = e.Time
		} else {
			if licence, ok := strings.CutPrefix(base, "licenses/"); ok {
				c.fileTime[licence] = e.Time
			}
			c.distTime[base] = e.Time
			c.license = c.license || licences.MatchString(base)
			if base == "WHEEL" {
				c.wheel = *e
			}
		}
	}
	sortTimes(c.times)
	return c
}

// purePython is the python tag of a wheel that is for any ABI and platform.
func purePython(file string) string {
	stem, ok := strings.CutSuffix(file, "-none-any.whl")
	if !ok {
		return ""
	}
	return stem[strings.LastIndexByte(stem, '-')+1:]
}
