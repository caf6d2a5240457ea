package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// rootFlags say who signs a change of the root: keys that are here, or people
// elsewhere, who get the document as a file.
type rootFlags struct {
	gpgKeys, keyFiles []string
	prepare           string
}

func (f *rootFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.gpgKeys, "gpg-key", nil, "the root's key `ID` of gpg (agent or card); may be repeated")
	cmd.Flags().StringArrayVar(&f.keyFiles, "openpgp-key", nil, "the root's armored private key in `FILE`; may be repeated")
	cmd.Flags().StringVar(&f.prepare, "prepare", "", "change nothing: write the new root into `DIR`, for people elsewhere to sign")
}

// Where a change of the root has got to.
const (
	inForce    = "in-force"   // the log states it
	waiting    = "waiting"    // signed; the log's key is elsewhere
	prepared   = "prepared"   // a file for people to sign
	incomplete = "incomplete" // more have to sign
)

// A rootChange is what became of a change of the root.
type rootChange struct {
	Log      string      `json:"log"`
	Root     int64       `json:"root"`
	State    string      `json:"state"`
	Changes  []changeRow `json:"changes"`
	Document string      `json:"document_sha256"`
	File     string      `json:"file,omitempty"` // the document, where it waits for signatures
	Quorums  []quorumRow `json:"quorums"`
	Void     []voidRow   `json:"void"` // statements that a stolen key's revocation makes void
	Next     string      `json:"next,omitempty"`
	root     *trust.Root // the new one
	before   *trust.Root // the one in force
	policy   []byte      // of witnesses, where the new root names another
}

type changeRow struct {
	What   string `json:"what"`
	Weaker bool   `json:"weaker"`
}

type quorumRow struct {
	Root      int64    `json:"root"`
	Threshold int      `json:"threshold"`
	Signed    []string `json:"signed"`
	Missing   []string `json:"missing"`
}

// describe makes the report of a document that follows the log's newest root.
func describe(led *ledger, doc []byte, g *trust.Gathering, state string) (*rootChange, error) {
	return describeRoots(led.chain.Newest(), doc, g, state)
}

func describeRoots(before *trust.Root, doc []byte, g *trust.Gathering, state string) (*rootChange, error) {
	root, err := trust.ParseRoot(doc)
	if err != nil {
		return nil, err
	}
	ch := &rootChange{Log: root.Origin, Root: root.Number, State: state, Document: hexOf(trust.Digest(doc)),
		Changes: []changeRow{}, Quorums: []quorumRow{}, Void: []voidRow{}, root: root, before: before}
	for _, c := range trust.Changes(before, root) {
		ch.Changes = append(ch.Changes, changeRow{term.Clean(c.What), c.Weaker})
	}
	for _, q := range g.Quorums {
		ch.Quorums = append(ch.Quorums, quorumRow{q.Root, q.Threshold, append([]string{}, q.Signed...), append([]string{}, q.Missing...)})
	}
	return ch, nil
}

// changeRoot makes the next root and, where the keys that must sign it are here,
// brings it into force. With --prepare it writes it for people to sign instead.
func (s *session) changeRoot(ctx context.Context, led *ledger, f rootFlags, edit func(*trust.Root) error) (*rootChange, error) {
	if err := led.noWaiting(ctx); err != nil {
		return nil, err
	}
	signers, err := s.rootSigners(led, f)
	if err != nil {
		return nil, err
	}
	return s.signRoot(ctx, led, f.prepare, signers, edit)
}

// rootDraft is the next root as far as the keys that are here can bring it.
type rootDraft struct {
	doc    []byte
	files  []trust.SignatureFile // by the keys that are here
	signed *trust.Gathering
	change *rootChange
}

