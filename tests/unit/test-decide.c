/*
 * What the ledger makes of facts besides their fold: what a person decides, changes that are no change of state, notifications
 * without a time, deadlines, and a database of an earlier schema.
 */
#include <errno.h>

#include "ledger/apply.h"
#include "ledger/deadline.h"
#include "ledger/decide.h"
#include "ledger/query.h"
#include "rows.h"
#include "unit.h"

/* The structs own their strings in the programs; here they borrow constants. */
#define MUTABLE(s) ((char *)(uintptr_t)(s))
#define ORDER      "S01-1234567-7654321"
#define AGREEMENT  "C01-1234567-7654321"
#define HOUR_MS    INT64_C(3600000)
#define DAY_MS     (24 * HOUR_MS)

static const int64_t epoch = 1790000000000; /* 2026-09-21T14:13:20.000Z */
static struct ledger *ledger;
static char *path;
static struct account account = {
	.name = MUTABLE("shop"),
	.topic_arn = MUTABLE("arn:aws:sns:us-east-1:291180941288:T"),
	.environment = ENVIRONMENT_SANDBOX,
};
static const char *environment = "Sandbox";

static void fresh_path(void)
{
	CLEANUP(freep) char *folder = unit_folder();

	path = unit_format("%s/ipnd.db", folder);
}

static void open_it(void)
{
	struct why why;

	ck_assert_msg(ledger_open(path, LEDGER_OWN, &ledger, &why) == 0, "%s", why.text);
}

static void open_fresh(void)
{
	fresh_path();
	open_it();
}

static void close_it(void)
{
	ledger_close(ledger);
	free(path);
}

/* A notification; what the row does not say is absent. Times are seconds after `epoch`. */
struct told {
	enum object_type object;
	const char *id, *state, *event_type, *message;
	int updated_s; /* -1: carries no time */
	int sent_s;
	int created_s;
	const char *order, *reference, *ids, *expires;
};

static enum verdict tell(const struct told *t)
{
	struct ipn_notification n = {
		.type = TEXT("Some"),
		.seller_id = TEXT("SELLER"),
		.environment = text_of(environment),
		.event_type = text_of(t->event_type),
	};
	struct ipn_document d = {
		.object = t->object,
		.object_id = MUTABLE(t->id),
		.order_reference_id =
			t->order ? text_dup(text_of(t->order))
			: object_letter(t->object) || t->object == OBJECT_ORDER_REFERENCE
				? ipn_order_reference_of(t->id)
				: NULL,
		.state = MUTABLE(t->state),
		.reference_id = MUTABLE(t->reference),
		.currency = "USD",
		.amount = {true, 1995},
		.updated_ms = t->updated_s < 0 ? UTC_UNKNOWN : epoch + t->updated_s * 1000,
		.created_ms = epoch + t->created_s * 1000,
		.expires_ms = UTC_UNKNOWN,
		.period_start_ms = UTC_UNKNOWN,
		.period_end_ms = UTC_UNKNOWN,
		.soft_decline = IPN_UNKNOWN,
		.capture_now = IPN_UNKNOWN,
		.consent = IPN_UNKNOWN,
		.ids = {{MUTABLE(t->ids)}, t->ids ? 1 : 0},
	};
	struct ledger_message m = {
		.account = &account,
		.message_id = text_of(t->message),
		.sent_at_ms = epoch + t->sent_s * 1000,
		.received_at_ms = epoch + 1000000,
		.raw = TEXT("{}"),
		.notification = &n,
		.document = &d,
		.verdict = VERDICT_PASS,
	};
	enum verdict v = VERDICT_PASS;

	if (t->expires)
		ck_assert_int_eq(utc_parse(text_of(t->expires), &d.expires_ms), 0);
	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_msg(ledger_apply(ledger, &m, &v) == 0, "%s", ledger_error(ledger));
	ck_assert_int_eq(ledger_commit(ledger), 0);
	free(d.order_reference_id);
	return v;
}

static void expect(const char *sql, const char *rows)
{
	rows_expect(path, sql, rows);
}

static void run(const char *sql)
{
	rows_sql(path, sql);
}

