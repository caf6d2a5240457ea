package rebuild

import (
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/crates"
)

// noteTools puts what native code was built with into its recipe. Only this row gets
// the new recipe: for another target of the same recipe other tools may have been used.
func (o *Outcome) noteTools() {
	if o.Failure != nil || len(o.Result.Toolchain) == 0 || len(o.Recipe.Toolchain) > 0 && !o.anyTools {
		return
	}
	was := o.Recipe.Toolchain
	o.Recipe.Toolchain = slices.Clone(o.Result.Toolchain)
	o.Recipe.Digest = o.Recipe.ComputeDigest()
	o.row.Recipe = o.Recipe.Digest
	if gone := without(was, o.Recipe.Toolchain); len(gone) > 0 {
		o.Superseded = ToolchainGone + ": " + strings.Join(gone, ", ") + "; now " + strings.Join(without(o.Recipe.Toolchain, was), ", ")
	}
}

// noteCrates puts the list of the crates that it was built with into its recipe, as
// the hash of the evidence.
func (o *Outcome) noteCrates() {
	if o.Failure != nil || len(o.Result.Crates) == 0 {
		return
	}
	o.Vendored = crates.Text(o.Result.Crates)
	if o.Recipe.Vendored == "" {
		o.Recipe.Vendored = "sha256:" + crates.Digest(o.Result.Crates)
		o.Recipe.Digest = o.Recipe.ComputeDigest()
		o.row.Recipe = o.Recipe.Digest
	}
}

// without are the members of a that b has not.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}
