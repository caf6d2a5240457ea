package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/mirror"
	"github.com/freedomofpress/wheellock/resolve/index"
)

// library finds locked files by name and hash: in the wheelhouse, else from the
// index. A lock names no address, so any index that has the bytes will do.
type library struct {
	house  mirror.Wheelhouse
	client func() (*index.Client, error)
}

func (s *session) library(ctx context.Context) *library {
	return &library{
		house:  s.house(),
		client: func() (*index.Client, error) { return s.client(ctx) },
	}
}

// get returns the path of a file with exactly that hash. places are paths below
// the wheelhouse where it may lie; the wheelhouse is preferred, since it works
// without a network.
func (l *library) get(ctx context.Context, project, file, hash string, places ...string) (string, error) {
	for _, p := range places {
		if have, err := l.house.Hash(p); err == nil && have == hash {
			return l.house.Path(p), nil
		}
	}
	f, err := l.find(ctx, project, file, hash)
	if err != nil {
		return "", err
	}
	c, err := l.client()
	if err != nil {
		return "", err
	}
	return c.Fetch(ctx, *f)
}

// find asks the index for the address of a locked file.
func (l *library) find(ctx context.Context, project, file, hash string) (*index.File, error) {
	c, err := l.client()
	if err != nil {
		return nil, err
	}
	page, err := c.Page(ctx, project)
	if err != nil {
		return nil, err
	}
	var other *index.File
	for i := range page.Files {
		f := &page.Files[i]
		if f.SHA256 == hash {
			return f, nil
		}
		if strings.EqualFold(f.Name, file) {
			other = f
		}
	}
	if other != nil && other.SHA256 != "" {
		return nil, &index.HashError{File: file, Want: hash, Got: other.SHA256}
	}
	if other != nil {
		// A page without hashes: the bytes decide.
		f := *other
		f.SHA256 = hash
		return &f, nil
	}
	return nil, finding("name an index that has it with --index-url, or put the file into a folder and name it with --find-links",
		"%s of %s (sha256 %s) is neither in the wheelhouse nor on the index", file, project, hash[:12])
}

// house is the project's wheelhouse folder, whether it exists yet or not.
func (s *session) house() mirror.Wheelhouse {
	return mirror.Wheelhouse{Dir: s.inside(s.wheelhouse())}
}

// defaultWheelhouse is where the first verb that needs a wheelhouse makes one.
const defaultWheelhouse = "wheelhouse"

func (s *session) wheelhouse() string {
	if w := s.project.Config.Wheelhouse; w != "" {
		return w
	}
	return defaultWheelhouse
}

// readOnly reports whether the wheelhouse is an address.
func (s *session) readOnly() bool { return strings.Contains(s.wheelhouse(), "://") }

// needFolder returns an error where the wheelhouse cannot be written.
func (s *session) needFolder() error {
	if s.readOnly() {
		return invalid(`set wheelhouse = "wheelhouse" in the configuration, or run it where the folder is`,
			"the wheelhouse %s is an address: it can only be read", s.wheelhouse())
	}
	if info, err := os.Stat(s.house().Dir); err == nil && !info.IsDir() {
		return invalid("remove it, or set another wheelhouse in the configuration", "%s is not a folder", s.wheelhouse())
	}
	return s.noLinks()
}

// houseFolders are the folders that verbs write into, as patterns.
var houseFolders = []string{
	"sdists", "wheels", "wheels/*", "simple", "simple/*", "simple/*/*", "evidence", "locks", "pending",
	"log", "log/*", "log/.state", "log/tile/*", "log/index/*",
}

// noLinks refuses symbolic links in the place of the wheelhouse's folders. A
// checkout may bring such, and a verb would write wherever they lead.
func (s *session) noLinks() error {
	for _, pattern := range houseFolders {
		found, err := filepath.Glob(filepath.Join(globEscape(s.house().Dir), filepath.FromSlash(pattern)))
		if err != nil {
			return err
		}
		for _, f := range found {
			if info, err := os.Lstat(f); err == nil && info.Mode()&os.ModeSymlink != 0 {
				rel, _ := filepath.Rel(s.house().Dir, f)
				return invalid("remove the link", "%s/%s is a symbolic link: nothing is written through it", s.wheelhouse(), filepath.ToSlash(rel))
			}
		}
	}
	return nil
}

// globEscape keeps the characters of a folder's name from being a pattern.
func globEscape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// fileError adds what was being done.
func fileError(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
