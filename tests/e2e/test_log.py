"""The log: what strangers can make it say is bounded and adds up, and each genuine message has its line, with the facts."""

import collections
import contextlib
import json
import re
import socket
import sqlite3
import threading
import time

from lab import PATIENCE, TOPIC, Lab, capture_xml, case, check, equal, inner

LINES_EACH = 12  # of one verdict: ten, one after half a minute on a slow machine, and the sum


def count_lines(log):
    """How many lines each verdict has, and how many requests they stand for."""
    lines, stood_for = collections.Counter(), collections.Counter()
    for line in log.splitlines():
        said = re.match(r"ipnd: ([a-z-]+): answered \d+ to (\d+ more in the last \d+ s)?", line)
        if said:
            lines[said.group(1)] += 1
            stood_for[said.group(1)] += int(said.group(2).split()[0]) if said.group(2) else 1
    return lines, stood_for


@case("1,000 bad posts make few lines, whose numbers add up; every genuine one has its line with the facts")
def bounded():
    with Lab() as lab:
        lab.configure(lambda t: t.replace("listen {", 'listen {\n\thttp = {"127.0.0.1:0"}'))
        lab.start()
        good = lab.envelope(inner(capture_xml("S01-1111111-2222222-C000001")))
        bad = {"signature": json.dumps(dict(good, Message=good["Message"] + " ")), "not-json": "{",
               "bad-field": json.dumps(dict(good, Type="")), "topic-unnamed": json.dumps(dict(good, TopicArn=TOPIC + "X"))}
        got = lab.flood(list(bad.values()), 1000)
        equal(got, {"403": 250, "400": 500, "503": 250}, "answers")
        equal(lab.flood([json.dumps(good)], 100), {"200": 100}, "genuine")
        lab.stop()
        log = lab.log()
        lines, stood_for = count_lines(log)
        equal(dict(stood_for), dict.fromkeys(bad, 250), "what the lines stand for")
        check(max(lines.values()) <= LINES_EACH, f"lines: {lines}")
        counted = dict(lab.rows("SELECT verdict, count FROM verdict_count"))
        equal([counted[v] for v in bad], [250] * 4, "counters")
        equal(counted["duplicate"], 99, "duplicates")
        equal(len(re.findall(r"^ipnd: duplicate: ", log, re.M)), 99, "lines of duplicates")
        said = re.findall(r"^ipnd: applied: (.*)$", log, re.M)
        equal(len(said), 1, "lines of the first")
        check(re.fullmatch(r"capture S01-1111111-2222222-C000001 Completed; account \S+, message " + good["MessageId"] +
                           r", from 127\.0\.0\.1:\d+ in \d+\.\d\d ms", said[0]), said[0])


@case("connections over the limit are said as sparingly, and the sum adds up")
def turned_away():
    with Lab() as lab, contextlib.ExitStack() as held:
        lab.configure(lambda t: t.replace("listen {", "listen {\n\tmax_connections_per_address = 3"))
        lab.start()
        closed = 0
        for _ in range(103):
            s = held.enter_context(socket.create_connection(("127.0.0.1", lab.port()), timeout=10))
            s.settimeout(0.2 if closed == 0 else 10)
            with contextlib.suppress(TimeoutError):
                closed += s.recv(1) == b""
        equal(closed, 100, "closed at once")
        lab.stop()
        log = lab.log()
        said = re.findall(r"^ipnd: closed a connection of 127\.0\.0\.1:\d+: listen\.max_connections_per_address allows no more$", log, re.M)
        more = [int(n) for n in re.findall(r"^ipnd: (\d+) more connections were closed, over the limits, in", log, re.M)]
        check(10 <= len(said) <= LINES_EACH, f"lines: {len(said)}")
        equal(len(said) + sum(more), 100, "what the lines stand for")


@case("a locked database: who is told 503 without being read makes few lines, whose numbers add up")
def unread():
    with Lab() as lab:
        lab.configure(lambda t: t.replace("listen {", 'listen {\n\thttp = {"127.0.0.1:0"}\n\trequest_deadline = "5s"'))
        lab.start()
        genuine, answers = lab.envelope(inner()), []
        with contextlib.closing(sqlite3.connect(lab.database, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            first = threading.Thread(target=lambda: answers.append(lab.send(genuine).status))
            first.start()
            time.sleep(1.3)
            equal(lab.flood(["{"], 300), {"503": 300}, "answers")
            db.execute("COMMIT")
        first.join(PATIENCE)
        equal(answers, [200], "the first one")
        lab.stop()
        lines, stood_for = count_lines(lab.log())
        equal(dict(stood_for), {"database": 300}, "what the lines stand for")
        check(lines["database"] <= LINES_EACH, f"lines: {lines}")
