"""ipnctl: its verbs, exit codes and JSON; as an ordinary member of the group with everything stopped."""

import json
import os
import re

from lab import Lab, case, equal, recorded


def played(lab):
    out = lab.run("ipn-simulate", "play", "one-time", "--config", lab.config).stdout
    return re.search(r"S01-\d{7}-\d{7}", out).group(0)


@case("ipnctl: verbs and exit codes")
def verbs():
    with Lab() as lab:
        lab.ctl("status", code=69)
        lab.ctl("list", "orders", code=69)
        lab.start()
        lab.ctl("list", "orders", code=1)
        order = played(lab)
        lab.ctl("status")
        equal(json.loads(lab.ctl("status", "--json").stdout)["ipnd"]["running"], True, "status")
        for kind, n in (("orders", 1), ("authorizations", 1), ("captures", 1), ("refunds", 1), ("notifications", 6),
                        ("events", 6)):
            rows = [json.loads(line) for line in lab.ctl("list", kind, "--json").stdout.splitlines()]
            equal(len(rows), n, kind)
            lab.ctl("list", kind)
        equal(len(lab.ctl("list", "notifications", "--json", "--limit", "2").stdout.splitlines()), 2, "limit")
        lab.ctl("list", "orders", "--state", "Open", code=1)
        lab.ctl("list", "orders", "--state", "Closed", "--since", "1h", "--account", "rehearsal")
        lab.ctl("list", "orders", "--since", "nonsense", code=64)
        capture = lab.one("SELECT capture_id FROM capture")
        for ident in (order, capture, lab.one("SELECT seller_order_id FROM order_reference"),
                      lab.one("SELECT message_id FROM notification LIMIT 1"), lab.one("SELECT refund_id FROM refund")):
            lab.ctl("show", ident)
            json.loads(lab.ctl("show", ident, "--json").stdout.splitlines()[0])
            equal(order in lab.ctl("explain", ident).stdout, True, ident)
            json.loads(lab.ctl("explain", ident, "--json").stdout)
        lab.ctl("explain", "S01-0000000-0000000", code=1)
        lab.ctl("show", "S01-0000000-0000000", code=1)
        lab.ctl("nonsense", code=64)
        lab.ctl(code=64)
        lab.ctl("check-config")
        lab.stop()
        lab.ctl("status", code=69)
        lab.ctl("explain", order)
        lab.configure(lambda t: t + "nonsense = 1\n")
        equal("ipnd.conf:" in lab.ctl("check-config", code=78).stderr, True, "check-config")
        lab.ctl("list", "orders", code=78)


@case("ipnctl reads as a member of the group, with both daemons stopped")
def member():
    with Lab() as lab:
        lab.start()
        order = played(lab)
        lab.stop()
        if os.geteuid() != 0:
            return
        state = os.path.join(lab.home, "state")
        os.chmod(lab.folder, 0o755)
        os.chmod(lab.home, 0o755)
        os.chmod(lab.config, 0o644)
        for name in [state] + [os.path.join(state, n) for n in os.listdir(state)]:
            os.chown(name, 65501, 65502)
        os.chmod(state, 0o2750)
        out = lab.ctl("explain", order, user=65503, group=65502, extra_groups=[]).stdout
        equal(order in out, True, "explain")
        lab.ctl("status", user=65503, group=65502, extra_groups=[], code=69)
        lab.ctl("list", "events", user=65503, group=65502, extra_groups=[])
        lab.ctl("explain", order, user=65504, group=65504, extra_groups=[], code=77)


@case("ipnctl verify: offline, without configuration or database")
def verify():
    with Lab() as lab:
        nowhere = {"cwd": lab.folder, "env": dict(os.environ, IPND_CONFIG="/nonexistent")}
        good = recorded("amazonpay", "2017-06-27_PaymentCapture_Completed_2f854ae6.json")
        pem = recorded("certificates", "eu-west-1", "SimpleNotificationService-b95095beb82e8f6a046b3aafc7f4149a.pem")
        p = lab.run("ipnctl", "verify", os.path.realpath(good), "--certificate", os.path.realpath(pem), **nowhere)
        equal("Completed" in p.stdout or "ok" in p.stdout, True, p.stdout)
        p = lab.run("ipnctl", "--json", "verify", os.path.realpath(good), "--certificate", os.path.realpath(pem), **nowhere)
        json.loads(p.stdout)
        altered = recorded("altered", "2015-08-28_PaymentCapture_Completed-None_33bd40e3.json")
        pem = recorded("certificates", "us-east-1", "SimpleNotificationService-bb750dd426d95ee9390147a5624348ee.pem")
        p = lab.run("ipnctl", "verify", os.path.realpath(altered), "--certificate", os.path.realpath(pem), code=65, **nowhere)
        equal("signature" in (p.stdout + p.stderr).lower(), True, p.stdout + p.stderr)
        lab.run("ipnctl", "verify", "/nonexistent", code=66, **nowhere)
        lab.run("ipnctl", "verify", os.path.realpath(good), "--certificate", "/nonexistent", code=66, **nowhere)