static int decide(int64_t fact_id, enum decision decision)
{
	int r;

	ck_assert_int_eq(ledger_begin(ledger), 0);
	r = ledger_decide(ledger, fact_id, decision, "jane", epoch + 2000000);
	if (r == 0)
		ck_assert_int_eq(ledger_commit(ledger), 0);
	ledger_rollback(ledger);
	return r;
}

/* ---- what a person decides ---- */

static const struct told closed = {OBJECT_ORDER_REFERENCE,
				   ORDER,
				   "Closed",
				   NULL,
				   "m-closed",
				   10,
				   11,
				   0,
				   NULL,
				   NULL,
				   NULL,
				   NULL};
static const struct told reopened = {OBJECT_ORDER_REFERENCE,
				     ORDER,
				     "Open",
				     NULL,
				     "m-reopened",
				     20,
				     21,
				     0,
				     NULL,
				     NULL,
				     NULL,
				     NULL};
static const struct told canceled = {OBJECT_ORDER_REFERENCE,
				     ORDER,
				     "Canceled",
				     NULL,
				     "m-canceled",
				     30,
				     31,
				     0,
				     NULL,
				     NULL,
				     NULL,
				     NULL};

START_TEST(accepted)
{
	ck_assert_int_eq(tell(&closed), VERDICT_APPLIED);
	ck_assert_int_eq(tell(&reopened), VERDICT_CONFLICT);
	expect("SELECT state FROM order_reference", "Closed\n");
	ck_assert_int_eq(decide(2, DECISION_ACCEPTED), 0);
	expect("SELECT state FROM order_reference", "Open\n");
	expect("SELECT decision, decided_by, decided_at, place FROM fact WHERE id = 2",
	       "accepted|jane|2026-09-21T14:46:40.000Z|2\n");
	expect("SELECT from_state, to_state, skipped, accepted FROM transition ORDER BY at",
	       "|Closed|1|0\nClosed|Open|0|1\n");
	expect("SELECT name, previous_state, late, created_at, notification_id FROM event ORDER BY id",
	       "order_reference.closed||0|2026-09-21T14:30:00.000Z|1\n"
	       "notification.conflict|Closed|0|2026-09-21T14:30:00.000Z|2\n"
	       "order_reference.open|Closed|0|2026-09-21T14:46:40.000Z|2\n");
	/* Twice is once, and the fold goes on from there. */
	ck_assert_int_eq(decide(2, DECISION_ACCEPTED), -EALREADY);
	ck_assert_int_eq(decide(2, DECISION_DISMISSED), -EALREADY);
	ck_assert_int_eq(tell(&canceled), VERDICT_APPLIED);
	expect("SELECT state FROM order_reference", "Canceled\n");
	/* The verdict is what was true on arrival. */
	expect("SELECT verdict FROM notification ORDER BY id", "applied\nconflict\napplied\n");
}
END_TEST

/* The other way round: what comes between an accepted state and the one before changes nothing of it. */
START_TEST(accepted_stays_accepted)
{
	struct told again = reopened;

	again.message = "m-again";
	again.sent_s = 50;
	tell(&closed);
	tell(&reopened);
	tell(&canceled);
	expect("SELECT count(*) FROM fact WHERE place IS NULL", "2\n");
	ck_assert_int_eq(decide(2, DECISION_ACCEPTED), 0);
	/* Canceled follows from Open by itself. */
	expect("SELECT state FROM order_reference", "Canceled\n");
	expect("SELECT count(*) FROM fact WHERE place IS NULL", "0\n");
	ck_assert_int_eq(tell(&again), VERDICT_STALE);
	expect("SELECT decision FROM fact WHERE id = 2", "accepted\n");
	expect("SELECT name, late FROM event WHERE transition_id IS NOT NULL ORDER BY id",
	       "order_reference.closed|0\norder_reference.open|1\norder_reference.canceled|0\n");
}
END_TEST

