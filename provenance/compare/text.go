package compare

import (
	"bytes"
	"fmt"
	"path"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	distInfo = "*.dist-info/"
	dataDir  = "*.data/"
)

// key is a member's name with the wheel's own folders under a common name.
func (s *side) key(name string) string {
	if rest, ok := strings.CutPrefix(name, s.DistInfo+"/"); ok {
		return distInfo + rest
	}
	if rest, ok := strings.CutPrefix(name, s.DataDir+"/"); ok {
		return dataDir + rest
	}
	return name
}

// show is a key for people: METADATA instead of *.dist-info/METADATA.
func show(key string) string {
	if rest, ok := strings.CutPrefix(key, distInfo); ok && !strings.Contains(rest, "/") {
		return rest
	}
	return key
}

// printable keeps a line one line, whatever is in file names or METADATA.
func printable(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != ' ' {
			return '?'
		}
		return r
	}, s)
	if len(clean) > 400 {
		clean = strings.ToValidUTF8(clean[:397], "") + "..."
	}
	return clean
}

// group says which files a fact is about: one name, or the folder that they
// share, or how many.
func group(keys []string) (count, names string) {
	sort.Strings(keys)
	if len(keys) == 1 {
		return "file", keys[0]
	}
	return fmt.Sprintf("%d files", len(keys)), common(keys)
}

// common is the shortest pattern for several sorted keys.
func common(keys []string) string {
	dir := path.Dir(keys[0])
	for dir != "." && !strings.HasPrefix(keys[len(keys)-1], dir+"/") {
		dir = path.Dir(dir)
	}
	if dir != "." {
		return dir + "/*"
	}
	if len(keys) <= 3 {
		return strings.Join(keys, ", ")
	}
	return keys[0] + ", " + keys[1] + ", ..."
}

// firstLine finds the first line in which two texts differ.
func firstLine(a, b []byte) string {
	as, bs := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := 0; ; i++ {
		switch {
		case i >= len(as) || i >= len(bs):
			return fmt.Sprintf("%d != %d lines", len(as), len(bs))
		case !bytes.Equal(as[i], bs[i]):
			return fmt.Sprintf("line %d: %s != %s", i+1, quote(as[i]), quote(bs[i]))
		}
	}
}

func quote(b []byte) string {
	s := strings.TrimSpace(string(b))
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "..."
	}
	return strconv.Quote(s)
}

func isText(b []byte) bool { return len(b) <= MaxText && utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }

func unix(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }
