"""A PEP 517 build backend of one file, for tests.

It packs one package folder into a wheel whose bytes are a function of the
sources, SOURCE_DATE_EPOCH and nothing else, so that a program in another
language can make the same wheel bit for bit: entries are stored (compressors
differ), sorted, dated in UTC, with the modes 0644.

Metadata is the sdist's PKG-INFO, byte for byte. Options are lines of
pyproject.toml:

    [tool.smallbuild]
    package = "courier"            # the folder to pack, or a file NAME.py
    tag = "py3-none-any"           # of a pure wheel
    native = "true"                # compile PACKAGE/_native.c with cc
    misbehave = "hang"             # see MISBEHAVIOURS
    address = "127.0.0.1:1234"     # for misbehave = "network"

It runs on CPython 3.6 and newer and needs nothing but the standard library
(and cc, found on PATH or in CC, for a native package).
"""

import base64
import hashlib
import os
import re
import socket
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
import zipfile

__version__ = "1.1"

# What a build can be told to do wrong, for tests of the sandbox around it.
MISBEHAVIOURS = (
    "nondeterministic",  # random bytes in a file
    "clock",             # the time of the build in a file
    "build-path",        # the folder of the build in a file
    "unsorted",          # a set in a file, in its own order
    "picky",             # a file that differs if both host name and home do
    "network",           # connects to address, and says in a file whether it could
    "hang",              # never returns
    "fork-bomb",         # starts processes until it is refused (2,000 at most)
    "write-outside",     # writes to the home folder, /tmp and the parent of the sources
    "wrong-tag",         # a wheel for another interpreter
    "wrong-name",        # a wheel of another project
    "fail",              # a backend error, with words on stderr
    "exit",              # ends the interpreter with status 0 and no wheel
    "no-wheel",          # names a wheel that it did not write
    "hook-requires",     # asks for a requirement that pyproject.toml does not list
)


def _options():
    """The [tool.smallbuild] table: only `key = "value"` lines (no tomllib on 3.6)."""
    options, inside = {}, False
    with open("pyproject.toml", encoding="utf-8") as f:
        for line in f:
            line = line.strip()
            if line.startswith("["):
                inside = line == "[tool.smallbuild]"
                continue
            m = re.match(r'([a-z-]+)\s*=\s*"([^"]*)"', line)
            if inside and m:
                options[m.group(1)] = m.group(2)
    return options


def _metadata():
    with open("PKG-INFO", "rb") as f:
        data = f.read()
    head = data.decode("utf-8").split("\n\n")[0]
    name = re.search(r"(?m)^Name: (.*)$", head).group(1)
    version = re.search(r"(?m)^Version: (.*)$", head).group(1)
    return data, re.sub(r"[-_.]+", "_", name).lower(), version


def _native_tag():
    soabi = sysconfig.get_config_var("SOABI") or ""
    python = "cp%d%d" % sys.version_info[:2]
    m = re.match(r"cpython-(\d+[a-z]*)", soabi)
    abi = "cp" + m.group(1) if m else "none"
    platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    return "%s-%s-%s" % (python, abi, platform)


def _tag(options):
    if options.get("misbehave") == "wrong-tag":
        return "cp27-cp27mu-linux_x86_64"
    if options.get("native") == "true":
        return _native_tag()
    return options.get("tag", "py3-none-any")


def _wheel_text(tag, pure):
    python, abi, platform = tag.split("-")
    lines = ["Wheel-Version: 1.0", "Generator: smallbuild " + __version__,
             "Root-Is-Purelib: " + ("true" if pure else "false")]
    for p in python.split("."):
        for a in abi.split("."):
            for f in platform.split("."):
                lines.append("Tag: %s-%s-%s" % (p, a, f))
    return ("\n".join(lines) + "\n").encode("utf-8")


def _sources(package):
    """name in the wheel -> bytes"""
    files = {}
    if os.path.isfile(package):
        with open(package, "rb") as f:
            return {os.path.basename(package): f.read()}
    for folder, dirs, names in os.walk(package):
        dirs[:] = [d for d in dirs if d != "__pycache__"]
        for name in names:
            path = os.path.join(folder, name)
            if not name.endswith((".c", ".so")):
                with open(path, "rb") as f:
                    files[path.replace(os.sep, "/")] = f.read()
    return files


