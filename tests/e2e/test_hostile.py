"""Bad input of every layer: its answer, and that nothing was stored. Numbers are those of the threat list's test plan."""

import base64
import contextlib
import json
import os
import socket
import subprocess
import time
import uuid

from lab import TOPIC, Lab, case, capture_xml, equal, inner, wait_for


def nothing_stored(lab):
    for table in ("notification", "fact", "event"):
        equal(lab.one(f"SELECT count(*) FROM {table}"), 0, table)
    files = sorted(os.listdir(os.path.join(lab.home, "state")))
    equal(files, ["ipnd.db", "ipnd.db-shm", "ipnd.db-wal", "ipnd.lock"], "files in the state folder")


@contextlib.contextmanager
def receiver(change=None):
    with Lab() as lab:
        if change:
            lab.configure(change)
        lab.start()
        yield lab


def status_of(reply):
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/1.") else None


@case("12-38 HTTP: method, path, length, encoding, framing")
def http_shapes():
    with receiver() as lab:
        good = json.dumps(lab.envelope(inner())).encode()
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
            answer = lab.post(b"x" if method in ("PUT", "PATCH") else None, method=method)
            equal((answer.status, answer.headers.get("allow")), (405, "POST"), method)
        equal(lab.post(good, path="/other").status, 404, "path")
        equal(lab.post(good, path="/ipn/").status, 404, "path with a slash")
        equal(lab.post(b"").status, 400, "empty")
        equal(lab.post(b"x" * 600000).status, 413, "too large")
        plain = {"Content-Type": "text/plain"}
        equal(lab.post(good, dict(plain, **{"Content-Encoding": "gzip"})).status, 415, "gzip")
        equal(lab.post(good, dict(plain, **{"x-amz-sns-rawdelivery": "true"})).status, 400, "raw delivery")
        for header, value in (("x-amz-sns-message-type", "SubscriptionConfirmation"),
                              ("x-amz-sns-message-id", str(uuid.uuid4())), ("x-amz-sns-topic-arn", TOPIC + "X")):
            equal(lab.post(good, dict(plain, **{header: value})).status, 400, header)

        head = b"POST /ipn HTTP/1.1\r\nHost: localhost\r\n"
        size = str(len(good)).encode()
        for what, request, expected in (
                ("no length", head + b"\r\n", {411}),
                ("two lengths", head + b"Content-Length: " + size + b"\r\nContent-Length: " + size + b"\r\n\r\n" + good,
                 {400}),
                ("length and chunked", head + b"Content-Length: " + size + b"\r\nTransfer-Encoding: chunked\r\n\r\n",
                 {400}),
                ("length +5", head + b"Content-Length: +5\r\n\r\nhello", {400, None}),
                ("length 5,5", head + b"Content-Length: 5,5\r\n\r\nhello", {400, None}),
                ("length 0x5", head + b"Content-Length: 0x5\r\n\r\nhello", {400, None}),
                ("unknown transfer encoding", head + b"Transfer-Encoding: gzip\r\n\r\n", {400}),
                ("64 KiB header", head + b"X: " + b"y" * 65536 + b"\r\nContent-Length: 1\r\n\r\nx", {431, 400}),
                ("1000 headers", head + b"".join(b"X-%d: y\r\n" % i for i in range(1000)) +
                 b"Content-Length: 1\r\n\r\nx", {431, 400}),
                ("declared 1 GB", head + b"Content-Length: 1000000000\r\n\r\n", {413}),
                ("Expect and too large", head + b"Expect: 100-continue\r\nContent-Length: 900000\r\n\r\n", {413}),
                ("chunked over the cap", head + b"Transfer-Encoding: chunked\r\n\r\n" +
                 (b"10000\r\n" + b"z" * 65536 + b"\r\n") * 9 + b"0\r\n\r\n", {413}),
        ):
            reply = lab.raw(request)
            if status_of(reply) not in expected:
                raise AssertionError(f"{what}: {reply[:200]!r}")
        with socket.create_connection(("127.0.0.1", lab.port()), timeout=5) as s:
            s.sendall(head + b"\r\n")
            with contextlib.suppress(ConnectionResetError):
                s.recv(100)
        nothing_stored(lab)
        equal(lab.post(good).status, 200, "and the good one")
        equal(lab.send(lab.envelope(inner()), headers={"Content-Type": "application/json"}).status, 200, "8 JSON type")
        equal(lab.send(lab.envelope(inner(), SignatureVersion="2")).status, 200, "4 version 2")
        equal(lab.send(lab.envelope(inner(), Subject="Hello")).status, 200, "5 Subject")


