package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/dropin"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// maxKeyFile caps one file of a keyring.
const maxKeyFile = 8 << 20

// folderOptions are the flags of verify --wheelhouse.
type folderOptions struct {
	dir           string
	sums, keyring []string
	at            string
}

func (o *folderOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.dir, "wheelhouse", "", "check only that `DIR` holds what its lists of checksums name, and nothing else")
	f.StringArrayVar(&o.sums, "sums", nil, "--wheelhouse: the list is `FILE` (default: each sha256sums.txt there); may be repeated")
	f.StringArrayVar(&o.keyring, "keyring", nil, "--wheelhouse: judge the lists' OpenPGP signatures (LIST.asc) by the keys in this `PATH`, a file or folder")
	f.StringVar(&o.at, "at", "", "--wheelhouse: judge keys as they were at `TIME` (default: when the log published the list, else now)")
}

func (o *folderOptions) given() bool {
	return o.dir != "" || len(o.sums) > 0 || len(o.keyring) > 0 || o.at != ""
}

type listReport struct {
	List       string            `json:"list"`
	SHA256     string            `json:"sha256"`
	Files      int               `json:"files"`
	At         string            `json:"at,omitempty"` // the time by which its signatures are judged
	AtFrom     string            `json:"at-from,omitempty"`
	Signatures []signatureReport `json:"signatures"`
}

type signatureReport struct {
	Verdict string `json:"verdict"`
	Primary string `json:"primary,omitempty"`
	Signer  string `json:"signer,omitempty"`
	UserID  string `json:"user-id,omitempty"`
	Made    string `json:"made,omitempty"`
	Since   string `json:"since,omitempty"`
	OwnDate string `json:"own-date,omitempty"` // why the date that it gives cannot be right
}

type folderReport struct {
	Class string       `json:"class"`
	Place string       `json:"folder"`
	Lists []listReport `json:"lists"`
	*dropin.Folder
	Notes []string `json:"notes"`
}

func (a *app) verifyFolder(ctx context.Context, o folderOptions) error {
	if o.dir == "" {
		return usage("--sums, --keyring and --at go with --wheelhouse DIR")
	}
	dir := a.path(o.dir)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usage("--wheelhouse %s: no such folder", o.dir)
	}
	names, err := a.listsOf(dir, o)
	if err != nil {
		return err
	}
	keys, err := a.keyring(o.keyring)
	if err != nil {
		return err
	}
	rep := folderReport{Place: o.dir, Folder: &dropin.Folder{}, Notes: []string{}}
	var lists []dropin.Sums
	var bad []dropin.Finding
	for _, name := range names {
		data, err := readCapped(name, dropin.MaxListSize)
		if err != nil {
			return fileError("reading "+a.shown(name), err)
		}
		entries, err := dropin.ParseList(data)
		if err != nil {
			return invalid("write it with sha256sum, and have it signed again", "%s: %v", a.shown(name), err)
		}
		lists = append(lists, dropin.Sums{Name: a.shown(name), Dir: filepath.Dir(name), Entries: entries})
		l := listReport{List: a.shown(name), SHA256: hashOf(data), Files: len(entries), Signatures: []signatureReport{}}
		found, err := a.judgeList(ctx, &l, &rep, name, data, keys, o)
		if err != nil {
			return err
		}
		bad = append(bad, found...)
		rep.Lists = append(rep.Lists, l)
	}
	if rep.Folder, err = dropin.Check(ctx, dir, lists); err != nil {
		return err
	}
	rep.Findings = append(append([]dropin.Finding{}, bad...), rep.Findings...)
	return a.printFolder(rep)
}

