package resolve

import (
	"context"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/metadata"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// A Source gives pages, metadata and files: *index.Client, or a fake. It is
// called from many goroutines.
type Source interface {
	Page(ctx context.Context, name string) (*index.Page, error)
	Metadata(ctx context.Context, f index.File) ([]byte, error)
	Fetch(ctx context.Context, f index.File) (path string, err error)
}

// Requirement is what somebody asked for, with the place where it is written.
type Requirement struct {
	pep508.Requirement
	Group  string // "" for the default group
	Origin string // "requirements.in:3"; "" if nowhere
	// Targets are the names of those that it is for; nil: all. A marker says it
	// by what a target is, this by what it is called.
	Targets []string
	// Firm: to relax it would not be a way out, since it is what is wanted.
	Firm bool
}

// Strategy says which end of the allowed versions is taken.
type Strategy int

const (
	Highest      Strategy = iota // the newest, as pip does
	Lowest                       // the oldest
	LowestDirect                 // the oldest of what is asked for, the newest of the rest
)

// All, in NoBinary or OnlyBinary, means every package.
const All = ":all:"

// Request is the question.
type Request struct {
	Targets      []tags.Target
	Requirements []Requirement
	Constraints  []Requirement // bounds that apply if the package is needed anyway; no extras

	Choice

	// Variants: the choices among conflicting groups, the main one first; nil:
	// no groups conflict. Only ResolveApart looks at them.
	Variants []Variant

	// Locked: target name -> package name -> version to keep if allowed.
	Locked map[string]map[string]string
	// Upgrade names packages that are to move, normalised: each goes as far as
	// any solution goes, and what is locked makes room where it has to. They are
	// left out of Locked.
	Upgrade []string
	Nearest []string // of these the oldest allowed version is taken, whatever Strategy says; normalised

	ExcludeNewer time.Time // files uploaded at or after it are not seen; zero: none
	// Kept are names of files that ExcludeNewer does not hide: what is locked
	// was taken when it could be.
	Kept        map[string]bool
	Early       []string // packages that ExcludeNewer does not bind, normalised
	Prereleases bool     // allow pre-releases of everything
	// PreferFinal takes a pre-release only where no final release will do,
	// also where a requirement names one (PEP 440 read strictly; pip does not).
	PreferFinal bool
	NoBinary    []string // packages whose wheels are not used, or All
	OnlyBinary  []string // packages whose sdists are not used, or All
	Strategy    Strategy

	// UserMetadata is what the user says about sdists that do not say it
	// themselves. The key is "name@version", normalised; "name@" stands for
	// every version that has no word of its own.
	UserMetadata map[string]metadata.Metadata

	// Overrides replace every other requirement on their names, wherever that
	// comes from; a marker limits one to the targets where it holds.
	Overrides []Requirement
	Direct    map[string]Direct  // by normalised name
	Hashes    map[string]Allowed // by normalised name: no other file of it is seen
}

// Solution is the answer: one for each target of the request, in its order.
type Solution struct {
	Targets   []TargetSolution
	Alignment Alignment
	Variants  []VariantSolution // of ResolveApart, without the main one
}

// TargetSolution is what to install on one target.
type TargetSolution struct {
	Target   tags.Target
	Pins     []Pin    // sorted by name
	Warnings []string // sorted: "app 2.0 has no extra \"gui\""
}

// Pin is one package of the answer.
type Pin struct {
	Name           string // normalised
	Version        pep440.Version
	Extras         []string // normalised, sorted
	Dependencies   []string // normalised names on this target, extras included, sorted
	RequiresPython string
	Groups         []string // whose requirements lead here, sorted; "" is the default group

	Wheel   *index.File  // the published wheel that pip would install here; nil: none fits
	Sdist   *index.File  // nil: none is published or allowed
	Wheels  []index.File // every published wheel of this version, by name
	Newer   *Newer       // nil: nothing newer is held back by the target
	Blocked *Blocked     // nil: no requirement holds back what the target could use

	Back   *Back   // nil: it is not older than it was locked
	Rather *Rather // nil: nothing that is locked stands in its way

	// Inferred names the wheel for another platform whose metadata was taken
	// because none fits; "" otherwise.
	Inferred string

	// Refused lists the files of this version that do not fit, by name. Reasons
	// are worked out when it is called: few who solve ask for them.
	Refused func() []Refusal

	Direct bool   // asked for by a requirement of the request
	URL    string // of the file that a direct address leads to, or "git+URL@COMMIT"; else ""
}

// Refusal says why a file cannot be used on a target.
type Refusal struct {
	File   string
	Reason string // "needs glibc 2.34, target has 2.31"
}

// Newer is the newest version that the requirements allow and the target does not.
type Newer struct {
	Version pep440.Version
	Reason  string // "needs Python 3.10"
}
