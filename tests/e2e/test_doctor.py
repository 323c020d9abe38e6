"""ipnctl doctor: a healthy system is all ok, and each fault brings its own line with its way to mend it."""

import contextlib
import http.server
import json
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
import uuid

from authority import DAY, DNS, Issuer, certificate, new_key, pem, public_key_of, stamp_of, subject_of
from lab import ROOT, Lab, Skip, case, check, equal, inner, wait_for
from sns import Sns

OWNER, GROUP = 65501, 65502  # of the daemons, when the tests run as root
AS_ROOT = os.geteuid() == 0
made = threading.Lock()


class Copy(Lab):
    """A Lab with the keys of all the others here: to make new ones costs more than all else in these cases."""

    home_of_all = None

    def run(self, program, *arguments, **how):
        if arguments[:1] != ("init",):
            return super().run(program, *arguments, **how)
        with made:
            if not Copy.home_of_all:
                Copy.home_of_all = os.path.join(ROOT, "doctor")
                super().run(program, "init", Copy.home_of_all)
        shutil.copytree(Copy.home_of_all, arguments[1])
        with open(os.path.join(arguments[1], "ipnd.conf"), "r+") as f:
            text = f.read().replace(Copy.home_of_all, arguments[1])
            f.seek(0)
            f.write(text)
            f.truncate()
        return None


def own(lab):
    """Everything as the package would leave it: root's configuration, the daemons' state."""
    os.chmod(lab.folder, 0o755)
    os.chmod(lab.home, 0o755)
    if not AS_ROOT:
        return
    os.chown(lab.config, 0, GROUP)
    os.chown(os.path.join(lab.home, "tls.key"), OWNER, GROUP)
    for top in (lab.state, os.path.join(lab.home, "certificates")):
        for folder, _, names in os.walk(top):
            for name in ["."] + names:
                os.chown(os.path.join(folder, name), OWNER, GROUP)
    os.chmod(lab.state, 0o2750)
    lab.prefix = ["setpriv", f"--reuid={OWNER}", f"--regid={GROUP}", "--clear-groups"]


@contextlib.contextmanager
def healthy(*daemons, change=None):
    """A Lab as an operator would have it, with those daemons; with ipnd one notification has come."""
    with Copy() as lab:
        own(lab)
        with open(os.path.join(lab.home, "hook"), "w") as f:
            f.write("#!/bin/sh\nexit 0\n")
        if change:
            lab.configure(change)
        for daemon in daemons:
            lab.start(daemon)
        if "ipnd" in daemons:
            equal(lab.send(lab.envelope(inner())).status, 200, "post")
        if "ipn-hookd" in daemons:
            wait_for("the hook has run", lambda: lab.rows("SELECT 1 FROM hook_run WHERE state = 'done'"))
        yield lab


def ask(lab, *options, **how):
    how.setdefault("code", None)
    p = lab.ctl("doctor", "--json", "--ca", os.path.join(lab.home, "ca.pem"), *options, **how)
    equal(p.stderr, "", "stderr")
    answer = json.loads(p.stdout)
    wrong = [f for f in answer["findings"] if f["level"] == "failed"]
    equal((answer["ok"], p.returncode), (False, 69) if wrong else (True, 0), p.stdout)
    for f in answer["findings"]:
        equal(bool(f["mend"]), f["level"] in ("warning", "failed"), f"a way to mend it: {f}")
    return answer["findings"]


def brings(lab, name, level, found, mend, *options, **how):
    """Exactly one finding of this check is of that level and with those words; it is returned."""
    findings = ask(lab, *options, **how)
    fit = [f for f in findings if f["check"] == name and f["level"] == level and found in f["found"]]
    equal(len(fit), 1, f"{name} {level} {found!r}: {findings}")
    text = "\n".join(fit[0]["mend"])
    for words in [mend] if isinstance(mend, str) else mend:
        check(words in text, f"{words!r} is not in {fit[0]}")
    return fit[0]


def is_ok(lab, name, *options):
    """The check has nothing to say but that all is well."""
    findings = [f for f in ask(lab, *options) if f["check"] == name]
    check(findings and all(f["level"] == "ok" for f in findings), f"{name}: {findings}")


def write(lab, sql, *values):
    """With a daemon running: whoever closes the database as the last removes the files beside it."""
    with contextlib.closing(sqlite3.connect(lab.database, timeout=10)) as db:
        db.execute(sql, values)
        db.commit()