/* What is accepted can make a conflict of what counted until then, and that is told. */
START_TEST(accepting_makes_a_conflict)
{
	const struct told declined = {OBJECT_CAPTURE,
				      ORDER "-C000001",
				      "Declined",
				      NULL,
				      "m-declined",
				      5,
				      6,
				      0,
				      NULL,
				      NULL,
				      NULL,
				      NULL};
	const struct told completed = {OBJECT_CAPTURE,
				       ORDER "-C000001",
				       "Completed",
				       NULL,
				       "m-completed",
				       4,
				       5,
				       0,
				       NULL,
				       NULL,
				       NULL,
				       NULL};
	const struct told full = {OBJECT_CAPTURE,
				  ORDER "-C000001",
				  "Closed",
				  NULL,
				  "m-full",
				  9,
				  10,
				  0,
				  NULL,
				  NULL,
				  NULL,
				  NULL};

	tell(&completed);
	tell(&full);
	ck_assert_int_eq(tell(&declined), VERDICT_CONFLICT);
	ck_assert_int_eq(decide(3, DECISION_ACCEPTED), 0);
	expect("SELECT state FROM capture", "Declined\n");
	expect("SELECT id, state FROM fact WHERE place IS NULL", "2|Closed\n");
	expect("SELECT name, object_id FROM event ORDER BY id",
	       "capture.completed|" ORDER "-C000001\ncapture.closed|" ORDER
	       "-C000001\nnotification.conflict|m-declined\ncapture.declined|" ORDER
	       "-C000001\nnotification.conflict|m-full\n");
	/* That one too. */
	ck_assert_int_eq(decide(2, DECISION_ACCEPTED), 0);
	expect("SELECT state FROM capture", "Closed\n");
}
END_TEST

START_TEST(dismissed)
{
	tell(&closed);
	tell(&reopened);
	ck_assert_int_eq(decide(2, DECISION_DISMISSED), 0);
	expect("SELECT state FROM order_reference", "Closed\n");
	expect("SELECT decision, decided_by, place FROM fact WHERE id = 2", "dismissed|jane|\n");
	expect("SELECT count(*) FROM event", "2\n");
	ck_assert_int_eq(decide(2, DECISION_DISMISSED), -EALREADY);
	/* A change of mind. */
	ck_assert_int_eq(decide(2, DECISION_ACCEPTED), 0);
	expect("SELECT state FROM order_reference", "Open\n");
}
END_TEST

/* Explained by another and held once more: who dismissed it is not asked again, by no event and by no list. */
START_TEST(dismissed_stays_dismissed)
{
	struct told suspended = reopened, canceled_between = canceled;

	suspended.state = "Suspended";
	suspended.message = "m-suspended";
	suspended.updated_s = 15;
	canceled_between.updated_s = 16;
	tell(&closed);
	tell(&reopened);
	ck_assert_int_eq(decide(2, DECISION_DISMISSED), 0);
	tell(&suspended);
	ck_assert_int_eq(decide(3, DECISION_ACCEPTED), 0);
	expect("SELECT place FROM fact WHERE id = 2", "3\n");
	tell(&canceled_between);
	expect("SELECT place, decision FROM fact WHERE id = 2", "|dismissed\n");
	expect("SELECT object_id FROM event WHERE name = 'notification.conflict' ORDER BY id",
	       "m-reopened\nm-suspended\n");
}
END_TEST

START_TEST(nothing_to_decide)
{
	tell(&closed);
	ck_assert_int_eq(decide(1, DECISION_ACCEPTED), -EALREADY);
	ck_assert_int_eq(decide(1, DECISION_DISMISSED), -EALREADY);
	ck_assert_int_eq(decide(7, DECISION_ACCEPTED), -ENOENT);
	ck_assert_int_eq(decide(0, DECISION_DISMISSED), -ENOENT);
	ck_assert_int_eq(decide(INT64_MIN, DECISION_DISMISSED), -ENOENT);
	expect("SELECT count(*) FROM fact WHERE decision IS NOT NULL", "0\n");
}
END_TEST

/* ---- changes that are no change of state ---- */

static struct told agreement(const char *state, const char *event_type, const char *message,
			     int updated_s)
{
	return (struct told){OBJECT_BILLING_AGREEMENT,
			     AGREEMENT,
			     state,
			     event_type,
			     message,
			     updated_s,
			     updated_s + 1,
			     0,
			     NULL,
			     NULL,
			     NULL,
			     NULL};
}

static enum verdict tell_agreement(const char *state, const char *event_type, const char *message,
				   int updated_s)
{
	const struct told t = agreement(state, event_type, message, updated_s);

	return tell(&t);
}

#define CHANGES                                                                                    \
	"SELECT name, previous_state, state, transition_id IS NULL, late, lane, billing_agreement_id FROM event ORDER BY id"

