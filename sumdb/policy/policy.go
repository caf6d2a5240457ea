// Package policy reads trust policies: which logs are known, which witnesses,
// and which of them must have cosigned a checkpoint before it counts. The
// format is C2SP tlog-policy:
//
//	log wheels.example.org+0c9c3d2c+AQ…
//	witness X1 x1.example+f3c0a4b5+BA… https://x1.example/
//	witness X2 x2.example+0d1e2f3a+BA…
//	group X any X1 X2
//	quorum X
//
// Lines are words parted by spaces or tabs; empty lines and lines that begin
// with # say nothing. A group counts as having cosigned when so many of its
// members have: "all", "any", or a number of them. A name is defined before it
// is used, is a member of one group at most, and "none" is nobody's name but
// stands for a quorum that asks for nothing.
//
// # Who counts as one
//
// A quorum counts keys, never names: two witnesses (or two logs) with one public
// key are refused, whatever their names and key hashes, and each witness counts
// once, however often it signed. So nobody can be two of a quorum.
//
// # Stricter than the page
//
// A threshold has no sign and no leading zero, and words after the last one of a
// line are an error.
package policy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// Bounds on a policy. The page asks for 32 of each at least.
const (
	MaxSize  = 1 << 20 // bytes
	MaxLines = 4096    // logs, witnesses and groups together
)

// None is the quorum that asks for no cosignature.
const None = "none"

// An Error says which line of a policy is wrong.
type Error struct {
	Line int // 1-based; 0: the file as a whole
	Msg  string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return "policy: " + e.Msg
	}
	return fmt.Sprintf("policy:%d: %s", e.Line, e.Msg)
}

// A Log is a log whose checkpoints count.
type Log struct {
	Key *note.VerifierKey // its name is the log's origin
	URL string            // "" if the policy gives none
}

// A Witness is somebody whose cosignatures count.
type Witness struct {
	Name string            // within the policy only
	Key  *note.VerifierKey // as written; see Cosigner
	URL  string            // submission prefix (C2SP tlog-witness); "" if the policy gives none
}

// Cosigner returns the key that checks the witness's cosignatures. Some
// witnesses publish their key under the algorithm of plain notes; the
// cosignatures that they make are of algorithm 4 all the same.
func (w Witness) Cosigner() *note.VerifierKey {
	if w.Key.Cosigns() {
		return w.Key
	}
	k, err := note.NewVerifierKey(w.Key.Name(), note.AlgCosignature, w.Key.Public())
	if err != nil {
		panic(err) // the name and the key are those of a key already
	}
	return k
}

// A Group counts as one that has cosigned when Threshold of its members have.
type Group struct {
	Name      string
	Threshold int
	Members   []string // witnesses and groups, in the order written
}

// A Policy is what a policy file says.
type Policy struct {
	Logs      []Log
	Witnesses []Witness
	Groups    []Group
	Quorum    string // a witness, a group, or None
}

// Parse reads a policy. Its error is an [*Error].
func Parse(text []byte) (*Policy, error) {
	if len(text) > MaxSize {
		return nil, &Error{0, fmt.Sprintf("more than %d bytes", MaxSize)}
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return nil, &Error{0, "the last line has no end"}
	}
	r := &reader{p: &Policy{}, names: map[string]bool{None: true}, member: map[string]bool{}, keys: map[string]bool{}}
	for n, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		for i := range len(line) {
			if c := line[i]; c < 0x20 && c != '\t' || c == 0x7f {
				return nil, &Error{n + 1, "a control character"}
			}
		}
		words := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if r.lines++; r.lines > MaxLines {
			return nil, &Error{n + 1, fmt.Sprintf("more than %d lines", MaxLines)}
		}
		if err := r.line(words); err != nil {
			return nil, &Error{n + 1, err.Error()}
		}
	}
	if r.p.Quorum == "" {
		return nil, &Error{0, "no quorum line"}
	}
	return r.p, nil
}

type reader struct {
	p      *Policy
	lines  int
	names  map[string]bool // defined
	member map[string]bool // of some group
	keys   map[string]bool // role and public key
}

func (r *reader) line(words []string) error {
	switch words[0] {
	case "log":
		return r.log(words[1:])
	case "witness":
		return r.witness(words[1:])
	case "group":
		return r.group(words[1:])
	case "quorum":
		return r.quorum(words[1:])
	}
	return fmt.Errorf("unknown word %q, expected log, witness, group or quorum", words[0])
}

