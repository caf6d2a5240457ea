package cli

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/trust"
	"github.com/freedomofpress/wheellock/sumdb/witness"
)

type policyOptions struct {
	witnesses []string
	quorum    int
	root      rootFlags
}

func (a *app) logPolicyVerb() *cobra.Command {
	var o policyOptions
	cmd := &cobra.Command{
		Use:   "policy [FILE]",
		Short: "show or change who the log's witnesses are",
		Long: `policy prints the log's witness policy (C2SP tlog-policy). With a FILE, or with
--witness, it puts another one into force: the next root names its hash, and lets
the keys in it hold the role witness. From then on each append asks them, and is
published only when the policy's quorum has cosigned it.

The witnesses of the new policy are asked to cosign the log as it is first: one
that they do not know cannot stop it. A policy without witnesses (quorum none)
ends it. An append that waits for witnesses that are gone for good is completed
without them when other ones take their place.`,
		Example: "  wheellock log policy\n  wheellock log policy --witness 'w1.example+5e3d4c2b+BAfc... https://w1.example' --witness 'w2.example+... https://w2.example' --quorum 1\n  wheellock log policy witnesses.policy --gpg-key 0123456789ABCDEF",
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && len(o.witnesses) == 0 {
				return a.showPolicy(cmd.Context())
			}
			return a.changePolicy(cmd.Context(), args, o)
		},
	}
	cmd.Flags().StringArrayVar(&o.witnesses, "witness", nil, "a witness, `'VKEY URL'`; may be repeated")
	cmd.Flags().IntVar(&o.quorum, "quorum", 0, "how many of the --witness must cosign (default: all)")
	o.root.flags(cmd)
	return cmd
}

type shownWitness struct {
	Name string `json:"name"`
	Key  string `json:"key"`
	URL  string `json:"url"`
}

type shownPolicy struct {
	Log       string         `json:"log"`
	Root      int64          `json:"root"`
	SHA256    string         `json:"sha256"` // "": there is no policy
	Quorum    int            `json:"quorum"` // how many must cosign at least
	Witnesses []shownWitness `json:"witnesses"`
	Policy    string         `json:"policy"`
}

func (l *ledger) shown(p *policy.Policy) shownPolicy {
	r := shownPolicy{Log: l.origin, Root: l.chain.Newest().Number, Witnesses: []shownWitness{}}
	if p == nil {
		return r
	}
	r.SHA256 = hexOf(l.chain.Newest().Policy)
	r.Quorum, r.Policy = p.Needs(), string(p.Format())
	for _, w := range p.Witnesses {
		r.Witnesses = append(r.Witnesses, shownWitness{w.Name, w.Cosigner().String(), w.URL})
	}
	return r
}

func (a *app) showPolicy(ctx context.Context) error {
	led, err := a.openedLog(ctx)
	if err != nil {
		return err
	}
	p, err := led.policy()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(led.shown(p))
	}
	if p == nil {
		fmt.Fprintf(a.Out, "# the log %s has no witnesses\nquorum none\n", led.origin)
		return nil
	}
	_, err = a.Out.Write(p.Format())
	return err
}

func (a *app) changePolicy(ctx context.Context, args []string, o policyOptions) error {
	p, err := a.readPolicy(args, o)
	if err != nil {
		return err
	}
	s, led, err := a.openWithLog(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	for _, l := range p.Logs {
		if l.Key.Name() != led.origin {
			return invalid("take that line out", "the policy is for the log %s, this is %s", l.Key.Name(), led.origin)
		}
	}
	text := p.Format()
	if led.chain.Newest().Policy == trust.Digest(text) {
		return invalid("wheellock log policy shows it", "the policy is in force already")
	}
	// First: a witness may have cosigned already what is not published yet.
	if err := led.pass(ctx); err != nil {
		return err
	}
	if err := led.rehearse(ctx, p); err != nil {
		return err
	}
	// Before the root that names it: what a root names has to be there.
	if err := led.keepPolicy(text); err != nil {
		return err
	}
	ch, err := s.changeRoot(ctx, led, o.root, witnessPolicy(p))
	if err != nil {
		return err
	}
	return s.report(ch)
}

// readPolicy reads a policy from a file, or makes one of the command line.
func (a *app) readPolicy(args []string, o policyOptions) (*policy.Policy, error) {
	switch {
	case len(args) == 1 && (len(o.witnesses) > 0 || o.quorum != 0):
		return nil, usage("name a FILE, or witnesses with --witness, not both")
	case len(args) == 1:
		text, err := readCapped(a.path(args[0]), policy.MaxSize)
		if err != nil {
			return nil, invalid("wheellock log policy prints the present one to begin with", "%v", err)
		}
		p, err := policy.Parse(text)
		if err != nil {
			return nil, invalid("see C2SP tlog-policy", "%s: %v", filepath.Base(args[0]), err)
		}
		if err := goodAddresses(p, args[0], text); err != nil {
			return nil, err
		}
		return p, haveAddresses(p)
	}
	if o.quorum < 0 || o.quorum > len(o.witnesses) {
		return nil, usage("--quorum %d of %d witnesses", o.quorum, len(o.witnesses))
	}
	if o.quorum == 0 {
		o.quorum = len(o.witnesses)
	}
	p := &policy.Policy{Quorum: "quorum"}
	g := policy.Group{Name: "quorum", Threshold: o.quorum}
	for i, text := range o.witnesses {
		vkey, at, ok := strings.Cut(strings.TrimSpace(text), " ")
		k, err := note.NewVerifier(vkey)
		if err != nil || !ok {
			return nil, usage("--witness %q: expected 'VKEY URL'", text)
		}
		if !isAddress(strings.TrimSpace(at)) {
			return nil, usage("--witness %s: %q is not the address of a witness: expected https://HOST/PREFIX", k.Name(), at)
		}
		name := fmt.Sprintf("witness%d", i+1)
		p.Witnesses = append(p.Witnesses, policy.Witness{Name: name, Key: k, URL: strings.TrimSpace(at)})
		g.Members = append(g.Members, name)
	}
	p.Groups = []policy.Group{g}
	// Through the reader, which knows what a policy may be.
	back, err := policy.Parse(p.Format())
	if err != nil {
		return nil, usage("--witness: %v", err)
	}
	return back, haveAddresses(back)
}

// goodAddresses refuses addresses that no witness can be asked at, which a policy
// that is only verified by may have.
func goodAddresses(p *policy.Policy, file string, text []byte) error {
	for _, w := range p.Witnesses {
		if w.URL == "" || isAddress(w.URL) {
			continue
		}
		line := 1 + slices.IndexFunc(strings.Split(string(text), "\n"), func(line string) bool {
			words := strings.Fields(line)
			return len(words) > 1 && words[0] == "witness" && words[1] == w.Name
		})
		return invalid("write it as https://HOST/PREFIX, or leave it out", "%s:%d: the address of the witness %s is %q", filepath.Base(file), line, w.Name, w.URL)
	}
	return nil
}

// isAddress reports whether a text is the address below which a server answers.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isURL(text) && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && u.Opaque == "" && !strings.HasSuffix(text, "#")
}