# These two wait for ipnd to write its counts; so they begin first, beside the others.
@case("doctor --url: it arrives at another ipnd that has the same account")
def other_way():
    with healthy("ipnd") as lab, healthy("ipnd") as other:
        url = f"https://localhost:{other.port()}/ipn"
        p = lab.ctl("doctor", "--json", "--url", url, "--ca", os.path.join(other.home, "ca.pem"), code=69)
        way = [f for f in json.loads(p.stdout)["findings"] if f["check"] == "way"]
        check(len(way) == 1 and way[0]["level"] == "failed" and "leads to another ipnd, at 127.0.0.1" in way[0]["found"], way)


@case("doctor --url: it arrives; nothing is kept but a count, and no topic is pushed out")
def right_way():
    with healthy("ipnd") as lab:
        before = lab.dump()
        url = f"https://localhost:{lab.port()}/ipn"
        f = brings(lab, "way", "ok", "leads here (127.0.0.1): this ipnd refused", (), "--url", url)
        equal(f["mend"], [], "mend")
        equal(lab.dump(), before, "tables")
        equal(lab.rows("SELECT verdict, count FROM verdict_count WHERE verdict = 'certificate-url'"), [("certificate-url", 1)], "count")
        # The word that comes back is the MessageId of such a refusal, and nothing else of a request ever.
        e = lab.envelope(inner())
        bad = lab.send(dict(e, SigningCertURL="https://evil.example/x.pem"))
        equal((bad.status, bad.text, bad.headers["x-content-type-options"], bad.headers["content-type"]),
              (403, f"refused: {e['MessageId']}\n", "nosniff", "text/plain; charset=UTF-8"), "answer")
        for changes in ({"Signature": "Zm9yZ2Vk"}, {"TopicArn": "arn:aws:sns:us-east-1:123456789012:" + uuid.uuid4().hex}):
            equal(lab.send(dict(e, **changes)).text, "refused\n", changes)
        equal(lab.send(dict(e, MessageId="<script>", SigningCertURL="x")).text, "not an SNS message\n", "no MessageId")


@case("doctor: on a healthy system all is ok, within two seconds")
def all_is_well():
    with healthy("ipnd", "ipn-hookd") as lab:
        before, began = lab.dump(), time.monotonic()
        findings = ask(lab)
        check(time.monotonic() - began < 2, "slow")
        names = ["configuration", "files", "disk", "tls", "database", "daemons", "clock", "certificates", "sns", "way", "hooks",
                 "topics", "notifications"]
        equal(list(dict.fromkeys(f["check"] for f in findings)), names, "checks")
        for f in findings:
            good = ["skipped"] if f["check"] in ("sns", "way") else ["ok"]
            if f["check"] in ("clock", "disk"):  # of the machine that the tests run on
                good.append("warning")
            if not AS_ROOT or f["check"] != "files":
                check(f["level"] in good, f)
        ask(lab, "--full")
        equal(lab.dump(), before, "it changes nothing")
        p = lab.ctl("doctor", "--ca", os.path.join(lab.home, "ca.pem"))
        for name in names:
            check(f" {name} " in p.stdout, p.stdout)
        p = lab.ctl("doctor")
        check("\nwarning  tls            the file holds one certificate" in p.stdout and "\n         mend: " in p.stdout, p.stdout)
        lab.ctl("doctor", "--url", "http://localhost/ipn", code=64)


@case("doctor: a configuration that cannot be read is all it looks at (78); what is only for rehearsals is a warning")
def configuration():
    with Copy() as lab:
        own(lab)
        sns = f'connect_to = "127.0.0.1:1"\n\ttls_trust = "{lab.home}/ca.pem"\n\tmax_age = "none"\n'
        lab.configure(lambda t: t.replace("\tfetch = no\n", "\tfetch = no\n\t" + sns).replace("= any", "= live"))
        for found, mend in (("connect_to", "remove connect_to"), ("tls_trust", "remove tls_trust"), ("max_age", "max_age = \"15d\""),
                            ("hook print is for environment live", "environment = any")):
            brings(lab, "configuration", "warning", found, mend)
        lab.configure(lambda t: t.replace("chain = require", "chain = name-only"))
        brings(lab, "configuration", "warning", "name-only", "chain = prefer")
        lab.configure(lambda t: t + "nonsense = 1\nmore = 2\n")
        p = lab.ctl("doctor", code=78)
        check(f"FAILED   configuration  {lab.config}:" in p.stdout and "nonsense" in p.stdout, p.stdout)
        check("mend: edit " + lab.config in p.stdout and "daemons" not in p.stdout, p.stdout)
        equal(json.loads(lab.ctl("doctor", "--json", code=78).stdout)["ok"], False, "ok")
        lab.config += ".none"
        check("mend: put it there" in lab.ctl("doctor", code=78).stdout, "a missing file")


