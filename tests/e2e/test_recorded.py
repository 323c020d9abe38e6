"""Real, Amazon-signed messages through the real receiver."""

import base64
import glob
import json
import os
import shutil
import time

from authority import DAY, Issuer, certificate, pem, seconds_of, subject_of
from lab import Lab, case, check, equal, openssl, recorded
from threats import nothing, threat

ACCOUNTS = {
    "uk": ("arn:aws:sns:eu-west-1:291180941288:A3M3RRFO9XDT2GAA3KB5JD2CWIH", ["AA3KB5JD2CWIH"], "sandbox"),
    "internal": ("arn:aws:sns:us-east-1:598607868003:A341L3VCFKNMIYA0677458196RUTCRWHDJQ", ["A0677458196RUTCRWHDJQ"],
                 "sandbox"),
    "tester": ("arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAQR8184NJXADU", ["AQR8184NJXADU"], "sandbox"),
    "provider": ("arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HA2K7NDRCTOTPW9",
                 ["A37GX652OWOXVH", "A2K7NDRCTOTPW9"], "sandbox"),
    "de": ("arn:aws:sns:eu-west-1:291180941288:A1G8446IYHA4MRAOPZVV2STP28T", ["AOPZVV2STP28T"], "sandbox"),
    "us": ("arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HA10Z9MFRRW4V14", ["A10Z9MFRRW4V14"], "sandbox"),
    "de2": ("arn:aws:sns:eu-west-1:291180941288:A1G8446IYHA4MRA36VZZYZOVN3S6", ["A36VZZYZOVN3S6"], "sandbox"),
    "live": ("arn:aws:sns:us-east-1:598607868003:A35A4JO734ER04A08593053M41F7TQ7YR7W", ["A08593053M41F7TQ7YR7W"], "live"),
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
KEY_ONLY = [
    "2017-08-30_Chargeback_Detailed_Notification_RECEIVED_83d848c9",
    "2017-11-08_OrderReferenceNotification_Suspended-InvalidPaymentMethod_6ac19550",
    "2017-11-08_PaymentAuthorize_Declined-InvalidPaymentMethod_01b8375f",
]
LOST = "433026a4050d206028891664da859041"  # the certificate of those, of which the public key is left


MOVES = [  # the last: whether states between were not heard of
    ("S02-0077507-2642446-A065663", None, "Open", None, "2014-05-30T15:34:49.449Z", 0, 0),
    ("S01-3736839-1925560", None, "Closed", "SellerClosed", "2014-12-02T19:30:00.905Z", 0, 1),
    ("S01-0414412-1503685-C004044", None, "Completed", None, "2014-12-02T20:57:51.306Z", 0, 0),
    ("S01-0414412-1503685-P076485", None, "Completed", None, "2014-12-02T20:57:53.995Z", 0, 0),
    ("S01-0414412-1503685-R092574", None, "Completed", None, "2014-12-02T21:03:19.050Z", 0, 0),
    ("C01-1132127-4529483", None, "Closed", "SellerClosed", "2014-12-02T21:10:26.118Z", 0, 1),
    ("S01-2063624-0128488-A098527", None, "Closed", "MaxCapturesProcessed", "2015-11-21T15:55:18.970Z", 0, 1),
    ("S02-6112897-1842302-C042768", None, "Completed", None, "2017-06-27T22:42:56.430Z", 0, 0),
    ("S01-7922233-4167005-A092060", None, "Open", None, "2019-08-22T20:57:59.609Z", 0, 0),
]
EVENTS = [  # in the order in which SIGNED is posted
    ("authorization.open", "S02-0077507-2642446-A065663", None, "Open", None, 101616, "GBP", 0),
    ("billing_agreement.closed", "C01-1132127-4529483", None, "Closed", "SellerClosed", None, "USD", 0),
    ("order_reference.closed", "S01-3736839-1925560", None, "Closed", "SellerClosed", 7930, "USD", 0),
    ("capture.completed", "S01-0414412-1503685-C004044", None, "Completed", None, 13360, "USD", 0),
    ("refund.completed", "S01-0414412-1503685-R092574", None, "Completed", None, 1000, "USD", 0),
    ("provider_credit.completed", "S01-0414412-1503685-P076485", None, "Completed", None, 1000, "USD", 0),
    ("notification.sample", "15e7412b-e9ac-5f6a-b6df-0c909df567a0", None, "Closed", "AmazonClosed", 0, "USD", 0),
    ("authorization.closed", "S01-2063624-0128488-A098527", None, "Closed", "MaxCapturesProcessed", 500, "USD", 0),
    ("capture.completed", "S02-6112897-1842302-C042768", None, "Completed", None, 1995, "GBP", 0),
    ("authorization.open", "S01-7922233-4167005-A092060", None, "Open", None, 1995, "USD", 0),
]


def account(name, topic, sellers, environment):
    names = ", ".join(f'"{s}"' for s in sellers)
    return (f'account "{name}" {{\n\ttopic_arn = "{topic}"\n\tseller_id = {{{names}}}\n'
            f"\tenvironment = {environment}\n}}\n")


def configure(lab, accounts, max_age="none", chain="name-only", cache=None):
    cache = cache or os.path.realpath(recorded("certificates"))
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
@threat("1, 2 recorded")
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
                       "expires_at, updated_at FROM authorization ORDER BY 1"),
              [("S01-2063624-0128488-A098527", "S01-2063624-0128488", "provider", "cDiiofOL", "Closed",
                "MaxCapturesProcessed", 500, 500, 0, "USD", None, 1, "2015-11-21T15:55:18.970Z",
                "2015-12-21T15:55:18.970Z", "2015-11-21T15:55:18.970Z"),
               ("S01-7922233-4167005-A092060", "S01-7922233-4167005", "us", "5d5f01d72e0c3", "Open", None, 1995, 0, 0,
                "USD", 0, 0, "2019-08-22T20:57:59.609Z", "2019-09-21T20:57:59.609Z", "2019-08-22T20:57:59.609Z"),
               ("S02-0077507-2642446-A065663", "S02-0077507-2642446", "uk", "2966013", "Open", None, 101616, 0, 0,
                "GBP", None, 0, "2014-05-30T15:34:16.770Z", "2014-06-29T15:34:16.770Z",
                "2014-05-30T15:34:49.449Z")], "authorizations")
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
              [("applied", 9), ("sample", 1)], "verdicts")
        equal(lab.rows("SELECT billing_agreement_id, account, environment, seller_billing_agreement_id, state, reason_code, "
                       "limit_minor, remaining_minor, currency, period_start_at, period_end_at, consent, created_at, updated_at "
                       "FROM billing_agreement"),
              [("C01-1132127-4529483", "internal", "sandbox", None, "Closed", "SellerClosed", 50000, 43742, "USD",
                "2014-12-01T00:00:00.000Z", "2015-01-01T00:00:00.000Z", 1, "2014-12-02T21:04:46.901Z",
                "2014-12-02T21:10:26.118Z")], "agreements")
        equal(lab.rows("SELECT provider_credit_id, order_reference_id, capture_id, seller_id, provider_seller_id, state, "
                       "reason_code, amount_minor, reversed_minor, currency, created_at, updated_at FROM provider_credit"),
              [("S01-0414412-1503685-P076485", "S01-0414412-1503685", "S01-0414412-1503685-C004044",
                "A0677458196RUTCRWHDJQ", "A08593053M41F7TQ7YR7W", "Completed", None, 1000, 0, "USD",
                "2014-12-02T20:57:51.306Z", "2014-12-02T20:57:53.995Z")], "credits")
        equal(lab.rows("SELECT converted_minor, converted_currency, conversion_rate FROM capture WHERE currency = 'GBP'"),
              [(2184, "EUR", "0.913362644")], "converted")
        equal(lab.rows("SELECT object_id, from_state, to_state, reason_code, at, late, skipped FROM transition ORDER BY at"),
              MOVES, "moves")
        equal(lab.rows("SELECT name, object_id, previous_state, state, reason_code, amount_minor, currency, late FROM event "
                       "ORDER BY id"), EVENTS, "events")
        equal(lab.rows("SELECT e.id FROM event e LEFT JOIN transition t ON t.id = e.transition_id WHERE e.name NOT LIKE "
                       "'notification.%' AND (t.object_id, t.to_state) IS NOT (e.object_id, e.state)"), [], "events and moves")
        for name in SIGNED:
            body = body_of(recorded("amazonpay", name + ".json"))
            equal(lab.one("SELECT raw FROM notification WHERE message_id = ?", json.loads(body)["MessageId"]),
                  body.decode(), "raw of " + name)
        before = lab.dump()
        for name in SIGNED:
            equal(post_recorded(lab, "amazonpay", name + ".json").status, 200, name + " again")
        equal(lab.dump(), before, "after posting all again")
        lab.stop()


