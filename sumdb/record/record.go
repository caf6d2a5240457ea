// Package record is the grammar of statements: what they say, who says it, and
// the rules by which the log takes them.
//
// # Text
//
// A statement is lines of printable ASCII, each ended by a newline. The first
// is "wheellock/v1" and the kind. Each other line is a key, one space, and a
// value. Lines ascend strictly by key, and lines of one key by value (bytes), so
// a key that may be repeated is written in one order and nothing stands twice.
// There is no blank line. A key is lower-case letters and digits with hyphens
// inside. A value neither begins nor ends with a space and is not empty.
//
//	wheellock/v1 build
//	content sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9
//	evidence sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
//	file markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl sha256:d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35 27190
//	log wheels.example.org
//	package markupsafe 3.0.2
//	recipe sha256:4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce
//	source sha256:4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a
//	target bookworm
//	time 2026-11-22T14:00:00Z
//	upstream differs sha256:ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d native-compiler vendored-libs
//
// Every statement has the keys log (the origin of the one log that it is for: no
// replay into another) and time (when it was made; UTC, to the second).
//
// # Leaf
//
// The signed note of that text ([note.Sign]) has a blank line before its
// signature. A leaf of the log is the note without that blank line, so that it
// is also a record of the Go checksum database, which may hold none. A leaf has
// exactly one signature line, of the key of the one who makes the claim: with
// more, anybody could make a second leaf of one statement by adding a line. It
// has at most 65,535 bytes.
//
// # Kinds
//
// The table in kinds.go lists each kind's keys; ? may be absent, * may be
// repeated, + must stand at least once and may be repeated.
//
//	source     builder    file log package time uploaded?
//	upstream   builder    file log package time uploaded?
//	build      builder    content? evidence? failed? file? log package reason? recipe source supersedes? target time upstream*
//	lock       builder    lock log project revision? time
//	review     reviewer   criteria+ evidence? from? log package source time
//	waiver     reviewer   log package reason rule time until
//	publish    publisher  file log time
//	withdraw   publisher  file log package reason target? time
//	prune      publisher  file+ log reason? time
//	release    publisher  evidence? file log project reason? revision? time version
//	artifact   publisher  evidence? file log lock? project revision? target? time version?
//	index      log        entries index log time
//	root       log        log root time
//
// A build that yielded a wheel has file and content and no failed; one that did
// not has failed and neither; supersedes asks for reason. Content is absent only
// where nobody had the wheel: old lists of hashes that are taken over.
//
// # Values
//
//	content evidence from index lock recipe source   sha256:64 lower-case hex digits
//	file         NAME sha256:HEX SIZE       SIZE in bytes
//	package      NAME VERSION               NAME as PEP 503 normalises it; VERSION - in a waiver: all of them
//	upstream     VERDICT sha256:HEX CAUSE*  VERDICT bytes, content or differs; causes ascending
//	root         NUMBER sha256:DOCUMENT sha256:SIGNATURES
//	time until uploaded                     2026-11-22T14:00:00Z
//	supersedes entries                      decimal, without leading zero or sign; supersedes is not 0, where root 0 is
//	failed criteria rule                    a word of lower-case letters, digits, hyphens
//	target project revision version log    a word without space
//	reason                                  any printable ASCII, at most 1,000 bytes
//
// # Worked bytes
//
// One statement of each kind; "aaaa..." stands for 64 hex digits. The file
// testdata/kinds.txt has them in full, and the tests read and write it.
//
//	wheellock/v1 source
//	file markupsafe-3.0.2.tar.gz sha256:bbbb... 20537
//	log wheels.example.org
//	package markupsafe 3.0.2
//	time 2026-11-22T14:00:00Z
//	uploaded 2024-11-22T14:00:00Z
//
//	wheellock/v1 upstream
//	file markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl sha256:aaaa... 27190
//	log wheels.example.org
//	package markupsafe 3.0.2
//	time 2026-11-22T14:00:00Z
//
//	wheellock/v1 build
//	evidence sha256:eeee...
//	failed not-reproducible
//	log wheels.example.org
//	package markupsafe 3.0.2
//	recipe sha256:cccc...
//	source sha256:bbbb...
//	target focal
//	time 2026-11-22T14:00:00Z
//
//	wheellock/v1 lock
//	lock sha256:1111...
//	log wheels.example.org
//	project client
//	revision v1.2.3-4-gabcdef
//	time 2026-11-22T14:00:00Z
//
//	wheellock/v1 review
//	criteria read-whole-diff
//	criteria safe-to-run
//	from sha256:2222...
//	log wheels.example.org
//	package markupsafe 3.0.2
//	source sha256:bbbb...
//	time 2026-11-22T14:00:00Z
//
//	wheellock/v1 waiver
//	log wheels.example.org
//	package markupsafe -
//	reason release day; read by two people on paper
//	rule reviews
//	time 2026-11-22T14:00:00Z
//	until 2026-12-22T14:00:00Z
//
//	wheellock/v1 publish
//	file sha256sums.txt sha256:3333... 4096
//	log wheels.example.org
//	time 2026-11-22T14:00:00Z
//
//	wheellock/v1 withdraw
//	file markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl sha256:aaaa... 27190
//	log wheels.example.org
//	package markupsafe 3.0.2
//	reason built on a compromised machine
//	target bookworm
//	time 2026-11-22T14:00:00Z
//
//	wheellock/v1 prune
//	file markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl sha256:aaaa... 27190
//	file markupsafe-3.0.2.tar.gz sha256:bbbb... 20537
//	log wheels.example.org
//	time 2026-11-22T14:00:00Z
//
//	wheellock/v1 release
//	file client-1.2.3.tar.gz sha256:4444... 1
//	log wheels.example.org
//	project client
//	revision 1.2.3@b0f1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9
//	time 2026-11-22T14:00:00Z
//	version 1.2.3
//
//	wheellock/v1 artifact
//	file client_1.2.3+bookworm_all.deb sha256:5555... 0
//	lock sha256:1111...
//	log wheels.example.org
//	project client
//	target bookworm
//	time 2026-11-22T14:00:00Z
//	version 1.2.3
//
//	wheellock/v1 index
//	entries 42
//	index sha256:6666...
//	log wheels.example.org
//	time 2026-11-22T14:00:00Z
//
//	wheellock/v1 root
//	log wheels.example.org
//	root 1 sha256:7777... sha256:8888...
//	time 2026-11-22T14:00:00Z
package record

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// MaxLeaf is the largest leaf in bytes, signature included: what the
	// two-byte length of an entry bundle can say.
	MaxLeaf = 65535
	// MaxFields is the largest number of lines after the first.
	MaxFields = 1000

	magic      = "wheellock/v1 "
	timeLayout = "2006-01-02T15:04:05Z"
)

