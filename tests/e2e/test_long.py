"""Long work of ipnctl: how far it is, on a terminal, and Ctrl-C in the middle, which does no harm."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time

from lab import BUILD, PATIENCE, Lab, case, check, equal, inner

ROWS = 30000
OLD = "2020-01-02T03:04:05.006Z"


def fill(lab):
    """As a large shop has it: old bodies, what was not understood, and events of which a hook has run."""
    with contextlib.closing(sqlite3.connect(lab.database)) as db, db:
        db.execute("PRAGMA synchronous = OFF")
        numbers = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
        for verdict, raw in (("applied", "x" * 500), ("unrecognized", json.dumps(lab.envelope(inner(NotificationType="GiftCard"))))):
            db.execute(f"INSERT INTO notification (message_id, account, is_sample, sent_at, received_at, verdict, raw) {numbers}"
                       "SELECT ? || i, 'rehearsal', 0, ?, ?, ?, ? FROM n", (verdict, OLD, OLD, verdict, raw))
        db.execute(f"INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane) {numbers}"
                   "SELECT 'capture.completed', 'capture', 'C' || i, 'rehearsal', 'sandbox', 0, ?, 'C' || i FROM n", (OLD,))
        db.execute("INSERT INTO hook_run (event_id, hook, account, environment, lane, state, attempts, updated_at) "
                   "SELECT id, 'print', account, environment, lane, 'done', 1, created_at FROM event WHERE created_at = ?", (OLD,))
        db.execute("UPDATE hook SET seen_event = (SELECT max(id) FROM event)")


class Started:
    """A program whose stderr is a terminal."""

    def __init__(self, lab, *arguments):
        self.terminal, theirs = os.openpty()
        self.process = subprocess.Popen([os.path.join(BUILD, "ipnctl"), "-c", lab.config, *arguments], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=theirs, text=True)
        os.close(theirs)
        self.said = b""

    def read(self):
        """False at the end."""
        with contextlib.suppress(OSError):
            got = os.read(self.terminal, 4096)
            self.said += got
            return bool(got)
        return False

    def progress(self):
        """Until it has shown how far it is."""
        while b"\r" not in self.said.replace(b"\r\n", b""):
            check(self.read(), f"ended without a word of how far it was: {self.said}")

    def end(self):
        while self.read():
            pass
        os.close(self.terminal)
        out = self.process.communicate(timeout=PATIENCE)[0]
        return self.process.returncode, out, self.said.decode()


def interrupted(lab, *arguments, before=lambda: None):
    """Ctrl-C as soon as it shows how far it is."""
    started = Started(lab, *arguments)
    before()
    started.progress()
    started.process.send_signal(signal.SIGINT)
    code, out, said = started.end()
    equal(code, 75, f"{arguments}: {said} {out}")
    last = said.rstrip().split("\n")[-1]
    check("interrupted; " in last and last.split("\033[K")[-1].startswith("ipnctl: "), f"{arguments}: {said!r}")
    with contextlib.closing(sqlite3.connect(lab.database)) as db:
        equal(db.execute("PRAGMA quick_check").fetchall(), [("ok",)], f"after {arguments}")
    return said


@case("long work: backup, prune, replay, reprocess and ingest show how far they are; Ctrl-C ends them in order, and they go on")
def ctrl_c():
    with Lab() as lab:
        lab.start()
        lab.stop()
        fill(lab)
        copy = os.path.join(lab.folder, "copy.db")
        said = interrupted(lab, "backup", copy)
        check("nothing was changed" in said and "copying" in said, said)
        equal([n for n in os.listdir(lab.folder) if n.startswith("copy.db")], [], "nothing is left behind")
        lab.ctl("backup", copy)

        said = interrupted(lab, "reprocess", "--dry-run")
        check("run this again" in said, said)
        interrupted(lab, "reprocess")
        equal(json.loads(lab.ctl("reprocess", "--json", code=1).stdout)["looked_at"], ROWS, "all of it")

        since = ("replay", "--since", "2020-01-01")
        said = interrupted(lab, *since)
        pending = "SELECT count(*) FROM hook_run WHERE state = 'pending'"
        done = lab.one(pending)
        check(0 < done < ROWS and done % 500 == 0, f"{done}: whole steps")
        check(f"ipnctl replay --since {OLD} --until " in said, said)
        equal(json.loads(lab.ctl(*since, "--json").stdout), {"dry_run": False, "events": ROWS, "waiting": done, "runs": {"print": ROWS - done}},
              "what waits already is left alone")
        equal(lab.one(pending), ROWS, "the rest")

        bodies = "SELECT count(*) FROM notification WHERE verdict = 'applied' AND raw IS NOT NULL"
        said = interrupted(lab, "prune")
        check("what was done stays done" in said, said)
        rest = lab.one(bodies)
        check(0 < rest < ROWS, f"{rest} are left")
        equal(json.loads(lab.ctl("prune", "--json").stdout)["bodies"], rest, "the rest")
        equal(lab.one(bodies), 0, "all")


@case("long work: ingest that waits for its input takes what it has on Ctrl-C")
def ctrl_c_while_waiting():
    with Lab() as lab:
        lab.start()
        lab.stop()
        pipe = os.path.join(lab.folder, "pipe")
        os.mkfifo(pipe)
        messages = [json.dumps(lab.envelope(inner())) + "\n" for _ in range(2)]

        def feed():
            with contextlib.suppress(BrokenPipeError), open(pipe, "w") as f:
                for i in range(10 ** 6):  # the second, then duplicates of the first
                    f.write(messages[i == 0])
                    f.flush()
                    time.sleep(0.002)

        feeder = threading.Thread(target=feed)
        said = interrupted(lab, "ingest", "--lines", pipe, before=feeder.start)
        feeder.join()
        check("run this again: what was taken counts as a duplicate then" in said and "cannot be read" not in said, said)
        taken = lab.one("SELECT count(*) FROM notification")
        check(taken in (1, 2), f"{taken} were taken")
        with open(os.path.join(lab.folder, "all"), "w") as f:
            f.writelines(messages)
        told = json.loads(lab.ctl("ingest", "--lines", "--json", f.name).stdout)
        equal((told["taken"], told["verdicts"]["duplicate"], lab.one("SELECT count(*) FROM notification")), (2, taken, 2), "again")
