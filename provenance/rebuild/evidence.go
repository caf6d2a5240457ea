package rebuild

import (
	"fmt"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/provenance/attest"
)

// Evidence is what the statement of a build that failed names: why, and the log. What
// came out is attested: [Outcome.Provenance].
func (o *Outcome) Evidence() []byte { return []byte(o.Failure.Text(true) + "\n") }

// Provenance is what a builder attests of what came out, but for the builder, the log
// and the program's version. BuildLog and Comparison are the hashes that the log and
// [Outcome.Comparison] are kept under.
func (o *Outcome) Provenance(buildLog, comparison string) *attest.Provenance {
	p := o.Job.Package
	started := o.Result.Started.UTC().Truncate(time.Second)
	out := &attest.Provenance{
		Package: p.Name, Version: p.Version, Target: o.Target.Name,
		File: o.Result.File, SHA256: o.SHA256, Content: o.Content,
		Source: attest.File{Name: p.Sdist.Name, SHA256: p.Sdist.SHA256}, Recipe: o.Recipe.Text(),
		Toolchain: o.Result.Toolchain, Python: o.Result.Python, Place: ascii(o.Result.Place), Walls: ascii(o.Result.Walls),
		Times: o.Times, Started: started, Finished: started.Add(o.Result.Elapsed.Truncate(time.Second)),
		BuildLog: buildLog, Comparison: comparison,
	}
	for _, b := range o.Recipe.BuildRequires {
		out.Tools = append(out.Tools, attest.Tool{Name: b.Name, Version: b.Version, SHA256: b.SHA256})
	}
	for _, c := range o.Result.Crates {
		out.Crates = append(out.Crates, attest.Tool{Name: c.Name, Version: c.Version, SHA256: c.SHA256})
	}
	if o.Times > 1 {
		out.Varied = o.Varied.Names()
	}
	return out
}

// Comparison is how what was built compares with what is published, with what it was
// made by, for people.
func (o *Outcome) Comparison() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "build of %s %s for %s by Python %s\nrecipe %s\nwheel %s sha256:%s\nbuilt %d times with the same bytes\n",
		o.Job.Package.Name, o.Job.Package.Version, o.Target.Name, o.Result.Python, o.Recipe.Digest, o.Result.File, o.SHA256, o.Times)
	fmt.Fprintf(&b, "place %s\nwalls %s\n", o.Result.Place, o.Result.Walls)
	if len(o.Result.Toolchain) > 0 {
		fmt.Fprintf(&b, "toolchain %s\n", strings.Join(o.Result.Toolchain, ", "))
	}
	for _, w := range o.Result.Bootstraps {
		fmt.Fprintf(&b, "distribution's own bootstrap %s\n", w)
	}
	if o.Why != "" {
		fmt.Fprintf(&b, "recipe found by trying: %s\n", o.Why)
	}
	if o.Recipe.Container != "" {
		fmt.Fprintf(&b, "container %s\n", o.Recipe.Container)
	}
	if o.Seed {
		b.WriteString("the published wheel stays in use: it was needed to build this one\n")
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
		c.write(&b, "upstream")
	}
	if o.Against != nil {
		o.Against.write(&b, "locked")
	}
	return []byte(b.String())
}

func (c *Compared) write(b *strings.Builder, what string) {
	fmt.Fprintf(b, "\n%s %s sha256:%s: %s %s\n", what, c.Upstream.Name, c.Upstream.SHA256, c.Result.Verdict, strings.Join(c.Result.Causes, " "))
	for _, l := range c.Result.Lines {
		fmt.Fprintf(b, "  %s\n", l)
	}
}

// ascii makes a line that an attestation may hold.
func ascii(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, s)
	return s[:min(len(s), attest.MaxValue)]
}
