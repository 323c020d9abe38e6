"""The hooks of etc/examples, each run by a real ipn-hookd: what they do, once, and what their exit codes make of failures."""

import http.server
import json
import os
import shutil
import stat
import subprocess
import threading

from lab import NAMESPACE, PATIENCE, SOURCE, Lab, Skip, capture_xml, case, check, equal, inner, wait_for
from test_types import price, status

HOSTILE = "-rf \"$(touch {0})\" `touch {0}` () {{ :;}}; touch {0}; 'x' \\r\\nBcc: thief@example.com %0ABcc: %n \u202e\u6ce8 \\u0000"


def example(lab, name, *arguments, on="*", more=""):
    """A section with the script as it is in the source."""
    run = ", ".join(json.dumps(a, ensure_ascii=False) for a in (os.path.join(SOURCE, "etc", "examples", name), *arguments))
    return (f'hook "{name}" {{\n\ton = {{"{on}"}}\n\trun = {{{run}}}\n\tenvironment = any\n\tbackoff = "1s"\n'
            f'\tbackoff_max = "1s"\n{more}}}\n')


def configure(lab, *hooks, concurrency=4):
    lab.configure(lambda t: t[:t.index('hook "print"')] + f"hooks {{\n\tconcurrency = {concurrency}\n}}\n" + "".join(hooks))


def program(lab, name, text):
    path = os.path.join(lab.folder, name)
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def read(*parts):
    with open(os.path.join(*parts)) as f:
        return f.read()


def count(lab, hook, state):
    return lab.one("SELECT count(*) FROM hook_run WHERE hook = ? AND state = ?", hook, state)


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def authorization(lab, number, state="Open", order="S01-1111111-2222222", updated="2026-01-02T03:04:05.006Z", reason=None):
    equal(lab.send(lab.envelope(inner(
        f'<AuthorizationNotification xmlns="{NAMESPACE}"><AuthorizationDetails>'
        f"<AmazonAuthorizationId>{order}-A{number:06}</AmazonAuthorizationId>"
        f"<AuthorizationReferenceId>auth</AuthorizationReferenceId>{price('AuthorizationAmount', '19.95')}"
        f"{price('CapturedAmount', '0.0')}{price('AuthorizationFee', '0.0')}<IdList/>"
        f"<CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp>{status('AuthorizationStatus', state, updated, reason)}"
        f"</AuthorizationDetails></AuthorizationNotification>", NotificationType="PaymentAuthorize"))).status, 200, "authorization")


def chargeback(lab, reason, order="S01-1111111-2222222"):
    equal(lab.send(lab.envelope(inner(
        f'<ChargebackNotification xmlns="{NAMESPACE}"><ChargebackDetails><AmazonChargebackId>C9KEXAMPLE</AmazonChargebackId>'
        f"<AmazonOrderReferenceId>{escaped(order)}</AmazonOrderReferenceId>"
        f"<AmazonCaptureReferenceId>ref</AmazonCaptureReferenceId>{price('ChargebackAmount', '19.95')}"
        f"<CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp><ChargebackState>RECEIVED</ChargebackState>"
        f"<ChargebackReason>{escaped(reason)}</ChargebackReason></ChargebackDetails></ChargebackNotification>",
        NotificationType="Chargeback Detailed Notification"))).status, 200, "chargeback")


def order_reference(lab, seller_order, order="S01-1111111-2222222", note="all is well"):
    equal(lab.send(lab.envelope(inner(
        f'<OrderReferenceNotification xmlns="{NAMESPACE}"><OrderReference>'
        f"<AmazonOrderReferenceId>{order}</AmazonOrderReferenceId>{price('OrderTotal', '19.95')}"
        f"<SellerOrderAttributes><SellerId>AREHEARSAL</SellerId><SellerOrderId>{escaped(seller_order)}</SellerOrderId>"
        f"</SellerOrderAttributes><OrderReferenceStatus><State>Open</State>"
        f"<LastUpdateTimestamp>2026-01-02T03:04:05.006Z</LastUpdateTimestamp><ReasonDescription>{escaped(note)}"
        f"</ReasonDescription></OrderReferenceStatus><CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp>"
        f"<ExpirationTimestamp>2027-01-02T03:04:05.006Z</ExpirationTimestamp></OrderReference></OrderReferenceNotification>",
        NotificationType="OrderReferenceNotification"))).status, 200, "order reference")


