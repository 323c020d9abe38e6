/*
 * The ledger as a whole: real SQLite, real machine. Any order of arrival ends in the same rows; each transition is told
 * once; what the machine forbids is held.
 */
#include <errno.h>

#include "ledger/apply.h"
#include "ledger/query.h"
#include "rows.h"
#include "unit.h"

/* The structs own their strings in the programs; here they borrow constants. */
#define MUTABLE(s) ((char *)(uintptr_t)(s))
#define ORDER      "S01-1234567-7654321"

/* One notification, as a row of a story. Times are seconds after `epoch`. */
struct row {
	enum object_type object;
	const char *id;
	const char *state;
	const char *reason;
	int updated_s;
	int sent_s;
	int64_t amount;
	int64_t done;
	const char *ids;
};

static const int64_t epoch = 1790000000000;
static struct ledger *ledger;
static char *path;

static struct account account = {
	.name = MUTABLE("shop"),
	.topic_arn = MUTABLE("arn:aws:sns:us-east-1:291180941288:T"),
	.environment = ENVIRONMENT_SANDBOX,
};

static void open_fresh(void)
{
	CLEANUP(freep) char *folder = unit_folder();
	struct why why;

	path = unit_format("%s/ipnd.db", folder);
	ck_assert_msg(ledger_open(path, LEDGER_OWN, &ledger, &why) == 0, "%s", why.text);
}

static void close_it(void)
{
	ledger_close(ledger);
	free(path);
}

/* Of a stored notification that is read again; 0: it arrives now. */
static int64_t again;

/* Inside a transaction. */
static int try_as(const struct row *row, const char *message_id, enum verdict understood,
		  const char *seller, enum verdict *ret)
{
	struct ipn_notification n = {
		.type = TEXT("Some"),
		.reference_id = TEXT("ref"),
		.seller_id = text_of(seller),
		.environment = TEXT("Sandbox"),
	};
	struct ipn_document d = {
		.object = row->object,
		.object_id = MUTABLE(row->id),
		.order_reference_id = ipn_order_reference_of(row->id),
		.state = MUTABLE(row->state),
		.reason_code = MUTABLE(row->reason),
		.currency = "USD",
		.amount = {true, row->amount},
		.done = {row->object != OBJECT_ORDER_REFERENCE && row->object != OBJECT_REFUND,
			 row->done},
		.updated_ms = epoch + row->updated_s * 1000,
		.created_ms = epoch,
		.expires_ms = UTC_UNKNOWN,
		.period_start_ms = UTC_UNKNOWN,
		.period_end_ms = UTC_UNKNOWN,
		.soft_decline = IPN_UNKNOWN,
		.capture_now = IPN_UNKNOWN,
		.consent = IPN_UNKNOWN,
		.ids = {{MUTABLE(row->ids)}, row->ids ? 1 : 0},
	};
	struct ledger_message m = {
		.account = &account,
		.message_id = text_of(message_id),
		.sent_at_ms = epoch + row->sent_s * 1000,
		.received_at_ms = epoch + 1000000,
		.raw = TEXT("{}"),
		.notification = &n,
		.document = &d,
		.verdict = understood,
	};
	int r;

	r = again ? ledger_reapply(ledger, again, &m, ret) : ledger_apply(ledger, &m, ret);
	free(d.order_reference_id);
	return r;
}

static enum verdict apply_as(const struct row *row, const char *message_id, enum verdict understood)
{
	enum verdict v = VERDICT_PASS;

	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_msg(try_as(row, message_id, understood, "SELLER", &v) == 0, "%s",
		      ledger_error(ledger));
	ck_assert_int_eq(ledger_commit(ledger), 0);
	return v;
}

static enum verdict apply(const struct row *row, const char *message_id)
{
	return apply_as(row, message_id, VERDICT_PASS);
}

static void expect(const char *sql, const char *rows)
{
	rows_expect(path, sql, rows);
}

