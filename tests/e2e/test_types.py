"""Every type of notification: Amazon's own test documents, agreements and their changes, deadlines, what is not known."""

import json
import os
import re
import time

from lab import Clock, NAMESPACE, Lab, capture_xml, case, check, equal, inner, recorded, wait_for

TYPES = {"Authorization": "PaymentAuthorize", "Capture": "PaymentCapture", "ORO": "OrderReferenceNotification",
         "ProviderCredit": "ProviderCredit", "SolutionProvider": "SolutionProviderEvent"}
XML = {  # what each of Amazon's test documents ends as
    "AuthorizationNotificationValid": ("authorization", "P0R-3qDULjU-tcTzqWU-A014488", "Closed"),
    "CaptureNotificationValid": ("capture", "P0R-3qDULjU-tcTzqWU-A014488", "Closed"),
    "ORONotificationValid": ("order_reference", "P0R-T9jl5tI-qryuG17", "Closed"),
    "ProviderCreditNotificationValid": ("provider_credit", "S01-1672273-0904884-P042709", "Completed"),
    "SolutionProviderMerchantNotificationValid": ("solution_provider", "A0677458196RUTCRWHDJQ", "Register"),
    "AuthorizationNotificationWithAdditionalElementsValid": ("authorization", "P0R-3qDULjU-tcTzqWU-A014488", "Closed"),
    "CaptureNotificationWithAdditionalElementsValid": ("capture", "P0R-3qDULjU-tcTzqWU-A014488", "Closed"),
    "ProviderCreditNotificationWithAdditionalElementsValid": ("provider_credit", "S01-1672273-0904884-P042709", "Completed"),
    "SolutionProviderMerchantNotificationWithAdditionalElementsValid":
        ("solution_provider", "A0677458196RUTCRWHDJQ", "Register"),
    "ORONotificationWithAdditionalElementsValid": None,
    "AuthorizationNotificationWithMissingMandatoryFields": None,
    "CaptureNotificationWithMissingMandatoryFields": None,
    "ORONotificationWithMissingMandatoryFields": None,
    "ProviderCreditNotificationWithMissingMandatoryFields": None,
    "SolutionProviderMerchantNotificationWithMissingMandatoryFields": None,
}


def price(name, amount, currency="USD"):
    return f"<{name}><Amount>{amount}</Amount><CurrencyCode>{currency}</CurrencyCode></{name}>"


def status(name, state, updated, reason=None):
    why = f"<ReasonCode>{reason}</ReasonCode>" if reason else ""
    return f"<{name}><State>{state}</State><LastUpdateTimestamp>{updated}</LastUpdateTimestamp>{why}</{name}>"


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - seconds))


def agreement_xml(state, updated, remaining="500.0"):
    return (f'<BillingAgreementNotification xmlns="{NAMESPACE}"><BillingAgreement>'
            f"<AmazonBillingAgreementId>C01-7654321-1234567</AmazonBillingAgreementId>"
            f"<SellerBillingAgreementAttributes><SellerBillingAgreementId>sub-7</SellerBillingAgreementId>"
            f"</SellerBillingAgreementAttributes>{status('BillingAgreementStatus', state, updated)}"
            f"<CreationTimestamp>2026-01-01T00:00:00.000Z</CreationTimestamp><BillingAgreementLimits>"
            f"{price('AmountLimitPerTimePeriod', '500.0')}<TimePeriodStartDate>2026-01-01T00:00:00.000Z</TimePeriodStartDate>"
            f"<TimePeriodEndDate>2026-02-01T00:00:00.000Z</TimePeriodEndDate>{price('CurrentRemainingBalance', remaining)}"
            f"</BillingAgreementLimits><BillingAgreementConsent>true</BillingAgreementConsent>"
            f"</BillingAgreement></BillingAgreementNotification>")


def agreement(state, updated, event_type, remaining="500.0"):
    return inner(agreement_xml(state, updated, remaining), NotificationType="BillingAgreementNotification",
                 EventType=event_type)