@case("examples: every one is installed and named in README, and its comment holds a section that ipnctl accepts")
def listed():
    with Lab() as lab:
        folder = os.path.join(SOURCE, "etc", "examples")
        names = sorted(os.listdir(folder))
        equal(len(names) >= 4, True, "there are examples")
        readme, makefile = read(SOURCE, "README.md"), read(SOURCE, "Makefile.am")
        for name in names:
            equal(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) & 0o555, 0o555, name + " is executable")
            check(f"`{name}`" in readme and f"etc/examples/{name}" in makefile, name + " is named")
            lines = read(folder, name).splitlines()
            first = lines.index(next(line for line in lines if line.startswith("#   hook ")))
            section = [line[1:] for line in lines[first:lines.index("#   }", first) + 1]]
            check(f"/usr/share/doc/ipnd/examples/{name}" in "".join(section), name + ": its own path")
            lab.configure(lambda t, s=section: t[:t.index('hook "')] + "\n".join(s) + "\n")
            lab.ctl("check-config")


@case("examples: append-to-log writes each event once, whole, whatever attempts, hostile values and a line cut short do")
def append_to_log():
    with Lab() as lab:
        log, canary = os.path.join(lab.folder, "-ipn $(x).jsonl"), os.path.join(lab.folder, "canary")
        configure(lab, example(lab, "append-to-log", log))
        lab.start()
        lab.start("ipn-hookd")
        evil = HOSTILE.format(canary) + ' "event_id":1, "event_id":2,'
        order_reference(lab, evil)
        for i in range(8):
            equal(lab.send(lab.envelope(inner(capture_xml(f"S01-{i:07}-2222222-C000001")))).status, 200, "capture")
        wait_for("all done", lambda: count(lab, "append-to-log", "done") == 9)
        lines = [json.loads(line) for line in read(log).splitlines()]
        equal(sorted(e["event_id"] for e in lines), list(range(1, 10)), "each once")
        equal([e["seller_order_id"] for e in lines if e["event_id"] == 1], [evil], "as it was")
        lab.ctl("replay", "--since", "1h")
        wait_for("again", lambda: lab.rows("SELECT DISTINCT state, attempts FROM hook_run") == [("done", 2)])
        equal(len(read(log).splitlines()), 9, "no second line for any")
        # Cut short, as by a full disk: the attempt failed and comes again.
        whole = read(log)
        last = json.loads(whole.splitlines()[-1])["event_id"]
        os.truncate(log, len(whole.encode()) - 2)
        lab.ctl("replay", str(last))
        wait_for("once more", lambda: lab.rows("SELECT state, attempts FROM hook_run WHERE event_id = ?", last) == [("done", 3)])
        lines = read(log).splitlines()
        check(len(lines) == 10 and lines[8].endswith(" cut short"), f"what was cut short is ended: {lines[8:]}")
        equal(json.loads(lines[9])["event_id"], last, "and stands whole behind it")
        equal(os.path.exists(canary), False, "nothing was executed")