static const struct row story[] = {
	{OBJECT_ORDER_REFERENCE, ORDER, "Open", NULL, 0, 1, 10000, 0, NULL},
	{OBJECT_AUTHORIZATION, ORDER "-A000001", "Open", NULL, 5, 6, 1995, 0, NULL},
	{OBJECT_AUTHORIZATION, ORDER "-A000001", "Closed", "MaxCapturesProcessed", 5, 20, 1995,
	 1995, ORDER "-C000001"},
	{OBJECT_CAPTURE, ORDER "-C000001", "Completed", NULL, 18, 19, 1995, 0, NULL},
	{OBJECT_REFUND, ORDER "-R000777", "Pending", NULL, 30, 31, 500, 0, NULL},
	{OBJECT_REFUND, ORDER "-R000777", "Completed", NULL, 40, 41, 500, 0, NULL},
	{OBJECT_ORDER_REFERENCE, ORDER, "Closed", "SellerClosed", 50, 51, 10000, 0, NULL},
};
#define STORY_N (sizeof(story) / sizeof(story[0]))

START_TEST(a_story_in_order)
{
	for (size_t i = 0; i < STORY_N; i++) {
		CLEANUP(freep) char *id = unit_format("m%zu", i);

		ck_assert_int_eq(apply(&story[i], id), VERDICT_APPLIED);
		ck_assert_int_eq(apply(&story[i], id), VERDICT_DUPLICATE);
	}
	expect("SELECT state, reason_code, amount_minor, currency, seller_order_id, updated_at FROM order_reference",
	       "Closed|SellerClosed|10000|USD||2026-09-21T14:14:10.000Z\n");
	expect("SELECT state, amount_minor, captured_minor FROM authorization",
	       "Closed|1995|1995\n");
	expect("SELECT state, authorization_id, amount_minor, refunded_minor FROM capture",
	       "Completed|" ORDER "-A000001|1995|500\n");
	expect("SELECT state, capture_id, amount_minor FROM refund",
	       "Completed|" ORDER "-C000001|500\n");
	expect("SELECT name, late, previous_state FROM event ORDER BY id",
	       "order_reference.open|0|\nauthorization.open|0|\nauthorization.closed|0|Open\ncapture.completed|0|\n"
	       "refund.pending|0|\nrefund.completed|0|Pending\norder_reference.closed|0|Open\n");
	expect("SELECT count(*) FROM notification", "7\n");
	expect("SELECT count(*) FROM event e JOIN transition t ON t.id = e.transition_id", "7\n");
}
END_TEST

#define STATE_DUMP                                                                                                                 \
	"SELECT 'o', order_reference_id, state, reason_code, amount_minor, updated_at, '' FROM order_reference "                   \
	"UNION ALL SELECT 'a', authorization_id, state, reason_code, amount_minor, updated_at, captured_minor FROM authorization " \
	"UNION ALL SELECT 'c', capture_id, state, authorization_id, refunded_minor, updated_at, '' FROM capture "                  \
	"UNION ALL SELECT 'r', refund_id, state, capture_id, amount_minor, updated_at, '' FROM refund "                            \
	"UNION ALL SELECT 't', object_id, from_state, to_state, reason_code, at, '' FROM transition "                              \
	"UNION ALL SELECT 'h', object_id, state, at, '', '', '' FROM fact WHERE place IS NULL ORDER BY 1, 2, 6, 3, 4"
#define EVENT_DUMP "SELECT name, object_id, count(*) FROM event GROUP BY 1, 2 ORDER BY 1, 2"

static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Applies the rows in an order of the seed's choosing, some of them again under the same id. */
static void apply_shuffled(const struct row *rows, size_t n, uint32_t seed)
{
	size_t order[16];

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; seed && i > 1; i--) {
		size_t j = random_next(&seed) % i, swap = order[j];

		order[j] = order[i - 1];
		order[i - 1] = swap;
	}
	for (size_t i = 0; i < n; i++) {
		CLEANUP(freep) char *id = unit_format("m%zu", order[i]);

		apply(&rows[order[i]], id);
		if (seed && random_next(&seed) % 3 == 0)
			ck_assert_int_eq(apply(&rows[order[i]], id), VERDICT_DUPLICATE);
	}
}

static void any_order(const struct row *rows, size_t n, bool same_events)
{
	CLEANUP(freep) char *state = NULL, *events = NULL;

	for (uint32_t seed = 0; seed < 60; seed++) {
		CLEANUP(freep) char *now = NULL, *told = NULL;

		open_fresh();
		apply_shuffled(rows, n, seed * 2654435761U);
		now = rows_of(path, STATE_DUMP);
		told = rows_of(path, EVENT_DUMP);
		if (!state)
			state = TAKE(now);
		else
			ck_assert_str_eq(now, state);
		if (!events)
			events = TAKE(told);
		else if (same_events)
			ck_assert_str_eq(told, events);
		/* Every transition is told, and no event points nowhere but for one that was later overruled. */
		expect("SELECT count(*) FROM transition t WHERE NOT EXISTS "
		       "(SELECT 1 FROM event e WHERE e.transition_id = t.id)",
		       "0\n");
		close_it();
	}
}

