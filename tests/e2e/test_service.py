"""What a service manager sees: signals, readiness, handed-in sockets, reloads that are all or nothing, a private full disk."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time

from lab import SOURCE, Lab, Skip, capture_xml, case, check, equal, inner, together, wait_for
from threats import threat

HEAD = "POST /ipn HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"


def capture(lab, number):
    return lab.envelope(inner(capture_xml(f"S01-{number:07}-2222222-C000001")))


@case("173 SIGTERM and SIGINT: idle connections end, a body that never comes is waited for until the deadline; exit 0")
@threat("173 SIGTERM")
def stops():
    for number, half in ((signal.SIGTERM, False), (signal.SIGINT, False), (signal.SIGTERM, True)):
        with Lab() as lab:
            lab.configure(lambda t: t.replace("listen {", 'listen {\n\trequest_deadline = "2s"'))
            p = lab.start()
            c = lab.connect()
            equal(lab.send(capture(lab, 1), connection=c).status, 200, "before")
            with socket.create_connection(("127.0.0.1", lab.port()), timeout=20) as plain, \
                    lab.tls().wrap_socket(plain, server_hostname="localhost") as s:
                if half:
                    s.sendall(HEAD.format(1000).encode() + b"{")
                    time.sleep(0.2)
                started = time.monotonic()
                p.send_signal(number)
                p.send_signal(number)  # impatience changes nothing
                equal(p.wait(20), 0, "exit")
                check(time.monotonic() - started < (5 if half else 1.5), f"took {time.monotonic() - started:.1f} s")
            c.close()
            equal(lab.one("SELECT count(*) FROM notification"), 1, "rows")
            equal(lab.rows("SELECT verdict, count FROM verdict_count"), [("applied", 1)], "counted")


@case("173 SIGTERM under load: whoever was answered 200 is a row, whoever was not may come again")
@threat("173 SIGTERM under load")
def stop_under_load():
    with Lab() as lab:
        for turn in range(5):
            p = lab.start()
            bodies = [capture(lab, turn * 100 + i) for i in range(40)]
            answered = []

            def client(mine):
                with contextlib.suppress(OSError):
                    for e in mine:
                        if lab.send(e).status == 200:
                            answered.append(e["MessageId"])

            def stop():
                time.sleep(0.05 + turn * 0.03)
                p.send_signal(signal.SIGTERM)
                equal(p.wait(20), 0, "exit")

            together(stop, *(lambda i=i: client(bodies[i::4]) for i in range(4)))
            del lab.daemons["ipnd"]
            stored = {r[0] for r in lab.rows("SELECT message_id FROM notification")}
            equal(set(answered) - stored, set(), "answered and not stored")
            check(answered or turn == 0, "no load")


@case("a reload is all or nothing: accounts and hooks change together or not at all")
def atomic_reload():
    with Lab() as lab:
        p = lab.start()
        with open(lab.config) as f:
            good = f.read()
        hooks = lab.rows("SELECT * FROM hook")

        def hup(text, said):
            before = lab.log().count(said)
            with open(lab.config, "w") as f:
                f.write(text)
            p.send_signal(signal.SIGHUP)
            wait_for(said, lambda: lab.log().count(said) > before)

        changed = good.replace('hook "print"', 'hook "second"').replace('"AREHEARSAL"', '"ANOTHER"')
        for what, text in {
            "a syntax error": changed + "}", "an unknown setting": changed + "x = 1\n",
            "no TLS certificate": changed.replace("tls.pem", "nowhere.pem"),
            "another key": changed.replace("tls.key", "signing.key"), "no CA": changed.replace("ca.pem", "nowhere.pem"),
            "no topic": changed.replace("arn:aws:sns", "arn"),
        }.items():
            check(text != changed, what)
            hup(text, "was not reloaded")
            equal(lab.rows("SELECT * FROM hook"), hooks, what + ": hooks")
            equal(lab.send(lab.envelope(inner())).status, 200, what)
        equal(lab.rows("SELECT DISTINCT verdict FROM notification ORDER BY 1"), [("applied",), ("unchanged",)], "verdicts")
        other = good.replace("AREHEARSAL", "ANOTHER")
        hup(other, "was reloaded")
        equal(lab.send(lab.envelope(inner())).status, 503, "the topic is no account's any more")
        equal(lab.send(lab.envelope(inner(SellerId="ANOTHER"), TopicArn=lab.topic.replace("AREHEARSAL", "ANOTHER"))).status, 200,
              "the new topic")
        hup(good, "was reloaded")
        equal(lab.send(lab.envelope(inner())).status, 200, "back again")
        with contextlib.closing(sqlite3.connect(lab.database, isolation_level=None)) as db:
            db.execute("PRAGMA busy_timeout = 5000")
            db.execute("BEGIN IMMEDIATE")
            hup(good.replace('hook "print"', 'hook "third"'), "was not reloaded")  # a person may do it again
            db.execute("ROLLBACK")
        equal(lab.send(lab.envelope(inner())).status, 200, "after a reload that found the database locked")
        equal([r[0] for r in lab.rows("SELECT name FROM hook WHERE active")], ["print"], "hooks")
        for _ in range(20):
            p.send_signal(signal.SIGHUP)
        equal(lab.send(lab.envelope(inner())).status, 200, "after many")
        lab.stop()


class Notices:
    """What a daemon tells its service manager."""

    def __init__(self, lab):
        self.path = os.path.join(lab.folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(0.1)
        self.seen = ""

    def has(self, word):
        with contextlib.suppress(TimeoutError):
            while True:
                self.seen += self.socket.recv(4096).decode() + "\n"
        return word in self.seen


@case("sockets handed in by the service manager: used instead of the configuration's, open after a stop; readiness, watchdog")
def handed_in():
    with Lab() as lab, socket.create_server(("127.0.0.1", 0)) as secure, socket.create_server(("127.0.0.1", 0)) as plain:
        notices = Notices(lab)
        files = (secure, plain)
        # As systemd does: descriptors from 3 on, and LISTEN_PID is the daemon itself.
        far = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD_CLOEXEC, 200) for s in files]
        script = (f"exec 3<&{far[0]} 4<&{far[1]} {far[0]}<&- {far[1]}<&-; "
                  'LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=ipnd.socket:http exec "$@"')
        for turn in range(2):
            if turn == 1:  # the configuration names the same addresses now
                names = ["127.0.0.1:%d" % s.getsockname()[1] for s in files]
                lab.configure(lambda t: t.replace('{"127.0.0.1:0"}', '{"%s"}\n\thttp = {"%s"}' % tuple(names)))
            with open(os.path.join(lab.folder, "ipnd.log"), "a") as log:
                p = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "bash", "-c", script, "sh",
                                      os.path.join(lab.build, "ipnd"), "-c", lab.config], stdout=log, stderr=log,
                                     stdin=subprocess.DEVNULL, pass_fds=far,
                                     env=dict(os.environ, NOTIFY_SOCKET=notices.path, WATCHDOG_USEC="600000"))
            lab.daemons["ipnd"] = p
            wait_for("readiness", lambda: notices.has("READY=1") or p.poll() is not None)
            equal(p.poll(), None, "ended")
            ports = [s.getsockname()[1] for s in files]
            equal(lab.urls(), [f"https://127.0.0.1:{ports[0]}/ipn", f"http://127.0.0.1:{ports[1]}/ipn"], "listens on")
            equal(lab.log().count("handed in"), 1, "a warning that the configuration's are not used, where they differ")
            equal(lab.send(capture(lab, turn)).status, 200, "https")
            with socket.create_connection(("127.0.0.1", ports[1]), timeout=10) as s:
                body = json.dumps(capture(lab, turn + 10))
                s.sendall((HEAD.format(len(body)) + body).encode())
                check(s.recv(100).startswith(b"HTTP/1.1 200"), "http")
            if turn == 0:
                notices.seen = ""
                wait_for("watchdog", lambda: notices.has("WATCHDOG=1"), 5)
                p.send_signal(signal.SIGHUP)
                wait_for("reload", lambda: notices.has("RELOADING=1\nMONOTONIC_USEC=") and notices.has("READY=1"))
            lab.stop()
            check(notices.has("STOPPING=1"), "stopping is told")
            for s in files:  # the next connection waits in the queue: the socket is still open
                socket.create_connection(s.getsockname(), timeout=5).close()
            notices.seen = ""
        for fd in far:
            os.close(fd)
        equal(lab.one("SELECT count(*) FROM notification"), 4, "rows")


@case("a database of an older version: systemd is asked for more time and told what is done, until it is ready; every row is kept")
def migration():
    with Lab() as lab:
        notices = Notices(lab)
        os.makedirs(lab.state, exist_ok=True)
        with open(os.path.join(SOURCE, "sql", "0001-first.sql")) as f, contextlib.closing(sqlite3.connect(lab.database)) as db:
            db.executescript(f.read() + "PRAGMA application_id = 0x49504E44; PRAGMA user_version = 1;"
                             "INSERT INTO verdict_count VALUES ('signature', 7, '2026-11-24T12:00:00.000Z')")
        lab.prefix = ["env", "NOTIFY_SOCKET=" + notices.path]
        lab.start()
        wait_for("readiness", lambda: notices.has("READY=1"))
        said = notices.seen
        check("EXTEND_TIMEOUT_USEC=600000000\nSTATUS=Bringing the database from schema 1 to " in said, said)
        check(said.index("EXTEND_TIMEOUT_USEC") < said.index("READY=1"), said)
        check("STATUS=Receiving for 1 account" in said[said.rindex("EXTEND_TIMEOUT_USEC"):], "the status goes back")
        check("was brought from schema 1 to" in lab.log(), "said")
        equal(lab.one("SELECT count FROM verdict_count WHERE verdict = 'signature'"), 7, "kept")
        lab.stop()
        notices.seen = ""
        lab.start()
        wait_for("readiness", lambda: notices.has("READY=1"))
        check("EXTEND_TIMEOUT_USEC" not in notices.seen, "nothing is to be brought up to date any more")


@case("ipn-hookd: SIGTERM lets a hook finish, SIGHUP takes a new configuration, a second one is refused, ipnd may come and go")
def hookd_service():
    with Lab() as lab:
        hook = os.path.join(lab.home, "hook")
        with open(hook, "w") as f:
            f.write('#!/bin/sh\necho "$IPN_EVENT_ID" >>"${0%/*}/began"\nsleep 0.7\necho "$IPN_EVENT_ID" >>"${0%/*}/ended"\n')

        def lines(name):
            with contextlib.suppress(FileNotFoundError), open(os.path.join(lab.home, name)) as f:
                return f.read().split()
            return []

        lab.start()
        p = lab.start("ipn-hookd")
        equal(lab.send(capture(lab, 1)).status, 200, "post")
        wait_for("the hook began", lambda: lines("began"))
        refused = lab.run("ipn-hookd", "-c", lab.config, code=75)
        check("another ipn-hookd" in refused.stderr, refused.stderr)
        lab.stop("ipn-hookd")
        equal(lines("ended"), ["1"], "it was let finish")
        equal(lab.rows("SELECT state, attempts, exit_status FROM hook_run"), [("done", 1, 0)], "and noted")
        lab.stop()
        lab.start("ipn-hookd")  # alone: what there is to do is done without ipnd
        time.sleep(0.3)
        lab.start()
        equal(lab.send(capture(lab, 2)).status, 200, "post")
        wait_for("after ipnd came back", lambda: lines("ended") == ["1", "2"])
        p = lab.daemons["ipn-hookd"]
        with open(lab.config) as f:
            good = f.read()
        with open(lab.config, "w") as f:
            f.write(good + "x = 1\n")
        p.send_signal(signal.SIGHUP)
        wait_for("refused", lambda: "was not reloaded" in lab.log("ipn-hookd"))
        second = good.replace(lab.home + "/hook", "/bin/true")
        with open(lab.config, "w") as f:
            f.write(second)
        p.send_signal(signal.SIGHUP)
        wait_for("reloaded", lambda: "was reloaded" in lab.log("ipn-hookd"))
        equal(lab.send(capture(lab, 3)).status, 200, "post")
        wait_for("the new one ran", lambda: lab.rows("SELECT state FROM hook_run WHERE event_id = 3") == [("done",)])
        equal(lines("began"), ["1", "2"], "and the old one did not")
        lab.stop("ipn-hookd")
        lab.stop()


@case("hooks: a failing one holds up its own order's next events and no other's; exact environment; the event on stdin")
def lanes():
    with Lab() as lab:
        hook = os.path.join(lab.home, "hook")
        with open(hook, "w") as f:
            f.write('#!/bin/sh\nd=${0%/*}\necho "$IPN_OBJECT_ID $IPN_EVENT" >>"$d/ran"\n'
                    'env | LC_ALL=C sort >"$d/env.$IPN_EVENT_ID"\ncat >"$d/stdin.$IPN_EVENT_ID"\n'
                    'ls -l /proc/self/fd >"$d/fd.$IPN_EVENT_ID"\ngrep Sig /proc/self/status >"$d/signals"\n'
                    'case $IPN_OBJECT_ID in S01-0000001-*) [ -e "$d/open" ] || exit 1 ;; esac\n')
        lab.start()
        lab.start("ipn-hookd")
        xml = capture_xml("S01-0000001-2222222-C000001", "Pending")
        equal(lab.send(lab.envelope(inner(xml))).status, 200, "post")
        xml = capture_xml("S01-0000001-2222222-C000001", updated="2026-01-02T03:05:05.006Z")
        equal(lab.send(lab.envelope(inner(xml))).status, 200, "post")
        equal(lab.send(capture(lab, 2)).status, 200, "post")
        state = lambda n: lab.rows("SELECT state FROM hook_run WHERE event_id = ?", n)  # noqa: E731
        wait_for("the other order's", lambda: state(3) == [("done",)])
        check(state(1) != [("done",)] and state(2) in ([], [("pending",)]), f"{state(1)} {state(2)}")
        with open(os.path.join(lab.home, "open"), "w"):
            pass
        wait_for("then both", lambda: state(1) == state(2) == [("done",)])
        with open(os.path.join(lab.home, "ran")) as f:
            ran = [line.split()[1] for line in f if line.startswith("S01-0000001-")]
        equal(ran[-1], "capture.completed", "the later event")
        equal(set(ran[:-1]), {"capture.pending"}, "only after the earlier one")
        with open(os.path.join(lab.home, "env.2")) as f:
            env = dict(line.rstrip("\n").split("=", 1) for line in f)
        for name in ("PWD", "_", "SHLVL", "OLDPWD"):  # the shell's own
            env.pop(name, None)
        home = env.pop("HOME")
        check(home.startswith("/"), f"HOME={home}")
        check("/bin" in env.pop("PATH"), "PATH")
        equal(env, {
            "LANG": "C.UTF-8", "IPN_EVENT_ID": "2", "IPN_EVENT": "capture.completed", "IPN_OBJECT_TYPE": "capture",
            "IPN_OBJECT_ID": "S01-0000001-2222222-C000001", "IPN_ORDER_REFERENCE_ID": "S01-0000001-2222222",
            "IPN_SELLER_ORDER_ID": "", "IPN_BILLING_AGREEMENT_ID": "", "IPN_PREVIOUS_STATE": "Pending", "IPN_STATE": "Completed",
            "IPN_REASON_CODE": "", "IPN_AMOUNT": "19.95", "IPN_CURRENCY": "USD", "IPN_ACCOUNT": "rehearsal",
            "IPN_SELLER_ID": "AREHEARSAL", "IPN_ENVIRONMENT": "sandbox", "IPN_UPDATED_AT": "2026-01-02T03:05:05.006Z",
            "IPN_ATTEMPT": "1", "IPN_LATE": "0"}, "environment")
        with open(os.path.join(lab.home, "stdin.2")) as f:
            text = f.read()
        equal(text.count("\n"), 1, "one line")
        told = json.loads(text)
        equal((told["event_id"], told["event"], told["amount"], told["currency"], told["state"]),
              (2, "capture.completed", "19.95", "USD", "Completed"), "stdin")
        with open(os.path.join(lab.home, "fd.2")) as f:
            files = [line for line in f if " -> " in line]
        check(len(files) <= 4 and not any("ipnd.db" in line or "socket" in line for line in files), f"open files: {files}")
        with open(os.path.join(lab.home, "signals")) as f:
            signals = dict(line.split() for line in f)
        posix = (1 << 31) - 1  # 32 and 33 are glibc's own: its posix_spawn() leaves them ignored
        equal((int(signals["SigBlk:"], 16), int(signals["SigIgn:"], 16) & posix), (0, 0), "signals blocked and ignored")


@case("a locked database when the daemons start: they wait for it")
def locked_start():
    with Lab() as lab:
        lab.start()
        lab.stop()
        with contextlib.closing(sqlite3.connect(lab.database, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            lab.start(wait=False)
            lab.start("ipn-hookd")
            time.sleep(1)
            equal([p.poll() for p in lab.daemons.values()], [None, None], "both wait")
            db.execute("ROLLBACK")
        wait_for("ipnd listens", lambda: lab.urls())
        equal(lab.send(capture(lab, 1)).status, 200, "post")
        wait_for("the hook ran", lambda: lab.rows("SELECT state FROM hook_run") == [("done",)])


@case("a reader that holds an old snapshot, and one that dies: posts go on")
def readers():
    with Lab() as lab:
        lab.start()
        with contextlib.closing(sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True, isolation_level=None)) as db:
            db.execute("BEGIN")
            equal(db.execute("SELECT count(*) FROM notification").fetchone(), (0,), "its snapshot")
            for i in range(50):
                equal(lab.send(capture(lab, i)).status, 200, "post")
            equal(db.execute("SELECT count(*) FROM notification").fetchone(), (0,), "its snapshot still")
        equal(lab.one("SELECT count(*) FROM notification"), 50, "rows")


@case("175 files: the state folder's are for the owner to write and the group to read, whatever the umask")
def modes():
    for mask in (0, 0o022, 0o077):
        with Lab() as lab, threat(f"175 umask {mask:o}"):
            lab.prefix = ["bash", "-c", f'umask {mask:o}; exec "$@"', "sh"]
            lab.start()
            equal(lab.send(capture(lab, 1)).status, 200, "post")
            state = os.path.dirname(lab.database)
            for name in ("tls.key", "signing.key", "ca.key"):
                equal(os.stat(os.path.join(lab.home, name)).st_mode & 0o077, 0, name)
            found = {name: os.stat(os.path.join(state, name)).st_mode & 0o777 for name in os.listdir(state)}
            lab.stop()
            for name in ("ipnd.db", "ipnd.db-wal", "ipnd.db-shm"):
                equal(oct(found[name]), oct(0o640), f"{name} under umask {mask:o}")
                check(os.path.exists(os.path.join(state, name)), f"{name} is there after a stop")
            check(found["ipnd.lock"] & 0o027 in (0, 0o020, 0o024, 0o004) or found["ipnd.lock"] & 0o022 == 0,
                  f"ipnd.lock {found['ipnd.lock']:o}")


@case("170 a full disk in a mount namespace of its own: 503, nothing lost, service returns by itself")
@threat("170 a full disk")
def full_disk():
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skip("needs root and mount namespaces")
    with Lab() as lab:
        state = os.path.join(lab.home, "state")
        lab.prefix = ["unshare", "-m", "--propagation", "private", "bash", "-c",
                      f'mount -t tmpfs -o size=2m tmpfs "{state}" && exec "$@"', "sh"]
        lab.start(wait=False)
        p = lab.daemons["ipnd"]
        inside = f"/proc/{p.pid}/root{state}"
        lab.state = inside
        wait_for("ipnd listens", lambda: p.poll() is not None or lab.urls())
        if p.poll() is not None:
            raise Skip("cannot mount a tmpfs")
        stored, first_refused = [], None
        for i in range(300):
            e = lab.envelope(inner(capture_xml(f"S01-{i:07}-2222222-C000001", extra="<x>" + "y" * 20000 + "</x>")))
            answer = lab.send(e)
            check(answer.status in (200, 503), f"{answer.status}")
            if answer.status == 503:
                check("retry-after" in answer.headers, "Retry-After")
                first_refused = first_refused or e
                break
            stored.append(e["MessageId"])
        check(first_refused and len(stored) > 5, f"the disk is not full after {len(stored)}")
        for _ in range(3):  # what is stored already would be a duplicate: no 200 unless it is surely on disk
            check(lab.send(first_refused).status == 503, "still full")
        subprocess.run(["nsenter", "-t", str(p.pid), "-m", "mount", "-o", "remount,size=64m", state], check=True)
        wait_for("service returns", lambda: lab.send(first_refused).status == 200)

        def inside_rows(sql):
            script = "import json, sqlite3, sys; print(json.dumps(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()))"
            out = subprocess.run(["nsenter", "-t", str(p.pid), "-m", "/usr/bin/python3", "-c", script, lab.database, sql],
                                 check=True, capture_output=True, timeout=30).stdout
            return json.loads(out)

        equal({r[0] for r in inside_rows("SELECT message_id FROM notification")}, {*stored, first_refused["MessageId"]}, "rows")
        equal(inside_rows("PRAGMA integrity_check"), [["ok"]], "integrity")
        equal(inside_rows("SELECT count(*) FROM event"), [[len(stored) + 1]], "events")
        lab.stop()
