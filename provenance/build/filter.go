package build

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"
	"syscall"
)

// Numbers of the system calls that a build is refused, by the kernel's name of the
// calling convention (AUDIT_ARCH_*, linux/audit.h): add_key, request_key, keyctl;
// memfd_create, memfd_secret, shmget, and i386's ipc, which is shmget's other door.
var refusedCalls = []struct {
	arch  uint32
	calls []uint32
}{
	{0xc000003e, []uint32{248, 249, 250, 319, 447, 29}},       // x86_64
	{0x40000003, []uint32{286, 287, 288, 356, 447, 395, 117}}, // i386, which an x86_64 process may call too
	{0xc00000b7, []uint32{217, 218, 219, 279, 447, 194}},      // aarch64
	{0x40000028, []uint32{309, 310, 311, 385, 447, 307}},      // arm
}

// callFilter is a program for seccomp(2), as bubblewrap's --seccomp reads it, that
// refuses these calls with EPERM. A kernel keyring is inherited like an open file and
// no namespace hides it: kerberos tickets, disk keys and what keyctl keeps for a login
// session would lie open to a build. And memory that is in no file system and in no
// process's map is counted by a control group alone: where none can be made, a build
// could take all that the machine has. What needs shared memory has /dev/shm.
func callFilter() []byte {
	const (
		load, equal, and, give = 0x20, 0x15, 0x54, 0x06 // BPF_LD|W|ABS, JMP|JEQ|K, ALU|AND|K, RET|K
		offNumber, offArch     = 0, 4                   // of struct seccomp_data
		x32                    = 0x40000000             // the bit that marks x86_64's third convention
		allow, refuse          = 0x7fff0000, 0x00050000 | uint32(syscall.EPERM)
	)
	type step struct {
		Code   uint16
		Jt, Jf uint8
		K      uint32
	}
	program := []step{{load, 0, 0, offArch}}
	for _, a := range refusedCalls {
		n := uint8(len(a.calls))
		// Another convention: over the rest of these steps to the next one.
		program = append(program, step{equal, 0, n + 4, a.arch}, step{load, 0, 0, offNumber}, step{and, 0, 0, ^uint32(x32)})
		for k, call := range a.calls {
			program = append(program, step{equal, n - uint8(k), 0, call})
		}
		program = append(program, step{give, 0, 0, allow}, step{give, 0, 0, refuse})
	}
	program = append(program, step{give, 0, 0, allow})
	var b bytes.Buffer
	// Writing to a buffer does not fail, and the type has a fixed size.
	_ = binary.Write(&b, binary.NativeEndian, program)
	return b.Bytes()
}

// filterPipe returns the end of a pipe from which the filter can be read once.
func filterPipe() (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	if _, err := write.Write(callFilter()); err != nil { // a fraction of what a pipe holds
		read.Close()
		return nil, err
	}
	return read, nil
}

// sealFiles marks every descriptor that this process inherited to be closed when
// another program starts. Go opens its own that way; but what a shell or a CI
// runner left open (a lock, a folder, a socket to an agent) would be handed on to
// the build, and through a folder's descriptor all of the host's files with it.
func sealFiles() {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, f := range fds {
		if n, err := strconv.Atoi(f.Name()); err == nil && n > 2 {
			syscall.CloseOnExec(n)
		}
	}
}