START_TEST(any_order_ends_in_the_same_rows)
{
	any_order(story, STORY_N, true);
}
END_TEST

static const struct row back_and_forth[] = {
	{OBJECT_ORDER_REFERENCE, ORDER, "Open", NULL, 0, 1, 100, 0, NULL},
	{OBJECT_ORDER_REFERENCE, ORDER, "Open", NULL, 5, 6, 150, 0, NULL},
	{OBJECT_ORDER_REFERENCE, ORDER, "Suspended", "InvalidPaymentMethod", 10, 11, 100, 0, NULL},
	{OBJECT_ORDER_REFERENCE, ORDER, "Open", NULL, 20, 320, 200, 0, NULL},
	{OBJECT_ORDER_REFERENCE, ORDER, "Suspended", NULL, 30, 31, 100, 0, NULL},
	{OBJECT_ORDER_REFERENCE, ORDER, "Open", NULL, 40, 41, 300, 0, NULL},
};

START_TEST(any_order_of_a_way_back)
{
	any_order(back_and_forth, 6, true);
}
END_TEST

static const struct row forbidden[] = {
	{OBJECT_ORDER_REFERENCE, ORDER, "Open", NULL, 0, 1, 100, 0, NULL},
	{OBJECT_ORDER_REFERENCE, ORDER, "Canceled", "SellerCanceled", 10, 11, 100, 0, NULL},
	{OBJECT_ORDER_REFERENCE, ORDER, "Closed", "SellerClosed", 20, 21, 777, 0, NULL},
	{OBJECT_ORDER_REFERENCE, ORDER, "Open", NULL, 30, 31, 888, 0, NULL},
	{OBJECT_CAPTURE, ORDER "-C000002", "Completed", NULL, 10, 11, 100, 0, NULL},
	{OBJECT_CAPTURE, ORDER "-C000002", "Declined", "AmazonRejected", 5, 6, 100, 0, NULL},
};

/* What is told meanwhile differs: who hears Closed before Canceled is told of Closed. What is known in the end does not. */
START_TEST(any_order_of_conflicts)
{
	any_order(forbidden, 6, false);
}
END_TEST

START_TEST(conflicts_are_held)
{
	static const enum verdict said[] = {VERDICT_APPLIED,  VERDICT_APPLIED, VERDICT_CONFLICT,
					    VERDICT_CONFLICT, VERDICT_APPLIED, VERDICT_CONFLICT};

	for (size_t i = 0; i < 6; i++) {
		CLEANUP(freep) char *id = unit_format("m%zu", i);

		ck_assert_int_eq(apply(&forbidden[i], id), said[i]);
	}
	expect("SELECT state, amount_minor FROM order_reference", "Canceled|100\n");
	expect("SELECT state FROM capture", "Completed\n");
	expect("SELECT name, object_type, object_id, state, previous_state FROM event WHERE transition_id IS NULL ORDER BY id",
	       "notification.conflict|notification|m2|Closed|Canceled\n"
	       "notification.conflict|notification|m3|Open|Canceled\n"
	       "notification.conflict|notification|m5|Declined|Completed\n");
	expect("SELECT verdict, why FROM notification WHERE message_id = 'm2'",
	       "conflict|Closed cannot follow Canceled: held\n");
	/* Told again by another message: still held, and not reported twice. */
	ck_assert_int_eq(apply(&forbidden[2], "again"), VERDICT_CONFLICT);
	expect("SELECT count(*) FROM event WHERE name = 'notification.conflict'", "3\n");
}
END_TEST

/* What was current is overruled by something older that comes late: it is held then, and reported. */
START_TEST(an_older_fact_makes_a_conflict)
{
	ck_assert_int_eq(apply(&forbidden[2], "closed"), VERDICT_APPLIED);
	ck_assert_int_eq(apply(&forbidden[1], "canceled"), VERDICT_APPLIED);
	expect("SELECT state, amount_minor FROM order_reference", "Canceled|100\n");
	expect("SELECT name, object_id FROM event ORDER BY id",
	       "order_reference.closed|" ORDER "\norder_reference.canceled|" ORDER
	       "\nnotification.conflict|closed\n");
}
END_TEST

