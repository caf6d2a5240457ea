package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

type pipfileEntry struct {
	Version  string          `json:"version"`
	Hashes   []string        `json:"hashes"`
	Markers  string          `json:"markers"`
	Extras   []string        `json:"extras"`
	Index    string          `json:"index"`
	Git      string          `json:"git"`
	Path     string          `json:"path"`
	File     string          `json:"file"`
	Editable json.RawMessage `json:"editable"`
}

// readPipfile reads a Pipfile.lock (pipfile-spec 6): the sections are groups, and
// "default" is main. What stands twice there is an error: JSON takes the last, and
// readers differ.
func readPipfile(file string, data []byte) (*Lock, error) {
	bad := func(line int, msg string) error { return &Error{file, line, msg, "pipenv lock"} }
	if err := twice(data); err != nil {
		return nil, bad(lineAt(data, err), err.Error())
	}
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(data, &sections); err != nil {
		return nil, bad(lineAt(data, err), "it is no JSON: "+err.Error())
	}
	var meta struct {
		Spec    int `json:"pipfile-spec"`
		Sources []struct {
			Name string `json:"name"`
		} `json:"sources"`
	}
	if err := json.Unmarshal(sections["_meta"], &meta); err != nil || sections["_meta"] == nil {
		return nil, bad(0, "it has no _meta; is it a Pipfile.lock?")
	}
	if meta.Spec != 6 {
		return nil, bad(0, fmt.Sprintf("its pipfile-spec is %d; known is 6", meta.Spec))
	}
	l := &Lock{Format: Pipfile, Sources: len(meta.Sources)}
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		if section == "_meta" {
			continue
		}
		var entries map[string]pipfileEntry
		if err := json.Unmarshal(sections[section], &entries); err != nil {
			return nil, bad(0, fmt.Sprintf("section %s: %v", section, err))
		}
		group := section
		if section == "default" {
			group = "main"
		} else {
			l.Groups = append(l.Groups, section)
		}
		for _, name := range slices.Sorted(maps.Keys(entries)) {
			p, err := entries[name].pkg(name)
			if err != nil {
				return nil, bad(0, fmt.Sprintf("%s: %v", name, err))
			}
			p.Groups = []string{group}
			l.Packages = append(l.Packages, p)
		}
	}
	return l, nil
}

func (e pipfileEntry) pkg(name string) (Package, error) {
	p := Package{Name: name, Marker: e.Markers, Extras: e.Extras}
	switch {
	case e.Git != "":
		p.Direct = "git"
	case e.Path != "":
		p.Direct = "path"
	case e.File != "":
		p.Direct = "url"
	default:
		v, ok := strings.CutPrefix(e.Version, "==")
		if !ok || strings.ContainsAny(v, "*, ") {
			return p, fmt.Errorf("%q is no locked version", e.Version)
		}
		p.Version = strings.TrimPrefix(v, "=")
	}
	for _, h := range e.Hashes {
		hex, ok := hash(h)
		if !ok {
			return p, fmt.Errorf("%q is no hash", h)
		}
		p.Files = append(p.Files, File{SHA256: hex})
	}
	return p, nil
}

// A placed error knows where in the file it is.
type placed struct {
	msg string
	at  int64
}

func (e *placed) Error() string { return e.msg }

// twice finds a key that stands twice in one object.
func twice(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	var open []map[string]bool // nil: an array
	key := false               // the next string is a key
	for {
		t, err := dec.Token()
		if err != nil {
			return nil // the end, or what Unmarshal will say
		}
		switch v := t.(type) {
		case json.Delim:
			switch v {
			case '{':
				open = append(open, map[string]bool{})
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
			key = len(open) > 0 && open[len(open)-1] != nil
			continue
		case string:
			if key {
				top := open[len(open)-1]
				if top[v] {
					return &placed{fmt.Sprintf("%q stands twice in one section", v), dec.InputOffset()}
				}
				top[v] = true
				key = false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

func lineAt(data []byte, err error) int {
	at := int64(-1)
	var s *json.SyntaxError
	var p *placed
	if errors.As(err, &s) {
		at = s.Offset
	} else if errors.As(err, &p) {
		at = p.at
	}
	if at < 0 || at > int64(len(data)) {
		return 0
	}
	return bytes.Count(data[:at], []byte("\n")) + 1
}
