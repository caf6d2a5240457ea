package resolve

import "github.com/freedomofpress/wheellock/resolve/solver"

func (v *view) explain(p *provider, proof *solver.Incompatibility) (*Explanation, error) {
	return &Explanation{Text: "conflict"}, nil
}
