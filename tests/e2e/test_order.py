"""Whatever the order of arrival, and however often: the same facts end in the same rows."""

import json
import os
import random
import time

from authority import stamp_of
from lab import NAMESPACE, Lab, case, check, equal, inner, wait_for
from threats import threat

STATE_TABLES = ("order_reference", "authorization", "capture", "refund")
ORDERS = 10  # of arrival, per story


def price(name, amount):
    return f"<{name}><Amount>{amount}</Amount><CurrencyCode>EUR</CurrencyCode></{name}>"


def ids(found):
    return "<IdList>" + "".join(f"<Id>{i}</Id>" for i in found) + "</IdList>"


def document(root, child, *members):
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{NAMESPACE}"><{child}>{"".join(members)}</{child}></{root}>'


def status(name, state, at, reason=None):
    return (f"<{name}><State>{state}</State><LastUpdateTimestamp>{at}</LastUpdateTimestamp>" +
            (f"<ReasonCode>{reason}</ReasonCode>" if reason else "") + f"</{name}>")


def minute(n, ms=0):
    return f"2026-01-02T{3 + n // 60:02}:{n % 60:02}:00.{ms:03}Z"


def order(ident, state, at, reason=None, total="100.00"):
    return "OrderReferenceNotification", document(
        "OrderReferenceNotification", "OrderReference", f"<AmazonOrderReferenceId>{ident}</AmazonOrderReferenceId>",
        price("OrderTotal", total), "<SellerOrderAttributes><SellerId>AREHEARSAL</SellerId><SellerOrderId>shop-1"
        "</SellerOrderId><OrderItemCategories/></SellerOrderAttributes>", status("OrderReferenceStatus", state, at, reason),
        f"<CreationTimestamp>{minute(0)}</CreationTimestamp><ExpirationTimestamp>2026-07-01T03:00:00.000Z</ExpirationTimestamp>")


def authorization(ident, state, at, reason=None, captured="0.0", captures=()):
    return "PaymentAuthorize", document(
        "AuthorizationNotification", "AuthorizationDetails", f"<AmazonAuthorizationId>{ident}</AmazonAuthorizationId>",
        f"<AuthorizationReferenceId>a-{ident[-6:]}</AuthorizationReferenceId>", price("AuthorizationAmount", "60.0"),
        price("CapturedAmount", captured), price("AuthorizationFee", "0.0"), ids(captures),
        f"<CreationTimestamp>{minute(1)}</CreationTimestamp><ExpirationTimestamp>2026-02-01T03:01:00.000Z"
        "</ExpirationTimestamp>", status("AuthorizationStatus", state, at, reason),
        "<OrderItemCategories/><CaptureNow>false</CaptureNow><SoftDescriptor/>")


def capture(ident, state, at, reason=None, refunded="0.0", refunds=()):
    return "PaymentCapture", document(
        "CaptureNotification", "CaptureDetails", f"<AmazonCaptureId>{ident}</AmazonCaptureId>",
        f"<CaptureReferenceId>c-{ident[-6:]}</CaptureReferenceId>", price("CaptureAmount", "60.0"),
        price("RefundedAmount", refunded), price("CaptureFee", "0.0"), ids(refunds),
        f"<CreationTimestamp>{minute(2)}</CreationTimestamp>", status("CaptureStatus", state, at, reason), "<SoftDescriptor/>")


def refund(ident, state, at, reason=None, amount="5.0"):
    return "PaymentRefund", document(
        "RefundNotification", "RefundDetails", f"<AmazonRefundId>{ident}</AmazonRefundId>",
        f"<RefundReferenceId>r-{ident[-6:]}</RefundReferenceId><RefundType>SellerInitiated</RefundType>",
        price("RefundAmount", amount), price("FeeRefunded", "0.0"), f"<CreationTimestamp>{minute(5)}</CreationTimestamp>",
        status("RefundStatus", state, at, reason), "<SoftDescriptor/>")


