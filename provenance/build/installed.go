package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/archive"
)

// compileTime is the most that compiling the modules of one wheel may take.
const compileTime = 2 * time.Minute

// compile writes the bytecode of every module below a folder. Python would make it
// anew in each build, since a build writes into no environment: for setuptools that is
// most of the time of a build. The bytecode is not checked against its source
// (PEP 552): neither ever changes.
const compile = `import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
import compileall, py_compile
compileall.compile_dir(sys.argv[1], quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)`

// sitePackages is where modules lie, below an environment.
func (i *Interpreter) sitePackages() string {
	return filepath.Join("lib", "python"+tagVersion(i.Tag), "site-packages")
}

// installed returns a folder that holds one build requirement as it is to lie below
// /env, its modules compiled. It is made once for a wheel and an interpreter.
func (b *Builder) installed(ctx context.Context, i *Interpreter, r Requirement) (string, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "wheellock-wheel/v1\n%s\n%s\n%s\n%s\n%s\n", i.Root, i.Image, i.Path, i.Full, r.SHA256))
	root := filepath.Join(b.Cache, "wheel")
	return made(root, hex.EncodeToString(key[:16]), func(dir string) error {
		site, bin := filepath.Join(dir, i.sitePackages()), filepath.Join(dir, "bin")
		err := archive.Install(r.Path, archive.Scheme{
			Purelib: site, Platlib: site, Scripts: bin, Data: dir, Interpreter: "/env/bin/python",
		})
		if err != nil {
			return fmt.Errorf("installing build requirement %s %s: %w", r.Name, r.Version, err)
		}
		b.compile(ctx, i, dir)
		return ctx.Err()
	})
}

// compile compiles what lies in an environment, in a sandbox: what the compiler reads
// is somebody's. Where it does not work, builds are slower, no more.
func (b *Builder) compile(ctx context.Context, i *Interpreter, dir string) {
	if i.Image != "" || b.Bwrap == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, compileTime)
	defer cancel()
	args := []string{"--unshare-all", "--unshare-user", "--cap-drop", "ALL", "--die-with-parent", "--new-session"}
	args = append(args, folders(i.Root)...)
	args = append(args, i.prefixFolders()...)
	args = append(args, "--dev", "/dev", "--tmpfs", "/tmp", "--bind", dir, "/env", "--remount-ro", "/",
		"--", i.Path, "-I", "-S", "-c", compile, filepath.Join("/env", i.sitePackages()))
	cmd := exec.CommandContext(ctx, b.Bwrap, args...)
	cmd.Env = []string{"LANG=C.UTF-8"}
	_ = cmd.Run()
}

// made returns root/name, which fill makes if it is not there. It appears whole: a
// folder that says "complete" has been renamed to its name. Two processes may make
// the same one; the rename of the second loses.
func made(root, name string, fill func(dir string) error) (string, error) {
	dir := filepath.Join(root, name)
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		return dir, nil
	}
	if err := durable.MkdirAll(root, 0o700); err != nil {
		return "", err
	}
	work, done, err := WorkDir(root, ".new-")
	if err != nil {
		return "", err
	}
	defer done()
	temp := filepath.Join(work, name)
	if err := os.Mkdir(temp, 0o755); err != nil {
		return "", err
	}
	if err := fill(temp); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(temp, "complete"), nil, 0o644); err != nil {
		return "", err
	}
	for n := 0; ; n++ {
		err := os.Rename(temp, dir)
		if _, late := os.Stat(filepath.Join(dir, "complete")); late == nil {
			return dir, nil
		}
		if err == nil || n == 1 {
			return "", err
		}
		// A half-made folder under that name: ours takes its place.
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
}

// linkTree puts the files below from into to, by hard links where the file system
// can. A file that is there already must have the same bytes, as two wheels may
// share a namespace package's __init__.py; else *fs.PathError with fs.ErrExist.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || rel == "complete" {
			return err
		}
		at := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(at, 0o755)
		}
		switch err = os.Link(path, at); {
		case err == nil:
			return nil
		case errors.Is(err, fs.ErrExist):
			if same, err := sameBytes(path, at); err != nil || same || strings.HasSuffix(at, ".pyc") {
				return err
			}
			return &fs.PathError{Op: "install", Path: rel, Err: fs.ErrExist}
		}
		data, err := os.ReadFile(path) // a file can have 65,000 links, and some file systems none
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(at, data, info.Mode().Perm())
	})
}

func sameBytes(a, b string) (bool, error) {
	x, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	y, err := os.ReadFile(b)
	return bytes.Equal(x, y), err
}
