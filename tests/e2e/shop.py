"""A shop with a past: two accounts, every kind of object and of trouble, always the same ids, and a clock that stands still.

What of its output is not the same every time, `tidy` makes so: the folders become those of a Debian installation."""

import contextlib
import datetime
import http.client
import json
import os
import pwd
import re
import shutil
import sqlite3
import uuid

from lab import BUILD, NAMESPACE, PATIENCE, Clock, Lab, equal, inner, wait_for

TOPIC_JP = "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSALJP"
MACHINE = ("files", "disk", "tls", "clock")  # checks of doctor
NOW = "2026-11-26T12:00:00.000Z"
CONFIG = """listen {
	https = {"127.0.0.1:0"}
	http = {"127.0.0.1:0"}
	certificate = "HOME/tls.pem"
	private_key = "HOME/tls.key"
}
account "shop" {
	topic_arn = "TOPIC"
	seller_id = {"AREHEARSAL"}
	environment = live
}
account "shop-jp" {
	topic_arn = "TOPICJP"
	seller_id = {"AREHEARSAL"}
	environment = live
}
sns {
	certificate_cache = "HOME/certificates"
	fetch = no
	trust = "HOME/ca.pem"
	chain = require
}
database {
	path = "HOME/state/ipnd.db"
}
hooks {
	concurrency = 1
}
hook "books" {
	on = {"capture.completed", "refund.completed"}
	run = {"HOME/books"}
	accounts = {"shop"}
	environment = live
}
hook "mail" {
	on = {"chargeback.*", "notification.conflict", "hook.dead"}
	run = {"HOME/mail"}
	environment = any
	backoff = "4h"
	backoff_max = "4h"
}
hook "ship" {
	on = {"authorization.open"}
	run = {"HOME/ship"}
	environment = live
}
"""
HOOKS = {
    "books": 'echo "booked $IPN_AMOUNT $IPN_CURRENCY"',
    "mail": 'echo "mail.example.com: connection refused"; exit 1',
    "ship": 'case $IPN_OBJECT_ID in\nS01-3333333-*) echo "no stock of: tea kettle"; exit 100;;\n'
            'S01-5555555-*) printf "\\033]0;title\\007\\033[31mred \\302\\233 \\342\\200\\256 小包 \\377\\n";;\n'
            '*) echo "parcel $IPN_EVENT_ID is on its way";;\nesac',
}


