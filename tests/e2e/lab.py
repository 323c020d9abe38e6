"""What every end-to-end case uses: a fresh folder, the real programs on loopback, signed messages, the database."""

import base64
import concurrent.futures
import contextlib
import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid

SOURCE = os.path.abspath(os.environ.get("top_srcdir") or os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("top_builddir") or next(
    (b for b in (os.path.join(SOURCE, "build", "gcc"), os.path.join(SOURCE, "build"))
     if os.path.exists(os.path.join(b, "ipnd"))), "build"))
RECORDED = os.path.realpath(os.environ.get("IPND_RECORDED") or os.path.join(SOURCE, "..", "shared", "recorded"))
PROGRAMS = ("ipnd", "ipn-hookd", "ipnctl", "ipn-simulate")
TOPIC = "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL"
PATIENCE = 30  # seconds; what takes longer has failed
LOG_LINES = 40  # of each daemon, shown when a case fails


class Skip(Exception):
    pass


CASES = []
ROOT = tempfile.mkdtemp(prefix="ipnd-e2e-")  # of all folders of this run
os.chmod(ROOT, 0o711)
here = threading.local()


def take_lines():
    """A fresh list for what this thread's case has to show."""
    here.lines = []
    return here.lines


def say(text):
    here.lines.append(text)


def adopt_orphans():
    """Hooks whose daemon was killed become our children, so that end_all() finds them."""
    pr_set_child_subreaper = 36  # linux/prctl.h
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def children(pid):
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found += [int(child) for child in f.read().split()]
    return found


def end_all():
    """Ends every process and removes every folder, and again what other threads start meanwhile."""
    for _ in range(50):
        shutil.rmtree(ROOT, ignore_errors=True)
        left = children(os.getpid())
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)
        if not left and not os.path.exists(ROOT):
            break


def case(name):
    def register(function):
        CASES.append((name, function))
        return function

    return register


def wait_for(what, probe, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def equal(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what}: got {got!r}, expected {expected!r}")


def check(good, what):
    if not good:
        raise AssertionError(what)


def together(*functions):
    """Runs them at once; fails when one does. What they say is the case's, too."""
    lines = getattr(here, "lines", [])

    def adopt():
        here.lines = lines

    with concurrent.futures.ThreadPoolExecutor(len(functions), initializer=adopt) as pool:
        for future in [pool.submit(f) for f in functions]:
            future.result()


def openssl(*arguments, stdin=None):
    p = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, timeout=PATIENCE)
    if p.returncode:
        raise AssertionError(f"openssl {arguments}: {p.stderr.decode()}")
    return p.stdout


def recorded(*parts):
    path = os.path.join(RECORDED, *parts)
    if not os.path.exists(path):
        raise Skip("the recorded messages are not here")
    return path


def helper(name):
    """A check program of the build folder, which only `make check` makes."""
    path = os.path.join(BUILD, name)
    if not os.path.exists(path):
        if not shutil.which("make") or not os.path.exists(os.path.join(BUILD, "Makefile")):
            raise Skip(f"{name} is not built")
        p = subprocess.run(["make", "-C", BUILD, name], capture_output=True, text=True)
        equal(p.returncode, 0, p.stdout + p.stderr)
    return path


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text