S = "S01-7654321-1234567"
STORY = (
    order(S, "Open", minute(0)), order(S, "Suspended", minute(4), "InvalidPaymentMethod"), order(S, "Open", minute(6)),
    order(S, "Suspended", minute(8), "InvalidPaymentMethod"), order(S, "Open", minute(9)),
    order(S, "Open", minute(9), total="120.00"),  # once more, with another total
    order(S, "Closed", minute(20), "SellerClosed", total="120.00"), order(S, "Canceled", minute(21), "AmazonCanceled"),
    authorization(S + "-A000001", "Pending", minute(1)), authorization(S + "-A000001", "Open", minute(3)),
    authorization(S + "-A000001", "Closed", minute(1), "MaxCapturesProcessed", "60.0", [S + "-C000009"]),
    authorization(S + "-A000002", "Pending", minute(1)),
    authorization(S + "-A000002", "Open", minute(3)),
    authorization(S + "-A000002", "Declined", minute(7), "AmazonRejected"),  # cannot follow Open
    capture(S + "-C000009", "Pending", minute(2)), capture(S + "-C000009", "Completed", minute(3)),
    capture(S + "-C000009", "Completed", minute(3), refunded="5.0", refunds=[S + "-R000001"]),
    capture(S + "-C000009", "Completed", minute(3), refunded="9.0", refunds=[S + "-R000002"]),
    capture(S + "-C000009", "Closed", minute(15), "MaxAmountRefunded", "60.0"),
    capture(S + "-C000003", "Completed", minute(3)),
    refund(S + "-R000001", "Pending", minute(5)), refund(S + "-R000001", "Completed", minute(6)),
    refund(S + "-R000002", "Completed", minute(7), amount="4.0"),
    refund(S + "-R000003", "Pending", minute(7)), refund(S + "-R000003", "Declined", minute(8), "ProcessingFailure"),
)


def bodies_of(lab, story):
    """Signed messages, each sent a second after the one before."""
    start = time.time() - 3600
    return [json.dumps(lab.envelope(inner(xml, NotificationType=kind), Timestamp=stamp_of(start + i)))
            for i, (kind, xml) in enumerate(story)]


def final(lab):
    """What must not depend on the order: the state, the history, which facts are held, what was told."""
    found = {t: lab.rows(f"SELECT * FROM {t} ORDER BY 1") for t in STATE_TABLES}
    found["transition"] = lab.rows(
        "SELECT t.object_type, t.object_id, from_state, to_state, reason_code, at, n.message_id, t.account, t.environment "
        "FROM transition t JOIN notification n ON n.id = notification_id ORDER BY 1, 2, 6, 4")
    found["fact"] = lab.rows(
        "SELECT f.object_type, f.object_id, f.state, f.at, f.place, f.from_state, f.amount_minor, f.done_minor, f.reason_code, "
        "n.message_id FROM fact f JOIN notification n ON n.id = f.notification_id ORDER BY 1, 2, 4, 3")
    found["fact_id"] = lab.rows("SELECT f.object_id, f.state, f.at, i.object_id FROM fact_id i JOIN fact f "
                                "ON f.id = i.fact_id ORDER BY 1, 2, 3, 4")
    return found


def restart_empty(lab):
    if "ipnd" in lab.daemons:
        lab.stop()
    state = os.path.dirname(lab.database)
    for name in os.listdir(state):
        os.unlink(os.path.join(state, name))
    lab.start()


def check_told(lab, what):
    equal(lab.rows("SELECT id FROM transition t WHERE (SELECT count(*) FROM event e WHERE e.transition_id = t.id) <> 1"), [],
          what + ": transitions that were not told once")
    untold = lab.rows("SELECT f.object_id, f.state FROM fact f WHERE f.place IS NULL AND NOT EXISTS (SELECT * FROM event e "
                      "WHERE e.name = 'notification.conflict' AND e.state = f.state AND e.updated_at = f.at)")
    equal(untold, [], what + ": held facts that were not told")
    equal(lab.rows("SELECT transition_id FROM event WHERE transition_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1"), [],
          what + ": told twice")


