package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/repro"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// recordOptions are what an artifact statement says beside the file.
type recordOptions struct {
	version, target string
}

func (o *recordOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.version, "record-version", "", "--record: the `VERSION` of what was built (default: that in the name of a .deb, wheel or source archive)")
	f.StringVar(&o.target, "record-target", "", "--record: the `TARGET` that it was built for")
}

func (o *recordOptions) check() error {
	for _, x := range [][2]string{{"--record-version", o.version}, {"--record-target", o.target}} {
		if x[1] != "" && (strings.ContainsAny(x[1], " \t\n") || len(x[1]) > 100) {
			return usage("%s %q: one word", x[0], x[1])
		}
	}
	return nil
}

// recorded is one artifact in the report.
type recorded struct {
	File      string `json:"file"`
	Version   string `json:"version,omitempty"`
	Statement int64  `json:"statement"` // -1: it waits in pending
	Before    bool   `json:"before"`    // the log had it already
}

// record states the files of a report, in one batch with the report as evidence.
func (a *app) record(ctx context.Context, rep *repro.Report, o recordOptions) ([]recorded, string, error) {
	s, err := a.openForWriting(ctx)
	if err != nil {
		return nil, "", err
	}
	defer s.close()
	led, err := s.ledger(ctx, true)
	if err != nil {
		return nil, "", err
	}
	// How long it took differs from time to time, and is nobody's evidence.
	proven := *rep
	proven.Seconds = 0
	text, err := json.MarshalIndent(proven, "", "  ")
	if err != nil {
		return nil, "", err
	}
	evidence, err := s.house().Keep(append(text, '\n'))
	if err != nil {
		return nil, "", err
	}
	var out []recorded
	for _, f := range rep.Files {
		r, err := led.stateArtifact(ctx, f, evidence, o)
		if err != nil {
			return nil, "", err
		}
		out = append(out, r)
	}
	if err := led.finish(ctx, s.locked); err != nil {
		return nil, "", err
	}
	past, err := led.known(ctx, "_"+record.KindArtifact)
	if err != nil {
		return nil, "", err
	}
	for i := range out {
		for _, e := range past {
			if x, err := e.AsArtifact(); err == nil && x.File.SHA256 == rep.Files[i].SHA256 && x.File.Name == out[i].File {
				out[i].Statement = e.Index
			}
		}
	}
	return out, led.origin, nil
}

// stateArtifact states one file, unless the log has it.
func (l *ledger) stateArtifact(ctx context.Context, f repro.File, evidence string, o recordOptions) (recorded, error) {
	x := record.Artifact{
		Head: l.head(), Project: projectName(l.s), Version: o.version, Target: o.target, Lock: hashOf(l.s.locked.Format()), Evidence: evidence,
		File: record.File{Name: filepath.Base(f.Name), SHA256: f.SHA256, Size: f.Size},
	}
	if x.Version == "" {
		x.Version = versionInName(x.File.Name)
	}
	out := recorded{File: x.File.Name, Version: x.Version, Statement: -1}
	past, err := l.known(ctx, "_"+record.KindArtifact)
	if err != nil {
		return out, err
	}
	for _, e := range past {
		old, err := e.AsArtifact()
		if err == nil && l.counts(e) && old.File == x.File && old.Project == x.Project && old.Lock == x.Lock && old.Target == x.Target {
			out.Before = true
			return out, nil
		}
	}
	return out, l.state(x.Statement())
}

// versionInName is the version in the usual names: NAME_VERSION_ARCH.deb,
// NAME-VERSION-... .whl, NAME-VERSION.tar.gz; "" where there is none.
func versionInName(name string) string {
	word := func(v string) string {
		if v == "" || v[0] < '0' || v[0] > '9' || strings.ContainsAny(v, " \t") {
			return ""
		}
		return v
	}
	if rest, ok := strings.CutSuffix(name, ".deb"); ok {
		if parts := strings.Split(rest, "_"); len(parts) == 3 {
			// A colon of the epoch stands as %3a there.
			return word(strings.ReplaceAll(parts[1], "%3a", ":"))
		}
		return ""
	}
	if rest, ok := strings.CutSuffix(name, ".whl"); ok {
		if parts := strings.Split(rest, "-"); len(parts) >= 5 {
			return word(parts[1])
		}
		return ""
	}
	for _, end := range []string{".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst", ".zip", ".tar"} {
		if rest, ok := strings.CutSuffix(name, end); ok {
			return word(rest[strings.LastIndex(rest, "-")+1:])
		}
	}
	return ""
}

func printRecorded(w io.Writer, out reproReport) {
	for _, r := range out.Recorded {
		where := fmt.Sprintf("statement %d of %s", r.Statement, out.Log)
		if r.Statement < 0 {
			where = "in pending, for " + out.Log
		}
		word := "recorded"
		if r.Before {
			word = "recorded before"
		}
		fmt.Fprintf(w, "%s: %s, %s\n", word, term.Line(r.File), where)
	}
}
