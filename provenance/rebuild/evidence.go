package rebuild

import (
	"fmt"
	"strings"
)

// Evidence is the record of a build that its statement names: what was made by
// what, how it compares with what is published, and the log.
func (o *Outcome) Evidence() []byte {
	if o.Failure != nil {
		return []byte(o.Failure.Text(true) + "\n")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "build of %s %s for %s by Python %s\nrecipe %s\nwheel %s sha256:%s\nbuilt %d times with the same bytes\n",
		o.Job.Package.Name, o.Job.Package.Version, o.Target.Name, o.Result.Python, o.Recipe.Digest, o.Result.File, o.SHA256, o.Times)
	fmt.Fprintf(&b, "place %s\nwalls %s\n", o.Result.Place, o.Result.Walls)
	if len(o.Result.Toolchain) > 0 {
		fmt.Fprintf(&b, "toolchain %s\n", strings.Join(o.Result.Toolchain, ", "))
	}
	if o.Superseded != "" {
		fmt.Fprintf(&b, "superseded %s\n", o.Superseded)
	}
	if o.Times > 1 {
		fmt.Fprintf(&b, "varied %s\n", o.Varied)
		for _, n := range o.NotVaried {
			fmt.Fprintf(&b, "not varied %s: %s\n", n.Name, n.Why)
		}
	}
	for _, c := range o.Compared {
		fmt.Fprintf(&b, "\nupstream %s sha256:%s: %s %s\n", c.Upstream.Name, c.Upstream.SHA256, c.Result.Verdict, strings.Join(c.Result.Causes, " "))
		for _, l := range c.Result.Lines {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	b.WriteString("\nlog\n")
	b.Write(o.Result.Log)
	return []byte(b.String())
}
