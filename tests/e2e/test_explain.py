"""ipnctl explain, list and show: what looks wrong is said, what Amazon allows is named; every scenario, in any order."""

import json
import re

from lab import NAMESPACE, Lab, capture_xml, case, check, equal, inner, wait_for
from test_types import agreement, ago, authorization, chargeback, price, status

ORDER = "S01-1111111-2222222"


def order(state, updated, total="19.95", currency="USD"):
    return inner(f'<OrderReferenceNotification xmlns="{NAMESPACE}"><OrderReference>'
                 f"<AmazonOrderReferenceId>{ORDER}</AmazonOrderReferenceId>{price('OrderTotal', total, currency)}"
                 f"<SellerOrderAttributes><SellerOrderId>shop-7</SellerOrderId></SellerOrderAttributes>"
                 f"{status('OrderReferenceStatus', state, updated)}<CreationTimestamp>{ago(7200)}</CreationTimestamp>"
                 f"<ExpirationTimestamp>{ago(-180 * 86400)}</ExpirationTimestamp></OrderReference></OrderReferenceNotification>",
                 NotificationType="OrderReferenceNotification")


def capture(number, amount, currency="USD", state="Completed", updated=None):
    updated = updated or ago(1800)
    xml = capture_xml(f"{ORDER}-C{number:06}", state, amount, currency, updated)
    return inner(xml.replace("2026-01-02T03:04:05.006Z</CreationTimestamp>", ago(1800) + "</CreationTimestamp>"))


def tell(lab, *messages):
    for m in messages:
        equal(lab.send(lab.envelope(m)).status, 200, m)


def explained(lab, name=ORDER):
    """The story, and what looks wrong in it but for hooks that have still to be run."""
    story = json.loads(lab.ctl("--json", "explain", name).stdout)
    return story, {(w["about"], w["what"]) for w in story["wrong"] if not w["what"].startswith("hooks wait")}


@case("explain: a forbidden move, a state left that is final, another currency, more captured than allowed: each is said")
def flags():
    with Lab() as lab:
        lab.start()
        tell(lab, order("Open", ago(7000)), authorization(1, "Open", ago(3600), ago(-30 * 86400)))
        story, wrong = explained(lab)
        equal(wrong, set(), "nothing is wrong yet")
        equal([(n["about"], n["operation"]) for n in story["now"]],
              [(ORDER, "Authorize"), (ORDER, "CloseOrderReference"), (ORDER, "CancelOrderReference"),
               (ORDER + "-A000001", "Capture"), (ORDER + "-A000001", "CloseAuthorization")], "what the API allows")
        # 5.00 were authorized: 5.75 may be captured, 5.76 may not.
        tell(lab, capture(1, "5.76"))
        _, wrong = explained(lab)
        check((ORDER + "-A000001", "5.76 USD were captured of it, more than the 5.75 USD that Amazon allows: look at it in "
               "Seller Central") in wrong, f"above the allowance: {wrong}")
        tell(lab, capture(2, "5.0", "EUR"))
        _, wrong = explained(lab)
        check(any(a == ORDER + "-C000002" and w.startswith("is in EUR, and " + ORDER) for a, w in wrong), f"currency: {wrong}")
        # A move that is forbidden, and a final state that is left: held.
        tell(lab, capture(1, "5.76", state="Declined", updated=ago(900)), order("Canceled", ago(800)), order("Open", ago(700)))
        _, wrong = explained(lab)
        numbers = dict(lab.rows("SELECT object_id, id FROM fact WHERE place IS NULL"))
        equal(sorted(numbers), [ORDER, ORDER + "-C000001"], "held")
        for object_id, n in numbers.items():
            check(any(a == object_id and f"ipnctl conflicts accept {n} or dismiss {n}" in w for a, w in wrong), f"{wrong}")
        text = lab.ctl("explain", "shop-7").stdout
        for _, words in wrong:
            check(words in text, f"{words} is not in {text}")
        # What a person has dismissed is said no more as wrong, but it is told.
        lab.ctl("conflicts", "dismiss", str(numbers[ORDER]))
        _, wrong = explained(lab)
        check(not any(a == ORDER and "held" in w for a, w in wrong), f"{wrong}")
        check(f"dismissed that it is Open since" in lab.ctl("explain", ORDER).stdout, "in the timeline")
        lab.ctl("conflicts", "accept", str(numbers[ORDER + "-C000001"]))
        check("Declined; accepted by a person" in lab.ctl("explain", ORDER + "-C000001").stdout, "accepted")


