// Package build makes a wheel from an sdist by its recipe, in a sandbox.
//
// # What a build sees
//
// The sandbox is bubblewrap (https://github.com/containers/bubblewrap), with new
// user, pid, network, ipc, uts and cgroup namespaces, no capabilities and an
// environment that is made from nothing:
//
//	/usr /lib* /bin /sbin    the host's, read-only
//	PREFIX                   of the interpreter, read-only, if it lies elsewhere
//	/rust /cargo             for Rust: a toolchain that is not in /usr, and the crates (package crates)
//	/env                     the build environment: exactly the recipe's build-requires
//	/source                  the unpacked sdist, read-only
//	/build/NAME-VERSION      its copy, the recipe's build-path, where the hooks run
//	/build/out               where the wheel is written
//	/etc                     one user, the linker's cache, alternatives; nothing of the host else
//	/tmp                     empty
//
// /build, /tmp and /dev/shm are memory file systems of limited size, so a build can
// neither fill the host's disk nor leave anything behind; nothing else can be
// written, /proc included. There is no network device but a loopback one, no home,
// no other process to see, no file that was open before, no kernel keyring, no memory
// outside of a file system and of a process (memfd_create, shmget) and no further user
// namespace. The wheel comes back over a pipe.
//
// # Walls and limits
//
// Inside, guard.py runs first, before a line of any package: it sets the resource
// limits and puts up Landlock (https://landlock.io) as a second wall with the same
// rules, where the kernel has it; then it starts the driver, which calls the hooks.
// Outside, a watchdog adds up what all processes of the sandbox take (memory with what
// they wrote, processes and threads, files, output, time without work) every 50 ms,
// and ends them with a word for what they did. Where control groups can be made they
// hold the same limits; the watchdog needs no right but that over its own processes.
// Result.Walls says which of all these stood.
//
// Whatever a build tries on the network fails, and also ends the build, even if it
// takes the refusal in silence: the counters of its own network namespace tell.
//
//	SOURCE_DATE_EPOCH        the recipe's epoch; unset if it has none
//	PATH=/env/bin:/usr/bin:/bin   HOME=/nonexistent   TMPDIR=/tmp
//	LANG=LC_ALL=C.UTF-8   TZ=UTC   PYTHONHASHSEED=0   PYTHONNOUSERSITE=1
//
// and the recipe's env on top. The source's folders list their files by name. Another
// run of the same recipe (Job.Vary) differs in what the recipe does not fix: the
// clock, the zone, the locale, the hash seed, the host name, the user, the home,
// the order of files, the number of processors. The same bytes must come out.
//
// # Where a build can run
//
// A native wheel is bound to the libc that it was linked with, so it is only built
// for a target whose libc is at least as new as this machine's, of the same
// architecture. A pure wheel needs an interpreter of the recipe's version, no
// more.
//
// Where this machine is no such place, a tree may be: the file system of another release of
// its distribution, made by mmdebstrap (Trees), whose /usr, /lib* and /etc files the sandbox
// then shows in place of the host's. Or a container image, run by podman (Engine). Where
// none can be had the error is a *NoPlaceError that names the ways out.
//
// # The toolchain
//
// For native code Result.Toolchain lists the packages of dpkg that the bytes came from:
// of the headers that GCC read (SUNPRO_DEPENDENCIES, which changes nothing of what it
// writes), of the libraries that the modules are linked with (DT_NEEDED) and the links
// that the linker followed, of compiler, assembler and linker. A recipe that names a
// toolchain is only built by exactly that; else the error is a *GoneError.
package build

import "time"

// Limits on one build, of all its processes together. They are far above what real
// packages need (cryptography with Rust: 3 GiB and 6 minutes on two cores), and low
// enough that a build that forks or fills without end is over soon.
const (
	MaxTime      = 60 * time.Minute
	MaxIdle      = 10 * time.Minute // without any processor time used
	MaxCPU       = 2 * time.Hour
	MaxMemory    = 16 << 30 // bytes, and no more than three quarters of what is free, but 4 GiB if the machine has them
	MaxProcesses = 4096
	MaxDisk      = 4 << 30   // bytes of /build, a quarter of the machine's memory at most; half as many of /tmp, an eighth of /dev/shm
	MaxFiles     = 500_000   // in each of them
	MaxOutput    = 256 << 20 // bytes of a build's output; more ends it
	MaxWheel     = 1 << 30   // bytes of a wheel
	MaxLog       = 32 << 20  // bytes of a build's output that are kept
	MaxHookReply = 16 << 20  // bytes of one line from the driver
	MaxAsked     = 256       // requirements that a hook may ask for
)
