package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

// vkey is a witness's verifier key for a name.
func cosigner(t testing.TB, name string, now int64) *note.Cosigner {
	return &note.Cosigner{Key: sumdbtest.Key(t, name), Now: func() int64 { return now }}
}

func example(t testing.TB) string {
	w := func(name string) string { return cosigner(t, name+".example", 0).Verifier().String() }
	return fmt.Sprintf(`# who watches
log %s https://wheels.example.org/

witness X1 %s https://x1.example/
	witness X2   %s
witness X3 %s
group X 2 X1 X2 X3
witness Y1 %s
group Y any Y1
group both all X Y
quorum both
`, sumdbtest.Key(t, sumdbtest.Origin).Verifier(), w("x1"), w("x2"), w("x3"), w("y1"))
}

func mustParse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParse(t *testing.T) {
	p := mustParse(t, example(t))
	if len(p.Logs) != 1 || len(p.Witnesses) != 4 || p.Witnesses[0].URL != "https://x1.example/" || p.Quorum != "both" {
		t.Errorf("got %+v", p)
	}
	if diff := cmp.Diff([]Group{{"X", 2, []string{"X1", "X2", "X3"}}, {"Y", 1, []string{"Y1"}}, {"both", 2, []string{"X", "Y"}}}, p.Groups); diff != "" {
		t.Error(diff)
	}
	if n := p.Needs(); n != 3 {
		t.Errorf("needs %d witnesses, want 3", n)
	}
	if n := mustParse(t, "quorum none\n").Needs(); n != 0 {
		t.Errorf("none needs %d witnesses", n)
	}
}

