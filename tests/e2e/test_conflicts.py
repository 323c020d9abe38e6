"""ipnctl conflicts: what is held is listed, a person decides, hooks hear of it; who may not decide is told who may."""

import contextlib
import json
import os
import sqlite3

from lab import Lab, capture_xml, case, check, equal, inner, wait_for
from test_order import minute, order

CAPTURE = "S01-1111111-2222222-C00000"
MEMBER_UID, GROUP = 65503, 65502  # of the group that may read


def tell(lab, *documents):
    for kind, xml in documents:
        equal(lab.send(lab.envelope(inner(xml, NotificationType=kind))).status, 200, "post")


def capture(number, state, at):
    return "PaymentCapture", capture_xml(CAPTURE + str(number), state, updated=at)


def held_capture(lab, number):
    """A capture that is Completed, and that Amazon then says was declined. Returns the number of the conflict."""
    tell(lab, capture(number, "Completed", minute(1)), capture(number, "Declined", minute(2)))
    return lab.one("SELECT id FROM fact WHERE object_id = ? AND place IS NULL", CAPTURE + str(number))


def conflicts(lab, *arguments):
    return [json.loads(line) for line in lab.ctl("conflicts", "--json", *arguments).stdout.splitlines()]


def state(lab, number):
    return lab.one("SELECT state FROM capture WHERE capture_id = ?", CAPTURE + str(number))


