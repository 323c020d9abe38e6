"""kill -9, again and again: what was answered 200 is there, and no hook's event is lost."""

import http.client
import json
import os
import random
import signal
import time

from lab import Lab, capture_xml, case, check, equal, inner, say, together, wait_for
from threats import threat

KILLS = int(os.environ.get("IPND_KILLS", "30"))


def chance():
    """Random numbers that a failed case tells how to have again."""
    seed = int(os.environ.get("IPND_SEED", time.time_ns() % 1000000))
    say(f"IPND_SEED={seed}")
    return random.Random(seed)


@case("171 SIGKILL of ipnd under load: every 200 is a row, every row was sent, no event lost")
@threat("171 SIGKILL")
def kill_ipnd():
    dice = chance()
    with Lab() as lab:
        sent, answered, fresh = set(), set(), 0
        for turn in range(KILLS):
            new = [lab.envelope(inner(capture_xml(f"S01-{turn:07}-2222222-C{i:06}"))) for i in range(15)]
            sent.update(e["MessageId"] for e in new)
            bodies = [(e["MessageId"], json.dumps(e)) for e in new]
            lab.start()
            over = []

            def load(mine):
                connection, again = None, list(mine)
                while not over:
                    ident, body = again.pop(0) if again else dice.choice(bodies)
                    try:
                        connection = connection or lab.connect()
                        if lab.post(body, connection=connection).status == 200:
                            answered.add(ident)
                    except (OSError, AttributeError, http.client.HTTPException):
                        connection = None

            def kill():
                wait_for("answers", lambda: len(answered) >= enough)
                time.sleep(dice.uniform(0, 0.05))
                lab.kill()
                over.append(True)

            before = len(answered)
            enough = before + dice.randrange(9)  # a busy machine is slow, and still under load
            together(kill, *(lambda i=i: load(bodies[i::3]) for i in range(3)))
            fresh += len(answered) - before
            stored = {r[0] for r in lab.rows("SELECT message_id FROM notification")} if os.path.exists(lab.database) else set()
            equal(answered - stored, set(), f"kill {turn}: answered and not stored")
        check(fresh > KILLS * 2, f"only {fresh} new messages answered: no load")
        lab.start()
        lab.stop()
        equal(lab.one("PRAGMA integrity_check"), "ok", "integrity")
        equal(lab.rows("PRAGMA foreign_key_check"), [], "foreign keys")
        stored = {r[0] for r in lab.rows("SELECT message_id FROM notification")}
        equal(answered - stored, set(), "answered and not stored")
        equal(stored - sent, set(), "stored and never sent")
        equal(lab.one("SELECT count(*) FROM capture"), len(stored), "captures")
        equal(lab.rows("SELECT transition_id FROM event GROUP BY 1 HAVING count(*) <> 1"), [], "events told twice")
        equal(lab.one("SELECT count(*) FROM event"), len(stored), "events")


