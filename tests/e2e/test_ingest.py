"""ipnctl ingest and reprocess: what was saved elsewhere, or not understood at first, ends in the same rows as a post."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import time
import uuid

from lab import PATIENCE, Lab, TOPIC, capture_xml, case, check, equal, inner, recorded, together, wait_for
from test_order import minute, order
from test_recorded import ACCOUNTS, configure

CAPTURE = "S01-1111111-2222222-C00000"
MEMBER, OWNER, GROUP = 65503, 65501, 65502
AMAZON = TOPIC[:TOPIC.rindex(":")]  # Amazon Pay's AWS account


def capture(number, state="Completed", at=minute(1), **changes):
    return inner(capture_xml(CAPTURE + str(number), state, updated=at), **changes)


def save(lab, name, text):
    path = os.path.join(lab.folder, name)
    with open(path, "w") as f:
        f.write(text if isinstance(text, str) else json.dumps(text))
    return path


def ingest(lab, *arguments, code=0, **options):
    p = lab.ctl("ingest", "--json", *arguments, code=code, **options)
    return json.loads(p.stdout), p.stderr


def have_database(lab):
    lab.start()
    lab.stop()


def content(lab):
    """What stands in the tables, whatever the clock said."""
    times = {"received_at", "created_at", "registered_at"}
    with contextlib.closing(sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return {t: [{k: r[k] for k in r.keys() if k not in times or t == "fact"}
                    for r in db.execute(f"SELECT * FROM {t} ORDER BY 1")]
                for t in ("notification", "fact", "capture", "order_reference", "event")}


@case("ingest: a saved message ends in the rows of a post, with its events; once; a duplicate is counted as one")
def same_as_a_post():
    with Lab() as posted, Lab() as lab:
        envelopes = [posted.envelope(m) for m in (
            capture(1, at=minute(2)), capture(1, "Pending"), capture(2), capture(2, "Declined", minute(3)),
            inner(NotificationType="Novelty"), inner(SellerId="SOMEBODYELSE"), inner(IsSample=True))]
        posted.start()
        for e in envelopes:
            equal(posted.send(e).status, 200, "post")
        posted.stop()
        # the same keys here, so that the same signatures are genuine
        os.rename(os.path.join(posted.home, "certificates"), os.path.join(posted.home, "hers"))
        lab.configure(lambda text: text.replace(os.path.join(lab.home, "certificates"), os.path.join(posted.home, "hers"))
                      .replace(os.path.join(lab.home, "ca.pem"), os.path.join(posted.home, "ca.pem")))
        have_database(lab)
        files = [save(lab, f"{i}.json", e) for i, e in enumerate(envelopes)]
        want = {"applied": 2, "stale": 1, "conflict": 1, "unrecognized": 1, "foreign": 1, "sample": 1}
        before = lab.dump()
        dry, said = ingest(lab, "--dry-run", *files, files[0])
        equal((dry["dry_run"], dry["taken"], dry["verdicts"]), (
            True, 8, {"new": 4, "unrecognized": 1, "foreign": 1, "sample": 1, "duplicate": 1}), said)
        equal(lab.dump(), before, "a dry run writes nothing")
        done, said = ingest(lab, *files, files[0])
        equal((done["messages"], done["taken"], done["refused"], done["verdicts"]), (8, 8, 0, dict(want, duplicate=1)), said)
        equal(content(lab), content(posted), "the rows of a post")
        before = lab.dump()
        again = lab.ctl("ingest", *files)
        check(re.search(r"^duplicate +7 ", again.stdout, re.M), again.stdout)
        equal(lab.dump(), before, "once")
        equal(ingest(lab, "--dry-run", *files)[0]["verdicts"], {"duplicate": 7}, "a dry run sees that, too")


@case("ingest: what is not genuine is refused with its reason, 65, and leaves nothing; the others are taken all the same")
def refused():
    with Lab() as lab:
        have_database(lab)
        good, forged = lab.envelope(capture(1)), lab.envelope(capture(2))
        forged["Message"] = capture(3)
        old = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 16 * 86400))
        ahead = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 3600))
        url = f"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{'0' * 32}.pem"
        bad = {
            "forged": (forged, "signature", "signature"),
            "unnamed": (lab.envelope(capture(2), TopicArn=AMAZON + ":NOBODY"), "topic-unnamed", "no account has topic_arn"),
            "stranger": (lab.envelope(capture(2), TopicArn="arn:aws:sns:us-east-1:123456789012:x"), "topic", "no account's"),
            "old": (lab.envelope(capture(2), Timestamp=old), "too-old", 'max_age = "none"'),
            "ahead": (lab.envelope(capture(2), Timestamp=ahead), "clock", "ahead of our clock"),
            "missing": (lab.envelope(capture(2), SigningCertURL=url), "certificate-missing",
                        os.path.join(lab.certificates, f"SimpleNotificationService-{'0' * 32}.pem")),
            "elsewhere": (lab.envelope(capture(2), SigningCertURL=url.replace("amazonaws", "example")), "certificate-url", "not one of SNS"),
            "unsigned": ({k: v for k, v in good.items() if k != "Signature"}, "bad-field", "Signature"),
            "subscription": (lab.envelope("m", Type="SubscriptionConfirmation", Token="a" * 64, UnsubscribeURL=None, SubscribeURL=(
                f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={'a' * 64}")),
                "subscription", "ingest takes notifications"),
            "rubbish": ("rubbish", "not-json", ""),
            "empty": ("", "not-json", "is empty"),
            "large": (json.dumps(good) + " " * (1 << 20), "too-large", "1 MiB"),
        }
        files = {name: save(lab, name, text) for name, (text, _, _) in bad.items()}
        before, files_before = lab.dump(), lab.files()
        done, said = ingest(lab, *files.values(), code=65)
        for name, (_, verdict, words) in bad.items():
            lines = [line for line in said.splitlines() if line.startswith(f"ipnctl: {files[name]}: ")]
            check(len(lines) == 1 and words in lines[0], f"{name}: {lines or said}")
            equal([r["verdict"] for r in done["refusals"] if r["file"] == files[name]], [verdict], name)
        equal((done["taken"], done["refused"], sum(done["verdicts"].values())), (0, len(bad), len(bad)), "counted")
        equal((lab.dump(), lab.files()), (before, files_before), "nothing was written")
        absent = os.path.join(lab.folder, "absent")
        one = save(lab, "one", good)
        done, said = ingest(lab, files["forged"], absent, lab.folder, one, code=66)
        check(f"ipnctl: {absent}: cannot be read: No such file" in said and f"ipnctl: {lab.folder}: cannot be read: Is a dir" in said, said)
        equal(done["verdicts"], {"signature": 1, "applied": 1}, "the others are taken")
        equal(lab.rows("SELECT capture_id FROM capture"), [(CAPTURE + "1",)], "state")
        lab.configure(lambda text: re.sub(r"sns *{", 'sns {\n\tmax_age = "none"', re.sub(r"max_age.*", "", text)))
        equal(ingest(lab, files["old"])[0]["verdicts"], {"applied": 1}, "an archive")


@case("ingest: stdin, a message on each line, no file 64, no database 69, no configuration 78, a locked database 75")
def ways():
    with Lab() as lab:
        lines = [json.dumps(lab.envelope(capture(i))) for i in range(1, 7)]
        one = save(lab, "one", lines[0])
        for arguments in ([one], ["--dry-run", one]):
            lab.ctl("ingest", *arguments, code=69)
        equal(lab.run("ipnctl", "-c", os.path.join(lab.folder, "nowhere"), "ingest", one, code=78).stdout, "", "configuration")
        have_database(lab)
        lab.ctl("ingest", code=64)
        equal(ingest(lab, "-", stdin=lines[0] + "\n")[0]["verdicts"], {"applied": 1}, "stdin")
        lines[3] = lines[3][:-20]
        several = save(lab, "several", "\n\r\n" + "\n".join(lines[:5]) + "\n" + "x" * (1 << 21) + "\n" + lines[5])
        done, said = ingest(lab, "--lines", several, code=65)
        equal(done["verdicts"], {"duplicate": 1, "applied": 4, "not-json": 1, "too-large": 1}, said)
        check(f"{several}:6: " in said and f"{several}:8: is larger than" in said, said)
        p = subprocess.run(["prlimit", "--nofile=128:128", os.path.join(lab.build, "ipnctl"), "-c", lab.config, "ingest"] + [one] * 100,
                           capture_output=True, text=True, timeout=PATIENCE)
        check(p.returncode == 64 and "--lines" in p.stderr, f"too many files: {p.returncode} {p.stderr}")
        equal(ingest(lab, *[one] * 100)[0]["verdicts"], {"duplicate": 100}, "many files")
        ingest(lab, several, code=65)  # without --lines it is one message, and none
        lab.ctl("ingest", "--lines", "-", stdin="\n \n", code=1)
        with contextlib.closing(sqlite3.connect(lab.database, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            together(*(lambda verb=verb: locked(lab, verb) for verb in (["ingest", "--lines", several], ["reprocess"])))


def locked(lab, verb):
    p = lab.ctl(*verb, code=75)
    check("try again" in p.stderr and lab.database in p.stderr, p.stderr)


def interrupted(lab, saved):
    """Ends ingest when it has committed its first transaction and waits for more. How many it has taken."""
    p = subprocess.Popen([os.path.join(lab.build, "ipnctl"), "-c", lab.config, "ingest", "--lines", "-"], stdin=subprocess.PIPE,
                         text=True)
    p.stdin.write("".join(line + "\n" for line in saved.split("\n")[:39]))
    p.stdin.flush()
    wait_for("the first transaction", lambda: lab.one("SELECT count(*) FROM notification") == 32)
    p.send_signal(signal.SIGINT)
    equal(p.wait(PATIENCE), 75, "interrupted")
    p.stdin.close()
    taken = lab.one("SELECT count(*) FROM notification")
    check(32 <= taken <= 39, f"{taken}: what was committed stays, and what was read by then is taken")
    return taken


@case("ingest: beside a running ipnd and ipn-hookd: posts are answered meanwhile, hooks run for what was taken; interrupted and run again")
def beside_ipnd():
    with Lab() as lab:
        lab.start()
        lab.start("ipn-hookd")
        saved = "\n".join(json.dumps(lab.envelope(capture(i))) for i in range(100, 140))
        taken = interrupted(lab, saved)
        posts = [lab.envelope(capture(i)) for i in range(200, 210)]
        together(lambda: equal(ingest(lab, "--lines", "-", stdin=saved)[0]["verdicts"], {"duplicate": taken, "applied": 40 - taken}, "taken"),
                 lambda: [equal(lab.send(e).status, 200, "post") for e in posts])
        equal(lab.one("SELECT count(*) FROM capture WHERE state = 'Completed'"), 50, "captures")
        wait_for("hooks ran for all", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state = 'done'") == 50)


@case("ingest: a recorded message of Amazon's is applied from an archive")
def genuine():
    with Lab() as lab:
        path = recorded("amazonpay", "2017-06-27_PaymentCapture_Completed_2f854ae6.json")
        have_database(lab)
        configure(lab, {"de": ACCOUNTS["de"]}, max_age="15d")
        check('max_age = "none"' in ingest(lab, path, code=65)[1], "too old")
        configure(lab, {"de": ACCOUNTS["de"]})
        equal(ingest(lab, path)[0]["verdicts"], {"applied": 1}, "taken")
        equal(lab.rows("SELECT name, object_id FROM event"), [("capture.completed", "S02-6112897-1842302-C042768")], "event")


# reprocess


def keep(lab, e, **columns):
    """A row as an earlier version left it: kept, and not understood. Returns its id."""
    raw = e if isinstance(e, str) or e is None else json.dumps(e)
    row = {"message_id": e["MessageId"] if isinstance(e, dict) else os.urandom(8).hex(), "account": "rehearsal", "is_sample": 0,
           "sent_at": e["Timestamp"] if isinstance(e, dict) else minute(0), "received_at": minute(5), "verdict": "unrecognized",
           "why": "NotificationType is not known", "raw": raw, **columns}
    with contextlib.closing(sqlite3.connect(lab.database, timeout=10)) as db, db:
        return db.execute(f"INSERT INTO notification ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                          list(row.values())).lastrowid


def unsigned(lab, message, **changes):
    """What reprocess reads: the signature was proved on arrival and need not be right any more, and that is quicker to write."""
    if not hasattr(lab, "sample"):
        lab.sample = lab.envelope(inner())
    return dict(lab.sample, Message=message, MessageId=str(uuid.uuid4()), **changes)


def reprocess(lab, *arguments, code=0, **options):
    p = lab.ctl("reprocess", "--json", *arguments, code=code, **options)
    return json.loads(p.stdout)


CHARGEBACK = ('<ChargebackNotification xmlns="https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"><ChargebackDetails>'
              "<AmazonChargebackId>Z1</AmazonChargebackId><AmazonOrderReferenceId>S01-1111111-2222222</AmazonOrderReferenceId>"
              "<AmazonCaptureReferenceId>ref</AmazonCaptureReferenceId><CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp>"
              "<ChargebackAmount><Amount>1.0</Amount><CurrencyCode>USD</CurrencyCode></ChargebackAmount>"
              "<ChargebackState>RECEIVED</ChargebackState><ChargebackReason>unknown</ChargebackReason></ChargebackDetails>"
              "</ChargebackNotification>")


@case("reprocess: what this version understands is applied beside a running ipnd, once; its verdict stays, bad rows stop nothing")
def reprocessed():
    with Lab() as lab:
        lab.start()
        lab.start("ipn-hookd")
        lab.ctl("reprocess", code=1)
        check("nothing waits" in lab.ctl("reprocess", code=1).stderr, "said")
        equal(lab.send(lab.envelope(capture(1, "Completed", minute(3)))).status, 200, "post")
        late, fresh = unsigned(lab, capture(1, "Pending", minute(1))), unsigned(lab, capture(2))
        conflict, back = unsigned(lab, capture(1, "Declined", minute(4))), unsigned(
            lab, inner(CHARGEBACK, NotificationType="Chargeback Detailed Notification"))
        good = {keep(lab, late): "stale", keep(lab, fresh, type="PaymentCapture"): "applied", keep(lab, conflict): "conflict",
                keep(lab, back): "applied"}
        new = [keep(lab, unsigned(lab, capture(100 + i))) for i in range(70)]  # more than one transaction
        other = unsigned(lab, capture(3))
        held = [keep(lab, "rubbish"), keep(lab, ""), keep(lab, other, message_id="another"), keep(lab, inner()),
                keep(lab, unsigned(lab, inner(NotificationType="Novelty"))), keep(lab, unsigned(lab, inner(SellerId="SOMEBODYELSE"))),
                keep(lab, unsigned(lab, inner(IsSample=True))), keep(lab, unsigned(lab, inner(), TopicArn=AMAZON + ":GONE"))]
        keep(lab, None)
        new.append(keep(lab, unsigned(lab, capture(4))))  # after all of these
        before = lab.dump()
        dry = reprocess(lab, "--dry-run")
        equal((dry["looked_at"], dry["understood"], dry["held"], dry["verdicts"]), (
            len(good) + len(new) + len(held), len(good) + len(new), len(held), {"understood": len(good) + len(new)}), "dry run")
        equal(lab.dump(), before, "a dry run writes nothing")
        done = reprocess(lab)
        equal((done["understood"], done["verdicts"]), (len(good) + len(new), {"applied": 2 + len(new), "stale": 1, "conflict": 1}), "done")
        equal((done["held"], sum(done["reasons"].values())), (len(held), len(held)), str(done))
        for words in ("raw is another message", "SOMEBODYELSE is not among", "test message", "no account has topic_arn"):
            check(any(words in reason for reason in done["reasons"]), f"{words}: {done['reasons']}")
        equal(lab.rows("SELECT name, late, previous_state FROM event WHERE object_id = ? ORDER BY id", CAPTURE + "1"),
              [("capture.completed", 0, None), ("capture.pending", 1, None)], "late")
        equal(lab.rows("SELECT state, reason_code FROM capture WHERE capture_id = ?", CAPTURE + "1"), [("Completed", None)], "state")
        equal(lab.rows("SELECT object_id FROM event WHERE name = 'notification.conflict'"), [(conflict["MessageId"],)], "held")
        equal(lab.rows("SELECT notification_id, chargeback_id FROM chargeback"), [(list(good)[3], "Z1")], "chargeback")
        equal(lab.rows("SELECT verdict, why, count(*) FROM notification WHERE reprocessed_at IS NOT NULL GROUP BY 1, 2"),
              [("unrecognized", "NotificationType is not known", len(good) + len(new))], "what was true on arrival")
        equal(lab.rows("SELECT type, object_type, object_id, seller_id, environment, reference_id IS NULL FROM notification WHERE id = ?",
                       list(good)[0]), [("PaymentCapture", "capture", CAPTURE + "1", "AREHEARSAL", "sandbox", 0)], "filled")
        wait_for("hooks ran for all", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state = 'done'") == len(good) + len(new) + 1)
        told = lab.ctl("explain", CAPTURE + "1").stdout
        check("understood by a later version" in told and "so not applied" not in told, told)
        check(f"{len(held) + 1} held" in lab.ctl("status").stdout, "status counts what still waits")
        before = lab.dump()
        again = reprocess(lab, code=1)
        equal((again["understood"], again["held"]), (0, len(held)), "again")
        equal(lab.dump(), before, "the second time changes nothing")
        equal(lab.send(lab.envelope(capture(5))).status, 200, "ipnd goes on")


@case("reprocess: the same messages end in the same state, whenever they were understood")
def same_state():
    with Lab() as lab, Lab() as whole:
        have_database(lab)
        ident = "S01-1111111-2222222"
        messages = [(kind, xml) for kind, xml in (order(ident, "Open", minute(1)), order(ident, "Suspended", minute(2)),
                                                  order(ident, "Open", minute(3)), order(ident, "Closed", minute(4)))]
        for kind, xml in reversed(messages):
            keep(lab, unsigned(lab, inner(xml, NotificationType=kind)))
        equal(reprocess(lab)["understood"], 4, "understood")
        whole.start()
        for kind, xml in messages:
            equal(whole.send(whole.envelope(inner(xml, NotificationType=kind))).status, 200, "post")
        moves = "SELECT object_id, from_state, to_state, at FROM transition ORDER BY at"
        equal(lab.rows(moves), whole.rows(moves), "transitions")
        equal(lab.rows("SELECT * FROM order_reference"), whole.rows("SELECT * FROM order_reference"), "the order")
        equal(lab.rows("SELECT why FROM notification WHERE raw IS NULL OR verdict <> 'unrecognized'"), [], "kept")


@case("ingest, reprocess: root reads the files it may read, and writes as the owner; a reader may look, and is told who may (77)")
def permission():
    with Lab() as lab:
        lab.start()
        keep(lab, unsigned(lab, capture(2)))
        lab.stop()
        if os.geteuid() != 0:
            return
        for path in (lab.folder, lab.home, lab.state, lab.certificates, os.path.dirname(lab.certificates)):
            os.chmod(path, 0o755)
        os.chmod(lab.config, 0o644)
        for name in [lab.state] + [os.path.join(lab.state, n) for n in os.listdir(lab.state)]:
            os.chown(name, OWNER, GROUP)
        os.chmod(lab.state, 0o2750)
        path = save(lab, "mine", lab.envelope(capture(1)))
        public = save(lab, "public", lab.envelope(capture(3)))
        os.chmod(path, 0o600)
        member = {"user": MEMBER, "group": GROUP, "extra_groups": []}
        for arguments in (["ingest", public], ["reprocess"]):
            p = lab.ctl(*arguments, code=77, **member)
            check("you may not write it. Its owner" in p.stderr and "root may" in p.stderr, p.stderr)
        equal(ingest(lab, "--dry-run", public, **member)[0]["verdicts"], {"new": 1}, "a member checks")
        equal(reprocess(lab, "--dry-run", **member)["understood"], 1, "a member looks")
        check("mine: cannot be read: Permission denied" in ingest(lab, "--dry-run", path, code=77, **member)[1], "not hers")
        equal(ingest(lab, path)[0]["verdicts"], {"applied": 1}, "root's own file")
        equal(reprocess(lab)["understood"], 1, "root")
        equal({os.stat(os.path.join(lab.state, n)).st_uid for n in os.listdir(lab.state)}, {OWNER}, "no file of root's")