START_TEST(verdicts_of_arrival)
{
	struct row row = back_and_forth[2];

	ck_assert_int_eq(apply(&back_and_forth[2], "s10"), VERDICT_APPLIED);
	ck_assert_int_eq(apply(&back_and_forth[0], "o0"), VERDICT_STALE);
	ck_assert_int_eq(apply(&back_and_forth[2], "s10b"), VERDICT_UNCHANGED);
	row.updated_s = 12;
	row.sent_s = 13;
	row.amount = 101;
	ck_assert_int_eq(apply(&row, "s12"), VERDICT_UNCHANGED);
	expect("SELECT amount_minor, updated_at FROM order_reference",
	       "101|2026-09-21T14:13:32.000Z\n");
	ck_assert_int_eq(apply(&back_and_forth[1], "o5"), VERDICT_STALE);
	ck_assert_int_eq(apply(&back_and_forth[3], "o20"), VERDICT_APPLIED);
	/* The transition to Open began when Open@0 was learnt, late; Open@5 told nothing new. */
	expect("SELECT name, late FROM event ORDER BY id",
	       "order_reference.suspended|0\norder_reference.open|1\norder_reference.open|0\n");
	expect("SELECT from_state, to_state, at, late FROM transition ORDER BY at",
	       "|Open|2026-09-21T14:13:20.000Z|1\nOpen|Suspended|2026-09-21T14:13:30.000Z|0\n"
	       "Suspended|Open|2026-09-21T14:13:40.000Z|0\n");
}
END_TEST

/* Of several notifications of one fact the newest by SNS Timestamp, then MessageId, gives the attributes. */
START_TEST(ties_of_attributes)
{
	struct row row = story[1];

	row.amount = 1;
	apply(&row, "b");
	row.amount = 2;
	apply(&row, "a");
	expect("SELECT amount_minor FROM authorization", "1\n");
	row.amount = 3;
	apply(&row, "c");
	expect("SELECT amount_minor FROM authorization", "3\n");
	row.sent_s--;
	row.amount = 4;
	row.done = 50;
	apply(&row, "z");
	expect("SELECT amount_minor, captured_minor FROM authorization", "3|50\n");
}
END_TEST

START_TEST(refunds_and_captures_are_linked)
{
	struct row second = story[3];

	second.id = ORDER "-C000002";
	apply(&story[5], "refund");
	expect("SELECT capture_id FROM refund", "\n");
	apply(&story[3], "capture");
	expect("SELECT capture_id FROM refund", ORDER "-C000001\n");
	expect("SELECT authorization_id, refunded_minor FROM capture", "|500\n");
	apply(&second, "second");
	expect("SELECT capture_id FROM refund", "\n");
	expect("SELECT refunded_minor FROM capture ORDER BY capture_id", "0\n0\n");
	second.ids = story[5].id;
	second.updated_s++;
	apply(&second, "proof");
	expect("SELECT capture_id FROM refund", ORDER "-C000002\n");
	expect("SELECT refunded_minor FROM capture ORDER BY capture_id", "0\n500\n");
	expect("SELECT count(*) FROM order_reference", "0\n");
	expect("SELECT count(*) FROM authorization", "0\n");
}
END_TEST

/* Whichever comes first: only the order of the message is derived anew. */
START_TEST(no_links_between_orders)
{
	struct row capture = story[3], refund = story[5], authorization = story[2];

	authorization.id = "S01-9999999-9999999-A000001";
	refund.id = capture.ids = "S01-9999999-9999999-R000001";
	if (_i)
		apply(&capture, "capture");
	apply(&authorization, "authorization");
	apply(&refund, "refund");
	apply(&capture, "capture");
	expect("SELECT capture_id FROM refund", "\n");
	expect("SELECT authorization_id, refunded_minor FROM capture", "|0\n");
}
END_TEST

