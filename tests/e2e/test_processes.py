"""The programs as processes: rehearsal, signals, reload, locks, listeners."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time

from lab import BUILD, PATIENCE, Disk, Lab, case, capture_xml, check, equal, inner, wait_for
from threats import nothing, threat

HEAD = "POST /ipn HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"


def states(lab):
    """What is known of the orders, without what differs between two plays."""
    plain = lambda rows: [tuple(re.sub(r"S01-\d{7}-\d{7}|-[AR]\d{6}|-C\d{6}|\d{4}-\d\d-\d\dT[^Z]*Z", "", str(v))  # noqa: E731
                                for v in row) for row in rows]
    return [plain(lab.rows(sql)) for sql in (
        "SELECT state, reason_code, amount_minor, currency FROM order_reference",
        "SELECT state, reason_code, amount_minor, captured_minor FROM authorization",
        "SELECT state, amount_minor, refunded_minor, authorization_id IS NOT NULL FROM capture",
        "SELECT state, amount_minor, capture_id IS NOT NULL FROM refund",
        "SELECT object_type, from_state, to_state, reason_code FROM transition ORDER BY 1, 2, 3")]


@case("a rehearsal in any order, with duplicates, ends in the same state, and each hook ran once, in order")
def rehearsal():
    expected = None
    for arguments in ((), ("--shuffle", "1"), ("--shuffle", "2", "--duplicate", "2"), ("--shuffle", "7")):
        with Lab() as lab:
            lab.start()
            lab.start("ipn-hookd")
            lab.run("ipn-simulate", "play", "one-time", "--config", lab.config, *arguments)
            events = lab.one("SELECT count(*) FROM event")
            equal(events, 6, "events")
            wait_for("hooks", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state = 'done'") == events)
            with open(os.path.join(lab.home, "events.jsonl")) as f:
                ran = [json.loads(line) for line in f]
            equal([r["event_id"] for r in ran], list(range(1, events + 1)), "each once, in order")
            equal({r["attempt"] for r in ran}, {1}, "attempts")
            expected = expected or states(lab)
            equal(states(lab), expected, str(arguments))
            lab.stop("ipn-hookd")
            lab.stop()


@case("173 SIGTERM while a request is half sent: it is finished, answered and on disk")
@threat("173 SIGTERM")
def sigterm():
    with Lab() as lab:
        p = lab.start()
        body = json.dumps(lab.envelope(inner())).encode()
        with socket.create_connection(("127.0.0.1", lab.port()), timeout=20) as plain, \
                lab.tls().wrap_socket(plain, server_hostname="localhost") as s:
            s.sendall(HEAD.format(len(body)).encode() + body[:100])
            time.sleep(0.3)
            p.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            s.sendall(body[100:])
            reply = s.recv(1000)
        equal(reply.split(b"\r\n")[0], b"HTTP/1.1 200 OK", "answer")
        equal(p.wait(20), 0, "exit")
        equal(lab.one("SELECT count(*) FROM notification"), 1, "rows")


@case("169 a locked database: the post waits; longer than half the deadline: 503, then service again")
@threat("169 a locked database")
def locked():
    with Lab() as lab:
        lab.configure(lambda t: t.replace("listen {", 'listen {\n\trequest_deadline = "4s"'))
        lab.start()
        equal(lab.send(lab.envelope(inner())).status, 200, "before")

        def hold(seconds, held):
            with contextlib.closing(sqlite3.connect(lab.database, isolation_level=None)) as db:
                db.execute("PRAGMA busy_timeout = 5000")
                db.execute("BEGIN IMMEDIATE")
                held.set()
                time.sleep(seconds)
                db.execute("COMMIT")

        def post(e, status):
            started = time.monotonic()
            equal(lab.send(e).status, status, "answer")
            equal(time.monotonic() - started > 0.8, True, "it waited")

        for seconds, status in ((1, 200), (3.5, 503)):
            e, held = lab.envelope(inner()), threading.Event()
            holder = threading.Thread(target=hold, args=(seconds, held))
            holder.start()
            held.wait(10)
            with nothing(lab, "169 locked for long") if status == 503 else threat("169 locked for a second"):
                post(e, status)
            holder.join()
        equal(lab.send(e).status, 200, "the same again, after")
        equal(lab.one("SELECT count(*) FROM notification"), 3, "rows")


@case("SIGHUP: a bad configuration is refused, a good one takes effect, connections stay open")
def reload():
    with Lab() as lab:
        p = lab.start()
        with open(lab.config) as f:
            good = f.read()
        c = lab.connect()
        equal(lab.send(lab.envelope(inner()), connection=c).status, 200, "before")

        def hup(text, said):
            with open(lab.config, "w") as f:
                f.write(text)
            p.send_signal(signal.SIGHUP)
            wait_for(said, lambda: said in lab.log())

        hup(good + "nonsense = 1\n", "was not reloaded")
        equal(lab.send(lab.envelope(inner()), connection=c).status, 200, "after a bad one")
        hup(good.replace('"AREHEARSAL"', '"ANOTHER"').replace('hook "print"', 'hook "second"'), "was reloaded")
        equal(lab.send(lab.envelope(inner()), connection=c).status, 200, "after a good one")
        equal(lab.rows("SELECT verdict FROM notification ORDER BY id"), [("applied",), ("unchanged",), ("foreign",)],
              "verdicts")
        equal(lab.rows("SELECT name, active FROM hook ORDER BY 1"), [("print", 0), ("second", 1)], "hooks")
        before = c.sock.getpeercert(True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", lab.home + "/tls.key", "-out",
                        lab.home + "/tls.pem", "-days", "30", "-subj", "/CN=localhost"], check=True, capture_output=True)
        p.send_signal(signal.SIGHUP)
        wait_for("reload", lambda: lab.log().count("was reloaded") == 2)
        equal(lab.send(lab.envelope(inner()), connection=c).status, 200, "the old connection goes on")
        context = ssl._create_unverified_context()
        d = http.client.HTTPSConnection("localhost", lab.port(), context=context, timeout=10)
        d.connect()
        equal(d.sock.getpeercert(True) != before, True, "a new connection sees the new certificate")
        d.close()
        c.close()
        lab.stop()


@case("SIGHUP under load: every reload is taken, and every message is answered 200")
def reload_under_load():
    with Lab() as lab:
        disk = Disk(lab)
        p = lab.start()
        disk.be(sync_ms=20)  # there are always messages whose COMMIT is under way
        load = subprocess.Popen([os.path.join(BUILD, "ipn-simulate"), "load", "-c", lab.config, "--json", "--count", "2000",
                                 "--rate", "500", "--connections", "32"], stdout=subprocess.PIPE, text=True)
        wait_for("the load", lambda: lab.one("SELECT count(*) FROM notification"))
        for n in range(1, 13):
            p.send_signal(signal.SIGHUP)
            wait_for("an end of the reload", lambda n=n: lab.log().count("the configuration was ") == n)
        check(load.poll() is None, "the load has ended before the reloads")
        result = json.loads(load.communicate(timeout=PATIENCE)[0])
        equal(lab.log().count("the configuration was reloaded"), 12, "reloads")
        equal((result["answers"], result["errors"]), ({"200": 2000}, {}), "answers")
        equal(lab.one("SELECT count(*) FROM notification"), 2000, "rows")


@case("SIGHUP: another path and other limits are taken, also by status; what waits for a restart is named at each reload")
def reload_path():
    with Lab() as lab:
        p = lab.start()
        with open(lab.config) as f:
            good = f.read()
        done = 0

        def hup(text):
            nonlocal done
            before = len(lab.log())
            with open(lab.config, "w") as f:
                f.write(text)
            p.send_signal(signal.SIGHUP)
            done += 1
            wait_for("reload", lambda: lab.log().count("the configuration was reloaded") == done)
            return sorted(re.findall(r"ipnd\.conf: (\S+) changes at a restart only", lab.log()[before:]))

        body = json.dumps(lab.envelope(inner()))
        equal(hup(good.replace("listen {", 'listen {\n\tpath = "/pay"\n\tmax_body = "1K"')), [], "warnings")
        equal((lab.post(body).status, lab.post(body, path="/pay").status), (404, 413), "another path, a smaller limit")
        urls = json.loads(lab.ctl("status", "--json").stdout)["ipnd"]["urls"]
        check(urls and all(u.endswith("/pay") for u in urls if "://" in u), urls)
        waits = good.replace("listen {", 'listen {\n\tpath = "/pay"\n\tmax_connections = 77')
        equal(hup(waits), ["listen.max_connections"], "warnings")
        equal(lab.post(body, path="/pay").status, 200, "the limit of before")
        equal(hup(waits.replace("listen {", 'listen {\n\trequest_deadline = "9s"')), ["listen.max_connections", "listen.request_deadline"], "both")
        equal(hup(good.replace(lab.database, lab.database + "2")), ["database.path"], "warnings")
        equal(hup(good), [], "as it was at the start")
        equal(lab.send(lab.envelope(inner())).status, 200, "the first path again")
        lab.stop()


@case("what cannot start says why, with its exit code")
def refused_starts():
    with Lab() as lab:
        lab.start()
        p = lab.run("ipnd", "-c", lab.config, code=75)
        equal("another ipnd" in p.stderr, True, p.stderr)
        lab.stop()
        with open(lab.config) as f:
            good = f.read()
        for text, code, said in ((good + "x = 1\n", 78, "ipnd.conf:"),
                                 (good.replace("tls.key", "signing.key"), 78, "ipnd.conf: listen.private_key: "),
                                 (good.replace("tls.pem", "nowhere.pem"), 78, "ipnd.conf: listen.certificate: "),
                                 (good.replace("/state/", "/nowhere/"), 66, "nowhere")):
            with open(lab.config, "w") as f:
                f.write(text)
            p = lab.run("ipnd", "-c", lab.config, code=code)
            equal(said in p.stderr, True, p.stderr)
        with open(lab.config, "w") as f:
            f.write(good)
        with contextlib.closing(sqlite3.connect(lab.database)) as db:
            db.execute("PRAGMA user_version = 999")
        p = lab.run("ipnd", "-c", lab.config, code=69)
        equal("newer ipnd" in p.stderr, True, p.stderr)
        equal(lab.run("ipnd", "--nonsense", code=64).stdout, "", "usage")
        for program in ("ipnd", "ipn-hookd", "ipnctl", "ipn-simulate"):
            equal("Usage: " + program in lab.run(program, "--help").stdout, True, program)
            equal(lab.run(program, "--version").stdout.startswith(program + " "), True, program)
        for program in ("ipnd", "ipn-hookd"):
            lab.run(program, "-c", lab.config, "--check-config")


@case("plain HTTP on loopback and on a Unix socket; IPv6; many connections at once")
def listeners():
    with Lab() as lab:
        path = os.path.join(lab.home, "http.sock")
        lab.configure(lambda t: t.replace('https = {"127.0.0.1:0"}',
                                          f'https = {{"127.0.0.1:0", "[::1]:0"}}\n\thttp = {{"127.0.0.1:0", "unix:{path}"}}'))
        lab.start()
        urls = lab.urls()
        equal(len(urls), 4, "listeners")
        body = json.dumps(lab.envelope(inner()))
        c = http.client.HTTPConnection("127.0.0.1", lab.port(2), timeout=10)
        equal(lab.post(body, connection=c).status, 200, "plain")
        c.sock.close()
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(path)
        equal(lab.post(body, connection=c).status, 200, "unix")
        c.close()
        six = http.client.HTTPSConnection("::1", lab.port(1), context=lab.tls(), timeout=10)
        equal(lab.post(body, connection=six).status, 200, "IPv6")
        six.close()
        bodies = [json.dumps(lab.envelope(inner(capture_xml(f"S01-1111111-2222222-C{i:06}")))) for i in range(60)]
        got = []
        threads = [threading.Thread(target=lambda b=b: got.append(lab.post(b).status)) for b in bodies]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        equal(got, [200] * 60, "60 at once")
        equal(lab.one("SELECT count(*) FROM notification"), 61, "rows")
        lab.stop()
        equal(os.path.exists(path), False, "the socket is gone")
