package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// released is what release --json prints.
type released struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Tag        string   `json:"tag"`
	Commit     string   `json:"commit"`
	SignedBy   []string `json:"signed_by,omitempty"` // fingerprints of the tag's signature
	Unsigned   string   `json:"unsigned,omitempty"`  // why nobody is named
	Format     string   `json:"format"`
	File       string   `json:"file"`
	SHA256     string   `json:"sha256"`
	Size       int64    `json:"size"`
	NormalForm string   `json:"normal_form"`
	Epoch      int64    `json:"epoch"`
	Python     string   `json:"python,omitempty"`
	Tools      []tool   `json:"tools,omitempty"` // the backend's requirements

	Output      string `json:"output"` // the tarball's path
	Sums        string `json:"sums"`   // the .sha256 beside it
	Signature   string `json:"signature,omitempty"`
	SignCommand string `json:"sign_command"`

	Log       string `json:"log,omitempty"`
	Statement *int64 `json:"statement,omitempty"` // -1: it waits in pending
	Before    bool   `json:"before,omitempty"`    // the log had it already
	Sentence  string `json:"sentence"`
}

type tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// revision is what the statement says of the repository.
func (r *releaser) revision() string { return r.tag.Name + "@" + r.tag.Commit }

// past are the releases that the log knows, pending ones too.
func (r *releaser) past(ctx context.Context) ([]log.Entry, error) {
	if !r.stating() {
		return nil, nil
	}
	if roots, err := r.readRoots(); err != nil || len(roots) == 0 {
		return nil, err
	}
	led, err := r.ledger(ctx, false)
	if err != nil {
		return nil, err
	}
	all, err := led.known(ctx, "_"+record.KindRelease)
	if err != nil {
		return nil, err
	}
	var out []log.Entry
	for _, e := range all {
		if led.counts(e) {
			out = append(out, e)
		}
	}
	return out, nil
}

// notMoved refuses a tag that the log knows with another commit.
func (r *releaser) notMoved(ctx context.Context) error {
	past, err := r.past(ctx)
	if err != nil {
		return err
	}
	for _, e := range past {
		x, err := e.AsRelease()
		name, commit, ok := strings.Cut(x.Revision, "@")
		if err == nil && ok && name == r.tag.Name && commit != r.tag.Commit {
			return finding("find out who moved it: git fetch --tags --force brings the published one back. A changed release is a new version",
				"tag %s has moved: it leads to commit %s, and %s was released from %s (statement %s)", r.tag.Name, r.tag.Commit[:12], x.File.Name, commit[:min(12, len(commit))], entryNumber(e))
		}
	}
	return nil
}

func entryNumber(e log.Entry) string {
	if e.Index < 0 {
		return "in pending"
	}
	return fmt.Sprint(e.Index)
}

// notOther refuses other bytes for a version that was released.
func (r *releaser) notOther(ctx context.Context) error {
	past, err := r.past(ctx)
	if err != nil {
		return err
	}
	for _, e := range past {
		x, err := e.AsRelease()
		if err == nil && x.Project == r.out.Name && sameVersion(x.Version, r.out.Version) && x.File.SHA256 != r.out.SHA256 {
			return finding("take the next version, or find out what changed: wheellock compare OLD NEW; its evidence names the tools of then",
				"%s %s was released with other bytes: sha256 %s, now %s (statement %s)", x.Project, x.Version, x.File.SHA256[:12], r.out.SHA256[:12], entryNumber(e))
		}
	}
	return nil
}

// write puts tarball, checksum and signature into the folder.
func (r *releaser) write(tarball string) error {
	r.out.Tag, r.out.Commit = r.tag.Name, r.tag.Commit
	dir := r.path(r.o.into)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usage("-o %s: no folder can be made there: %v", r.o.into, err)
	}
	data, err := os.ReadFile(tarball)
	if err != nil {
		return err
	}
	r.out.Output = filepath.Join(r.o.into, r.out.File)
	r.out.Sums = r.out.Output + ".sha256"
	key := "--local-user ID "
	if r.signer != nil {
		key = "--local-user " + r.signer.Fingerprint() + " "
	}
	r.out.SignCommand = "gpg --armor --detach-sign " + key + r.out.Output
	var files group
	files.add(filepath.Join(dir, r.out.File), data)
	files.add(filepath.Join(dir, r.out.File+".sha256"), []byte(r.out.SHA256+"  "+r.out.File+"\n"))
	asc := filepath.Join(dir, r.out.File+".asc")
	if r.signer != nil {
		sig, err := trust.SignDetachedArmored(data, r.signer)
		if err == nil {
			files.add(asc, sig)
			r.out.Signature = r.out.Output + ".asc"
		} else if r.o.localUser != "" || r.o.create != "" {
			return environment(r.out.SignCommand, "signing the tarball: %v", err)
		} else {
			r.say("the tarball is not signed: %v", err)
		}
	}
	if r.out.Signature == "" {
		r.dropStale(asc, data)
	}
	return files.write()
}

// dropStale removes a signature of other bytes: beside the new file it would look
// like a forgery.
func (r *releaser) dropStale(asc string, data []byte) {
	old, err := os.ReadFile(strings.TrimSuffix(asc, ".asc"))
	if err == nil && string(old) != string(data) && exists(asc) {
		_ = os.Remove(asc)
	}
}