@case("doctor: who may read and write our files")
def files():
    if not AS_ROOT:
        raise Skip("needs root")
    with healthy("ipnd") as lab:
        wal, shm = lab.database + "-wal", lab.database + "-shm"
        key = os.path.join(lab.home, "tls.key")
        for path, mode, good, level, found, mend in (
                (lab.state, 0o2755, 0o2750, "failed", "everybody may look", "chmod 2750 " + lab.state),
                (lab.state, 0o0750, 0o2750, "warning", "0750", "chmod 2750 " + lab.state),
                (lab.database, 0o0644, 0o640, "failed", "0644", "chmod 0640 " + lab.database),
                (lab.database, 0o0600, 0o640, "warning", "cannot read it", "chmod 0640 " + lab.database),
                (wal, 0o0660, 0o640, "failed", "0660", "chmod 0640 " + wal),
                (shm, 0o0600, 0o640, "warning", "0600", "chmod 0640 " + shm),
                (lab.config, 0o0646, 0o640, "failed", "which programs run", "chmod go-w " + lab.config),
                (lab.config, 0o0600, 0o640, "failed", f"{OWNER} may not read the configuration", f"chown root:{GROUP} " + lab.config)):
            os.chmod(path, mode)
            brings(lab, "files", level, found, mend)
            os.chmod(path, good)
        os.chmod(key, 0o604)
        brings(lab, "tls", "failed", "0604", "chmod o-rwx " + key)
        os.chmod(key, 0o600)
        os.chown(key, 0, 0)
        brings(lab, "tls", "failed", f"{OWNER} may not read it", f"setfacl -m u:{OWNER}:r " + key)
        os.chown(key, OWNER, GROUP)
        os.chown(shm, 0, 0)
        brings(lab, "files", "failed", shm + " belongs to 0:0", f"chown {OWNER}:{GROUP} {shm} && systemctl restart ipnd")
        os.chown(shm, OWNER, GROUP)
        os.chown(lab.database, 0, 0)
        brings(lab, "files", "failed", lab.database + " belongs to 0:0", f"chown {OWNER}:{GROUP} {lab.database} && ")
        os.chown(lab.database, OWNER, GROUP)
        is_ok(lab, "files")
        os.rename(shm, shm + ".away")
        brings(lab, "files", "failed", "was removed while ipnd uses it", "systemctl restart ipnd")
        os.rename(shm + ".away", shm)
        lab.stop()
        write(lab, "UPDATE note_count SET count = count")  # by root's sqlite3, as the last
        for suffix in ("-wal", "-shm"):
            brings_before_open(lab, lab.database + suffix)
        is_ok(lab, "database")


