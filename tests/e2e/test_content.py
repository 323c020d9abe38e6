"""What may stand in a body: layouts that are good, JSON that is not one object, documents that are authentic and odd."""

import json
import os
import time
import uuid

from lab import NAMESPACE, Lab, capture_xml, case, check, equal, inner
from sns import watched
from threats import nothing, threat

FIELDS = ("Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL")


@case("2-11 good in any layout: order of the keys, white space, escapes, no Content-Type, unknown members")
def layouts():
    with Lab() as lab:
        lab.start()

        def stored(what, e, body, headers=None):
            body = body.encode() if isinstance(body, str) else body
            with threat(what):
                equal(lab.post(body, headers).status, 200, "answer")
                raw = lab.one("SELECT raw FROM notification WHERE message_id = ?", e["MessageId"])
                equal(raw.encode(), body, "bytes as received")

        new = lambda **k: lab.envelope(inner(), **k)  # noqa: E731
        e = new()
        stored("3 keys the other way round", e, json.dumps(dict(reversed(list(e.items())))))
        e = new()
        stored("3 as SNS prints it", e, json.dumps(e, indent=2, separators=(",", " : ")))
        e = new()
        stored("3 white space around", e, "\r\n\t " + json.dumps(e) + " \n")
        e = new()
        stored("every character escaped", e, "{" + ", ".join(
            '"%s": "%s"' % tuple("".join(f"\\u{ord(c):04x}" for c in t) for t in (k, v)) for k, v in e.items()) + "}")
        e = new()
        stored("9 no Content-Type", e, json.dumps(e), {"X-None": "x"})
        e = new()
        stored("33 no SNS headers but a type", e, json.dumps(e), {"x-amz-sns-message-type": "Notification"})
        e = new()
        stored("all SNS headers, in another case", e, json.dumps(e), {
            "X-AMZ-SNS-MESSAGE-TYPE": "Notification", "X-Amz-Sns-Message-Id": e["MessageId"], "X-Amz-Sns-Topic-Arn": e["TopicArn"],
            "X-Amz-Sns-Subscription-Arn": e["TopicArn"] + ":x", "Cookie": "$Version=1", "User-Agent": "Amazon Simple Notification"})
        e = new()
        stored("rawdelivery: false", e, json.dumps(e), {"x-amz-sns-rawdelivery": "false"})
        e = new()
        stored("99 members that are not signed", e, json.dumps(dict(e, MessageAttributes={"a": {"Type": "String", "Value": "x"}},
                                                                  UnsubscribeURL="http://127.0.0.1:1/", Extra=[1, None, {"b": 2.5}])))
        e = new()
        stored("a number in an unknown member", e, json.dumps(e)[:-1] + ', "n": 123456}')
        for what, text in {"7 a pair of surrogates": "\U0001f34c", "two bytes": "ü", "three": "€", "a line separator": "\u2028",
                           "the last code point": "\U0010ffff", "a slash": "\\/"}.items():
            e = lab.envelope(inner(Comment=text))
            stored(what + ", escaped", e, json.dumps(e))
            e = lab.envelope(inner(Comment=text))
            stored(what + ", plain", e, json.dumps(e, ensure_ascii=False))
        equal(lab.rows("SELECT DISTINCT verdict FROM notification ORDER BY 1"), [("applied",), ("unchanged",)], "all understood")
        e = lab.envelope(inner(IsSample=True))
        stored("11 a sample", e, json.dumps(e))
        equal(lab.rows("SELECT verdict, is_sample FROM notification WHERE message_id = ?", e["MessageId"]), [("sample", 1)], "11")
        first = lab.dump()
        with nothing(lab, "2 a second time changes nothing"):
            for r in lab.rows("SELECT raw FROM notification"):
                equal(lab.post(r[0]).status, 200, "again")
            equal(lab.dump(), first, "rows")


