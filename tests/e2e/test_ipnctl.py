"""ipnctl in more places: hostile words in the database, terminals, pipes, every recorded message, a live database."""

import contextlib
import glob
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import time

from lab import BUILD, Lab, capture_xml, case, check, equal, inner, recorded, together, wait_for

LISTS = ("orders", "authorizations", "captures", "refunds", "notifications", "events")
OUTSIDE = "\x1b]0;title\x07\x1b[31m\u202e\u0085\r\nFORGED LINE"


@case("ipnctl: words from outside never reach a terminal raw, and JSON carries them whole")
def hostile_words():
    with Lab() as lab:
        lab.start()
        xml = capture_xml().replace("<CaptureReferenceId>ref<", "<CaptureReferenceId>a&#x85;&#x202e;&#x9b;31m\u200b<")
        equal(lab.send(lab.envelope(inner(xml))).status, 200, "post")
        equal(lab.send(lab.envelope(inner(SellerId=OUTSIDE))).status, 200, "post")
        e = lab.envelope(inner(NotificationType=OUTSIDE, NotificationReferenceId=OUTSIDE))
        equal(lab.send(e).status, 200, "post")
        for topic in ("\x1b[31mX", "A\u202e"):
            lab.send(dict(e, TopicArn="arn:aws:sns:us-east-1:291180941288:" + topic))
        lab.stop()
        ident = lab.one("SELECT message_id FROM notification WHERE id = 2")
        commands = [["list", kind] for kind in LISTS] + [
            ["status"], ["show", "S01-1111111-2222222-C000001"], ["explain", "S01-1111111-2222222-C000001"], ["show", ident],
            ["show", e["MessageId"]], ["show", OUTSIDE.strip("\n")], ["explain", OUTSIDE], ["list", OUTSIDE],
            ["list", "orders", "--state", OUTSIDE], ["list", "events", "--account", OUTSIDE], [OUTSIDE], ["--" + OUTSIDE]]
        for arguments in commands:
            p = lab.ctl(*arguments, code=None)
            check(p.returncode in (0, 1, 64, 69), f"{arguments!r}: exit {p.returncode}: {p.stderr}")
            for word in ("\x1b", "\x07", "\u202e", "\u0085", "\u009b", "\nFORGED"):
                check(word not in p.stdout + p.stderr, f"{arguments!r} prints {word!r}: {p.stdout}{p.stderr}")
        shown = json.loads(lab.ctl("--json", "show", e["MessageId"]).stdout.splitlines()[0])
        equal((shown["type"], shown["reference_id"]), (OUTSIDE, OUTSIDE), "whole in JSON")


@case("ipnctl: usage errors are 64, what is not there is 1, no database 69, no configuration 78, a strange file 65 or 69")
def exit_codes():
    with Lab() as lab:
        usage = ([], ["nonsense"], ["list"], ["list", "nonsense"], ["list", "orders", "extra"], ["show"], ["show", "a", "b"],
                 ["explain"], ["status", "extra"], ["verify"], ["verify", "a", "b"], ["--nonsense"], ["status", "--state", "Open"],
                 ["--color=sometimes", "status"], ["list", "orders", "--limit", "-1"], ["list", "orders", "--limit", "x"],
                 ["list", "orders", "--limit", "99999999999999999999"], ["list", "orders", "--since", "later"],
                 ["list", "orders", "--state", "Nonsense"], ["list", "orders", "--until", "2026-02-30"], ["list", "orders", "--state"])
        for arguments in usage:
            p = lab.ctl(*arguments, code=64)
            check(p.stdout == "" and p.stderr.startswith("ipnctl: "), f"{arguments}: {p.stdout} {p.stderr}")
        for verb in (["status"], ["list", "orders"], ["show", "x"], ["explain", "x"]):
            p = lab.ctl(*verb, code=69)
            check("ipnd" in p.stderr or "ipnd" in p.stdout, f"{verb}: {p.stderr}")
            lab.run("ipnctl", *verb, "--config", "/nonexistent/ipnd.conf", code=78)
            lab.run("ipnctl", *verb, code=78, env=dict(os.environ, IPND_CONFIG="/nonexistent/ipnd.conf"))
        for verb in ([], ["status"], ["list"], ["show"], ["explain"], ["verify"], ["check-config"]):
            check("Usage: ipnctl" in lab.run("ipnctl", *verb, "--help").stdout, f"{verb} --help")
        lab.start()
        for verb in (["list", "orders"], ["list", "events", "--json"], ["show", "S01-1234567-1234567"], ["explain", "nobody"],
                     ["show", str(2 ** 70)], ["show", "'; DROP TABLE event; --"], ["list", "captures", "--since", "1h"]):
            equal(lab.ctl(*verb, code=1).stdout, "", f"{verb}")
        lab.stop()
        state = os.path.dirname(lab.database)
        for name in os.listdir(state):
            os.unlink(os.path.join(state, name))
        for what, make in {
            "empty": lambda: open(lab.database, "w").close(), "text": lambda: open(lab.database, "w").write("x" * 5000),
            "another program's": lambda: sqlite3.connect(lab.database).execute("CREATE TABLE t (a)").connection.close(),
        }.items():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(lab.database)
            make()
            p = lab.ctl("list", "orders", code=None)
            check(p.returncode in (65, 69), f"{what}: exit {p.returncode} {p.stderr}")
            check(lab.database in p.stderr, f"{what}: {p.stderr}")
            p = lab.run("ipnd", "-c", lab.config, code=None) if what != "empty" else None
            check(p is None or p.returncode in (65, 69, 78), f"ipnd on {what}: {p and p.returncode} {p and p.stderr}")