@case("examples: mail-on-chargeback tells one address, no value adds a header, and what sendmail could not do comes again")
def mail_on_chargeback():
    with Lab() as lab:
        canary = os.path.join(lab.folder, "canary")
        sendmail = program(lab, "sendmail", f'cd "{lab.folder}" || exit\necho "$*" >>asked\ncat >"mail.$$"\n'
                           "test -e up || exit 75\nmv \"mail.$$\" \"sent.$$\"\n")
        configure(lab, example(lab, "mail-on-chargeback", "payments+alarm@shop.example", sendmail, on="chargeback.received"))
        lab.start()
        lab.start("ipn-hookd")
        chargeback(lab, HOSTILE.format(canary), order="-f`>x`&\"'%0A")
        wait_for("tried", lambda: lab.one("SELECT count(*) FROM hook_attempt WHERE exit_status = 1"))
        equal(count(lab, "mail-on-chargeback", "dead"), 0, "not given up")
        with open(os.path.join(lab.folder, "up"), "w"):
            pass
        wait_for("sent", lambda: count(lab, "mail-on-chargeback", "done") == 1)
        lab.ctl("replay", "1")
        wait_for("replayed", lambda: lab.one("SELECT attempts FROM hook_run") == 3 and count(lab, "mail-on-chargeback", "done") == 1)
        equal(set(read(lab.folder, "asked").splitlines()), {"-i -- payments+alarm@shop.example"}, "one addressee, by argument")
        mails = [read(lab.folder, name) for name in os.listdir(lab.folder) if name.startswith("sent.")]
        equal(len(mails), 2, "mails")
        equal(mails[0], mails[1], "the same, with the same Message-ID")
        head, body = mails[0].split("\n\n", 1)
        equal([line.split(":")[0] for line in head.split("\n")],
              ["To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"], "headers")
        equal(head.split("\n")[1], "Subject: [Amazon Pay] chargeback.received: 19.95 USD, -f%60%3Ex%60%26%22%27%250A", "subject")
        check("\nMessage-ID: <ipnd-rehearsal-1@" in head, "the event's id: " + head)
        check("reason        -rf %22%24%28touch " in body and "ipnctl explain -f%60" in body, "body: " + body)
        equal([c for c in mails[0] if not (c == "\n" or " " <= c <= "~")], [], "no other characters")
        equal(os.path.exists(canary), False, "nothing was executed")
        # Called by somebody else, with raw values.
        raw = {f"IPN_{n}": f"x\r\nBcc: thief@example.com\n\n{n}" + "y" * 2000 for n in (
            "EVENT", "EVENT_ID", "AMOUNT", "CURRENCY", "OBJECT_ID", "REASON_CODE", "ORDER_REFERENCE_ID", "SELLER_ORDER_ID",
            "ACCOUNT", "ENVIRONMENT")}
        script = os.path.join(SOURCE, "etc", "examples", "mail-on-chargeback")
        echo = program(lab, "echo-mail", "cat\n")
        p = subprocess.run([script, "a@example.com", echo], env={"PATH": os.environ["PATH"], **raw}, capture_output=True, text=True,
                           timeout=PATIENCE)
        equal((p.returncode, "\nBcc" in p.stdout, p.stdout.count("To:")), (0, False, 1), p.stdout)
        check(max(len(line) for line in p.stdout.split("\n")) <= 998, "no line is too long for mail")
        for address in ("", "-oQ/tmp", "a@b\nBcc: c@d", "a@b, c@d", "|sh"):
            p = subprocess.run([script, address, echo], env={"PATH": os.environ["PATH"], **raw}, capture_output=True, text=True,
                               timeout=PATIENCE)
            equal((p.returncode, "Subject" in p.stdout), (64, False), f"refused: {address!r}")