class Preloaded:
    """A library of <name>.c for the daemons that are started from now on; what it reads stands in the file that $<setting> names."""

    def __init__(self, lab, name, setting):
        library, source = os.path.join(lab.folder, name + ".so"), os.path.join(os.path.dirname(__file__), name + ".c")
        compiler = os.environ.get("CC") or "cc"
        subprocess.run([compiler, "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=PATIENCE)
        self.file = os.path.join(lab.folder, name)
        self.environment = {"LD_PRELOAD": library, setting: self.file}
        lab.prefix = ["env"] + [f"{name}={value}" for name, value in self.environment.items()]

    def write(self, text):
        with open(self.file + ".new", "w") as f:
            f.write(text)
        os.rename(self.file + ".new", self.file)


class Clock(Preloaded):
    """A wall clock that is wrong by some seconds."""

    def __init__(self, lab, seconds):
        super().__init__(lab, "clock", "IPND_CLOCK")
        self.set(seconds)

    def set(self, seconds):
        self.write(str(seconds))

    def stand(self, seconds):
        """Still, at so many seconds since 1970."""
        self.write(f"= {seconds:.3f}")


class Disk(Preloaded):
    """A disk whose syncs take some milliseconds and whose writes fail with an error number."""

    def __init__(self, lab):
        super().__init__(lab, "disk", "IPND_DISK")
        self.be()

    def be(self, sync_ms=0, error=0):
        self.write(f"{sync_ms} {error}")

    def syncs(self):
        return os.path.getsize(self.file + ".syncs")


class Lab:
    """One folder with keys, configuration and state; at most one ipnd and one ipn-hookd in it."""

    topic, build = TOPIC, BUILD

    def __init__(self):
        self.folder = tempfile.mkdtemp(dir=ROOT)
        self.home = os.path.join(self.folder, "sim")
        self.prefix = []  # of a daemon's command line
        self.environment = None  # of the other programs; None: ours
        self.prepare()
        self.run("ipn-simulate", "init", self.home)
        self.config = os.path.join(self.home, "ipnd.conf")
        self.state = os.path.join(self.home, "state")
        self.database = os.path.join(self.state, "ipnd.db")
        self.certificates = os.path.join(self.home, "certificates", "us-east-1")
        self.hex = re.search("-([0-9a-f]{32}).pem", os.listdir(self.certificates)[0]).group(1)
        self.signing_key = os.path.join(self.home, "signing.key")
        self.daemons = {}
        self.sns = None  # the stand-in for SNS, if anything may connect to one

    def prepare(self):
        """What is to be there before the keys."""

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        ended = {name: p.poll() for name, p in self.daemons.items()}
        for name in list(self.daemons):
            self.kill(name)
        if self.sns:
            self.sns.close()
        try:
            if not kind:
                self.check_daemons(ended)
        except AssertionError:
            kind = AssertionError
            raise
        finally:
            self.leave(kind)

    def check_daemons(self, ended):
        """A daemon that fell is a failure, wherever the case was looking."""
        for name, code in ended.items():
            check(code in (None, 0), f"{name} ended by itself with {code}")
        for name in ("ipnd", "ipn-hookd"):
            if os.path.exists(os.path.join(self.folder, name + ".log")):
                for word in ("Sanitizer", "runtime error:", "Assertion", "Fatal error"):
                    check(word not in self.log(name), f"{word} in the log of {name}")

    def leave(self, kind):
        if kind and not issubclass(kind, Skip):
            for log in sorted(os.listdir(self.folder)):
                if log.endswith(".log"):
                    for line in self.log(log[:-4]).splitlines()[-LOG_LINES:]:
                        say(f"{log}: {ascii(line)[1:-1]}")
        shutil.rmtree(self.folder, ignore_errors=True)

    # programs

    def run(self, program, *arguments, code=0, stdin=None, **options):
        options.setdefault("env", self and self.environment)
        p = subprocess.run([os.path.join(BUILD, program), *arguments], input=stdin, capture_output=True, text=True,
                           timeout=PATIENCE, **options)
        if code is not None and p.returncode != code:
            raise AssertionError(f"{program} {arguments}: exit {p.returncode}, not {code}: {p.stderr} {p.stdout}")
        return p

    def ctl(self, *arguments, code=0, **options):
        return self.run("ipnctl", "-c", self.config, *arguments, code=code, **options)

    def start(self, name="ipnd", wait=True):
        log = open(os.path.join(self.folder, name + ".log"), "a")
        lock = os.path.join(self.state, name + ".lock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(lock)
        command = ["setpriv", "--pdeathsig", "KILL", *self.prefix, os.path.join(BUILD, name), "-c", self.config]
        p = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        self.daemons[name] = p
        if name == "ipnd" and wait:
            wait_for("ipnd listens", lambda: p.poll() is not None or self.urls())
            if p.poll() is not None:
                raise AssertionError(f"ipnd ended with {p.returncode}")
        return p

    def urls(self):
        try:
            with open(os.path.join(self.state, "ipnd.lock")) as f:
                return f.read().split("\n")[1:-1]
        except OSError:
            return []

    def port(self, number=0):
        return int(re.search(r":(\d+)/", self.urls()[number]).group(1))

    def stop(self, name="ipnd", code=0):
        p = self.daemons.pop(name)
        p.send_signal(signal.SIGTERM)
        equal(p.wait(PATIENCE), code, f"exit of {name}")

    def kill(self, name="ipnd"):
        p = self.daemons.pop(name)
        p.kill()
        p.wait()

    def log(self, name="ipnd"):
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as f:
            return f.read()

    def configure(self, change):
        with open(self.config) as f:
            text = change(f.read())
        with open(self.config, "w") as f:
            f.write(text)

    # requests

    def tls(self):
        context = ssl.create_default_context(cafile=os.path.join(self.home, "ca.pem"))
        return context

    def connect(self):
        return http.client.HTTPSConnection("localhost", self.port(), context=self.tls(), timeout=PATIENCE)

    def post(self, body, headers=None, connection=None, method="POST", path="/ipn"):
        c = connection or self.connect()
        if isinstance(body, str):
            body = body.encode()
        c.request(method, path, body=body, headers=headers or {"Content-Type": "text/plain; charset=UTF-8"})
        r = c.getresponse()
        answer = Answer(r.status, dict((k.lower(), v) for k, v in r.getheaders()), r.read().decode())
        if not connection:
            c.close()
        return answer

    def raw(self, data, half_close=False, seconds=15):
        """Sends bytes over TLS, returns all that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port()), timeout=seconds) as plain:
            with self.tls().wrap_socket(plain, server_hostname="localhost") as s:
                s.sendall(data)
                got = b""
                try:
                    while chunk := s.recv(65536):
                        got += chunk
                except (ssl.SSLError, ConnectionResetError):
                    pass
                return got

    def flood(self, bodies, count, threads=4, source="203.0.113.9"):
        """Posts them in turn at full speed over the second listener, which is plain HTTP. Returns {status: how often}."""
        command = [sys.executable, "-B", os.path.join(os.path.dirname(__file__), "flood.py"), self.port(1), count, threads, source]
        p = subprocess.run([str(a) for a in command], input=json.dumps(bodies), capture_output=True, text=True,
                           timeout=4 * PATIENCE)
        equal(p.returncode, 0, p.stderr)
        return json.loads(p.stdout)

    # messages

    def sign(self, text, digest="sha1", key=None):
        return base64.b64encode(openssl("dgst", "-" + digest, "-sign", key or self.signing_key, stdin=text)).decode()

    def envelope(self, message, **changes):
        """A signed notification as a dict; `changes` are made before it is signed."""
        e = {
            "Type": "Notification",
            "MessageId": str(uuid.uuid4()),
            "TopicArn": TOPIC,
            "Message": message,
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000Z",
            "SignatureVersion": "1",
            "SigningCertURL":
                f"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{self.hex}.pem",
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x",
        }
        key = changes.pop("key", None)
        e.update(changes)
        e = {k: v for k, v in e.items() if v is not None}
        e["Signature"] = self.sign(signed_text(e), "sha256" if e["SignatureVersion"] == "2" else "sha1", key)
        return e

    def send(self, e, **options):
        return self.post(json.dumps(e), **options)

    # the database

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(sql, values).fetchall()

    def one(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    def dump(self):
        """Every table and view but those with the count of answers."""
        names = [r[0] for r in self.rows("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND "
                                         "name NOT LIKE 'sqlite_%' AND name NOT IN ('failure', 'verdict_count') ORDER BY 1")]
        return {n: sorted(self.rows(f"SELECT * FROM {n}"), key=repr) for n in names}

    def files(self):
        """Every file below the state folder but the database's own, with its bytes."""
        found, state = {}, os.path.dirname(self.database)
        for folder, _, names in os.walk(state):
            for name in names:
                path = os.path.join(folder, name)
                if not path.startswith(self.database):
                    with open(path, "rb") as f:
                        found[os.path.relpath(path, state)] = f.read()
        return found


def signed_text(e):
    if e["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    return "".join(f"{n}\n{e[n]}\n" for n in names if n in e).encode()


NAMESPACE = "https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"


def capture_xml(capture_id="S01-1111111-2222222-C000001", state="Completed", amount="19.95", currency="USD",
                updated="2026-01-02T03:04:05.006Z", extra=""):
    price = f"<Amount>{amount}</Amount><CurrencyCode>{currency}</CurrencyCode>"
    zero = f"<Amount>0.0</Amount><CurrencyCode>{currency}</CurrencyCode>"
    return (f'<?xml version="1.0" encoding="UTF-8"?><CaptureNotification xmlns="{NAMESPACE}"><CaptureDetails>'
            f"<AmazonCaptureId>{capture_id}</AmazonCaptureId><CaptureReferenceId>ref</CaptureReferenceId>"
            f"<CaptureAmount>{price}</CaptureAmount><RefundedAmount>{zero}</RefundedAmount>"
            f"<CaptureFee>{zero}</CaptureFee><IdList/>"
            f"<CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp><CaptureStatus><State>{state}</State>"
            f"<LastUpdateTimestamp>{updated}</LastUpdateTimestamp></CaptureStatus>{extra}"
            f"<SoftDescriptor>AMZ*shop</SoftDescriptor></CaptureDetails></CaptureNotification>")


def inner(xml=None, **changes):
    """The middle JSON as text. A change to None leaves the member out."""
    m = {
        "ReleaseEnvironment": "Sandbox",
        "MarketplaceID": "623690",
        "Version": "2013-01-01",
        "NotificationType": "PaymentCapture",
        "SellerId": "AREHEARSAL",
        "NotificationReferenceId": str(uuid.uuid4()),
        "Timestamp": "2026-01-02T03:04:05.006Z",
        "NotificationData": capture_xml() if xml is None else xml,
    }
    m.update(changes)
    return json.dumps({k: v for k, v in m.items() if v is not None})
