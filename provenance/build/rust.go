package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/crates"
)

// rustFolder is where a toolchain that is no part of the build's place stands in the
// sandbox. A fixed path: where the user has it may end up in debug information.
const rustFolder = "/rust"

// rustTool is the name of such a toolchain in recipes: "rust 1.95.0+sha256:...".
const rustTool = "rust"

// Rust finds this machine's Rust toolchain. It is safe for concurrent use.
type Rust struct {
	Rustc   string   // path of the program, or of rustup's in its place; "": not installed
	Environ []string // its own: rustup finds toolchains by HOME and RUSTUP_HOME

	once  sync.Once
	found rustc
	err   error
}

// rustc is one toolchain.
type rustc struct {
	sysroot string // holds bin/rustc, bin/cargo and lib
	name    string // "rust 1.95.0+sha256:..."; of what a distribution packaged its packages tell
}

// find asks rustc where it lives. Nothing of a source is run, and nothing is installed.
func (r *Rust) find(ctx context.Context) (rustc, error) {
	r.once.Do(func() {
		var out []byte
		cmd := exec.CommandContext(ctx, r.Rustc, "--print", "sysroot")
		cmd.Dir, cmd.Env = "/", append(slices.Clone(r.Environ), "RUSTUP_AUTO_INSTALL=0")
		if out, r.err = cmd.Output(); r.err != nil {
			r.err = fmt.Errorf("%s does not run: %s", r.Rustc, firstLine(r.err))
			return
		}
		f := rustc{sysroot: strings.TrimSpace(string(out))}
		for _, p := range []string{"rustc", "cargo"} {
			if _, err := os.Stat(filepath.Join(f.sysroot, "bin", p)); err != nil {
				r.err = fmt.Errorf("the Rust toolchain in %s has no %s", f.sysroot, p)
				return
			}
		}
		if f.sysroot != "/usr" {
			f.name, r.err = identify(ctx, f.sysroot)
		}
		r.found = f
	})
	return r.found, r.err
}