func (r *reader) log(words []string) error {
	if len(words) < 1 || len(words) > 2 {
		return errors.New("expected: log KEY [URL]")
	}
	k, err := note.NewVerifier(words[0])
	if err != nil {
		return fmt.Errorf("log %q: %w", words[0], err)
	}
	if k.Cosigns() {
		return fmt.Errorf("log %s: its key is not for checkpoints", k.Name())
	}
	if err := r.key("log", k); err != nil {
		return err
	}
	r.p.Logs = append(r.p.Logs, Log{k, strings.Join(words[1:], "")})
	return nil
}

func (r *reader) witness(words []string) error {
	if len(words) < 2 || len(words) > 3 {
		return errors.New("expected: witness NAME KEY [URL]")
	}
	k, err := note.NewVerifier(words[1])
	if err != nil {
		return fmt.Errorf("witness %s: %w", words[0], err)
	}
	if err := r.key("witness", k); err != nil {
		return err
	}
	if err := r.define(words[0]); err != nil {
		return err
	}
	r.p.Witnesses = append(r.p.Witnesses, Witness{words[0], k, strings.Join(words[2:], "")})
	return nil
}

// key refuses a public key that another line of the same kind has already.
func (r *reader) key(kind string, k *note.VerifierKey) error {
	id := kind + " " + string(k.Public())
	if r.keys[id] {
		return fmt.Errorf("%s %s: another %s has the same key", kind, k.Name(), kind)
	}
	r.keys[id] = true
	return nil
}

func (r *reader) define(name string) error {
	if r.names[name] {
		return fmt.Errorf("the name %q is taken", name)
	}
	r.names[name] = true
	return nil
}

func (r *reader) group(words []string) error {
	if len(words) < 3 {
		return errors.New("expected: group NAME all|any|NUMBER, then its members")
	}
	g := Group{Name: words[0], Members: words[2:]}
	switch words[1] {
	case "all":
		g.Threshold = len(g.Members)
	case "any":
		g.Threshold = 1
	default:
		n, err := strconv.Atoi(words[1])
		if err != nil || strconv.Itoa(n) != words[1] || n < 1 || n > len(g.Members) {
			return fmt.Errorf("group %s: %q of %d members", g.Name, words[1], len(g.Members))
		}
		g.Threshold = n
	}
	for _, m := range g.Members {
		switch {
		case m == None || !r.names[m]:
			return fmt.Errorf("group %s: no witness or group above is named %q", g.Name, m)
		case r.member[m]:
			return fmt.Errorf("group %s: %q is a member already, here or of another group", g.Name, m)
		}
		r.member[m] = true
	}
	// After its members: a group cannot be one of its own.
	if err := r.define(g.Name); err != nil {
		return err
	}
	r.p.Groups = append(r.p.Groups, g)
	return nil
}

func (r *reader) quorum(words []string) error {
	switch {
	case len(words) != 1:
		return errors.New("expected: quorum NAME")
	case r.p.Quorum != "":
		return errors.New("a second quorum line")
	case !r.names[words[0]]:
		return fmt.Errorf("no witness or group above is named %q", words[0])
	}
	r.p.Quorum = words[0]
	return nil
}

// Format returns the policy in our spelling: logs, witnesses, groups, quorum, one
// space between words, thresholds as numbers. Parse reads it back.
func (p *Policy) Format() []byte {
	var b strings.Builder
	line := func(words ...string) {
		b.WriteString(strings.TrimSuffix(strings.Join(words, " "), " ") + "\n")
	}
	for _, l := range p.Logs {
		line("log", l.Key.String(), l.URL)
	}
	for _, w := range p.Witnesses {
		line("witness", w.Name, w.Key.String(), w.URL)
	}
	for _, g := range p.Groups {
		line(append([]string{"group", g.Name, strconv.Itoa(g.Threshold)}, g.Members...)...)
	}
	line("quorum", p.Quorum)
	return []byte(b.String())
}

// Satisfied reports whether those who have cosigned make the quorum. cosigned
// says so of a witness by its name in the policy.
func (p *Policy) Satisfied(cosigned func(name string) bool) bool {
	has := map[string]bool{None: true}
	for _, w := range p.Witnesses {
		has[w.Name] = cosigned(w.Name)
	}
	for _, g := range p.Groups {
		n := 0
		for _, m := range g.Members {
			if has[m] {
				n++
			}
		}
		has[g.Name] = n >= g.Threshold
	}
	return has[p.Quorum]
}

// Needs returns how many witnesses must cosign at least.
func (p *Policy) Needs() int {
	least := map[string]int{None: 0}
	for _, w := range p.Witnesses {
		least[w.Name] = 1
	}
	for _, g := range p.Groups {
		least[g.Name] = fewest(g, least)
	}
	return least[p.Quorum]
}

