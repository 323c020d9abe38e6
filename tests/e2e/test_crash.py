"""kill -9, again and again: what was answered 200 is there, and no hook's event is lost."""

import http.client
import json
import os
import random
import subprocess
import threading
import time

from lab import Lab, Skip, case, capture_xml, equal, inner, wait_for

KILLS = int(os.environ.get("IPND_KILLS", "25"))


@case("171 SIGKILL of ipnd under load: every 200 is a row, every row was sent, no event lost")
def kill_ipnd():
    with Lab() as lab:
        bodies = []
        for i in range(200):
            e = lab.envelope(inner(capture_xml(f"S01-1111111-2222222-C{i:06}")))
            bodies.append((e["MessageId"], json.dumps(e)))
        answered, turn = set(), 0
        for _ in range(KILLS):
            lab.start()
            stop = threading.Event()

            def load(seed):
                choose = random.Random(seed)
                connection = None
                while not stop.is_set():
                    ident, body = choose.choice(bodies)
                    try:
                        connection = connection or lab.connect()
                        if lab.post(body, connection=connection).status == 200:
                            answered.add(ident)
                    except (OSError, AttributeError, http.client.HTTPException):
                        connection = None

            threads = [threading.Thread(target=load, args=(turn * 10 + t,)) for t in range(3)]
            turn += 1
            for t in threads:
                t.start()
            time.sleep(random.uniform(0.02, 0.25))
            lab.kill()
            stop.set()
            for t in threads:
                t.join()
        lab.start()
        lab.stop()
        equal(lab.one("PRAGMA integrity_check"), "ok", "integrity")
        stored = {r[0] for r in lab.rows("SELECT message_id FROM notification")}
        equal(answered - stored, set(), "answered and not stored")
        equal(stored - {ident for ident, _ in bodies}, set(), "stored and never sent")
        equal(len(answered) > 50, True, f"only {len(answered)} answered: no load")
        equal(lab.one("SELECT count(*) FROM capture"), len(stored), "captures")
        equal(lab.rows("SELECT transition_id FROM event GROUP BY 1 HAVING count(*) <> 1"), [], "events told twice")
        equal(lab.one("SELECT count(*) FROM event"), len(stored), "events")


@case("SIGKILL of ipn-hookd: every event's hook ends done, with the same id and a higher attempt")
def kill_hookd():
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
        for _ in range(KILLS // 2):
            time.sleep(random.uniform(0.01, 0.2))
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
            equal(len(set(attempts)), len(attempts), f"attempts of event {event} repeat: {attempts}")
        equal(lab.one("SELECT count(*) FROM hook_run WHERE state <> 'done'"), 0, "left over")


@case("hooks: retry, give up, timeout, and what is skipped is said")
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
        hangs = script("hangs", "trap '' TERM\nsleep 60 & echo $! >\"${0%/*}/child\"\nwait; sleep 60\n")

        def hook(name, run, more="", environment="any"):
            return (f'hook "{name}" {{\n\ton = {{"capture.*"}}\n\trun = {{"{run}"}}\n\tenvironment = {environment}\n'
                    f'\tbackoff = "1s"\n\tbackoff_max = "1s"\n{more}}}\n')

        lab.configure(lambda t: t + hook("twice", twice) + hook("never", never) +
                      hook("hangs", hangs, '\ttimeout = "1s"\n\tattempts = 1\n') + hook("live", twice, environment="live") +
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
        wait_for("three deaths told", lambda: lab.one("SELECT count(*) FROM event WHERE name = 'hook.dead'") == 3)
        lab.stop("ipn-hookd")
        lab.stop()


@case("170 a full disk: 503, nothing lost, and service returns by itself")
def full_disk():
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skip("needs root and mount namespaces")
    with Lab() as lab:
        state = os.path.join(lab.home, "state")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", state], capture_output=True).returncode:
            raise Skip("cannot mount a tmpfs")
        try:
            lab.start()
            stored, seen = 0, set()
            for i in range(300):
                e = lab.envelope(inner(capture_xml(f"S01-{i:07}-2222222-C000001", extra="<x>" + "y" * 6000 + "</x>")))
                status = lab.send(e).status
                seen.add(status)
                stored += status == 200
                if status == 503:
                    break
            equal(seen, {200, 503}, "answers")
            equal(lab.one("SELECT count(*) FROM notification"), stored, "rows")
            subprocess.run(["mount", "-o", "remount,size=16m", state], check=True)
            wait_for("service returns", lambda: lab.send(e).status == 200)
            equal(lab.one("SELECT count(*) FROM notification"), stored + 1, "rows after")
            equal(lab.one("PRAGMA integrity_check"), "ok", "integrity")
            lab.stop()
        finally:
            if "ipnd" in lab.daemons:
                lab.kill()
            subprocess.run(["umount", state], check=False)