def brings_before_open(lab, path):
    """SQLite makes the missing files as soon as doctor has opened the database, as their owner."""
    for name in (lab.database + "-wal", lab.database + "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
    brings(lab, "files", "warning", path + " is not there", "systemctl restart ipnd")
    for name in (lab.database + "-wal", lab.database + "-shm"):
        if os.path.exists(name):
            equal(os.stat(name).st_uid, OWNER, "owner of " + name)


@case("doctor: asked by a member of the group, by a stranger, and of a state folder that is root's")
def persons():
    if not AS_ROOT:
        raise Skip("needs root")
    with healthy("ipnd", "ipn-hookd") as lab:
        member = {"user": 65503, "group": GROUP, "extra_groups": []}
        brings(lab, "tls", "warning", "cannot be looked at by you", "as root", **member)
        for name in ("files", "database", "daemons", "hooks", "notifications"):
            equal({f["level"] for f in ask(lab, **member) if f["check"] == name}, {"ok"}, name)
        os.chmod(lab.config, 0o644)
        stranger = {"user": 65504, "group": 65504, "extra_groups": []}
        brings(lab, "database", "failed", "Permission denied", "as root or as a member", **stranger)
        brings(lab, "daemons", "warning", "ipnd runs cannot be seen", "as root", **stranger)
    with Copy() as lab:
        brings(lab, "files", "warning", "belongs to root", "chown -R ipnd:ipnd " + lab.state)
        brings(lab, "database", "failed", "is not there", "systemctl start ipnd")


@case("doctor: what is wrong with a hook's program")
def programs():
    with healthy("ipnd") as lab:
        path, folder = os.path.join(lab.home, "hooks.d", "hook"), os.path.join(lab.home, "hooks.d")
        os.mkdir(folder)
        lab.configure(lambda t: t.replace(lab.home + "/hook", path))
        brings(lab, "hooks", "failed", "hook print: " + path + ": No such file", "put the program there")

        def script(text, mode=0o755):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            with open(path, "w", newline="") as f:
                f.write(text)
            os.chmod(path, mode)

        script("#!/bin/sh\n")
        is_ok(lab, "hooks")
        script("#!/bin/sh\n", 0o644)
        brings(lab, "hooks", "failed", "may not execute " + path, "chmod a+x " + path)
        script("#!/usr/bin/no-such-perl -w\n")
        brings(lab, "hooks", "failed", "#!/usr/bin/no-such-perl, which is not there", "install /usr/bin/no-such-perl")
        script("#!/bin/sh\r\nexit 0\r\n")
        brings(lab, "hooks", "failed", "which is not there", "dos2unix " + path)
        script("exit 0\n")
        brings(lab, "hooks", "failed", "neither a program nor a script", "#!/bin/sh")
        script("#!/bin/sh\n", 0o757)
        brings(lab, "hooks", "warning", "everybody may write " + path, "chmod o-w " + path)
        script("#!/bin/sh\n")
        os.chmod(folder, 0o777)
        brings(lab, "hooks", "warning", "everybody may write " + folder + ",", "chmod o-w " + folder)
        os.chmod(folder, 0o755)
        if AS_ROOT:
            os.chmod(folder, 0o700)
            brings(lab, "hooks", "failed", "no way through " + folder, "chmod a+x " + folder)
            os.chmod(folder, 0o755)
        shutil.copy("/bin/true", path)
        is_ok(lab, "hooks")
        lab.configure(lambda t: t.replace(path, folder))
        brings(lab, "hooks", "failed", "not a regular file", "name the program itself")
        lab.configure(lambda t: t.replace(folder, path) +
                      f'hook "more" {{\n\ton = {{"capture.*"}}\n\trun = {{"{path}"}}\n\tenvironment = any\n}}\n')
        brings(lab, "hooks", "failed", "hook more is in the configuration, and ipnd has not read", "systemctl reload ipnd")


@case("doctor: hooks that are paused, dead or late, and a daemon that does not run")
def runs():
    with healthy("ipnd", "ipn-hookd") as lab:
        is_ok(lab, "hooks")
        is_ok(lab, "daemons")
        write(lab, "UPDATE hook_run SET state = 'dead'")
        brings(lab, "hooks", "warning", "hook print: 1 run was given up", "ipnctl hooks --state dead")
        with open(os.path.join(lab.home, "hook"), "w") as f:
            f.write("#!/bin/sh\nexit 1\n")
        write(lab, "UPDATE hook_run SET state = 'pending', next_attempt_at = '2099-01-01T00:00:00.000Z'")
        is_ok(lab, "hooks")
        write(lab, "UPDATE event SET created_at = ?", stamp_of(time.time() - 660))
        brings(lab, "hooks", "warning", "hook print: 1 event waits, the oldest of 11 min ago", "ipnctl hooks --state pending")
        lab.stop("ipn-hookd")
        brings(lab, "daemons", "failed", "ipn-hookd does not run", "systemctl start ipn-hookd")
        write(lab, "UPDATE hook SET paused_at = ?, paused_why = ?, probe_at = '2099-01-01T00:00:00.000Z'",
              "2026-01-01T00:00:00.000Z", "cannot be started: \x1b[31mno")
        brings(lab, "hooks", "failed", "hook print was paused", "ipnctl hooks resume print")
        check("\x1b" not in lab.ctl("doctor", code=69).stdout, "raw words")
        lab.stop()
        brings(lab, "daemons", "failed", "ipnd does not run", "journalctl -u ipnd")
        with open(lab.config) as f:
            text = f.read()
        lab.configure(lambda t: t[:t.index("hook ")])
        check("need not: no hook is configured" in str(ask(lab)), "ipn-hookd need not run")
        lab.configure(lambda t: text)


@case("doctor: the listener's certificate, from whole to ended")
def listener():
    with Copy() as lab:
        own(lab)
        key, chain = os.path.join(lab.home, "tls.key"), os.path.join(lab.home, "tls.pem")
        issuer = Issuer(subject_of(f"{lab.home}/ca.pem"), f"{lab.home}/ca.key")
        is_ok(lab, "tls")
        other = new_key(lab.folder, "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1")

        def show(**how):
            how = {"common": b"localhost", "names": ((DNS, b"localhost"),), **how}
            with open(chain, "w") as f:
                f.write(pem(certificate(issuer, public_key_of(how.pop("key", key)), **how)))

        show(until=22 * DAY)
        is_ok(lab, "tls")
        for days, level, found in ((20, "warning", "in 19 days"), (2, "failed", "in 1 days"), (-1, "failed", "the certificate ended on")):
            show(since=-30 * DAY, until=days * DAY)
            brings(lab, "tls", level, found, ("renew it", "systemctl reload ipnd"))
            equal(len([f for f in ask(lab) if f["check"] == "tls"]), 1, "one fault, one finding")
        show(since=DAY)
        brings(lab, "tls", "failed", "not valid yet", "set the clock")
        show(names=())
        brings(lab, "tls", "failed", "for no host's name", "URL of Seller Central")
        show(key=other)
        brings(lab, "tls", "failed", "not the key of the first certificate", "listen.private_key")
        show()
        lab.configure(lambda t: t.replace("127.0.0.1:0", "[::]:8443"))
        is_ok(lab, "tls")
        check("whose issuer is not among the system's" in lab.ctl("doctor", code=69).stdout, "the system's authorities")
        os.unlink(chain)
        brings(lab, "tls", "failed", chain + ": No such file", "set listen.certificate")
        lab.configure(lambda t: t.replace('https = {"[::]:8443"}', 'https = {}\n\thttp = {"127.0.0.1:0"}'))
        is_ok(lab, "tls")


@case("doctor: a database that is damaged, not ours, or too far behind its log")
def database():
    with healthy("ipnd") as lab:
        lab.stop()
        with open(lab.database + "-wal", "r+b") as f:
            f.truncate(257 * 1048576)
        brings(lab, "database", "warning", "the write-ahead log has 257 MiB", "fuser -v " + lab.database)
        os.truncate(lab.database + "-wal", 0)
        is_ok(lab, "database", "--full")
        size, page = lab.one("PRAGMA page_size"), lab.one("SELECT rootpage FROM sqlite_schema WHERE name = 'event_created'")
        with open(lab.database, "r+b") as f:
            f.seek((page - 1) * size)
            f.write(b"\x5a" * size)
        f = brings(lab, "database", "failed", "damaged: ", "ipnctl restore")
        check(ask(lab)[-1]["check"] == "notifications", f"the other checks go on: {f}")
        with open(lab.database, "r+b") as f:
            f.write(b"\0" * 4096)
        brings(lab, "database", "failed", lab.database, "ipnctl restore")
        brings(lab, "topics", "skipped", "cannot be asked", ())


@case("doctor: no room where the database is")
def disk():
    with Copy() as lab:
        own(lab)
        if not AS_ROOT:
            raise Skip("needs root")
        for size, inodes, level, found in (("64m", 0, "FAILED", "64 MiB"), ("512m", 0, "warning", "512 MiB"),
                                           ("2g", 5, "FAILED", "hardly any inode"), ("2g", 0, "ok", "2048 MiB")):
            p = mounted(lab, f"size={size},nr_inodes={inodes}")
            line = next(n for n in p.splitlines() if " disk " in n)
            check(line.startswith(level) and found in line, p)
            equal("mend: df -h " + lab.state in p, level != "ok", p)


def mounted(lab, options):
    """What doctor says when the state folder is a file system of its own, in a mount namespace that ends with it."""
    command = f"mount -t tmpfs -o {options} tmpfs {lab.state} && {lab.build}/ipnctl -c {lab.config} doctor"
    p = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True, text=True, timeout=30)
    if not p.stdout:
        raise Skip("no mount namespace to be had")
    return p.stdout