START_TEST(changes_are_told_once)
{
	ck_assert_int_eq(tell_agreement("Open", "PaymentMethodUpdated", "a", 10), VERDICT_APPLIED);
	ck_assert_int_eq(tell_agreement("Open", "PaymentMethodUpdated", "b", 10),
			 VERDICT_UNCHANGED);
	ck_assert_int_eq(tell_agreement("Open", "AddressUpdated", "c", 10), VERDICT_UNCHANGED);
	ck_assert_int_eq(tell_agreement("Open", "BillingAgreementStatusUpdated", "d", 12),
			 VERDICT_UNCHANGED);
	ck_assert_int_eq(tell_agreement("Open", "SomethingNew", "e", 13), VERDICT_UNCHANGED);
	ck_assert_int_eq(tell_agreement("Open", NULL, "f", 14), VERDICT_UNCHANGED);
	ck_assert_int_eq(tell_agreement("Suspended", "AddressAndPaymentMethodUpdated", "g", 20),
			 VERDICT_APPLIED);
	ck_assert_int_eq(tell_agreement("Open", "AddressUpdated", "h", 15), VERDICT_STALE);
	expect(CHANGES,
	       "billing_agreement.open||Open|0|0|" AGREEMENT "|" AGREEMENT "\n"
	       "billing_agreement.payment_method_updated||Open|1|0|" AGREEMENT "|" AGREEMENT "\n"
	       "billing_agreement.address_updated||Open|1|0|" AGREEMENT "|" AGREEMENT "\n"
	       "billing_agreement.suspended|Open|Suspended|0|0|" AGREEMENT "|" AGREEMENT "\n"
	       "billing_agreement.address_and_payment_method_updated||Suspended|1|0|" AGREEMENT
	       "|" AGREEMENT "\n"
	       "billing_agreement.address_updated||Open|1|1|" AGREEMENT "|" AGREEMENT "\n");
	expect("SELECT state, updated_at FROM billing_agreement",
	       "Suspended|2026-09-21T14:13:40.000Z\n");
}
END_TEST

/* A change that a held fact tells is told when a person accepts it. */
START_TEST(changes_of_held_facts)
{
	tell_agreement("Canceled", NULL, "a", 10);
	ck_assert_int_eq(tell_agreement("Open", "PaymentMethodUpdated", "b", 20), VERDICT_CONFLICT);
	expect("SELECT name FROM event ORDER BY id",
	       "billing_agreement.canceled\nnotification.conflict\n");
	ck_assert_int_eq(decide(2, DECISION_ACCEPTED), 0);
	expect("SELECT name FROM event WHERE id > 2 ORDER BY id",
	       "billing_agreement.open\nbilling_agreement.payment_method_updated\n");
	ck_assert_int_eq(tell_agreement("Open", "PaymentMethodUpdated", "c", 20),
			 VERDICT_UNCHANGED);
	expect("SELECT count(*) FROM event", "4\n");
}
END_TEST

/* ---- what carries no time: each notification is its own ---- */

START_TEST(chargebacks)
{
	const struct told one = {
		OBJECT_CHARGEBACK, "C9KEXAMPLE", "Received", NULL, "m1", -1, 11, 0, ORDER,
		"cap-1",           NULL,         NULL};
	struct told two = one, same;

	two.message = "m2";
	same = two;
	same.message = "m3"; /* in the same millisecond, even */
	two.sent_s = 10;
	ck_assert_int_eq(tell(&one), VERDICT_APPLIED);
	ck_assert_int_eq(tell(&one), VERDICT_DUPLICATE);
	ck_assert_int_eq(tell(&two), VERDICT_APPLIED);
	ck_assert_int_eq(tell(&same), VERDICT_APPLIED);
	expect("SELECT n.message_id, chargeback_id, order_reference_id, capture_reference_id, state, amount_minor, currency"
	       " FROM chargeback c JOIN notification n ON n.id = c.notification_id ORDER BY 1",
	       "m1|C9KEXAMPLE|" ORDER "|cap-1|RECEIVED|1995|USD\nm2|C9KEXAMPLE|" ORDER
	       "|cap-1|RECEIVED|1995|USD\nm3|C9KEXAMPLE|" ORDER "|cap-1|RECEIVED|1995|USD\n");
	expect("SELECT name, object_id, state, late, lane, transition_id FROM event ORDER BY id",
	       "chargeback.received|C9KEXAMPLE|RECEIVED|0|" ORDER "|1\n"
	       "chargeback.received|C9KEXAMPLE|RECEIVED|0|" ORDER "|2\n"
	       "chargeback.received|C9KEXAMPLE|RECEIVED|0|" ORDER "|3\n");
	expect("SELECT from_state, to_state, at FROM transition ORDER BY id",
	       "|RECEIVED|2026-09-21T14:13:31.000Z\n|RECEIVED|2026-09-21T14:13:30.000Z\n"
	       "|RECEIVED|2026-09-21T14:13:31.000Z\n");
	expect("SELECT count(*) FROM order_reference", "0\n");
}
END_TEST