// listsOf are the lists of a folder.
func (a *app) listsOf(dir string, o folderOptions) ([]string, error) {
	var names []string
	for _, s := range o.sums {
		names = append(names, a.path(s))
	}
	for _, pattern := range []string{"sha256sums.txt", "*-sha256sums.txt", "*/sha256sums.txt"} {
		if len(o.sums) == 0 {
			found, _ := filepath.Glob(filepath.Join(globQuote(dir), pattern))
			names = append(names, found...)
		}
	}
	if len(names) == 0 {
		// Their wheels lie in a folder beside the list.
		if above := filepath.Join(filepath.Dir(dir), "sha256sums.txt"); exists(above) {
			return []string{above}, nil
		}
		return nil, usage("%s has no sha256sums.txt; name the list with --sums", o.dir)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// globQuote takes the meaning of a pattern from a folder's name.
func globQuote(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

// shown is a path as the user may have typed it.
func (a *app) shown(path string) string {
	if rel, err := filepath.Rel(a.World.Dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return path
}

func (a *app) keyring(paths []string) ([][]byte, error) {
	var out [][]byte
	for _, p := range paths {
		files := []string{a.path(p)}
		if info, err := os.Stat(files[0]); err == nil && info.IsDir() {
			entries, err := os.ReadDir(files[0])
			if err != nil {
				return nil, err
			}
			dir := files[0]
			files = nil
			for _, e := range entries {
				if e.Type().IsRegular() {
					files = append(files, filepath.Join(dir, e.Name()))
				}
			}
		}
		for _, f := range files {
			data, err := readCapped(f, maxKeyFile)
			if err != nil {
				return nil, fileError("reading "+a.shown(f), err)
			}
			out = append(out, data)
		}
	}
	return out, nil
}

// judgeList judges the signatures of one list.
func (a *app) judgeList(ctx context.Context, l *listReport, rep *folderReport, name string, data []byte, keys [][]byte, o folderOptions) (bad []dropin.Finding, err error) {
	add := func(kind, format string, args ...any) {
		bad = append(bad, dropin.Finding{Kind: kind, File: l.List, Text: fmt.Sprintf(format, args...)})
	}
	asc, err := readCapped(name+".asc", trust.MaxSignaturesSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if len(o.keyring) > 0 {
			add("signature-missing", "there is no %s.asc", l.List)
		} else {
			rep.Notes = append(rep.Notes, l.List+" has no signature beside it")
		}
		return bad, nil
	case err != nil:
		return nil, fileError("reading "+l.List+".asc", err)
	case len(o.keyring) == 0:
		rep.Notes = append(rep.Notes, l.List+".asc is not judged: name the keys that count with --keyring")
		return nil, nil
	}
	at, from, err := a.judgedAt(ctx, l.SHA256, o)
	if err != nil {
		return nil, err
	}
	l.At, l.AtFrom = at.UTC().Format(time.RFC3339), from
	got, err := trust.Judge(data, asc, keys, at)
	if err != nil {
		add("signature-bad", "%s.asc holds no OpenPGP signature", l.List)
		return bad, nil
	}
	for _, j := range got {
		s := signatureReport{Verdict: j.Verdict, Primary: j.Primary, Signer: j.Signer, UserID: j.UserID, OwnDate: j.Finding}
		if !j.Made.IsZero() {
			s.Made = j.Made.Format(time.RFC3339)
		}
		if !j.Since.IsZero() {
			s.Since = j.Since.Format(time.RFC3339)
		}
		l.Signatures = append(l.Signatures, s)
		if j.Finding != "" {
			rep.Notes = append(rep.Notes, fmt.Sprintf("%s.asc: %s; its own date decides nothing", l.List, j.Finding))
		}
		who := cmp.Or(j.Primary, j.Signer)
		switch j.Verdict {
		case trust.SignatureGood:
		case trust.SignatureExpired, trust.SignatureRevoked:
			add("signature-"+j.Verdict, "the key %s was %s on %s; judged at %s (%s)", who, j.Verdict, j.Since.Format(time.DateOnly), at.UTC().Format(time.DateOnly), from)
		case trust.SignatureUnknown:
			add("signature-"+j.Verdict, "it is by %s, which no key of --keyring is, or which may not sign", who)
		case trust.SignatureWeak:
			add("signature-"+j.Verdict, "it is by %s with a hash or key that proves nothing any more", who)
		default:
			add("signature-"+j.Verdict, "the signature is not one of this list")
		}
	}
	return bad, nil
}

// judgedAt is the time by which keys are judged, and who gives it.
func (a *app) judgedAt(ctx context.Context, list string, o folderOptions) (time.Time, string, error) {
	if o.at != "" {
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if t, err := time.Parse(layout, o.at); err == nil {
				if layout == time.DateOnly {
					t = t.Add(24*time.Hour - time.Second)
				}
				return t, "--at", nil
			}
		}
		return time.Time{}, "", usage("--at %q is no time such as 2021-04-20 or 2021-04-20T12:00:00Z", o.at)
	}
	if s, err := a.openForReading(); err == nil {
		if led, err := s.ledger(ctx, false); err == nil {
			past, err := led.history(ctx, "_"+record.KindPublish)
			if err != nil {
				return time.Time{}, "", err
			}
			for _, e := range past {
				if x, err := e.AsPublish(); err == nil && x.File.SHA256 == list && led.counts(e) {
					return x.Head.Time, fmt.Sprintf("the log's statement %d", e.Index), nil
				}
			}
		}
	}
	return a.Now(), "now", nil
}

func (a *app) printFolder(rep folderReport) error {
	rep.Class = "OK"
	for _, f := range rep.Findings {
		switch {
		case f.Kind == "signature-"+trust.SignatureExpired:
			if rep.Class == "OK" {
				rep.Class = "EXPIRED"
			}
		default:
			rep.Class = "TAMPERED"
		}
	}
	if a.json {
		if err := a.printJSON(rep); err != nil {
			return err
		}
	} else {
		a.printFolderText(rep)
	}
	if rep.Class != "OK" {
		return &Error{Code: Finding, Shown: true}
	}
	return nil
}

func (a *app) printFolderText(rep folderReport) {
	f := rep.Folder
	paint := term.Good
	if rep.Class != "OK" {
		paint = term.Bad
	}
	fmt.Fprintf(a.Out, "%s  %s: %s listed, %s and %s agree\n", a.style.Paint(paint, rep.Class), rep.Place,
		report.Plural(f.Listed, "file"), report.Plural(f.Files, "file"), report.Plural(f.Pointers, "Git LFS pointer"))
	for _, l := range rep.Lists {
		for _, s := range l.Signatures {
			fmt.Fprintf(a.Out, "%s: %s, %s\n  key %s\n  dated %s; judged at %s (%s)\n", l.List, s.Verdict, cmp.Or(term.Line(s.UserID), "nobody known"),
				cmp.Or(s.Primary, s.Signer, "unknown"), cmp.Or(s.Made, "never"), l.At, l.AtFrom)
		}
	}
	if f.Pointers > 0 {
		fmt.Fprintf(a.Out, "note: of %s (%d bytes) only the pointers are here\n", report.Plural(f.Pointers, "file"), f.Bytes)
	}
	for _, n := range rep.Notes {
		fmt.Fprintln(a.Out, strings.Join(term.Wrap("note: "+term.Line(n), 78, "  "), "\n"))
	}
	for _, x := range rep.Findings {
		fmt.Fprintf(a.Out, "%s: %s\n  %s\n", a.style.Paint(term.Bad, x.Kind), term.Line(x.File), strings.Join(term.Wrap(term.Line(x.Text), 76, "  "), "\n"))
	}
	if len(rep.Findings) > 0 {
		fmt.Fprintln(a.Out, "\nDo not use what is named here; ask who signed the list.")
	}
}
