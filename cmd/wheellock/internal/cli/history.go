package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/resolve/pep440"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/sumdb/log"
)

func (a *app) historyVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "history NAME[@VERSION]",
		Short: "everything that the log says about a package, in order",
		Long: `history lists every statement about a package: which sources and published wheels
the index gave, who built what and how it compared, reviews, withdrawals. Each
is checked against the log's signed checkpoint. Statements that wait in pending
come last.`,
		Example: "  wheellock history requests\n  wheellock history requests@2.32.5",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.history(cmd.Context(), args[0]) },
	}
}

// historyRow is one statement.
type historyRow struct {
	Index   int64             `json:"index"` // -1: pending
	Time    string            `json:"time"`
	Kind    string            `json:"kind"`
	Version string            `json:"version,omitempty"`
	Signer  string            `json:"signer"`
	Text    string            `json:"text"`
	Fields  map[string]string `json:"fields"`
}

func (a *app) history(ctx context.Context, arg string) error {
	name, version, _ := strings.Cut(arg, "@")
	if !pep508.ValidName(name) {
		return usage("%q is not a package name", name)
	}
	name = pep508.NormalizeName(name)
	if version != "" {
		v, err := pep440.Parse(version)
		if err != nil {
			return usage("%q is not a version", version)
		}
		version = v.String()
	}
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	past, err := led.known(ctx, name)
	if err != nil {
		return err
	}
	rows := []historyRow{}
	for _, e := range past {
		if _, v := e.Package(); version == "" || v == version {
			rows = append(rows, historyOfEntry(e))
		}
	}
	if a.json {
		return a.printJSON(map[string]any{"package": name, "log": led.origin, "statements": rows})
	}
	if len(rows) == 0 {
		return finding("check the spelling; wheellock status lists what is locked", "the log %s says nothing about %s", led.origin, arg)
	}
	a.printHistory(rows)
	return nil
}

func historyOfEntry(e log.Entry) historyRow {
	_, version := e.Package()
	r := historyRow{
		Index: e.Index, Time: e.Time().Format("2006-01-02 15:04"), Kind: e.Kind(), Version: version,
		Signer: fmt.Sprintf("%s+%08x", e.Signer, e.Hash), Fields: map[string]string{}, Text: entryText(e),
	}
	for _, f := range e.Fields() {
		if f.Key != "log" && f.Key != "time" {
			r.Fields[f.Key] = strings.TrimSpace(r.Fields[f.Key] + " " + f.Value)
		}
	}
	return r
}

// entryText says in one line what a statement says.
func entryText(e log.Entry) string {
	if b, err := e.AsBuild(); err == nil {
		if b.Failed != "" {
			return fmt.Sprintf("failed for %s: %s: %s", b.Target, b.Failed, b.Reason)
		}
		text := fmt.Sprintf("%s %s for %s", b.File.Name, short(b.File.SHA256), b.Target)
		for _, c := range b.Upstream {
			text += fmt.Sprintf("; upstream %s %s", c.Verdict, strings.Join(c.Causes, " "))
		}
		if b.Supersedes > 0 {
			text += fmt.Sprintf("; supersedes %d: %s", b.Supersedes, b.Reason)
		}
		return strings.TrimSpace(text)
	}
	var parts []string
	for _, f := range e.Files() {
		parts = append(parts, f.Name+" "+short(f.SHA256))
	}
	if up := e.Get("uploaded"); up != "" {
		parts = append(parts, "uploaded "+up[:10])
	}
	if r := e.Get("reason"); r != "" {
		parts = append(parts, r)
	}
	parts = append(parts, e.All("criteria")...)
	return strings.Join(parts, ", ")
}

func short(hash string) string {
	if len(hash) > 12 {
		hash = hash[:12]
	}
	return "sha256:" + hash
}

func (a *app) printHistory(rows []historyRow) {
	for _, r := range rows {
		at := fmt.Sprint(r.Index)
		if r.Index < 0 {
			at = "pending"
		}
		line := fmt.Sprintf("%-7s %s  %s %s", at, r.Time, a.style.Paint(term.Heading, r.Kind), r.Version)
		gap := "  "
		if by := "by " + r.Signer; term.Len(line)+len(gap)+term.Len(by) > term.Width {
			gap = "\n        "
		}
		fmt.Fprintf(a.Out, "%s%sby %s\n", line, gap, r.Signer)
		for _, line := range term.Wrap(r.Text, term.Width-8, "  ") {
			fmt.Fprintf(a.Out, "        %s\n", term.Clean(line))
		}
	}
}
