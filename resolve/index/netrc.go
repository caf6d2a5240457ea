package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// readNetrc reads the machine entries of a netrc file. "default" is left out
// on purpose: it would show a password to every host that a page names.
func readNetrc(path string) ([]Credential, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading netrc: %w", err)
	}
	return parseNetrc(string(data)), nil
}

func parseNetrc(text string) []Credential {
	var words []string
	inMacro := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case inMacro: // a macro ends with an empty line
			inMacro = line != ""
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "macdef"):
			inMacro = true
		default:
			words = append(words, strings.Fields(line)...)
		}
	}
	var out []Credential
	var c *Credential
	for i := 0; i < len(words); i++ {
		if words[i] == "default" {
			c = nil
			continue
		}
		if i+1 == len(words) {
			break
		}
		value := words[i+1]
		switch {
		case words[i] == "machine":
			out = append(out, Credential{Host: value})
			c = &out[len(out)-1]
		case words[i] == "login" && c != nil:
			c.User = value
		case words[i] == "password" && c != nil:
			c.Password = value
		}
		i++
	}
	return out
}
