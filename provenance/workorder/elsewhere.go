package workorder

import "slices"

// A Wanted is a wheel of an order that another machine is to build.
type Wanted struct {
	Package, Version, File string
	Targets                []string
	SHA256                 string // what it came out as before, where another builder has to agree; else ""
}

// Elsewhere lists the builds that the machine which wrote the order cannot do: those
// of the role builder.
func (o *Order) Elsewhere() []Wanted {
	var out []Wanted
	for _, p := range o.Packages {
		for _, w := range p.Wheels {
			if slices.ContainsFunc(w.Missing, func(m Missing) bool { return (m.What == Build || m.What == Prove) && m.Role == "builder" }) {
				out = append(out, Wanted{Package: p.Name, Version: w.Version, File: w.File, Targets: w.Targets, SHA256: w.SHA256})
			}
		}
	}
	return out
}
