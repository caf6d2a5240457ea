# Runs inside the sandbox, under guard.py, and calls the hooks of PEP 517. It must
# run on every Python that wheellock builds for (3.5 and later).
#
# in:  stdin, one JSON object (see job in driver.go)
# out: descriptor 3, one JSON object a line; after {"wheel": ...} the wheel's bytes
import importlib
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
import zipfile

OUT = 3
MAX_ANSWER = 1 << 24


def say(obj):
    data = (json.dumps(obj, sort_keys=True) + "\n").encode("ascii")
    while data:
        data = data[os.write(OUT, data):]


def backend(job):
    # PEP 517: in-tree backends are found in backend-path, before all else.
    for path in reversed(job["backend_path"] or []):
        full = os.path.realpath(os.path.join(os.getcwd(), path))
        if os.path.commonpath([full, os.path.realpath(os.getcwd())]) != os.path.realpath(os.getcwd()):
            raise SystemExit("backend-path %s leaves the source" % path)
        sys.path.insert(0, full)
    module, _, attribute = job["backend"].partition(":")
    obj = importlib.import_module(module)
    for name in attribute.split(".") if attribute else []:
        obj = getattr(obj, name)
    return obj


def in_child(work):
    """Each hook gets a process of its own, as in pip and build: a hook may leave
    modules and settings behind that change what the next one writes."""
    # The answer goes into a file, not a pipe: a pipe ends when the last process
    # has closed it, and a hook may leave processes behind.
    with tempfile.TemporaryFile("w+") as answer:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                tempfile._name_sequence = names()
                json.dump(work(), answer)
                answer.flush()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        status = os.waitpid(pid, 0)[1]
        answer.seek(0)
        text = answer.read(MAX_ANSWER)
    if status != 0:
        if os.WIFSIGNALED(status):
            raise SystemExit("the hook was ended by signal %d" % os.WTERMSIG(status))
        raise SystemExit(1)
    if not text:
        raise SystemExit("the hook ended its process without an answer")
    return json.loads(text)


def names():
    """For temporary folders and files: some backends compile in one, and debug
    information has its path (frozenlist, propcache, yarl)."""
    n = 0
    while True:
        n += 1
        yield "%08d" % n


def requires(job, b):
    hook = getattr(b, "get_requires_for_build_" + ("sdist" if job["sdist"] else "wheel"), None)
    return list(hook(job["config"])) if hook else []


def sdist(job, b):
    return b.build_sdist(job["out"], job["config"])


def wheel(job, b):
    return b.build_wheel(job["out"], job["config"], None)


def metadata(job, b):
    hook = getattr(b, "prepare_metadata_for_build_wheel", None)
    if hook:
        path = os.path.join(job["out"], hook(job["out"], job["config"]), "METADATA")
        with io.open(path, encoding="utf-8") as f:
            return f.read()
    # The hook is optional; the wheel has it in any case.
    with zipfile.ZipFile(os.path.join(job["out"], b.build_wheel(job["out"], job["config"], None))) as z:
        name = [n for n in z.namelist() if n.endswith(".dist-info/METADATA")][0]
        return z.read(name).decode("utf-8")


def copy(source, to, reverse):
    """shutil.copytree in a fixed order. What was made last in a memory file system is
    listed first, so that the folders list their files by name, or the other way
    round; those of a disk list them by a hash that differs from disk to disk."""
    os.makedirs(to)
    for name in sorted(os.listdir(source), reverse=not reverse):
        a, b = os.path.join(source, name), os.path.join(to, name)
        if os.path.islink(a):
            os.symlink(os.readlink(a), b)
            shutil.copystat(a, b, follow_symlinks=False)
        elif os.path.isdir(a):
            copy(a, b, reverse)
        else:
            shutil.copy2(a, b)
    shutil.copystat(source, to)


def main():
    os.set_inheritable(OUT, False)
    job = json.loads(io.open(0, encoding="utf-8", closefd=False).read())
    os.umask(int(job["umask"], 8))
    # The source is copied so that a build can write into it, and so that what
    # it writes lands on a file system of limited size.
    copy("/source", job["path"], job["reverse"])
    os.makedirs(job["out"])
    os.chdir(job["path"])
    # python -c has put '' in front; a backend must not find the source by it.
    sys.path[:] = [p for p in sys.path if p not in ("", os.getcwd())]
    # Imported once for all hooks: that is half of what a hook takes.
    b = backend(job)
    say({"requires": in_child(lambda: requires(job, b))})
    if job["metadata"]:
        say({"metadata": in_child(lambda: metadata(job, b))})
        return
    work, kind, end = (sdist, "source archive", ".tar.gz") if job["sdist"] else (wheel, "wheel", ".whl")
    name = in_child(lambda: work(job, b))
    if name != os.path.basename(name) or not name.endswith(end):
        raise SystemExit("the backend returned %r, which is no file name of a %s" % (name, kind))
    with open(os.path.join(job["out"], name), "rb") as f:
        size = os.fstat(f.fileno()).st_size
        say({"wheel": name, "size": size})
        while True:
            data = f.read(1 << 16)
            if not data:
                break
            while data:
                data = data[os.write(OUT, data):]


signal.signal(signal.SIGINT, signal.SIG_DFL)
main()
