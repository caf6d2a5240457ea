# Runs first inside the sandbox, before a line of any package does: puts up the
# walls that only a process can put up around itself, starts the driver inside
# them, waits, and says which headers the compiler read. It must run on every
# Python that wheellock builds for (3.5 and later), with -I and -S.
#
# argv: memory processes disk cpu nice headers program...
# out:  descriptor 4, lines: "landlock ABI WHY" at the start, "header PATH" at the end
import os
import resource
import sys

REPORT = 4
MAX_DEPENDENCIES = 1 << 24
MAX_HEADERS = 20000

# linux/landlock.h
EXECUTE, WRITE, READ, READ_DIR = 1, 2, 4, 8
MAKE_CHAR, MAKE_BLOCK = 1 << 6, 1 << 11
REFER, TRUNCATE, IOCTL = 1 << 13, 1 << 14, 1 << 15
ACCESS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
SCOPES = 3  # abstract unix sockets, signals: none but to processes of this build

# What bubblewrap shows, said a second time. A folder that is not here allows nothing.
FOLDERS = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/env", "/source", "/locale", "/rust", "/cargo", "/proc"]
SCRATCH = ["/build", "/tmp", "/dev/shm"]
DEVICES = ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts"]


def say(lines):
    data = "".join(line.replace("\n", " ") + "\n" for line in lines).encode("ascii", "replace")
    while data:
        data = data[os.write(REPORT, data):]


def limit(kind, value):
    resource.setrlimit(kind, (value, value))


def landlock(prefix):
    """Returns the kernel's version of Landlock and, where it is 0, why."""
    try:
        import ctypes
    except ImportError:
        return 0, "this Python has no ctypes"
    libc = ctypes.CDLL(None, use_errno=True)

    def call(number, *args):
        r = libc.syscall(ctypes.c_long(number), *args)
        if r < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return r

    class Rules(ctypes.Structure):
        _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]

    class Beneath(ctypes.Structure):
        _pack_ = 1
        _fields_ = [("access", ctypes.c_uint64), ("parent", ctypes.c_int32)]

    try:
        abi = call(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    except OSError as e:
        return 0, "the kernel has no Landlock (%s)" % e.strerror
    handled = ACCESS[min(abi, 5)]
    # TCP is left to the network namespace: it counts what is tried, and Landlock does not.
    rules = Rules(handled, 0, SCOPES if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    reading = EXECUTE | READ | READ_DIR
    try:
        fd = call(444, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))

        def allow(path, access):
            try:
                parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                return
            if not os.path.isdir(path):
                access &= EXECUTE | WRITE | READ | TRUNCATE | IOCTL
            try:
                call(445, ctypes.c_int(fd), ctypes.c_int(1), ctypes.byref(Beneath(access & handled, parent)), ctypes.c_uint32(0))
            finally:
                os.close(parent)

        allow("/", READ_DIR)  # tools walk up from the source to see whose it is
        for path in FOLDERS + [os.path.join(prefix, d) for d in ("bin", "lib", "lib64", "include", "share")]:
            allow(path, reading)
        for path in SCRATCH:
            allow(path, handled & ~(MAKE_CHAR | MAKE_BLOCK))
        for name in DEVICES:
            allow("/dev/" + name, WRITE | READ | READ_DIR | TRUNCATE | IOCTL)
        # PR_SET_NO_NEW_PRIVS, which bubblewrap has set already.
        libc.prctl(38, ctypes.c_ulong(1), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
        call(446, ctypes.c_int(fd), ctypes.c_uint32(0))
        os.close(fd)
    except OSError as e:
        return 0, "Landlock refuses its rules (%s)" % e.strerror
    return abi, ""


def headers(path):
    """The files that the compiler names in SUNPRO_DEPENDENCIES: rules of make."""
    try:
        with open(path, "rb") as f:
            text = f.read(MAX_DEPENDENCIES)
    except (IOError, OSError):
        return []
    words = text.replace(b"\\\n", b" ").replace(b":", b" ").split()
    return sorted({w.decode("ascii", "replace") for w in words if w.startswith(b"/") and not w.startswith((b"/build/", b"/tmp/", b"/env/"))})[:MAX_HEADERS]


def main():
    memory, processes, disk, cpu, nice = [int(a) for a in sys.argv[1:6]]
    listed, program = sys.argv[6], sys.argv[7:]
    os.nice(nice)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_AS, memory)
    limit(resource.RLIMIT_NPROC, processes)
    limit(resource.RLIMIT_FSIZE, disk)
    limit(resource.RLIMIT_CPU, cpu)
    abi, why = landlock(sys.prefix)
    say(["landlock %d %s" % (abi, why)])
    pid = os.fork()
    if pid == 0:
        os.close(REPORT)
        os.execv(program[0], program)
    for fd in range(4):
        try:
            os.close(fd)
        except OSError:
            pass
    status = os.waitpid(pid, 0)[1]
    say("header " + h for h in headers(listed))
    os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


main()