def chargeback(reason="Unauthorized Transaction Chargeback"):
    return inner(f'<ChargebackNotification xmlns="{NAMESPACE}"><ChargebackDetails>'
                 f"<AmazonChargebackId>C9KEXAMPLE</AmazonChargebackId>"
                 f"<AmazonOrderReferenceId>S01-1111111-2222222</AmazonOrderReferenceId>"
                 f"<AmazonCaptureReferenceId>ref</AmazonCaptureReferenceId>{price('ChargebackAmount', '19.95')}"
                 f"<CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp><ChargebackState>RECEIVED</ChargebackState>"
                 f"<ChargebackReason>{reason}</ChargebackReason></ChargebackDetails></ChargebackNotification>",
                 NotificationType="Chargeback Detailed Notification")


def authorization(number, state, created, expires):
    return inner(f'<AuthorizationNotification xmlns="{NAMESPACE}"><AuthorizationDetails>'
                 f"<AmazonAuthorizationId>S01-1111111-2222222-A{number:06}</AmazonAuthorizationId>"
                 f"<AuthorizationReferenceId>auth</AuthorizationReferenceId>{price('AuthorizationAmount', '5.0')}"
                 f"{price('CapturedAmount', '0.0')}{price('AuthorizationFee', '0.0')}<IdList/>"
                 f"<CreationTimestamp>{created}</CreationTimestamp><ExpirationTimestamp>{expires}</ExpirationTimestamp>"
                 f"{status('AuthorizationStatus', state, created)}</AuthorizationDetails></AuthorizationNotification>",
                 NotificationType="PaymentAuthorize")


def add_hook(lab, on="*"):
    """A hook that keeps what it is told, one line each."""
    told = os.path.join(lab.folder, "told")
    script = os.path.join(lab.folder, "keep")
    with open(script, "w") as f:
        f.write(f"#!/bin/sh\nenv | grep ^IPN_ | tr '\\n' ';' >> {told}.env; echo >> {told}.env\ncat >> {told}\n")
    os.chmod(script, 0o755)
    lab.configure(lambda text: text + f'hook "keep" {{\n\ton = {{"{on}"}}\n\trun = {{"{script}"}}\n\tenvironment = any\n}}\n')
    return told


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return f.read().splitlines()


@case("1 Amazon's own test documents: the right rows, or unrecognized where something mandatory is missing")
def amazons_documents():
    for more in (False, True):
        with Lab() as lab:
            lab.start()
            for name, expected in XML.items():
                if ("Additional" in name) == more:
                    amazons_document(lab, name, expected)
            unknown = re.findall(r"has an element (\w+), which this version does not know", lab.log())
            equal(sorted(unknown), ["AnotherTest", "Test", "TestElement"] if more else [], "said once per name")


def amazons_document(lab, name, expected):
    with open(recorded("xml", name + ".xml"), encoding="utf-8-sig") as f:
        text = f.read()
    e = lab.envelope(inner(text, NotificationType=next(v for k, v in TYPES.items() if name.startswith(k))))
    equal(lab.send(e).status, 200, name)
    verdict, why = lab.rows("SELECT verdict, why FROM notification WHERE message_id = ?", e["MessageId"])[0]
    if not expected:
        equal(verdict, "unrecognized", name)
        check(why.endswith("is missing"), f"{name}: {why}")
        equal(lab.one("SELECT count(*) FROM fact f JOIN notification n ON n.id = f.notification_id WHERE n.message_id = ?",
                      e["MessageId"]), 0, name)
        return
    equal(verdict, "applied", f"{name}: {why}")
    table, object_id, state = expected
    key = "seller_id" if table == "solution_provider" else table + "_id"
    equal(lab.rows(f"SELECT {key}, state FROM {table}"), [(object_id, state)], name)
    equal(lab.rows("SELECT object_type, object_id, state FROM event ORDER BY id DESC LIMIT 1"), [(table, object_id, state)], name)