@case("doctor: what has come, and what was refused: topics, foreign and unknown notifications, subscriptions, conflicts")
def messages():
    with healthy() as lab:
        lab.start()
        brings(lab, "notifications", "warning", "account rehearsal (sandbox): none has come", "Seller Central")
        lab.send(lab.envelope(inner()))
        is_ok(lab, "notifications")
        lab.send(lab.envelope(inner(SellerId="ASTRANGER")))
        brings(lab, "notifications", "warning", "foreign: 1", "ipnctl list notifications --state foreign")
        lab.send(lab.envelope(inner(NotificationType="Something")))
        brings(lab, "notifications", "warning", "unrecognized: 1", "ipnctl reprocess")
        xml = inner().replace("Completed<", "Declined<").replace("2026-01-02T03:04:05.006Z</Last", "2026-01-02T03:04:06.006Z</Last")
        lab.send(lab.envelope(xml))
        brings(lab, "notifications", "warning", "conflicts: 1", "ipnctl conflicts")
        token = "2336412f37fb687f5d51e6e2425e90ce"
        subscribe = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={lab.topic}&Token={token}"
        equal(lab.send(lab.envelope("confirm", Type="SubscriptionConfirmation", Token=token, SubscribeURL=subscribe,
                                    UnsubscribeURL=None)).status, 200, "confirmation")
        brings(lab, "notifications", "failed", "the subscription of account rehearsal: SNS asks", "ipnctl subscriptions confirm 1")
        is_ok(lab, "topics")
        for minutes, level, found in ((20, "failed", "the clock is behind: Amazon sent"), (5, "warning", "the clock is behind: Amazon"),
                                      (-5, "warning", "the clock was behind by")):
            stamp = stamp_of(time.time() + minutes * 60)
            write(lab, "UPDATE notification SET sent_at = ?, received_at = ? WHERE id = (SELECT max(id) FROM notification)",
                  stamp, stamp if minutes > 0 else stamp_of(time.time() - 600))
            write(lab, "UPDATE notification SET received_at = '2026-01-01T00:00:00.000Z' WHERE id < (SELECT max(id) FROM notification)")
            brings(lab, "clock", level, found, "timedatectl set-ntp true")
        write(lab, "INSERT INTO verdict_count VALUES ('clock', 1, ?)", stamp_of(time.time() - 60))
        brings(lab, "clock", "warning", "seemed sent in the future", "timedatectl set-ntp true")
        other = "arn:aws:sns:us-east-1:291180941288:AGWSWK15IEJJ7AOTHERSELLER"
        strange = "arn:aws:sns:us-east-1:123456789012:stranger"
        equal([lab.send(lab.envelope(inner(), TopicArn=t)).status for t in (other, strange)], [503, 403], "answers")
        lab.stop()  # which writes the counters
        f = brings(lab, "topics", "failed", f"topic {other} is no account's: refused 1 time,",
                   (f'topic_arn = "{other}"', 'seller_id = {"AOTHERSELLER"}', "environment = live", "systemctl reload ipnd"))
        check(strange not in str(f), "a stranger's topic is nobody's business")
        lines = f["mend"]
        block = "\n".join(lines[lines.index('account "shop-2" {'):lines.index("}") + 1])
        os.utime(lab.config, (time.time() - 60, time.time() - 60))
        times = os.stat(lab.config)
        lab.configure(lambda t: t + block + "\n")
        os.utime(lab.config, (times.st_atime, times.st_mtime))
        brings(lab, "topics", "failed", "account shop-2 has the topic", "systemctl reload ipnd")
        os.utime(lab.config, (time.time() + 1, time.time() + 1))
        is_ok(lab, "topics")


