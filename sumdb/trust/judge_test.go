package trust

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

func securedrop(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	dir = filepath.Join(dir, "testdata", "securedrop")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no testdata of other projects here; set WHEELLOCK_SHARED")
	}
	return dir
}

// What GnuPG says of each signed list, with its clock at the commit and today.
func TestJudgeAsGnuPG(t *testing.T) {
	dir := securedrop(t)
	table, err := os.ReadFile(filepath.Join(dir, "signatures.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]string{"GOODSIG": SignatureGood, "EXPKEYSIG": SignatureExpired, "REVKEYSIG": SignatureRevoked, "BADSIG": SignatureBad}
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")[1:]
	if len(rows) < 15 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		f := strings.Split(row, "\t")
		base := filepath.Join(dir, f[0])
		var ring [][]byte
		keys, _ := filepath.Glob(filepath.Join(base, "pubkeys", "*"))
		for _, k := range keys {
			ring = append(ring, readFile(t, k))
		}
		data, asc := readFile(t, filepath.Join(base, f[1])), readFile(t, filepath.Join(base, f[1]+".asc"))
		commit, err := time.Parse(time.DateOnly, filepath.Base(f[0])[:10])
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range map[time.Time]string{commit.Add(24*time.Hour - 1): f[3], time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC): f[5]} {
			got, err := Judge(data, asc, ring, at)
			if err != nil || len(got) != 1 {
				t.Errorf("%s %s: %v, %v", f[0], f[1], got, err)
				continue
			}
			j := got[0]
			if j.Verdict != verdicts[want] || j.Primary != f[6] || j.Signer != f[7] || j.Made.Format(time.DateOnly) != f[8] || j.Finding != "" {
				t.Errorf("%s %s at %s: got %+v, want %s %s", f[0], f[1], at.Format(time.DateOnly), j, want, f[8])
			}
			if (j.Verdict == SignatureExpired) != !j.Since.IsZero() {
				t.Errorf("%s: expired since %v", f[1], j.Since)
			}
		}
		for _, bad := range [][]byte{append([]byte("x"), data...), nil} {
			if got, err := Judge(bad, asc, ring, commit); err != nil || got[0].Verdict != SignatureBad {
				t.Errorf("another list: %v, %v", got, err)
			}
		}
		if got, err := Judge(data, asc, nil, commit); err != nil || got[0].Verdict != SignatureUnknown {
			t.Errorf("no keys: %v, %v", got, err)
		}
		if got, err := Judge(data, asc, ring, commit.AddDate(-10, 0, 0)); err != nil || got[0].Verdict == SignatureBad || got[0].Finding == "" {
			t.Errorf("a date that cannot be right: %+v, %v", got, err)
		}
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A key that was replaced signed well before that; a stolen one never did.
func TestJudgeRevoked(t *testing.T) {
	made := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func(at time.Time) *packet.Config {
		return &packet.Config{Time: func() time.Time { return at }, Algorithm: packet.PubKeyAlgoEdDSA}
	}
	for reason, before := range map[packet.ReasonForRevocation]string{packet.KeySuperseded: SignatureGood, packet.KeyCompromised: SignatureRevoked} {
		e, err := openpgp.NewEntity("Somebody", "", "s@example.org", clock(made))
		if err != nil {
			t.Fatal(err)
		}
		var sig, key bytes.Buffer
		if err := openpgp.DetachSign(&sig, e, strings.NewReader("list"), clock(made.AddDate(1, 0, 0))); err != nil {
			t.Fatal(err)
		}
		if err := e.RevokeKey(reason, "", clock(made.AddDate(2, 0, 0))); err != nil {
			t.Fatal(err)
		}
		if err := e.Serialize(&key); err != nil {
			t.Fatal(err)
		}
		for years, want := range map[int]string{1: before, 3: SignatureRevoked} {
			got, err := Judge([]byte("list"), armor(armorSignature, sig.Bytes()), [][]byte{key.Bytes()}, made.AddDate(years, 0, 1))
			if err != nil || len(got) != 1 || got[0].Verdict != want {
				t.Errorf("reason %d after %d years: %+v, %v, want %s", reason, years, got, err, want)
			}
		}
	}
}