@case("conflicts: an accepted one changes the state beside a live ipnd, and ipn-hookd wakes and runs its hook")
def accept():
    with Lab() as lab:
        lab.start()
        lab.start("ipn-hookd")
        check("none" in lab.ctl("conflicts", code=1).stderr, "nothing is held")
        n = held_capture(lab, 1)
        row = conflicts(lab)[0]
        equal({k: row[k] for k in ("id", "object_type", "object_id", "state", "at", "current_state", "decision")},
              {"id": n, "object_type": "capture", "object_id": CAPTURE + "1", "state": "Declined", "at": minute(2),
               "current_state": "Completed", "decision": None}, "row")
        equal(row["held_since"], lab.one("SELECT created_at FROM event WHERE name = 'notification.conflict'"), "held since")
        equal(row["message_id"], lab.one("SELECT message_id FROM notification WHERE verdict = 'conflict'"), "message")
        table = lab.ctl("conflicts").stdout
        for word in (str(n), "capture", CAPTURE + "1", "Declined", "Completed", "2026-01-02 03:02", row["message_id"]):
            check(word in table, f"{word} is not in {table}")
        wait_for("the hook has run on all", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state = 'done'") == 2)
        said = lab.ctl("conflicts", "accept", str(n)).stdout
        for word in ("Completed -> Declined", "capture.declined", "ipn-hookd now runs", "ipnctl explain " + CAPTURE + "1"):
            check(word in said, f"{word} is not in {said}")
        equal(state(lab, 1), "Declined", "state")
        # well before ipn-hookd would look by itself, which is every 5 s
        wait_for("the hook hears of it", lambda: lab.rows(
            "SELECT 1 FROM hook_run JOIN event ON id = event_id WHERE name = 'capture.declined' AND hook_run.state = 'done'"), 4)
        equal(lab.rows("SELECT accepted, from_state, to_state FROM transition WHERE accepted"), [(1, "Completed", "Declined")],
              "transition")
        lab.ctl("conflicts", code=1)
        check("accepted it already" in lab.ctl("conflicts", "accept", str(n), code=1).stderr, "once only")
        check("accepted it already" in lab.ctl("conflicts", "dismiss", str(n), code=1).stderr, "not taken back")
        tell(lab, capture(2, "Completed", minute(1)))  # ipnd goes on


@case("conflicts: a dismissed one is listed by --all only, and can be accepted after all; with both daemons stopped")
def dismiss():
    with Lab() as lab:
        lab.start()
        numbers = [held_capture(lab, i) for i in (1, 2)]
        lab.stop()
        before = lab.dump()
        done = json.loads(lab.ctl("conflicts", "dismiss", str(numbers[0]), "--json").stdout)
        equal((done["decision"], done["previous_state"], done["current_state"], done["events"], done["conflicts_left"]),
              ("dismissed", "Completed", "Completed", [], 1), "dismissed")
        after = lab.dump()
        equal([name for name in before if before[name] != after[name]], ["fact"], "only the fact changed")
        equal([row["id"] for row in conflicts(lab)], numbers[1:], "listed")
        equal([(row["id"], row["decision"], row["decided_by"]) for row in conflicts(lab, "--all")],
              [(numbers[0], "dismissed", done["decided_by"]), (numbers[1], None, None)], "all")
        check(done["decided_by"] in lab.ctl("conflicts", "--all").stdout, "by whom")
        check("dismissed it already" in lab.ctl("conflicts", "dismiss", str(numbers[0]), code=1).stderr, "once only")
        said = lab.ctl("conflicts", "accept", str(numbers[0])).stdout
        check("Completed -> Declined" in said and "ipn-hookd is not running" in said, said)
        check("1 more" in said, said)
        equal(state(lab, 1), "Declined", "state")
        lab.start("ipn-hookd")  # makes up for it
        wait_for("the hook hears of it", lambda: lab.rows(
            "SELECT 1 FROM hook_run JOIN event ON id = event_id WHERE name = 'capture.declined' AND hook_run.state = 'done'"))


@case("conflicts: an accepted state that is history already changes no state; what it turns into a conflict is told")
def accepted_history():
    with Lab() as lab:
        lab.start()
        one, two = "S01-1111111-2222222", "S01-3333333-4444444"
        tell(lab, order(one, "Closed", minute(1)), order(one, "Suspended", minute(2)), order(one, "Closed", minute(3)))
        n = conflicts(lab)[0]["id"]
        done = json.loads(lab.ctl("conflicts", "accept", str(n), "--json").stdout)
        equal((done["previous_state"], done["current_state"]), ("Closed", "Closed"), "still closed")
        equal([e["name"] for e in done["events"] if not e["late"]], ["order_reference.closed"], "closed once more")
        equal([e["name"] for e in done["events"] if e["late"]], ["order_reference.suspended"], "late")
        # once Canceled is accepted, the Closed after it cannot follow
        tell(lab, order(two, "Closed", minute(1)), order(two, "Canceled", minute(2)), order(two, "Closed", minute(3)))
        n = conflicts(lab)[0]["id"]
        done = json.loads(lab.ctl("conflicts", "accept", str(n), "--json").stdout)
        equal((done["previous_state"], done["current_state"]), ("Closed", "Canceled"), "canceled")
        equal([e["name"] for e in done["events"]], ["order_reference.canceled", "notification.conflict"], "events")
        equal((done["conflicts_left"], [row["state"] for row in conflicts(lab)]), (1, ["Closed"]), "newly held")


@case("conflicts: one that a later notification explained is held no more, and there is nothing to decide")
def explained():
    with Lab() as lab:
        lab.start()
        s = "S01-1111111-2222222"
        tell(lab, order(s, "Canceled", minute(2)), order(s, "Closed", minute(3)))
        n = conflicts(lab)[0]["id"]
        tell(lab, order(s, "Closed", minute(1)))
        equal([(row["state"], row["id"] == n) for row in conflicts(lab)], [("Canceled", False)], "the other way round")
        for verb in ("accept", "dismiss"):
            check("not held" in lab.ctl("conflicts", verb, str(n), code=1).stderr, verb)


@case("conflicts: usage 64, no such number 1, no database 69, a locked one 75; nothing is changed then")
def codes():
    with Lab() as lab:
        for arguments in (["accept"], ["dismiss"], ["nonsense"], ["nonsense", "1"], ["accept", "x"], ["accept", "1x"],
                          ["accept", "-1"], ["accept", ""], ["accept", "9" * 30], ["accept", "1", "2"], ["accept", "1", "--all"]):
            p = lab.ctl("conflicts", *arguments, code=64)
            check(p.stdout == "" and p.stderr.startswith("ipnctl: "), f"{arguments}: {p.stdout}{p.stderr}")
        for arguments in ([], ["accept", "1"], ["dismiss", "1"]):
            lab.ctl("conflicts", *arguments, code=69)
        lab.start()
        n = held_capture(lab, 1)
        for verb in ("accept", "dismiss"):
            for number in ("0", str(n + 1), str(2 ** 62)):
                check("no such conflict" in lab.ctl("conflicts", verb, number, code=1).stderr, f"{verb} {number}")
        check("not held" in lab.ctl("conflicts", "accept", str(n - 1), code=1).stderr, "never held")
        lab.stop()
        with contextlib.closing(sqlite3.connect(lab.database, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            p = lab.ctl("conflicts", "accept", str(n), code=75)
            check("try again" in p.stderr and lab.database in p.stderr, p.stderr)
            equal(len(conflicts(lab)), 1, "reading goes on")
            db.execute("ROLLBACK")
        equal(state(lab, 1), "Completed", "state")


@case("conflicts: root becomes the database's owner; a member of the group may look, and is told who may decide (77)")
def permission():
    with Lab() as lab:
        lab.start()
        numbers = [held_capture(lab, i) for i in (1, 2)]
        lab.stop()
        if os.geteuid() != 0:
            return
        os.chmod(lab.folder, 0o755)
        os.chmod(lab.home, 0o755)
        os.chmod(lab.config, 0o644)
        for name in [lab.state] + [os.path.join(lab.state, n) for n in os.listdir(lab.state)]:
            os.chown(name, 65501, GROUP)
        os.chmod(lab.state, 0o2750)
        member = {"user": MEMBER_UID, "group": GROUP, "extra_groups": []}
        check(CAPTURE + "1" in lab.ctl("conflicts", **member).stdout, "a member looks")
        stranger = {"user": 65504, "group": 65504, "extra_groups": []}
        for who in (member, stranger):
            for verb in ("accept", "dismiss"):
                p = lab.ctl("conflicts", verb, str(numbers[0]), code=77, **who)
                check("you may not write it. Its owner" in p.stderr and "root may" in p.stderr, p.stderr)
        equal(lab.rows("SELECT decision FROM fact WHERE decision IS NOT NULL"), [], "nothing decided")
        sudo = dict(os.environ, SUDO_USER="alice")
        equal(json.loads(lab.ctl("conflicts", "accept", str(numbers[0]), "--json", env=sudo).stdout)["decided_by"], "alice", "sudo")
        owner = {"user": 65501, "group": GROUP, "extra_groups": [], "env": sudo}
        done = json.loads(lab.ctl("conflicts", "dismiss", str(numbers[1]), "--json", **owner).stdout)
        equal(done["decided_by"], "uid 65501", "sudo's word counts for root only; this one has no name")
        equal({os.stat(os.path.join(lab.state, n)).st_uid for n in os.listdir(lab.state)}, {65501}, "no file of root's")
        lab.ctl("conflicts", "--all", **member)