// ErrMalformed is wrapped by every error about a text that is not a statement.
var ErrMalformed = errors.New("malformed statement")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// A Field is one line after the first.
type Field struct{ Key, Value string }

// A Statement is a checked statement: its kind and its lines in canonical
// order. Make one with [Parse] or from the struct of its kind.
type Statement struct {
	kind   string
	fields []Field
	text   string // what the fields spell
}

// newStatement sorts the fields and checks everything.
func newStatement(kind string, fields []Field) (*Statement, error) {
	for _, f := range fields {
		// Before the parser sees it: a line break in a value would be lines.
		if !validKey(f.Key) || !validValue(f.Value) {
			return nil, fmt.Errorf("making a %s statement: %w", kind, malformed("the value of %s: %q", f.Key, f.Value))
		}
	}
	sortFields(fields)
	s := &Statement{kind: kind, fields: fields}
	// Through the parser: what cannot be read is never made.
	back, err := Parse(s.spell())
	if err != nil {
		return nil, fmt.Errorf("making a %s statement: %w", kind, err)
	}
	return back, nil
}

// Parse reads a statement's text (without signature), strictly: the returned
// statement's Text gives the same bytes.
func Parse(text []byte) (*Statement, error) {
	if len(text) > MaxLeaf {
		return nil, malformed("%d bytes", len(text))
	}
	whole := string(text)
	body, ok := strings.CutSuffix(whole, "\n")
	if !ok {
		return nil, malformed("no newline at the end")
	}
	first, rest, more := strings.Cut(body, "\n")
	kind, ok := strings.CutPrefix(first, magic)
	if !ok {
		return nil, malformed("does not begin with %q", magic)
	}
	n := strings.Count(body, "\n")
	if n > MaxFields {
		return nil, malformed("%d lines", n+1)
	}
	s := &Statement{kind: kind, fields: make([]Field, 0, n), text: whole}
	for i := 0; more; i++ {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		f, err := parseField(line)
		if err != nil {
			return nil, fmt.Errorf("%w (line %d)", err, i+2)
		}
		if i > 0 && !less(s.fields[i-1], f) {
			return nil, malformed("lines are not in ascending order (line %d)", i+2)
		}
		s.fields = append(s.fields, f)
	}
	return s, check(s)
}

