package proof

import (
	"fmt"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/record"
)

// large is a log of a million statements about 5,000 packages, and some that a
// lock wants, with three statements each about the locked version.
func large(b *testing.B, size, locked int) (*testLog, []Want) {
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
	for i := range locked {
		want = append(want, Want{fmt.Sprintf("package-%d", i*10), []string{"1.0"}})
	}
	for i := 0; len(l.leaves) < size; i++ {
		if every := size / (3*locked + 100); i%every == 0 && i/every < 3*locked {
			l.build(want[i/every%locked].Name, "1.0")
		}
		l.makeIndexIfDue()
		l.addLeaf(filler[i*7919%5000])
	}
	return l, want
}

func BenchmarkMillion(b *testing.B) { benchmark(b, 500) }

// BenchmarkLock300 is the lock of DESIGN's goal: 5 ms to write, 5 to verify.
func BenchmarkLock300(b *testing.B) { benchmark(b, 300) }

func benchmark(b *testing.B, locked int) {
	l, want := large(b, 1_000_000, locked)
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
	// Without the check of its own work that Build ends with.
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if _, err := build(src, want, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
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