@case("doctor: signing certificates that are missing or nearly over, and a cache that cannot be written")
def cache():
    with healthy("ipnd") as lab:
        is_ok(lab, "certificates")
        path = os.path.join(lab.certificates, f"SimpleNotificationService-{lab.hex}.pem")
        os.rename(path, path + ".away")
        url = f"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{lab.hex}.pem"
        brings(lab, "certificates", "failed", path, (f"curl --create-dirs -o {path} {url}", "fetch = yes"))
        lab.configure(lambda t: t.replace("fetch = no", "fetch = yes"))
        brings(lab, "certificates", "warning", path, f"curl --create-dirs -o {path} {url}", "--offline")
        issuer = Issuer(subject_of(f"{lab.home}/ca.pem"), f"{lab.home}/ca.key")
        for days, level in ((10, "warning"), (-1, "failed")):
            with open(path, "w") as f:
                f.write(pem(certificate(issuer, public_key_of(lab.signing_key), until=days * DAY)))
            is_ok(lab, "certificates", "--offline")  # Amazon's next one is fetched
            lab.configure(lambda t: t.replace("fetch = yes", "fetch = no"))
            brings(lab, "certificates", level, "nobody fetches", "fetch = yes")
            lab.configure(lambda t: t.replace("fetch = no", "fetch = yes"))
        os.rename(path + ".away", path)
        top = os.path.dirname(lab.certificates)
        if AS_ROOT:
            os.chown(top, 0, 0)
            brings(lab, "certificates", "warning", f"{OWNER} may not write {top}", f"chown -R {OWNER}:{GROUP} {top}", "--offline")
        shutil.rmtree(top)
        brings(lab, "certificates", "warning", top + " is not there yet", "install -d", "--offline")


