package build

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

//go:embed driver.py
var driver string

// job is what driver.py reads.
type job struct {
	Backend     string   `json:"backend"`
	BackendPath []string `json:"backend_path"`
	Path        string   `json:"path"` // the build path
	Out         string   `json:"out"`
	Umask       string   `json:"umask"`
	Config      settings `json:"config"`   // PEP 517 config_settings, null: none
	Reverse     bool     `json:"reverse"`  // the source's folders list their files in another order
	Metadata    bool     `json:"metadata"` // answer with METADATA, not with a wheel
	Sdist       bool     `json:"sdist"`    // make a source archive, not a wheel
}

// settings has a text for one value and a list for several, as front ends give them.
type settings map[string]any

func settingsOf(config map[string][]string) settings {
	if len(config) == 0 {
		return nil
	}
	s := settings{}
	for k, values := range config {
		if s[k] = values; len(values) == 1 {
			s[k] = values[0]
		}
	}
	return s
}

// reply is one line of what driver.py writes.
type reply struct {
	Requires *[]string `json:"requires"`
	Wheel    string    `json:"wheel"`
	Metadata string    `json:"metadata"`
	Size     int64     `json:"size"`
}

var errReply = errors.New("the build's answer is malformed")

// receive reads the driver's answers. onRequires is called with what the backend
// still asks for; its error ends the build. The wheel is written into dir.
func receive(r io.Reader, dir string, onRequires func([]string) error) (wheel string, err error) {
	b := bufio.NewReaderSize(r, 1<<16)
	for asked := false; ; asked = true {
		line, err := readLine(b)
		if err == io.EOF {
			return "", io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
		var m reply
		if err := json.Unmarshal(line, &m); err != nil {
			return "", errReply
		}
		switch {
		case m.Requires != nil && !asked: // once: a build could go on for ever
			if err := onRequires(*m.Requires); err != nil {
				return "", err
			}
		case m.Metadata != "":
			path := filepath.Join(dir, "METADATA")
			return path, os.WriteFile(path, []byte(m.Metadata), 0o644)
		case m.Wheel != "":
			return saveWheel(b, dir, m)
		default:
			return "", errReply
		}
	}
}

func readLine(b *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, more, err := b.ReadLine()
		if err != nil {
			return nil, err
		}
		if line = append(line, part...); len(line) > MaxHookReply {
			return nil, errReply
		}
		if !more {
			return line, nil
		}
	}
}

func saveWheel(r io.Reader, dir string, m reply) (string, error) {
	if m.Wheel != filepath.Base(m.Wheel) || strings.HasPrefix(m.Wheel, ".") || !strings.HasSuffix(m.Wheel, ".whl") && !strings.HasSuffix(m.Wheel, ".tar.gz") {
		return "", errReply
	}
	if m.Size <= 0 || m.Size > MaxWheel {
		return "", fmt.Errorf("the wheel has %d bytes, the most is %d", m.Size, MaxWheel)
	}
	path := filepath.Join(dir, m.Wheel)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	if _, err := io.CopyN(f, r, m.Size); err != nil {
		f.Close()
		os.Remove(path)
		return "", err
	}
	// Whatever follows was not announced.
	if n, _ := io.CopyN(io.Discard, r, 1); n != 0 {
		f.Close()
		os.Remove(path)
		return "", errReply
	}
	return path, f.Close()
}