def keep_lost_certificate(lab):
    """Amazon's recovered public key in a certificate of the test CA. Returns a cache with it and the recorded ones."""
    cache = os.path.join(lab.folder, "cache")
    shutil.copytree(recorded("certificates"), cache)
    public_key = openssl("pkey", "-pubin", "-in", recorded("keys", LOST + ".pub.pem"), "-outform", "DER")
    back = seconds_of("2017-06-01T00:00:00.000Z") - time.time()
    issuer = Issuer(subject_of(f"{lab.home}/ca.pem"), f"{lab.home}/ca.key")
    text = pem(certificate(issuer, public_key, since=back, until=back + 365 * DAY))
    for region in ("us-east-1", "eu-west-1"):
        os.chmod(os.path.join(cache, region), 0o755)
        with open(os.path.join(cache, region, f"SimpleNotificationService-{LOST}.pem"), "w") as f:
            f.write(text)
    return cache


@case("1 recorded messages of which the key alone is left: suspended, declined, a chargeback; a provider's own seller id")
@threat("1 recorded")
def key_only():
    with Lab() as lab:
        configure(lab, ACCOUNTS, cache=keep_lost_certificate(lab))
        lab.start()
        for name in KEY_ONLY + SIGNED:
            equal(post_recorded(lab, "amazonpay", name + ".json").status, 200, name)
        equal(lab.rows("SELECT account, type, environment, verdict, why IS NULL FROM notification WHERE id = 1"),
              [("live", "Chargeback Detailed Notification", "live", "applied", 1)], "the chargeback is understood")
        equal(lab.rows("SELECT notification_id, chargeback_id, order_reference_id, capture_reference_id, account, environment, "
                       "state, reason, amount_minor, currency, created_at FROM chargeback"),
              [(1, "C9KORZRXQ655G", "P01-7128087-7259534", "CaptureReference6282176", "live", "live", "RECEIVED",
                "Generic Service Chargeback", 10000, "USD", "2017-08-23T12:20:56.061Z")], "the chargeback")
        equal(lab.rows("SELECT name, state, reason_code, lane FROM event WHERE id = 1"),
              [("chargeback.received", "RECEIVED", "Generic Service Chargeback", "P01-7128087-7259534")], "its event")
        equal(lab.rows("SELECT order_reference_id, account, state, reason_code, amount_minor, currency, seller_order_id, "
                       "created_at, expires_at, updated_at FROM order_reference WHERE account = 'de2'"),
              [("S02-9613398-6723668", "de2", "Suspended", "InvalidPaymentMethod", 27262, "EUR",
                "S02-9613398-67236685a031c994d40a", "2017-11-08T15:02:33.819Z", "2018-05-07T15:02:33.819Z",
                "2017-11-08T15:03:21.476Z")], "the order")
        equal(lab.rows("SELECT authorization_id, state, reason_code, amount_minor, currency, soft_decline, updated_at "
                       "FROM authorization WHERE account = 'de2'"),
              [("S02-8084966-1007363-A095465", "Declined", "InvalidPaymentMethod", 28949, "EUR", 0,
                "2017-11-08T14:43:51.868Z")], "the authorization")
        # An order reference is first heard of when it is suspended: it was open before, and that is noted, not invented.
        equal(lab.rows("SELECT from_state, to_state, skipped FROM transition WHERE object_id = 'S02-9613398-6723668'"),
              [(None, "Suspended", 1)], "its move")
        equal(lab.one("SELECT count(*) FROM event"), len(SIGNED) + len(KEY_ONLY), "events")