// fewest adds up the cheapest members of a group.
func fewest(g Group, least map[string]int) int {
	costs := make([]int, 0, len(g.Members))
	for _, m := range g.Members {
		costs = append(costs, least[m])
	}
	slices.Sort(costs)
	sum := 0
	for _, c := range costs[:g.Threshold] {
		sum += c
	}
	return sum
}

// A QuorumError says that a checkpoint lacks cosignatures.
type QuorumError struct {
	Origin  string
	Quorum  string
	Signed  []string // names of the witnesses that did sign, in the policy's order
	Missing []string // of those that did not
}

func (e *QuorumError) Error() string {
	return fmt.Sprintf("checkpoint of %s: cosigned by %d of %d witnesses, which is not the quorum %q",
		e.Origin, len(e.Signed), len(e.Signed)+len(e.Missing), e.Quorum)
}

// A Seen is a witness's word on a checkpoint.
type Seen struct {
	Witness Witness
	Time    int64 // seconds since 1970; the latest if it signed more than once
}

// Check opens a checkpoint: it must be signed by one of the policy's logs, under
// that log's own origin, and cosigned by its quorum. A cosignature by a known
// witness that is wrong fails the whole. Errors are those of package tile and
// note, and [*QuorumError].
func (p *Policy) Check(msg []byte) (tile.Checkpoint, []Seen, error) {
	n, err := note.Parse(msg)
	if err != nil {
		return tile.Checkpoint{}, nil, err
	}
	c, err := tile.ParseCheckpoint(n.Text)
	if err != nil {
		return tile.Checkpoint{}, nil, err
	}
	if c, _, err = tile.OpenCheckpoint(msg, c.Origin, note.List(p.logKeys(c.Origin)...)); err != nil {
		return c, nil, err
	}
	return p.CheckCosignatures(msg)
}

// CheckCosignatures is Check without the log's own signature, for whoever knows
// the log from elsewhere: a policy need not name any.
func (p *Policy) CheckCosignatures(msg []byte) (tile.Checkpoint, []Seen, error) {
	n, err := note.Parse(msg)
	if err != nil {
		return tile.Checkpoint{}, nil, err
	}
	c, err := tile.ParseCheckpoint(n.Text)
	if err != nil {
		return c, nil, err
	}
	seen, err := p.cosignatures(n)
	if err != nil {
		return c, nil, err
	}
	e := &QuorumError{Origin: c.Origin, Quorum: p.Quorum}
	signed := map[string]bool{}
	for _, s := range seen {
		signed[s.Witness.Name] = true
		e.Signed = append(e.Signed, s.Witness.Name)
	}
	for _, w := range p.Witnesses {
		if !signed[w.Name] {
			e.Missing = append(e.Missing, w.Name)
		}
	}
	if !p.Satisfied(func(name string) bool { return signed[name] }) {
		return c, seen, e
	}
	return c, seen, nil
}

func (p *Policy) logKeys(origin string) []note.Verifier {
	var keys []note.Verifier
	for _, l := range p.Logs {
		if l.Key.Name() == origin {
			keys = append(keys, l.Key)
		}
	}
	return keys
}

// cosignatures checks every signature of a known witness, in the policy's order.
func (p *Policy) cosignatures(n *note.Note) ([]Seen, error) {
	var seen []Seen
	for _, w := range p.Witnesses {
		k := w.Cosigner()
		last := int64(-1)
		for _, s := range n.Sigs {
			if s.Name != k.Name() || s.Hash != k.KeyHash() {
				continue
			}
			if !k.Verify([]byte(n.Text), s.Sig) {
				return nil, &note.SignatureError{Name: s.Name, Hash: s.Hash}
			}
			c, err := note.ParseCosignature(s.Sig)
			if err != nil {
				return nil, err
			}
			last = max(last, c.Time)
		}
		if last >= 0 {
			seen = append(seen, Seen{w, last})
		}
	}
	return seen, nil
}

// Fresh returns the latest time, in seconds since 1970, since which the quorum
// has cosigned: those who signed then or later make it. ok is false where they
// do not, whatever the time, and where the quorum needs nobody. Who shows an old
// view of a log cannot make that time younger without a quorum that helps.
func (p *Policy) Fresh(seen []Seen) (since int64, ok bool) {
	if p.Needs() == 0 {
		return 0, false
	}
	for _, s := range seen {
		enough := p.Satisfied(func(name string) bool {
			return slices.ContainsFunc(seen, func(o Seen) bool { return o.Witness.Name == name && o.Time >= s.Time })
		})
		if enough && (!ok || s.Time > since) {
			since, ok = s.Time, true
		}
	}
	return since, ok
}
