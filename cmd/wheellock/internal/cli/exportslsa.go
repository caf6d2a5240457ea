package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/attest"
	"github.com/freedomofpress/wheellock/provenance/rebuild"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

const (
	formatAttestations = "slsa"
	// attestationsSuffix is in-toto's for a bundle: an envelope a line.
	attestationsSuffix = ".intoto.jsonl"
)

// attestationReport is what export --format slsa prints with --json.
type attestationReport struct {
	Format    string              `json:"format"`
	Directory string              `json:"directory"`
	Files     []string            `json:"files"`
	Keys      []attestationKey    `json:"keys"`
	Missing   []attestationAbsent `json:"missing"`
	Hidden    int                 `json:"hidden"` // wheels left out for the sake of private names
}

// attestationKey is a key that signed, with what a verifier of Ed25519 needs.
type attestationKey struct {
	KeyID  string `json:"keyid"`
	Public string `json:"public"` // hex
}

type attestationAbsent struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// A bundle is what builders attest of one wheel.
type bundle struct {
	file, sha256 string // the subject
	lines        []byte
}

// exportAttestations writes the attestations of the builds behind the locked wheels,
// each checked against the log first.
func (a *app) exportAttestations(ctx context.Context, dir string, names []string) error {
	if dir == "" {
		return usage("--format %s needs -o DIR", formatAttestations)
	}
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	s := led.s
	if err := s.needLock(); err != nil {
		return err
	}
	if err := s.knowNames(names); err != nil {
		return err
	}
	out := attestationReport{Format: formatAttestations, Directory: dir, Files: []string{}, Keys: []attestationKey{}, Missing: []attestationAbsent{}}
	jobs, _ := rebuild.Select(s.locked, rebuild.Selection{Names: names})
	var bundles []*bundle
	for _, j := range jobs {
		if j.Row.Missing() {
			continue
		}
		list, err := led.bundles(ctx, j, &out)
		if err != nil {
			return err
		}
		bundles = append(bundles, list...)
	}
	if err := writeBundles(a.path(dir), bundles, &out); err != nil {
		return err
	}
	slices.SortFunc(out.Keys, func(a, b attestationKey) int { return strings.Compare(a.KeyID, b.KeyID) })
	out.Keys = slices.Compact(out.Keys)
	if a.json {
		err = a.printJSON(out)
	} else {
		a.printAttestations(out)
	}
	if err == nil && len(out.Missing) > 0 {
		return &Error{Code: Finding, Shown: a.json, Msg: fmt.Sprintf("%s not attested", report.Plural(len(out.Missing), "wheel")+" "+isOrAre(len(out.Missing))),
			Hint: "bring the whole wheelhouse here (git lfs pull), or build again: wheellock build --agree NAME"}
	}
	return err
}

// bundles collects the attestations of the builds in the log that stand behind a job's
// wheel, one a builder, the newest. Two builders may have built files of two names that
// both prove one published wheel.
func (l *ledger) bundles(ctx context.Context, j *rebuild.Job, out *attestationReport) (list []*bundle, err error) {
	private := l.s.project.Config.Private
	past, err := l.history(ctx, j.Package.Name)
	if err != nil {
		return nil, err
	}
	seen, hidden, why := map[string]bool{}, false, "no build of it is in the log"
	for _, e := range slices.Backward(past) {
		b, err := e.AsBuild()
		if err != nil || !l.counts(e) || !backs(b, j) || seen[attest.KeyID(e.Signer, e.Hash)] {
			continue
		}
		data, p, err := l.attestation(e, &b)
		if err != nil {
			why = fmt.Sprintf("statement %d: %v", e.Index, err)
			continue
		}
		id := attest.KeyID(e.Signer, e.Hash)
		seen[id] = true
		if names(private, p) {
			hidden = true
			continue
		}
		h, err := l.chain.Holder(e.Index, e.Signer, e.Hash)
		if err != nil {
			return nil, err
		}
		out.Keys = append(out.Keys, attestationKey{id, fmt.Sprintf("%x", trust.Material(h.Key))})
		i := slices.IndexFunc(list, func(x *bundle) bool { return x.file == p.File && x.sha256 == p.SHA256 })
		if i < 0 {
			i, list = len(list), append(list, &bundle{file: p.File, sha256: p.SHA256})
		}
		list[i].lines = append(list[i].lines, data...)
	}
	switch {
	case hidden:
		out.Hidden++
	case len(list) == 0 && index.Matches(private, j.Package.Name):
		out.Hidden++
	case len(list) == 0:
		out.Missing = append(out.Missing, attestationAbsent{j.Row.Name, why})
	}
	return list, nil
}

// names reports whether an attestation names something private. It is signed whole, so
// that nothing can be taken out.
func names(private []string, p *attest.Provenance) bool {
	return index.Matches(private, p.Package) || slices.ContainsFunc(p.Tools, func(t attest.Tool) bool { return index.Matches(private, t.Name) })
}

// writeBundles writes a file for each subject; two of one name have their hash in it.
func writeBundles(dir string, list []*bundle, out *attestationReport) error {
	if err := durable.MkdirAll(dir, 0o755); err != nil {
		return fileError("making "+out.Directory, err)
	}
	for _, b := range list {
		name := b.file + attestationsSuffix
		if slices.ContainsFunc(list, func(x *bundle) bool { return x.file == b.file && x.sha256 != b.sha256 }) {
			name = b.file + "." + b.sha256[:8] + attestationsSuffix
		}
		if slices.Contains(out.Files, name) {
			continue // one file serves several rows
		}
		if err := durable.WriteFile(filepath.Join(dir, name), b.lines, 0o644); err != nil {
			return err
		}
		out.Files = append(out.Files, name)
	}
	slices.Sort(out.Files)
	return nil
}

func (a *app) printAttestations(out attestationReport) {
	fmt.Fprintf(a.Out, "attestations of %s in %s, by %s\n", report.Plural(len(out.Files), "wheel"), out.Directory, report.Plural(len(out.Keys), "builder"))
	for _, k := range out.Keys {
		fmt.Fprintf(a.Out, "key %s\n  ed25519 %s\n", k.KeyID, k.Public)
	}
	for _, m := range out.Missing {
		for _, line := range term.Wrap(term.Clean("none for "+m.File+": "+m.Why), term.Width, "  ") {
			fmt.Fprintln(a.Out, line)
		}
	}
	if out.Hidden > 0 {
		fmt.Fprintf(a.Out, "left out: %s whose attestation names a private package\n", report.Plural(out.Hidden, "wheel"))
	}
}
