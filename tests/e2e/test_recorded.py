"""Real, Amazon-signed messages through the real receiver."""

import base64
import glob
import json
import os

from lab import Lab, case, equal, recorded

ACCOUNTS = {
    "uk": ("arn:aws:sns:eu-west-1:291180941288:A3M3RRFO9XDT2GAA3KB5JD2CWIH", ["AA3KB5JD2CWIH"], "sandbox"),
    "internal": ("arn:aws:sns:us-east-1:598607868003:A341L3VCFKNMIYA0677458196RUTCRWHDJQ", ["A0677458196RUTCRWHDJQ"],
                 "sandbox"),
    "tester": ("arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAQR8184NJXADU", ["AQR8184NJXADU"], "sandbox"),
    "provider": ("arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HA2K7NDRCTOTPW9",
                 ["A37GX652OWOXVH", "A2K7NDRCTOTPW9"], "sandbox"),
    "de": ("arn:aws:sns:eu-west-1:291180941288:A1G8446IYHA4MRAOPZVV2STP28T", ["AOPZVV2STP28T"], "sandbox"),
    "us": ("arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HA10Z9MFRRW4V14", ["A10Z9MFRRW4V14"], "sandbox"),
}
SIGNED = [
    "2014-05-30_PaymentAuthorize_Open_fb446ef1",
    "2014-12-02_BillingAgreementNotification_Closed-SellerClosed_36a430f3",
    "2014-12-02_OrderReferenceNotification_Closed-SellerClosed_d1c4d7bc",
    "2014-12-02_PaymentCapture_Completed_7aa7b31e",
    "2014-12-02_PaymentRefund_Completed_d450114d",
    "2014-12-02_ProviderCredit_Completed_e3241cd4",
    "2015-04-30_OrderReferenceNotification_Closed-AmazonClosed_15e7412b",
    "2015-11-21_PaymentAuthorize_Closed-MaxCapturesProcessed_0233a8db",
    "2017-06-27_PaymentCapture_Completed_2f854ae6",
    "2019-08-22_PaymentAuthorize_Open_9aacc6b9",
]


def account(name, topic, sellers, environment):
    names = ", ".join(f'"{s}"' for s in sellers)
    return (f'account "{name}" {{\n\ttopic_arn = "{topic}"\n\tseller_id = {{{names}}}\n'
            f"\tenvironment = {environment}\n}}\n")


def configure(lab, accounts, max_age="none", chain="name-only"):
    cache = os.path.realpath(recorded("certificates"))
    lab.configure(lambda text: f"""listen {{
	https = {{"127.0.0.1:0"}}
	certificate = "{lab.home}/tls.pem"
	private_key = "{lab.home}/tls.key"
}}
sns {{
	certificate_cache = "{cache}"
	fetch = no
	chain = {chain}
	max_age = "{max_age}"
}}
database {{
	path = "{lab.database}"
}}
""" + "".join(account(n, *a) for n, a in accounts.items()))


def body_of(path):
    with open(path, "rb") as f:
        return f.read()


