"""Hooks that hang, flood, fail, run away or will not end: they harm neither ipn-hookd nor ipnd nor a good hook beside them."""

import contextlib
import os
import re
import signal
import threading
import time

from lab import Lab, capture_xml, case, check, equal, inner, wait_for

EVENTS, PAUSE = 12, 0.5  # so long that the worst of the five has come to its end
OUTPUT_MAX = 65536  # src/hooks/run.h
GROWTH_MAX = 16384  # kB, of a process that reads a gigabyte

BAD = {
    "hangs": "echo $$ >>hangs.pids\nexec sleep 60\n",
    # A daemon: it leaves the group and the session, lives on and holds the output open.
    "leaves": "test -e leaves.pid || setsid sh -c 'echo $$ >leaves.new; mv leaves.new leaves.pid; exec sleep 60' &\n"
              "while ! test -e leaves.pid; do sleep 0.02; done\necho \"$IPN_EVENT_ID left\"\n",
    "floods": "test \"$IPN_EVENT_ID\" = 1 || exit 0\necho begin\nhead -c 1G /dev/zero\necho the end\n",
    "stays": "trap '' TERM\necho $$ >>stays.pids\necho still here\nwhile :; do sleep 0.1; done\n",
    "fails": "exit 1\n",
}


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+) kB", f.read()).group(1))


def descriptors(pid):
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


class Watch(threading.Thread):
    """The most memory that a process was seen with."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.over, self.memory = pid, threading.Event(), resident(pid)
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            self.memory = max(self.memory, resident(self.pid))


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def configure(lab):
    def hook(name, text, settings):
        path = os.path.join(lab.folder, name)
        with open(path, "w") as f:
            f.write(f'#!/bin/sh\ncd "{lab.folder}" || exit 100\n' + text)
        os.chmod(path, 0o755)
        return (f'hook "{name}" {{\n\ton = {{"capture.*"}}\n\trun = {{"{path}"}}\n\tenvironment = any\n\tbackoff = "1s"\n'
                f'\tbackoff_max = "1s"\n\tconcurrency = 1\n{settings}}}\n')

    hooks = [hook(name, text, '\ttimeout = "1s"\n' if name in ("hangs", "stays") else "") for name, text in BAD.items()]
    hooks.append(hook("good", "exit 0\n", ""))
    # One run of each at a time, and room for one of each.
    lab.configure(lambda t: t[:t.index('hook "print"')] + f"hooks {{\n\tconcurrency = {len(hooks)}\n}}\n" + "".join(hooks))


def attempts(lab, name):
    """(exit status, seconds, output) of each that has ended."""
    return lab.rows("SELECT exit_status, (julianday(ended_at) - julianday(started_at)) * 86400, output FROM hook_attempt "
                    "WHERE hook = ? AND exit_status IS NOT NULL ORDER BY started_at", name)


@case("one hook hangs, one leaves a daemon, one prints a gigabyte, one ignores TERM, one fails: a good one runs within a second")
def contained():
    with Lab() as lab:
        configure(lab)
        lab.start()
        hookd = lab.start("ipn-hookd").pid
        wait_for("registered", lambda: lab.one("SELECT count(*) FROM hook WHERE active = 1") == len(BAD) + 1)
        wait_for("the database is open", lambda: lab.database + "-shm" in descriptors(hookd))
        before, watch, answered = resident(hookd), Watch(hookd), []
        for i in range(EVENTS):
            e = lab.envelope(inner(capture_xml(f"S01-{i:07}-2222222-C000001")))
            started = time.monotonic()
            equal(lab.send(e).status, 200, "capture")
            answered.append(time.monotonic() - started)
            time.sleep(PAUSE)
        wait_for("the stubborn one is killed", lambda: attempts(lab, "stays"))
        wait_for("the gigabyte is read", lambda: attempts(lab, "floods"))
        wait_for("good ones", lambda: len(attempts(lab, "good")) == EVENTS)
        watch.over.set()
        watch.join()

        check(max(answered) < 1, f"ipnd answers in time: {max(answered):.2f} s")
        late = lab.rows("SELECT e.id, (julianday(r.updated_at) - julianday(e.created_at)) * 86400 AS took FROM hook_run r "
                        "JOIN event e ON e.id = r.event_id WHERE r.hook = 'good' AND (r.state <> 'done' OR took > 1)")
        equal(late, [], "good runs that ended late")

        status, seconds, _ = attempts(lab, "hangs")[0]
        check((status, 0.999 <= seconds < 4) == (128 + signal.SIGTERM, True), f"hangs: {status} after {seconds} s")
        status, seconds, output = attempts(lab, "stays")[0]
        check((status, 6 <= seconds < 10, output) == (128 + signal.SIGKILL, True, "still here\n"), f"stays: {status} after {seconds} s")
        check(len(attempts(lab, "leaves")) >= EVENTS - 1, f"a daemon's output is not waited for: {len(attempts(lab, 'leaves'))} runs")
        equal(attempts(lab, "leaves")[0][::2], (0, "1 left\n"), "leaves")
        check(len(attempts(lab, "fails")) >= 4 and {a[0] for a in attempts(lab, "fails")} == {1}, "fails, and is tried again")
        equal(lab.rows("SELECT DISTINCT hook FROM hook_run WHERE state = 'dead'"), [], "given up")

        size, tail = lab.rows("SELECT length(CAST(output AS BLOB)), substr(output, -9) FROM hook_attempt WHERE hook = 'floods' "
                              "AND event_id = 1")[0]
        check(OUTPUT_MAX - 3 <= size <= OUTPUT_MAX and tail.endswith("the end\n"), f"kept of the gigabyte: {size} bytes, {tail!r}")
        check(watch.memory < before + GROWTH_MAX, f"memory of ipn-hookd: {before} kB at first, {watch.memory} kB at most")

        with open(os.path.join(lab.folder, "leaves.pid")) as f:
            daemon = int(f.read())
        check(lives(daemon), "the daemon is alive, or nothing was tested")
        with contextlib.suppress(ProcessLookupError):
            os.kill(daemon, signal.SIGKILL)
        # Three at most are still tried, each with a pipe for its input and one for its output.
        wait_for("no pipe is left open", lambda: sum(f.startswith("pipe:") for f in descriptors(hookd)) <= 3 * 2, 5)
        lab.kill("ipn-hookd")
        for name in ("hangs", "stays"):
            with open(os.path.join(lab.folder, name + ".pids")) as f:
                pids = [int(p) for p in f.read().split()]
            for pid in pids[len(attempts(lab, name)):]:  # what ran when we killed ipn-hookd
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            equal([p for p in pids[:len(attempts(lab, name))] if lives(p)], [], f"what is left of {name}")