@case("19-23 a truncated, a slow and a silent client are cut off at the deadline")
def slow():
    with receiver(lambda t: t.replace("listen {", 'listen {\n\trequest_deadline = "2s"')) as lab:
        head = b"POST /ipn HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        for what, data in (("nothing", b""), ("half a header", head[:30]), ("half a body", head + b"{")):
            started = time.monotonic()
            lab.raw(data)
            took = time.monotonic() - started
            if not 1.5 < took < 5:
                raise AssertionError(f"{what}: closed after {took:.1f} s")
        with socket.create_connection(("127.0.0.1", lab.port()), timeout=10) as s:
            started = time.monotonic()
            with contextlib.suppress(ConnectionResetError):
                equal(s.recv(10), b"", "silent handshake")
            equal(time.monotonic() - started < 5, True, "handshake cut")
        nothing_stored(lab)
        equal(lab.send(lab.envelope(inner())).status, 200, "afterwards")


@case("64-99 fields, signature, age and topic")
def fields():
    with receiver() as lab:
        e = lab.envelope(inner())
        for changes, expected in (
                ({"Message": e["Message"] + " "}, 403), ({"Subject": "x"}, 403), ({"TopicArn": TOPIC + "2"}, 503),
                ({"Signature": ""}, 400), ({"Signature": "***"}, 400), ({"Signature": e["Signature"][:-4]}, 403),
                ({"Signature": base64.b64encode(bytes(256)).decode()}, 403), ({"Signature": e["Signature"][:-1]}, 400),
                ({"Signature": base64.b64encode(b"\xff" * 256).decode()}, 403),
                ({"Signature": e["Signature"][:70] + "\n" + e["Signature"][70:]}, 400),
                ({"SignatureVersion": "3"}, 400), ({"SignatureVersion": ""}, 400), ({"SignatureVersion": "01"}, 400),
                ({"SignatureVersion": "2"}, 403), ({"Type": "notification"}, 400), ({"Type": "Notification "}, 400),
                ({"MessageId": "x"}, 400), ({"MessageId": e["MessageId"].upper()}, 400),
                ({"Timestamp": "2026-02-30T00:00:00.000Z"}, 400), ({"Timestamp": "2026-01-01T00:00:00Z"}, 400),
                ({"TopicArn": TOPIC + " "}, 403), ({"TopicArn": TOPIC.lower()}, None), ({"TopicArn": TOPIC[:-1]}, 503),
                ({"TopicArn": TOPIC + "\nx"}, 403), ({"TopicArn": "arn:aws:sns:us-east-1:123456789012:x"}, 403)):
            answer = lab.send(dict(e, **changes))
            if expected is None:
                equal(answer.status in (403, 503), True, str(changes))
            else:
                equal(answer.status, expected, str(changes))
        other_key = os.path.join(lab.folder, "other.key")
        subprocess.run(["openssl", "genrsa", "-out", other_key, "2048"], check=True, capture_output=True)
        equal(lab.send(lab.envelope(inner(), key=other_key)).status, 403, "79 another key")

        def at(seconds):
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))
            return lab.send(lab.envelope(inner(), Timestamp=stamp)).status

        equal(at(16 * 60 + 5), 503, "94 ahead of our clock")
        equal(at(-15 * 86400 - 60), 403, "95 too old")
        nothing_stored(lab)
        equal(at(-3600), 200, "96 late")
        equal(lab.send(dict(e, UnsubscribeURL="http://evil/", MessageAttributes={"x": 1})).status, 200, "99 unsigned")


@case("100-119 certificate URLs that are not SNS's")
def urls():
    with receiver() as lab:
        e = lab.envelope(inner())
        host, path = "sns.us-east-1.amazonaws.com", f"SimpleNotificationService-{lab.hex}.pem"
        for url in (f"http://{host}/{path}", f"ftp://{host}/{path}", "file:///etc/passwd", f"https://evil.com/{path}",
                    f"https://{host}.evil.com/{path}", f"https://sns.s3-us-west-2.amazonaws.com/{path}",
                    f"https://s3.amazonaws.com/b/{path}", f"https://evil@{host}/{path}", f"https://{host}:8443/{path}",
                    f"https://{host}/?Action=x&x=.pem", f"https://{host}/{path}?Action=x", f"https://{host}/{path}#.pem",
                    f"https://{host}/a/../{path}", f"https://{host.upper()}/{path}", f"https://{host}./{path}",
                    f"https://{host}/{path}\n", "https://127.0.0.1/" + path, "https://169.254.169.254/" + path,
                    f"https://sns.eu-west-1.amazonaws.com/{path}", f"https://{host}.cn/{path}",
                    f"https://{host}/{path.upper()}", f"https://{host}/%2e/{path}", ""):
            equal(lab.send(dict(e, SigningCertURL=url)).status, 403, url)
        nothing_stored(lab)


