// Package crates brings the Rust crates of a source to a build that has no network:
// each by the hash that the source itself names, fetched before the build begins.
//
// A source with Rust code ships a Cargo.lock, which names every crate with the
// sha256 of its file (https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html):
//
//	[[package]]
//	name = "autocfg"
//	version = "1.5.0"
//	source = "registry+https://..."
//	checksum = "c08606f8..."
//
// So the hash of the sdist, which the lock and the recipe hold, fixes the crates too.
// [Locked] reads the list; [Store.Get] finds the files, by hash: among those kept
// before, in folders (a wheelhouse's crates/), in cargo's own cache, and at last by
// letting cargo fetch them from the registry that it is configured for. [Store.Vendor]
// makes of them the folder that stands in the sandbox at [Home]:
//
//	/cargo/config.toml             takes every registry from the folder, and no network
//	/cargo/crates/NAME-VERSION/    a directory source, as cargo vendor writes it
//
// cargo never sees the source while there is a network. It is run in a made-up package
// that depends on each crate by exact version, in a folder of its own: a source's
// manifests, .cargo/config.toml and rust-toolchain.toml could name programs to be run,
// registries and git repositories to be asked. Fetching runs no build scripts, and
// nothing that it gives is taken but files with the hashes of Cargo.lock.
package crates

import "fmt"

// Limits on what a source may ask for. cryptography has 40 crates, polars 500.
const (
	maxLock   = 8 << 20  // bytes of a Cargo.lock
	maxCrates = 5000     // of one source
	maxLocks  = 16       // files Cargo.lock side by side
	maxCrate  = 64 << 20 // bytes of one crate
	maxDepth  = 8        // folders down to a Cargo.lock
)

// Home is where the folder that Vendor made stands in the sandbox: CARGO_HOME.
const Home = "/cargo"

// A Crate is one that a Cargo.lock names.
type Crate struct {
	Name, Version string
	SHA256        string // of the .crate file
	Source        string // "registry+https://..."
}

func (c Crate) file() string { return c.Name + "-" + c.Version + ".crate" }

// An Error is a finding about the source: its crates cannot be locked, or are not
// what it says.
type Error struct{ Why string }

func (e *Error) Error() string { return e.Why }

func bad(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// A MissingError says that crates cannot be had here and now.
type MissingError struct {
	Why  string
	Ways []string // ways out, a sentence each
}

func (e *MissingError) Error() string { return e.Why }