@case("39-63 JSON that is not exactly one object of strings: 400, bounded, and nothing stored")
def json_shapes():
    with watched() as lab:
        before, files = lab.dump(), lab.files()

        def refused(what, body):
            with nothing(lab, what):
                started = time.monotonic()
                equal(lab.post(body if isinstance(body, (str, bytes)) else json.dumps(body)).status, 400, "answer")
                check(time.monotonic() - started < 2, "in time")

        e, evil = lab.envelope(inner()), lab.envelope("evil")
        good = json.dumps(e)
        for what, body in {
            "39 not JSON": "hello", "39 a form": "a=b&c=d", "40 an array": [e], "41 a string": json.dumps(good),
            "42 null": "null", "43 two objects": good + good, "43 x behind": good + "x",
            "44 genuine first": good[:-1] + ', "Message": ' + json.dumps(evil["Message"]) + "}",
            "45 evil first": '{"Message": ' + json.dumps(evil["Message"]) + ", " + good[1:],
            "46 TopicArn": good[:-1] + f', "TopicArn": "{e["TopicArn"]}"}}',
            "46 SigningCertURL": good[:-1] + f', "SigningCertURL": "{e["SigningCertURL"]}"}}',
            "46 Type": good[:-1] + ', "Type": "Notification"}', "an unknown one twice": good[:-1] + ', "a": 1, "a": 1}',
            "twice inside an unknown one": good[:-1] + ', "a": {"b": 1, "b": 2}}',
            "47 by an escape": good[:-1] + ', "Messag\\u0065": "x"}',
            "47 both by escapes": good.replace('"Message"', '"\\u004dessage"')[:-1] + ', "Messag\\u0065": "x"}',
            "49 Lambda's spelling": good.replace("SigningCertURL", "SigningCertUrl"), "43 two objects, two lines": good + "\n" + good, "43 a comma behind": good + ",",
            "53 single quotes": good.replace('"', "'"), "53 a trailing comma": good[:-1] + ",}", "53 NaN": good[:-1] + ', "x": NaN}',
            "53 no quotes": good.replace('"Type"', "Type"), "53 Infinity": good[:-1] + ', "x": Infinity}', "0x10": good[:-1] + ', "x": 0x10}',
            "+1": good[:-1] + ', "x": +1}', "01": good[:-1] + ', "x": 01}', ".5": good[:-1] + ', "x": .5}',
            "53 a comment": good[:-1] + "/* x */}", "53 a line comment": good + " // x", "True": good[:-1] + ', "x": True}',
            "54 BOM": "\ufeff" + good, "a NUL behind": good + "\0", "a NUL in front": "\0" + good,
            "57 lone high surrogate": good.replace('"Message": "', '"Message": "\\ud800 x'),
            "57 lone low surrogate": good.replace('"Message": "', '"Message": "\\udc00'),
            "57 low and high": good.replace('"Message": "', '"Message": "\\udc00\\ud800'),
            "57 cut": good.replace('"Message": "', '"Message": "\\ud83c x'), "a bad escape": good.replace('"Type"', '"\\Type"'),
            "58 NUL in Message": good.replace('"Message": "', '"Message": "\\u0000'),
            "58 NUL in TopicArn": good.replace(e["TopicArn"], e["TopicArn"] + "\\u0000"),
            "58 NUL in Type": good.replace('"Notification"', '"Notification\\u0000"'),
            "58 NUL in a key": good[:-1] + ', "Subject\\u0000": "x"}', "58 NUL in Subject": good[:-1] + ', "Subject": "\\u0000"}',
            "59 newline": good.replace('"Message": "', '"Message": "\n'),
            "59 tab": good.replace('"Message": "', '"Message": "\t'), "59 DEL is no control, ESC is": good.replace('"Message": "',
                                                                                                         '"Message": "\x1b'),
            "60 unended": "[" * 100000, "60 deep array": "[" * 100000 + "]" * 100000, "60 deep objects": '{"a":' * 80000 + "1" + "}" * 80000,
            "60 deep in a member": good[:-1] + ', "x": ' + "[" * 100000 + "]" * 100000 + "}",
            "60 deeper than 2048": good[:-1] + ', "x": ' + "[" * 2500 + "]" * 2500 + "}",
            "cut": good[:-1], "half": good[:len(good) // 2], "an empty object": "{}", "white space": "   ", "true": "true", "1": "1",
        }.items():
            refused(what, body)
        for what, text in {"overlong": b"\xc0\xaf", "overlong NUL": b"\xc0\x80", "a surrogate": b"\xed\xa0\x80", "cut": b"\xe2\x82",
                           "beyond": b"\xf4\x90\x80\x80", "five": b"\xf8\x88\x80\x80\x80", "0xff": b"\xff", "lone": b"\x80"}.items():
            for place in (b'"Message": "', b'"Extra": "'):
                body = good[:-1].encode() + b', "Extra": ""}'
                refused(f"56 {what} in {place.decode()}", body.replace(place, place + text))
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
            refused("55 " + encoding, good.encode(encoding))
        for field in FIELDS:
            lower = field[0].lower() + field[1:]
            refused("48 " + lower, good.replace(f'"{field}"', f'"{lower}"'))
            refused(f"50 no {field}", {k: v for k, v in e.items() if k != field})
            for value in (None, 1, 1.5, True, False, [], {}, [e[field]], {"a": e[field]}):
                refused(f"{'51, 52' if field == 'SignatureVersion' else 51} {field}: {value!r}", dict(e, **{field: value}))
        token = "ab" * 100
        subscribe = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={lab.topic}&Token={token}"
        confirmation = lab.envelope("x", Type="SubscriptionConfirmation", Token=token, SubscribeURL=subscribe)
        for field, whole in (("Subject", e), ("Token", confirmation), ("SubscribeURL", confirmation)):
            for value in (1, True, [], {}):
                refused(f"51 {field}: {value!r}", dict(whole, **{field: value}))
        for field in ("Token", "SubscribeURL"):
            refused(f"50 no {field}", {k: v for k, v in confirmation.items() if k != field})
            refused(f"51 {field}", dict(confirmation, **{field: None}))
        for wrong in ("AB" * 100, "", "x", "ab" * 300, token + "\n", token + " "):
            refused(f"Token {wrong[:9]!r}", dict(confirmation, Token=wrong))
        for what, body in {
            "61 40,000 keys": "{" + ", ".join(f'"k{i}": 1' for i in range(40000)) + "}",
            "61 100,000 keys": "{" + ", ".join(f'"k{i}": 1' for i in range(100000)) + "}",
            "62 ten megabytes": '{"a": "' + "x" * 10000000 + '"}',
        }.items():
            with nothing(lab, what):
                started, status = time.monotonic(), None
                try:
                    status = lab.post(body).status
                except OSError:
                    pass  # above 1 MiB the connection may end before the answer is read
                check(status in (400, 413) or status is None and len(body) > 1000000, f"answer {status}")
                check(time.monotonic() - started < 2, "in time")
        equal(lab.dump(), before, "rows")
        equal(lab.files(), files, "files")
        for number in ("1e999999", "-1e999999", "1" * 5000, "1e-999999", "0." + "1" * 5000):
            e = lab.envelope(inner())
            with threat(f"63 {number[:20]}"):
                status = lab.post(json.dumps(e)[:-1] + f', "n": {number}}}').status
                check(status in (200, 400), f"answer {status}")
                equal(lab.one("SELECT count(*) FROM notification WHERE message_id = ?", e["MessageId"]), int(status == 200), "rows")
        e, started = lab.envelope(inner()), time.monotonic()
        equal(lab.send(dict(e, **{f"k{i}": 1 for i in range(40000)})).status, 200, "a good one with many unknown members")
        check(time.monotonic() - started < 2, "in time")


@case("82-98 grammar of the signed fields, with signatures that fit: 400, and nothing stored")
def grammar():
    with watched() as lab:
        today = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        ident = str(uuid.uuid4())
        bad = {
            ("Timestamp", 97): ("", today, today + "Z", today + ".00Z", today + ".0000Z", today + ".000z", today + ".000+00:00",
                          today.replace("T", " ") + ".000Z", today.replace("T", "t") + ".000Z", " " + today + ".000Z",
                          today + ".000Z ", "2026-02-30T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "2026-01-01T24:00:00.000Z",
                          "2026-01-01T00:60:00.000Z", "0000-00-00T00:00:00.000Z", "-026-01-01T00:00:00.000Z", "now"),
            ("MessageId", 98): ("", "x", ident.upper(), ident[:-1], ident + "0", ident.replace("-", ""), "{" + ident + "}", " " + ident,
                          ident + "\n", ident.replace("-", "_"), "g" + ident[1:], "x" * 10000),
            ("Type", 82): ("", "notification", "NOTIFICATION", "Notification ", " Notification", "Notification\n", "Notificatio",
                     "Notifications", "Event", "SubscriptionConfirmation\n"),
        }
        for (field, number), values in bad.items():
            for value in values:
                e = lab.envelope(inner(), **({field: value} if field != "Type" else {}))
                if field == "Type":
                    e["Type"] = value
                with nothing(lab, f"{number} {value[:40]!r}"):
                    equal(lab.send(e).status, 400, "answer")
        for arn in ("", lab.topic + " ", " " + lab.topic, lab.topic.upper(), "arn", lab.topic + ":x", lab.topic + "\n",
                    lab.topic.replace("us-east-1", "us-west-2"), lab.topic.replace("us-east-1", "../.."), "x" * 5000):
            e = lab.envelope(inner(), TopicArn=arn)
            with nothing(lab, f"89-91 {arn[:80]!r}"):
                status = lab.send(e).status
                check(status in (400, 403, 503) if arn.startswith("arn:aws:sns:") else status in (400, 403), f"answer {status}")
        equal(lab.one("SELECT count(*) FROM notification"), 0, "rows")
        check(lab.one("SELECT count(*) FROM refused_topic") <= 64, "refused topics")
        for i in range(100):  # anybody can send these
            lab.send(dict(e, TopicArn=f"arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAFLOOD{i}"))
        lab.stop()
        equal(lab.one("SELECT count(*) FROM refused_topic"), 64, "refused topics are bounded")


SPACE = "\n" * 50


@case("154-167 odd documents: understood or kept as they are, in bounded time, never half applied")
def documents():
    with Lab() as lab:
        lab.start()
        good = capture_xml()
        amount = "<Amount>19.95</Amount>"
        quadratic = '<!DOCTYPE x [<!ENTITY a "' + "a" * 50000 + '">]>'

        def root(attributes):
            return good.replace(f' xmlns="{NAMESPACE}"', attributes)

        not_understood = {
            "154 quadratic": good.replace("<CaptureNotification", quadratic + "<CaptureNotification").replace(
                "ref<", "&a;" * 1000 + "<"),
            "an entity nobody declared": good.replace("ref<", "&nobody;<"), "not well-formed": good.replace("</State>", ""),
            "two roots": good + good.split("?>")[1], "text behind": good + "x", "no root": '<?xml version="1.0"?>',
            "another root": good.replace("CaptureNotification", "RefundNotification"), "NUL by reference": good.replace("ref<", "&#0;<"),
            "161 an amount of two parts": good.replace(amount, "<Amount>19<!-- -->.95</Amount>"),
            "an element in an amount": good.replace(amount, "<Amount>1<b/>9.95</Amount>"),
            "160 two states": good.replace("</CaptureStatus>", "<State>Declined</State></CaptureStatus>"),
            "two statuses": good.replace("</CaptureStatus>", "</CaptureStatus><CaptureStatus><State>Declined</State></CaptureStatus>"),
            "two ids": good.replace("<CaptureReferenceId>", "<AmazonCaptureId>S01-1-1-C1</AmazonCaptureId><CaptureReferenceId>"),
            "no time": good.replace("LastUpdateTimestamp", "Other"), "a time of nonsense": capture_xml(updated="yesterday"),
            "30 February": capture_xml(updated="2026-02-30T00:00:00.000Z"), "no state": good.replace("State>", "Stat>"),
            "an empty id": capture_xml(capture_id=""), "an id of 10 kB": capture_xml(capture_id="S" * 10000),
            "a control character in an id": capture_xml(capture_id="S01&#10;x"),
            "164 an amount beyond 64 bits": capture_xml(amount="92233720368547758.08"),
        }
        for what, xml in not_understood.items():
            e = lab.envelope(inner(xml))
            body, started = json.dumps(e), time.monotonic()
            with threat(what):
                equal(lab.post(body).status, 200, "answer")
                check(time.monotonic() - started < 2, "in time")
                equal(lab.rows("SELECT verdict, why IS NULL, raw FROM notification WHERE message_id = ?", e["MessageId"]),
                      [("unrecognized", 0, body)], "kept")
        for table in ("fact", "capture"):
            equal(lab.one(f"SELECT count(*) FROM {table}"), 0, table)
        understood = {
            "158 another year's namespace": root(' xmlns="https://mws-eu.amazonservices.com/ipn/OffAmazonPayments/2014-01-01"'),
            "159 no namespace": root(""), "a prefix that nobody uses": root(f' xmlns="{NAMESPACE}" xmlns:xsi="http://x/"'),
            "unknown elements": capture_xml(extra="<New><Amount>1</Amount></New>"),
            "white space around values": good.replace("<State>Completed", "<State>\n  Completed  ").replace("19.95", " 19.95 "),
            "a comment between elements": good.replace("<IdList/>", "<!-- x --><IdList/>"), "no declaration": good.split("?>")[1],
            "white space behind": good + SPACE, "character references": good.replace("19.95", "&#49;9.9&#x35;"),
            "the currency first": good.replace(amount + "<CurrencyCode>USD</CurrencyCode>",
                                               "<CurrencyCode>USD</CurrencyCode>" + amount),
            "an exponent, as Java prints": capture_xml(amount="1.995E1"), "trailing zeros": capture_xml(amount="19.950000"),
        }
        for i, (what, xml) in enumerate(understood.items()):
            xml = xml.replace("C000001", f"C{i + 100:06}")
            e = lab.envelope(inner(xml))
            with threat(what):
                equal(lab.send(e).status, 200, "answer")
                equal(lab.rows("SELECT verdict, why FROM notification WHERE message_id = ?", e["MessageId"]), [("applied", None)],
                      "verdict")
                equal(lab.rows("SELECT state, amount_minor, currency FROM capture WHERE capture_id LIKE ?", f"%C{i + 100:06}"),
                      [("Completed", 1995, "USD")], "capture")
        for i, (what, (value, currency, minor)) in enumerate({
            "yen have no minor unit": ("8400", "JPY", 8400), "as Java prints 10 million": ("1.0E7", "JPY", 10000000),
            "zero": ("0.0", "USD", 0), "three decimals": ("1.234", "KWD", 1234),
        }.items()):
            ident = f"S01-9999999-0000000-C{i:06}"
            equal(lab.send(lab.envelope(inner(capture_xml(ident, amount=value, currency=currency)))).status, 200, what)
            equal(lab.rows("SELECT amount_minor, currency FROM capture WHERE capture_id = ?", ident), [(minor, currency)], what)
        reference = str(uuid.uuid4())
        with threat("167 one reference, two messages"):
            for _ in range(2):
                equal(lab.send(lab.envelope(inner(NotificationReferenceId=reference))).status, 200, "answer")
            equal(lab.one("SELECT count(*) FROM notification WHERE reference_id = ?", reference), 2, "rows")
        with threat("168 Closed before Completed"):
            ident = "S01-8888888-0000000-C000001"
            for state, at in (("Closed", "2026-01-03T00:00:00.000Z"), ("Completed", "2026-01-02T00:00:00.000Z")):
                equal(lab.send(lab.envelope(inner(capture_xml(ident, state, updated=at)))).status, 200, "answer")
            equal(lab.rows("SELECT state FROM capture WHERE capture_id = ?", ident), [("Closed",)], "state")
            equal(lab.rows("SELECT from_state, to_state FROM transition WHERE object_id = ? ORDER BY at", ident),
                  [(None, "Completed"), ("Completed", "Closed")], "both kept, by Amazon's time")
        check(os.path.exists(f"/proc/{lab.daemons['ipnd'].pid}"), "ipnd goes on")


@case("92, 93, 146-149 the middle JSON: members of other types, twice, deep, huge: kept, not half understood")
def middle():
    with Lab() as lab:
        lab.start()
        good = inner()
        odd = {
            "147 twice": good[:-1] + ', "NotificationData": "x"}', "147 twice by an escape": good[:-1] + ', "SellerI\\u0064": "x"}',
            "array": "[" + good + "]", "string": json.dumps(good), "null": "null", "empty": "", "space": " ", "two": good + good,
            "BOM": "\ufeff" + good, "trailing": good + "x", "deep": "[" * 50000, "NUL": good.replace("Sandbox", "Sand\\u0000box"),
            "lone surrogate": good.replace("623690", "\\ud800"), "data is an object": inner(NotificationData={"a": 1}),
            "data is a number": inner(NotificationData=1), "type is a number": inner(NotificationType=1), "no type":
            inner(NotificationType=None), "seller is null": good.replace('"AREHEARSAL"', "null"), "seller is an array":
            inner(SellerId=["AREHEARSAL"]), "environment of none": inner(ReleaseEnvironment="Moon"),
            "environment is empty": inner(ReleaseEnvironment=""), "huge": inner("x" * 200000), "version 2":
            json.dumps({"merchantID": "AREHEARSAL", "objectType": "CHARGE", "notificationVersion": "V2"}),
        }
        for what, message in odd.items():
            e = lab.envelope(message)
            with threat(what):
                equal(lab.send(e).status, 200, "answer")
                verdict = lab.one("SELECT verdict FROM notification WHERE message_id = ?", e["MessageId"])
                check(verdict in ("unrecognized", "foreign") if "environment" in what else verdict == "unrecognized", verdict)
        equal(lab.one("SELECT count(*) FROM fact"), 0, "facts")
        equal(lab.one("SELECT count(*) FROM event"), len(odd), "events")
        e = lab.envelope(inner(IsSample=False))
        equal(lab.send(e).status, 200, "not a sample")
        equal(lab.one("SELECT verdict FROM notification WHERE message_id = ?", e["MessageId"]), "applied", "IsSample: false")
        for kind in ("paymentcapture", "Payment Capture", "PAYMENTCAPTURE"):
            e = lab.envelope(inner(NotificationType=kind))
            equal(lab.send(e).status, 200, kind)
            check(lab.one("SELECT verdict FROM notification WHERE message_id = ?", e["MessageId"]) == "unchanged", kind)
        def foreign(what, message):
            with threat(what):
                e, before = lab.envelope(message), lab.one("SELECT count(*) FROM fact")
                equal(lab.send(e).status, 200, "answer")
                equal(lab.one("SELECT verdict FROM notification WHERE message_id = ?", e["MessageId"]), "foreign", "verdict")
                equal(lab.one("SELECT count(*) FROM fact"), before, "facts")
                equal(lab.one("SELECT name FROM event ORDER BY id DESC LIMIT 1"), "notification.foreign", "event")

        for seller in ("arehearsal", "AREHEARSAL ", "AREHEARSALX", "A", "ANOTHER"):
            foreign(f"92 seller {seller!r}", inner(SellerId=seller))
        foreign("93 live on a sandbox topic", inner(ReleaseEnvironment="Live"))
        e = lab.envelope(inner(ReleaseEnvironment="Live", IsSample=True))
        equal(lab.send(e).status, 200, "a sample")
        equal(lab.one("SELECT verdict FROM notification WHERE message_id = ?", e["MessageId"]), "sample", "sample comes before foreign")
        equal(lab.one("SELECT count(*) FROM capture"), 1, "captures")


@case("176 the log: one line per outcome, no body, token, URL or terminal escape of anybody else's")
def log():
    with watched() as lab, threat("176 the log"):
        token = "abcdef" * 30
        subscribe = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={lab.topic}&Token={token}"
        equal(lab.send(lab.envelope("SECRETWORD", Type="SubscriptionConfirmation", Token=token, SubscribeURL=subscribe)).status, 200, "")
        secret = inner(capture_xml(extra="<Buyer><Name>SECRETWORD</Name></Buyer>"), Comment="SECRETWORD")
        e = lab.envelope(secret, UnsubscribeURL="https://sns.us-east-1.amazonaws.com/?SECRETWORD")
        equal(lab.send(e).status, 200, "good")
        equal(lab.send(e).status, 200, "duplicate")
        equal(lab.send(dict(e, Message=e["Message"] + " ")).status, 403, "forged")
        odd = "\x1b]0;x\x07\r\nipnd: applied: capture FORGED\u202e\u0085"
        lab.send(dict(e, Type=odd))
        lab.send(dict(e, TopicArn=odd))
        lab.send(dict(e, SigningCertURL=odd))
        lab.post("SECRETWORD")
        lab.post(json.dumps(e), {"x-amz-sns-message-id": "SECRETWORD"})
        lab.post(json.dumps(e), {"User-Agent": "SECRETWORD"}, path="/SECRETWORD")
        lab.send(lab.envelope(inner(SellerId=odd)))
        lab.send(lab.envelope(inner(NotificationType=odd)))
        lab.send(lab.envelope(inner(capture_xml(state="x&#27;[31m"))))
        lab.send(lab.envelope(inner(capture_xml(capture_id="S01&#x85;&#x202e;" + "y" * 300))))
        lab.stop()
        text = lab.log()
        for word in ("SECRETWORD", token[:20], "UnsubscribeURL", "\x1b", "\x07", "\u202e", "\u0085", "\nipnd: applied: capture FORGED"):
            check(word not in text, f"{word!r} is in the log")
        check(all(len(line) < 800 for line in text.splitlines()), "lines are cut")
        check(all(line.startswith("ipnd: ") for line in text.splitlines()), "no line begins inside another")