// TestSatisfied tries every set of witnesses.
func TestSatisfied(t *testing.T) {
	p := mustParse(t, example(t))
	names := []string{"X1", "X2", "X3", "Y1"}
	for set := range 16 {
		has := map[string]bool{}
		x := 0
		for i, n := range names {
			has[n] = set>>i&1 == 1
			if i < 3 && has[n] {
				x++
			}
		}
		if got, want := p.Satisfied(func(n string) bool { return has[n] }), x >= 2 && has["Y1"]; got != want {
			t.Errorf("%v: satisfied %v, want %v", has, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	log := sumdbtest.Key(t, sumdbtest.Origin).Verifier().String()
	w1, w2 := cosigner(t, "w1.example", 0).Verifier().String(), cosigner(t, "w2.example", 0).Verifier().String()
	// The same public key as w1's, under another name.
	k, err := note.NewVerifierKey("other.example", note.AlgCosignature, cosigner(t, "w1.example", 0).Verifier().Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "no quorum line"},
		{"quorum none", "the last line has no end"},
		{"quorum none\r\n", "policy:1: a control character"},
		{"quorum none\nlogs x\n", `policy:2: unknown word "logs"`},
		{"quorum\n", "expected: quorum NAME"},
		{"quorum none none\n", "expected: quorum NAME"},
		{"witness a " + w1 + "\nquorum A\n", `policy:2: no witness or group above is named "A"`},
		{"witness a " + w1 + "\nwitness b " + k.String() + "\nquorum a\n", "policy:2: witness other.example: another witness has the same key"},
		{"log " + log + "\nlog " + log + "\nquorum none\n", "another log has the same key"},
		{"log " + w1 + "\nquorum none\n", "its key is not for checkpoints"},
		{"log " + log + " https://a.example/ b\nquorum none\n", "expected: log KEY [URL]"},
		{"witness a " + w1 + " u v\nquorum a\n", "expected: witness NAME KEY [URL]"},
		{"witness a " + w1[:len(w1)-2] + "\nquorum a\n", "malformed key"},
		{"witness a " + w1 + "\ngroup g 1 a\ngroup h 1 a\nquorum g\n", `"a" is a member already`},
		{"witness a " + w1 + "\nwitness b " + w2 + "\ngroup g 01 a b\nquorum g\n", `"01" of 2 members`},
		{"witness a " + w1 + "\nwitness b " + w2 + "\ngroup g +1 a b\nquorum g\n", `"+1" of 2 members`},
		{"witness a " + w1 + "\nwitness b " + w2 + "\ngroup g 0 a b\nquorum g\n", `"0" of 2 members`},
		{"witness a " + w1 + "\ngroup g all g\nquorum g\n", `no witness or group above is named "g"`},
		{"witness a " + w1 + "\ngroup a all a\nquorum a\n", `the name "a" is taken`},
		{"witness a " + w1 + "\ngroup g all\nquorum g\n", "expected: group NAME"},
	} {
		_, err := Parse([]byte(c.text))
		var bad *Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
	}
}

func TestShared(t *testing.T) {
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	b, err := os.ReadFile(filepath.Join(dir, "testdata", "tlog", "policy", "policies.json"))
	if err != nil {
		t.Skipf("shared test data is not there: %v", err)
	}
	var file struct {
		Cases []struct{ Name, Policy, Want string }
	}
	if err := json.Unmarshal(b, &file); err != nil || len(file.Cases) == 0 {
		t.Fatalf("%d cases: %v", len(file.Cases), err)
	}
	for _, c := range file.Cases {
		if _, err := Parse([]byte(c.Policy)); (err == nil) != (c.Want == "ok") {
			t.Errorf("%s: got %v, want %s", c.Name, err, c.Want)
		}
	}
}

func TestCheck(t *testing.T) {
	p := mustParse(t, example(t))
	cp := tile.Checkpoint{Origin: sumdbtest.Origin, Size: 7, Root: sumdbtest.LeafHash([]byte("seven"))}
	signed := func(by ...note.Signer) []byte {
		t.Helper()
		msg, err := note.Sign(cp.Text(), by...)
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	log := sumdbtest.Key(t, sumdbtest.Origin)
	w := func(name string, at int64) note.Signer { return cosigner(t, name+".example", at) }

	got, seen, err := p.Check(signed(log, w("x3", 30), w("y1", 10), w("x1", 20), w("y1", 40), w("stranger", 1)))
	if err != nil || !cmp.Equal(got, cp) {
		t.Fatalf("got %v, %v", got, err)
	}
	var said []string
	for _, s := range seen {
		said = append(said, fmt.Sprint(s.Witness.Name, s.Time))
	}
	if diff := cmp.Diff([]string{"X120", "X330", "Y140"}, said); diff != "" {
		t.Error(diff)
	}

	// One witness that signs twice is one witness still.
	_, _, err = p.Check(signed(log, w("x1", 1), w("x1", 2), w("x1", 3), w("y1", 4)))
	var few *QuorumError
	if !errors.As(err, &few) || len(few.Signed) != 2 || err.Error() != "checkpoint of wheels.example.org: cosigned by 2 of 4 witnesses, which is not the quorum \"both\"" {
		t.Errorf("got %v", err)
	}
	// A plain signature by the witness's key is no cosignature: it has no time.
	if _, _, err = p.Check(signed(log, sumdbtest.Key(t, "x1.example"), sumdbtest.Key(t, "x2.example"), w("y1", 4))); !errors.As(err, &few) {
		t.Errorf("got %v", err)
	}
	if _, _, err = p.Check(signed(w("x1", 1), w("x2", 1), w("y1", 1))); !errors.Is(err, note.ErrUnsigned) {
		t.Errorf("without the log: %v", err)
	}
	broken := bytes.Replace(signed(log, w("x1", 1), w("x2", 1), w("y1", 1)), []byte("— y1.example "), []byte("— y1.example "), 1)
	i := bytes.LastIndexByte(broken, '=') - 5
	broken[i] ^= 1
	if _, _, err = p.Check(broken); err == nil {
		t.Error("a broken cosignature was let through")
	}
}

// FuzzParse: what is accepted is written in one spelling, which means the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example(f)))
	f.Add([]byte("quorum none\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		out := p.Format()
		q, err := Parse(out)
		if err != nil {
			t.Fatalf("%q is not read back: %v", out, err)
		}
		if again := q.Format(); !bytes.Equal(out, again) || p.Needs() != q.Needs() {
			t.Fatalf("%q, then %q", out, again)
		}
	})
}
