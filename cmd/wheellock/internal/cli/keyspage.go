package cli

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
)

// pageColumns is the width of what people print out and read aloud.
const pageColumns = 78

func (c *rootChange) printChanges(w io.Writer) {
	for _, row := range c.Changes {
		mark := "  "
		if row.Weaker {
			mark = "! "
		}
		for i, line := range term.Wrap(row.What, pageColumns-4, "") {
			if i > 0 {
				mark = "    "
			}
			fmt.Fprintf(w, "%s%s\n", mark, line)
		}
	}
	if slices.ContainsFunc(c.Changes, func(r changeRow) bool { return r.Weaker }) {
		fmt.Fprintln(w, "(! fewer have to agree than before)")
	}
}

func (c *rootChange) printMissing(w io.Writer) {
	for _, q := range c.Quorums {
		n := q.Threshold - len(q.Signed)
		if n <= 0 {
			continue
		}
		fmt.Fprintf(w, "still missing: %d of these keys of root %d\n", n, q.Root)
		for _, f := range q.Missing {
			fmt.Fprintf(w, "  %s\n", f)
			if name := c.nameOf(f); name != "" {
				fmt.Fprintf(w, "    %s\n", name)
			}
		}
	}
}

// page is what lies beside a document to be signed: who reads it knows what it is
// about, and what to type, with no wheellock at hand.
func (c *rootChange) page(file string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Root %d of the log %s\n\n", c.Root, c.Log)
	fmt.Fprintf(&b, "It says who may sign statements in that log from then on.\nMade %s\n", c.root.Created.Format("2006-01-02 15:04:05 UTC"))
	fmt.Fprintf(&b, "\nWhat it changes of root %d, which is in force\n\n", c.before.Number)
	c.printChanges(&b)
	if len(c.Changes) == 0 {
		b.WriteString("  nothing\n")
	}
	for _, row := range c.Void {
		fmt.Fprintf(&b, "  void: statement %d, %s\n", row.Index, row.What)
	}
	if c.policy != nil {
		fmt.Fprintf(&b, "\nThe witnesses' policy that it names, %s\n\n", policyBeside(fmt.Sprintf("root-%d.toml", c.Root)))
		for line := range strings.Lines(string(c.policy)) {
			fmt.Fprintf(&b, "  %s\n", term.Clean(strings.TrimSuffix(line, "\n")))
		}
	}
	b.WriteString("\nWho must sign\n\n")
	for _, q := range c.Quorums {
		all := append(slices.Clone(q.Signed), q.Missing...)
		slices.Sort(all)
		fmt.Fprintf(&b, "  %d of %s of root %d:\n", q.Threshold, report.Plural(len(all), "key"), q.Root)
		for _, f := range all {
			done := ""
			if slices.Contains(q.Signed, f) {
				done = "  (signed)"
			}
			fmt.Fprintf(&b, "    %s%s\n", f, done)
			if name := c.nameOf(f); name != "" {
				fmt.Fprintf(&b, "      %s\n", name)
			}
		}
	}
	fmt.Fprintf(&b, "\nThe document, %s, has this sha256. Compare it with the others over\nanother channel, on the machine where you sign:\n\n  %s\n  %s\n",
		file, c.Document[:32], c.Document[32:])
	fmt.Fprintf(&b, "\nTo sign (no network is needed, and no wheellock):\n\n  sha256sum %s\n  gpg --armor --detach-sign --digest-algo SHA512 --local-user FINGERPRINT \\\n    --output %s %s\n",
		file, signatureName(file, "YOURNAME"), file)
	fmt.Fprintf(&b, "\nor, with wheellock, which shows this page from the document itself first:\n\n  wheellock keys ceremony sign %s --gpg-key FINGERPRINT\n", file)
	b.WriteString("\nThe signature goes into the folder that this page came from. When all are\nthere, in the project:\n\n  wheellock keys ceremony finish FOLDER\n")
	return b.Bytes()
}