START_TEST(registrations)
{
	const struct told one = {OBJECT_SOLUTION_PROVIDER,
				 "A1MERCHANT",
				 "Register",
				 NULL,
				 "m1",
				 -1,
				 11,
				 0,
				 NULL,
				 NULL,
				 NULL,
				 NULL};

	ck_assert_int_eq(tell(&one), VERDICT_APPLIED);
	expect("SELECT seller_id, state FROM solution_provider", "A1MERCHANT|Register\n");
	expect("SELECT name, object_type, object_id, lane FROM event",
	       "solution_provider.registered|solution_provider|A1MERCHANT|A1MERCHANT\n");
}
END_TEST

/* A capture names its provider credits, a credit its reversals, a refund the reversals that it brought. */
START_TEST(provider_links)
{
	static const struct told rows[] = {
		{OBJECT_PROVIDER_CREDIT_REVERSAL, ORDER "-Q000001", "Completed", NULL, "q", 9, 9, 0,
		 NULL, NULL, NULL, NULL},
		{OBJECT_PROVIDER_CREDIT, ORDER "-P000001", "Completed", NULL, "p", 4, 4, 0, NULL,
		 NULL, ORDER "-Q000001", NULL},
		{OBJECT_CAPTURE, ORDER "-C000001", "Completed", NULL, "c", 3, 3, 0, NULL, NULL,
		 ORDER "-P000001", NULL},
		{OBJECT_REFUND, ORDER "-R000001", "Completed", NULL, "r", 8, 8, 0, NULL, NULL,
		 ORDER "-Q000001", NULL},
	};

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(tell(&rows[i]), VERDICT_APPLIED);
	expect("SELECT provider_credit_id, capture_id, state FROM provider_credit",
	       ORDER "-P000001|" ORDER "-C000001|Completed\n");
	expect("SELECT provider_credit_reversal_id, provider_credit_id, refund_id FROM provider_credit_reversal",
	       ORDER "-Q000001|" ORDER "-P000001|" ORDER "-R000001\n");
}
END_TEST

/* ---- deadlines ---- */

static int deadlines_at(int64_t now_ms, int64_t authorization_ms, int64_t order_ms, size_t max)
{
	const struct deadline_ahead ahead = {authorization_ms, order_ms};
	int r;

	ck_assert_int_eq(ledger_begin(ledger), 0);
	r = ledger_make_deadlines(ledger, &ahead, now_ms, max);
	ck_assert_msg(r >= 0, "%s", ledger_error(ledger));
	ck_assert_int_eq(ledger_commit(ledger), 0);
	return r;
}

static const struct told authorized = {
	OBJECT_AUTHORIZATION,      ORDER "-A000001", "Open", NULL, "a", 1, 2, 0, NULL, NULL, NULL,
	"2026-10-21T14:13:20.000Z"};
static const struct told ordered = {
	OBJECT_ORDER_REFERENCE,    ORDER, "Open", NULL, "o", 1, 2, 0, NULL, NULL, NULL,
	"2027-03-20T14:13:20.000Z"};