/* Only the one message fails, the batch goes on, and the reason is still known after the savepoint was undone. */
START_TEST(a_message_that_cannot_be_applied)
{
	enum verdict v = VERDICT_PASS;

	apply(&story[4], "pending");
	rows_sql(path, "PRAGMA ignore_check_constraints = 1; UPDATE fact SET state = 'Canceled'");
	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_int_eq(try_as(&story[5], "completed", VERDICT_PASS, "SELLER", &v), -EINVAL);
	ck_assert_str_eq(ledger_error(ledger),
			 "a stored fact of it has an impossible state or time");
	ck_assert_int_eq(try_as(&story[1], "nobody", VERDICT_PASS, NULL, &v), -EINVAL);
	ck_assert_str_eq(ledger_error(ledger), "NOT NULL constraint failed: fact.seller_id");
	ck_assert_int_eq(v, VERDICT_PASS);
	ck_assert_int_eq(try_as(&story[3], "capture", VERDICT_PASS, "SELLER", &v), 0);
	ck_assert_int_eq(v, VERDICT_APPLIED);
	ck_assert_int_eq(ledger_commit(ledger), 0);
	expect("SELECT message_id FROM notification ORDER BY id", "pending\ncapture\n");
	expect("SELECT count(*) FROM authorization", "0\n");
}
END_TEST

/* Without savepoints nothing of the batch may stay, and the caller is told to do it again with them. */
START_TEST(a_message_that_cannot_be_applied_together_with_others)
{
	enum verdict v = VERDICT_PASS;

	ck_assert_int_eq(ledger_begin_together(ledger), 0);
	ck_assert_int_eq(try_as(&story[3], "capture", VERDICT_PASS, "SELLER", &v), 0);
	ck_assert_int_eq(try_as(&story[1], "nobody", VERDICT_PASS, NULL, &v), -ECANCELED);
	ledger_rollback(ledger);
	expect("SELECT count(*) FROM notification", "0\n");
	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_int_eq(try_as(&story[3], "capture", VERDICT_PASS, "SELLER", &v), 0);
	ck_assert_int_eq(try_as(&story[1], "nobody", VERDICT_PASS, NULL, &v), -EINVAL);
	ck_assert_int_eq(ledger_commit(ledger), 0);
	ck_assert_int_eq(ledger_begin_together(ledger), 0);
	ck_assert_int_eq(try_as(&story[4], "pending", VERDICT_PASS, "SELLER", &v), 0);
	ck_assert_int_eq(ledger_commit(ledger), 0);
	expect("SELECT message_id FROM notification ORDER BY id", "capture\npending\n");
	expect("SELECT count(*) FROM authorization", "0\n");
}
END_TEST

START_TEST(what_is_kept_aside_touches_no_state)
{
	static const enum verdict aside[] = {VERDICT_SAMPLE, VERDICT_FOREIGN, VERDICT_UNRECOGNIZED};

	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(apply_as(&story[i], verdict_row(aside[i])->word, aside[i]),
				 aside[i]);
	expect("SELECT verdict, is_sample, object_type, raw FROM notification ORDER BY id",
	       "sample|1|order_reference|{}\nforeign|0|authorization|{}\nunrecognized|0|authorization|{}\n");
	expect("SELECT name, object_id, lane, environment FROM event ORDER BY id",
	       "notification.sample|sample|" ORDER "|sandbox\nnotification.foreign|foreign|" ORDER
	       "|sandbox\n"
	       "notification.unrecognized|unrecognized|" ORDER "|sandbox\n");
	expect("SELECT (SELECT count(*) FROM fact) + (SELECT count(*) FROM order_reference)",
	       "0\n");
}
END_TEST

