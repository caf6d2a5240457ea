// Package solver finds one version for every package that is needed, or
// proves that there is none. It is PubGrub (Weizenbaum, 2018), which is
// conflict-driven clause learning over packages and sets of versions.
//
// # Words
//
// A package has versions 0..n-1, oldest first; the provider knows what they
// are called. A [Term] says "the package is selected, and in this set"
// (positive) or "it is not selected in this set" (negative; true as well when
// the package is not selected at all). An [Incompatibility] is a set of terms
// that must not all be true. Everything the solver knows is one of those:
//
//	flask 2.0 needs werkzeug>=2     {flask in [2.0], not werkzeug in [2.0 2.1]}
//	no wheel of lxml 5 fits         {lxml in [5.0 5.1]}
//	extra x of a 1 needs b          {a[x], a in [1], not b in [all]}
//
// # Search
//
// Unit propagation: when all terms but one of an incompatibility are true, the
// last one must be false. When nothing follows any more, the undecided package
// of the highest priority gets a version from the provider, whose dependencies
// become new incompatibilities. When all terms of one become true, it is
// resolved with the causes of its terms, newest first, until it says what to
// undo: the search jumps back there and never makes that mistake again. When
// nothing is left to undo, the derivation is the explanation.
//
// Sets are bit sets over the known versions, so the algebra is exact: "between
// 1.2 and 1.3" is empty if no such version exists. Versions of one package
// whose dependency is the same share one incompatibility.
//
// # What is promised
//
// If there is a solution, one is found, and it cannot be improved: in the
// order of the decisions each package has the version that its provider likes
// best among those that still lead to a solution. The result depends on what
// the provider answers, never on time or on the order of a map.
package solver