func parseField(line string) (Field, error) {
	key, value, ok := strings.Cut(line, " ")
	if !ok || !validKey(key) {
		return Field{}, malformed("not a key and a value")
	}
	if !validValue(value) {
		return Field{}, malformed("the value of %s", key)
	}
	return Field{key, value}, nil
}

func validValue(v string) bool {
	return v != "" && v[0] != ' ' && v[len(v)-1] != ' ' && printable(v)
}

// validKey reports whether s is words of a-z and 0-9 joined by hyphens.
func validKey(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && isWord(s)
}

// isWord reports whether s is words of a-z and 0-9 joined by single hyphens.
func isWord(s string) bool {
	hyphen := true // as if one stood before and after
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-' && !hyphen:
			hyphen = true
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			hyphen = false
		default:
			return false
		}
	}
	return !hyphen
}

func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// less orders lines by key, lines of one key by value. As no key holds a
// character below the space, this is also the order of the whole lines.
func less(a, b Field) bool {
	if a.Key != b.Key {
		return a.Key < b.Key
	}
	return a.Value < b.Value
}

// Kind returns the kind's name.
func (s *Statement) Kind() string { return s.kind }

// Text returns the statement's bytes.
func (s *Statement) Text() []byte { return []byte(s.text) }

func (s *Statement) spell() []byte {
	var b strings.Builder
	b.WriteString(magic + s.kind + "\n")
	for _, f := range s.fields {
		b.WriteString(f.Key + " " + f.Value + "\n")
	}
	return []byte(b.String())
}

// Fields returns the lines after the first, in order.
func (s *Statement) Fields() []Field { return append([]Field(nil), s.fields...) }

// Get returns the value of a key's first line, or "" if there is none.
func (s *Statement) Get(key string) string {
	for _, f := range s.fields {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// All returns the values of all lines of a key, in order.
func (s *Statement) All(key string) []string {
	var all []string
	for _, f := range s.fields {
		if f.Key == key {
			all = append(all, f.Value)
		}
	}
	return all
}

// Role returns who may make statements of this kind.
func (s *Statement) Role() string { return kinds[s.kind].role }

// Log returns the origin of the log that the statement is for.
func (s *Statement) Log() string { return s.Get("log") }

// Time returns when the statement was made, in UTC to the second.
func (s *Statement) Time() time.Time { return timeOf(s.Get("time")) }

// Package returns the normalised name and the version of the package that the
// statement is about; both are "" for kinds that are about none.
func (s *Statement) Package() (name, version string) {
	name, version, _ = strings.Cut(s.Get("package"), " ")
	return name, version
}
