"""Bad input of every layer: its answer, and that it leaves no trace. Numbers are those of the test plan."""

import base64
import contextlib
import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time
import uuid

from authority import new_key
from lab import PATIENCE, TOPIC, Lab, Skip, capture_xml, case, check, equal, inner, together, wait_for
from sns import watched
from threats import nothing, nothing_fetched, threat


def status_of(reply):
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/1.") else None


@case("12-38 HTTP: method, path, length, encoding, framing")
def http_shapes():
    with watched() as lab:
        good = json.dumps(lab.envelope(inner())).encode()
        plain = {"Content-Type": "text/plain"}

        def refused(what, status, body=good, headers=None, **options):
            with nothing(lab, what):
                answer = lab.post(body, dict(plain, **headers or {}), **options)
                equal(answer.status, status, "answer")
            return answer

        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
            answer = refused("12 " + method, 405, b"x" if method in ("PUT", "PATCH") else None, method=method)
            equal(answer.headers.get("allow"), "POST", "Allow")
        refused("13 path", 404, path="/other")
        refused("13 path with a slash", 404, path="/ipn/")
        refused("14 empty", 400, b"")
        refused("16 too large", 413, b"x" * 600000)
        refused("26 gzip", 415, headers={"Content-Encoding": "gzip"})
        memory = resident(lab)
        refused("27 a gzip bomb of 200 MB", 415, gzip.compress(bytes(200000000), 1)[:500000], {"Content-Encoding": "gzip"})
        check(resident(lab) < memory + 20000, "27 it was not inflated")
        refused("32 raw delivery", 400, headers={"x-amz-sns-rawdelivery": "true"})
        refused("34 header type", 400, headers={"x-amz-sns-message-type": "SubscriptionConfirmation"})
        refused("35 header message-id", 400, headers={"x-amz-sns-message-id": str(uuid.uuid4())})
        refused("35 header topic-arn", 400, headers={"x-amz-sns-topic-arn": TOPIC + "X"})

        head = b"POST /ipn HTTP/1.1\r\nHost: localhost\r\n"
        size = str(len(good)).encode()
        for what, request, expected in (
                ("35 header message-id twice, the second another", head + b"x-amz-sns-message-id: " + json.loads(good)["MessageId"].encode() +
                 b"\r\nx-amz-sns-message-id: " + str(uuid.uuid4()).encode() + b"\r\nContent-Length: " + size + b"\r\n\r\n" + good, {400}),
                ("13 path with a NUL", head.replace(b"/ipn", b"/ipn%00") + b"Content-Length: " + size + b"\r\n\r\n" + good, {404}),
                ("15 no length", head + b"\r\n", {411}),
                ("28 two lengths", head + b"Content-Length: " + size + b"\r\nContent-Length: " + size + b"\r\n\r\n" + good,
                 {400}),
                ("28 two other lengths", head + b"Content-Length: 5\r\nContent-Length: " + size + b"\r\n\r\n" + good, {400}),
                ("29 length and chunked", head + b"Content-Length: " + size + b"\r\nTransfer-Encoding: chunked\r\n\r\n",
                 {400}),
                ("30 length +5", head + b"Content-Length: +5\r\n\r\nhello", {400, None}),
                ("30 length 5,5", head + b"Content-Length: 5,5\r\n\r\nhello", {400, None}),
                ("30 length 0x5", head + b"Content-Length: 0x5\r\n\r\nhello", {400, None}),
                ("30 length of 20 digits", head + b"Content-Length: " + b"9" * 20 + b"\r\n\r\nhello", {400, 413, None}),
                ("30 length 2^64 + 5", head + b"Content-Length: 18446744073709551621\r\n\r\nhello", {400, 413, None}),
                ("30 length -5", head + b"Content-Length: -5\r\n\r\nhello", {400, None}),
                ("unknown transfer encoding", head + b"Transfer-Encoding: gzip\r\n\r\n", {400}),
                ("31 64 KiB header", head + b"X: " + b"y" * 65536 + b"\r\nContent-Length: 1\r\n\r\nx", {431, 400}),
                ("31 1000 headers", head + b"".join(b"X-%d: y\r\n" % i for i in range(1000)) +
                 b"Content-Length: 1\r\n\r\nx", {431, 400}),
                ("16 declared 1 GB", head + b"Content-Length: 1000000000\r\n\r\n", {413}),
                ("37 Expect and too large", head + b"Expect: 100-continue\r\nContent-Length: 900000\r\n\r\n", {413}),
                ("17 chunked over the cap", head + b"Transfer-Encoding: chunked\r\n\r\n" +
                 (b"10000\r\n" + b"z" * 65536 + b"\r\n") * 9 + b"0\r\n\r\n", {413}),
        ):
            with nothing(lab, what):
                reply = lab.raw(request)  # until it is closed
                check(status_of(reply) in expected, f"{reply[:200]!r}")
        with nothing(lab, "25 plain text"), socket.create_connection(("127.0.0.1", lab.port()), timeout=5) as s:
            s.sendall(head + b"\r\n")
            with contextlib.suppress(ConnectionResetError):
                s.recv(100)
        for what, e, headers in (
                ("8 JSON type", lab.envelope(inner()), {"Content-Type": "application/json"}),
                ("4 version 2", lab.envelope(inner(), SignatureVersion="2"), plain),
                ("5 Subject", lab.envelope(inner(), Subject="Hello"), plain),
                ("6 no Subject", lab.envelope(inner(), Subject=None), plain)):
            with threat(what):
                equal(lab.send(e, headers=headers).status, 200, "answer")
                equal(lab.one("SELECT verdict IN ('applied', 'unchanged') FROM notification WHERE message_id = ?", e["MessageId"]),
                      1, "understood")
        equal(lab.post(good).status, 200, "and the good one")