def login():
    """As ipnctl writes it down, of who is not root."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def seconds(time):
    return datetime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc).timestamp()


def full(time):
    """"26 09:30", a time of November 2026, or what is one already."""
    return f"2026-11-{time[:2]}T{time[3:]}:00.000Z" if len(time) == 8 else time


def name(text):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text))


def elements(**of):
    """XML of names and values; a list is children, None leaves one out."""
    return "".join(f"<{k}>{elements(**v) if isinstance(v, dict) else v}</{k}>" for k, v in of.items() if v is not None)


def price(amount, currency="USD"):
    return {"Amount": amount, "CurrencyCode": currency}


def status(state, at, reason=None):
    return {"State": state, "LastUpdateTimestamp": full(at), "ReasonCode": reason}


def document(root, child, **of):
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{NAMESPACE}"><{child}>{elements(**of)}</{child}></{root}>'


def order(ident, number, state, at, reason=None, total="19.95", currency="USD", created=None, expires="2027-05-20T00:00:00.000Z"):
    return document("OrderReferenceNotification", "OrderReference", AmazonOrderReferenceId=ident, OrderTotal=price(total, currency),
                    SellerOrderAttributes={"SellerOrderId": number}, OrderReferenceStatus=status(state, at, reason),
                    CreationTimestamp=full(created or at), ExpirationTimestamp=expires)


def authorization(ident, state, at, reason=None, amount="19.95", currency="USD", captured="0.0", created=None, soft=None, ids=None):
    return document("AuthorizationNotification", "AuthorizationDetails", AmazonAuthorizationId=ident, AuthorizationReferenceId="pay-1",
                    AuthorizationAmount=price(amount, currency), CapturedAmount=price(captured, currency),
                    AuthorizationFee=price("0.0", currency), IdList={"Id": ids} if ids else "", CreationTimestamp=full(created or at),
                    ExpirationTimestamp="2027-01-20T00:00:00.000Z", AuthorizationStatus=status(state, at, reason), SoftDecline=soft)


def capture(ident, state, at, reason=None, amount="19.95", currency="USD", refunded="0.0", created=None, converted=None, ids=None,
            reference="charge-1"):
    return document("CaptureNotification", "CaptureDetails", AmazonCaptureId=ident, CaptureReferenceId=reference,
                    CaptureAmount=price(amount, currency), ConvertedAmount=converted and price(*converted),
                    ConversionRate=converted and "0.0065", RefundedAmount=price(refunded, currency),
                    CaptureFee=price("0.0", currency), IdList={"Id": ids} if ids else "", CreationTimestamp=full(created or at),
                    CaptureStatus=status(state, at, reason))


def refund(ident, state, at, reason=None, amount="5.00", currency="USD", created=None):
    return document("RefundNotification", "RefundDetails", AmazonRefundId=ident, RefundReferenceId="back-1",
                    RefundType="SellerInitiated", RefundAmount=price(amount, currency), FeeRefunded=price("0.0", currency),
                    CreationTimestamp=full(created or at), RefundStatus=status(state, at, reason))


def chargeback(ident, order_reference, reason, at, amount="19.95"):
    return document("ChargebackNotification", "ChargebackDetails", AmazonChargebackId=ident, AmazonOrderReferenceId=order_reference,
                    AmazonCaptureReferenceId="charge-1", ChargebackAmount=price(amount), CreationTimestamp=full(at),
                    ChargebackState="RECEIVED", ChargebackReason=reason)


def agreement(ident, number, state, at, remaining, reason=None):
    return document("BillingAgreementNotification", "BillingAgreement", AmazonBillingAgreementId=ident,
                    SellerBillingAgreementAttributes={"SellerBillingAgreementId": number},
                    BillingAgreementStatus=status(state, at, reason), CreationTimestamp=full("01 08:00"),
                    BillingAgreementLimits={"AmountLimitPerTimePeriod": price("500.0"),
                                            "TimePeriodStartDate": full("01 00:00"), "TimePeriodEndDate": "2026-12-01T00:00:00.000Z",
                                            "CurrentRemainingBalance": price(remaining)}, BillingAgreementConsent="true")


def credit(ident, state, at, amount="2.00", reverted="0.0", ids=None):
    return document("ProviderCreditNotification", "ProviderCreditDetails", AmazonProviderCreditId=ident, SellerId="AREHEARSAL",
                    ProviderSellerId="APROVIDER", CreditReferenceId="share-1", CreditAmount=price(amount),
                    CreditReversalAmount=price(reverted), CreditReversalIdList={"Id": ids} if ids else "", CreationTimestamp=full(at),
                    CreditStatus=status(state, at))


def reversal(ident, state, at, amount="0.50"):
    return document("ProviderCreditReversalNotification", "ProviderCreditReversalDetails", AmazonProviderCreditReversalId=ident,
                    SellerId="AREHEARSAL", ProviderSellerId="APROVIDER", CreditReversalReferenceId="share-back-1",
                    CreditReversalAmount=price(amount), CreationTimestamp=full(at), CreditReversalStatus=status(state, at))


def registration():
    return document("SolutionProviderMerchantNotification", "MerchantRegistrationDetails", SellerId="AREHEARSAL", Type="Register",
                    Options="")


# What has come: the time of its sending, the type, the document, what else is to change.
A, B, C, D, E, F, J, X = (f"S01-{n * 7}-{n * 7}" for n in "12345679")
G = "C01-8888888-8888888"
WIDE, COMBINED = "注文-1003 ﾃｽﾄ", "cafe\u0301-1005"
HOSTILE = "1007-\u202eEVIL\u2028&#x7f;\u200b"
PAST = (
    ("01 08:00", "BillingAgreementNotification", agreement(G, "abo-8", "Open", "01 08:00", "480.05"), {}),
    ("02 09:00", "SolutionProviderEvent", registration(), {}),
    ("03 10:00", "OrderReferenceNotification", order(D, "1004", "Open", "03 10:00"), {}),
    ("03 10:01", "PaymentAuthorize", authorization(D + "-A000001", "Open", "03 10:01"), {}),
    ("03 18:00", "PaymentCapture", capture(D + "-C000001", "Completed", "03 18:00"), {}),
    ("03 18:00", "PaymentAuthorize", authorization(D + "-A000001", "Closed", "03 18:00", "MaxCapturesProcessed", captured="19.95",
                                                   created="03 10:01", ids=D + "-C000001"), {}),
    ("20 09:00", "PaymentAuthorize", authorization(F + "-A000001", "Open", "20 09:00", amount="49.00", created="2026-10-30T09:00:00.000Z"),
     {}),
    ("25 09:00", "OrderReferenceNotification", order(A, "1001", "Open", "25 09:00"), {}),
    ("25 09:01", "PaymentAuthorize", authorization(A + "-A000001", "Open", "25 09:01"), {}),
    ("25 15:00", "PaymentCapture", capture(A + "-C000001", "Completed", "25 15:00"), {}),
    ("25 15:00", "PaymentAuthorize", authorization(A + "-A000001", "Closed", "25 15:00", "MaxCapturesProcessed", captured="19.95",
                                                   created="25 09:01", ids=A + "-C000001"), {}),
    ("25 16:00", "PaymentRefund", refund(A + "-R000001", "Completed", "25 16:00"), {}),
    ("25 16:01", "PaymentCapture", capture(A + "-C000001", "Completed", "25 16:01", refunded="5.00", created="25 15:00",
                                           ids=A + "-R000001"), {}),
    ("25 16:05", "OrderReferenceNotification", order(A, "1001", "Closed", "25 16:05", "SellerClosed", created="25 09:00"), {}),
    ("26 07:00", "OrderReferenceNotification", order(B, "1002", "Open", "26 07:00", total="85.00"), {}),
    ("26 07:02", "PaymentAuthorize", authorization(B + "-A000001", "Declined", "26 07:02", "InvalidPaymentMethod", amount="85.00",
                                                   soft="false", created="26 07:01"), {}),
    ("26 07:02", "OrderReferenceNotification", order(B, "1002", "Suspended", "26 07:02", "InvalidPaymentMethod", total="85.00",
                                                     created="26 07:00"), {}),
    ("26 07:30", "OrderReferenceNotification", order(C, WIDE, "Open", "26 07:30", total="120.00"), {}),
    ("26 07:31", "PaymentAuthorize", authorization(C + "-A000001", "Open", "26 07:31", amount="120.00"), {}),
    ("26 08:00", "OrderReferenceNotification", order(E, COMBINED, "Open", "26 08:00", total="30.00"), {}),
    ("26 08:01", "PaymentAuthorize", authorization(E + "-A000001", "Open", "26 08:01", amount="30.00"), {}),
    ("26 08:05", "PaymentCapture", capture(E + "-C000001", "Completed", "26 08:05", amount="30.00"), {}),
    ("26 08:40", "PaymentCapture", capture(E + "-C000001", "Declined", "26 08:40", "ProcessingFailure", amount="30.00",
                                           created="26 08:05"), {}),
    ("26 09:00", "OrderReferenceNotification", order(J, "お茶-9", "Open", "26 09:00", total="1980", currency="JPY"), {"topic": TOPIC_JP}),
    ("26 09:01", "PaymentCapture", capture(J + "-C000001", "Declined", "26 09:01", "AmazonRejected", amount="1980", currency="JPY"),
     {"topic": TOPIC_JP}),
    ("26 09:30", "PaymentCapture", capture(X + "-C000001", "Pending", "26 09:30", amount="7.50", converted=("1153", "JPY")), {}),
    ("26 09:31", "PaymentRefund", refund(X + "-R000001", "Pending", "26 09:31", amount="2.50"), {}),
    ("26 09:40", "ProviderCredit", credit(X + "-P000001", "Completed", "26 09:40"), {}),
    ("26 09:45", "ProviderCreditReversal", reversal(X + "-Q000001", "Completed", "26 09:45"), {}),
    ("26 10:00", "ChargebackDetailedNotification", chargeback("CBK-EXAMPLE-1", D, "Unauthorized Transaction Chargeback", "26 09:58"), {}),
    ("26 10:10", "GiftCardNotification", "<GiftCard/>", {}),
    ("26 10:11", "Gift\x1b[31m\u202e\u0085\r\nCard", "<GiftCard/>", {}),
    ("26 10:20", "PaymentCapture", capture(X + "-C000002", "Completed", "26 10:20"), {"seller": "ASOMEBODY"}),
    ("26 10:30", "PaymentCapture", capture(X + "-C000003", "Completed", "26 10:30"), {"sample": True}),
    ("26 10:40", "OrderReferenceNotification", order("S01-0000000-0000007", HOSTILE, "Open", "26 10:40", total="1.00"), {}),
)


class Shop(Lab):
    def prepare(self):
        self.clock = Clock(self, 0)
        self.clock.stand(seconds("2026-10-25T00:00:00.000Z"))
        self.environment = dict(os.environ, **self.clock.environment, SUDO_USER="alice", LC_ALL="C.UTF-8", TZ="UTC")
        self.environment.pop("NO_COLOR", None)

    def __init__(self):
        super().__init__()
        self.sent = 0
        self.told = []  # (command, [what it said as JSON])
        self.wrong_codes = []
        self.rows_in_line = 0
        self.typed = dict(self.clock.environment, PATH=f"{BUILD}:{os.environ['PATH']}", IPND_CONFIG=self.config, SUDO_USER="alice")
        with open(self.config, "w") as f:
            f.write(CONFIG.replace("HOME", self.home).replace("TOPICJP", TOPIC_JP).replace("TOPIC", self.topic))
        for hook, script in HOOKS.items():
            path = os.path.join(self.home, hook)
            with open(path, "w") as f:
                f.write(f"#!/bin/sh\n{script}\n")
            os.chmod(path, 0o755)

    def message(self, at, kind, xml, topic=None, seller="AREHEARSAL", sample=None):
        """The same every time, but for its signature and certificate."""
        self.sent += 1
        ident = name(f"reference {self.sent}")
        body = inner(xml, NotificationType=kind, ReleaseEnvironment="Live", SellerId=seller, IsSample=sample,
                     NotificationReferenceId=ident, Timestamp=full(at))
        return self.envelope(body, MessageId=name(f"message {self.sent}"), Timestamp=full(at), TopicArn=topic or self.topic)

    def post_at(self, time, e, status=200):
        """Over the plain listener, at this time of ipnd's."""
        self.clock.stand(seconds(full(time)) + 0.25)
        c = http.client.HTTPConnection("127.0.0.1", self.port(1), timeout=PATIENCE)
        equal(self.send(e, connection=c).status, status, e["MessageId"])
        c.close()

    def live(self):
        """From the first message until now: both daemons run, and every hook has had its turn."""
        self.clock.stand(seconds("2026-11-01T00:00:00.000Z"))
        self.start()
        for at, kind, xml, more in PAST:
            self.post_at(at, self.message(at, kind, xml, **more))
        at = "26 10:50"
        again = self.message(at, "PaymentCapture", capture(X + "-C000001", "Pending", "26 09:30", amount="7.50"))
        for _ in range(2):
            self.post_at(at, again)
        self.post_at(at, dict(again, Message=again["Message"] + " "), 403)
        self.post_at(at, dict(again, TopicArn="arn:aws:sns:us-east-1:291180941288:ASTRANGER"), 503)
        self.post_at(at, self.envelope(
            "confirm", Type="SubscriptionConfirmation", Token="4" * 64, MessageId=name("subscription"), Timestamp=full(at),
            SubscribeURL=f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC_JP}&Token={'4' * 64}",
            TopicArn=TOPIC_JP, UnsubscribeURL=None))
        self.clock.stand(seconds(full("26 11:00")))
        self.stop()  # which writes down what was counted
        self.start()
        self.start("ipn-hookd")
        wait_for("every hook", lambda: not self.rows(
            "SELECT 1 FROM hook WHERE seen_event < (SELECT max(id) FROM event)") and not self.rows(
            "SELECT 1 FROM hook_run WHERE state = 'running' OR state = 'pending' AND next_attempt_at <= '2026-11-26T11:00:00.000Z'"))
        self.ctl("hooks", "retry", "18")  # which a person has tried already
        wait_for("another try", lambda: self.rows("SELECT 1 FROM hook_run WHERE event_id = 18 AND state = 'dead' AND attempts = 2"))
        wait_for("what is told of it", lambda: self.one(
            "SELECT count(*) FROM event e JOIN hook_run r ON r.event_id = e.id WHERE e.name = 'hook.dead'") == 2)
        self.clock.stand(seconds(NOW))
        for folder, _, names in os.walk(os.path.join(self.home, "certificates")):
            for certificate in names:
                os.utime(os.path.join(folder, certificate), times=(seconds(NOW) - 86400, seconds(NOW) - 86400))

    def ended(self, command, code, text):
        if code != command.code:
            self.wrong_codes.append(f"{command.text}: exit {code}, not {command.code}: {text[-300:]}")

    def lay_out(self):
        """Files for the verbs that read some."""
        def write(file, *messages):
            with open(os.path.join(self.folder, file), "w") as f:
                f.write("\n".join(m if isinstance(m, str) else json.dumps(m) for m in messages))
        good = self.message("26 11:30", "PaymentCapture", capture(X + "-C000001", "Completed", "26 11:29", amount="7.50", created="26 09:30"))
        changed = dict(good, Message=good["Message"].replace("7.50", "0.50"))
        write("good.json", good)
        write("changed.json", changed)
        write("text.json", "this is no JSON")
        write("elsewhere.json", dict(good, SigningCertURL=good["SigningCertURL"].replace(self.hex, "f" * 32)))
        write("subscription.json", dict(good, Type="SubscriptionConfirmation", Token="4" * 64, SubscribeURL="https://example.com/"))
        write("saved.lines", good, changed, "", good)
        write("empty", "")
        write("bad.conf", 'account "shop" {', '\ttopic_arn = "arn:aws:sns:us-east-1:291180941288:x"', "\tcolour = 7", "}")

    def keep(self):
        """The state as it is now, with both daemons stopped; and what an upgrade would find."""
        late = self.message("26 11:40", "PaymentRefund", refund(X + "-R000001", "Completed", "26 11:39", amount="2.50", created="26 09:31"))
        with contextlib.closing(sqlite3.connect(self.database)) as db, db:
            db.execute("INSERT INTO notification (message_id, account, type, is_sample, sent_at, received_at, verdict, why, raw) "
                       "VALUES (?, 'shop', 'PaymentRefund', 0, ?, ?, 'unrecognized', 'of a test', ?)",
                       (late["MessageId"], late["Timestamp"], late["Timestamp"], json.dumps(late)))
        self.ctl("backup", os.path.join(self.folder, "before.db"))
        self.clock.stand(seconds(NOW))
        self.kept = self.state + ".kept"
        shutil.copytree(self.state, self.kept)

    def back(self):
        shutil.rmtree(self.state)
        shutil.copytree(self.kept, self.state)
        for made in ("copy.db",):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.folder, made))

    def tidy(self, text):
        def again(match):  # when a hook is tried again has chance in it
            return f"2026-11-26{match[1]}15:00" + (":00.000" if match[2] else "")

        def alice(match):  # in the same column
            return "alice" + match[1] + " " * (len(match[2]) + (len(login()) - len("alice") if len(match[2]) > 1 else 0))

        for pattern, to in (
                (re.escape(self.state), "/var/lib/ipnd"), (re.escape(self.home), "/etc/ipnd"), (re.escape(self.folder), "/tmp/lab"),
                (re.escape(BUILD), "/usr/bin"), (self.hex, "0" * 32), (r"\bpid \d+", "pid 4711"), (r'"pid": ?\d+', '"pid": 4711'),
                (r"https://(127\.0\.0\.1|localhost):\d+", "https://127.0.0.1:8443"), (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:8080"),
                (r"\b[\d.]+ KiB, and [\d.]+ (bytes|[KM]iB) of log", "412.0 KiB, and 0 bytes of log"),
                (r'"schema": ?\d+', '"schema": 0'), (r'"(bytes|log_bytes)": ?\d+', r'"\1": 421888'), (r"\b\d+ bytes, checked", "421888 bytes, checked"),
                (r"2026-11-26([T ])1(?:[3-7]:\d\d|2:\d[1-9]|2:[1-5]0)(:\d\d\.\d{3})?", again),
                (rf"(?:\b|(?<=\[2m)){re.escape(login())}\b((?:\\e\[0m)?)( *)" if os.geteuid() else r"(?!)", alice)):
            text = re.sub(pattern, to, text)
        return text

    def tidy_doctor(self, text):
        """Without what depends on the machine: who runs it, its disk, its clock, what it trusts."""
        if text.startswith("{"):
            told = json.loads(text)
            told["findings"] = [f for f in told["findings"] if f["check"] not in MACHINE]
            told["failed"] = told["warnings"] = 0
            return json.dumps(told, indent=1) + "\n"
        kept, keep = [], True
        for line in text.split("\n"):
            plain = re.sub(r"\\e\[[\d;]*m", "", line).split()
            if not line.startswith(" " * 9):
                keep = not (len(plain) > 1 and plain[1] in MACHINE)
            kept += [line] if keep else []
        text = "\n".join(kept)
        return re.sub(r"\d+ failed, \d+ warnings?", "2 failed, 5 warnings", text)