// group is files to be written, each whole.
type group struct {
	files []struct {
		path string
		data []byte
	}
}

func (g *group) add(path string, data []byte) {
	g.files = append(g.files, struct {
		path string
		data []byte
	}{path, data})
}

func (g *group) write() error {
	for _, f := range g.files {
		if err := durable.WriteFile(f.path, f.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// stateRelease states the tarball, unless the log has it.
func (r *releaser) stateRelease(ctx context.Context) error {
	if !r.stating() {
		r.sentence()
		return nil
	}
	led, err := r.session.ledger(ctx, true)
	if err != nil {
		return err
	}
	made := map[string]any{"format": r.out.Format, "normal_form": r.out.NormalForm, "epoch": r.out.Epoch, "tag": r.out.Tag, "commit": r.out.Commit,
		"signed_by": r.out.SignedBy, "python": r.out.Python, "tools": r.out.Tools}
	text, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		return err
	}
	x := record.Release{Head: led.head(), Project: r.out.Name, Version: r.out.Version, Revision: r.revision(), Reason: r.out.Unsigned,
		File: record.File{Name: r.out.File, SHA256: r.out.SHA256, Size: r.out.Size}}
	past, err := led.known(ctx, "_"+record.KindRelease)
	if err != nil {
		return err
	}
	for _, e := range past {
		old, err := e.AsRelease()
		if err == nil && led.counts(e) && old.Project == x.Project && old.File == x.File && old.Revision == x.Revision && old.Reason == x.Reason {
			r.out.Before = true
		}
	}
	if !r.out.Before {
		if x.Evidence, err = r.house().Keep(append(text, '\n')); err != nil {
			return err
		}
		if err := led.state(x.Statement()); err != nil {
			return err
		}
	}
	if err := led.finish(ctx, r.locked); err != nil {
		return err
	}
	n := int64(-1)
	if past, err = led.known(ctx, "_"+record.KindRelease); err != nil {
		return err
	}
	for _, e := range past {
		if old, err := e.AsRelease(); err == nil && old.Project == x.Project && old.File == x.File && old.Revision == x.Revision {
			n = e.Index
		}
	}
	r.out.Log, r.out.Statement = led.origin, &n
	r.sentence()
	return nil
}

// sentence is what belongs into the release notes.
func (r *releaser) sentence() {
	by := "whose signature was not checked"
	if len(r.out.SignedBy) > 0 {
		by = "signed by " + strings.Join(r.out.SignedBy, " and ")
	}
	where := ""
	if r.out.Statement != nil {
		where = " It is stated in the log " + r.out.Log + "."
		if *r.out.Statement >= 0 {
			where = fmt.Sprintf(" It is statement %d of the log %s.", *r.out.Statement, r.out.Log)
		}
	}
	again := "wheellock release --no-statement"
	if r.o.format != formatAuto {
		again += " --format " + r.o.format
	}
	if r.o.name != "" && r.out.Format == formatGit {
		again += " --name " + r.o.name
	}
	if r.o.unsigned {
		again += " --unsigned"
	}
	r.out.Sentence = fmt.Sprintf("%s (SHA-256 %s) was made from tag %s, commit %s, %s; \"%s %s\" makes the same bytes again.%s",
		r.out.File, r.out.SHA256, r.out.Tag, r.out.Commit, by, again, r.out.Tag, where)
}

func (r *releaser) print() error {
	if r.json {
		return r.printJSON(r.out)
	}
	o := &r.out
	row := func(key, value string) { fmt.Fprintf(r.Out, "%-10s %s\n", key, term.Line(value)) }
	fmt.Fprintf(r.Out, "%s\n", r.style.Paint(term.Good, "released "+o.Name+" "+o.Version))
	row("tarball", o.Output)
	row("sha256", o.SHA256)
	row("tag", o.Tag+", commit "+o.Commit)
	if len(o.SignedBy) > 0 {
		row("signed by", strings.Join(o.SignedBy, ", "))
	} else {
		fmt.Fprintf(r.Out, "%-10s %s\n", "signed by", r.style.Paint(term.Todo, "not checked"))
	}
	for _, t := range o.Tools {
		row("tool", t.Name+" "+t.Version)
	}
	row("checksum", o.Sums)
	if o.Signature != "" {
		row("signature", o.Signature)
	} else {
		row("sign it", o.SignCommand)
	}
	switch {
	case o.Statement == nil && r.o.noStatement:
	case o.Statement == nil:
		row("log", "not stated: there is no wheels.lock here")
	case *o.Statement < 0:
		row("log", "stated, in pending for "+o.Log)
	default:
		word := "statement"
		if o.Before {
			word = "stated before, statement"
		}
		row("log", fmt.Sprintf("%s %d of %s", word, *o.Statement, o.Log))
	}
	fmt.Fprintf(r.Out, "\nFor the release notes:\n")
	for _, line := range term.Wrap(o.Sentence, term.Width, "") {
		fmt.Fprintln(r.Out, term.Line(line))
	}
	if r.o.create != "" {
		fmt.Fprintf(r.Out, "\nNext: git push origin %s\n", term.Line(o.Tag))
	}
	return nil
}
