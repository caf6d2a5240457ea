package pyproject

import "fmt"

// Config is what [tool.wheellock] or wheellock.toml says, with defaults filled
// in.
type Config struct {
	Wheelhouse   string   // folder or https address; "": none yet
	Root         []string // pinned OpenPGP fingerprints, capital hexadecimal
	Log          string   // pinned verifier key of the log; "": none
	Versions     string   // newest | bounded | fewest
	BoundedBy    string   // "180 days"
	Prefer       string   // newest | least-work | lowest
	ExcludeNewer string   // as written; "": no cut-off. See Cutoff
	Private      []string // name patterns
	IndexURL     string   // "": what pip would use
	FindLinks    []string
	Sources      []Source // input files; nil: found by Open
	Requirements []string // requirements written in the configuration itself
	Constraints  []string // as -c FILE; see Project.Constraints
	Overrides    []string // replace every other requirement on their name; see Project.Overrides
	NoBinary     []string // normalised names, All or None; see Project.NoBinary
	OnlyBinary   []string
	Conflicts    [][]string // sets of normalised group names that cannot be installed together, in order of preference
	Advisories   []string   // folders, files or addresses with OSV records
	Indexes      []Index    // in the order written
	Policy       Policy
	Targets      []Target
	Metadata     []Metadata // overrides for packages that do not tell theirs
	Builds       []Build    // how packages are built that do not tell it
	Backend      string     // where builds run: auto | host | chroot | podman
	Trees        []Tree     // what the places of the last two are made of

	// RootThreshold is how many of Root must have signed the newest root. 0: as many
	// as that root itself asks for; then the thief of one of several keys can make
	// a root 0 of his own, which asks for one.
	RootThreshold int
	// ReleaseKeys may sign tags besides Root: OpenPGP fingerprints, capital hexadecimal.
	ReleaseKeys []string

	File string // the file it was read from, "" if there is none
}

// Policy says what the project demands before a release.
type Policy struct {
	Wheels            string // build | build-unless-reproducible | upstream
	Mirror            string // all | unreproducible | none
	BuildRequirements string // upstream | build
	Append            string // now | pending
	NormalForm        string // of the wheels that are built: none | 1; "": none
	Builders          int
	Reviews           int
	Witnesses         int
	Ceremony          []string // root, new-package, every-publication
}

// All and None are the words that pip takes in a list of packages.
const (
	All  = ":all:"
	None = ":none:"
)

// Index is one more place that packages come from. See DESIGN, "The index".
type Index struct {
	Name     string
	URL      string   // without credentials
	Packages []string // names or patterns with *; nil: any. It answers for these only, and they are asked of it alone
	Private  bool     // may be asked for the names in Config.Private
	Hosts    []string // of a private index: other hosts that its files lie on
	Default  bool     // takes the place of the default index
	Line     int      // of its table
}

// Target is a declared target. Only Name is needed for a known one.
type Target struct {
	Name, Python, Platform, Implementation, ABI string
}

// Tree is what wheels for a target are built in where this machine itself cannot.
type Tree struct {
	Name     string   // of the target, or any
	Suites   []string // of the distribution; nil: those that this machine uses, of the release Name
	Packages []string // to be installed beside the usual ones
	Image    string   // of a container
}

// Metadata is a user's word on the metadata of one version.
type Metadata struct {
	Name, Version  string
	RequiresPython string
	RequiresDist   []string
}

// Input is one requirement or constraint as the user wrote it.
type Input struct {
	Requirement string // PEP 508 text, not yet parsed
	Group       string // "": the default group
	File        string // relative to the project's folder
	Line        int
	Hashes      []string // sha256 of the files that a requirements file allows, lower case; nil: any
}

// Origin is "FILE:LINE".
func (i Input) Origin() string { return fmt.Sprintf("%s:%d", i.File, i.Line) }

// Edit is one file as it is to be written. Whoever calls writes all edits of
// one change in one transaction.
type Edit struct {
	Path string // joined to the project's folder
	Data []byte
}

// Error is a finding in the user's files.
type Error struct {
	File string
	Line int // 0: no line
	Msg  string
	Hint string
}

func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.Msg
	case e.Line == 0:
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
}

// NotFoundError says that no input names the package, or no configuration the
// target.
type NotFoundError struct {
	Kind string // "requirement" or "target"
	Name string
	Near []string // names that look alike
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no %s named %q", e.Kind, e.Name)
}