@case("doctor: whether SNS can be reached, by a stand-in")
def reach():
    with Copy() as lab:
        own(lab)
        lab.sns = Sns(lab)
        lab.configure(lambda t: t.replace("\tfetch = no\n", lab.sns.settings()))
        is_ok(lab, "sns")
        equal((lab.sns.count, lab.sns.requests), (1, []), "one connection, no request")
        brings(lab, "sns", "skipped", "--offline", (), "--offline")
        equal(lab.sns.count, 1, "offline")
        host = "sns.us-east-1.amazonaws.com cannot be reached"
        for kind in ("another name", "expired", "plain"):
            lab.sns.show(kind)
            brings(lab, "sns", "failed", host, ("let this host reach sns.us-east-1.amazonaws.com", "fetch = no"))
        lab.sns.close()
        brings(lab, "sns", "failed", host, "port 443")


class Front(http.server.BaseHTTPRequestHandler):
    """Something on the way that answers by itself; `say` of its server: (status, body)."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, text = self.server.say
        text = text.replace("ID", json.loads(body)["MessageId"])
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def front(lab):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(lab.home, "tls.pem"), os.path.join(lab.home, "tls.key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server, f"https://localhost:{server.server_address[1]}/ipn"
    finally:
        server.shutdown()
        server.server_close()


@case("doctor --url: what answers by itself on the way is told from ipnd; nothing there; not believed")
def wrong_way():
    with healthy("ipnd") as lab, front(lab) as (server, url):
        for say, mend in (((403, "Forbidden"), "hand every POST for /ipn on"), ((403, "refused\n"), "systemctl restart ipnd"),
                          ((200, "stored\n"), "hand every POST"), ((404, "nothing here"), "has to end in /ipn"),
                          ((403, "refused: 00000000-0000-0000-0000-000000000000\n"), "hand every POST"),
                          ((403, "refused: ID and more\n"), "hand every POST"), ((502, "\x1b[31mBad Gateway"), "hand every POST"),
                          ((503, "no account for this topic\n"), "let the name lead to this machine")):
            server.say = say
            found = "has no account for the topic" if say[0] == 503 else f"answered {say[0]} to the forged message"
            brings(lab, "way", "failed", found, mend, "--url", url)
        server.say = (502, "\x1b[31mBad Gateway")
        p = lab.ctl("doctor", "--url", url, "--ca", os.path.join(lab.home, "ca.pem"), code=69)
        check("\x1b" not in p.stdout, "raw words")
        check("show the whole chain" in lab.ctl("doctor", "--url", url, code=69).stdout, "not among the system's authorities")
        bad = lab.ctl("doctor", "--url", url, "--ca", lab.config, code=69).stdout
        check("mend: name a file with certificates in PEM" in bad, bad)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        brings(lab, "way", "failed", "cannot be reached", "firewall", "--url", f"https://localhost:{port}/ipn")
        lab.stop()
        server.say = (403, "refused: ID\n")
        brings(lab, "way", "failed", "leads to another ipnd", "let the name lead to this machine", "--url", url)
