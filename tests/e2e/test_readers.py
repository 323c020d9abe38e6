"""The programs of etc/readers, which read the database as a shop would: beside a live ipnd, with everything stopped, as a member
of the group and as somebody else; and what the views say."""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess

from lab import PATIENCE, SOURCE, Lab, Skip, capture_xml, case, check, equal, inner, wait_for
from test_examples import authorization

READERS = os.path.join(SOURCE, "etc", "readers")
OWNER, GROUP, MEMBER, STRANGER = 65501, 65502, 65503, 65504


def read(*command, user=None, group=None):
    if user and os.geteuid() == 0:
        command = ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *command)
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def shop(lab):
    """Payments as in the guide, one declined capture, one order that nothing but a capture is known of."""
    lab.start()
    for scenario in ("one-time", "chargeback", "auto-pay", "provider", "multi-currency"):
        lab.run("ipn-simulate", "play", scenario, "-c", lab.config)
    for number, state in ((1, "Completed"), (2, "Declined")):
        equal(lab.send(lab.envelope(inner(capture_xml(f"S01-7000000-000000{number}-C000001", state)))).status, 200, "capture")


def hand_over(lab):
    """The files become a service's, as where it is installed: a member of the group may read, and nobody else."""
    if os.geteuid() != 0:
        return
    for path in (lab.folder, lab.home):
        os.chmod(path, 0o755)
    os.chmod(lab.state, 0o2750)
    for path in (lab.state, *(os.path.join(lab.state, name) for name in os.listdir(lab.state))):
        os.chown(path, OWNER, GROUP)


@case("readers: today.py and money.sql beside a live ipnd, with it stopped, by a member of the group only")
def python_and_sql():
    with Lab() as lab:
        shop(lab)
        today = os.path.join(READERS, "today.py")
        for _ in range(2):
            p = read(today, lab.database, "400")
            equal((p.returncode, p.stderr), (0, ""), "today.py")
            check(re.search(r"^\d\d:\d\d declined S01-7000000-0000002-C000001 no reason given$", p.stdout, re.M), p.stdout)
            check(re.search(r"^\d\d:\d\d chargeback C9", p.stdout, re.M), p.stdout)
            check(re.search(r"^until \d{4}-\d\d-\d\dT\d\d:\d\d S01-\d{7}-\d{7} \d+ minor units of USD: close it: all", p.stdout, re.M),
                  p.stdout)
            if "ipnd" in lab.daemons:
                lab.stop()
        if shutil.which("sqlite3"):
            with open(os.path.join(READERS, "money.sql")) as f:
                sql = f.read()
            p = subprocess.run(["sqlite3", "-readonly", lab.database], input=sql.replace("'live'", "'sandbox'"), capture_output=True,
                               text=True, timeout=PATIENCE)
            equal((p.returncode, p.stderr), (0, ""), "money.sql")
            check(re.search(r"^\d{4}-\d\d\|USD\|\d+\|", p.stdout, re.M), p.stdout)
        if os.geteuid() == 0:
            hand_over(lab)
            equal(read("cp", today, lab.folder).returncode, 0, "a copy that others can reach")
            copy = os.path.join(lab.folder, "today.py")
            equal(read(copy, lab.database, user=MEMBER, group=GROUP).returncode, 0, "a member reads")
            check(read(copy, lab.database, user=STRANGER, group=STRANGER).returncode != 0, "a stranger does not")


@case("readers: one that never ends its query keeps ipnd neither from starting nor from its work")
def endless():
    with Lab() as lab:
        lab.start()
        equal(lab.send(lab.envelope(inner())).status, 200, "before")
        with contextlib.closing(sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True, isolation_level=None)) as db:
            db.execute("BEGIN")
            equal(db.execute("SELECT count(*) FROM notification").fetchone(), (1,), "what it reads")
            equal(lab.send(lab.envelope(inner())).status, 200, "meanwhile")
            for end in (lab.kill, lab.stop):
                end()
                lab.start()
                equal(lab.send(lab.envelope(inner())).status, 200, "after a start")
            equal(db.execute("SELECT count(*) FROM notification").fetchone(), (1,), "what it still reads")
        equal(lab.one("SELECT count(*) FROM notification"), 4, "rows")
        equal(lab.one("PRAGMA integrity_check"), "ok", "integrity")