START_TEST(deadlines_ahead_and_once)
{
	/* 2 days in the sandbox, whatever Amazon says; 30 live. */
	int64_t ends_ms = epoch + (_i ? 30 : 2) * DAY_MS;

	environment = _i ? "Live" : "Sandbox";
	tell(&authorized);
	tell(&ordered);
	expect("SELECT deadline_at FROM authorization",
	       _i ? "2026-10-21T14:13:20.000Z\n" : "2026-09-23T14:13:20.000Z\n");
	ck_assert_int_eq(deadlines_at(ends_ms - DAY_MS - 1, DAY_MS, 7 * DAY_MS, 100), 0);
	ck_assert_int_eq(deadlines_at(ends_ms - DAY_MS, DURATION_NONE, 7 * DAY_MS, 100), 0);
	ck_assert_int_eq(deadlines_at(ends_ms - DAY_MS, DAY_MS, 7 * DAY_MS, 100), 1);
	ck_assert_int_eq(deadlines_at(ends_ms - DAY_MS, DAY_MS, 7 * DAY_MS, 100), 0);
	ck_assert_int_eq(deadlines_at(ends_ms - 1, DAY_MS, 7 * DAY_MS, 100), 0);
	ck_assert_int_eq(deadlines_at(epoch + 180 * DAY_MS - 7 * DAY_MS, DAY_MS, 7 * DAY_MS, 100),
			 1);
	expect("SELECT name, object_type, object_id, state, lane, amount_minor, late, transition_id FROM event WHERE name LIKE"
	       " 'deadline.%' ORDER BY id",
	       "deadline.authorization|authorization|" ORDER "-A000001|Open|" ORDER "|1995|0|\n"
	       "deadline.order_reference|order_reference|" ORDER "|Open|" ORDER "|1995|0|\n");
	/* Amazon writes of them again: they are not told again. */
	run("UPDATE fact SET amount_minor = 1");
	tell(&(struct told){OBJECT_AUTHORIZATION, ORDER "-A000001", "Open", NULL, "a2", 5, 6, 0,
			    NULL, NULL, NULL, "2026-10-21T14:13:20.000Z"});
	ck_assert_int_eq(deadlines_at(ends_ms - 1, DAY_MS, 7 * DAY_MS, 100), 0);
	environment = "Sandbox";
}
END_TEST

/* Minor units of two currencies never meet: what was captured in another one is no figure of this object. */
START_TEST(done_in_one_currency)
{
	const struct told open[] = {
		{OBJECT_AUTHORIZATION, ORDER "-A000001", "Open", NULL, "a", 1, 2, 0, NULL, NULL,
		 NULL, NULL},
		{OBJECT_CAPTURE, ORDER "-C000001", "Completed", NULL, "c", 1, 2, 0, NULL, NULL,
		 NULL, NULL},
		{OBJECT_PROVIDER_CREDIT, ORDER "-P000001", "Completed", NULL, "p", 1, 2, 0, NULL,
		 NULL, NULL, NULL},
	};

	for (size_t i = 0; i < 3; i++)
		tell(&open[i]);
	run("UPDATE fact SET done_minor = 9999, currency = 'JPY'");
	for (size_t i = 0; i < 3; i++) {
		struct told closed_now = open[i];
		CLEANUP(freep) char *message = unit_format("closed%zu", i);

		closed_now.state = "Closed";
		closed_now.message = message;
		closed_now.updated_s = 5;
		tell(&closed_now);
	}
	expect("SELECT currency, captured_minor FROM authorization", "USD|\n");
	expect("SELECT currency, refunded_minor FROM capture", "USD|0\n");
	expect("SELECT currency, reversed_minor FROM provider_credit", "USD|\n");
}
END_TEST

START_TEST(deadlines_never_after)
{
	int64_t ends_ms = epoch + 2 * DAY_MS;

	tell(&authorized);
	tell(&ordered);
	/* We were not running, or the clock jumped. */
	ck_assert_int_eq(deadlines_at(ends_ms, DAY_MS, 7 * DAY_MS, 100), 0);
	ck_assert_int_eq(deadlines_at(ends_ms + DAY_MS, DAY_MS, 7 * DAY_MS, 100), 0);
	ck_assert_int_eq(deadlines_at(epoch + 200 * DAY_MS, DAY_MS, 7 * DAY_MS, 100), 0);
	/* And back again. */
	ck_assert_int_eq(deadlines_at(ends_ms - 1, DAY_MS, 7 * DAY_MS, 100), 1);
}
END_TEST

/* Where the calendar has no 2nd day after, Amazon's own time counts, as in the migration. */
START_TEST(deadline_at_the_end_of_the_calendar)
{
	struct told pending = authorized;

	pending.state = "Pending";
	pending.message = "before";
	pending.updated_s = 0;
	tell(&authorized);
	run("UPDATE fact SET created_at = '9999-12-31T00:00:00.000Z'");
	tell(&pending);
	expect("SELECT state, deadline_at FROM authorization", "Open|2026-10-21T14:13:20.000Z\n");
}
END_TEST

