"""kill -9, again and again: what was answered 200 is there, and no hook's event is lost."""

import json
import os
import random
import signal
import subprocess
import time

from lab import BUILD, PATIENCE, Lab, capture_xml, case, check, equal, inner, say, together, wait_for
from threats import threat

KILLS = int(os.environ.get("IPND_KILLS", "30"))  # of ipn-hookd
IPND_KILLS = int(os.environ.get("IPND_KILLS", "200"))
LOOK_EVERY = 50
ROUND, RATE = 600, 200  # notifications of a load; in a second
CONNECTIONS = 8  # of a load
NOBODY_THERE = 69  # how a load ends whose first connection was refused


def chance():
    """Random numbers that a failed case tells how to have again."""
    seed = int(os.environ.get("IPND_SEED") or time.time_ns() % 1000000)
    say(f"IPND_SEED={seed}")
    return random.Random(seed)


class Sender:
    """Loads one after another, which record each MessageId that was answered 200, and send again what was not."""

    def __init__(self, lab, port):
        self.record, self.rounds, self.in_vain, self.process = os.path.join(lab.folder, "record"), 0, 0, None
        self.command = [os.path.join(BUILD, "ipn-simulate"), "load", "-c", lab.config, "--to", f"https://localhost:{port}/ipn",
                        "--json", "--count", str(ROUND), "--rate", str(RATE), "--record", self.record,
                        "--connections", str(CONNECTIONS)]

    def go_on(self):
        if self.process and self.process.poll() is None:
            return
        self.end()
        self.rounds += 1
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self):
        if self.process:
            out, errors = self.process.communicate(timeout=4 * PATIENCE)
            if self.process.returncode == NOBODY_THERE:  # ipnd was killed while the load made its messages
                self.rounds, self.in_vain = self.rounds - 1, self.in_vain + 1
                return
            equal(self.process.returncode, 0, f"a load's end: {errors}{out}")
            equal(json.loads(out)["delivered"], ROUND, f"a load's end: {errors}{out}")

    def answered(self):
        return os.path.getsize(self.record) // len("d1c4d7bc-0000-5000-8000-000000000000\n") if os.path.exists(self.record) else 0

    def ids(self):
        with open(self.record) as f:
            return f.read().split()


def stored(lab):
    return {r[0] for r in lab.rows("SELECT message_id FROM notification")}


def live(lab, sender, dice):
    """One life of ipnd. Whether it ended while it was answering; some end before."""
    sender.go_on()
    before = sender.answered()
    lab.start(wait=False)
    if dice.random() < 0.15:
        time.sleep(dice.uniform(0, 0.15))
    else:
        enough = before + dice.randint(1, 12)
        end = time.monotonic() + PATIENCE
        while sender.answered() < enough and time.monotonic() < end:
            sender.go_on()
            time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.02))
    lab.kill()
    return sender.answered() > before


def look_at_end(lab, sender):
    """Everything was delivered, and ipnd has ended. Returns how many rows and events there are."""
    equal(lab.one("PRAGMA integrity_check"), "ok", "integrity")
    equal(lab.rows("PRAGMA foreign_key_check"), [], "foreign keys")
    ids = sender.ids()
    equal(len(ids), sender.rounds * ROUND, "answers of 200")
    rows = stored(lab)
    equal(set(ids) - rows, set(), "answered 200, which is all that was sent, and not stored")
    # What a load in vain sent and ipnd stored before it was killed was never answered.
    check(len(rows) - len(ids) <= CONNECTIONS * sender.in_vain, f"{len(rows)} rows, and {len(ids)} were sent")
    # A chargeback may be told twice by Amazon itself: each notification is a fact of its own.
    equal(lab.rows("SELECT object_type, object_id, to_state, at FROM transition WHERE object_type <> 'chargeback' "
                   "GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"), [], "transitions twice")
    equal(lab.rows("SELECT id FROM transition t WHERE (SELECT count(*) FROM event e WHERE e.transition_id = t.id) <> 1"), [],
          "transitions that no event tells, or two")
    return len(ids), lab.one("SELECT count(*) FROM event")


def lives(kills, dice):
    """Many lives of one ipnd. Returns how many ended while it was answering, rows and events."""
    with Lab() as lab:
        lab.start()
        port = lab.port()
        lab.configure(lambda text: text.replace(':0"', f':{port}"', 1))
        lab.stop()
        sender, under_load = Sender(lab, port), 0
        for turn in range(1, kills + 1):
            under_load += live(lab, sender, dice)
            if turn % LOOK_EVERY == 0:
                equal(set(sender.ids()) - stored(lab), set(), f"kill {turn}: answered and not stored")
        lab.start()
        sender.end()
        lab.stop()
        return under_load, *look_at_end(lab, sender)


@case(f"171 SIGKILL of ipnd under load, {IPND_KILLS} times: every 200 is a row, every row was sent, no event lost or told twice")
@threat("171 SIGKILL")
def kill_ipnd():
    dice, found = chance(), []
    seeds = [random.Random(dice.random()) for _ in range(2)]
    together(*(lambda d=d: found.append(lives(IPND_KILLS // 2, d)) for d in seeds))  # it waits as much as it computes
    under_load, rows, events = (sum(column) for column in zip(*found))
    say(f"{IPND_KILLS // 2 * 2} kills, {under_load} while it was answering; {rows} answers of 200, {events} events")
    check(under_load > IPND_KILLS * 0.6, f"only {under_load} of {IPND_KILLS} kills under load")


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