// haveAddresses refuses a policy whose quorum nobody could ask.
func haveAddresses(p *policy.Policy) error {
	urls := map[string]bool{}
	for _, w := range p.Witnesses {
		urls[w.Name] = w.URL != ""
	}
	if !p.Satisfied(func(name string) bool { return urls[name] }) {
		return invalid("write the address behind the key", "the witnesses with an address do not make the quorum %s", p.Quorum)
	}
	return nil
}

// witnessPolicy is the change of the root that puts a policy into force.
func witnessPolicy(p *policy.Policy) func(*trust.Root) error {
	return func(r *trust.Root) error {
		r.Policy = trust.Digest(p.Format())
		r.Roles = slices.DeleteFunc(r.Roles, func(k trust.RoleKeys) bool { return k.Name == trust.RoleWitness })
		if len(p.Witnesses) == 0 {
			return nil
		}
		role := trust.RoleKeys{Name: trust.RoleWitness, Threshold: max(1, p.Needs()), Expires: r.Expires}
		for _, w := range p.Witnesses {
			role.Keys = append(role.Keys, w.Cosigner().String())
		}
		slices.Sort(role.Keys)
		r.Roles = append(r.Roles, role)
		return nil
	}
}

// rehearse lets the new witnesses cosign the log as it is. Whoever puts
// witnesses into force that do not answer could not take them out again.
func (l *ledger) rehearse(ctx context.Context, p *policy.Policy) error {
	if l.view == nil || len(p.Witnesses) == 0 {
		return nil
	}
	if l.s.offline {
		return environment("run it again without --offline", "the new witnesses have to be asked, and --offline forbids it")
	}
	msg := l.view.Note
	n, err := note.Parse(msg)
	if err != nil {
		return err
	}
	// Only the log's own line: the cosignatures on it are of other witnesses.
	opened, err := note.Open(msg, l.chain.LogKeys())
	if err != nil {
		return err
	}
	n.Sigs = opened.Verified
	_, failed, err := witness.Gather(ctx, p, 0, n.Bytes(), l.view.Tree, l.s.app.Now())
	if witness.IsFork(err) {
		return forked(err)
	}
	if err != nil {
		return environment("ask who runs them whether they watch "+logKey(l.chain.Newest()), "the policy is not changed: %v", err)
	}
	l.s.app.noteWitnesses(failed)
	return nil
}

// keepPolicy writes a policy where it will be read, and by its hash.
func (l *ledger) keepPolicy(text []byte) error {
	hash := hashOf(text)
	return l.s.house().Write(mirror.Evidence(hash), text)
}

// pass completes an append that waits for the old witnesses, without them: the
// next checkpoint covers it, and readers ask for its cosignatures.
func (l *ledger) pass(ctx context.Context) error {
	if !exists(filepath.Join(l.dir, ".state", "journal")) {
		return nil
	}
	l.unwitnessed = true
	defer func() { l.unwitnessed = false }()
	w, err := l.writer(ctx, true)
	if err != nil || w == nil {
		return err
	}
	if err := w.Recover(ctx); err != nil {
		return err
	}
	return l.openLog(ctx)
}
