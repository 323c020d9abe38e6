"""What the steps of tests/system/run use: the Debian tree, the package, the booted machine, visitors of its port."""

import concurrent.futures
import contextlib
import ctypes
import encodings.idna  # noqa: F401  # in the machine's namespaces no module can be loaded any more
import glob
import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(SOURCE, "build", "system")
TREE = os.path.join(BUILD, "root")
BOOT = os.path.join(SOURCE, "tests", "system", "boot")
PATIENCE = 60
BUILD_PACKAGE = "dpkg-buildpackage -us -uc -b"
# As an ordinary server has them: what boots, and what ipnd depends on, so that nothing is downloaded later.
PACKAGES = ("systemd", "dbus", "ca-certificates", "procps", "libconfuse2", "libcurl4", "libgnutls30", "libjansson4",
            "libmicrohttpd12", "libsqlite3-0", "libssl3", "libsystemd0", "libxml2")
MMDEBSTRAP = ["mmdebstrap", "--variant=apt", "--include=" + ",".join(PACKAGES),
              "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/ipnd/*",
              "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/share/man/*",
              "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Languages "none"',
              '--customize-hook=echo "127.0.0.1 localhost" >"$1/etc/hosts"', "bookworm"]


class BuildFailed(Exception):
    pass


def note(text):
    for line in str(text).splitlines():
        print("# " + line, flush=True)


def check(good, what):
    if not good:
        raise AssertionError(what)


def equal(got, expected, what):
    check(got == expected, f"{what}: got {got!r}, expected {expected!r}")


def wait_for(what, probe, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if probe():
            return
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def command(name, *arguments, **options):
    """Runs it with its output in BUILD/NAME.log, whose end is in the failure."""
    with open(os.path.join(BUILD, name + ".log"), "w+") as log:
        if subprocess.run(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **options).returncode:
            log.seek(0)
            raise BuildFailed(f"{' '.join(arguments)} failed:\n" + "\n".join(log.read().splitlines()[-40:]))


def make_tree():
    """Once: it stays until it is to have other packages."""
    recipe, made = " ".join(MMDEBSTRAP), os.path.join(BUILD, "root.made")
    with contextlib.suppress(FileNotFoundError), open(made) as f:
        if f.read() == recipe:
            return
    note("making a Debian tree; this is done once")
    for old in (TREE, TREE + ".new"):
        shutil.rmtree(old, ignore_errors=True)
    command("tree", *MMDEBSTRAP, TREE + ".new")
    os.rename(TREE + ".new", TREE)
    with open(made, "w") as f:
        f.write(recipe)


def source_files():
    names = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=SOURCE, capture_output=True, text=True, check=True).stdout.split("\0")
    return [n for n in names if n and os.path.exists(os.path.join(SOURCE, n))]


def package_file(pattern="ipnd_*.deb"):
    return next(iter(glob.glob(os.path.join(BUILD, pattern))), None)


def make_package():
    """Built from the files of the checkout as they are, as ipnd_VERSION_ARCHITECTURE.deb in BUILD, when it is older than they."""
    files = source_files()
    newest = max(os.path.getmtime(os.path.join(SOURCE, n)) for n in files if not n.startswith("tests/"))
    if package_file() and os.path.getmtime(package_file()) > newest:
        return
    note("building the package")
    folder = os.path.join(BUILD, "ipnd")
    shutil.rmtree(folder, ignore_errors=True)
    for old in glob.glob(os.path.join(BUILD, "ipnd*_*")):
        os.unlink(old)
    for name in files:
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(os.path.join(SOURCE, name), target)
    command("package", *BUILD_PACKAGE.split(), cwd=folder,
            env=dict(os.environ, DEB_BUILD_OPTIONS=f"nocheck noautodbgsym parallel={os.cpu_count()}"))


