package lock

import "errors"

var errUnwritten = errors.New("unwritten")

// Parse reads a lock strictly.
func Parse(file string, b []byte) (*Lock, error) { return nil, errUnwritten }

// Format gives the canonical bytes.
func (l *Lock) Format() []byte { return nil }

// JSON gives the lock as JSON with the names of the TOML keys, for the schema.
func (l *Lock) JSON() []byte { return nil }

// Sort brings l into canonical order in place.
func (l *Lock) Sort() {}

// Check tests the rules beyond the grammar.
func (l *Lock) Check() error { return errUnwritten }

// ComputeDigest gives "sha256:HEX" of the canonical block without digest and expect-tags.
func (r *Recipe) ComputeDigest() string { return "" }

// WheelFor gives the row to install for a target; nil: the package does not cover it.
func (l *Lock) WheelFor(p *Package, target string) *Wheel { return nil }

// Covers reports whether p is for the target.
func (p *Package) Covers(target string) bool { return false }

// TargetsOf gives the names of the targets that p covers, sorted.
func (l *Lock) TargetsOf(p *Package) []string { return nil }

// WheelTargets gives the names of the targets that a row of p serves, sorted.
func (l *Lock) WheelTargets(p *Package, w *Wheel) []string { return nil }

// UpstreamTargets gives the names of the targets that the published file is the best for, sorted.
func (l *Lock) UpstreamTargets(p *Package, u *Upstream) []string { return nil }

// DependenciesOn gives the dependencies of p on one target, sorted.
func (p *Package) DependenciesOn(target string) []string { return nil }

// Recipe finds a recipe by digest; nil: none.
func (l *Lock) Recipe(digest string) *Recipe { return nil }
