package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// maxNetrc caps a netrc file.
const maxNetrc = 1 << 20

// machine is an entry of a netrc file.
type machine struct{ host, login, password string }

// readNetrc reads the machine entries of a netrc file. "default" is left out
// on purpose: it would show a password to every host that a page names.
func readNetrc(path string) ([]machine, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxNetrc) {
		return nil, nil // /dev/null and the like: there is none
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading netrc: %w", err)
	}
	return parseNetrc(string(data)), nil
}

func parseNetrc(text string) []machine {
	words := netrcWords(text)
	var out []machine
	var m *machine
	for i := 0; i < len(words); i++ {
		if words[i] == "default" {
			m = nil
			continue
		}
		if i+1 == len(words) {
			break
		}
		value := words[i+1]
		switch {
		case words[i] == "machine":
			out = append(out, machine{host: value})
			m = &out[len(out)-1]
		case words[i] == "login" && m != nil:
			m.login = value
		case words[i] == "password" && m != nil:
			m.password = value
		}
		i++
	}
	return out
}

// netrcWords cuts a netrc file into words, without comments and macros. A word
// in double quotes may hold spaces, and \ before a character takes its meaning,
// as in curl and in Python's netrc.
func netrcWords(text string) (words []string) {
	inMacro := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case inMacro: // a macro ends with an empty line
			inMacro = line != ""
		case strings.HasPrefix(line, "macdef"):
			inMacro = true
		case strings.HasPrefix(line, "#"):
		default:
			words = append(words, fields(line)...)
		}
	}
	return words
}

func fields(line string) (words []string) {
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return words
		}
		if line[0] == '#' && len(words)%2 == 0 { // where a keyword would stand; a password may begin so
			return words
		}
		if line[0] != '"' {
			end := strings.IndexAny(line, " \t")
			if end < 0 {
				end = len(line)
			}
			words, line = append(words, line[:end]), line[end:]
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(line) && line[i] != '"'; i++ {
			if line[i] == '\\' && i+1 < len(line) {
				i++
			}
			b.WriteByte(line[i])
		}
		words, line = append(words, b.String()), line[min(i+1, len(line)):]
	}
}
