package proof

import (
	"fmt"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// large is a log of a million statements about 5,000 packages, and 500 that a
// lock wants, with three statements each about the locked version.
func large(b *testing.B, size int) (*testLog, []Want) {
	b.Helper()
	l := newLog(b, 2)
	var filler [][]byte
	for i := range 5000 {
		s, err := record.Source{Head: l.head(), Name: fmt.Sprintf("package-%d", i), Version: "0.9",
			File: record.File{Name: fmt.Sprintf("package-%d-0.9.tar.gz", i), SHA256: hexA, Size: 10}}.Statement()
		if err != nil {
			b.Fatal(err)
		}
		leaf, err := record.Sign(s, l.signers[s.Role()])
		if err != nil {
			b.Fatal(err)
		}
		filler = append(filler, leaf)
	}
	var want []Want
	for i := range 500 {
		want = append(want, Want{fmt.Sprintf("package-%d", i*10), []string{"1.0"}})
	}
	for i := 0; len(l.leaves) < size; i++ {
		if i%(size/1600) == 0 && i/(size/1600) < 1500 {
			l.build(want[i/(size/1600)%500].Name, "1.0")
		}
		l.makeIndexIfDue()
		l.addLeaf(filler[i*7919%5000])
	}
	return l, want
}

func BenchmarkMillion(b *testing.B) {
	l, want := large(b, 1_000_000)
	src := l.asSource()
	data, err := Build(src, want, nil)
	if err != nil {
		b.Fatal(err)
	}
	p, err := Parse(data)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d bytes: %d statements, %d hashes, %d entries, %d hashes", len(data), len(p.Statements), len(p.Hashes), len(p.Entries), len(p.EntryHashes))
	pins := l.pins()
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			if _, err := Build(src, want, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Verify(data, pins, want); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := Parse(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("tree", func(b *testing.B) {
		for b.Loop() {
			if !inTree(p.Statements, p.Hashes, int64(len(l.leaves)), mustVerify(b, data, pins, want).Hash) {
				b.Fatal("no")
			}
		}
	})
	b.Run("entries", func(b *testing.B) {
		for b.Loop() {
			for _, e := range p.Entries {
				if _, err := index.ParseEntry(e.Data); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

var verified *Verified

func mustVerify(b *testing.B, data []byte, pins Pins, want []Want) *Verified {
	if verified == nil {
		var err error
		if verified, err = Verify(data, pins, want); err != nil {
			b.Fatal(err)
		}
	}
	return verified
}
