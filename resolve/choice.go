package resolve

import (
	"fmt"
	"time"

	"github.com/freedomofpress/wheellock/resolve/pep440"
)

// Values of Choice.Versions.
const (
	VersionsNewest  = "newest"  // no target is held back for another
	VersionsBounded = "bounded" // by at most Choice.BoundedBy
	VersionsFewest  = "fewest"  // as far as it takes
)

// Choice is how a version is chosen among those that the requirements allow.
type Choice struct {
	// Versions says how far targets may be held back to share one version:
	// VersionsNewest (which "" is), VersionsBounded or VersionsFewest.
	Versions  string
	BoundedBy time.Duration // between upload times, for VersionsBounded
	// BuildAll says that every version that has a source will be built, not
	// only those without a wheel that fits: it weighs what sharing one saves.
	BuildAll bool

	// Ready: target name -> package name -> version -> what was done with it.
	// Versions that are named here come before newer ones.
	Ready map[string]map[string]map[string]Ready
}

// Ready says what work on a version for a target is done already.
type Ready struct{ Reviewed, Built, Mirrored bool }

// score orders versions by what is done: a build is the most work, and says
// that the source was there; a mirror only spares an upload.
func (r Ready) score() int {
	n := 0
	for k, done := range []bool{r.Mirrored, r.Reviewed, r.Built} {
		if done {
			n |= 1 << k
		}
	}
	return n
}

// Why a pin is held back.
const (
	HeldToShare  = "share" // another target has the version
	HeldForReady = "ready" // work on the version is done already
)

// Alignment says what choosing together cost and saved.
type Alignment struct {
	Alone, Together Tally
	Held            []Held // by name, then in the order of the targets
}

// Tally counts the work in the answers for all targets.
type Tally struct {
	Versions int // distinct versions of packages
	Builds   int // wheels that have to be built from source
}

// Held is a pin that is older (under Lowest: newer) than the target would have
// if it were solved alone.
type Held struct {
	Target, Name string
	Alone        pep440.Version // what the target would have
	Version      pep440.Version // what it has
	Behind       time.Duration  // between their uploads; 0: they are not known, or in the other order
	Why          string         // HeldToShare or HeldForReady
}

func (c *Choice) check() error {
	switch c.Versions {
	case "", VersionsNewest, VersionsBounded, VersionsFewest:
		return nil
	}
	return fmt.Errorf("resolving: versions is %q, expected %s, %s or %s", c.Versions, VersionsNewest, VersionsBounded, VersionsFewest)
}
