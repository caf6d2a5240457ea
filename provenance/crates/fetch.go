package crates

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
)

// fetchTime bounds one run of cargo.
const fetchTime = 15 * time.Minute

// fetch lets cargo put crates into its cache, from the registry that it is configured
// for.
func (s *Store) fetch(ctx context.Context, missing []Crate) error {
	switch {
	case s.Offline:
		return s.absent(missing, "it is not kept here, and --offline forbids to fetch it")
	case s.Cargo == "":
		return s.absent(missing, "cargo, which fetches crates, is not installed")
	}
	s.fetching.Lock()
	defer s.fetching.Unlock()
	def := s.defaultSource(ctx)
	for _, c := range missing {
		if def != "" && c.Source != def {
			// An address that only the source names is not asked.
			return s.absent([]Crate{c}, "it is of a registry that is not cargo's default one ("+c.Source+")")
		}
	}
	dir, err := s.project(missing)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if s.Tell != nil {
		s.Tell(fmt.Sprintf("fetching %d Rust crates with cargo, by the hashes of the source's Cargo.lock", len(missing)))
	}
	out, err := s.run(ctx, dir, "fetch")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return s.refused(missing, out, err)
	}
	return nil
}

// refused tells a registry that gives something else from one that gives nothing.
func (s *Store) refused(missing []Crate, out []byte, err error) error {
	text := said(out, err)
	if strings.Contains(text, "failed to verify the checksum") || strings.Contains(text, "checksum for") {
		return bad("the registry has another file than its Cargo.lock names: %s", text)
	}
	return s.absent(missing, "cargo fetch: "+text)
}

// said is the part of cargo's messages that tells what went wrong.
func said(out []byte, err error) string {
	var lines []string
	for _, line := range strings.Split(string(out), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "Caused by") &&
			(len(lines) > 0 || strings.HasPrefix(line, "error")) {
			lines = append(lines, strings.TrimPrefix(line, "error: "))
		}
	}
	if len(lines) == 0 {
		return err.Error()
	}
	return strings.Join(lines[:min(4, len(lines))], "; ")
}

// defaultSource asks cargo how it names its default registry in a Cargo.lock. It
// needs no network for that.
func (s *Store) defaultSource(ctx context.Context) string {
	s.once.Do(func() {
		if s.Cargo == "" {
			return
		}
		dir, err := s.project([]Crate{{Name: "anything", Version: "1.0.0"}})
		if err != nil {
			return
		}
		defer os.RemoveAll(dir)
		cmd := s.command(ctx, dir, "metadata", "--no-deps", "--format-version", "1")
		out, err := cmd.Output()
		var m struct {
			Packages []struct {
				Dependencies []struct{ Source string }
			}
		}
		if err == nil && json.Unmarshal(out, &m) == nil && len(m.Packages) == 1 && len(m.Packages[0].Dependencies) == 1 {
			s.source = m.Packages[0].Dependencies[0].Source
		}
	})
	return s.source
}

// project makes a package that depends on exactly these crates. It lies in a folder of
// the user's own: cargo reads .cargo/config.toml of the folders above, and in /tmp
// anybody could have put one.
func (s *Store) project(list []Crate) (string, error) {
	if err := durable.MkdirAll(s.Dir, 0o700); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(s.Dir, ".fetch-")
	if err != nil {
		return "", err
	}
	var manifest, lock strings.Builder
	manifest.WriteString("[package]\nname = \"wheellock-vendoring\"\nversion = \"0.0.0\"\nedition = \"2018\"\npublish = false\n\n[lib]\npath = \"lib.rs\"\n\n[dependencies]\n")
	// Without the lock cargo would not take what has been yanked since.
	lock.WriteString("version = 3\n\n[[package]]\nname = \"wheellock-vendoring\"\nversion = \"0.0.0\"\n")
	for n, c := range list {
		fmt.Fprintf(&manifest, "c%d = { package = %q, version = %q, default-features = false }\n", n, c.Name, "="+c.Version)
		if c.Source != "" {
			fmt.Fprintf(&lock, "\n[[package]]\nname = %q\nversion = %q\nsource = %q\nchecksum = %q\n", c.Name, c.Version, c.Source, c.SHA256)
		}
	}
	for name, text := range map[string]string{"Cargo.toml": manifest.String(), "Cargo.lock": lock.String(), "lib.rs": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			os.RemoveAll(dir)
			return "", err
		}
	}
	return dir, nil
}

func (s *Store) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.Cargo, args...)
	cmd.Dir = dir
	cmd.Env = append(append([]string{}, s.Environ...), "CARGO_TERM_COLOR=never", "CARGO_TERM_PROGRESS_WHEN=never")
	if s.Home != "" {
		cmd.Env = append(cmd.Env, "CARGO_HOME="+s.Home)
	}
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

func (s *Store) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	cmd := s.command(ctx, dir, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.Bytes(), err
}
