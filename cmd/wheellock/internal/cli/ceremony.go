package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// gpgHint is the way out where gpg does not sign.
const gpgHint = "export GPG_TTY=$(tty) lets gpg ask for a passphrase or a card; gpg --list-secret-keys names its keys"

// maxSignatureFiles caps what is collected from a folder.
const maxSignatureFiles = 256

// documentName matches what people sign: a root, or leave to recover the log.
var documentName = regexp.MustCompile(`^(?:(root)-[0-9]{1,18}\.toml|recover-[0-9]{1,18}\.txt)$`)

func (a *app) ceremonyVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ceremony",
		Short: "sign a change of the root with several people, on machines without a network",
		Long: `A ceremony has three steps, and files carried by hand between them:

1. prepare   any verb that changes the root writes, with --prepare DIR, the new
             root as a file to be signed, and a page that says in words what it
             changes. Several verbs one after another change the same file:
               wheellock keys delegate builder KEY --prepare ceremony
               wheellock keys renew --prepare ceremony
2. sign      each holder signs that file, with gpg alone (the page has the
             command) or with: wheellock keys ceremony sign FILE --gpg-key ID
3. finish    in the project: wheellock keys ceremony finish ceremony
             It says who is missing, or brings the root into force.

Each step can be repeated. A document that another root has overtaken is refused.`,
		Example: "  wheellock keys renew --prepare ceremony\n  wheellock keys ceremony sign root-2.toml --gpg-key 0123456789ABCDEF\n  wheellock keys ceremony finish ceremony",
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	show := &cobra.Command{
		Use:   "show FILE",
		Short: "what a document that waits for signatures changes",
		Long: `show reads the document itself, not the page beside it, and compares it with the
root that it follows, which lies beside it too. It needs no project.`,
		Example: "  wheellock keys ceremony show root-2.toml",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(_ *cobra.Command, args []string) error { return a.ceremonyShow(args[0]) },
	}
	var f openPGPFlags
	sign := &cobra.Command{
		Use:   "sign FILE",
		Short: "show a document and sign it, with a key of gpg or in a file",
		Long: `sign shows what the document changes, as show does, and writes a detached OpenPGP
signature beside it. It needs no project and no network. What it writes is what
gpg --armor --detach-sign writes.`,
		Example: "  wheellock keys ceremony sign root-2.toml --gpg-key 0123456789ABCDEF",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(_ *cobra.Command, args []string) error { return a.ceremonySign(args[0], f) },
	}
	sign.Flags().StringVar(&f.keyFile, "openpgp-key", "", "armored private key in `FILE`")
	sign.Flags().StringVar(&f.gpgKey, "gpg-key", "", "key `ID` of gpg (agent or card)")
	finish := &cobra.Command{
		Use:   "finish DIR|FILE [SIGNATURE...]",
		Short: "collect the signatures, and bring the root into force when all are there",
		Long: `finish takes the document and the signatures (*.asc, *.sig, *.gpg) of a folder, or
those that are named. Each must be of exactly this document, by a key of the root
in force or of the new one. Where some are missing it names their keys and
exits 1. Where the log's key is on another machine, the signed root waits in the
wheelhouse for log append --pending there.`,
		Example: "  wheellock keys ceremony finish ceremony\n  wheellock keys ceremony finish root-2.toml ada.asc ben.sig",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.ceremonyFinish(cmd.Context(), args[0], args[1:])
		},
	}
	cmd.AddCommand(show, sign, finish)
	return cmd
}

// prepareRoot writes the next root for people to sign. A draft that is there
// already is changed further, as long as nobody has signed it.
func (s *session) prepareRoot(ctx context.Context, led *ledger, folder string, signers []trust.OpenPGPSigner, edit func(*trust.Root) error) (*rootChange, error) {
	dir := s.path(folder)
	n := led.chain.Len()
	name := fmt.Sprintf("root-%d.toml", n)
	from, err := readCapped(filepath.Join(dir, name), trust.MaxRootSize)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if from != nil {
		if err := notSigned(dir, name, signers); err != nil {
			return nil, err
		}
	}
	d, err := s.draftRoot(led, from, signers, edit, prepared)
	if err != nil {
		return nil, err
	}
	ch := d.change
	if ch.Void, err = led.voids(ctx, ch); err != nil {
		return nil, err
	}
	if ch.newPolicy() {
		if ch.policy, err = readCapped(s.house().Path(mirror.Evidence(hexOf(ch.root.Policy))), policy.MaxSize); err != nil {
			return nil, err
		}
	}
	if err := durable.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// The document last: without it what lies beside it means nothing.
	write := func(name string, data []byte) error { return durable.WriteFile(filepath.Join(dir, name), data, 0o644) }
	err = errors.Join(write(fmt.Sprintf("root-%d.toml", n-1), led.chain.Signed(n-1).Document), write(strings.TrimSuffix(name, ".toml")+".txt", ch.page(name)))
	if ch.policy != nil {
		err = errors.Join(err, write(policyBeside(name), ch.policy))
	}
	for _, f := range d.files {
		err = errors.Join(err, write(signatureName(name, f.Name), f.Data))
	}
	if err := errors.Join(err, write(name, d.doc)); err != nil {
		return nil, err
	}
	ch.File = filepath.ToSlash(filepath.Join(folder, name))
	ch.Next = fmt.Sprintf("give %s to those who sign; then: wheellock keys ceremony finish %s", folder, folder)
	return ch, nil
}