@case("64 altered messages are refused and leave nothing")
def altered():
    with Lab() as lab:
        configure(lab, ACCOUNTS)
        lab.start()
        before, files = lab.dump(), lab.files()
        for path in sorted(glob.glob(recorded("altered") + "/*.json")):
            with nothing(lab, "64 " + os.path.basename(path)):
                equal(post_recorded(lab, "altered", os.path.basename(path)).status, 403, "answer")
        for name in SIGNED:
            e = json.loads(body_of(recorded("amazonpay", name + ".json")))
            for number, field in ((64, "Message"), (65, "MessageId"), (66, "Timestamp")):
                forged = dict(e)
                last = {"Message": " ", "MessageId": "0", "Timestamp": "9Z"}[field]
                keep = e[field][:-len(last)] if field != "Message" else e[field]
                forged[field] = keep + last
                if forged[field] != e[field]:
                    with nothing(lab, f"{number} {name} {field}"):
                        equal(lab.send(forged).status, 403, "answer")
            with nothing(lab, f"68 {name}"):
                equal(lab.send(dict(e, Subject="new")).status, 403, "answer")
            signature = bytearray(base64.b64decode(e["Signature"]))
            signature[9] ^= 1
            equal(lab.send(dict(e, Signature=base64.b64encode(signature).decode())).status, 403, name + " Signature")
        equal(lab.dump(), before, "rows")
        equal(lab.files(), files, "files")
        lab.stop()
        equal(lab.dump(), before, "rows")
        counted = dict(lab.rows("SELECT verdict, count FROM verdict_count"))
        check(list(counted) == ["signature"] and counted["signature"] > 40, f"counted as refused: {counted}")