def resident(lab):
    """kB of memory that ipnd occupies."""
    with open(f"/proc/{lab.daemons['ipnd'].pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


@case("19-23 a truncated, a slow and a silent client are cut off at the deadline")
def slow():
    with watched(lambda t: t.replace("listen {", 'listen {\n\trequest_deadline = "2s"')) as lab:
        head = b"POST /ipn HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"

        def cut_off(what, data):
            started = time.monotonic()
            lab.raw(data)
            took = time.monotonic() - started
            check(1.5 < took < 5, f"{what}: closed after {took:.1f} s")

        def silent():
            with socket.create_connection(("127.0.0.1", lab.port()), timeout=10) as s:
                started = time.monotonic()
                with contextlib.suppress(ConnectionResetError):
                    equal(s.recv(10), b"", "silent handshake")
                check(time.monotonic() - started < 5, "handshake cut")

        with nothing(lab, "20, 21, 23 silence in the handshake, before, in and after the head"):
            together(silent, lambda: cut_off("nothing", b""), lambda: cut_off("half a header", head[:30]),
                     lambda: cut_off("half a body", head + b"{"))
        equal(lab.send(lab.envelope(inner())).status, 200, "afterwards")


@case("64-99 fields, signature, age and topic")
def fields():
    with watched() as lab:
        e = lab.envelope(inner())
        signature, topic = e["Signature"], e["TopicArn"]

        def refused(what, status, message):
            with nothing(lab, what):
                answer = lab.send(message)
                check(answer.status in (status if isinstance(status, tuple) else (status,)), f"answer {answer.status}")
            return answer

        for what, status, changes in (
                ("64 Message", 403, {"Message": e["Message"] + " "}),
                ("64 one bit of Message", 403, {"Message": e["Message"][:20] + chr(ord(e["Message"][20]) ^ 1) + e["Message"][21:]}),
                ("65 MessageId", 403, {"MessageId": str(uuid.uuid4())}),
                ("66 Timestamp", 403, {"Timestamp": e["Timestamp"][:-4] + "001Z"}),
                ("67 TopicArn of Amazon Pay, of no account", 503, {"TopicArn": topic + "2"}),
                ("67, 88 TopicArn of a stranger", 403, {"TopicArn": "arn:aws:sns:us-east-1:123456789012:x"}),
                ("68 Subject added", 403, {"Subject": "x"}), ("69 empty", 400, {"Signature": ""}),
                ("70 no Base64", 400, {"Signature": "***"}), ("71 URL-safe", 400, {"Signature": "_-" + signature[2:]}),
                ("74 253 bytes", 403, {"Signature": signature[:-4]}), ("73 cut", 400, {"Signature": signature[:-1]}),
                ("72 line break", 400, {"Signature": signature[:70] + "\n" + signature[70:]}),
                ("75 zeros", 403, {"Signature": base64.b64encode(bytes(256)).decode()}),
                ("76 ones", 403, {"Signature": base64.b64encode(b"\xff" * 256).decode()}),
                ("77 version 3", 400, {"SignatureVersion": "3"}), ("77 none", 400, {"SignatureVersion": ""}),
                ("77 01", 400, {"SignatureVersion": "01"}), ("78 version 1 as 2", 403, {"SignatureVersion": "2"}),
                ("82 notification", 400, {"Type": "notification"}), ("82 a space behind", 400, {"Type": "Notification "}),
                ("98 x", 400, {"MessageId": "x"}), ("98 upper case", 400, {"MessageId": e["MessageId"].upper()}),
                ("97 30 February", 400, {"Timestamp": "2026-02-30T00:00:00.000Z"}),
                ("97 no milliseconds", 400, {"Timestamp": "2026-01-01T00:00:00Z"}),
                ("89 a suffix", 503, {"TopicArn": topic + "X"}), ("89 a prefix", 503, {"TopicArn": topic[:-1]}),
                ("90 lower case", (403, 503), {"TopicArn": topic.lower()}), ("91 a space behind", 403, {"TopicArn": topic + " "}),
                ("84 a line behind", 403, {"TopicArn": topic + "\nx"})):
            answer = refused(what, status, dict(e, **changes))
            equal("retry-after" in answer.headers, answer.status == 503, what + ": Retry-After")
        refused("79 another key", 403, lab.envelope(inner(), key=new_key(lab.folder)))
        refused("88 a stranger's topic, signed", 403, lab.envelope(inner(), TopicArn="arn:aws:sns:us-east-1:123456789012:x"))

        def at(seconds):
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))
            return lab.envelope(inner(), Timestamp=stamp)

        refused("94 ahead of our clock", 503, at(16 * 60 + 5))
        refused("174 our clock is 56 years behind", 503, at(56 * 365.25 * 86400))
        refused("95 too old", 403, at(-15 * 86400 - 60))
        with threat("96 late"):
            equal(lab.send(at(-3600)).status, 200, "answer")
        with threat("10 no fraction of a second"):
            equal(e["Timestamp"][-5:], ".000Z", "as Java prints it")
        with nothing_fetched(lab, "99 unsigned"):
            equal(lab.send(dict(e, UnsubscribeURL="http://evil/", MessageAttributes={"x": 1})).status, 200, "answer")