def headers_of(path, body):
    e = json.loads(body)
    headers = {
        "x-amz-sns-message-type": e["Type"], "x-amz-sns-message-id": e["MessageId"],
        "x-amz-sns-topic-arn": e["TopicArn"], "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
    if os.path.exists(path[:-5] + ".headers"):
        with open(path[:-5] + ".headers") as f:
            headers = dict(line.rstrip("\n").split(": ", 1) for line in f if ": " in line)
        equal(int(headers.pop("Content-Length")), len(body), "recorded Content-Length")
    return headers


def post_recorded(lab, *parts):
    path = recorded(*parts)
    body = body_of(path)
    return lab.post(body, headers_of(path, body))


@case("1 recorded messages are stored as their documents say, once")
def all_recorded():
    with Lab() as lab:
        configure(lab, ACCOUNTS)
        lab.start()
        for name in SIGNED:
            equal(post_recorded(lab, "amazonpay", name + ".json").status, 200, name)
        equal(lab.rows("SELECT order_reference_id, account, environment, state, reason_code, amount_minor, currency, "
                       "seller_order_id, created_at, expires_at, updated_at FROM order_reference"),
              [("S01-3736839-1925560", "internal", "sandbox", "Closed", "SellerClosed", 7930, "USD", None,
                "2014-12-02T19:27:52.333Z", "2015-05-31T19:27:52.333Z", "2014-12-02T19:30:00.905Z")], "orders")
        equal(lab.rows("SELECT authorization_id, order_reference_id, account, reference_id, state, reason_code, "
                       "amount_minor, captured_minor, fee_minor, currency, soft_decline, capture_now, created_at, "
                       "expires_at, updated_at FROM authorization WHERE account <> 'us' ORDER BY 1"),
              [("S01-2063624-0128488-A098527", "S01-2063624-0128488", "provider", "cDiiofOL", "Closed",
                "MaxCapturesProcessed", 500, 500, 0, "USD", None, 1, "2015-11-21T15:55:18.970Z",
                "2015-12-21T15:55:18.970Z", "2015-11-21T15:55:18.970Z"),
               ("S02-0077507-2642446-A065663", "S02-0077507-2642446", "uk", "2966013", "Open", None, 101616, 0, 0,
                "GBP", None, 0, "2014-05-30T15:34:16.770Z", "2014-06-29T15:34:16.770Z",
                "2014-05-30T15:34:49.449Z")], "authorizations")
        equal(lab.one("SELECT state FROM authorization WHERE account = 'us'"), "Open", "2019")
        equal(lab.rows("SELECT capture_id, order_reference_id, account, reference_id, state, reason_code, "
                       "amount_minor, refunded_minor, fee_minor, currency, created_at, updated_at FROM capture "
                       "ORDER BY 1"),
              [("S01-0414412-1503685-C004044", "S01-0414412-1503685", "internal", "S01c0414412c1503685captureRef0",
                "Completed", None, 13360, 1000, 0, "USD", "2014-12-02T20:57:51.306Z", "2014-12-02T20:57:51.306Z"),
               ("S02-6112897-1842302-C042768", "S02-6112897-1842302", "de", "KWUFWoFZ0WiZRrMKJ0g", "Completed", None,
                1995, 0, 0, "GBP", "2017-06-27T22:42:56.430Z", "2017-06-27T22:42:56.430Z")], "captures")
        equal(lab.rows("SELECT refund_id, capture_id, reference_id, refund_type, state, amount_minor, fee_minor, "
                       "currency, created_at, updated_at FROM refund"),
              [("S01-0414412-1503685-R092574", "S01-0414412-1503685-C004044", "S0104144121503685C004044r663",
                "SellerInitiated", "Completed", 1000, 0, "USD", "2014-12-02T21:02:45.046Z",
                "2014-12-02T21:03:19.050Z")], "refunds")
        equal(lab.rows("SELECT verdict, count(*) FROM notification GROUP BY 1 ORDER BY 1"),
              [("applied", 7), ("sample", 1), ("unrecognized", 2)], "verdicts")
        equal(lab.rows("SELECT type, verdict FROM notification WHERE verdict = 'unrecognized' ORDER BY 1"),
              [("BillingAgreementNotification", "unrecognized"), ("ProviderCredit", "unrecognized")], "kept")
        equal(lab.one("SELECT count(*) FROM transition"), 7, "transitions")
        equal(lab.one("SELECT count(*) FROM event"), 10, "events")
        equal(lab.rows("SELECT from_state, to_state, reason_code, at FROM transition WHERE object_type = "
                       "'order_reference'"), [(None, "Closed", "SellerClosed", "2014-12-02T19:30:00.905Z")], "moves")
        for name in SIGNED:
            body = body_of(recorded("amazonpay", name + ".json"))
            equal(lab.one("SELECT raw FROM notification WHERE message_id = ?", json.loads(body)["MessageId"]),
                  body.decode(), "raw of " + name)
        before = lab.dump()
        for name in SIGNED:
            equal(post_recorded(lab, "amazonpay", name + ".json").status, 200, name + " again")
        equal(lab.dump(), before, "after posting all again")
        lab.stop()


@case("64 altered messages are refused and leave nothing")
def altered():
    with Lab() as lab:
        configure(lab, ACCOUNTS)
        lab.start()
        for path in sorted(glob.glob(recorded("altered") + "/*.json")):
            equal(post_recorded(lab, "altered", os.path.basename(path)).status, 403, path)
        for name in SIGNED:
            e = json.loads(body_of(recorded("amazonpay", name + ".json")))
            for field in ("Message", "MessageId", "Timestamp"):
                forged = dict(e)
                last = {"Message": " ", "MessageId": "0", "Timestamp": "9Z"}[field]
                keep = e[field][:-len(last)] if field != "Message" else e[field]
                forged[field] = keep + last
                if forged[field] != e[field]:
                    equal(lab.send(forged).status, 403, f"{name} {field}")
            forged = dict(e, Subject="new")
            equal(lab.send(forged).status, 403, name + " Subject")
            signature = bytearray(base64.b64decode(e["Signature"]))
            signature[9] ^= 1
            equal(lab.send(dict(e, Signature=base64.b64encode(signature).decode())).status, 403, name + " Signature")
        equal(lab.one("SELECT count(*) FROM notification"), 0, "rows")
        equal(lab.one("SELECT count(*) FROM event"), 0, "events")


@case("1 other genuine SNS messages; an RSA-1024 certificate is at fault: 503")
def other_sns():
    with Lab() as lab:
        accounts = {}
        for path in glob.glob(recorded("sns") + "/*.json"):
            topic = json.loads(body_of(path))["TopicArn"]
            accounts.setdefault(topic, (topic, ["NOBODY"], "live"))
        configure(lab, {f"a{i}": a for i, a in enumerate(accounts.values())})
        lab.start()
        stored = 0
        for path in sorted(glob.glob(recorded("sns") + "/*.json")):
            name, body = os.path.basename(path), body_of(path)
            answer = lab.post(body)
            if "rsa1024" in name:
                equal(answer.status, 503, name)
                equal("retry-after" in answer.headers, True, "Retry-After")
                continue
            equal(answer.status, 200, name)
            if json.loads(body)["Type"] == "Notification":
                stored += 1
        equal(lab.rows("SELECT verdict, count(*) FROM notification GROUP BY 1"), [("unrecognized", stored)], "kept")


@case("88 topics, sellers and environments that no account names")
def not_ours():
    with Lab() as lab:
        topic, sellers, environment = ACCOUNTS["de"]
        name = "2017-06-27_PaymentCapture_Completed_2f854ae6.json"
        configure(lab, {"de": ACCOUNTS["de"]})
        lab.start()
        unnamed = post_recorded(lab, "amazonpay", "2019-08-22_PaymentAuthorize_Open_9aacc6b9.json")
        equal(unnamed.status, 503, "Amazon Pay topic without account")
        equal("retry-after" in unnamed.headers, True, "Retry-After")
        equal(post_recorded(lab, "sns", "java-v2-sdk-2026-sigv2.json").status, 403, "a stranger's topic")
        lab.stop()
        equal(lab.rows("SELECT topic_arn FROM refused_topic ORDER BY 1"),
              [(ACCOUNTS["us"][0],), ("arn:aws:sns:us-west-2:131990247566:dongie-standard-topic",)], "refused topics")
        equal(lab.one("SELECT count(*) FROM notification"), 0, "rows")
        for change in ((topic, ["SOMEBODYELSE"], environment), (topic, sellers, "live")):
            with Lab() as other:
                configure(other, {"de": change})
                other.start()
                equal(post_recorded(other, "amazonpay", name).status, 200, str(change))
                equal(other.rows("SELECT verdict FROM notification"), [("foreign",)], "verdict")
                equal(other.rows("SELECT name FROM event"), [("notification.foreign",)], "event")
                equal(other.one("SELECT count(*) FROM capture"), 0, "state")


@case("95 old messages are refused by age, only by age")
def too_old():
    with Lab() as lab:
        configure(lab, ACCOUNTS, max_age="15d")
        lab.start()
        equal(post_recorded(lab, "amazonpay", SIGNED[0] + ".json").status, 403, "2014")
        equal(lab.one("SELECT count(*) FROM notification"), 0, "rows")
