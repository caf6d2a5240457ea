package attest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/freedomofpress/wheellock/schema"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

var update = flag.Bool("update", false, "write testdata anew")

// seed makes the key under which docs and golden files are signed.
func key(t testing.TB, seed string) *note.SigningKey {
	t.Helper()
	skey, _, err := note.GenerateKey(strings.NewReader(strings.Repeat(seed, 32)), "builder1.wheels.example.org")
	if err != nil {
		t.Fatal(err)
	}
	k, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func h64(c string) string { return strings.Repeat(c, 64) }

func example(k *note.SigningKey) *Provenance {
	at := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	return &Provenance{
		Log: "wheels.example.org", Builder: KeyID(k.Name(), k.KeyHash()), Wheellock: "v1.0.0",
		Package: "markupsafe", Version: "3.0.2", Target: "bookworm",
		File: "markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl", SHA256: h64("a"), Content: h64("d"),
		Source: File{"markupsafe-3.0.2.tar.gz", h64("b")}, Recipe: []byte("[[recipes]]\nbackend = \"setuptools.build_meta\"\n"),
		Tools: []Tool{{"setuptools", "75.8.0", h64("1")}}, Crates: []Tool{{"libc", "0.2.1+x", h64("2")}}, Toolchain: []string{"gcc-12 12.2.0-14", "libstdc++-12-dev 1:12.2.0-14+deb12u1"},
		Python: "3.11.2", Place: "this machine", Walls: "bubblewrap, Landlock 4", Times: 2, Varied: []string{"path", "zone"},
		Started: at, Finished: at.Add(9 * time.Second), BuildLog: h64("e"), Comparison: h64("f"),
	}
}

func sealed(t testing.TB, p *Provenance, k *note.SigningKey) []byte {
	t.Helper()
	data, err := Seal(p, k)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func public(k *note.SigningKey) ed25519.PublicKey { return k.Verifier().Public() }

// TestGolden holds the bytes still: an envelope of today has to be read for ever.
func TestGolden(t *testing.T) {
	k := key(t, "s")
	data := sealed(t, example(k), k)
	name := filepath.Join("testdata", "golden.dsse.json")
	if *update {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(data)); d != "" {
		t.Error(d)
	}
	e, err := Open(want)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(example(k), e.Provenance); d != "" {
		t.Error(d)
	}
	if !e.Verify(public(k)) || e.Verify(public(key(t, "o"))) || e.Verify(nil) {
		t.Error("verified by the wrong key, or not by the right one")
	}
	if err := schema.Validate("slsa-provenance", e.payload); err != nil {
		t.Error(err)
	}
}

// TestOneSpelling: whatever is changed in an envelope, it is refused or the
// signature does not hold.
func TestOneSpelling(t *testing.T) {
	k := key(t, "s")
	data := sealed(t, example(k), k)
	for i := range data {
		for _, bit := range []byte{1, 0x20, 0x80} {
			changed := bytes.Clone(data)
			changed[i] ^= bit
			if e, err := Open(changed); err == nil && e.Verify(public(k)) {
				t.Fatalf("bit %#x of byte %d: nobody minds", bit, i)
			} else if err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
	}
}

// resign makes an envelope of a payload that we would not write, well signed.
func resign(t *testing.T, k *note.SigningKey, change func(string) string) []byte {
	t.Helper()
	p := example(k)
	payload, err := p.payload()
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(payload))
	if changed == string(payload) {
		t.Fatal("nothing was changed")
	}
	sig, err := k.Sign(pae([]byte(changed)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := seal([]byte(changed), p.Builder, sig)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRefused(t *testing.T) {
	k := key(t, "s")
	swap := func(old, new string) []byte {
		return resign(t, k, func(s string) string { return strings.Replace(s, old, new, 1) })
	}
	whole := string(sealed(t, example(k), k))
	outer := func(old, new string) []byte {
		if !strings.Contains(whole, old) {
			t.Fatalf("no %s in it", old)
		}
		return []byte(strings.Replace(whole, old, new, 1))
	}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":               {nil, "EOF"},
		"a log":                 {[]byte("log of the build\n"), "not JSON"},
		"too large":             {make([]byte, MaxSize+1), "bytes"},
		"two subjects' hashes":  {swap(`"sha256":"`+h64("a")+`"`, `"sha256":"`+h64("0")+`","sha256":"`+h64("a")+`"`), `"sha256" stands twice`},
		"a key of another case": {swap(`"target"`, `"Target"`), "one spelling"},
		"an unknown key":        {swap(`"target"`, `"extra":1,"target"`), "unknown field"},
		"white space":           {swap(`,"target"`, `, "target"`), "one spelling"},
		"more after it":         {resign(t, k, func(s string) string { return s + "{}" }), "more after"},
		"another predicate":     {swap(PredicateType, "https://slsa.dev/provenance/v0.2"), "not SLSA provenance v1"},
		"another statement":     {swap(StatementType, "https://in-toto.io/Statement/v0.1"), "not SLSA provenance v1"},
		"another build type":    {swap("#wheel-v1", "#wheel-v2"), "build type"},
		"no subject": {resign(t, k, func(s string) string {
			return s[:strings.Index(s, "[{")] + "[]" + s[strings.Index(s, `,"predicateType"`):]
		}), "0 subjects"},
		"a short hash":          {swap(h64("a"), "aa"), "no hex sha256"},
		"an upper-case hash":    {swap(h64("a"), h64("A")), "no hex sha256"},
		"another recipe's hash": {swap(`"name":"recipe","digest":{"sha256":"`, `"name":"recipe","digest":{"sha256":"00`), "agree with itself"},
		"two sources":           {swap(`{"name":"markupsafe-3.0.2.tar.gz","digest":{"sha256":"`+h64("b"), `{"name":"other-1.tar.gz","digest":{"sha256":"`+h64("b")), "agree with itself"},
		"another builder":       {swap("/builder/builder1", "/builder/builder2"), "agree with itself"},
		"another keyid":         {outer(`"keyid":"builder1`, `"keyid":"builder2`), "keyid"},
		"ended before it began": {swap("14:00:09", "13:00:09"), "built from"},
		"no time":               {swap("14:00:09", "25:00:09"), "when it was built"},
		"another invocation":    {swap(`"invocationId":"sha256:`, `"invocationId":"sha256:0`), "agree with itself"},
		"a line break":          {swap(`"this machine"`, `"this\nmachine"`), "printable"},
		"built no time":         {swap(`"times":2`, `"times":0`), "0 times"},
		"another type":          {outer(PayloadType, "application/json"), "type"},
		"no signature":          {outer(`{"keyid"`, `],"x":[{"keyid"`), "unknown"},
		"two signatures":        {[]byte(strings.Replace(whole, `}]}`, `},{"keyid":"x","sig":""}]}`, 1)), "2 signatures"},
		"unpadded":              {outer(`=="}]}`, `"}]}`), "base64"},
		"a stray bit":           {[]byte(strings.Replace(whole, `=="}]}`, "", 1)[:len(whole)-9] + string(whole[len(whole)-9]+1) + `=="}]}` + "\n"), "base64"},
		"no newline":            {[]byte(strings.TrimSpace(whole)), "one spelling"},
		"two newlines":          {[]byte(whole + "\n"), "one spelling"},
		"two payloads":          {outer(`{"payload":`, `{"payload":"","payload":`), `"payload" stands twice`},
		"very deep":             {[]byte(strings.Repeat("[", 1000)), "nests"},
	} {
		e, err := Open(test.data)
		switch {
		case err == nil:
			t.Errorf("%s: taken: %+v", name, e.Provenance)
		case !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), test.want):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestBijection: what Seal writes, Open gives back, and never two for one.
func TestBijection(t *testing.T) {
	k := key(t, "s")
	word := rapid.StringMatching(`[!-~]{1,20}`)
	text := rapid.StringMatching(`([!-~][ -~]{0,20}[!-~])?`)
	sum := rapid.StringMatching(`[0-9a-f]{64}`)
	rapid.Check(t, func(t *rapid.T) {
		p := example(k)
		for _, s := range []*string{&p.Log, &p.Wheellock, &p.Package, &p.Version, &p.Target, &p.File, &p.Source.Name, &p.Python} {
			*s = word.Draw(t, "word")
		}
		p.SHA256, p.Content, p.Place, p.Walls = sum.Draw(t, "sum"), sum.Draw(t, "content"), text.Draw(t, "place"), text.Draw(t, "walls")
		p.Recipe = rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "recipe")
		p.Tools, p.Crates, p.Toolchain = nil, nil, nil
		for range rapid.IntRange(0, 3).Draw(t, "tools") {
			p.Tools = append(p.Tools, Tool{word.Draw(t, "tool"), word.Draw(t, "version"), sum.Draw(t, "hash")})
			p.Crates = append(p.Crates, Tool{word.Draw(t, "crate"), word.Draw(t, "version"), sum.Draw(t, "hash")})
			p.Toolchain = append(p.Toolchain, word.Draw(t, "package")+" "+word.Draw(t, "version"))
		}
		data, err := Seal(p, k)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Open(data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, e.Provenance); d != "" || !e.Verify(public(k)) {
			t.Fatal(d)
		}
	})
}

func TestDiffers(t *testing.T) {
	k := key(t, "s")
	p := example(k)
	same := func() *record.Build {
		return &record.Build{Head: record.Head{Log: p.Log}, Name: p.Package, Version: p.Version, Target: p.Target, Recipe: p.RecipeDigest(),
			Source: p.Source.SHA256, File: record.File{Name: p.File, SHA256: p.SHA256, Size: 1}, Content: p.Content}
	}
	if d := p.Differs(same()); len(d) > 0 {
		t.Error(d)
	}
	for what, change := range map[string]func(*record.Build){
		"log":              func(b *record.Build) { b.Log = "other.example" },
		"package":          func(b *record.Build) { b.Version = "3" },
		"subject":          func(b *record.Build) { b.File.Name = "x.whl" },
		"subject's sha256": func(b *record.Build) { b.File.SHA256 = h64("0") },
		"content":          func(b *record.Build) { b.Content = h64("0") },
		"source":           func(b *record.Build) { b.Source = h64("0") },
		"recipe":           func(b *record.Build) { b.Recipe = h64("0") },
		"target":           func(b *record.Build) { b.Target = "focal" },
	} {
		b := same()
		change(b)
		if d := p.Differs(b); len(d) != 1 || !strings.HasPrefix(d[0], "its "+what+" is ") {
			t.Errorf("%s: %q", what, d)
		}
	}
}

// TestSecondOpinion has securesystemslib check the envelope and its signature, and
// in-toto's own library the statement and the predicate.
func TestSecondOpinion(t *testing.T) {
	python := os.Getenv("WHEELLOCK_PYTHON")
	if python == "" {
		t.Skip("WHEELLOCK_PYTHON does not name a Python with securesystemslib and in-toto-attestation (scripts/test makes one)")
	}
	k := key(t, "s")
	p := example(k)
	good := sealed(t, p, k)
	check := func(data []byte, key ed25519.PublicKey) (string, error) {
		cmd := exec.Command(python, "-W", "error", filepath.Join("testdata", "check.py"), base64.StdEncoding.EncodeToString(key))
		cmd.Stdin = bytes.NewReader(data)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := check(good, public(k))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got struct{ Subject, SHA256, BuildType, Source, Recipe, Target, Builder, Started, Finished, Tool, Log string }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := got
	want.Subject, want.SHA256, want.BuildType, want.Source, want.Recipe, want.Target = p.File, p.SHA256, BuildType, p.Source.SHA256, p.RecipeDigest(), p.Target
	want.Builder, want.Started, want.Finished, want.Tool, want.Log = p.BuilderID(), "2026-11-22T14:00:00Z", "2026-11-22T14:00:09Z", "pkg:pypi/setuptools@75.8.0", p.BuildLog
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if out, err := check(good, public(key(t, "o"))); err == nil || !strings.Contains(out, "do not match threshold") {
		t.Errorf("another key: %v\n%s", err, out)
	}
	forged := resign(t, k, func(s string) string { return strings.Replace(s, h64("a"), h64("0"), 1) })
	i, j := bytes.LastIndex(good, []byte(`"sig"`)), bytes.LastIndex(forged, []byte(`"sig"`))
	if out, err := check(append(forged[:j:j], good[i:]...), public(k)); err == nil {
		t.Errorf("another subject under the old signature: %s", out)
	}
}

// BenchmarkCheck is what verify does for each statement behind the lock.
func BenchmarkCheck(b *testing.B) {
	k := key(b, "s")
	p := example(k)
	data := sealed(b, p, k)
	st := &record.Build{Head: record.Head{Log: p.Log}, Name: p.Package, Version: p.Version, Target: p.Target, Recipe: p.RecipeDigest(),
		Source: p.Source.SHA256, File: record.File{Name: p.File, SHA256: p.SHA256, Size: 1}, Content: p.Content}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Check(data, st, p.Builder, public(k)); err != nil {
			b.Fatal(err)
		}
	}
}
