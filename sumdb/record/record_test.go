package record_test

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

func text(t testing.TB, x stater) []byte {
	t.Helper()
	s, err := x.Statement()
	if err != nil {
		t.Fatal(err)
	}
	return s.Text()
}

// as calls the As function for a statement's kind.
func as(t *testing.T, s *record.Statement) any {
	t.Helper()
	name := "As" + strings.ToUpper(s.Kind()[:1]) + s.Kind()[1:]
	out := reflect.ValueOf(s).MethodByName(name).Call(nil)
	if err := out[1].Interface(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out[0].Interface()
}

func TestWorkedBytesOfEveryKind(t *testing.T) {
	golden, err := os.ReadFile("testdata/kinds.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	blocks := strings.SplitAfter(strings.TrimSuffix(string(golden), "\n")+"\n", "\n\n")
	for i, x := range everyKind() {
		want := strings.TrimSuffix(blocks[i], "\n\n")
		want = strings.TrimSuffix(want, "\n") + "\n"
		got := text(t, x)
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%T (-want +got):\n%s", x, diff)
		}
		s, err := record.Parse([]byte(want))
		if err != nil {
			t.Errorf("%T: %v", x, err)
			continue
		}
		seen[s.Kind()] = true
		// The struct that comes back makes the same bytes.
		if again := text(t, as(t, s).(stater)); !bytes.Equal(again, got) {
			t.Errorf("%T came back as %s", x, again)
		}
	}
	for _, kind := range record.Kinds() {
		if !seen[kind] {
			t.Errorf("no example of kind %s", kind)
		}
	}
}

func TestAccessors(t *testing.T) {
	s, err := record.Parse(text(t, everyKind()[2]))
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.AsBuild()
	if err != nil {
		t.Fatal(err)
	}
	if b.Supersedes != 4711 || b.File.Size != 27190 || b.Source != d("b") || b.Upstream[0].Causes[0] != "native-compiler" {
		t.Errorf("%+v", b)
	}
	if _, err := s.AsLock(); err == nil {
		t.Error("a build was given out as a lock")
	}
	if name, version := s.Package(); name != "markupsafe" || version != "3.0.2" || s.Role() != record.RoleBuilder {
		t.Errorf("%s %s by %s", name, version, s.Role())
	}
}

// Each change makes a good text a bad one.
func TestRefusedTexts(t *testing.T) {
	good := string(text(t, everyKind()[2]))
	swap := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	lines := strings.SplitAfter(good, "\n")
	for name, bad := range map[string]string{
		"no final newline":          strings.TrimSuffix(good, "\n"),
		"blank line at the end":     good + "\n",
		"blank line inside":         swap("\nlog", "\n\nlog"),
		"carriage returns":          strings.ReplaceAll(good, "\n", "\r\n"),
		"other version":             swap("v1", "v2"),
		"unknown kind":              swap("v1 build", "v1 built"),
		"kind with space":           swap("v1 build", "v1 build "),
		"another kind's keys":       swap("v1 build", "v1 lock"),
		"unknown key":               good + "zebra 1\n",
		"upper-case key":            swap("target", "Target"),
		"order of keys":             strings.Join(append([]string{lines[0], lines[2], lines[1]}, lines[3:]...), ""),
		"the same line twice":       swap("log wheels.example.org\n", "log wheels.example.org\nlog wheels.example.org\n"),
		"two values of one key":     swap("log wheels.example.org\n", "log wheels.example.org\nlog xheels.example.org\n"),
		"no time":                   swap("time 2026-11-22T14:00:00Z\n", ""),
		"no log":                    swap("log wheels.example.org\n", ""),
		"no recipe":                 swap("recipe sha256:"+d("c")+"\n", ""),
		"time with zone":            swap("14:00:00Z", "14:00:00+00:00"),
		"time with fraction":        swap("14:00:00Z", "14:00:00.5Z"),
		"day that is none":          swap("11-22T", "02-30T"),
		"leap second":               swap("14:00:00Z", "14:59:60Z"),
		"upper-case digest":         swap(d("c"), strings.ToUpper(d("c"))),
		"short digest":              swap(d("c"), d("c")[1:]),
		"digest of another hash":    swap("recipe sha256", "recipe sha512"),
		"size with a zero":          swap("27190", "027190"),
		"size with a sign":          swap("27190", "+27190"),
		"negative size":             swap("27190", "-1"),
		"size beyond 63 bits":       swap("27190", "9223372036854775808"),
		"file with a folder":        swap("file markup", "file ../markup"),
		"hidden file":               swap("file markup", "file .markup"),
		"file with a backslash":     swap("file markup", "file a\\markup"),
		"file without size":         swap(" 27190", ""),
		"two spaces":                swap("package markupsafe 3", "package markupsafe  3"),
		"space at the end":          swap("markupsafe 3.0.2\n", "markupsafe 3.0.2 \n"),
		"tab":                       swap("markupsafe 3", "markupsafe\t3"),
		"name not normalised":       swap("package markupsafe", "package MarkupSafe"),
		"name with an underscore":   swap("package markupsafe", "package markup_safe"),
		"name with two hyphens":     swap("package markupsafe", "package markup--safe"),
		"package without a version": swap("markupsafe 3.0.2\n", "markupsafe\n"),
		"version for all":           swap("markupsafe 3.0.2\n", "markupsafe -\n"),
		"not ASCII":                 swap("replaced", "repl\u00e4ced"),
		"control character":         swap("replaced", "repl\x7fced"),
		"empty value":               swap("target bookworm", "target "),
		"key alone":                 swap("target bookworm", "target"),
		"origin with a plus":        swap("log wheels", "log whe+els"),
		"supersedes nothing named":  swap("supersedes 4711", "supersedes x"),
		"supersedes with a zero":    swap("supersedes 4711", "supersedes 04711"),
		"supersedes, no reason":     swap("reason the compiler was replaced\n", ""),
		"file and failed":           swap("file ", "failed build-error\nfile "),
		"unknown verdict":           swap("upstream differs", "upstream equal"),
		"untried":                   swap("upstream differs", "upstream untried"),
		"causes not in order":       swap("native-compiler vendored-libs", "vendored-libs native-compiler"),
		"a cause twice":             swap("native-compiler vendored-libs", "native-compiler native-compiler"),
		"reason too long":           swap("the compiler was replaced", strings.Repeat("x", 1001)),
		"a hundred thousand lines":  swap("upstream differs", strings.Repeat("upstream differs\n", 100000)),
		"signature line inside":     good + "\u2014 x AAAAAAA=\n",
	} {
		if bad == good {
			t.Errorf("%s: nothing was changed", name)
		}
		if s, err := record.Parse([]byte(bad)); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

func TestConstructorsRefuse(t *testing.T) {
	head := sumdbtest.Head(1)
	for name, x := range map[string]stater{
		"injected line":        record.Withdraw{Head: head, Name: "a", Version: "1", File: sumdbtest.Source(1).File, Reason: "x\ntarget y"},
		"prefixed digest":      record.Lock{Head: head, Lock: "sha256:" + d("1"), Project: "p"},
		"no time":              record.Lock{Head: record.Head{Log: "l"}, Lock: d("1"), Project: "p"},
		"prune of nothing":     record.Prune{Head: head},
		"one file twice":       record.Prune{Head: head, Files: []record.File{sumdbtest.Source(1).File, sumdbtest.Source(1).File}},
		"waiver without end":   record.Waiver{Head: head, Name: "a", Version: "-", Rule: "reviews", Reason: "r"},
		"build of nothing":     record.Build{Head: head, Name: "a", Version: "1", Target: "t", Recipe: d("1"), Source: d("2")},
		"negative root number": record.Root{Head: head, Number: -1, Document: d("1"), Signature: d("1")},
	} {
		if s, err := x.Statement(); err == nil {
			t.Errorf("%s: made %s", name, s.Text())
		}
	}
}

func TestLeafAndNote(t *testing.T) {
	k := sumdbtest.Key(t, "builder")
	s, _ := everyKind()[0].Statement()
	leaf, err := record.Sign(s, k)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(leaf, []byte("\n\n")) {
		t.Errorf("a leaf with a blank line: %s", leaf)
	}
	msg, err := record.Note(leaf)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := note.Open(msg, note.List(k.Verifier())); err != nil || o.Text != string(s.Text()) {
		t.Errorf("%+v, %v", o, err)
	}
	if back, err := record.Leaf(msg); err != nil || !bytes.Equal(back, leaf) {
		t.Errorf("%q, %v", back, err)
	}
	if _, err := record.Open(leaf, note.List(k.Verifier())); err != nil {
		t.Error(err)
	}
	if _, err := record.Open(leaf, note.List(sumdbtest.Key(t, "other").Verifier())); err == nil {
		t.Error("opened by another key")
	}
	for i := range leaf {
		bad := bytes.Clone(leaf)
		bad[i] ^= 1
		if s, err := record.Open(bad, note.List(k.Verifier())); err == nil {
			t.Errorf("byte %d changed, and it opens as %s", i, s.Text())
		}
	}
}

// A second signature line would make a second leaf of one statement.
func TestLeafHasOneSignature(t *testing.T) {
	s, _ := everyKind()[0].Statement()
	msg, err := note.Sign(string(s.Text()), sumdbtest.Key(t, "a"), sumdbtest.Key(t, "b"))
	if err != nil {
		t.Fatal(err)
	}
	if leaf, err := record.Leaf(msg); err == nil {
		t.Errorf("made a leaf: %s", leaf)
	}
	if _, err := record.ParseLeaf(bytes.Replace(msg, []byte("\n\n"), []byte("\n"), 1)); !errors.Is(err, record.ErrMalformed) {
		t.Errorf("read a leaf with two signatures: %v", err)
	}
}

func TestLeafOfTheGreatestSize(t *testing.T) {
	k := sumdbtest.Key(t, "publisher")
	var files []record.File
	for i := range 700 {
		files = append(files, record.File{Name: sumdbtest.Digest("%d", i)[:20], SHA256: d("1"), Size: 1})
	}
	for _, n := range []int{600, 700} {
		s, err := record.Prune{Head: sumdbtest.Head(1), Files: files[:n]}.Statement()
		if err != nil {
			if n == 600 {
				t.Fatal(err)
			}
			continue
		}
		leaf, err := record.Sign(s, k)
		if ok := err == nil; ok != (len(s.Text())+len("\u2014 publisher ")+94 <= record.MaxLeaf) {
			t.Errorf("%d files, text of %d, leaf of %d: %v", n, len(s.Text()), len(leaf), err)
		}
	}
}

// Two signatures of one text by one key are one claim; by two keys, two.
func TestIdentity(t *testing.T) {
	s, _ := everyKind()[0].Statement()
	id := func(name string) record.ID {
		leaf, err := record.Sign(s, sumdbtest.Key(t, name))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := record.ParseLeaf(leaf)
		if err != nil {
			t.Fatal(err)
		}
		return signed.ID()
	}
	if first, again := id("a"), id("a"); first != again || first == id("b") {
		t.Error("identity does not follow text and key")
	}
}

func FuzzParseLeaf(f *testing.F) {
	for _, x := range everyKind() {
		s, _ := x.Statement()
		leaf, _ := record.Sign(s, sumdbtest.Key(f, "k"))
		f.Add(leaf)
	}
	f.Fuzz(func(t *testing.T, leaf []byte) {
		s, err := record.ParseLeaf(leaf)
		if err != nil {
			return
		}
		msg, err := record.Note(leaf)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := record.Leaf(msg); err != nil || !bytes.Equal(back, leaf) {
			t.Errorf("%q came back as %q, %v", leaf, back, err)
		}
		if !bytes.HasPrefix(leaf, s.Text()) {
			t.Errorf("text %q of leaf %q", s.Text(), leaf)
		}
		if again := text(t, as(t, s.Statement).(stater)); !bytes.Equal(again, s.Text()) {
			t.Errorf("%q came back from its struct as %q", s.Text(), again)
		}
	})
}