START_TEST(deadlines_of_what_is_open)
{
	struct told more = authorized, suspended = ordered;

	tell(&authorized);
	more.state = "Closed";
	more.message = "closed";
	more.updated_s = 3;
	tell(&more);
	ck_assert_int_eq(deadlines_at(epoch + DAY_MS, 30 * DAY_MS, 180 * DAY_MS, 100), 0);
	suspended.state = "Suspended";
	tell(&suspended);
	for (int i = 0; i < 5; i++) {
		CLEANUP(freep) char *id = unit_format(ORDER "-A10000%d", i);

		more = authorized;
		more.id = more.message = id;
		more.created_s = -i;
		tell(&more);
	}
	/* The earliest first, and no more than asked for at once. */
	ck_assert_int_eq(deadlines_at(epoch + DAY_MS, 30 * DAY_MS, 180 * DAY_MS, 4), 4);
	ck_assert_int_eq(deadlines_at(epoch + DAY_MS, 30 * DAY_MS, 180 * DAY_MS, 4), 2);
	expect("SELECT object_id FROM event WHERE name LIKE 'deadline.%' ORDER BY id",
	       ORDER "-A100004\n" ORDER "-A100003\n" ORDER "-A100002\n" ORDER "-A100001\n" ORDER
		     "-A100000\n" ORDER "\n");
	expect("SELECT count(*) FROM authorization a JOIN event e ON e.id = a.deadline_event AND e.object_id ="
	       " a.authorization_id",
	       "5\n");
}
END_TEST

/* ---- a database of the first schema ---- */

static const char *const migrations[] = {
#define QUERY(name, text)
#define MIGRATION(number, text) text,
#include "ledger/sql.inc"
#undef QUERY
#undef MIGRATION
};

/* Two orders, as the first version left them: one with a conflict, one authorization, a hook that has seen an event. */
#define FIRST_ROWS                                                                                      \
	"INSERT INTO notification (id, message_id, account, is_sample, sent_at, received_at, verdict)"  \
	" VALUES (1, 'n1', 'shop', 0, '2026-09-21T14:13:21.000Z', 'r', 'applied'),"                     \
	" (2, 'n2', 'shop', 0, '2026-09-21T14:13:22.000Z', 'r', 'conflict'),"                           \
	" (3, 'n3', 'shop', 0, '2026-09-21T14:13:23.000Z', 'r', 'applied');"                            \
	"INSERT INTO fact (id, object_type, object_id, state, at, notification_id, place, begins,"      \
	" announced, account, environment, seller_id, order_reference_id, amount_minor)"                \
	" VALUES (4, 'order_reference', '" ORDER                                                        \
	"', 'Closed', '2026-09-21T14:13:30.000Z', 1, 1, 4, 1,"                                          \
	" 'shop', 'sandbox', 'S', '" ORDER "', 1995),"                                                  \
	" (5, 'order_reference', '" ORDER                                                               \
	"', 'Open', '2026-09-21T14:13:40.000Z', 2, NULL, NULL, 0,"                                      \
	" 'shop', 'sandbox', 'S', '" ORDER "', 7),"                                                     \
	" (9, 'authorization', '" ORDER                                                                 \
	"-A000001', 'Open', '2026-09-21T14:13:31.000Z', 3, 1, 9, 1,"                                    \
	" 'shop', 'sandbox', 'S', '" ORDER "', 1995);"                                                  \
	"INSERT INTO fact_id VALUES (9, '" ORDER "-C000001');"                                          \
	"INSERT INTO order_reference (order_reference_id, account, environment, state, amount_minor,"   \
	" updated_at) VALUES ('" ORDER                                                                  \
	"', 'shop', 'sandbox', 'Closed', 1995, '2026-09-21T14:13:30.000Z');"                            \
	"INSERT INTO authorization (authorization_id, order_reference_id, account, environment, state," \
	" created_at, expires_at, updated_at) VALUES ('" ORDER "-A000001', '" ORDER                     \
	"', 'shop', 'sandbox', 'Open', '2026-09-21T14:13:20.000Z', '2026-10-21T14:13:20.000Z', 'u'),"   \
	" ('X', NULL, 'shop', 'live', 'Open', NULL, '2026-10-21T14:13:20.000Z', 'u'),"                  \
	" ('Y', NULL, 'shop', 'live', 'Open', '2026-09-21T14:13:20.000Z', NULL, 'u');"                  \
	"INSERT INTO event (name, object_type, object_id, transition_id, account, environment, late,"   \
	" created_at, lane) VALUES ('order_reference.closed', 'order_reference', '" ORDER               \
	"', 4, 'shop', 'sandbox', 0, 'c', '" ORDER "');"                                                \
	"PRAGMA application_id = 0x49504E44; PRAGMA user_version = 1"

