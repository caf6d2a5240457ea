package solver

import (
	"context"
	"fmt"
)

// A Provider tells the solver about packages. It must give the same answer to
// the same question, or the result will not be reproducible.
type Provider interface {
	// Versions says how many versions a package has and which of them are out
	// of the question from the start. It is asked once for each package, and
	// never for an extra.
	Versions(ctx context.Context, pkg string) (Universe, error)

	// Choose picks the version of pkg to try, out of allowed, which is never
	// empty. needs are the labels of the dependencies on pkg that are in
	// force. If none will do it returns exclusions that cover allowed.
	Choose(ctx context.Context, pkg string, allowed Set, needs []any) (Choice, error)

	// Dependencies returns what a version needs; for an extra, what the extra
	// adds to that version of its package. The order does not matter, but
	// must be the same each time.
	Dependencies(ctx context.Context, name Name, version int) ([]Dependency, error)
}

// Universe is what Versions returns.
type Universe struct {
	N          int
	Exclusions []Exclusion
	Rank       int // lower is decided earlier
	// Firm: where it stands against others again and again, it is long they that
	// try older versions, and not it.
	Firm bool
}

// Exclusion says that the versions in Set cannot be selected, and why.
type Exclusion struct {
	Set   Set
	Cause any
}

// Choice is the answer of Choose: a version, or exclusions when Version is -1.
// With Later they hold only if deciding every other package first, and so
// having more needs in force, does not change the answer.
type Choice struct {
	Version    int
	Exclusions []Exclusion
	Later      bool
}

// Dependency says that a package is needed in Set, or that an extra of it is
// wanted (Set is then not looked at: need the package as well). Label, which
// must be comparable, says why; versions of one package with the same Label,
// Name and Set are treated as one.
type Dependency struct {
	Name  Name
	Set   Set
	Label any
}

// Solution is the selected version of each package, and the selected extras.
type Solution struct {
	Versions map[string]int
	Extras   map[string][]string // sorted
	// Needs are the labels of the dependencies in force on each package.
	Needs map[string][]any
	// Conflicts counts the conflicts that were resolved on the way.
	Conflicts int
}

// NoSolution is the proof that there is none.
type NoSolution struct {
	Proof *Incompatibility
}

// Error is a word for logs; the derivation is in Proof.
func (e *NoSolution) Error() string { return "no solution" }

// LimitError says that the search was given up at Options.MaxConflicts.
type LimitError struct{ Conflicts int }

func (e *LimitError) Error() string {
	return fmt.Sprintf("gave up after %d conflicts", e.Conflicts)
}
