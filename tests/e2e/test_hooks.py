"""Hooks that fail, rest, are tried again and are caught up with: ipn-hookd and the verbs hooks, replay and show."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

from lab import Clock, Lab, capture_xml, case, check, equal, inner, wait_for


def hook(lab, name, script, settings='on = {"capture.*"}'):
    path = os.path.join(lab.folder, name)
    if script is not None:
        with open(path + ".new", "w") as f:
            f.write("#!/bin/sh\n" + script)
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)
    return f'hook "{name}" {{\n\t{settings}\n\trun = {{"{path}"}}\n\tenvironment = any\n\tbackoff = "1s"\n\tbackoff_max = "1s"\n}}\n'


def configure(lab, *hooks):
    lab.configure(lambda t: t[:t.index('hook "print"')] + "".join(hooks))


def capture(lab, number, order="1111111", state="Completed", updated="2026-01-02T03:04:05.006Z"):
    xml = capture_xml(f"S01-{order}-2222222-C{number:06}", state=state, updated=updated)
    equal(lab.send(lab.envelope(inner(xml))).status, 200, "capture")


def runs(lab, name):
    return lab.rows("SELECT state, attempts FROM hook_run WHERE hook = ? ORDER BY event_id", name)


@case("a hook whose script is missing rests instead of failing for each event; mended and resumed it runs for all of them")
def breaker():
    with Lab() as lab:
        configure(lab, hook(lab, "missing", None), hook(lab, "other", "exit 0\n"))
        lab.start()
        lab.start("ipn-hookd")
        for i in range(5):
            capture(lab, i, order=f"{i:07}")
        wait_for("the other one runs", lambda: [r[0] for r in runs(lab, "other")] == ["done"] * 5)
        wait_for("paused", lambda: lab.one("SELECT paused_at FROM hook WHERE name = 'missing'"))
        time.sleep(2)
        check(sum(a for _, a in runs(lab, "missing")) <= 4, f"few attempts: {runs(lab, 'missing')}")
        check("is paused" in lab.log("ipn-hookd") and "ipnctl hooks resume missing" in lab.log("ipn-hookd"), "said")
        check("hooks resume missing" in lab.ctl("status").stdout, "in status")
        state = [json.loads(line) for line in lab.ctl("hooks", "--json").stdout.splitlines()]
        equal([(h["name"], bool(h["paused_at"])) for h in state], [("missing", True), ("other", False)], "hooks")
        hook(lab, "missing", "exit 0\n")
        lab.ctl("hooks", "resume", "missing")
        wait_for("all done", lambda: [r[0] for r in runs(lab, "missing")] == ["done"] * 5)
        lab.ctl("hooks", "resume", "missing", code=1)
        equal(lab.rows("SELECT deaths, paused_at FROM hook WHERE name = 'missing'"), [(0, None)], "well again")


@case("ten deaths in a row pause a hook; one that succeeds ends the row; retry --all-dead brings the dead back")
def deaths():
    with Lab() as lab:
        configure(lab, hook(lab, "h", f'test -e "{lab.folder}/good" || exit 1\n', 'on = {"capture.*"}\n\tattempts = 1'))
        lab.start()
        lab.start("ipn-hookd")
        for i in range(12):
            capture(lab, i, order=f"{i:07}")
        wait_for("paused", lambda: lab.one("SELECT paused_at FROM hook"))
        dead = [s for s, _ in runs(lab, "h")].count("dead")
        check(10 <= dead <= 12, f"{dead} dead")
        equal(lab.one("SELECT count(*) FROM event WHERE name = 'hook.dead' AND hook = 'h'"), dead, "told, with the hook's name")
        with open(os.path.join(lab.folder, "good"), "w"):
            pass
        check(f"{dead} runs would be tried again" in lab.ctl("hooks", "retry", "--all-dead", "--dry-run").stdout, "counted")
        check(f"{dead} runs tried again" in lab.ctl("hooks", "retry", "--all-dead").stdout, "tried again")
        lab.ctl("hooks", "resume", "h")
        wait_for("all done", lambda: {s for s, _ in runs(lab, "h")} == {"done"})
        lab.ctl("hooks", "retry", "--all-dead", code=1)
        lab.ctl("hooks", "retry", "x", code=64)
        lab.ctl("hooks", "retry", code=64)


@case("block_on_dead holds up the order's later events until a person has the dead one tried again; the default does not")
def block_on_dead():
    with Lab() as lab:
        script = (f'echo "$IPN_OBJECT_ID" >>"{lab.folder}/$(basename "$0").ids"\n'
                  f'case $IPN_OBJECT_ID in *C000001) test -e "{lab.folder}/good" || exit 100 ;; esac\n')
        configure(lab, hook(lab, "blocks", script, 'on = {"capture.*"}\n\tblock_on_dead = yes'), hook(lab, "goes", script))
        lab.start()
        lab.start("ipn-hookd")
        capture(lab, 1)
        wait_for("dead", lambda: runs(lab, "blocks") == [("dead", 1)])
        capture(lab, 2)
        capture(lab, 3, order="7777777")
        wait_for("the others", lambda: [s for s, _ in runs(lab, "goes")] == ["dead", "done", "done"])
        time.sleep(0.5)
        equal(runs(lab, "blocks"), [("dead", 1), ("pending", 0), ("done", 1)], "the same order waits, another does not")
        with open(os.path.join(lab.folder, "good"), "w"):
            pass
        lab.ctl("hooks", "retry", "1", "--hook", "blocks")
        wait_for("all done", lambda: [s for s, _ in runs(lab, "blocks")] == ["done"] * 3)
        equal(runs(lab, "goes")[0][0], "dead", "of this hook only")
        with open(os.path.join(lab.folder, "blocks.ids")) as f:
            equal([line[-1] for line in f.read().split() if line[-1] != "3"], ["1", "1", "2"], "in order")


@case("every attempt is kept with its output; hooks have their own limit of runs at a time")
def attempts():
    with Lab() as lab:
        script = ('echo "attempt $IPN_ATTEMPT"; test "$IPN_ATTEMPT" = 3\n')
        slow = f'mkdir "{lab.folder}/busy" || exit 100; sleep 0.1; rmdir "{lab.folder}/busy"\n'
        configure(lab, hook(lab, "third", script), hook(lab, "alone", slow, 'on = {"capture.*"}\n\tconcurrency = 1'))
        lab.start()
        lab.start("ipn-hookd")
        for i in range(6):
            capture(lab, i, order=f"{i:07}")
        wait_for("all done", lambda: [s for s, _ in runs(lab, "third")] == ["done"] * 6)
        equal(lab.rows("SELECT attempt, exit_status, output FROM hook_attempt WHERE event_id = 1 AND hook = 'third' ORDER BY attempt"),
              [(1, 1, "attempt 1\n"), (2, 1, "attempt 2\n"), (3, 0, "attempt 3\n")], "attempts")
        equal(lab.one("SELECT count(*) FROM hook_attempt WHERE ended_at IS NULL OR started_at IS NULL OR ended_at < started_at"), 0,
              "times")
        wait_for("one at a time", lambda: [s for s, _ in runs(lab, "alone")] == ["done"] * 6)
        shown = json.loads(lab.ctl("show", "1", "--json").stdout.splitlines()[0])
        equal([a["attempt"] for a in shown["earlier_attempts"]], [1, 2], "shown")


@case("replay: a new hook catches up with the past, an old one runs again under the same id; --dry-run only counts")
def replay():
    with Lab() as lab:
        script = f'echo "$IPN_EVENT_ID $IPN_ATTEMPT" >>"{lab.folder}/$(basename "$0").ids"\n'
        first = hook(lab, "first", script)
        configure(lab, first)
        lab.start()
        lab.start("ipn-hookd")
        for i in range(3):
            capture(lab, i, order=f"{i:07}")
        wait_for("done", lambda: [s for s, _ in runs(lab, "first")] == ["done"] * 3)
        second = hook(lab, "second", script) + hook(lab, "none", script, 'on = {"refund.*"}')
        lab.configure(lambda t: t + second)
        for name in ("ipnd", "ipn-hookd"):
            lab.daemons[name].send_signal(1)
        wait_for("registered", lambda: lab.one("SELECT count(*) FROM hook WHERE active = 1") == 3)
        equal(runs(lab, "second"), [], "newer than the events")
        dry = json.loads(lab.ctl("replay", "--since", "1h", "--dry-run", "--json").stdout)
        equal((dry["events"], dry["runs"]), (3, {"first": 3, "second": 3}), "counted")
        equal(runs(lab, "second"), [], "only counted")
        lab.ctl("replay", "--since", "1h", "--hook", "second")
        wait_for("caught up", lambda: runs(lab, "second") == [("done", 1)] * 3)
        lab.ctl("replay", "2", "--hook", "first")
        wait_for("again", lambda: runs(lab, "first")[1] == ("done", 2))
        with open(os.path.join(lab.folder, "first.ids")) as f:
            equal(f.read().splitlines()[-1], "2 2", "the same id, another attempt")
        lab.ctl("replay", "99", code=1)
        lab.ctl("replay", code=64)
        lab.ctl("replay", "--since", "1h", "--hook", "nobody", code=64)
        lab.ctl("replay", "--since", "1h", "--hook", "none", code=1)


@case("what a killed ipn-hookd leaves running is waited for, then ended; it never runs beside the new attempt")
def orphans():
    with Lab() as lab:
        script = (f'mkdir "{lab.folder}/busy" || {{ echo doubled >"{lab.folder}/doubled"; exit 100; }}\n'
                  f'echo "$IPN_ATTEMPT" >>"{lab.folder}/started"\nsleep 2\nrmdir "{lab.folder}/busy"\n')
        configure(lab, hook(lab, "h", script))
        lab.start()
        lab.start("ipn-hookd")
        capture(lab, 1)
        started = os.path.join(lab.folder, "started")
        wait_for("it runs", lambda: os.path.exists(started))
        lab.kill("ipn-hookd")
        # Of another ipn-hookd with another database, whose numbers are the same: it is none of ours.
        other = {"IPN_EVENT_ID": "1", "IPN_ATTEMPT": "1", "IPN_ACCOUNT": "another"}
        with subprocess.Popen(["sleep", "60"], env={**os.environ, **other}, process_group=0) as bystander:
            lab.start("ipn-hookd")
            wait_for("said", lambda: "was killed goes on" in lab.log("ipn-hookd"))
            equal(runs(lab, "h"), [("running", 1)], "meanwhile")
            wait_for("done", lambda: runs(lab, "h") == [("done", 2)])
            equal(bystander.poll(), None, "the bystander")
            bystander.kill()
        check(not os.path.exists(os.path.join(lab.folder, "doubled")), "never two at once")
        with open(started) as f:
            equal(f.read().split(), ["1", "2"], "attempts")


@case("a clock that is set back by days holds up no run; one that is set forward brings what falls due")
def clock_jumps():
    with Lab() as lab:
        configure(lab, hook(lab, "h", f'test -e "{lab.folder}/good" || exit 1\n',
                            'on = {"capture.*"}').replace('"1s"', '"1h"'))
        lab.start()
        clock = Clock(lab, 2 * 86400)
        lab.start("ipn-hookd")
        capture(lab, 1)
        wait_for("failed", lambda: runs(lab, "h") == [("pending", 1)])
        with open(os.path.join(lab.folder, "good"), "w"):
            pass
        lab.daemons["ipn-hookd"].send_signal(signal.SIGHUP)
        capture(lab, 2, order="1111112")
        wait_for("the next one", lambda: runs(lab, "h") == [("pending", 1), ("done", 1)])
        clock.set(0)
        wait_for("back", lambda: runs(lab, "h") == [("done", 2), ("done", 1)], 10)
        os.unlink(os.path.join(lab.folder, "good"))
        capture(lab, 3, order="1111113")
        wait_for("failed", lambda: runs(lab, "h")[2:] == [("pending", 1)])
        with open(os.path.join(lab.folder, "good"), "w"):
            pass
        clock.set(5400)
        wait_for("forward", lambda: runs(lab, "h")[2:] == [("done", 2)], 10)


@case("hooks that hang for every order take all places, and each other hook has its run on time all the same")
def places():
    with Lab() as lab:
        hangs = [hook(lab, f"hangs{i}", "exec sleep 20\n") for i in range(5)]
        configure(lab, *hangs, hook(lab, "good", "exit 0\n"), hook(lab, "other", "exit 0\n"))
        lab.start()
        lab.start("ipn-hookd")
        for i in range(6):
            capture(lab, i, order=f"{i:07}")
        wait_for("good ones", lambda: runs(lab, "good") == runs(lab, "other") == [("done", 1)] * 6, 5)
        running = lab.rows("SELECT hook, count(*) FROM hook_run WHERE state = 'running' GROUP BY hook")
        equal([r[0] for r in running], [f"hangs{i}" for i in range(5)], "one of each")
        equal(sum(r[1] for r in running), 5, "more than four programs, so no second of any")


@case("a value too large for an environment, a program that is just being written: failures of one run, not of the hook")
def not_missing():
    with Lab() as lab:
        program = os.path.join(lab.folder, "program")
        shutil.copy("/bin/true", program)
        configure(lab, f'hook "h" {{\n\ton = {{"*"}}\n\trun = {{"{program}"}}\n\tenvironment = any\n\tbackoff = "1s"\n}}\n')
        lab.start()
        lab.start("ipn-hookd")
        equal(lab.send(lab.envelope(inner(SellerId="x" * 200000))).status, 200, "foreign")
        wait_for("the large one", lambda: runs(lab, "h") == [("done", 1)])
        with open(program, "r+b"):
            capture(lab, 1)
            wait_for("tried", lambda: runs(lab, "h")[1:] == [("pending", 1)])
        wait_for("done", lambda: runs(lab, "h") == [("done", 1), ("done", 2)])


@case("an event that somebody deleted ends its own run and holds up nothing else; what waited behind a deleted run goes on")
def deleted():
    with Lab() as lab:
        configure(lab, hook(lab, "h", "exit 0\n"), hook(lab, "later", f'test -e "{lab.folder}/good" || exit 1\n'))
        lab.start()
        lab.start("ipn-hookd")
        for i in range(3):
            capture(lab, i, order=f"{i // 2:07}")
        wait_for("tried", lambda: [r[1] > 0 for r in runs(lab, "later")] == [True, False, True])
        lab.stop("ipn-hookd")
        with contextlib.closing(sqlite3.connect(lab.database)) as db, db:
            db.execute("DELETE FROM hook_attempt_before")
            db.execute("DELETE FROM hook_run WHERE event_id = 1")
            db.execute("DELETE FROM event WHERE id IN (1, 3)")
        with open(os.path.join(lab.folder, "good"), "w"):
            pass
        lab.start("ipn-hookd")
        wait_for("ended", lambda: [r[0] for r in runs(lab, "later")] == ["done", "dead"])
        check("is not in the database any more" in lab.log("ipn-hookd"), "said")
        capture(lab, 9, order="9999999")
        wait_for("goes on", lambda: {r[0] for r in runs(lab, "h")} == {"done"} and runs(lab, "later")[-1] == ("done", 1))