@case("SIGKILL of ipn-hookd: every event's hook ends done, with the same id and a higher attempt")
def kill_hookd():
    dice = chance()
    with Lab() as lab:
        hook = os.path.join(lab.home, "hook")
        with open(hook, "w") as f:
            f.write('#!/bin/sh\necho "$IPN_EVENT_ID $IPN_ATTEMPT $IPN_OBJECT_ID" >>"${0%/*}/ran"\nsleep 0.05\n'
                    'echo "$IPN_EVENT_ID" >>"${0%/*}/finished"\n')
        lab.start("ipn-hookd")  # before ipnd and before its database
        time.sleep(0.3)
        lab.start()
        for i in range(40):
            equal(lab.send(lab.envelope(inner(capture_xml(f"S01-{i:07}-2222222-C000001")))).status, 200, "post")
            if i % 2:
                lab.kill("ipn-hookd")
                lab.start("ipn-hookd")
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.01, 0.2))
            lab.kill("ipn-hookd")
            lab.start("ipn-hookd")
        wait_for("all hooks done", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state = 'done'") == 40)
        ran, ids = {}, {}
        with open(os.path.join(lab.home, "ran")) as f:
            for line in f:
                event, attempt, thing = line.split()
                ran.setdefault(event, []).append(int(attempt))
                ids.setdefault(event, set()).add(thing)
        equal(sorted(int(e) for e in ran), list(range(1, 41)), "every event ran")
        equal({len(s) for s in ids.values()}, {1}, "an id means one event")
        for event, attempts in ran.items():
            check(all(a < b for a, b in zip(attempts, attempts[1:])), f"attempts of event {event} do not grow: {attempts}")
        check(any(len(attempts) > 1 for attempts in ran.values()), "no hook was ever killed on the way")
        with open(os.path.join(lab.home, "finished")) as f:
            equal({int(line) for line in f}, set(range(1, 41)), "every event's hook ran to its end")
        equal(lab.one("SELECT count(*) FROM hook_run WHERE state <> 'done'"), 0, "left over")


@case("172 hooks: retry, give up, timeout, a death, a flood; what is skipped is said")
@threat("172 hooks")
def hook_policies():
    with Lab() as lab:
        def script(name, text):
            path = os.path.join(lab.home, name)
            with open(path, "w") as f:
                f.write("#!/bin/sh\n" + text)
            os.chmod(path, 0o755)
            return path

        twice = script("twice", 'echo "try $IPN_ATTEMPT"\n[ "$IPN_ATTEMPT" -ge 2 ] || exit 1\n')
        never = script("never", "echo no; exit 100\n")
        dies = script("dies", "kill -SEGV $$\n")
        floods = script("floods", "head -c 256M /dev/zero; exit 1\n")
        hangs = script("hangs", "trap '' TERM\nsleep 60 & echo $! >\"${0%/*}/child\"\nwait; sleep 60\n")

        def hook(name, run, more="", environment="any"):
            return (f'hook "{name}" {{\n\ton = {{"capture.*"}}\n\trun = {{"{run}"}}\n\tenvironment = {environment}\n'
                    f'\tbackoff = "1s"\n\tbackoff_max = "1s"\n{more}}}\n')

        lab.configure(lambda t: t + hook("twice", twice) + hook("never", never) +
                      hook("hangs", hangs, '\ttimeout = "1s"\n\tattempts = 1\n') + hook("live", twice, environment="live") +
                      hook("dies", dies, "\tattempts = 2\n") + hook("floods", floods, "\tattempts = 2\n") +
                      hook("absent", "/nonexistent/program", "\tattempts = 1\n") +
                      'hook "alarm" {\n\ton = {"hook.dead"}\n\trun = {"' + twice + '"}\n\tenvironment = any\n}\n')
        lab.start()
        lab.start("ipn-hookd")
        equal(lab.send(lab.envelope(inner())).status, 200, "post")

        def state(name):
            rows = lab.rows("SELECT state, attempts, exit_status FROM hook_run WHERE hook = ? AND event_id = 1", name)
            return rows[0] if rows else None

        wait_for("twice", lambda: state("twice") == ("done", 2, 0))
        wait_for("never", lambda: state("never") == ("dead", 1, 100))
        wait_for("dies", lambda: state("dies") == ("dead", 2, 128 + signal.SIGSEGV))
        started = time.monotonic()
        equal(lab.send(lab.envelope(inner(capture_xml(state="Declined")))).status, 200, "a post meanwhile")
        check(time.monotonic() - started < 2, "the receiver does not wait for hooks")
        wait_for("floods", lambda: state("floods") == ("dead", 2, 1))
        wait_for("absent", lambda: (state("absent") or [""])[0] == "dead")
        wait_for("live", lambda: (state("live") or [""])[0] == "skipped")
        wait_for("hangs", lambda: state("hangs") == ("dead", 1, 137))
        with open(os.path.join(lab.home, "child")) as f:
            child = int(f.read())
        wait_for("the whole group is gone", lambda: not os.path.exists(f"/proc/{child}") or
                 open(f"/proc/{child}/stat").read().split()[2] == "Z")
        why = dict(lab.rows("SELECT hook, detail FROM hook_run WHERE event_id = 1"))
        equal("sandbox" in why["live"], True, why["live"])
        equal("/nonexistent/program" in why["absent"], True, why["absent"])
        equal("try 2" in lab.one("SELECT output FROM hook_run WHERE hook = 'twice' AND event_id = 1"), True, "output")
        wait_for("five deaths told", lambda: lab.one("SELECT count(*) FROM event WHERE name = 'hook.dead'") == 5)
        lab.stop("ipn-hookd")
        lab.stop()