def bad_urls(lab):
    host, path = "sns.us-east-1.amazonaws.com", f"SimpleNotificationService-{lab.hex}.pem"
    return ((100, f"http://{host}/{path}"), (101, f"ftp://{host}/{path}"), (101, "file:///etc/passwd"),
            (102, f"https://evil.com/{path}"), (103, f"https://{host}.evil.com/{path}"),
            (104, f"https://sns.s3-us-west-2.amazonaws.com/{path}"),
            (105, f"https://s3.amazonaws.com/b/{path}"), (106, f"https://evil@{host}/{path}"),
            (107, f"https://{host}:8443/{path}"), (107, f"https://{host}:443/{path}"),
            (108, f"https://{host}/?Action=x&x=.pem"), (109, f"https://{host}/{path}?Action=x"),
            (110, f"https://{host}/{path}#.pem"), (111, f"https://{host}/a/../{path}"),
            (111, f"https://{host}/%2e%2e/{path}"), (111, f"https://{host}/%2e/{path}"),
            (111, f"https://{host}//{path}"), (112, f"https://{host.upper()}/{path}"),
            (113, f"https://{host}./{path}"), (114, f"https://{host}/{path}\n"), (114, f"https://{host}/{path} "),
            (115, f"https://{host.replace('a', chr(0x430))}/{path}"),
            (115, f"https://sns.us-east-1.xn--mazonaws-2fg.com/{path}"),
            (116, f"https://127.0.0.1/{path}"), (116, f"https://169.254.169.254/{path}"),
            (116, f"https://[::1]/{path}"), (117, f"https://sns.eu-west-1.amazonaws.com/{path}"),
            (118, f"https://{host}.cn/{path}"), (119, f"https://{host}/{path.upper()}"),
            (119, f"https://{host}/SimpleNotificationService-{lab.hex}0.pem"),
            (119, f"https://{host}/SimpleNotificationService-{lab.hex[1:]}.pem"),
            (119, f"https://{host}/SimpleNotificationService-{'AB' * 16}.pem"), (100, ""))


