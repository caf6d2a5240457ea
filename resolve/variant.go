package resolve

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Variant is a choice among groups that cannot be installed together.
type Variant struct {
	Name    string   // "" for the main one
	Without []string // the groups that it leaves out
	// Locked is what the variant had where that was not the main one's: target
	// name -> package name -> version. It is kept for names that
	// Request.Locked has for the target: who frees a name there, frees it here.
	Locked map[string]map[string]string
}

// VariantSolution is the answer for a variant: one for each target of the
// request, in its order.
type VariantSolution struct {
	Name    string
	Targets []TargetSolution
}

// VariantError says that a variant has no solution although the ones before it
// have.
type VariantError struct {
	Name    string
	Without []string
	Err     error
}

func (e *VariantError) Error() string {
	return fmt.Sprintf("for the choice without %s, which is solved apart: %v", joinWords(prefixed("group ", e.Without)), e.Err)
}

func (e *VariantError) Unwrap() error { return e.Err }

func prefixed(prefix string, words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = prefix + w
	}
	return out
}

// ResolveApart is Resolve for a request with variants: the first is the main
// one and becomes the solution's Targets, each other is solved for itself, with
// the main one's versions taken where they are allowed, so that little differs.
// The errors are those of Resolve, in a *VariantError where the main solution
// is not at fault.
func ResolveApart(ctx context.Context, src Source, req Request) (*Solution, error) {
	if len(req.Variants) == 0 {
		return Resolve(ctx, src, req)
	}
	main, err := Resolve(ctx, src, req.variant(req.Variants[0]))
	if err != nil {
		return nil, err
	}
	for _, v := range req.Variants[1:] {
		r := req.variant(v)
		r.Locked = req.lockedFor(v, main)
		sol, err := Resolve(ctx, src, r)
		if err != nil {
			return nil, &VariantError{v.Name, v.Without, err}
		}
		main.Variants = append(main.Variants, VariantSolution{v.Name, sol.Targets})
	}
	return main, nil
}

// variant is the request without the requirements of groups that are left out.
func (r Request) variant(v Variant) Request {
	r.Variants = nil
	r.Requirements = slices.DeleteFunc(slices.Clone(r.Requirements), func(x Requirement) bool {
		return x.Group != "" && slices.Contains(v.Without, x.Group)
	})
	return r
}

// lockedFor is what a variant is to keep: the main solution's versions, and in
// front of them what it had itself.
func (r Request) lockedFor(v Variant, main *Solution) map[string]map[string]string {
	locked := map[string]map[string]string{}
	for _, t := range main.Targets {
		name := t.Target.Name
		keep := maps.Clone(r.Locked[name])
		if keep == nil {
			keep = map[string]string{}
		}
		for _, p := range t.Pins {
			keep[p.Name] = p.Version.String()
		}
		for n, version := range v.Locked[name] {
			if _, kept := r.Locked[name][n]; kept {
				keep[n] = version
			}
		}
		locked[name] = keep
	}
	return locked
}