@case("139-144 subscription messages are authenticated, noted, never acted upon")
def subscriptions():
    with receiver() as lab:
        def subscription(kind, **changes):
            token = "ab" * 100
            e = {"Type": kind, "Token": token, "SubscribeURL":
                 f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}"}
            e.update(changes)
            return lab.envelope("You have chosen to subscribe", **e)

        equal(lab.send(subscription("SubscriptionConfirmation")).status, 200, "140")
        equal(lab.send(subscription("UnsubscribeConfirmation")).status, 200, "143")
        equal(lab.send(subscription("SubscriptionConfirmation", SubscribeURL="https://169.254.169.254/")).status, 403,
              "142")
        stranger = subscription("SubscriptionConfirmation", TopicArn="arn:aws:sns:us-east-1:123456789012:x")
        equal(lab.send(stranger).status, 403, "139")
        without = subscription("UnsubscribeConfirmation")
        del without["Token"]
        equal(lab.send(without).status, 400, "144")
        nothing_stored(lab)
        equal("ab" * 20 in lab.log(), False, "the token stays out of the log")


@case("146-166 what is authentic and not understood is kept, and touches nothing")
def not_understood():
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as trap, receiver() as lab:
        trap.settimeout(0.1)
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/x"
        good = capture_xml()

        def doctype(text):
            return good.replace("<CaptureNotification", text + "<CaptureNotification", 1)

        laugh = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">' + "".join(
            f'<!ENTITY {b} "{("&" + a + ";") * 10}">' for a, b in zip("abcdefgh", "bcdefghi")) + "]>"
        messages = {
            "146 not JSON": "hello", "147 twice": inner()[:-1] + ', "SellerId": "AREHEARSAL"}',
            "148 no data": inner(NotificationData=None), "149 unknown type": inner(NotificationType="Surprise"),
            "type and root disagree": inner(NotificationType="PaymentRefund"), "not XML": inner("<a"), "empty": inner(""),
            "150 doctype": inner(doctype("<!DOCTYPE x>")), "153 laughs": inner(doctype(laugh)),
            "151 file": inner(doctype('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>')),
            "152 external DTD": inner(doctype(f'<!DOCTYPE x SYSTEM "{url}">')),
            "155 parameter entity": inner(doctype(f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{url}"> %p;]>')),
            "156 XInclude": inner(capture_xml(extra=f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}"/>')
                                  .replace("<State>Completed</State>", "")),
            "157 UTF-16": inner(good.replace("UTF-8", "UTF-16")),
            "160 doubled": inner(good.replace("<Amount>19.95</Amount>", "<Amount>1</Amount><Amount>2</Amount>")),
            "161 split": inner(good.replace("Completed", "Comp<!-- -->leted")),
            "162 deep": inner(good.replace("<IdList/>", "<x>" * 10000 + "</x>" * 10000)),
            "no id": inner(good.replace("AmazonCaptureId", "Other")), "a state of none": inner(capture_xml(state="Gone")),
            "a state of another": inner(capture_xml(state="Suspended")),
            "no seller": inner(SellerId=None), "no environment": inner(ReleaseEnvironment=None),
        }
        for amount in ("1e309", "-1", "NaN", "1,00", "1" * 40, "", "19.955", "0x10"):
            messages["164 amount " + amount] = inner(capture_xml(amount=amount))
        for currency in ("usd", "US$", "XYZ", ""):
            messages["165 currency " + currency] = inner(capture_xml(currency=currency))
        for what, message in messages.items():
            e = lab.envelope(message)
            body = json.dumps(e)
            started = time.monotonic()
            equal(lab.post(body).status, 200, what)
            equal(time.monotonic() - started < 2, True, what + ": in time")
            equal(lab.rows("SELECT verdict, raw FROM notification WHERE message_id = ?", e["MessageId"]),
                  [("unrecognized", body)], what)
        equal(lab.one("SELECT count(*) FROM fact"), 0, "facts")
        equal(lab.one("SELECT count(*) FROM event WHERE name = 'notification.unrecognized'"), len(messages), "events")
        with contextlib.suppress(TimeoutError):
            visits.append(trap.accept())
        equal(visits, [], "visits to the trap")


@case("166 merchant's text is data: stored, escaped in the log, harmless in the hook")
def text_is_data():
    evil = "'; DROP TABLE capture; -- $(reboot) `id` () { :;}; \x1b[31m"
    with receiver() as lab:
        lab.start("ipn-hookd")
        xml = capture_xml().replace("<CaptureReferenceId>ref<", "<CaptureReferenceId>-rf $(id)<").replace(
            "</State>", "</State><ReasonCode>() { :;}; `id`</ReasonCode>")
        equal(lab.send(lab.envelope(inner(xml))).status, 200, "stored")
        equal(lab.send(lab.envelope(inner(SellerId=evil))).status, 200, "foreign")
        equal(lab.rows("SELECT reference_id, reason_code FROM capture"), [("-rf $(id)", "() { :;}; `id`")], "verbatim")
        wait_for("both hooks ran", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state = 'done'") == 2)
        equal("\x1b" in lab.log(), False, "no escape sequence in the log")
        output = lab.one("SELECT output FROM hook_run ORDER BY event_id LIMIT 1")
        equal("%28%29 %7B :%3B%7D%3B %60id%60" in output, True, "percent-encoded: " + output)
