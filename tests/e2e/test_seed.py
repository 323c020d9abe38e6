"""The databases that tests/bench/seed makes are such as ipnd makes them: sound, told of by ipnctl, and ipnd goes on with them."""

import json
import os
import subprocess

from lab import PATIENCE, Lab, case, check, equal, helper, wait_for

N = 2000


def seed(*arguments, code=0):
    p = subprocess.run([helper("tests/bench/seed"), *arguments], capture_output=True, text=True, timeout=PATIENCE)
    equal(p.returncode, code, p.stderr)
    return p.stdout + p.stderr


@case("seed: a database as after months: sound, the same for the same seed; ipnctl, ipnd and ipn-hookd go on with it")
def seeded():
    with Lab() as lab:
        other = os.path.join(lab.folder, "other.db")
        until = ("--until", "2026-01-02T03:04:05.678Z")
        check(f"{N} notifications" in seed("--hook", "print", *until, lab.database, str(N)), "says how many")
        rows = lab.dump()
        check("is there already" in seed(lab.database, "1", code=64), "never into one that is there")
        equal(lab.dump(), rows, "and leaves it as it is")
        seed("--hook", "print", *until, other, str(N))
        os.rename(other, lab.database)
        equal(lab.dump(), rows, "the same again")
        equal(lab.one("SELECT count(*) FROM notification"), N)
        equal(lab.one("SELECT max(sent_at) FROM notification"), until[1])
        equal(lab.rows("PRAGMA integrity_check"), [("ok",)])
        equal(lab.rows("PRAGMA foreign_key_check"), [])
        goes_on(lab)


def goes_on(lab):
    equal(len(lab.ctl("--json", "list", "notifications", "--limit", str(N)).stdout.splitlines()), N)
    order = lab.one("SELECT order_reference_id FROM refund WHERE state = 'Completed' ORDER BY updated_at LIMIT 1")
    story = json.loads(lab.ctl("--json", "explain", order).stdout)
    equal(story["wrong"], [], "nothing is wrong with an order")
    pending = lab.one("SELECT count(*) FROM hook_run WHERE state = 'pending'")
    check(pending > 0, "some runs are left")
    check(lab.one("SELECT count(*) FROM hook_run WHERE state = 'dead'") > 0, "some have failed")
    lab.start()
    lab.start("ipn-hookd")
    lab.run("ipn-simulate", "play", "one-time", "--config", lab.config)
    wait_for("the hook is done with the old and the new",
             lambda: not lab.one("SELECT count(*) FROM hook_run WHERE state <> 'done' AND state <> 'dead'"))
    equal(lab.one("SELECT count(*) FROM notification"), N + 6)
