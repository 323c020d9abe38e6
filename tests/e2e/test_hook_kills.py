"""What holds of hooks whatever they do and whenever ipn-hookd is killed. IPND_KILLS says how often (script/soak kill)."""

import contextlib
import os
import random
import signal
import threading
import time

from lab import Lab, capture_xml, case, check, equal, inner, say, wait_for

KILLS = int(os.environ.get("IPND_KILLS") or 50)
SEED = int(os.environ.get("IPND_SEED") or time.time_ns() % 1_000_000)
ORDERS = 8
ATTEMPTS = 3  # the limit of hook b
PAUSE = 0.08  # between two messages, on average
DRAIN = 120  # seconds until all that is open has ended

# How an attempt ends is a hash of its event, so that the same one fails now and then and may be done later.
SCRIPT = """
line() { printf '%s %s %s %s %s\\n' "$1" "$hook" "$IPN_EVENT_ID" "$IPN_ATTEMPT" "$2" >>"$journal"; }
hook=$1 journal=$2
line start "$IPN_ORDER_REFERENCE_ID"
sleep "0.$((IPN_EVENT_ID % 3))5"
case $(((IPN_EVENT_ID * 7 + IPN_ATTEMPT * 3) % 10)) in
0) line end 1; exit 1 ;;
1) line end 1; kill -KILL $$ ;;
2) line end 100; exit 100 ;;
3) head -c 200000 /dev/zero; line end 0 ;;
*) line end 0 ;;
esac
"""


class Run:
    """All attempts of a hook for an event, as the hook wrote them down."""

    def __init__(self, lane):
        self.lane, self.attempts, self.ends = lane, [], {}


def configuration(lab, chance):
    hook = ('hook "{0}" {{\n\ton = {{{1}}}\n\trun = {{"{2}", "{0}", "{3}"}}\n\tenvironment = any\n\tbackoff = "1s"\n'
            '\tbackoff_max = "1s"\n{4}}}\n')
    script, journal = os.path.join(lab.folder, "hook"), os.path.join(lab.folder, "journal")
    return f"hooks {{\n\tconcurrency = {chance.randint(2, 12)}\n}}\n" + "".join(
        hook.format(name, on, script, journal, more) for name, on, more in (
            ("a", '"capture.*"', ""), ("b", '"capture.*"', f"\tattempts = {ATTEMPTS}\n"), ("alarm", '"hook.dead"', "")))


def set_up(lab, chance):
    path = os.path.join(lab.folder, "hook")
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + SCRIPT)
    os.chmod(path, 0o755)
    lab.configure(lambda text: text[:text.index('hook "print"')])
    with open(lab.config) as f:
        head = f.read()
    change(lab, head, chance)
    return head


def change(lab, head, chance):
    with open(lab.config + ".new", "w") as f:
        f.write(head + configuration(lab, chance))
    os.rename(lab.config + ".new", lab.config)


def post_until(lab, chance, end, sent):
    number = 0
    while not end.is_set():
        number += 1
        xml = capture_xml(f"S01-{chance.randrange(ORDERS):07}-2222222-C{number:06}", state="Completed")
        e = lab.envelope(inner(xml))
        if lab.send(e).status == 200:
            sent.append(e["MessageId"])
        time.sleep(chance.expovariate(1 / PAUSE))


def kill_often(lab, head, chance):
    lab.start("ipn-hookd")
    for _ in range(KILLS):
        time.sleep(chance.choice((0.01, 0.05, 0.1, 0.3)) * chance.random() * 2)
        if chance.random() < 0.2:
            change(lab, head, chance)
            for name in ("ipnd", "ipn-hookd"):
                lab.daemons[name].send_signal(signal.SIGHUP)
        lab.kill("ipn-hookd")
        lab.start("ipn-hookd")


def read_journal(lab):
    """{(hook, event): Run} and, in order, who started and ended."""
    found, steps = {}, []
    with open(os.path.join(lab.folder, "journal")) as f:
        for line in f:
            step, hook, event, attempt, word = line.split()
            key = hook, int(event)
            if step == "start":
                found.setdefault(key, Run(word)).attempts.append(int(attempt))
                equal(found[key].lane, word, f"the order of {key}")
            else:
                found[key].ends[int(attempt)] = int(word)
            steps.append((step, key, int(attempt)))
    return found, steps


def check_order(found, steps):
    """Runs of one hook and order one after another, in the order of the events; attempts count up."""
    busy, last = {}, {}
    for step, (hook, event), attempt in steps:
        lane = hook, found[hook, event].lane
        if step == "end":
            equal(busy.pop(lane, None), (event, attempt), f"what ends in {lane}")
            continue
        check(lane not in busy, f"{event}, attempt {attempt}, of {lane} started beside {busy.get(lane)}")
        check((event, attempt) > last.get(lane, (0, 0)), f"{event}, attempt {attempt}, of {lane} came after {last.get(lane)}")
        busy[lane] = last[lane] = event, attempt
    equal(busy, {}, "ended all")


def check_run(hook, event, state, attempts, run):
    what = f"event {event} of hook {hook}, {state} after {attempts} attempts, which saw {run.attempts} and {run.ends}"
    check(run.attempts and run.attempts[-1] <= attempts, what)
    final = run.ends.get(attempts)
    if state == "done":
        equal(final, 0, what)
    else:
        # What a kill cut short does not count.
        check(final == 100 or (hook == "b" and len(run.ends) >= ATTEMPTS and final == 1), what)


@case(f"hooks of any outcome, reloads and {KILLS} kills of ipn-hookd: each run ends done or dead, in order, never beside itself")
def kills():
    chance = random.Random(SEED)
    with Lab() as lab:
        head = set_up(lab, chance)
        lab.start()
        end, sent = threading.Event(), []
        poster = threading.Thread(target=post_until, args=(lab, random.Random(SEED), end, sent))
        poster.start()
        try:
            kill_often(lab, head, chance)
        finally:
            end.set()
            poster.join()
        open_runs = "SELECT count(*) FROM hook_run WHERE state IN ('pending', 'running')"
        unseen = "SELECT count(*) FROM hook WHERE seen_event < (SELECT max(id) FROM event)"
        with contextlib.suppress(AssertionError):
            wait_for("all ended", lambda: not lab.one(unseen) and not lab.one(open_runs), DRAIN)
        equal(lab.rows("SELECT * FROM hook_run WHERE state IN ('pending', 'running')"), [], f"open (seed {SEED})")
        stored = {r[0] for r in lab.rows("SELECT message_id FROM notification")}
        check(set(sent) <= stored, "every 200 is a row")
        found, steps = read_journal(lab)
        check_order(found, steps)
        rows = lab.rows("SELECT hook, event_id, state, attempts FROM hook_run")
        for hook, event, state, attempts in rows:
            check_run(hook, event, state, attempts, found[hook, event])
        captures = lab.one("SELECT count(*) FROM event WHERE name LIKE 'capture.%'")
        dead = [r for r in rows if r[2] == "dead"]
        equal(len(sent), captures, "events")
        equal(len(rows), 2 * captures + len([r for r in dead if r[0] != "alarm"]), "a run of each hook for each, one of alarm for each death")
        cut = sum(r[3] for r in rows) - sum(len(run.ends) for run in found.values())
        say(f"seed {SEED}: {KILLS} kills, {len(rows)} runs, {len(dead)} of them dead, {sum(r[3] for r in rows)} attempts, {cut} cut short")