@case("ipnctl: tables on a terminal have colours unless told not to; a pipe has none; a closed pipe is no accident")
def terminals():
    with Lab() as lab:
        lab.start()
        lab.run("ipn-simulate", "play", "one-time", "--config", lab.config)

        def on_terminal(*arguments, **env):
            pid, fd = pty.fork()
            if pid == 0:
                os.environ.update(env, TERM="xterm")
                os.environ.pop("NO_COLOR", None) if "NO_COLOR" not in env else None
                os.execv(os.path.join(lab.build, "ipnctl"), ["ipnctl", "-c", lab.config, *arguments])
            got = b""
            with contextlib.suppress(OSError):
                while chunk := os.read(fd, 65536):
                    got += chunk
            os.close(fd)
            equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, f"{arguments}")
            return got

        for verb in (("status",), ("list", "orders"), ("list", "events")):
            plain = on_terminal(*verb, "--color=never")
            check(b"\x1b" not in plain, f"never: {plain!r}")
            check(b"\x1b" not in on_terminal(*verb, NO_COLOR="1"), "NO_COLOR")
            check(b"\x1b[" in on_terminal(*verb), f"{verb} has colours on a terminal")
            check("\x1b" not in lab.ctl(*verb).stdout, "a pipe")
            check("\x1b[" in lab.ctl(*verb, "--color=always").stdout, "always")
            check("\x1b" not in lab.ctl(*verb, "--json").stdout, "JSON")
        p = subprocess.Popen([os.path.join(lab.build, "ipnctl"), "-c", lab.config, "list", "events"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        p.stdout.close()
        said = p.stderr.read()
        check(p.wait(30) in (0, 74, -13) and b"assert" not in said, f"a closed pipe: {p.returncode} {said!r}")
        with open("/dev/full", "w") as full:
            p = subprocess.run([os.path.join(lab.build, "ipnctl"), "-c", lab.config, "list", "events"], stdout=full,
                               stderr=subprocess.PIPE, timeout=30)
        equal(p.returncode, 74, "output that cannot be written")


@case("ipnctl list: filters, order and limit; --json has every column of the table by its name")
def lists():
    with Lab() as lab:
        lab.start()
        for i in range(60):
            xml = capture_xml(f"S01-{i:07}-2222222-C000001", "Completed" if i % 3 else "Pending", amount=f"{i}.5")
            equal(lab.send(lab.envelope(inner(xml))).status, 200, "post")
        rows = lambda *a: [json.loads(line) for line in lab.ctl("list", "captures", "--json", *a).stdout.splitlines()]  # noqa: E731
        equal(len(rows()), 50, "50 unless told")
        equal(len(rows("--limit", "0")), 60, "all")
        equal(len(rows("--limit", "7")), 7, "seven")
        equal({r["state"] for r in rows("--state", "Pending", "--limit", "0")}, {"Pending"}, "state")
        equal(len(rows("--state", "pending", "--limit", "0")), 20, "state in any case")
        stored = {r[0]: r for r in lab.rows("SELECT capture_id, amount_minor, currency, state FROM capture")}
        for r in rows("--limit", "0"):
            equal((r["capture_id"], r["amount_minor"], r["currency"], r["state"]), stored[r["capture_id"]], "columns")
        columns = [c[1] for c in lab.rows("PRAGMA table_info(capture)")]
        check(set(columns) <= set(rows("--limit", "1")[0]), "every column")
        lab.ctl("list", "captures", "--account", "nobody", code=None)
        names = [json.loads(line)["name"] for line in lab.ctl("list", "events", "--state", "capture.pending", "--limit", "0",
                                                              "--json").stdout.splitlines()]
        equal(names, ["capture.pending"] * 20, "events by name")
        made = [json.loads(line)["id"] for line in lab.ctl("list", "events", "--json").stdout.splitlines()]
        equal(made, sorted(made, reverse=True), "newest first")
        equal(len(lab.ctl("list", "notifications", "--json", "--since", "1h", "--limit", "0").stdout.splitlines()), 60, "since")
        lab.ctl("list", "notifications", "--until", "1h", code=1)
        lab.ctl("list", "notifications", "--since", "2000-01-01", "--until", "2001-01-01", code=1)


@case("ipnctl reads while ipnd writes: every look is whole, and nothing that ipnd was sent is refused for it")
def live():
    with Lab() as lab:
        lab.start()
        done = []

        def write():
            c = lab.connect()
            try:
                for i in range(150):
                    xml = capture_xml(f"S01-{i:07}-2222222-C000001")
                    equal(lab.send(lab.envelope(inner(xml)), connection=c).status, 200, "post")
            finally:
                done.append(True)
                c.close()

        def look():
            last = 0
            while not done:
                found = lab.ctl("list", "captures", "--json", "--limit", "0", code=None)
                check(found.returncode in (0, 1), found.stderr)
                count = len(found.stdout.splitlines())
                check(count >= last, f"{count} after {last}")
                last = count
                lab.ctl("status", "--json")

        together(write, look, look)


def certificate_for(path):
    with open(path) as f:
        url = json.load(f)["SigningCertURL"]
    region, name = re.fullmatch(r"https://sns\.([a-z0-9-]+)\.amazonaws\.com/(.*)", url).groups()
    return recorded("certificates", region, name)


@case("ipnctl verify: every recorded message; changed ones say which rule; stdin; the certificate's date now")
def verify_recorded():
    with Lab() as lab:
        nowhere = {"cwd": lab.folder, "env": dict(os.environ, IPND_CONFIG="/nonexistent")}
        messages = sorted(glob.glob(recorded("amazonpay") + "/*.json") + glob.glob(recorded("sns") + "/*.json"))
        checked = 0
        for path in messages:
            with open(path) as f:
                e = json.load(f)
            if "433026a4" in e["SigningCertURL"]:  # only its key is left
                lab.run("ipnctl", "verify", path, code=None, **nowhere)
                continue
            code = 65 if "rsa1024" in path else 0
            p = lab.run("ipnctl", "verify", path, "--certificate", certificate_for(path), code=code, **nowhere)
            checked += 1
            if code:
                check("1024" in p.stdout or "2048" in p.stdout, p.stdout)
                continue
            told = json.loads(lab.run("ipnctl", "verify", "--json", path, "--certificate", certificate_for(path), **nowhere).stdout)
            check(isinstance(told, dict), "one object")
        check(checked >= 18, f"only {checked}")
        path = recorded("amazonpay", "2019-08-22_PaymentAuthorize_Open_9aacc6b9.json")
        pem = certificate_for(path)
        with open(path) as f:
            text = f.read()
        e = json.loads(text)
        lab.run("ipnctl", "verify", "-", "--certificate", pem, stdin=text, **nowhere)
        lab.run("ipnctl", "verify", "-", "--certificate", pem, "--at", "now", stdin=text, code=65, **nowhere)
        lab.run("ipnctl", "verify", "-", "--certificate", pem, "--at", "sent", stdin=text, **nowhere)
        lab.run("ipnctl", "verify", "-", "--certificate", pem, "--at", "noon", stdin=text, code=64, **nowhere)
        for what, changed, rule in (
                ("signature", dict(e, Message=e["Message"] + " "), "signature"), ("JSON", "{", "json"), ("type", dict(e, Type="x"), "type"),
                ("URL", dict(e, SigningCertURL="https://evil.com/x.pem"), "certificate"), ("empty", "", "json"),
                ("version", dict(e, SignatureVersion="3"), "signatureversion"), ("id", dict(e, MessageId="x"), "messageid")):
            body = changed if isinstance(changed, str) else json.dumps(changed)
            p = lab.run("ipnctl", "verify", "-", "--certificate", pem, stdin=body, code=65, **nowhere)
            check(rule in (p.stdout + p.stderr).lower().replace(" ", ""), f"{what}: {p.stdout}{p.stderr}")
        other = certificate_for(recorded("amazonpay", "2017-06-27_PaymentCapture_Completed_2f854ae6.json"))
        lab.run("ipnctl", "verify", path, "--certificate", other, code=65, **nowhere)
        for missing in (["/nonexistent"], [path, "--certificate", "/nonexistent"]):
            lab.run("ipnctl", "verify", *missing, code=66, **nowhere)
        # with a configuration, its cache is looked into
        lab.configure(lambda t: re.sub("certificate_cache = .*", f'certificate_cache = "{recorded("certificates")}"', t))
        lab.ctl("verify", path, code=None)
        p = lab.run("ipnctl", "verify", path, "-c", lab.config, code=None)
        check(p.returncode in (0, 65), p.stderr)


@case("ipnctl and the daemons: a database of a newer version, one without tables, one that vanishes under a daemon")
def strange_databases():
    with Lab() as lab:
        lab.start()
        equal(lab.send(lab.envelope(inner())).status, 200, "post")
        lab.stop()
        schema = lab.one("PRAGMA user_version")
        with contextlib.closing(sqlite3.connect(lab.database)) as db:
            db.execute("PRAGMA user_version = 999")
        for program, code in (("ipnd", 69), ("ipn-hookd", None)):
            if code:
                check("newer" in lab.run(program, "-c", lab.config, code=code).stderr, program)
        check("newer" in lab.ctl("list", "captures", code=69).stderr, "ipnctl")
        with contextlib.closing(sqlite3.connect(lab.database)) as db:
            db.execute(f"PRAGMA user_version = {schema}")
        lab.start()
        lab.start("ipn-hookd")
        wait_for("hook", lambda: lab.rows("SELECT state FROM hook_run") == [("done",)])
        state = os.path.dirname(lab.database)
        os.mkdir(os.path.join(lab.folder, "away"))
        for name in os.listdir(state):
            if name.startswith("ipnd.db"):
                os.rename(os.path.join(state, name), os.path.join(lab.folder, "away", name))
        time.sleep(0.2)
        answer = lab.send(lab.envelope(inner(capture_xml("S01-1111111-2222222-C000002"))))
        equal(answer.status, 503, "no 200 for what goes into a file without a name")
        equal(lab.daemons["ipn-hookd"].poll(), None, "ipn-hookd waits")
        for name in os.listdir(os.path.join(lab.folder, "away")):
            os.rename(os.path.join(lab.folder, "away", name), os.path.join(state, name))
        wait_for("service returns", lambda: lab.send(lab.envelope(inner(capture_xml("S01-1111111-2222222-C000002")))).status == 200)
        wait_for("hooks return", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state = 'done'") >= 2)


@case("events: the last ones, and with --follow those that come, also after the database was replaced; filters")
def events():
    with Lab() as lab:
        lab.ctl("events", code=69)
        lab.start()
        lab.ctl("events", code=1)
        for number in range(1, 4):
            lab.send(lab.envelope(inner(capture_xml(f"S01-1111111-2222222-C00000{number}", state="Completed"))))
        equal([json.loads(line)["id"] for line in lab.ctl("--json", "events", "--limit", "2").stdout.splitlines()], [2, 3], "last two")
        check("capture.completed" in lab.ctl("events", "--name", "capture.*").stdout, "by name")
        lab.ctl("events", "--name", "refund.*", code=1)
        lab.ctl("events", "--account", "nobody", code=1)
        command = [os.path.join(BUILD, "ipnctl"), "-c", lab.config, "--json", "events", "--follow", "--limit", "1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as p:
            def following():
                return json.loads(p.stdout.readline())["object_id"][-1]
            equal(following(), "3", "the last one")
            lab.send(lab.envelope(inner(capture_xml("S01-1111111-2222222-C000004", state="Completed"))))
            equal(following(), "4", "the new one")
            lab.stop()
            for file in glob.glob(lab.database + "*"):
                os.unlink(file)
            lab.start()
            lab.send(lab.envelope(inner(capture_xml("S01-1111111-2222222-C000005", state="Completed"))))
            equal(following(), "5", "of another database")
            equal(p.poll(), None, "goes on")
            p.send_signal(signal.SIGSTOP)
            with contextlib.closing(sqlite3.connect(lab.database)) as db:
                db.execute("PRAGMA synchronous = OFF")
                for i in range(3000):
                    with db:
                        db.execute("INSERT OR REPLACE INTO note_count VALUES ('bulk', ?, 't')", (i,))
                check(os.path.getsize(lab.database + "-wal") < 8 << 20, "who follows does not hold up the log")
            p.send_signal(signal.SIGCONT)
            p.terminate()