@case("an agreement's life: states, limits, changes; hooks are told of each once")
def agreements():
    with Lab() as lab:
        told = add_hook(lab, "billing_agreement.*")
        lab.start()
        lab.start("ipn-hookd")
        steps = [agreement("Open", "2026-01-01T00:00:10.000Z", "BillingAgreementStatusUpdated"),
                 agreement("Open", "2026-01-02T00:00:10.000Z", "PaymentMethodUpdated", "480.05"),
                 agreement("Open", "2026-01-02T00:00:10.000Z", "PaymentMethodUpdated", "480.05"),
                 agreement("Suspended", "2026-01-03T00:00:10.000Z", "BillingAgreementStatusUpdated", "480.05"),
                 agreement("Open", "2026-01-04T00:00:10.000Z", "AddressAndPaymentMethodUpdated", "480.05"),
                 agreement("Canceled", "2026-01-05T00:00:10.000Z", "SomethingNew", "480.05")]
        for step in steps:
            equal(lab.send(lab.envelope(step)).status, 200, step)
        names = ["open", "payment_method_updated", "suspended", "open", "address_and_payment_method_updated", "canceled"]
        wait_for("hooks", lambda: len(lines(told)) == len(names))
        facts = [json.loads(line) for line in lines(told)]
        equal([f["event"] for f in facts], ["billing_agreement." + n for n in names], "in order")
        equal({f["billing_agreement_id"] for f in facts}, {"C01-7654321-1234567"}, "id")
        equal(facts[0]["amount"], None, "an agreement has no amount")
        equal(facts[-1]["object"]["remaining_minor"], 48005, "the object as it stands")
        check("IPN_BILLING_AGREEMENT_ID=C01-7654321-1234567;" in lines(told + ".env")[0], "environment")
        equal(lab.rows("SELECT state, limit_minor, remaining_minor, seller_billing_agreement_id FROM billing_agreement"),
              [("Canceled", 50000, 48005, "sub-7")], "row")
        equal(lab.log().count("EventType SomethingNew"), 1, "said")


@case("chargebacks: a row and an event for each notification, also under one id; the hook gets its own row")
def chargebacks():
    with Lab() as lab:
        told = add_hook(lab, "chargeback.*")
        lab.start()
        lab.start("ipn-hookd")
        first = lab.envelope(chargeback())
        for e in (first, first, lab.envelope(chargeback("Generic Service Chargeback"))):
            equal(lab.send(e).status, 200, "post")
        equal(lab.rows("SELECT chargeback_id, reason, amount_minor FROM chargeback ORDER BY notification_id"),
              [("C9KEXAMPLE", "Unauthorized Transaction Chargeback", 1995), ("C9KEXAMPLE", "Generic Service Chargeback", 1995)],
              "rows")
        wait_for("hooks", lambda: len(lines(told)) == 2)
        facts = [json.loads(line) for line in lines(told)]
        equal([f["object"]["reason"] for f in facts], ["Unauthorized Transaction Chargeback", "Generic Service Chargeback"],
              "each its own")
        equal({f["order_reference_id"] for f in facts}, {"S01-1111111-2222222"}, "order")


@case("what is not known is said once, by its name alone; a doubled, mixed or missing element is kept and not applied")
def not_known():
    with Lab() as lab:
        lab.start()
        secret = "Jane Buyer, 12 Example Street"
        for n in range(3):
            xml = capture_xml(f"S01-1111111-2222222-C00000{n}", extra=f"<ShipTo><Name>{secret}</Name></ShipTo><Gift/>")
            equal(lab.send(lab.envelope(inner(xml))).status, 200, "unknown")
        for bad in (capture_xml(extra="<SoftDescriptor/>"), capture_xml(extra="text"),
                    capture_xml().replace("<CaptureReferenceId>ref</CaptureReferenceId>", ""),
                    capture_xml(amount="19.955"), capture_xml(state="Open"),
                    capture_xml().replace("CaptureNotification", "RefundNotification")):
            equal(lab.send(lab.envelope(inner(bad))).status, 200, "kept")
        equal(lab.rows("SELECT verdict, count(*) FROM notification GROUP BY 1"), [("applied", 3), ("unrecognized", 6)], "verdicts")
        equal(lab.one("SELECT count(*) FROM notification WHERE raw LIKE '%Jane Buyer%'"), 3, "kept in raw")
        log = lab.log()
        equal(log.count("element ShipTo"), 1, log)
        equal(log.count("element Gift"), 1, log)
        check("Jane" not in log and "Street" not in log, "no buyer's data in the log")
        for sample in (True, "true", "TRUE"):
            equal(lab.send(lab.envelope(inner(IsSample=sample))).status, 200, "sample")
        equal(lab.send(lab.envelope(inner(IsSample=2))).status, 200, "perhaps a sample")
        equal(lab.rows("SELECT verdict, count(*) FROM notification GROUP BY 1"),
              [("applied", 3), ("sample", 3), ("unrecognized", 7)], "verdicts")