func firstLine(err error) string {
	text := err.Error()
	var e *exec.ExitError
	if errors.As(err, &e) && len(e.Stderr) > 0 {
		text = string(e.Stderr)
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	return text
}

// identify names a toolchain by its version and by the bytes of all that compiles:
// programs, their libraries and the standard library. rustup's "stable" is another one
// every six weeks.
func identify(ctx context.Context, sysroot string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(sysroot, "bin", "rustc"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s/bin/rustc does not run: %s", sysroot, firstLine(err))
	}
	words := strings.Fields(string(out))
	if len(words) < 2 {
		return "", fmt.Errorf("%s/bin/rustc says %q", sysroot, out)
	}
	var files []string
	for _, pattern := range []string{"bin/rustc", "bin/cargo", "lib/librustc_driver-*", "lib/libLLVM*", "lib/libstd-*", "lib/rustlib/*/lib/*"} {
		found, _ := filepath.Glob(filepath.Join(sysroot, pattern))
		files = append(files, found...)
	}
	slices.Sort(files)
	sum := sha256.New()
	for _, f := range files {
		one, err := hashFile(f)
		if err != nil {
			return "", err
		}
		rel, _ := filepath.Rel(sysroot, f)
		fmt.Fprintf(sum, "%s %s\n", one, rel)
	}
	return rustTool + " " + words[1] + "+sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// rusty is what a build with Rust code has besides.
type rusty struct {
	tools  rustc  // sysroot "": the place's own, in /usr
	cargo  string // folder that becomes crates.Home
	crates []crates.Crate
	files  map[string]string // of the crates, by hash
}

// usesRust reports whether a recipe's tools compile Rust.
func usesRust(r *lock.Recipe) bool {
	return slices.ContainsFunc(r.BuildRequires, func(b lock.BuildRequire) bool {
		return b.Name == "maturin" || b.Name == "setuptools-rust"
	})
}

// rust prepares toolchain and crates; nil where the source needs none. The errors
// are *NoPlaceError, *GoneError, *Error and those of a file system.
func (b *Builder) rust(ctx context.Context, j Job, i *Interpreter, source string) (*rusty, error) {
	if !usesRust(j.Recipe) || !crates.HasRust(source) {
		return nil, nil
	}
	r := &rusty{}
	var err error
	if r.tools, err = b.rustTools(ctx, j, i); err != nil {
		return nil, err
	}
	if err := rustGone(j, i, r.tools); err != nil {
		return nil, err
	}
	store := b.Crates
	if store == nil {
		store = &crates.Store{Dir: filepath.Join(b.Cache, "crates"), Offline: true}
	}
	if !crates.InSource(source) {
		if r.crates, err = crates.Locked(source); err == nil {
			if want := j.Recipe.Vendored; want != "" && want != "sha256:"+crates.Digest(r.crates) {
				return nil, &Error{Package: j.Name + " " + j.Version, Why: "its source names other crates than the list that its recipe was built with (" + want + ")"}
			}
			r.files, err = store.Get(ctx, r.crates)
		}
	}
	if err == nil {
		r.cargo, err = store.Vendor(ctx, r.crates, r.files)
	}
	var finding *crates.Error
	var missing *crates.MissingError
	switch {
	case errors.As(err, &finding):
		return nil, &Error{Package: j.Name + " " + j.Version, Why: vendoring + finding.Why}
	case errors.As(err, &missing):
		return nil, &NoPlaceError{Target: j.Target.Name, Why: missing.Why, Ways: missing.Ways}
	}
	return r, err
}

// vendoring begins what is wrong with a source's crates.
const vendoring = "its crates cannot be vendored: "

// rustTools picks the toolchain: that of the place where it is of a tree or container
// and has one, else this machine's, which runs in them too: what rustup installs needs
// no newer C library than 2.17.
func (b *Builder) rustTools(ctx context.Context, j Job, i *Interpreter) (rustc, error) {
	if i.Root != "" && within(i.Root, "/usr/bin/rustc") != "" && within(i.Root, "/usr/bin/cargo") != "" {
		return rustc{}, nil
	}
	no := func(why string) error {
		ways := []string{"install Rust: rustup, or apt-get install rustc cargo where that is new enough for the source"}
		if i.Root != "" {
			ways = append(ways, "let the tree have it: [trees."+strings.TrimSuffix(j.Target.Name, archSuffix())+`] packages = ["rustc", "cargo"]`)
		}
		return &NoPlaceError{Target: j.Target.Name, Why: why, Ways: ways}
	}
	if b.Rust == nil || b.Rust.Rustc == "" {
		return rustc{}, no("no Rust here: the source needs rustc and cargo")
	}
	found, err := b.Rust.find(ctx)
	switch {
	case ctx.Err() != nil:
		return rustc{}, ctx.Err()
	case err != nil:
		return rustc{}, no("no Rust here: " + err.Error())
	case found.sysroot != "/usr":
		return found, nil
	case i.Root != "" || i.Image != "":
		return rustc{}, no("no Rust in " + i.place() + ", and this machine's own is part of its /usr")
	}
	return rustc{}, nil
}

// rustGone compares a recipe's toolchain with the one here; packages of a distribution
// are toolchainGone's.
func rustGone(j Job, i *Interpreter, have rustc) error {
	for _, tool := range j.Recipe.Toolchain {
		if strings.HasPrefix(tool, rustTool+" ") && tool != have.name {
			here := have.name
			if here == "" {
				here = "the distribution's"
			}
			return &GoneError{Package: j.Name + " " + j.Version, Place: i.place(), Gone: []string{tool}, Here: []string{here}}
		}
	}
	return nil
}

// args show toolchain and crates in the sandbox.
func (r *rusty) args() []string {
	a := []string{"--ro-bind", r.cargo, crates.Home}
	for _, sub := range []string{"bin", "lib"} {
		if r.tools.sysroot != "" {
			a = append(a, "--ro-bind", filepath.Join(r.tools.sysroot, sub), rustFolder+"/"+sub)
		}
	}
	return a
}

// environ adds what cargo is told by variables.
func (r *rusty) environ(vars []string) []string {
	out := append(slices.Clone(vars), "CARGO_HOME="+crates.Home, "CARGO_NET_OFFLINE=true")
	for n, v := range out {
		if path, ok := strings.CutPrefix(v, "PATH=/env/bin:"); ok && r.tools.sysroot != "" {
			out[n] = "PATH=/env/bin:" + rustFolder + "/bin:" + path
		}
	}
	slices.Sort(out)
	return out
}
