package dropin

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Caps on what comes from outside.
const (
	MaxListSize = 16 << 20 // of a list of checksums
	MaxEntries  = 200_000  // in it
)

// ErrList is wrapped by every error about a list of checksums.
var ErrList = errors.New("malformed list of checksums")

// Entry is one line of a list of checksums.
type Entry struct {
	Name   string // as it stands there
	SHA256 string // lower case
	Line   int
}

// Base is the file's name without folders.
func (e Entry) Base() string { return e.Name[strings.LastIndexByte(e.Name, '/')+1:] }

// ParseList reads a list of checksums. A byte order mark, CRLF, blank lines and
// comments are fine; a line that is neither is an error, which names it.
func ParseList(data []byte) ([]Entry, error) {
	if len(data) > MaxListSize {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrList, MaxListSize)
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, fmt.Errorf("%w: it is not UTF-8 text; write it with sha256sum", ErrList)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	seen := map[string]Entry{}
	var out []Entry
	for n, line := range strings.Split(string(data), "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		e, ok := entry(line)
		if !ok {
			return nil, fmt.Errorf("%w: line %d is not \"SHA256  FILE\"", ErrList, n+1)
		}
		e.Line = n + 1
		if old, twice := seen[e.Name]; twice {
			if old.SHA256 != e.SHA256 {
				return nil, fmt.Errorf("%w: lines %d and %d give %s two hashes", ErrList, old.Line, e.Line, e.Name)
			}
			continue
		}
		if len(out) == MaxEntries {
			return nil, fmt.Errorf("%w: more than %d files", ErrList, MaxEntries)
		}
		seen[e.Name] = e
		out = append(out, e)
	}
	return out, nil
}

func entry(line string) (Entry, bool) {
	if len(line) < 67 || line[64] != ' ' || line[65] != ' ' && line[65] != '*' {
		return Entry{}, false
	}
	if _, err := hex.DecodeString(line[:64]); err != nil {
		return Entry{}, false
	}
	name := strings.TrimPrefix(line[66:], "./")
	bad := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }
	if name == "" || strings.HasPrefix(name, "/") || strings.IndexFunc(name, bad) >= 0 {
		return Entry{}, false
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || part == "." || part == ".." {
			return Entry{}, false
		}
	}
	return Entry{Name: name, SHA256: strings.ToLower(line[:64])}, true
}
