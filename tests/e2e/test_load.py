"""ipn-simulate load: what it says it delivered is in the database, in order, on time, and through a crash of ipnd."""

import collections
import contextlib
import http.server
import json
import os
import signal
import subprocess
import threading
import time

from lab import BUILD, PATIENCE, Lab, case, check, equal, wait_for


class Load:
    """A load under way, with its record."""

    def __init__(self, lab, *arguments):
        self.path = os.path.join(lab.folder, "record")
        command = [os.path.join(BUILD, "ipn-simulate"), "load", "-c", lab.config, "--json", "--record", self.path]
        self.process = subprocess.Popen([*command, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def record(self):
        with contextlib.suppress(FileNotFoundError), open(self.path) as f:
            return f.read().split("\n")[:-1]
        return []

    def reach(self, n):
        wait_for(f"{n} answers of 200", lambda: len(self.record()) >= n or self.process.poll() is not None)

    def end(self, code=0):
        out, errors = self.process.communicate(timeout=PATIENCE)
        equal(self.process.returncode, code, f"exit of load: {errors}{out}")
        return json.loads(out)


def load(lab, *arguments, code=0):
    return Load(lab, *arguments).end(code)


def stored(lab):
    return {r[0] for r in lab.rows("SELECT message_id FROM notification")}


@case("load: flat out, every 200 is a row, nothing overtook another of its object")
def flat_out():
    with Lab() as lab:
        lab.start()
        run = Load(lab, "--count", 300, "--connections", 16)
        result = run.end()
        equal([result[k] for k in ("delivered", "refused", "undelivered", "not_sent", "connections")], [300, 0, 0, 0, 16], "counts")
        equal((result["answers"], result["errors"], result["sent_again"]), ({"200": 300}, {}, 0), "answers")
        times = [result["latency_ms"][k] for k in ("p50", "p99", "p99.9", "max")]
        check(times[0] > 0 and times == sorted(times), f"latencies {times}")
        equal(set(run.record()), stored(lab), "the record and the rows")
        equal(len(run.record()), 300, "lines of the record")
        equal(lab.rows("SELECT DISTINCT verdict FROM notification WHERE verdict NOT IN ('applied', 'unchanged')"), [], "verdicts")
        check(lab.one("SELECT count(*) FROM order_reference") > 40, "few orders")

        text = lab.run("ipn-simulate", "load", "-c", lab.config, "--count", "20", "--close").stdout
        for line in ("notifications  20 delivered in ", "connections    20\n", "answer 200     20\n", "latency        p50 "):
            check(line in text, f"no {line!r} in {text}")
        equal(len(stored(lab)), 320, "rows")


@case("load: a rate is kept, whatever the number of connections")
def rate():
    with Lab() as lab:
        lab.start()
        result = load(lab, "--seconds", 1, "--rate", 120)
        equal((result["delivered"], result["not_sent"]), (120, 0), "delivered")
        check(0.9 < result["seconds"] < 10, f"1 s took {result['seconds']} s")
        result = load(lab, "--count", 30, "--rate", 60, "--connections", 1)
        equal(result["delivered"], 30, "delivered")
        check(0.45 < result["seconds"] < 10, f"0.5 s took {result['seconds']} s")


@case("load: ipnd is killed in mid-run and started again: all is delivered, all that was recorded is there")
def killed():
    with Lab() as lab:
        lab.start()
        port = lab.port()
        lab.configure(lambda text: text.replace(":0\"", f":{port}\"", 1))
        run = Load(lab, "--count", 500, "--rate", 500)
        run.reach(100)
        lab.kill()
        recorded = set(run.record())
        time.sleep(0.2)
        lab.start()
        equal(recorded - stored(lab), set(), "recorded before the kill, and lost")
        result = run.end()
        equal((result["delivered"], result["undelivered"]), (500, 0), "delivered")
        check(result["errors"] and result["sent_again"] > 0, f"nothing was ever sent again: {result}")
        equal((len(run.record()), set(run.record())), (500, stored(lab)), "the record and the rows")


@case("load: 503 is tried again after its time, a refusal is not; a signal ends early")
def answers():
    seen, lock = collections.Counter(), threading.Lock()

    class StandIn(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            ident = self.headers["x-amz-sns-message-id"]
            with lock:
                seen[ident] += 1
                first, number = seen[ident] == 1, len(seen)
            code = 403 if number == 7 else 503 if first and number % 10 == 0 else 200
            self.send_response(code)
            if code == 503:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"well\n")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    to = f"http://localhost:{server.server_port}/ipn"
    try:
        with Lab() as lab:
            result = load(lab, "--to", to, "--count", 40, code=65)
            equal(result["answers"], {"200": 39, "403": 1, "503": 4}, "answers")
            equal([result[k] for k in ("delivered", "refused", "undelivered", "sent_again")], [39, 1, 0, 4], "counts")
            check(1 <= result["seconds"] < 10, f"Retry-After of 1 s took {result['seconds']} s")
            check(result["latency_ms"]["max"] >= 1000, "the wait is no part of the latency")
            os.unlink(os.path.join(lab.folder, "record"))

            lab.start()
            run = Load(lab, "--count", 400, "--rate", 100)
            run.reach(20)
            run.process.send_signal(signal.SIGINT)
            result = run.end()
            equal((result["delivered"], result["undelivered"]), (len(run.record()), 0), "delivered")
            equal((result["delivered"] + result["not_sent"], set(run.record())), (400, stored(lab)), "sent or not sent")
    finally:
        server.shutdown()
        server.server_close()


@case("load: what cannot be is said: nobody there, a wrong name, numbers, no place for the record")
def refusals():
    with Lab() as lab, Lab() as other:
        def refuse(code, word, *arguments):
            p = lab.run("ipn-simulate", "load", "-c", lab.config, *arguments, code=code)
            check(word in p.stderr and not p.stdout, f"{arguments}: {p.stderr!r} {p.stdout!r}")
            equal(p.stderr.count("\n"), 1, f"lines of {p.stderr!r}")

        lab.start()
        port = lab.port()
        few = ("--count", "8")
        p = lab.run("ipn-simulate", "load", "-c", other.config, "--to", f"https://localhost:{port}/ipn", *few, code=69)
        check("certificate not believed" in p.stderr, p.stderr)
        lab.stop()
        refuse(69, "connection not made", "--to", f"https://127.0.0.1:{port}/ipn", *few)
        refuse(69, "not running", *few)
        refuse(64, "--to", "--to", "ftp://localhost/")
        refuse(64, "one of the two", "--seconds", "1", *few)
        refuse(64, "not a number from 1 to", "--rate", "0")
        refuse(64, "more than", "--rate", "100000", "--seconds", "3600")
        refuse(66, "nowhere", "--to", f"https://localhost:{port}/ipn", "--record", os.path.join(lab.folder, "nowhere", "x"))
