"""backup, restore, prune: what is kept, what comes back, and what goes."""

import contextlib
import glob
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time

from lab import BUILD, Lab, Skip, capture_xml, case, check, equal, inner, wait_for


def send(lab, number, **changes):
    xml = capture_xml(capture_id=f"S01-1111111-{number:07}-C000001", **changes)
    equal(lab.send(lab.envelope(inner(xml))).status, 200, "sent")


def ask(path, sql):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()


def change(lab, sql, *values):
    """As the owner may, with the daemons stopped, and without taking the files of the log away."""
    keep = sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True)
    keep.execute("SELECT 1 FROM notification").fetchall()
    with contextlib.closing(sqlite3.connect(lab.database)) as db, db:
        db.execute(sql, values)
    keep.close()


def left(path):
    return sorted(os.path.basename(p) for p in glob.glob(path + "*"))


@case("keep: a backup beside a writing ipnd is of one moment, whole, one file; an existing one is not overwritten")
def backup():
    with Lab() as lab:
        lab.ctl("backup", os.path.join(lab.folder, "none"), code=69)
        lab.start()
        for i in range(5):
            send(lab, i)
        stop = threading.Event()
        numbers = iter(range(100, 100000))

        def write():
            while not stop.is_set():
                send(lab, next(numbers))

        writer = threading.Thread(target=write)
        writer.start()
        copy = os.path.join(lab.folder, "copy.db")
        try:
            said = json.loads(lab.ctl("backup", copy, "--json").stdout)
        finally:
            stop.set()
            writer.join()
        equal(left(copy), ["copy.db"], "one file")
        equal(os.stat(copy).st_mode & 0o777, 0o640, "mode")
        equal(ask(copy, "PRAGMA integrity_check"), [("ok",)], "whole")
        equal(ask(copy, "PRAGMA journal_mode"), [("delete",)], "needs no log")
        rows = ask(copy, "SELECT id, message_id, raw FROM notification ORDER BY id")
        check(len(rows) >= 5, "rows")
        equal(rows, lab.rows("SELECT id, message_id, raw FROM notification WHERE id <= ? ORDER BY id", rows[-1][0]), "rows")
        equal((said["notifications"], said["bytes"]), (len(rows), os.path.getsize(copy)), "said")
        equal(said["last_event"], ask(copy, "SELECT max(id) FROM event")[0][0], "last event")
        check("--force" in lab.ctl("backup", copy, code=64).stderr, "what to write")
        equal(len(ask(copy, "SELECT id FROM notification")), len(rows), "untouched")
        lab.stop()
        lab.ctl("backup", copy, "--force")
        equal(ask(copy, "SELECT count(*) FROM notification")[0][0], lab.one("SELECT count(*) FROM notification"), "all, stopped")
        lab.ctl("backup", lab.database, "--force", code=64)
        lab.ctl("backup", lab.folder, code=64)
        lab.ctl("backup", os.path.join(lab.folder, "no", "where"), code=66)
        lab.ctl("backup", code=64)
        equal(left(copy), ["copy.db"], "nothing else")


@case("keep: a backup that is interrupted leaves nothing behind; one that finds no room says so")
def interrupted():
    with Lab() as lab:
        lab.start()
        send(lab, 1)
        lab.stop()
        change(lab, "UPDATE notification SET raw = CAST(zeroblob(50000000) AS TEXT)")
        copy = os.path.join(lab.folder, "copy.db")
        p = subprocess.Popen([os.path.join(BUILD, "ipnctl"), "-c", lab.config, "backup", copy], stderr=subprocess.PIPE, text=True)
        wait_for("it writes", lambda: any(os.path.getsize(f) for f in glob.glob(copy + ".*")))
        p.send_signal(signal.SIGTERM)
        said = p.communicate(timeout=30)[1]
        equal((p.returncode, "interrupted" in said, left(copy)), (75, True, []), said)
        p = subprocess.run(["bash", "-c", "trap '' XFSZ; ulimit -f 1000; exec \"$@\"", "-", os.path.join(BUILD, "ipnctl"), "-c",
                            lab.config, "backup", copy], capture_output=True, text=True, timeout=30)
        equal((p.returncode, left(copy)), (74, []), p.stderr)