def _compile(package, files):
    """Compile into a folder of our own, so that no object stays in the sources."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    with tempfile.TemporaryDirectory() as tmp:
        out = os.path.join(tmp, "_native" + suffix)
        cmd = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-g0",
               "-o", out, package + "/_native.c"]
        print("smallbuild:", " ".join(cmd))
        sys.stdout.flush()
        subprocess.check_call(cmd)
        with open(out, "rb") as f:
            files[package + "/_native" + suffix] = f.read()


def _misbehave(what, options, files, package):
    note = None
    if what == "nondeterministic":
        note = base64.b16encode(os.urandom(8)).decode()
    elif what == "clock":
        note = repr(time.time())
    elif what == "build-path":
        note = os.getcwd()
    elif what == "unsorted":
        note = " ".join({"word%d" % n for n in range(40)})
    elif what == "picky":
        note = "%s" % (os.uname().nodename != "build" and os.environ.get("HOME") != "/nonexistent")
    elif what == "network":
        note = _call_home(options.get("address", "127.0.0.1:9"))
    elif what == "hang":
        while True:
            time.sleep(3600)
    elif what == "fork-bomb":
        note = _fork_bomb()
    elif what == "write-outside":
        note = _write_outside()
    elif what == "fail":
        sys.stderr.write("smallbuild: told to fail: the flux is not ready\n")
        raise RuntimeError("told to fail")
    elif what == "exit":
        os._exit(0)
    if note is not None:
        print("smallbuild: %s: %s" % (what, note))
        if what not in ("network", "fork-bomb", "write-outside"):
            files[package + "/note.txt"] = (note + "\n").encode("utf-8")


def _call_home(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError as e:
        return "refused (%s)" % e.__class__.__name__
    return "connected"


def _fork_bomb():
    """Bounded, so that a test that runs it without a sandbox harms nobody for long."""
    children = []
    try:
        for _ in range(2000):
            pid = os.fork()
            if pid == 0:
                time.sleep(20)
                os._exit(0)
            children.append(pid)
    except OSError as e:
        return "refused after %d (%s)" % (len(children), e.__class__.__name__)
    finally:
        for pid in children:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    return "started %d" % len(children)


def _write_outside():
    told = []
    for folder in (os.path.expanduser("~"), "/tmp", "..", "/etc"):
        path = os.path.join(folder, "smallbuild-was-here")
        try:
            with open(path, "w") as f:
                f.write("written by a build\n")
            told.append("%s: written" % folder)
        except OSError as e:
            told.append("%s: refused (%s)" % (folder, e.__class__.__name__))
    return ", ".join(told)


def _date():
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    t = int(epoch) if epoch else int(time.time())
    return max(time.gmtime(t)[:6], (1980, 1, 1, 0, 0, 0))


def _hash(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def get_requires_for_build_wheel(config_settings=None):
    options = _options()
    if options.get("misbehave") == "hook-requires":
        return [options.get("address") or "ident>=2"]
    return []


def get_requires_for_build_sdist(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    data, name, version = _metadata()
    options = _options()
    folder = "%s-%s.dist-info" % (name, version)
    os.mkdir(os.path.join(metadata_directory, folder))
    pure = options.get("native") != "true"
    for file, content in (("METADATA", data), ("WHEEL", _wheel_text(_tag(options), pure))):
        with open(os.path.join(metadata_directory, folder, file), "wb") as f:
            f.write(content)
    return folder


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    data, name, version = _metadata()
    options = _options()
    package = options["package"]
    tag = _tag(options)
    pure = options.get("native") != "true"
    what = options.get("misbehave", "")

    files = _sources(package)
    if not pure:
        _compile(package, files)
    if what:
        _misbehave(what, options, files, package)
    if what == "wrong-name":
        name = "impostor"

    info = "%s-%s.dist-info/" % (name, version)
    entries = sorted(files.items())
    entries.append((info + "METADATA", data))
    entries.append((info + "WHEEL", _wheel_text(tag, pure)))
    record = "".join("%s,sha256=%s,%d\n" % (n, _hash(d), len(d)) for n, d in entries)
    record += info + "RECORD,,\n"
    entries.append((info + "RECORD", record.encode("utf-8")))

    wheel = "%s-%s-%s.whl" % (name, version, tag)
    if what == "no-wheel":
        return wheel
    date = _date()
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_STORED) as z:
        for n, d in entries:
            zinfo = zipfile.ZipInfo(n, date)
            zinfo.create_system = 3
            zinfo.external_attr = (0o100755 if n.endswith(".so") else 0o100644) << 16
            z.writestr(zinfo, d)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    _, name, version = _metadata()
    root = "%s-%s" % (name, version)
    out = os.path.join(sdist_directory, root + ".tar.gz")
    with tarfile.open(out, "w:gz", format=tarfile.USTAR_FORMAT) as t:
        t.add(".", root)
    return root + ".tar.gz"