@case("readers: paid.php, by PDO, beside a live ipnd, with it stopped, by a member of the group")
def php():
    if not shutil.which("php") or "pdo_sqlite" not in read("php", "-m").stdout:
        raise Skip("php with pdo_sqlite is not here")
    with Lab() as lab:
        shop(lab)
        paid = next(n for (n,) in lab.rows("SELECT seller_order_id FROM order_money WHERE captured_minor = total_minor "
                                           "AND refunded_minor + charged_back_minor = 0 AND seller_order_id IS NOT NULL"))
        back = lab.one("SELECT seller_order_id FROM order_money WHERE charged_back_minor > 0")
        equal(read(os.path.join(READERS, "paid.php"), paid, lab.database).returncode, 1, "what was paid in the sandbox is not paid")
        equal(read(os.path.join(READERS, "paid.php")).returncode, 64, "no number")
        script = shutil.copy(os.path.join(READERS, "paid.php"), lab.folder)
        with open(script, "r+") as f:
            text = f.read().replace("'live'", "'sandbox'")
            f.seek(0)
            f.write(text)
        for member in (None, MEMBER):
            p = read(script, paid, lab.database, user=member, group=GROUP)
            equal((p.returncode, p.stderr), (0, ""), p.stdout)
            check(re.match(r"S01-\d{7}-\d{7} \w+: total (\d+), captured \1, refunded 0, charged back 0 \(minor units of USD\)", p.stdout),
                  p.stdout)
            equal(read(script, back, lab.database, user=member, group=GROUP).returncode, 1, "charged back")
            equal(read(script, "no-such-order", lab.database, user=member, group=GROUP).returncode, 1, "none")
            if member is None:
                lab.stop()
                hand_over(lab)


@case("views: order_money adds up each currency of each order once, also of orders of which only parts are known")
def money():
    with Lab() as lab:
        shop(lab)
        order = "S01-7000000-0000001"
        columns = "state, currency, total_minor, authorized_minor, captured_minor, refunded_minor, net_minor, last_event"

        def rows():
            return lab.rows(f"SELECT {columns} FROM order_money WHERE order_reference_id = ? ORDER BY currency", order)

        equal(rows(), [(None, "USD", None, 0, 1995, 0, 1995, "capture.completed")], "a capture only")
        authorization(lab, 1, order=order)
        equal(lab.one("SELECT authorized_minor FROM order_money WHERE order_reference_id = ?", order), 1995, "two parts, one row")
        equal(lab.send(lab.envelope(inner(capture_xml(f"{order}-C000002", amount="700", currency="JPY")))).status, 200, "capture")
        equal([r[:5] for r in rows()], [(None, "JPY", None, 0, 700), (None, "USD", None, 1995, 1995)], "another currency is another row")
        # Nothing is counted twice, and nothing is left out.
        for table, column, states in (("capture", "captured_minor", "('Completed', 'Closed')"),
                                      ("refund", "refunded_minor", "('Completed')")):
            equal(lab.rows(f"SELECT currency, sum({column}) FROM order_money GROUP BY 1 HAVING sum({column}) > 0 ORDER BY 1"),
                  lab.rows(f"SELECT currency, sum(amount_minor) FROM {table} WHERE state IN {states} GROUP BY 1 ORDER BY 1"), table)
        equal(lab.one("SELECT count(*) - count(DISTINCT order_reference_id || ' ' || currency) FROM order_money"), 0, "the key")
        equal(lab.rows("SELECT charged_back_minor FROM order_money WHERE charged_back_minor > 0"),
              lab.rows("SELECT amount_minor FROM chargeback GROUP BY chargeback_id"), "said twice, counted once")
        check(lab.one("SELECT count(*) FROM chargeback") == 2, "it was said twice")
        equal(lab.rows("SELECT captured_minor - refunded_minor - charged_back_minor - credited_minor - fee_minor - net_minor "
                       "FROM order_money GROUP BY 1"), [(0,)], "net")
        equal(lab.rows("SELECT sum(amount_minor), (SELECT sum(amount_minor) FROM provider_credit_reversal) FROM provider_credit"),
              [(200, 200)], "a provider's part, and back")
        equal(lab.one("SELECT sum(credited_minor) FROM order_money"), 0, "nothing is left of it")
        # What ipnctl explain says of the same order.
        for (one,) in lab.rows("SELECT order_reference_id FROM order_reference"):
            said = re.search(r"money +authorized (\S+) \w+, captured (\S+) \w+, refunded (\S+)", lab.ctl("explain", one).stdout)
            minor = lab.rows("SELECT authorized_minor, captured_minor, refunded_minor FROM order_money WHERE order_reference_id = ? "
                             "AND state IS NOT NULL", one)[0]
            equal(tuple(round(float(s) * 100) for s in said.groups()), minor, one)