@case("deadlines: told once and ahead, after a reload, never when over")
def deadlines():
    with Lab() as lab:
        lab.configure(lambda text: text + 'deadline {\n\tauthorization = "1h"\n}\n')
        lab.start()
        day = 86400
        # In the sandbox an authorization ends after 2 days, whatever Amazon says.
        for number, age in ((1, 2 * day - 1800), (2, 2 * day - 2 * 3600), (3, 2 * day + 60), (4, 60)):
            equal(lab.send(lab.envelope(authorization(number, "Open", ago(age), ago(age - 30 * day)))).status, 200, str(number))
        lab.stop()
        lab.start()
        probe = "SELECT object_id FROM event WHERE name = 'deadline.authorization' ORDER BY id"
        wait_for("the deadline", lambda: lab.rows(probe) == [("S01-1111111-2222222-A000001",)])
        lab.configure(lambda text: text.replace('"1h"', '"3h"'))
        lab.daemons["ipnd"].send_signal(1)
        wait_for("one more", lambda: lab.rows(probe) == [("S01-1111111-2222222-A000001",), ("S01-1111111-2222222-A000002",)])
        lab.stop()
        lab.start()
        time.sleep(1)
        equal(len(lab.rows(probe)), 2, "not again")
        rows = [json.loads(line) for line in lab.ctl("deadlines", "--json", "--within", "3h").stdout.splitlines()]
        equal([(r["object_id"][-1], r["amount_minor"], r["deadline_event"] is not None) for r in rows if r["object_type"] == "authorization"],
              [("3", rows[0]["amount_minor"], False), ("1", rows[0]["amount_minor"], True), ("2", rows[0]["amount_minor"], True)],
              "what is over, what was told")
        table = lab.ctl("deadlines").stdout
        check(re.search(r"  over +authorization +S01-1111111-2222222-A000003 +Open", table), table)
        check(re.search(r"  29 min +authorization +S01-1111111-2222222-A000001 +Open +\d+\.\d\d \w{3}", table), table)
        check("no notification of that has come" in table and "ipnctl explain" in table, table)
        lab.ctl("deadlines", "--account", "nobody", code=1)
        lab.ctl("deadlines", "--within", "soon", code=64)

        # The clock is set forward, near the end of one and beyond that of another, then back.
        lab.stop()
        clock = Clock(lab, 0)
        lab.start()
        for number, left in ((5, 4 * 3600), (6, 3 * 3600 + 1800)):
            equal(lab.send(lab.envelope(authorization(number, "Open", ago(2 * day - left), ago(2 * day - left - 30 * day)))).status, 200,
                  str(number))
        clock.set(3 * 3600 + 2400)
        lab.daemons["ipnd"].send_signal(1)
        wait_for("after the jump", lambda: lab.rows(probe)[2:] == [("S01-1111111-2222222-A000005",)])
        clock.set(0)
        lab.daemons["ipnd"].send_signal(1)
        lab.stop()
        lab.start()
        time.sleep(1)
        equal(len(lab.rows(probe)), 3, "nothing twice, nothing that is over")
        lab.stop()
