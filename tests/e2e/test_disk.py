"""A disk that is full or broken, and a clock that jumps: 503, no 200 that is lost, and service again by itself."""

import ctypes
import json
import os
import subprocess
import threading

from lab import BUILD, PATIENCE, SOURCE, Clock, Lab, Skip, capture_xml, case, check, equal, inner, take_lines, wait_for
from lab import here, say


class Disk:
    """SQLite's files of the daemons that are started from now on fail as one word says (tests/fault/vfs.c)."""

    def __init__(self, lab):
        library, folder = os.path.join(lab.folder, "vfs.so"), os.path.join(SOURCE, "tests", "fault")
        sources = [os.path.join(folder, name) for name in ("vfs.c", "layer.c")]
        subprocess.run([os.environ.get("CC") or "cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, *sources, "-lsqlite3"],
                       check=True, timeout=PATIENCE)
        self.file = os.path.join(lab.folder, "fault")
        self.fail("")
        lab.prefix = ["env", "LD_PRELOAD=" + library, "IPND_FAULT=" + self.file]

    def fail(self, word):
        with open(self.file + ".new", "w") as f:
            f.write(word)
        os.rename(self.file + ".new", self.file)


def captures(lab, n, group):
    return [lab.envelope(inner(capture_xml(f"S01-{group:07}-2222222-C{i:06}"))) for i in range(n)]


def refused(answer, what):
    equal(answer.status, 503, what)
    check(int(answer.headers.get("retry-after", 0)) > 0, f"{what}: no Retry-After in {answer.headers}")


@case("a disk that is full, does not write or does not sync: 503 until it does, then 200 without a restart")
def faults():
    with Lab() as lab:
        disk = Disk(lab)
        lab.start()
        pid, all_of_them = lab.daemons["ipnd"].pid, []
        for group, word in enumerate(("full", "write", "short", "sync")):
            before, *during = captures(lab, 4, group)
            all_of_them += [before, *during]
            equal(lab.send(before).status, 200, f"{word}: before")
            disk.fail(word)
            for e in during:
                refused(lab.send(e), f"{word}: during")
            if word == "sync":
                refused(lab.send(before), "sync: a duplicate, while nobody knows what is on disk")
            disk.fail("")
            for e in during:
                equal(lab.send(e).status, 200, f"{word}: after")
            equal(lab.send(before).text.strip(), "already stored", f"{word}: what was stored before")
        equal(lab.daemons["ipnd"].pid, pid, "the same process")
        equal(lab.log().count("the database can be written again"), 4, "recoveries in the log")
        lab.stop()
        equal(lab.one("PRAGMA integrity_check"), "ok", "integrity")
        equal({r[0] for r in lab.rows("SELECT message_id FROM notification")}, {e["MessageId"] for e in all_of_them}, "rows")
        equal(lab.one("SELECT count(*) FROM event"), len(all_of_them), "events")


def with_small_disk(function, megabytes):
    """Runs it with a lab whose state folder is a small file system of its own, which only its thread and its processes see."""
    libc, problem, lines = ctypes.CDLL(None, use_errno=True), [], here.lines
    clone_newns, ms_rec_private, mnt_detach = 0x00020000, 0x4000 | 0x40000, 2  # linux/sched.h, sys/mount.h

    def run():
        take_lines()
        try:
            if libc.unshare(clone_newns) or libc.mount(b"none", b"/", None, ms_rec_private, None):
                raise Skip("this user may not make a mount namespace")
            with Lab() as lab:
                if libc.mount(b"none", lab.state.encode(), b"tmpfs", 0, f"size={megabytes}M".encode()):
                    raise Skip("this user may not mount a tmpfs")
                try:
                    function(lab)
                finally:
                    for name in list(lab.daemons):
                        lab.stop(name)
                    libc.umount2(lab.state.encode(), mnt_detach)
        except BaseException as e:  # noqa: BLE001
            problem.append(e)
        lines.extend(here.lines)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if problem:
        raise problem[0]


def fill_and_free(lab):
    answered = set()
    lab.start()
    lab.start("ipn-hookd")
    ballast = os.path.join(lab.state, "ballast")
    first, *rest = captures(lab, 120, 1)
    equal(lab.send(first).status, 200, "while there is room")
    answered.add(first["MessageId"])
    room = os.statvfs(lab.state)
    with open(ballast, "wb") as f:
        f.write(bytes(max(room.f_bavail * room.f_frsize - 400000, 0)))
    statuses = []
    for e in rest:
        a = lab.send(e)
        statuses.append(a.status)
        if a.status == 200:
            answered.add(e["MessageId"])
        else:
            refused(a, "no room")
    check(statuses.count(503) > 10 and statuses.count(200) > 1, f"it was never full, or always: {statuses}")
    os.unlink(ballast)
    wait_for("an answer of 200", lambda: lab.send(rest[-1]).status == 200)
    for e in rest:
        equal(lab.send(e).status, 200, "when there is room again")
    everything = {e["MessageId"] for e in (first, *rest)}
    wait_for("every hook", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state = 'done'") == len(everything))
    equal({r[0] for r in lab.rows("SELECT message_id FROM notification")}, everything, "rows")
    check(answered <= everything, "answers")
    equal(lab.one("SELECT count(*) FROM event"), len(everything), "events")
    equal(lab.one("PRAGMA integrity_check"), "ok", "integrity")
    say(f"{statuses.count(200)} answers of 200 and {statuses.count(503)} of 503 until there was room again")


@case("a file system that is really full: 503, nothing lost, hooks run when there is room again")
def full():
    with_small_disk(fill_and_free, 16)


@case("the clock jumps, under load: nothing is refused within the limits, and what came too early comes again")
def clock():
    with Lab() as lab:
        wrong = Clock(lab, 0)
        lab.start()
        pid, sent = lab.daemons["ipnd"].pid, captures(lab, 12, 1)
        answers = []
        for e, minutes in zip(sent, (0, 10, -10, -14, -16, 0, 60, -60, 14 * 1440, 16 * 1440, -20 * 365 * 1440, 0)):
            wrong.set(minutes * 60)
            answers.append(lab.send(e))
        equal([a.status for a in answers], [200, 200, 200, 200, 503, 200, 200, 503, 200, 403, 503, 200], "answers")
        for a in answers:
            check(a.status != 503 or "retry-after" in a.headers, "503 without Retry-After")
        for e, a in zip(sent, answers):
            if a.status != 200:
                equal(lab.send(e).status, 200, "sent again at the right time")

        record = os.path.join(lab.folder, "record")
        load = subprocess.Popen([os.path.join(BUILD, "ipn-simulate"), "load", "-c", lab.config, "--json", "--count", "400", "--rate",
                                 "200", "--record", record], stdout=subprocess.PIPE, text=True)
        jumps = 0
        while load.poll() is None:
            jumps += 1
            wrong.set((0, 600, -600, 86400 * 14, -840)[jumps % 5])
            threading.Event().wait(0.02)
        result = json.loads(load.communicate()[0])
        equal((result["delivered"], result["refused"], result["sent_again"]), (400, 0, 0), "the load")
        equal(lab.daemons["ipnd"].pid, pid, "the same process")
        wrong.set(0)
        lab.stop()
        with open(record) as f:
            everything = set(f.read().split()) | {e["MessageId"] for e in sent}
        equal({r[0] for r in lab.rows("SELECT message_id FROM notification")}, everything, "rows")
        equal(lab.rows("SELECT id FROM transition t WHERE (SELECT count(*) FROM event e WHERE e.transition_id = t.id) <> 1"), [],
              "transitions that no event tells, or two")
        say(f"{jumps} jumps during the load")