@case("keep: a member of the group makes a backup of its own; root writes where the owner may not")
def member():
    if os.geteuid() != 0:
        raise Skip("needs root")
    with Lab() as lab:
        lab.start()
        send(lab, 1)
        lab.stop()
        for path, mode in ((lab.folder, 0o755), (lab.home, 0o755), (lab.config, 0o644)):
            os.chmod(path, mode)
        for name in [lab.state] + [os.path.join(lab.state, n) for n in os.listdir(lab.state)]:
            os.chown(name, 65501, 65502)
        os.chmod(lab.state, 0o2750)
        before = {n: os.stat(os.path.join(lab.state, n)).st_uid for n in os.listdir(lab.state)}
        for uid, name in ((65503, "theirs"), (0, "roots")):
            folder = os.path.join(lab.folder, name)
            os.mkdir(folder, 0o700)
            os.chown(folder, uid, 65502 if uid else 0)
            copy = os.path.join(folder, "copy.db")
            who = {"user": uid, "group": 65502, "extra_groups": []} if uid else {}
            lab.ctl("backup", copy, **who)
            equal((os.stat(copy).st_uid, os.stat(copy).st_mode & 0o777), (uid, 0o640), name)
            equal(ask(copy, "SELECT count(*) FROM notification"), [(1,)], name)
        equal({n: os.stat(os.path.join(lab.state, n)).st_uid for n in os.listdir(lab.state)}, before, "the state folder")
        lab.ctl("backup", os.path.join(lab.folder, "x"), user=65503, group=65502, extra_groups=[], code=77)
        copy = os.path.join(lab.folder, "roots", "copy.db")
        lab.ctl("restore", copy, user=65503, group=65502, extra_groups=[], code=77)
        lab.ctl("prune", user=65503, group=65502, extra_groups=[], code=77)
        lab.ctl("restore", copy)
        st = os.stat(lab.database)
        equal((st.st_uid, st.st_gid, st.st_mode & 0o777), (65501, 65502, 0o640), "as it was")
        equal(lab.one("SELECT count(*) FROM notification"), 1, "restored")
        lab.ctl("list", "notifications", user=65503, group=65502, extra_groups=[])


@case("keep: restore is refused beside a daemon, brings the rows back, keeps the old database, and uses no number again")
def restore():
    with Lab() as lab:
        lab.start()
        send(lab, 1)
        copy = os.path.join(lab.folder, "copy.db")
        lab.ctl("backup", copy)
        send(lab, 2)
        check("stop" in lab.ctl("restore", copy, "--yes", code=75).stderr, "what to type")
        lab.stop()
        lab.start("ipn-hookd")
        wait_for("ipn-hookd", lambda: "ipn-hookd" in lab.ctl("restore", copy, "--yes", code=None).stderr
                 if os.path.exists(os.path.join(lab.state, "ipn-hookd.lock")) else None)
        lab.stop("ipn-hookd")
        rows = lab.rows("SELECT * FROM notification ORDER BY id")
        if len(rows) == 1:  # it was quicker than ipn-hookd
            raise AssertionError("restored beside ipn-hookd")
        check("--yes" in lab.ctl("restore", copy, code=64).stderr, "what to write")
        dry = json.loads(lab.ctl("restore", copy, "--dry-run", "--json").stdout)
        equal((dry["restored"], dry["lacking"], dry["database"]["notifications"], dry["backup"]["notifications"]), (False, 1, 2, 1), "dry")
        equal(lab.rows("SELECT * FROM notification ORDER BY id"), rows, "untouched")
        with contextlib.closing(sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True)) as reader:
            reader.execute("SELECT * FROM event").fetchall()
            lab.ctl("restore", copy, "--yes", code=75)
        equal(lab.rows("SELECT * FROM notification ORDER BY id"), rows, "untouched")
        said = json.loads(lab.ctl("restore", copy, "--yes", "--json").stdout)
        equal(lab.rows("SELECT * FROM notification ORDER BY id"), rows[:1], "back")
        equal(ask(said["kept"], "SELECT count(*) FROM notification"), [(2,)], "kept")
        check("ipnd.db-wal" in left(lab.database) and "ipnd.db-shm" in left(lab.database), "readers find the log")
        equal([n for n in left(lab.database) if "restore" in n], [], "nothing else")
        lab.start()
        lab.start("ipn-hookd")
        send(lab, 3)
        equal(lab.rows("SELECT id FROM event ORDER BY id"), [(1,), (3,)], "no number twice")
        lab.stop("ipn-hookd")
        lab.stop()