// signatureName is the file of somebody's signature of a document.
func signatureName(document, who string) string {
	return strings.TrimSuffix(strings.TrimSuffix(document, ".toml"), ".txt") + "." + who + ".asc"
}

// notSigned refuses to change a document under signatures that others made.
func notSigned(dir, name string, mine []trust.OpenPGPSigner) error {
	files, err := signatureFiles(dir, name)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !slices.ContainsFunc(mine, func(k trust.OpenPGPSigner) bool { return f == signatureName(name, k.Fingerprint()) }) {
			return invalid("finish this one first, or remove the signatures: they would be of no use",
				"%s has been signed (%s), and would change", name, f)
		}
	}
	return nil
}

// signatureFiles are the files of a folder that may hold signatures of a document.
func signatureFiles(dir, document string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	stem := strings.TrimSuffix(strings.TrimSuffix(document, ".toml"), ".txt")
	var names []string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if e.IsDir() || durable.IsTemp(e.Name()) || !slices.Contains([]string{".asc", ".sig", ".gpg"}, ext) {
			continue
		}
		other := strings.HasPrefix(e.Name(), "root-") || strings.HasPrefix(e.Name(), "recover-")
		if other && !strings.HasPrefix(e.Name(), stem+".") {
			continue // of an earlier ceremony
		}
		data, err := readCapped(filepath.Join(dir, e.Name()), trust.MaxSignaturesSize)
		if err != nil {
			return nil, err
		}
		if strings.Contains(string(data), "KEY BLOCK-----") {
			continue // somebody's certificate
		}
		names = append(names, e.Name())
	}
	if len(names) > maxSignatureFiles {
		return nil, invalid("leave the signatures of this document only", "%s holds more than %d signatures", dir, maxSignatureFiles)
	}
	return names, nil
}

// readSignatures reads the signature files that are named, or else those that lie
// beside the document.
func (a *app) readSignatures(document string, named []string) ([]trust.SignatureFile, error) {
	paths := make([]string, 0, len(named))
	for _, n := range named {
		paths = append(paths, a.path(n))
	}
	if len(named) == 0 {
		names, err := signatureFiles(filepath.Dir(document), filepath.Base(document))
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			paths = append(paths, filepath.Join(filepath.Dir(document), n))
		}
	}
	var files []trust.SignatureFile
	for _, p := range paths {
		data, err := readCapped(p, trust.MaxSignaturesSize)
		if err != nil {
			return nil, invalid("gpg --armor --detach-sign "+filepath.Base(document), "reading a signature: %v", err)
		}
		files = append(files, trust.SignatureFile{Name: filepath.Base(p), Data: data})
	}
	return files, nil
}

// ceremonyShow reads a document and the root beside it that it follows.
func (a *app) ceremonyShow(file string) error {
	page, ch, err := a.documentPage(file)
	if err != nil {
		return err
	}
	if a.json && ch != nil {
		return a.printJSON(ch)
	}
	if a.json {
		return usage("--json is for root-NUMBER.toml; leave to recover is its own page")
	}
	_, err = a.Out.Write(page)
	return err
}

