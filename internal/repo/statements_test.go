package repo

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

var textBlock = regexp.MustCompile("(?s)```text\n(.*?)```\n")

// The examples of docs/statements.md are the bytes that package record's own
// tests write and read, and a leaf made of one of them. WHEELLOCK_UPDATE=1 writes
// them anew.
func TestStatementsPage(t *testing.T) {
	want := workedStatements(t)
	page := read(t, "docs/statements.md")
	blocks := textBlock.FindAllStringSubmatch(page, -1)
	if len(blocks) != len(want) {
		t.Fatalf("docs/statements.md has %d examples, want %d", len(blocks), len(want))
	}
	n := -1
	updated := textBlock.ReplaceAllStringFunc(page, func(string) string {
		n++
		return "```text\n" + want[n] + "```\n"
	})
	if updated == page {
		return
	}
	if os.Getenv("WHEELLOCK_UPDATE") == "1" {
		if err := os.WriteFile(filepath.Join(root(), "docs/statements.md"), []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for i, b := range blocks {
		if b[1] != want[i] {
			t.Errorf("example %d of docs/statements.md is\n%swant (WHEELLOCK_UPDATE=1 writes it)\n%s", i+1, b[1], want[i])
		}
	}
}

// workedStatements: the statements of every kind, then the verifier key of the
// key whose seed is 32 zero bytes, the leaf that it makes of the build statement,
// and that leaf's length and hash.
func workedStatements(t *testing.T) []string {
	t.Helper()
	skey, vkey, err := note.GenerateKey(bytes.NewReader(make([]byte, 32)), "builder1.wheels.example.org")
	if err != nil {
		t.Fatal(err)
	}
	key, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	var leaf []byte
	texts := strings.TrimRight(read(t, "sumdb/record/testdata/kinds.txt"), "\n")
	for _, text := range strings.Split(texts, "\n\n") {
		text += "\n"
		out = append(out, text)
		s, err := record.Parse([]byte(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if leaf != nil || s.Kind() != record.KindBuild {
			continue
		}
		if leaf, err = record.Sign(s, key); err != nil {
			t.Fatal(err)
		}
		if _, err := record.Open(leaf, note.List(key.Verifier())); err != nil {
			t.Fatal(err)
		}
	}
	hash := tlog.RecordHash(leaf)
	return append(out, vkey+"\n", string(leaf), fmt.Sprintf("%d bytes, leaf hash sha256:%x\n", len(leaf), hash[:]))
}
