"""Back pressure: a slow disk, a full one, a locked database, too much at once. Nothing is lost, and service returns by itself."""

import contextlib
import errno
import json
import os
import sqlite3
import threading
import time

from lab import BUILD, PATIENCE, Disk, Lab, Skip, case, check, equal, inner, together, wait_for


def load(lab, *arguments):
    return json.loads(lab.run("ipn-simulate", "load", "-c", lab.config, "--json", *map(str, arguments)).stdout)


def anonymous_kib(process):
    with open(f"/proc/{process.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon:"))


def is_sanitized():
    """Its memory is not ours then."""
    with open(os.path.join(BUILD, "ipnd"), "rb") as f:
        return b"__asan_init" in f.read()


def refused_at_once(lab):
    started = time.monotonic()
    answer = lab.send(lab.envelope(inner()))
    equal((answer.status, answer.text), (503, "try again later\n"), "answer")
    check(int(answer.headers["retry-after"]) > 0, "no Retry-After")
    return time.monotonic() - started < 0.5


@case("a disk whose syncs take 20 ms: transactions grow, and nothing fails")
def slow_disk():
    with Lab() as lab:
        disk = Disk(lab)
        lab.start()
        disk.be(sync_ms=20)
        result = load(lab, "--count", 400, "--connections", 64)
        equal((result["answers"], result["errors"], result["sent_again"]), ({"200": 400}, {}, 0), "answers")
        check(disk.syncs() < 200, f"{disk.syncs()} syncs for 400 notifications")
        equal(lab.one("SELECT count(*) FROM notification"), 400, "rows")


@case("169 a locked database: who comes when the first has waited for long is told 503 at once; then service again")
def locked_for_long():
    with Lab() as lab:
        lab.configure(lambda t: t.replace("listen {", 'listen {\n\trequest_deadline = "5s"'))
        lab.start()
        answers = []
        with contextlib.closing(sqlite3.connect(lab.database, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            first = threading.Thread(target=lambda: answers.append(lab.send(lab.envelope(inner())).status))
            first.start()
            time.sleep(1.3)
            check(refused_at_once(lab), "the second one waited")
            check(refused_at_once(lab), "the third one waited")
            db.execute("COMMIT")
        first.join(PATIENCE)
        equal(answers, [200], "the first one")
        equal(lab.send(lab.envelope(inner())).status, 200, "after")
        equal(lab.one("SELECT count(*) FROM notification"), 2, "rows")


@case("a disk that takes very long lets in one at a time; a full one answers 503; both serve again by themselves")
def slow_then_full():
    with Lab() as lab:
        lab.configure(lambda t: t.replace("listen {", 'listen {\n\trequest_deadline = "2s"'))
        disk = Disk(lab)
        lab.start()
        equal(lab.send(lab.envelope(inner())).status, 200, "before")
        disk.be(sync_ms=1100)
        equal(lab.send(lab.envelope(inner())).status, 200, "slow")
        check("answering 503 but to one at a time" in lab.log(), "nothing is said of the pace")
        answers = []
        together(*[lambda: answers.append(lab.send(lab.envelope(inner())).status)] * 5)
        check({200, 503} == set(answers), f"{answers}")
        disk.be()
        equal(lab.send(lab.envelope(inner())).status, 200, "fast again")
        check("the disk is fast enough again" in lab.log(), "nothing is said of the end")

        disk.be(error=errno.ENOSPC)
        e = lab.envelope(inner())
        for _ in range(3):
            equal(lab.send(e).status, 503, "full")
        equal(lab.log().count("the database cannot be written"), 1, "how often the trouble is said")
        disk.be()
        before = lab.one("SELECT count(*) FROM notification")
        wait_for("200", lambda: lab.send(e).status == 200)
        equal(lab.one("SELECT count(*) FROM notification"), before + 1, "rows")


@case("many large bodies at once: those over the limit get 503, real notifications none, and memory stays bounded")
def large_bodies():
    with Lab() as lab, contextlib.ExitStack() as stack:
        limits = 'max_connections_per_address = 1000\n\trequest_deadline = "60s"'  # all are to be there at once
        lab.configure(lambda t: t.replace("listen {", "listen {\n\t" + limits))
        ipnd = lab.start()
        head = b"POST /ipn HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 524288\r\n\r\n"
        for _ in range(60):  # 30 MiB
            c = lab.connect()
            c.connect()
            stack.callback(c.close)
            c.sock.sendall(head + b"x" * 520000)
        equal(lab.send(lab.envelope(inner())).status, 200, "a real one meanwhile")
        wait_for("503", lambda: lab.post(b"x" * 500000).status == 503)
        check(is_sanitized() or anonymous_kib(ipnd) < 40 * 1024, f"{anonymous_kib(ipnd)} KiB")
        stack.close()
        wait_for("room again", lambda: lab.post(b"x" * 500000).status == 400)
        equal(lab.send(lab.envelope(inner())).status, 200, "after")


@case("memory: below 8 MiB idle, flat over many messages, of a connection little")
def memory():
    if is_sanitized():
        raise Skip("a sanitizer's memory is not ours")
    with Lab() as lab, contextlib.ExitStack() as stack:
        lab.configure(lambda t: t.replace("listen {", "listen {\n\tmax_connections_per_address = 1024"))
        ipnd = lab.start()
        check(anonymous_kib(ipnd) < 8 * 1024, f"idle: {anonymous_kib(ipnd)} KiB")
        load(lab, "--count", 2500, "--connections", 32)
        grown = anonymous_kib(ipnd)
        load(lab, "--count", 600, "--connections", 32)
        check(anonymous_kib(ipnd) < grown + 1024, f"{grown} KiB grew to {anonymous_kib(ipnd)}")
        grown, n = anonymous_kib(ipnd), int(os.environ.get("IPND_CONNECTIONS") or 100)
        for _ in range(n):
            c = lab.connect()
            c.connect()
            stack.callback(c.close)
        # A thousand of them, above what there is, in 64 MiB.
        check((anonymous_kib(ipnd) - grown) / n < 52, f"{grown} KiB, with {n} connections {anonymous_kib(ipnd)}")