@case("100-119 certificate URLs that are not SNS's")
def urls():
    with watched() as lab:
        e = lab.envelope(inner())
        for number, url in bad_urls(lab):
            with nothing(lab, f"{number} {url}"):
                equal(lab.send(dict(e, SigningCertURL=url)).status, 403, "signed with another")
                equal(lab.send(lab.envelope(inner(), SigningCertURL=url)).status, 403, "answer")
        with nothing(lab, "114 NUL"):
            status = lab.send(dict(e, SigningCertURL=e["SigningCertURL"] + "\0")).status
            check(status in (400, 403), f"answer {status}")
        equal(lab.send(e).status, 200, "the right one")


@case("88-156 in a network of its own, in which every try to connect is counted: there is none")
def no_packet():
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        raise Skip("needs root and network namespaces")
    with Lab() as lab:
        path = os.path.join(lab.home, "http.sock")
        lab.configure(lambda t: t.replace('https = {"127.0.0.1:0"}', f'https = {{}}\n\thttp = {{"unix:{path}"}}').replace(
            "fetch = no", "fetch = yes"))
        lab.prefix = ["unshare", "-n"]
        lab.start()

        def post(e):
            c = http.client.HTTPConnection("localhost", timeout=PATIENCE)
            c.sock = socket.socket(socket.AF_UNIX)
            c.sock.connect(path)
            try:
                return lab.send(e, connection=c).status
            finally:
                c.close()

        def tries():
            """What the kernel has counted of packets, and of those that had no way out."""
            with open(f"/proc/{lab.daemons['ipnd'].pid}/net/snmp") as f:
                return f.read()

        right, stranger = lab.envelope(inner()), "arn:aws:sns:us-east-1:123456789012:x"
        token = "ab" * 100
        subscribe = f"https://169.254.169.254/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}"
        messages = [(f"{number} {url}", 403, dict(right, SigningCertURL=url)) for number, url in bad_urls(lab)]
        messages += [
            ("88 a stranger's topic", 403, dict(right, TopicArn=stranger, SigningCertURL=another_certificate())),
            ("139 a stranger's subscription", 403, lab.envelope("x", Type="SubscriptionConfirmation", TopicArn=stranger, Token=token,
                                                                SubscribeURL=subscribe, SigningCertURL=another_certificate())),
            ("142 elsewhere", 403, lab.envelope("x", Type="SubscriptionConfirmation", Token=token, SubscribeURL=subscribe)),
            ("145 a notification that speaks of a subscription", 200, lab.envelope(inner(SubscribeURL=subscribe))),
            ("152 external DTD", 200, lab.envelope(inner('<!DOCTYPE x SYSTEM "http://192.0.2.1/x">' + capture_xml()[38:]))),
            ("156 XInclude", 200, lab.envelope(inner(capture_xml(
                extra='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="http://192.0.2.1/x"/>')))),
        ]
        for what, status, e in messages:
            with threat(what):
                before = tries()
                equal(post(e), status, "answer")
                equal(tries(), before, "packets")
        before = tries()
        equal(post(dict(right, SigningCertURL=another_certificate())), 503, "a certificate that may be fetched")
        check(tries() != before, "a try to connect was not counted: this case shows nothing")


def another_certificate():
    return f"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{uuid.uuid4().hex}.pem"