@case("views: failure has what went wrong until it is mended, of every kind; due and agreement_usage")
def failures():
    with Lab() as lab:
        shop(lab)
        kinds = {"declined", "chargeback", "refused", "dead", "conflict", "unrecognized", "foreign", "refused topic"}

        def known():
            return {k for (k,) in lab.rows("SELECT kind FROM failure WHERE at >= strftime('%Y-%m-%dT00:00:00.000Z', 'now', '-1 day')")}

        lab.send(lab.envelope(inner(capture_xml("S01-7000000-0000001-C000001", "Declined", updated="2026-01-03T00:00:00.000Z"))))
        lab.send(lab.envelope(inner(capture_xml("S01-7000000-0000004-C000001"), SellerId="AELSE")))
        lab.send(lab.envelope(inner(NotificationType="Unknown")))
        lab.send(lab.envelope(inner(), TopicArn=lab.topic.replace("A3BXB0YN3XH17H", "A3M3RRFO9XDT2G")))
        lab.configure(lambda t: re.sub(r'run = \{[^}]*\}', 'run = {"/bin/sh", "-c", "exit 100"}', t))
        lab.start("ipn-hookd")
        wait_for("every kind", lambda: known() == kinds)
        lab.stop()
        number = lab.one("SELECT number FROM failure WHERE kind = 'conflict'")
        lab.ctl("conflicts", "dismiss", str(number))
        check("conflict" not in known(), "decided")
        # No verdict that is no refusal is counted as one.
        with open(os.path.join(SOURCE, "src", "verdict", "verdicts.def")) as f:
            good = {word for word, status in re.findall(r'^VERDICT\(\w+, "([^"]+)", (\d+)', f.read(), re.M) if status == "200"}
        check(len(good) == 9, "verdicts that are 200")
        lab.stop("ipn-hookd")
        with contextlib.closing(sqlite3.connect(lab.database)) as db:
            db.executemany("INSERT OR REPLACE INTO verdict_count VALUES (?, 1, '2026-01-01T00:00:00.000Z')", [(w,) for w in good | {"x"}])
            db.commit()
        refused = {w for (w,) in lab.rows("SELECT what FROM failure WHERE kind = 'refused'")}
        check("x" in refused and not good & refused, f"refused: {refused}")
        equal(lab.rows("SELECT state, limit_minor - used_minor - remaining_minor, currency, period_over FROM agreement_usage"),
              [("Open", 0, "USD", 0)], "agreement_usage")
        equal(lab.rows("SELECT DISTINCT object_type FROM due"), [("order_reference",)], "due")