// draftRoot edits a draft (nil: the root in force), signs it with the keys that
// are here, and says what it changes.
func (s *session) draftRoot(led *ledger, from []byte, signers []trust.OpenPGPSigner, edit func(*trust.Root) error, state string) (d rootDraft, err error) {
	if d.doc, err = trust.Draft(led.chain, from, s.Now(), edit); err != nil {
		return d, badChange(err)
	}
	if d.files, err = signAll(d.doc, signers); err != nil {
		return d, err
	}
	if d.signed, err = trust.Gather(led.chain, d.doc, d.files...); err != nil {
		return d, err
	}
	d.change, err = describe(led, d.doc, d.signed, state)
	return d, err
}

// signRoot is changeRoot with the keys that are here.
func (s *session) signRoot(ctx context.Context, led *ledger, prepare string, signers []trust.OpenPGPSigner, edit func(*trust.Root) error) (*rootChange, error) {
	if prepare != "" {
		return s.prepareRoot(ctx, led, prepare, signers, edit)
	}
	d, err := s.draftRoot(led, nil, signers, edit, inForce)
	if err != nil {
		return nil, err
	}
	g, ch := d.signed, d.change
	if !g.Complete() {
		return nil, invalid("name more keys with --gpg-key ID or --openpgp-key FILE, or write it for the others to sign: --prepare DIR", "%s", ch.missing())
	}
	if ch.Void, err = led.voids(ctx, ch); err != nil {
		return nil, err
	}
	stated, err := led.adoptRoot(ctx, g.Signed)
	if err == nil && !stated {
		ch.State, ch.Next = waiting, "commit the wheelhouse, and where the log's key is: wheellock log append --pending"
	}
	return ch, err
}

// badChange: what an edit says against the change is the user's to mend, unless
// it knows a better class.
func badChange(err error) error {
	var own *Error
	var part *trust.Error
	if errors.As(err, &own) || errors.As(err, &part) && part.Err != trust.ErrMalformed {
		return err
	}
	return invalid("wheellock keys show", "%v", err)
}

func signAll(doc []byte, signers []trust.OpenPGPSigner) ([]trust.SignatureFile, error) {
	var files []trust.SignatureFile
	for _, k := range signers {
		asc, err := trust.SignDetachedArmored(doc, k)
		if err != nil {
			return nil, environment(gpgHint, "%v", err)
		}
		files = append(files, trust.SignatureFile{Name: k.Fingerprint(), Data: asc})
	}
	return files, nil
}

// missing says in a sentence who has not signed.
func (c *rootChange) missing() string {
	text := fmt.Sprintf("root %d lacks signatures", c.Root)
	for _, q := range c.Quorums {
		if n := q.Threshold - len(q.Signed); n > 0 {
			text += fmt.Sprintf("; %d more of root %d's keys: %s", n, q.Root, c.people(q.Missing))
		}
	}
	return text
}

func (c *rootChange) people(prints []string) string {
	text := ""
	for i, f := range prints {
		if i > 0 {
			text += ", "
		}
		text += f
		if name := c.nameOf(f); name != "" {
			text += " (" + name + ")"
		}
	}
	return text
}

// nameOf is a name in the certificate of a root's key.
func (c *rootChange) nameOf(fingerprint string) string {
	for _, r := range []*trust.Root{c.root, c.before} {
		for _, k := range r.OpenPGP {
			if k.Fingerprint == fingerprint {
				return term.Clean(k.UserID())
			}
		}
	}
	return ""
}

// report prints what became of a change.
func (s *session) report(ch *rootChange) error {
	if s.json {
		return s.printJSON(ch)
	}
	head := map[string]string{
		inForce:    "root %d of %s is in force",
		waiting:    "root %d of %s is signed, and waits for the log to state it",
		prepared:   "root %d of %s is written for its keys to sign; nothing is changed yet",
		incomplete: "root %d of %s is not in force: more have to sign it",
	}[ch.State]
	fmt.Fprintf(s.Out, head+"\n", ch.Root, ch.Log)
	if ch.State == incomplete {
		ch.printMissing(s.Out)
	} else {
		ch.printChanges(s.Out)
		ch.printVoid(s.Out)
	}
	if ch.Next != "" {
		fmt.Fprintf(s.Out, "Next: %s\n", ch.Next)
	}
	return nil
}
