package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Rsync is a destination that the program rsync reaches: HOST:PATH over ssh, or
// rsync://HOST/MODULE/PATH. Old files are compared by rsync's own checksums.
type Rsync struct {
	Program string // rsync, or a path to it
	To      string
	Temp    string   // a folder of ours for what is to be sent
	Env     []string // of the program
}

// An RsyncError is a run that failed.
type RsyncError struct {
	Code int // rsync's exit status, -1 if it could not be started
	Text string
	Err  error
}

func (e *RsyncError) Error() string {
	if e.Code < 0 {
		return "running rsync: " + e.Err.Error()
	}
	return fmt.Sprintf("rsync ended with %d: %s", e.Code, e.Text)
}

func (e *RsyncError) Unwrap() error { return e.Err }

// partial is rsync's status where some files could not be transferred, among them
// one that is not there.
const partial = 23

func (d *Rsync) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, d.Program, args...)
	cmd.Env = d.Env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it removes its temporary file
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String(), &RsyncError{exit.ExitCode(), lastLines(errs.String()), err}
	}
	if err != nil {
		return "", &RsyncError{-1, "", err}
	}
	return out.String(), nil
}

// lastLines are the last two that it said, in one.
func lastLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-2):], "; ")
}

func (d *Rsync) at(p string) string { return strings.TrimSuffix(d.To, "/") + "/" + p }

// Read fetches one file.
func (d *Rsync) Read(ctx context.Context, p string, limit int64) ([]byte, error) {
	dir, err := os.MkdirTemp(d.Temp, "read")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	to := filepath.Join(dir, "file")
	_, err = d.run(ctx, "-t", fmt.Sprintf("--max-size=%d", limit), "--", d.at(p), to)
	var no *RsyncError
	if errors.As(err, &no) && no.Code == partial && strings.Contains(no.Text, "No such file") {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(to)
	if err != nil {
		return nil, fmt.Errorf("%s has more than %d bytes, or is no file", p, limit)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", p)
	}
	return os.ReadFile(to)
}

// stage makes a tree of links to what is to be sent, and the list of it.
func (d *Rsync) stage(items []Item) (dir, list string, err error) {
	if dir, err = os.MkdirTemp(d.Temp, "push"); err != nil {
		return "", "", err
	}
	var names strings.Builder
	for _, it := range items {
		to := filepath.Join(dir, "tree", filepath.FromSlash(it.Path))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return dir, "", err
		}
		if it.Source == "" {
			err = os.WriteFile(to, it.Data, 0o644)
		} else {
			err = os.Symlink(it.Source, to)
		}
		if err != nil {
			return dir, "", err
		}
		names.WriteString(it.Path + "\x00")
	}
	list = filepath.Join(dir, "list")
	return dir, list, os.WriteFile(list, []byte(names.String()), 0o600)
}

// send runs rsync over items, each written beside its place and renamed. It returns
// the paths that it sends, or with dry would send.
func (d *Rsync) send(ctx context.Context, items []Item, dry bool) ([]string, error) {
	dir, list, err := d.stage(items)
	if dir != "" {
		defer os.RemoveAll(dir)
	}
	if err != nil {
		return nil, err
	}
	args := []string{"-rtL", "--checksum", "--chmod=D755,F644", "--mkpath", "--from0", "--files-from=" + list, "--out-format=%i %n"}
	if dry {
		args = append(args, "--dry-run")
	}
	out, err := d.run(ctx, append(args, "--", filepath.Join(dir, "tree")+"/", d.at(""))...)
	if err != nil {
		return nil, err
	}
	var sent []string
	for line := range strings.Lines(out) {
		how, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		// "<f" is a file that goes there; "<f..t" or ".f..t" has the same bytes.
		if ok && len(how) > 3 && how[1] == 'f' && (how[2] == 'c' || how[2] == '+' || how[3] == 's') {
			sent = append(sent, name)
		}
	}
	return sent, nil
}

// Missing asks rsync what it would send.
func (d *Rsync) Missing(ctx context.Context, items []Item) ([]Item, error) {
	if len(items) == 0 {
		return nil, nil
	}
	for _, it := range items {
		// What was hashed is what is linked to: rsync reads it later.
		if _, err := it.Content(); err != nil {
			return nil, err
		}
	}
	names, err := d.send(ctx, items, true)
	if err != nil {
		return nil, err
	}
	var out []Item
	for _, it := range items {
		if slices.Contains(names, it.Path) {
			out = append(out, it)
		}
	}
	return out, nil
}

// Send sends items in one run.
func (d *Rsync) Send(ctx context.Context, items []Item) error {
	_, err := d.send(ctx, items, false)
	return err
}

// listed is a line of rsync --list-only about a file.
var listed = regexp.MustCompile(`^-\S+ +[\d,.]+ \d{4}/\d\d/\d\d \d\d:\d\d:\d\d (.+)$`)

// List lists the files below a folder.
func (d *Rsync) List(ctx context.Context, folder string) ([]string, error) {
	out, err := d.run(ctx, "-r", "--list-only", "--no-human-readable", "--", d.at(folder)+"/")
	var no *RsyncError
	if errors.As(err, &no) && no.Code == partial && strings.Contains(no.Text, "No such file") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(out) {
		if m := listed.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
			names = append(names, path.Join(folder, m[1]))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Remove removes files: what is listed and not in the tree is gone there, too.
func (d *Rsync) Remove(ctx context.Context, paths []string) error {
	dir, err := os.MkdirTemp(d.Temp, "gone")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, p := range paths {
		// The folders are there, or rsync calls them vanished.
		if err := os.MkdirAll(filepath.Join(dir, "tree", filepath.FromSlash(path.Dir(p))), 0o755); err != nil {
			return err
		}
	}
	list := filepath.Join(dir, "list")
	if err := os.WriteFile(list, []byte(strings.Join(paths, "\x00")+"\x00"), 0o600); err != nil {
		return err
	}
	_, err = d.run(ctx, "-r", "--delete-missing-args", "--from0", "--files-from="+list, "--", filepath.Join(dir, "tree")+"/", d.at(""))
	return err
}