@case("a rehearsal's own messages in every order that was tried end in the same rows, bit for bit")
def rehearsal_in_any_order():
    with Lab() as lab:
        lab.start()
        lab.run("ipn-simulate", "play", "one-time", "--config", lab.config)
        bodies = [r[0] for r in lab.rows("SELECT raw FROM notification ORDER BY id")]
        expected, choose = final(lab), random.Random(1)
        equal([len(expected[t]) for t in STATE_TABLES], [1, 1, 1, 1], "objects")
        orders = [bodies[::-1]] + [choose.sample(bodies * (1 + i % 3), len(bodies) * (1 + i % 3)) for i in range(ORDERS)]
        for number, arrival in enumerate(orders):
            restart_empty(lab)
            c = lab.connect()
            for body in arrival:
                equal(lab.post(body, connection=c).status, 200, "post")
            c.close()
            equal(final(lab), expected, f"order {number}")
            check_told(lab, f"order {number}")


@case("suspended and open again, conflicts, equal times, partial refunds: the same rows in any order, each move told once")
@threat("168 any order")
def story_in_any_order():
    with Lab() as lab:
        bodies = bodies_of(lab, STORY)
        expected, choose = None, random.Random(2)
        orders = [bodies, bodies[::-1]] + [choose.sample(bodies * (1 + i % 2), len(bodies) * (1 + i % 2)) for i in range(ORDERS)]
        for number, arrival in enumerate(orders):
            restart_empty(lab)
            c = lab.connect()
            for body in arrival:
                equal(lab.post(body, connection=c).status, 200, "post")
            c.close()
            found = final(lab)
            expected = expected or found
            for table in expected:
                equal(found[table], expected[table], f"order {number}: {table}")
            check_told(lab, f"order {number}")
            equal(lab.one("SELECT count(*) FROM notification"), len(bodies), f"order {number}: rows")
        check_story(lab)


def check_story(lab):
    """The end of STORY, by hand."""
    equal(lab.rows("SELECT state, reason_code, amount_minor, updated_at FROM order_reference"),
          [("Closed", "SellerClosed", 12000, minute(20))], "the order")
    equal(lab.rows("SELECT from_state, to_state, at FROM transition WHERE object_type = 'order_reference' ORDER BY at"),
          [(None, "Open", minute(0)), ("Open", "Suspended", minute(4)), ("Suspended", "Open", minute(6)),
           ("Open", "Suspended", minute(8)), ("Suspended", "Open", minute(9)), ("Open", "Closed", minute(20))], "its moves")
    equal(lab.rows("SELECT authorization_id, state, reason_code, captured_minor FROM authorization ORDER BY 1"),
          [(S + "-A000001", "Closed", "MaxCapturesProcessed", 6000), (S + "-A000002", "Open", None, 0)],
          "authorizations")
    equal(lab.rows("SELECT capture_id, authorization_id, state, refunded_minor FROM capture ORDER BY 1"),
          [(S + "-C000003", None, "Completed", 0), (S + "-C000009", S + "-A000001", "Closed", 6000)], "captures")
    equal(lab.rows("SELECT refund_id, capture_id, state, amount_minor FROM refund ORDER BY 1"),
          [(S + "-R000001", S + "-C000009", "Completed", 500), (S + "-R000002", S + "-C000009", "Completed", 400),
           (S + "-R000003", None, "Declined", 500)], "refunds")
    equal(lab.rows("SELECT object_id, state FROM fact WHERE place IS NULL ORDER BY 1, 2"),
          [(S, "Canceled"), (S + "-A000002", "Declined")], "held")


@case("hooks of a shuffled story: each event once, those of one order in order, late ones marked")
def hooks_in_order():
    with Lab() as lab:
        lab.start()
        lab.start("ipn-hookd")
        bodies = bodies_of(lab, STORY)
        random.Random(3).shuffle(bodies)
        c = lab.connect()
        for body in bodies:
            equal(lab.post(body, connection=c).status, 200, "post")
        c.close()
        events = lab.one("SELECT count(*) FROM event")
        wait_for("hooks", lambda: lab.one("SELECT count(*) FROM hook_run WHERE state = 'done'") == events)
        with open(os.path.join(lab.home, "events.jsonl")) as f:
            ran = [json.loads(line) for line in f]
        equal(sorted(r["event_id"] for r in ran), list(range(1, events + 1)), "each once")
        equal([r["event_id"] for r in ran], sorted(r["event_id"] for r in ran), "in order: it is one order reference")
        check(lab.one("SELECT count(*) FROM event WHERE late = 1") > 0, "a shuffled story has late events")
