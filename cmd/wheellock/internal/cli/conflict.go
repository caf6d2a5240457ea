package cli

import (
	"errors"

	"github.com/freedomofpress/wheellock/resolve"
)

// conflictJSON is the structure of an explanation, for --json; nil for another
// error.
func conflictJSON(err error) any {
	var c *resolve.ConflictError
	if !errors.As(err, &c) {
		return nil
	}
	type relaxation struct {
		Do    string `json:"do"`
		Means string `json:"means"`
	}
	type explanation struct {
		Targets []string     `json:"targets"`
		Facts   []string     `json:"facts"`
		Works   []relaxation `json:"works"`
	}
	list := []explanation{}
	for _, x := range c.Explanations {
		e := explanation{Targets: x.Targets, Facts: x.Facts, Works: []relaxation{}}
		for _, w := range x.Works {
			e.Works = append(e.Works, relaxation{w.Do, w.Means})
		}
		list = append(list, e)
	}
	out := map[string]any{"explanations": list}
	if len(c.Missing) > 0 {
		out["missing"] = c.Missing
	}
	if len(c.Near) > 0 {
		out["near"] = c.Near
	}
	return out
}
