package tlogproof

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

func leaves(n int) [][]byte {
	var list [][]byte
	for i := range n {
		list = append(list, fmt.Appendf(nil, "leaf %d\n", i))
	}
	return list
}

func witness(t testing.TB) *note.Cosigner {
	return &note.Cosigner{Key: sumdbtest.Key(t, "witness.example"), Now: func() int64 { return 1 }}
}

// make returns the proof of leaf i in a log of n.
func proofOf(t testing.TB, i, n int) *Proof {
	t.Helper()
	all := leaves(n)
	c := tile.Checkpoint{Origin: sumdbtest.Origin, Size: int64(n), Root: sumdbtest.MerkleRoot(all)}
	msg, err := note.Sign(c.Text(), sumdbtest.Key(t, sumdbtest.Origin), witness(t))
	if err != nil {
		t.Fatal(err)
	}
	return &Proof{Extra: all[i], Index: int64(i), Hashes: sumdbtest.InclusionProof(i, all), Checkpoint: msg}
}

func trusting(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(fmt.Appendf(nil, "log %s\nwitness w %s\nquorum w\n", sumdbtest.Key(t, sumdbtest.Origin).Verifier(), witness(t).Verifier()))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryLeafOfSmallLogs(t *testing.T) {
	trusted := trusting(t)
	for _, n := range []int{1, 2, 3, 7, 8, 33} {
		for i := range n {
			want := proofOf(t, i, n)
			got, err := Parse(want.Format())
			if err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			if c, seen, err := got.Check(nil, trusted); err != nil || c.Size != int64(n) || len(seen) != 1 {
				t.Errorf("leaf %d of %d: %v, %v, %v", i, n, c, seen, err)
			}
			if _, _, err := got.Check([]byte("another leaf"), trusted); err == nil {
				t.Errorf("leaf %d of %d: any leaf is proved", i, n)
			}
		}
	}
}

// TestEveryByte: no changed byte is let through.
func TestEveryByte(t *testing.T) {
	trusted := trusting(t)
	data := proofOf(t, 4, 7).Format()
	for i := range data {
		for _, bit := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(data)
			bad[i] ^= bit
			p, err := Parse(bad)
			if err != nil {
				continue
			}
			if _, _, err := p.Check(nil, trusted); err == nil {
				t.Errorf("byte %d with %#x changed is let through", i, bit)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	good := string(proofOf(t, 4, 7).Format())
	for _, c := range [][2]string{
		{"tlog-proof@v1", "tlog-proof@v2"},
		{"index 4", "index 04"},
		{"index 4", "index +4"},
		{"index 4", "index -4"},
		{"index 4\n", ""},
		{"index 4", "index 99999999999999999999"},
		{"index 4\n", "index 4\nindex 4\n"},
		{"extra ", "Extra "},
		{"\nindex", "\nextra AAAA\nindex"},
		{"\n\n", "\n"},
		{"\nindex", "\r\nindex"},
		{"=\n\n", "=\n \n"},
	} {
		bad := strings.Replace(good, c[0], c[1], 1)
		if bad == good {
			t.Fatalf("%q is not there", c[0])
		}
		if _, err := Parse([]byte(bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q for %q: got %v", c[1], c[0], err)
		}
	}
	if _, err := Parse([]byte("c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nx\n")); !errors.Is(err, ErrMalformed) {
		t.Errorf("an empty extra line: got %v", err)
	}
}

// FuzzParse: what is accepted is the one spelling.
func FuzzParse(f *testing.F) {
	f.Add(proofOf(f, 4, 7).Format())
	f.Add(proofOf(f, 0, 1).Format())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err == nil && !bytes.Equal(p.Format(), data) {
			t.Fatalf("%q comes back as %q", data, p.Format())
		}
	})
}