@case("explain: of an order all its objects and chargebacks, and nothing of what is called nearly alike")
def nearly_alike():
    with Lab() as lab:
        lab.start()
        named = [chargeback().replace(ORDER, of).replace("C9KEXAMPLE", name)
                 for name, of in (("CB1", ORDER), ("CB1", ORDER + "9"), (ORDER + "-CB", ORDER + "9"))]
        tell(lab, order("Open", ago(7000)), capture(1, "1.0"), *named)

        def transitions(name):
            told = [t for t in explained(lab, name)[0]["timeline"] if t["kind"] == "transition"]
            return sorted(t["object_id"] for t in told)

        equal(lab.one("SELECT count(*) FROM fact WHERE begins IS NOT NULL"), 5, "transitions")
        equal(transitions(ORDER), ["CB1", ORDER, ORDER + "-C000001"], "the order")
        equal(transitions(ORDER + "9"), ["CB1", ORDER + "-CB"], "the other one")
        equal(transitions("S01"), [], "what is not an id")


@case("explain, list and show: agreements and chargebacks by any name of theirs")
def other_objects():
    with Lab() as lab:
        lab.start()
        tell(lab, agreement("Open", "2026-01-01T00:00:10.000Z", "PaymentMethodUpdated", "480.05"), order("Open", ago(7000)))
        e = lab.envelope(chargeback())
        equal(lab.send(e).status, 200, "chargeback")
        for name in ("C01-7654321-1234567", "sub-7"):
            story, wrong = explained(lab, name)
            equal((story["id"], story["billing_agreement"]["remaining_minor"], wrong), ("C01-7654321-1234567", 48005, set()), name)
            check("AuthorizeOnBillingAgreement" in {n["operation"] for n in story["now"]}, name)
        check("480.05 USD left of 500.00 USD" in lab.ctl("explain", "sub-7").stdout, "limit")
        for name in (ORDER, "C9KEXAMPLE", e["MessageId"], "shop-7"):
            story, wrong = explained(lab, name)
            equal([c["chargeback_id"] for c in story["chargebacks"]], ["C9KEXAMPLE"], name)
            check(("C9KEXAMPLE", "the buyer's bank takes 19.95 USD back: Unauthorized Transaction Chargeback") in wrong, name)
        check("C01-7654321-1234567" in lab.ctl("list", "agreements", "--state", "open").stdout, "list agreements")
        lab.ctl("list", "agreements", "--state", "suspended", code=1)
        lab.ctl("list", "agreements", "--state", "pending", code=64)
        check("C9KEXAMPLE" in lab.ctl("list", "chargebacks", "--since", "2026-01-01").stdout, "list chargebacks")
        lab.ctl("list", "credits", code=1)
        lab.ctl("list", "reversals", code=1)
        equal(json.loads(lab.ctl("--json", "show", "C9KEXAMPLE").stdout)["reason"], "Unauthorized Transaction Chargeback", "show")
        equal(json.loads(lab.ctl("--json", "show", "sub-7").stdout)["kind"], "billing_agreement", "show")


@case("ipn-simulate: every scenario, as it is and shuffled with duplicates; nothing held, nothing wrong but what is meant")
def scenarios():
    names = [line.split()[0] for line in Lab.run(None, "ipn-simulate", "list").stdout.splitlines()]
    check(len(names) == len(set(names)) > 10, names)
    with Lab() as lab:
        lab.start()
        lab.start("ipn-hookd")
        for i, name in enumerate(names):
            for options in ((), ("--shuffle", str(i), "--duplicate", "1")):
                said = lab.run("ipn-simulate", "play", name, "-c", lab.config, *options).stdout
                ids = re.findall(r"^(?:order reference|billing agreement) ([^;]*); next: ipnctl .* explain \1$", said, re.M)
                check(ids, said)
                for object_id in ids:
                    story, wrong = explained(lab, object_id)
                    meant = {w for w in wrong if "the buyer's bank takes" in w[1]}
                    equal(wrong - meant, set(), f"{name} {options}")
                    check(story["now"], f"{name}: {object_id} leaves an operator guessing")
                    lab.ctl("explain", object_id)
        equal(lab.one("SELECT count(*) FROM fact WHERE place IS NULL"), 0, "held")
        equal(lab.rows("SELECT verdict FROM notification WHERE verdict NOT IN ('applied', 'unchanged', 'stale')"), [], "verdicts")
        wait_for("every hook", lambda: lab.one("SELECT count(*) FROM event e WHERE NOT EXISTS (SELECT 1 FROM hook_run r "
                                               "WHERE r.event_id = e.id AND r.state = 'done')") == 0)
        # Each pair of plays ends in the same states.
        for table in ("order_reference", "billing_agreement", "authorization", "capture", "refund", "provider_credit",
                      "provider_credit_reversal"):
            for state, reason, n in lab.rows(f"SELECT state, reason_code, count(*) FROM {table} GROUP BY 1, 2"):
                equal(n % 2, 0, f"{table} {state} {reason}")
        check("does not know" not in lab.log(), "no element that is not known")