@case("keep: restore takes no rubbish, and brings back what is damaged or gone")
def rubbish():
    with Lab() as lab:
        lab.start()
        send(lab, 1)
        lab.stop()
        copy, bad = os.path.join(lab.folder, "copy.db"), os.path.join(lab.folder, "bad.db")
        lab.ctl("backup", copy)
        before = lab.dump()
        with open(copy, "rb") as f:
            whole = f.read()
        for what, data in (("text", b"rubbish\n" * 9000), ("empty", b""), ("cut", whole[:len(whole) // 2]),
                           ("another's", whole[:68] + b"XXXX" + whole[72:]), ("newer", whole[:60] + b"\0\0\1\0" + whole[64:])):
            with open(bad, "wb") as f:
                f.write(data)
            p = lab.ctl("restore", bad, "--yes", code=65)
            check(p.stderr.startswith("ipnctl: "), f"{what}: {p.stderr}")
        with open(bad + "-wal", "wb") as f:
            f.write(b"x")
        check("-wal" in lab.ctl("restore", bad, code=65).stderr, "its log")
        lab.ctl("restore", "/nonexistent", code=66)
        lab.ctl("restore", lab.folder, code=65)
        lab.ctl("restore", code=64)
        equal(lab.dump(), before, "untouched")
        equal([n for n in left(lab.database) if "restore" in n], [], "nothing left")
        with open(lab.database, "wb") as f:
            f.write(b"rubbish\n" * 9000)
        lab.ctl("restore", copy, code=64)
        lab.ctl("restore", copy, "--yes")
        equal(lab.dump()["notification"], before["notification"], "after damage")
        for name in left(lab.database):
            os.unlink(os.path.join(lab.state, name))
        lab.ctl("restore", copy)
        equal(lab.dump()["notification"], before["notification"], "after loss")


def killed_at(lab, copy, call, when):
    inject = f"{call}:signal=KILL:when={when}"
    command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", "inject=" + inject]
    return subprocess.run([*command, os.path.join(BUILD, "ipnctl"), "-c", lab.config, "restore", copy, "--yes"],
                          capture_output=True, timeout=30).returncode


@case("keep: a restore that is killed at any step leaves the old database or the new one, whole")
def killed():
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0:
            return kill_each()
    raise Skip("strace does not work here")


def kill_each():
    with Lab() as lab:
        lab.start()
        send(lab, 1)
        old, new = os.path.join(lab.folder, "old.db"), os.path.join(lab.folder, "new.db")
        lab.ctl("backup", new)
        send(lab, 2)
        lab.ctl("backup", old)
        lab.kill()
        found = set()
        for call in ("link", "unlink", "rename", "fsync", "fdatasync", "fchmod"):
            for when in range(1, 9):
                code = killed_at(lab, new, call, when)
                # As the next writer, who rolls back what SQLite itself was killed at.
                with contextlib.closing(sqlite3.connect(lab.database)) as db:
                    rows = db.execute("SELECT count(*) FROM notification").fetchone()[0]
                    equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], f"{call} {when}")
                check(rows in (1, 2), f"{call} {when}: {rows}")
                found.add(rows)
                if rows == 1:
                    lab.ctl("restore", old, "--yes")
                if code == 0:
                    break
        equal(found, {1, 2}, "both were seen")


@case("keep: prune lets go of old bodies and output, and of nothing else; what is not understood, foreign or held stays whole")
def prune():
    with Lab() as lab:
        lab.start()
        for i in range(3):
            send(lab, i)
        send(lab, 7)
        send(lab, 7, state="Declined", updated="2026-01-03T03:04:05.006Z")
        equal(lab.send(lab.envelope(inner("<Rubbish/>", NotificationType="Unheard"))).status, 200, "unrecognized")
        equal(lab.send(lab.envelope(inner(SellerId="ASOMEBODYELSE"))).status, 200, "foreign")
        lab.stop()
        verdicts = [v for v, in lab.rows("SELECT verdict FROM notification ORDER BY id")]
        equal(verdicts, ["applied"] * 4 + ["conflict", "unrecognized", "foreign"], "verdicts")
        lab.ctl("prune")
        change(lab, "UPDATE notification SET received_at = '2020-01-01T00:00:00.000Z' WHERE id <> 3")
        change(lab, "INSERT INTO hook_run (event_id, hook, account, environment, lane, state, updated_at, output) "
                    "VALUES (1, 'h', 'a', 'live', 'l', 'done', '2020-01-01T00:00:00.000Z', 'last')")
        for n, year in ((1, 2020), (2, time.gmtime().tm_year)):
            change(lab, "INSERT INTO hook_attempt_before (event_id, hook, attempt, ended_at, output) VALUES (1, 'h', ?, ?, 'four')",
                   n, time.strftime(f"{year}-%m-%dT%H:%M:%S.000Z", time.gmtime()))
        before = lab.dump()
        size = lab.one("SELECT sum(length(CAST(raw AS BLOB))) FROM notification WHERE id IN (1, 2)")
        expected = {"bodies": 2, "bodies_bytes": size, "outputs": 1, "outputs_bytes": 4}
        for dry in (True, False):
            said = json.loads(lab.ctl("prune", "--json", *["--dry-run"] * dry).stdout)
            equal({k: said[k] for k in expected}, expected, f"dry {dry}")
            equal(lab.dump() == before, dry, "untouched only by the rehearsal")
        equal([i for i, in lab.rows("SELECT id FROM notification WHERE raw IS NULL ORDER BY id")], [1, 2], "bodies")
        equal(lab.rows("SELECT output FROM hook_attempt_before ORDER BY attempt"), [(None,), ("four",)], "output")
        after = lab.dump()
        for table in set(before) - {"notification", "hook_attempt_before", "hook_attempt"}:
            equal(after[table], before[table], table)
        raw = [name for _, name, *_ in lab.rows("PRAGMA table_info(notification)")].index("raw")
        equal(*(sorted(r[:raw] + r[raw + 1:] for r in d["notification"]) for d in (after, before)), "all but raw")
        lab.ctl("prune")
        lab.configure(lambda t: t.replace("database {", "database {\n\tkeep_raw = \"none\"", 1))
        check("is kept for ever" in lab.ctl("prune").stdout, "keep_raw")
        said = json.loads(lab.ctl("prune", "--json").stdout)
        equal((said["before"], said["bodies"], said["outputs"]), (None, 0, 0), "keep_raw")
        lab.ctl("prune", "x", code=64)