@case("1 other genuine SNS messages; an RSA-1024 certificate is at fault: 503")
@threat("1, 7 recorded")
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
        pair = json.loads(body_of(recorded("sns", "perl-sns-verify-2019-surrogate-pair.json")))
        raw = lab.one("SELECT raw FROM notification WHERE message_id = ?", pair["MessageId"])
        equal(raw.encode(), body_of(recorded("sns", "perl-sns-verify-2019-surrogate-pair.json")), "bytes as received")


@case("88 topics, sellers and environments that no account names")
def not_ours():
    with Lab() as lab:
        topic, sellers, environment = ACCOUNTS["de"]
        name = "2017-06-27_PaymentCapture_Completed_2f854ae6.json"
        configure(lab, {"de": ACCOUNTS["de"]})
        lab.start()
        with nothing(lab, "88 an Amazon Pay topic without account"):
            unnamed = post_recorded(lab, "amazonpay", "2019-08-22_PaymentAuthorize_Open_9aacc6b9.json")
            equal((unnamed.status, "retry-after" in unnamed.headers), (503, True), "answer")
        with nothing(lab, "88 a stranger's topic"):
            equal(post_recorded(lab, "sns", "java-v2-sdk-2026-sigv2.json").status, 403, "answer")
        lab.stop()
        equal(lab.rows("SELECT topic_arn FROM refused_topic ORDER BY 1"),
              [(ACCOUNTS["us"][0],), ("arn:aws:sns:us-west-2:131990247566:dongie-standard-topic",)], "refused topics")
        equal(lab.one("SELECT count(*) FROM notification"), 0, "rows")
        for change in ((topic, ["SOMEBODYELSE"], environment), (topic, sellers, "live")):
            with Lab() as other, threat("92, 93 seller, environment"):
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
        with nothing(lab, "95 2014"):
            equal(post_recorded(lab, "amazonpay", SIGNED[0] + ".json").status, 403, "answer")
        equal(lab.one("SELECT count(*) FROM notification"), 0, "rows")