/* A story that nobody understood at first, the last told first. */
START_TEST(what_was_kept_is_applied_later)
{
	const struct row other = {
		OBJECT_ORDER_REFERENCE, ORDER, "Suspended", NULL, 45, 46, 10000, 0, NULL};
	CLEANUP(freep) char *before = NULL;
	enum verdict v = VERDICT_PASS;

	for (size_t i = STORY_N; i-- > 0;) {
		CLEANUP(freep) char *id = unit_format("m%zu", i);

		ck_assert_int_eq(apply_as(&story[i], id, VERDICT_UNRECOGNIZED),
				 VERDICT_UNRECOGNIZED);
	}
	expect("SELECT count(*) FROM fact", "0\n");
	rows_sql(path,
		 "UPDATE notification SET type = NULL, object_id = NULL, object_type = 'seen'");
	for (size_t i = 0; i < STORY_N; i++) {
		CLEANUP(freep) char *id = unit_format("m%zu", i);

		again = (int64_t)(STORY_N - i);
		ck_assert_int_eq(apply(&story[i], id), VERDICT_APPLIED);
		ck_assert_int_eq(ledger_begin(ledger), 0);
		ck_assert_int_eq(try_as(&other, id, VERDICT_PASS, "SELLER", &v), -EALREADY);
		ck_assert_int_eq(ledger_commit(ledger), 0);
	}
	expect("SELECT count(*) FROM fact WHERE state = 'Suspended'", "0\n");
	expect("SELECT DISTINCT verdict, type, object_type FROM notification",
	       "unrecognized|Some|seen\n");
	expect("SELECT object_id FROM notification WHERE id = 1", ORDER "\n");
	expect("SELECT count(*) FROM notification WHERE reprocessed_at IS NULL", "0\n");
	expect("SELECT name FROM event WHERE object_type <> 'notification' ORDER BY id",
	       "order_reference.open\nauthorization.open\nauthorization.closed\ncapture.completed\n"
	       "refund.pending\nrefund.completed\norder_reference.closed\n");
	before = rows_of(path, "SELECT * FROM fact");
	again = 0;
	ck_assert_int_eq(apply(&story[0], "m0"), VERDICT_DUPLICATE);
	expect("SELECT * FROM fact", before);
}
END_TEST

START_TEST(hooks_are_registered_from_then_on)
{
	struct hook_config hooks[] = {{.name = MUTABLE("ship")}, {.name = MUTABLE("mail")}};
	struct config c = {.hooks = hooks, .n_hooks = 1};

	apply(&story[0], "m0");
	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_int_eq(ledger_register_hooks(ledger, &c, epoch), 0);
	ck_assert_int_eq(ledger_commit(ledger), 0);
	apply(&story[1], "m1");
	c.n_hooks = 2;
	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_int_eq(ledger_register_hooks(ledger, &c, epoch + 1000), 0);
	ck_assert_int_eq(ledger_commit(ledger), 0);
	expect("SELECT name, since_event, seen_event, active FROM hook ORDER BY name",
	       "mail|2|2|1\nship|1|1|1\n");
	c.hooks++;
	c.n_hooks = 1;
	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_int_eq(ledger_register_hooks(ledger, &c, epoch + 2000), 0);
	ck_assert_int_eq(ledger_commit(ledger), 0);
	expect("SELECT name, since_event, active FROM hook ORDER BY name", "mail|2|1\nship|1|0\n");
}
END_TEST

START_TEST(topics_counted_are_bounded)
{
	ck_assert_int_eq(ledger_begin(ledger), 0);
	for (int i = 0; i < 100; i++) {
		CLEANUP(freep) char *arn = unit_format("topic-%03d", i);

		ck_assert_int_eq(ledger_count_topic(ledger, text_of(arn), 2, epoch + i * 1000), 0);
	}
	ck_assert_int_eq(ledger_count_topic(ledger, TEXT("topic-099"), 3, epoch + 200000), 0);
	ck_assert_int_eq(ledger_commit(ledger), 0);
	expect("SELECT count(*), min(topic_arn) FROM refused_topic", "64|topic-036\n");
	expect("SELECT count FROM refused_topic WHERE topic_arn = 'topic-099'", "5\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("apply");
	TCase *one = unit_case(suite, "one"), *many = unit_case(suite, "many");

	tcase_add_checked_fixture(one, open_fresh, close_it);
	tcase_add_test(one, a_story_in_order);
	tcase_add_test(one, conflicts_are_held);
	tcase_add_test(one, an_older_fact_makes_a_conflict);
	tcase_add_test(one, verdicts_of_arrival);
	tcase_add_test(one, ties_of_attributes);
	tcase_add_test(one, refunds_and_captures_are_linked);
	tcase_add_loop_test(one, no_links_between_orders, 0, 2);
	tcase_add_test(one, a_message_that_cannot_be_applied);
	tcase_add_test(one, a_message_that_cannot_be_applied_together_with_others);
	tcase_add_test(one, what_is_kept_aside_touches_no_state);
	tcase_add_test(one, what_was_kept_is_applied_later);
	tcase_add_test(one, hooks_are_registered_from_then_on);
	tcase_add_test(one, topics_counted_are_bounded);
	tcase_add_test(many, any_order_ends_in_the_same_rows);
	tcase_add_test(many, any_order_of_a_way_back);
	tcase_add_test(many, any_order_of_conflicts);
	return unit_main(suite);
}
