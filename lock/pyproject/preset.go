package pyproject

import (
	"fmt"
	"strings"
)

// Presets lists the presets' names, the default one first.
func Presets() []string { return []string{"reproducible", "securedrop", "upstream"} }

// Preset gives a preset's settings: "reproducible" rebuilds everything and
// mirrors what does not come out equal to upstream; "securedrop" builds and
// mirrors everything, signs each list with OpenPGP and lets CI append to the
// log; "upstream" takes published wheels by hash and builds only what has none.
func Preset(name string) (Config, error) {
	c := defaults()
	switch name {
	case "reproducible":
	case "securedrop":
		c.Policy.Wheels, c.Policy.Mirror, c.Policy.Append = "build", "all", "pending"
		c.Policy.Ceremony = []string{"root", "every-publication"}
	case "upstream":
		c.Policy.Wheels = "upstream"
	default:
		return Config{}, &Error{Msg: fmt.Sprintf("unknown preset %q", name), Hint: "the presets are " + strings.Join(Presets(), ", ")}
	}
	return c, nil
}