@case("139-145 subscription messages are authenticated, noted, never acted upon")
def subscriptions():
    with watched() as lab:
        token = "ab" * 100
        right = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}"

        def subscription(kind="SubscriptionConfirmation", **changes):
            e = {"Type": kind, "Token": token, "SubscribeURL": right}
            e.update(changes)
            return lab.envelope("You have chosen to subscribe", **e)

        stranger = "arn:aws:sns:us-east-1:123456789012:x"
        for what, status, e in (
                ("139 unknown topic", 403, subscription(TopicArn=stranger, SubscribeURL=right.replace(TOPIC, stranger))),
                ("142 address", 403, subscription(SubscribeURL="https://169.254.169.254/")),
                ("142 address with the right query", 403, subscription(
                    SubscribeURL=right.replace("sns.us-east-1.amazonaws.com", "169.254.169.254"))),
                ("142 host", 403, subscription(SubscribeURL=right.replace("amazonaws", "evil"))),
                ("142 http", 403, subscription(SubscribeURL=right.replace("https", "http"))),
                ("142 more parameters", 403, subscription(SubscribeURL=right + "&AuthenticateOnUnsubscribe=true")),
                ("142 another topic", 403, subscription(SubscribeURL=right.replace(TOPIC, stranger))),
                ("142 another token", 403, subscription(SubscribeURL=right + "ab")),
                ("144 no Token", 400, {k: v for k, v in subscription("UnsubscribeConfirmation").items() if k != "Token"}),
                ("144 no Token", 400, {k: v for k, v in subscription().items() if k != "Token"})):
            with nothing(lab, what):
                equal(lab.send(e).status, status, "answer")
        for what, e in (("140 confirm disabled", subscription()), ("143 unsubscribed", subscription("UnsubscribeConfirmation"))):
            with nothing_fetched(lab, what):
                equal(lab.send(e).status, 200, "answer")
                equal(lab.one("SELECT count(*) FROM notification"), 0, "notifications")
                equal(lab.one("SELECT count(*) FROM event"), 0, "events")
        for word in ("140: asks to confirm", "143: has ended the subscription"):
            check(word[5:] in lab.log(), word + ": is in the log")
        equal("ab" * 20 in lab.log(), False, "the token stays out of the log")
        with nothing_fetched(lab, "145 a notification that speaks of a subscription"):
            for message in (inner(SubscribeURL=right, Token=token, Type="SubscriptionConfirmation"),
                            json.dumps(subscription()), right):
                equal(lab.send(lab.envelope(message)).status, 200, "answer")


@case("146-166 what is authentic and not understood is kept, and touches nothing")
def not_understood():
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as trap, watched() as lab:
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
            "163 an attribute of 400 kB, unknown": inner(good.replace("<IdList/>", f'<IdList x="{"y" * 400000}"/>').replace(
                "State>", "Stat>")),
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
            with nothing_fetched(lab, what):
                started = time.monotonic()
                equal(lab.post(body).status, 200, "answer")
                check(time.monotonic() - started < 2, "in time")
                equal(lab.rows("SELECT verdict, raw FROM notification WHERE message_id = ?", e["MessageId"]),
                      [("unrecognized", body)], "kept")
        equal(lab.one("SELECT count(*) FROM fact"), 0, "facts")
        equal(lab.one("SELECT count(*) FROM event WHERE name = 'notification.unrecognized'"), len(messages), "events")
        with contextlib.suppress(TimeoutError):
            visits.append(trap.accept())
        equal(visits, [], "visits to the trap")


@case("166 merchant's text is data: stored, escaped in the log, harmless in the hook")
def text_is_data():
    evil = "'; DROP TABLE capture; -- $(reboot) `id` () { :;}; \x1b[31m"
    with watched() as lab, threat("166 merchant's text"):
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


@case("177 ten thousand forged posts at full speed: genuine ones are answered in time, and memory stays as it is")
def forged_by_the_thousand():
    with watched(lambda t: t.replace("listen {", 'listen {\n\thttp = {"127.0.0.1:0"}')) as lab, threat("177 a flood"):
        stranger = [json.dumps(dict(lab.envelope(inner()), TopicArn=f"arn:aws:sns:us-east-1:123456789012:x{i}")) for i in range(50)]
        forged = [json.dumps(dict(lab.envelope(inner()), Message=inner(Comment=str(i)))) for i in range(50)]
        genuine = [json.dumps(lab.envelope(inner())) for _ in range(60)]
        bodies = [body for pair in zip(stranger, forged) for body in pair]
        over, slowest, stored = threading.Event(), 0, 0

        def trickle():
            nonlocal slowest, stored
            c = lab.connect()
            while not over.wait(0.05):
                started = time.monotonic()
                equal(lab.post(genuine[stored % len(genuine)], connection=c).status, 200, "genuine")
                slowest, stored = max(slowest, time.monotonic() - started), stored + 1
            c.close()

        def storm():
            try:
                equal(lab.flood(bodies, 2000), {"403": 2000}, "answers")
                early = resident(lab)
                equal(lab.flood(bodies, 8000), {"403": 8000}, "answers")
                late = resident(lab)
            finally:
                over.set()
            check(late < early * 1.05, f"memory grew from {early} to {late} kB")

        together(trickle, storm)
        check(slowest < 1, f"a genuine one took {slowest:.1f} s")
        check(stored > 10, f"only {stored} genuine ones")
        equal(lab.one("SELECT count(*) FROM notification"), min(stored, len(genuine)), "rows")
        equal(lab.sns and lab.sns.count, lab.sns and 0, "connections to SNS")
