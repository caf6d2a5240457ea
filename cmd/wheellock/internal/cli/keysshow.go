package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// expiryWarning is how long before the end keys show warns.
const expiryWarning = 30 * 24 * time.Hour

func (a *app) keysShowVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "who may sign what in this log, and which keys this machine holds",
		Long: `show prints the newest root that the log states: the OpenPGP keys that sign roots,
the keys of each role and when they expire, what was revoked and how, and which of
the keys this machine holds. It warns 30 days before the root or a role expires.`,
		Example: "  wheellock keys show",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.keysShow(cmd.Context()) },
	}
}

type keyRow struct {
	Role      string `json:"role"`
	Key       string `json:"key"`
	Spare     bool   `json:"spare"`
	Here      bool   `json:"here"`
	Protected bool   `json:"protected"` // here, under a passphrase
	Expires   string `json:"expires"`
}

type revokedRow struct {
	Key  string `json:"key"`
	How  string `json:"how"`
	From *int64 `json:"from,omitempty"`
}

type keysReport struct {
	Log         string       `json:"log"`
	Root        int          `json:"root"`
	Provisional bool         `json:"provisional"`
	Expires     string       `json:"expires"`
	DaysLeft    int          `json:"days_left"` // below 0: expired
	OpenPGP     []string     `json:"openpgp"`
	Threshold   int          `json:"threshold"`
	Keys        []keyRow     `json:"keys"`
	Revoked     []revokedRow `json:"revoked"`
	Waiting     int          `json:"waiting"` // signed roots that the log has not stated yet
	Warnings    []string     `json:"warnings"`
	Database    string       `json:"checksum_database,omitempty"` // the key here that signs log export
	names       map[string]string
}

func (a *app) keysShow(ctx context.Context) error {
	s, err := a.openForReading()
	if err != nil {
		return err
	}
	led, err := s.ledger(ctx, false)
	if err != nil {
		return err
	}
	r, err := led.report()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(r)
	}
	a.printKeys(r)
	return nil
}

func (l *ledger) report() (*keysReport, error) {
	root := l.chain.Newest()
	r := &keysReport{OpenPGP: []string{}, Keys: []keyRow{}, Revoked: []revokedRow{}, Warnings: []string{},
		Log: l.origin, Root: l.chain.Len() - 1, Provisional: root.Provisional, Threshold: root.Threshold,
		Expires: day(root.Expires), DaysLeft: l.daysLeft(root.Expires), Waiting: len(l.waiting), names: map[string]string{}}
	for _, k := range root.OpenPGP {
		r.OpenPGP = append(r.OpenPGP, k.Fingerprint)
		r.names[k.Fingerprint] = term.Clean(k.UserID())
	}
	here := map[string]trust.Signer{}
	mine, err := l.keys.Signers(l.origin, "")
	if err != nil {
		return nil, err
	}
	for _, m := range mine {
		here[m.Key] = m
	}
	r.warn("root", root.Expires, l.s.Now())
	for _, role := range root.Roles {
		for i, k := range slices.Concat(role.Keys, role.Spare) {
			m, ok := here[k]
			r.Keys = append(r.Keys, keyRow{role.Name, k, i >= len(role.Keys), ok, m.Protected, day(role.Expires)})
		}
		if !role.Expires.Equal(root.Expires) {
			r.warn("role "+role.Name, role.Expires, l.s.Now())
		}
	}
	for _, v := range root.Revoked {
		row := revokedRow{Key: v.Key, How: v.How}
		if v.How == trust.Stolen {
			row.From = &v.From
		}
		r.Revoked = append(r.Revoked, row)
	}
	if key, err := readDatabaseKey(l.databaseKeyPath()); err == nil {
		r.Database = key.Verifier().String()
	}
	if r.Waiting > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s signed and not in force yet; where the log's key is: wheellock log append --pending", report.Plural(r.Waiting, "root")))
	}
	return r, nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

func (l *ledger) daysLeft(t time.Time) int {
	d := t.Sub(l.s.Now())
	if d < 0 {
		return int(d/(24*time.Hour)) - 1
	}
	return int(d / (24 * time.Hour))
}

func (r *keysReport) warn(what string, expires, now time.Time) {
	left := expires.Sub(now)
	switch {
	case left <= 0:
		r.Warnings = append(r.Warnings, fmt.Sprintf("the %s expired on %s: nothing new can be signed (what was signed stays valid); wheellock keys renew", what, day(expires)))
	case left < expiryWarning:
		r.Warnings = append(r.Warnings, fmt.Sprintf("the %s expires in %s: wheellock keys renew", what, report.Plural(int(left/(24*time.Hour)), "day")))
	}
}

func (a *app) printKeys(r *keysReport) {
	state := "adopted"
	if r.Provisional {
		state = "provisional"
	}
	left := ""
	if r.DaysLeft >= 0 {
		left = fmt.Sprintf(" (%s left)", report.Plural(r.DaysLeft, "day"))
	}
	fmt.Fprintf(a.Out, "log   %s\nroot  %d, %s, expires %s%s\n", r.Log, r.Root, state, r.Expires, left)
	if len(r.OpenPGP) > 1 {
		fmt.Fprintf(a.Out, "      %d of these %d keys must sign the next root\n", r.Threshold, len(r.OpenPGP))
	}
	for _, p := range r.OpenPGP {
		fmt.Fprintf(a.Out, "      OpenPGP %s\n", p)
		if r.names[p] != "" {
			fmt.Fprintf(a.Out, "              %s\n", r.names[p])
		}
	}
	for _, k := range r.Keys {
		at := ""
		if k.Spare {
			at += "  (spare)"
		}
		if k.Here && k.Protected {
			at += "  (on this machine, under a passphrase)"
		} else if k.Here {
			at += "  (on this machine)"
		}
		if k.Expires != r.Expires {
			at += "  expires " + k.Expires
		}
		fmt.Fprintf(a.Out, "%-10s %s%s\n", k.Role, k.Key, at)
	}
	if r.Database != "" {
		fmt.Fprintf(a.Out, "%-10s %s  (on this machine)\n", "export", r.Database)
	}
	for _, v := range r.Revoked {
		if v.From != nil {
			fmt.Fprintf(a.Out, "%-10s %s  (from statement %d on)\n", v.How, trust.ShortKey(v.Key), *v.From)
			continue
		}
		fmt.Fprintf(a.Out, "%-10s %s\n", v.How, trust.ShortKey(v.Key))
	}
	for _, w := range r.Warnings {
		fmt.Fprintln(a.Out, a.style.Paint(term.Bad, "warning:")+" "+w)
	}
}