// documentPage is what somebody who signs has to see. ch is nil where the document
// is leave to recover, which is its own page.
func (a *app) documentPage(file string) ([]byte, *rootChange, error) {
	path := a.path(file)
	name := filepath.Base(path)
	m := documentName.FindStringSubmatch(name)
	if m == nil {
		return nil, nil, usage("%s: the files that are signed are called root-NUMBER.toml and recover-SIZE.txt", name)
	}
	doc, err := readCapped(path, trust.MaxRootSize)
	if err != nil {
		return nil, nil, invalid("wheellock keys renew --prepare DIR writes one", "%v", err)
	}
	if m[1] != "root" {
		leave, err := parseLeave(doc)
		if err != nil {
			return nil, nil, invalid("get the file again from who prepared it", "%s: %v", name, err)
		}
		return leave.page(), nil, nil
	}
	root, err := trust.ParseRoot(doc)
	if err != nil {
		return nil, nil, invalid("get the file again from who prepared it", "%s: %v", name, err)
	}
	if name != fmt.Sprintf("root-%d.toml", root.Number) {
		return nil, nil, invalid("get the file again from who prepared it", "%s holds root %d", name, root.Number)
	}
	oldName := fmt.Sprintf("root-%d.toml", root.Number-1)
	old, err := readCapped(filepath.Join(filepath.Dir(path), oldName), trust.MaxRootSize)
	if err != nil {
		return nil, nil, invalid("carry the whole folder of the ceremony", "%s says nothing without %s, which it follows: %v", name, oldName, err)
	}
	if trust.Digest(old) != root.Previous {
		return nil, nil, finding("do not sign; ask who prepared it", "%s is not the root that %s follows", oldName, name)
	}
	before, err := trust.ParseRoot(old)
	if err != nil {
		return nil, nil, finding("do not sign; ask who prepared it", "%s: %v", oldName, err)
	}
	files, err := a.readSignatures(path, nil)
	if err != nil {
		return nil, nil, err
	}
	g := trust.Expected(before, doc, files)
	ch, err := describeRoots(before, doc, g, prepared)
	if err != nil {
		return nil, nil, err
	}
	ch.File = file
	if ch.newPolicy() {
		if ch.policy, err = a.carriedPolicy(filepath.Join(filepath.Dir(path), policyBeside(name)), root); err != nil {
			return nil, nil, err
		}
	}
	return ch.page(name), ch, nil
}

// policyBeside is the witnesses' policy that a document names, as it lies beside it.
func policyBeside(document string) string { return strings.TrimSuffix(document, ".toml") + ".policy" }

// newPolicy reports whether the new root names a policy that the old one does not.
func (c *rootChange) newPolicy() bool {
	return c.root.Policy != "" && c.root.Policy != c.before.Policy
}

// carriedPolicy reads the policy beside a document. A root has only its hash and the
// witnesses' keys: whoever signs has to see which of them make a quorum.
func (a *app) carriedPolicy(path string, root *trust.Root) ([]byte, error) {
	name := filepath.Base(path)
	text, err := readCapped(path, policy.MaxSize)
	if err != nil {
		return nil, invalid("carry the whole folder of the ceremony", "root %d says nothing about its witnesses without %s: %v", root.Number, name, err)
	}
	const ask = "do not sign; ask who prepared it"
	if trust.Digest(text) != root.Policy {
		return nil, finding(ask, "%s is not the policy that root %d names", name, root.Number)
	}
	p, err := policy.Parse(text)
	if err != nil {
		return nil, finding(ask, "%s: %v", name, err)
	}
	should := *root
	should.Roles = slices.Clone(root.Roles)
	if err := witnessPolicy(p)(&should); err != nil {
		return nil, finding(ask, "%s: %v", name, err)
	}
	if !sameWitnesses(root, &should) {
		return nil, finding(ask, "the witnesses of root %d are not those of %s, or another number of them has to agree", root.Number, name)
	}
	return text, nil
}

func sameWitnesses(a, b *trust.Root) bool {
	role := func(r *trust.Root) (threshold int, keys []string) {
		for _, k := range r.Roles {
			if k.Name == trust.RoleWitness {
				keys = slices.Concat(k.Keys, k.Spare)
				slices.Sort(keys)
				return k.Threshold, keys
			}
		}
		return 0, nil
	}
	n, have := role(a)
	m, want := role(b)
	return n == m && slices.Equal(have, want)
}

func (a *app) ceremonySign(file string, f openPGPFlags) error {
	if f.gpgKey == "" && f.keyFile == "" {
		return invalid("wheellock keys ceremony sign FILE --gpg-key ID, or --openpgp-key FILE", "name the key to sign with")
	}
	page, ch, err := a.documentPage(file)
	if err != nil {
		return err
	}
	s := &session{app: a, dir: a.World.Dir, unlock: func() {}}
	signer, err := s.openPGPSigner(f)
	if err != nil {
		return err
	}
	if ch != nil && !slices.ContainsFunc(append(ch.root.OpenPGP, ch.before.OpenPGP...), func(k trust.OpenPGPKey) bool { return k.Fingerprint == signer.Fingerprint() }) {
		return invalid("the page names the keys that have to sign", "the key %s is a key of neither root", signer.Fingerprint())
	}
	if !a.json && !a.quiet {
		a.Err.Write(page)
		fmt.Fprintln(a.Err)
	}
	path := a.path(file)
	doc, err := readCapped(path, trust.MaxRootSize)
	if err != nil {
		return err
	}
	asc, err := trust.SignDetachedArmored(doc, signer)
	if err != nil {
		return environment(gpgHint, "%v", err)
	}
	out := signatureName(path, signer.Fingerprint())
	if err := durable.WriteFile(out, asc, 0o644); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"document_sha256": hexOf(trust.Digest(doc)), "signer": signer.Fingerprint(), "signature": filepath.Base(out)})
	}
	fmt.Fprintf(a.Out, "signed %s: give %s to who prepared it\n", filepath.Base(path), filepath.Base(out))
	return nil
}

