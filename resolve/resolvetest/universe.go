package resolvetest

import (
	"errors"
	"time"
)

// Universe is a set of invented projects.
type Universe struct {
	Releases []Release // any order
}

// Release is one version of one project and the files that it has.
type Release struct {
	Name, Version  string
	RequiresPython string
	Requires       []string            // Requires-Dist lines, without extras' markers
	Extras         map[string][]string // extra -> Requires-Dist lines
	Uploaded       time.Time           // of its files, also the time of everything inside them
	Sdist          bool                // an sdist is published
	Wheels         []string            // tags of the published wheels, "py3-none-any"; none: sdist only
	Yanked         bool
	YankedReason   string
	Native         bool     // has a C extension: the wheels' tag is the interpreter's
	Differs        bool     // the published wheel is not what the sdist builds: one file has another line
	Misbehave      string   // what the backend does when it builds this, see smallbuild
	BuildRequires  []string // [build-system] requires; nil: smallbuild
	OldMetadata    bool     // sdist with PKG-INFO 1.0 and no static metadata at all
}

// Parse reads the text form of a universe.
func Parse(text string) (Universe, error) { return Universe{}, errors.New("unwritten") }

// MustParse is Parse for tables in tests; it panics on an error.
func MustParse(text string) Universe {
	u, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

// Standard returns the invented ecosystem that this package describes.
func Standard() Universe { return Universe{} }

// With returns u with more releases.
func (u Universe) With(more ...Release) Universe {
	return Universe{append(append([]Release(nil), u.Releases...), more...)}
}

// BuildSdist returns the file name and the bytes of a release's sdist.
func BuildSdist(r Release) (name string, data []byte) { return "", nil }

// BuildWheel returns the file name and the bytes of the wheel that is
// published for a release under a tag such as "py3-none-any".
func BuildWheel(r Release, tag string) (name string, data []byte) { return "", nil }