def make_all():
    """The tree and the package, beside each other."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(make_tree), pool.submit(make_package)]:
            future.result()


def newer_package():
    """The same package under a higher version, as the next release would be. Returns its content."""
    folder = tempfile.mkdtemp(dir=BUILD)
    try:
        tree, result = os.path.join(folder, "tree"), os.path.join(folder, "newer.deb")
        command("newer", "dpkg-deb", "-R", package_file(), tree)
        control = os.path.join(tree, "DEBIAN", "control")
        with open(control) as f:
            text = f.read()
        with open(control, "w") as f:
            f.write(re.sub(r"^(Version: .*)$", r"\1+next", text, flags=re.M))
        command("newer", "dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, result)
        with open(result, "rb") as f:
            return f.read()
    finally:
        shutil.rmtree(folder)


def cannot_boot():
    """Why no tree can be booted on this machine, in words; None: it can."""
    if os.geteuid() != 0:
        return "needs root, to boot a tree in namespaces"
    missing = [p for p in ("mmdebstrap", "dpkg-buildpackage", "dh", "nsenter", "git") if not shutil.which(p)]
    if missing:
        return f"there is no {', '.join(missing)}; script/packages build system installs it"
    if not os.path.exists(os.path.join(SOURCE, ".git")):
        return "the package is built from a checkout with git, and this is none"
    group = f"ipnd-probe-{os.getpid()}"
    probe = subprocess.run([BOOT, "--probe", group], capture_output=True, text=True)
    remove_group(group)
    if probe.returncode:
        return "this machine allows no namespaces with mounts: " + (probe.stderr.strip().splitlines() or ["?"])[-1]
    return None


def remove_group(group):
    for base in ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"):
        for _ in range(50):
            for folder, _, _ in os.walk(os.path.join(base, group), topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
            if not os.path.exists(os.path.join(base, group)):
                break
            time.sleep(0.1)


class Machine:
    """The booted tree."""

    def __init__(self):
        self.group = f"ipnd-system-{os.getpid()}"
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([BOOT, TREE, self.group],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self.init = None

    def boot(self):
        def up():
            if self.process.poll() is not None:
                self.log.seek(0)
                raise AssertionError("the tree does not boot: " + self.log.read().decode(errors="replace"))
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
                self.init = int((f.read().split() or [0])[0])
            return self.init and self.run("systemctl", "is-system-running", code=None).stdout.strip() == "running"

        wait_for("the tree boots", up)

    def end(self):
        self.process.kill()
        self.process.wait()
        remove_group(self.group)

    def run(self, *arguments, code=0, stdin=None):
        p = subprocess.run(["nsenter", "-t", str(self.init), "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", "env", "-i",
                            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", *arguments],
                           input=stdin, capture_output=True, text=stdin is None or isinstance(stdin, str), timeout=4 * PATIENCE)
        if code is not None and p.returncode != code:
            raise AssertionError(f"{arguments}: exit {p.returncode}, not {code}: {p.stdout} {p.stderr}")
        return p

    def write(self, path, content, mode="0644"):
        self.run("sh", "-c", f"cat >{path} && chmod {mode} {path}", stdin=content)

    def ctl(self, *arguments, code=0):
        return self.run("systemctl", *arguments, code=code)

    def show(self, unit, name):
        return self.ctl("show", "-P", name, unit).stdout.strip()

    def pid(self, unit="ipnd.service"):
        """Of its main process, as the machine outside numbers it."""
        inside = self.show(unit, "MainPID")
        with contextlib.suppress(OSError):
            for entry in os.listdir("/proc"):
                if entry.isdigit():
                    with contextlib.suppress(OSError), open(f"/proc/{entry}/status") as f:
                        ids = re.search(r"^NSpid:\t\d+\t(\d+)$", f.read(), re.M)
                        if ids and ids.group(1) == inside and os.readlink(f"/proc/{entry}/ns/pid") == os.readlink(
                                f"/proc/{self.init}/ns/pid"):
                            return int(entry)
        return 0

    def journal(self, unit="ipnd.service"):
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout

    def entries(self, *matches):
        """The journal's entries that match, each a dict of its fields."""
        self.run("journalctl", "--sync")
        return [json.loads(line) for line in self.run("journalctl", "--no-pager", "-o", "json", *matches).stdout.splitlines()]

    def sql(self, statement, *values):
        """The rows, as a person's sqlite3 would give them as root."""

        def ask():
            with contextlib.closing(sqlite3.connect("/var/lib/ipnd/ipnd.db", timeout=PATIENCE, isolation_level=None)) as db:
                return json.dumps(db.execute(statement, values).fetchall())

        answer = self.in_namespaces(self.init, ask)
        check(answer.startswith("["), answer)
        return json.loads(answer)

    def certificate(self):
        """What the port shows, in PEM."""
        answer = self.in_namespaces(self.init, lambda: ssl.get_server_certificate(("127.0.0.1", 8443)), net=True)
        check(answer.startswith("-----BEGIN"), answer)
        return answer

    def play(self, code=0):
        """A payment of six notifications, over HTTPS. Returns its order reference."""
        p = self.run("ipn-simulate", "play", "one-time", "-c", "/root/rehearsal/ipnd.conf", "--to",
                     "https://localhost:8443/ipn", code=code)
        return re.search(r"S\d\d-\d+-\d+", p.stdout).group()

    def as_member(self, *arguments, code=0):
        return self.run("runuser", "-u", "nobody", "-g", "nogroup", "-G", "ipnd", "--", *arguments, code=code)

    def notifications(self):
        said = self.as_member("ipnctl", "list", "notifications", "--limit", "0", "--json").stdout
        return [json.loads(line) for line in said.splitlines()]

    def rows(self):
        return len(self.notifications())

    def in_namespaces(self, of, function, uid=0, gid=0, net=False):
        """Runs a function in the mount (and network) namespace of a process, as that user. Returns what it returns, as text."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                kinds = ["mnt"] + (["net"] if net else [])
                for fd in [os.open(f"/proc/{of}/ns/{kind}", os.O_RDONLY) for kind in kinds]:
                    if libc.setns(fd, 0) < 0:
                        raise OSError(ctypes.get_errno(), "setns")
                os.setgroups([])
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)
                answer = str(function())
            except BaseException as why:  # noqa: BLE001  # nothing of the parent may run twice
                answer = f"{type(why).__name__}: {why}"
            os.write(write, answer.encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as f:
            answer = f.read()
        os.waitpid(child, 0)
        return answer


class Visitor(threading.Thread):
    """Connects to the port again and again, and asks with GET, which ipnd answers with 405."""

    def __init__(self, machine):
        super().__init__(daemon=True)
        self.machine, self.over = machine, threading.Event()
        self.connected, self.answered, self.refused, self.why = 0, 0, 0, ""

    def run(self):
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/proc/{self.machine.init}/ns/net") as f:  # this thread only
            if libc.setns(f.fileno(), 0) < 0:
                self.why = "setns failed"
                return
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        while not self.over.is_set():
            try:
                plain = socket.create_connection(("127.0.0.1", 8443), timeout=30)
            except OSError as why:
                self.refused += 1
                self.why = str(why)
                time.sleep(0.01)
                continue
            self.connected += 1
            with plain, contextlib.suppress(OSError):  # what was just taken when ipnd ended is closed: SNS comes again
                with context.wrap_socket(plain, server_hostname="localhost") as s:
                    s.sendall(b"GET /ipn HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.answered += s.recv(100).startswith(b"HTTP/1.1 405")

    def __enter__(self):
        self.start()
        wait_for("a first answer", lambda: self.answered or self.why)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(PATIENCE)

    def report(self, what):
        note(f"{what}: {self.connected} connections, {self.answered} answers, {self.refused} refused")
        equal((self.refused, self.why), (0, ""), f"{what}: refused")
        check(self.answered > 10, f"{what}: only {self.answered} answers")