class Service(http.server.BaseHTTPRequestHandler):
    """The first time a path is asked it answers the number in it, then 200; remembers what it was sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        again = any(path == self.path for path, _, _ in self.server.got)
        self.server.got.append((self.path, dict(self.headers), body))
        code = 200 if again else int(self.path[1:4])
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/200/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@case("examples: post-to-url posts the JSON under the event's id; 2xx is done, 5xx, 302, 408, 429 and silence come again, 4xx is final")
def post_to_url():
    if not shutil.which("curl", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"):
        raise Skip("curl is not here")
    with Lab() as lab, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        server.got = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url, canary = f"http://127.0.0.1:{server.server_address[1]}", os.path.join(lab.folder, "canary")
        headers, odd = os.path.join(lab.folder, "headers"), "/200/{a,b}[1-3]?x=1&y=$(id)"
        with open(headers, "w") as f:
            f.write("Authorization: Bearer secret\n")
        with open(os.path.join(lab.folder, ".curlrc"), "w") as f:
            f.write(f'output = "{canary}"\nurl = "{url}/200/curlrc"\n')
        again, final, good = (302, 408, 425, 429, 500, 503), (400, 404, 410), (200, 201, 204)
        hooks = {f"h{code}": (f"{url}/{code}",) for code in again + final + good}
        hooks.update(odd=(url + odd, headers), nobody=("http://127.0.0.1:1/",), nothing=(url + "/200/no", canary))
        configure(lab, *(example(lab, "post-to-url", *a, on="order_reference.*").replace('"post-to-url"', f'"{name}"', 1)
                         for name, a in hooks.items()), concurrency=len(hooks))
        lab.start()
        lab.prefix = ["env", f"HOME={lab.folder}"]
        lab.start("ipn-hookd")
        evil = "@/etc/hostname " + HOSTILE.format(canary)
        order_reference(lab, evil)
        wait_for("all had an answer", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state IN ('done', 'dead')") == len(hooks) - 2)
        wait_for("nobody and nothing are tried again", lambda: lab.one("SELECT min(attempts) FROM hook_run WHERE state = 'pending'") > 1)

        def attempts(name):
            return lab.rows("SELECT exit_status, output FROM hook_attempt WHERE hook = ? ORDER BY attempt", name)

        for code in again:
            equal(attempts(f"h{code}"), [(1, f"HTTP {code}\n"), (0, "HTTP 200\n")], "again")
        for code in final:
            equal(attempts(f"h{code}"), [(100, f"HTTP {code}\n")], "final")
        for code in good:
            equal(attempts(f"h{code}"), [(0, f"HTTP {code}\n")], "done")
        equal((attempts("nobody")[0][0], attempts("nothing")[0]), (1, (1, f"cannot read {canary}\n")), "of our own world")
        server.shutdown()
        equal(sorted({path for path, _, _ in server.got}), sorted([f"/{c}" for c in again + final + good] + [odd]),
              "the URL means itself, no redirect is followed, .curlrc has no say")
        for path, sent, body in server.got:
            equal((sent["Idempotency-Key"], sent["Content-Type"], sent.get("Authorization")),
                  ("1", "application/json", "Bearer secret" if path == odd else None), "headers")
            equal(json.loads(body)["seller_order_id"], evil, "as it was")
        equal(os.path.exists(canary), False, "nothing was executed")


@case("examples: ship-on-authorization ships each order once; cut off between act and mark it ships again rather than never")
def ship_on_authorization():
    with Lab() as lab:
        shipped = os.path.join(lab.folder, "shipped orders")
        # Killed behind the act, as by a power cut: the script does not come to its mark.
        ship = program(lab, "ship", f'cd "{lab.folder}" || exit\necho "$*" >>parcels\ncase $2 in\n'
                       "*-2222222) test -e cut || { : >cut; kill -KILL $PPID; } ;;\n*-3333333) exit 3 ;;\n*-4444444) exit 100 ;;\nesac\n")
        configure(lab, example(lab, "ship-on-authorization", shipped, ship, "--fast", on="authorization.open"))
        lab.start()
        lab.start("ipn-hookd")

        def state(order):
            return lab.rows("SELECT r.state, r.attempts, r.exit_status FROM hook_run r JOIN event e ON e.id = r.event_id "
                            "WHERE e.order_reference_id = ? ORDER BY e.id", "S01-1111111-" + order)

        authorization(lab, 1, order="S01-1111111-1111111")
        wait_for("no folder", lambda: "no folder" in (lab.one("SELECT group_concat(output) FROM hook_attempt") or ""))
        equal(os.path.exists(os.path.join(lab.folder, "parcels")), False, "nothing is shipped without the folder")
        os.mkdir(shipped)
        for order in ("2222222", "3333333", "4444444"):
            authorization(lab, 1, order="S01-1111111-" + order)
        authorization(lab, 2, order="S01-1111111-1111111")
        authorization(lab, 1, "Closed", "S01-1111111-5555555", "2026-01-03T03:04:05.006Z", "MaxCapturesProcessed")
        authorization(lab, 1, "Open", "S01-1111111-5555555")
        wait_for("shipped", lambda: [s for s, _, _ in state("1111111")] == ["done", "done"] and [s for s, _, _ in state("2222222")] ==
                 ["done"])
        wait_for("late", lambda: state("5555555") == [("dead", 1, 100)])
        wait_for("ship's own word", lambda: state("4444444") == [("dead", 1, 100)])
        wait_for("again", lambda: state("3333333")[0][:1] + state("3333333")[0][2:] == ("pending", 3) and state("3333333")[0][1] >= 2)
        equal(state("2222222"), [("done", 2, 0)], "cut off once")
        lab.ctl("replay", "1")
        wait_for("replayed", lambda: state("1111111")[0][0] == "done" and state("1111111")[0][1] >= 3)
        parcels = [p for p in read(lab.folder, "parcels").splitlines() if not p.endswith("3333333")]
        equal(sorted(parcels), [f"--fast S01-1111111-{n}" for n in ("1111111", "2222222", "2222222", "4444444")], "parcels")
        equal(sorted(os.listdir(shipped)), ["S01-1111111-1111111", "S01-1111111-2222222"], "marks")
        script = os.path.join(SOURCE, "etc", "examples", "ship-on-authorization")
        for order in ("", "-rf", "../x", "a/b", "S01;id", "S01 1", "%2E%2E", "."):
            p = subprocess.run([script, shipped, ship, "--fast"], timeout=PATIENCE, capture_output=True, text=True, env={
                "PATH": os.environ["PATH"], "IPN_ORDER_REFERENCE_ID": order, "IPN_LATE": "0"})
            equal(p.returncode, 100, f"{order!r}: {p.stdout} {p.stderr}")
        equal(len(read(lab.folder, "parcels").splitlines()), len(parcels) + sum(a for _, a, _ in state("3333333")), "no more parcels")