START_TEST(upgraded)
{
	fresh_path();
	run(migrations[0]);
	run(FIRST_ROWS);
	open_it();
	expect("PRAGMA user_version", "9\n");
	expect("PRAGMA integrity_check", "ok\n");
	expect("SELECT count(*) FROM pragma_foreign_key_check", "0\n");
	expect("SELECT id, object_id, state, amount_minor, place, begins, decision, skipped FROM fact ORDER BY id",
	       "4|" ORDER "|Closed|1995|1|4||0\n5|" ORDER "|Open|7||||0\n9|" ORDER
	       "-A000001|Open|1995|1|9||0\n");
	expect("SELECT id, to_state FROM transition ORDER BY id", "4|Closed\n9|Open\n");
	expect("SELECT authorization_id, deadline_at FROM authorization ORDER BY 1",
	       ORDER "-A000001|2026-09-23T14:13:20.000Z\nX|2026-10-21T14:13:20.000Z\n"
		     "Y|2026-10-21T14:13:20.000Z\n");
	/* And it goes on: nothing is told again, the conflict can be decided, what refers to a fact is still checked. */
	ck_assert_int_eq(tell(&canceled), VERDICT_CONFLICT);
	ck_assert_int_eq(decide(5, DECISION_ACCEPTED), 0);
	expect("SELECT state FROM order_reference", "Canceled\n");
	expect("SELECT name FROM event ORDER BY id",
	       "order_reference.closed\nnotification.conflict\norder_reference.open\norder_reference.canceled\n");
	ck_assert_int_eq(ledger_begin(ledger), 0);
	ledger_rollback(ledger);
	expect("SELECT count(*) FROM sqlite_schema WHERE name LIKE '%_new'", "0\n");
	close_it();
}
END_TEST

/* A row that refers to nothing was there before: the database stays as it was, and the reason is said. */
START_TEST(not_upgraded_when_damaged)
{
	struct why why;

	fresh_path();
	run(migrations[0]);
	run(FIRST_ROWS);
	run("PRAGMA foreign_keys = OFF; INSERT INTO fact_id VALUES (777, 'x')");
	ck_assert_int_eq(ledger_open(path, LEDGER_OWN, &ledger, &why), -EUCLEAN);
	ck_assert_str_eq(why.text, "rows refer to rows that are not there");
	expect("PRAGMA user_version", "1\n");
	expect("SELECT count(*) FROM fact", "3\n");
	free(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decide");
	TCase *c = unit_case(suite, "decide"), *old = unit_case(suite, "old");

	tcase_add_checked_fixture(c, open_fresh, close_it);
	tcase_add_test(c, accepted);
	tcase_add_test(c, accepted_stays_accepted);
	tcase_add_test(c, accepting_makes_a_conflict);
	tcase_add_test(c, dismissed);
	tcase_add_test(c, dismissed_stays_dismissed);
	tcase_add_test(c, nothing_to_decide);
	tcase_add_test(c, changes_are_told_once);
	tcase_add_test(c, changes_of_held_facts);
	tcase_add_test(c, chargebacks);
	tcase_add_test(c, registrations);
	tcase_add_test(c, provider_links);
	tcase_add_loop_test(c, deadlines_ahead_and_once, 0, 2);
	tcase_add_test(c, deadlines_never_after);
	tcase_add_test(c, done_in_one_currency);
	tcase_add_test(c, deadline_at_the_end_of_the_calendar);
	tcase_add_test(c, deadlines_of_what_is_open);
	tcase_add_test(old, upgraded);
	tcase_add_test(old, not_upgraded_when_damaged);
	return unit_main(suite);
}