// ceremonyDocument finds the document: the file itself, or the one of a folder
// that follows the newest root, or is it.
func (s *session) ceremonyDocument(led *ledger, where string) (path string, doc []byte, err error) {
	path = s.path(where)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		folder := path
		n := led.chain.Len()
		path = filepath.Join(folder, fmt.Sprintf("root-%d.toml", n))
		if !exists(path) {
			path = filepath.Join(folder, fmt.Sprintf("root-%d.toml", n-1))
		}
		if !exists(path) {
			return "", nil, invalid("wheellock keys renew --prepare "+where+" writes one", "%s holds no root-%d.toml", where, n)
		}
	}
	if doc, err = readCapped(path, trust.MaxRootSize); err != nil {
		return "", nil, invalid("wheellock keys ceremony finish DIR", "%v", err)
	}
	return path, doc, nil
}

func (a *app) ceremonyFinish(ctx context.Context, where string, named []string) error {
	s, led, err := a.openWithLog(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	path, doc, err := s.ceremonyDocument(led, where)
	if err != nil {
		return err
	}
	if done, err := s.finished(ctx, led, doc); done || err != nil {
		return err
	}
	if err := led.noWaiting(ctx); err != nil {
		return err
	}
	files, err := a.readSignatures(path, named)
	if err != nil {
		return err
	}
	g, err := trust.Gather(led.chain, doc, files...)
	if err != nil {
		return ceremonyError(filepath.Base(path), err)
	}
	ch, err := describe(led, doc, g, inForce)
	if err != nil {
		return err
	}
	if !g.Complete() {
		ch.State, ch.Next = incomplete, "the same command again, when they have signed"
		if err := s.report(ch); err != nil {
			return err
		}
		return &Error{Code: Finding, Shown: true}
	}
	if ch.Void, err = led.voids(ctx, ch); err != nil {
		return err
	}
	stated, err := led.adoptRoot(ctx, g.Signed)
	if err != nil {
		return err
	}
	if !stated {
		ch.State, ch.Next = waiting, "commit the wheelhouse, and where the log's key is: wheellock log append --pending"
	}
	return s.report(ch)
}

// finished reports a document that is in force already, or signed and waiting.
func (s *session) finished(ctx context.Context, led *ledger, doc []byte) (bool, error) {
	if len(led.waiting) > 0 && string(led.waiting[0].Document) == string(doc) {
		if _, err := led.takeWaiting(ctx, false); err != nil {
			return true, err
		}
	}
	state := inForce
	if len(led.waiting) > 0 && string(led.waiting[0].Document) == string(doc) {
		state = waiting
	} else if n := led.chain.Len() - 1; n == 0 || string(led.chain.Signed(n).Document) != string(doc) {
		return false, nil
	}
	root, err := trust.ParseRoot(doc)
	if err != nil {
		return true, err
	}
	ch, err := describeRoots(led.chain.Root(int(root.Number)-1), doc, &trust.Gathering{}, state)
	if err != nil {
		return true, err
	}
	if state == waiting {
		ch.Next = "commit the wheelhouse, and where the log's key is: wheellock log append --pending"
		return true, s.report(ch)
	}
	// Stopped between the log and the rest: proof and pins follow now.
	if err := led.pin(led.chain); err != nil {
		return true, err
	}
	if err := led.refresh(ctx); err != nil {
		return true, err
	}
	return true, s.report(ch)
}

// ceremonyError gives what is wrong with a document or its signatures its next step.
func ceremonyError(name string, err error) error {
	switch {
	case errors.Is(err, trust.ErrStale):
		return finding("prepare it again, with the verbs that made it, and have it signed anew", "%s", term.Clean(err.Error()))
	case errors.Is(err, trust.ErrSignature):
		return finding("take that file away, or have "+name+" signed again: wheellock keys ceremony sign "+name+" --gpg-key ID", "%v", err)
	case errors.Is(err, trust.ErrMalformed):
		return invalid("get the file again from who made it", "%v", err)
	}
	return finding("wheellock keys show", "%v", err)
}
