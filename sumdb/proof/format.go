package proof

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

const header = "wheellock-proof/v1\n"

// Format writes the proof's one spelling.
func (p *Proof) Format() []byte {
	var b bytes.Buffer
	size := len(p.Checkpoint) + 100*(len(p.Hashes)+len(p.EntryHashes)) + 4096
	for _, s := range p.Statements {
		size += len(s.Data) + 24
	}
	b.Grow(size)
	b.WriteString(header)
	numbers(&b, "checkpoint", int64(len(p.Checkpoint)))
	b.Write(p.Checkpoint)
	numbers(&b, "roots", int64(len(p.Roots)))
	for i, r := range p.Roots {
		numbers(&b, "", int64(i), int64(len(r.Document)), int64(len(r.Signatures)))
		b.Write(r.Document)
		b.Write(r.Signatures)
	}
	blocks(&b, "statements", p.Statements)
	subtrees(&b, p.Hashes)
	blocks(&b, "entries", p.Entries)
	subtrees(&b, p.EntryHashes)
	return b.Bytes()
}

// numbers writes a line of a word, if any, and numbers.
func numbers(b *bytes.Buffer, word string, list ...int64) {
	b.WriteString(word)
	for i, n := range list {
		if word != "" || i > 0 {
			b.WriteByte(' ')
		}
		b.Write(strconv.AppendInt(b.AvailableBuffer(), n, 10))
	}
	b.WriteByte('\n')
}

func blocks(b *bytes.Buffer, word string, list []Block) {
	numbers(b, word, int64(len(list)))
	for _, s := range list {
		numbers(b, "", s.Number, int64(len(s.Data)))
		b.Write(s.Data)
	}
}

func subtrees(b *bytes.Buffer, list []Subtree) {
	numbers(b, "hashes", int64(len(list)))
	for _, h := range list {
		b.WriteString(strconv.Itoa(h.Level) + " " + strconv.FormatInt(h.Index, 10) + " " + base64.StdEncoding.EncodeToString(h.Hash[:]) + "\n")
	}
}

// Parse reads a proof strictly: Format gives the same bytes. The error is an
// *Error that wraps ErrMalformed and says in which part.
func Parse(data []byte) (*Proof, error) {
	if len(data) > MaxSize {
		return nil, fail("file", ErrMalformed, "is larger than %d bytes", MaxSize)
	}
	r := &reader{rest: data}
	p := &Proof{}
	if r.line() != strings.TrimSuffix(header, "\n") {
		return nil, fail("first line", ErrMalformed, "is not %q", strings.TrimSuffix(header, "\n"))
	}
	for _, part := range []struct {
		name string
		read func() bool
	}{
		{"checkpoint", func() (ok bool) { p.Checkpoint, ok = r.checkpoint(); return }},
		{"roots", func() (ok bool) { p.Roots, ok = r.roots(); return }},
		{"statements", func() (ok bool) { p.Statements, ok = r.blocks("statements", MaxStatements, record.MaxLeaf); return }},
		{"tree hashes", func() (ok bool) { p.Hashes, ok = r.subtrees(len(p.Statements)); return }},
		{"index entries", func() (ok bool) { p.Entries, ok = r.blocks("entries", MaxEntries, index.MaxEntrySize); return }},
		{"index hashes", func() (ok bool) { p.EntryHashes, ok = r.subtrees(len(p.Entries)); return }},
		{"end", func() bool { return len(r.rest) == 0 }},
	} {
		if !part.read() || r.bad {
			return nil, fail(part.name, ErrMalformed, "is not as the format has it")
		}
	}
	return p, nil
}

// A reader takes lines and blocks off a proof. Blocks stay slices of it.
type reader struct {
	rest []byte
	bad  bool
}

// line takes a line of ASCII without its newline.
func (r *reader) line() string {
	i := bytes.IndexByte(r.rest[:min(len(r.rest), 256)], '\n')
	if i < 0 {
		r.bad = true
		return ""
	}
	line := string(r.rest[:i])
	r.rest = r.rest[i+1:]
	return line
}

// numbers takes a line of a word, if any, and n numbers.
func (r *reader) numbers(word string, n int) []int64 {
	fields := strings.Split(r.line(), " ")
	if word != "" {
		if fields[0] != word {
			r.bad = true
		}
		fields = fields[1:]
	}
	list := make([]int64, n)
	if len(fields) != n {
		r.bad = true
		return list
	}
	for i, f := range fields {
		list[i] = r.number(f)
	}
	return list
}

func (r *reader) number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s[0] == '+' || s[0] == '-' || s[0] == '0' && len(s) > 1 {
		r.bad = true
		return 0
	}
	return n
}

// block takes a text of n bytes that ends in a newline.
func (r *reader) block(n, limit int64) []byte {
	if r.bad || n < 1 || n > limit || n > int64(len(r.rest)) || r.rest[n-1] != '\n' {
		r.bad = true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) checkpoint() ([]byte, bool) {
	n := r.numbers("checkpoint", 1)
	return r.block(n[0], tile.MaxCheckpoint), !r.bad
}

func (r *reader) roots() ([]trust.Signed, bool) {
	count := r.numbers("roots", 1)[0]
	if r.bad || count < 1 || count > trust.MaxRoots {
		return nil, false
	}
	var list []trust.Signed
	for i := range count {
		n := r.numbers("", 3)
		s := trust.Signed{Document: r.block(n[1], trust.MaxRootSize), Signatures: r.block(n[2], trust.MaxSignaturesSize)}
		if r.bad || n[0] != i {
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
}

func (r *reader) blocks(word string, most, limit int64) ([]Block, bool) {
	count := r.numbers(word, 1)[0]
	// Each takes five bytes at least, so that a number alone cannot make us reserve memory.
	if r.bad || count > most || count > int64(len(r.rest)/5) {
		return nil, false
	}
	list := make([]Block, 0, count)
	last := int64(-1)
	for range count {
		n := r.numbers("", 2)
		b := Block{n[0], r.block(n[1], limit)}
		if r.bad || b.Number <= last {
			return nil, false
		}
		last = b.Number
		list = append(list, b)
	}
	return list, true
}

// subtrees takes at most 64 hashes a leaf: a path in a tree is no longer.
func (r *reader) subtrees(leaves int) ([]Subtree, bool) {
	count := r.numbers("hashes", 1)[0]
	if r.bad || count > int64(leaves)*64 || count > int64(len(r.rest)/49) {
		return nil, false
	}
	list := make([]Subtree, 0, count)
	for range count {
		f := strings.Split(r.line(), " ")
		if r.bad || len(f) != 3 || len(f[2]) != 44 {
			return nil, false
		}
		level, i := r.number(f[0]), r.number(f[1])
		var raw [33]byte // what 44 characters without padding would give
		if n, err := base64.StdEncoding.Strict().Decode(raw[:], []byte(f[2])); err != nil || n != tlog.HashSize || r.bad || level > 62 {
			return nil, false
		}
		list = append(list, Subtree{int(level), i, tlog.Hash(raw[:tlog.HashSize])})
	}
	return list, true
}
