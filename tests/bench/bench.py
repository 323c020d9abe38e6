"""What the programs of this folder that measure have in common."""

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

import lab  # noqa: E402

BYTES_EACH = 8000  # of disk for a seeded notification, the write-ahead log included, with room to spare
MIB = 1024 * 1024


class Trouble(Exception):
    """Something that makes the numbers worthless, in words."""


def tell(text):
    """How far it is, for a person who waits."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def row(what, value="", remark=""):
    tell("")
    print(f"{what:<50} {value:>12}  {remark}".rstrip(), flush=True)


def run(program, *arguments, code=0, **options):
    """A program of the build folder; its output as text."""
    path = lab.helper(program) if "/" in program else os.path.join(lab.BUILD, program)
    p = subprocess.run([path, *map(str, arguments)], stdout=subprocess.PIPE, text=True, **options)
    if p.returncode != code:
        raise Trouble(f"{program} {' '.join(map(str, arguments))} ended with {p.returncode}: {p.stdout}")
    return p.stdout


def cpu_us(pid):
    """Processor time of all its threads so far, by the clock that clock_getcpuclockid(3) gives."""
    return time.clock_gettime_ns(~pid << 3 | 2) / 1000


def memory(pid):
    """(RssAnon, all of it) in MiB."""
    with open(f"/proc/{pid}/status") as f:
        fields = dict(line.split(":", 1) for line in f)
    return tuple(int(fields[name].split()[0]) / 1024 for name in ("RssAnon", "VmRSS"))


def files_open(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Bench(lab.Lab):
    """A rehearsal without hooks, and with room for many connections from one address."""

    def __init__(self, hooks=""):
        super().__init__()
        self.configure(lambda text: text[:text.index('hook "print"')].replace(
            "listen {\n", 'listen {\n\tmax_connections = 4096\n\tmax_connections_per_address = 4096\n\trequest_deadline = "5m"\n') +
            hooks)

    def seed(self, n, *options):
        free = shutil.disk_usage(self.folder).free
        if free < n * BYTES_EACH:
            raise Trouble(f"{self.folder} has {free // MIB} MiB free, and {n} notifications need {n * BYTES_EACH // MIB} MiB: "
                          "name another folder in TMPDIR, or take fewer")
        tell(f"seeding {n}")
        run("tests/bench/seed", *options, self.database, n)

    def commits(self):
        """How many transactions there were: a counter in the head of the index of the write-ahead log."""
        with open(self.database + "-shm", "rb") as f:
            return struct.unpack("@3I", f.read(12))[2]

    def load(self, count, connections, *options, code=0, pid=None, to=()):
        """ipn-simulate load of so many; what it tells, and what they cost `pid` (ipnd)."""
        tell(f"load: {count} over {connections} connections")
        pid = pid or self.daemons["ipnd"].pid
        # The messages are signed first, which costs ipnd nothing.
        cpu, commits = cpu_us(pid), self.commits() if not to else 0
        load = json.loads(run("ipn-simulate", "load", "--config", self.config, "--connections", connections, "--count", count,
                              "--json", *to, *options, code=code, stderr=subprocess.DEVNULL))
        load["cpu_us"] = (cpu_us(pid) - cpu) / count
        load["batch"] = count / max(1, self.commits() - commits) if not to else 0
        if load["delivered"] != count:
            raise Trouble(f"of {count} only {load['delivered']} were delivered: {load}")
        return load

    def hold(self, n):
        """So many TLS connections, each of which has posted a message and stays open. Close them by what this returns."""
        body = json.dumps(self.envelope(lab.inner())).encode()
        head = f"POST /ipn HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        context, port, held = self.tls(), self.port(), contextlib.ExitStack()
        for i in range(n):
            if i % 50 == 0:
                tell(f"connection {i} of {n}")
            plain = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=lab.PATIENCE))
            s = held.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
            s.sendall(head.encode() + body)
            if not s.recv(4096).startswith(b"HTTP/1.1 200"):
                raise Trouble("a message on a held connection was not answered with 200")
        return held


def alternate(homes, count, connections, times=3):
    """The same load on each in turn, some times, since a machine is not equally quick all the time: the median ones."""
    loads = [[] for _ in homes]
    for _ in range(times):
        for home, taken in zip(homes, loads):
            taken.append(home.load(count, connections))
    return [sorted(taken, key=lambda load: load["per_second"])[len(taken) // 2] for taken in loads]


@contextlib.contextmanager
def answering(home):
    """floor-answer as a process: (pid, URL)."""
    command = ["setpriv", "--pdeathsig", "KILL", lab.helper("tests/bench/floor-answer"), home.config]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as p:
        try:
            yield p.pid, p.stdout.readline().strip()
        finally:
            p.kill()


def main(function):
    """Runs it; whatever happens, no process and no folder is left."""
    lab.take_lines()
    lab.adopt_orphans()
    try:
        missing = [p for p in lab.PROGRAMS if not os.path.exists(os.path.join(lab.BUILD, p))]
        if missing:
            raise Trouble(f"{lab.BUILD} has no {', '.join(missing)}: build first, or name the folder in top_builddir")
        function()
        return 0
    except (Trouble, AssertionError, lab.Skip) as trouble:
        tell("")
        print(f"{os.path.basename(sys.argv[0])}: {trouble}", file=sys.stderr)
        return 1
    finally:
        lab.end_all()
