/*
 * Order does not matter: every scenario of ipn-simulate, and sets of facts that no scenario has, in many orders and with
 * duplicates, end in the same rows. Real documents through the real readers into the real ledger; each run is a transaction
 * that is rolled back, so that no disk is waited for.
 */
#include <stdlib.h>
#include <time.h>

#include "ipn/notification.h"
#include "ledger-rows.h"
#include "ledger/apply.h"
#include "ledger/decide.h"
#include "ledger/private.h"
#include "machine/machine.h"
#include "simulate/document.h"
#include "simulate/scenarios.h"
#include "simulate/story.h"
#include "unit.h"

#define TOPIC        "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL"
#define MESSAGES_MAX 16
#define EVERY_UP_TO  7 /* messages of which every permutation is tried: 5,040 */

#define ORDERS                                                                                     \
	10000 /* of more messages; $IPND_ORDERS where each takes longer, as under a sanitizer */
#define SET_ORDERS 12 /* of a random set; there is a set for each 25 orders */

static size_t orders = ORDERS;

static char seller[] = "AREHEARSAL", topic[] = TOPIC, name[] = "rehearsal";
static char *sellers[] = {seller};
static const struct account account = {
	.name = name,
	.topic_arn = topic,
	.seller_id = {sellers, 1},
	.environment = ENVIRONMENT_SANDBOX,
};

/* A notification, read once and applied often. */
struct message {
	char id[STORY_UUID_SIZE];
	int64_t sent_at_ms;
	struct ipn_notification notification;
	struct ipn_document document;
};

struct messages {
	struct message at[MESSAGES_MAX];
	size_t n;
};

static struct ledger *ledger;

static void open_ledger(void)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep) char *path = unit_format("%s/ipnd.db", folder);
	struct why why;

	ipn_document_init();
	ck_assert_msg(ledger_open(path, LEDGER_OWN, &ledger, &why) == 0, "%s", why.text);
}

static void close_ledger(void)
{
	ledger_close(ledger);
}

/* splitmix64: any seed is good. */
static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % n;
}

/* ---- messages ---- */

static struct text member(const json_t *o, const char *key)
{
	return text_of(json_string_value(json_object_get(o, key)));
}

static void add_story(struct messages *ms, const struct scenario *s, const struct signer *signer)
{
	int64_t now_ms = 1800000000000;
	struct story st;

	ck_assert_uint_le(s->n_steps, MESSAGES_MAX);
	ck_assert_int_eq(story_begin(s, &account, now_ms, &st), 0);
	for (size_t i = 0; i < s->n_steps; i++) {
		struct message *m = &ms->at[ms->n++];
		struct story_post post;
		struct why why;
		json_t *body;

		m->sent_at_ms = now_ms + (int64_t)i;
		ck_assert_int_eq(story_post(&st, &s->steps[i], signer, 1, m->sent_at_ms, &post), 0);
		body = json_loads(post.body, 0, NULL);
		memcpy(m->id, post.message_id, sizeof(m->id));
		ck_assert(ipn_notification_parse(member(body, "Message"), &m->notification, &why));
		ck_assert_msg(ipn_document_parse(m->notification.type, m->notification.data,
						 &m->document, &why),
			      "%s", why.text);
		json_decref(body);
		story_post_done(&post);
	}
}

static void free_messages(struct messages *ms)
{
	for (size_t i = 0; i < ms->n; i++) {
		ipn_document_done(&ms->at[i].document);
		ipn_notification_done(&ms->at[i].notification);
	}
}

/* Inside a transaction. */
static enum verdict apply(const struct message *m)
{
	struct ledger_message lm = {
		.account = &account,
		.message_id = text_of(m->id),
		.sent_at_ms = m->sent_at_ms,
		.received_at_ms = 1900000000000,
		.raw = TEXT("{}"),
		.notification = &m->notification,
		.document = &m->document,
		.verdict = VERDICT_PASS,
	};
	enum verdict v = VERDICT_PASS;

	ck_assert_msg(ledger_apply(ledger, &lm, &v) == 0, "%s", ledger_error(ledger));
	return v;
}

/* ---- what must be the same ---- */

#define N(array) (sizeof(array) / sizeof((array)[0]))

static sqlite3_stmt *statements[N(ledger_rows) + N(ledger_wrong)];

static void prepare(void)
{
	for (size_t i = 0; i < N(statements); i++) {
		const char *sql =
			i < N(ledger_rows) ? ledger_rows[i] : ledger_wrong[i - N(ledger_rows)];

		ck_assert_msg(sqlite3_prepare_v3(ledger->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
						 &statements[i], NULL) == SQLITE_OK,
			      "%s: %s", sql, sqlite3_errmsg(ledger->db));
	}
}

static void finalize(void)
{
	for (size_t i = 0; i < N(statements); i++)
		sqlite3_finalize(statements[i]);
}

struct dump {
	char *text;
	size_t len, size;
};

static void append(struct dump *d, const char *s, size_t len)
{
	if (d->len + len + 1 > d->size) {
		d->size = 2 * (d->size + len + 1);
		d->text = realloc(d->text, d->size);
		ck_assert_ptr_nonnull(d->text);
	}
	memcpy(d->text + d->len, s, len);
	d->len += len;
	d->text[d->len] = 0;
}

static void append_rows(struct dump *d, sqlite3_stmt *s)
{
	while (sqlite3_step(s) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			const char *value = (const char *)sqlite3_column_text(s, i);

			append(d, value ? value : "-", value ? strlen(value) : 1);
			append(d, "|", 1);
		}
		append(d, "\n", 1);
	}
	ck_assert_int_eq(sqlite3_reset(s), SQLITE_OK);
}

/* Everything that must not depend on the order, as text. The caller frees. */
static char *dump(void)
{
	struct dump d = {0};

	append(&d, "", 0);
	for (size_t i = 0; i < N(ledger_rows); i++)
		append_rows(&d, statements[i]);
	return d.text;
}

/* What must never be, in any order. */
static void check_told(void)
{
	struct dump d = {0};

	append(&d, "", 0);
	for (size_t i = 0; i < N(ledger_wrong); i++)
		append_rows(&d, statements[N(ledger_rows) + i]);
	ck_assert_msg(d.len == 0, "%s", d.text);
	free(d.text);
}

/* ---- orders ---- */

static void begin(void)
{
	ck_assert_int_eq(ledger_begin(ledger), 0);
}

/* Fails with the first line that differs. */
static void compare(const char *first, const char *now)
{
	const char *line = now;
	size_t i = 0;

	for (; first[i] && first[i] == now[i]; i++)
		if (now[i] == '\n')
			line = now + i + 1;
	if (first[i] || now[i])
		ck_abort_msg("first %.*s, now %.*s", (int)strcspn(first + (line - now), "\n"),
			     first + (line - now), (int)strcspn(line, "\n"), line);
}

/* Applies them in this order, some again under the same id, and compares with what came of the first order. */
static void try_order(const struct messages *ms, const size_t *order, char **first)
{
	char *now;

	begin();
	for (size_t i = 0; i < ms->n; i++) {
		ck_assert_int_ne(apply(&ms->at[order[i]]), VERDICT_DUPLICATE);
		if (random_below(4) == 0)
			ck_assert_int_eq(apply(&ms->at[order[random_below(i + 1)]]),
					 VERDICT_DUPLICATE);
	}
	now = dump();
	check_told();
	ledger_rollback(ledger);
	if (!*first) {
		*first = now;
		return;
	}
	compare(*first, now);
	free(now);
}

static void shuffle(size_t *order, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = random_below(i), swapped = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swapped;
	}
}

/* Every permutation from `at` on. Returns how many. */
static size_t try_every(const struct messages *ms, size_t *order, size_t at, char **first)
{
	size_t tried = 0;

	if (at == ms->n) {
		try_order(ms, order, first);
		return 1;
	}
	for (size_t i = at; i < ms->n; i++) {
		size_t swapped = order[at];

		order[at] = order[i];
		order[i] = swapped;
		tried += try_every(ms, order, at + 1, first);
		order[i] = order[at];
		order[at] = swapped;
	}
	return tried;
}

static size_t try_orders(const struct messages *ms, char **first)
{
	size_t order[MESSAGES_MAX];

	for (size_t i = 0; i < ms->n; i++)
		order[i] = i;
	if (ms->n <= EVERY_UP_TO && orders == ORDERS)
		return try_every(ms, order, 0, first);
	for (size_t i = 0; i < orders; i++) {
		try_order(ms, order, first);
		shuffle(order, ms->n);
	}
	return orders;
}

static struct signer *signer;

static void make_keys(void)
{
	CLEANUP(freep) char *keys = unit_folder();
	struct why why;

	ck_assert_int_eq(authority_create(keys, keys, &why), 0);
	ck_assert_int_eq(signer_open(keys, keys, &signer, &why), 0);
}

static void free_keys(void)
{
	signer_free(signer);
}

START_TEST(scenario_in_any_order)
{
	const struct scenario *s = scenario_at((size_t)_i);
	CLEANUP(freep) char *first = NULL;
	struct messages ms = {0};
	size_t tried;

	seed = (uint64_t)_i;
	open_ledger();
	prepare();
	add_story(&ms, s, signer);
	tried = try_orders(&ms, &first);
	ck_assert_ptr_null(strstr(first, "|conflict|"));
	printf("# %s: %zu orders of %zu notifications\n", s->name, tried, ms.n);
	free_messages(&ms);
	finalize();
	close_ledger();
}
END_TEST

/* ---- sets that no scenario has ---- */

#define ORDER     "S01-1111111-2222222"
#define OTHER     "S01-3333333-4444444"
#define AGREEMENT "C01-1111111-2222222"

/* Ids that name each other rightly, wrongly and not at all. */
static const struct {
	enum object_type object;
	const char *id;
} objects[] = {
	{OBJECT_ORDER_REFERENCE, ORDER},
	{OBJECT_ORDER_REFERENCE, OTHER},
	{OBJECT_BILLING_AGREEMENT, AGREEMENT},
	{OBJECT_AUTHORIZATION, ORDER "-A000001"},
	{OBJECT_AUTHORIZATION, ORDER "-A000002"},
	{OBJECT_CAPTURE, ORDER "-C000001"},
	{OBJECT_CAPTURE, ORDER "-C000002"},
	{OBJECT_CAPTURE, OTHER "-C000001"},
	{OBJECT_REFUND, ORDER "-R000001"},
	{OBJECT_REFUND, ORDER "-R000002"},
	{OBJECT_REFUND, OTHER "-R000003"},
	{OBJECT_CHARGEBACK, "C9KEXAMPLE"},
	{OBJECT_PROVIDER_CREDIT, ORDER "-P000001"},
	{OBJECT_PROVIDER_CREDIT, OTHER "-P000001"},
	{OBJECT_PROVIDER_CREDIT_REVERSAL, ORDER "-Q000001"},
	{OBJECT_SOLUTION_PROVIDER, "AREHEARSAL"},
};

static char *copy(const char *s)
{
	char *c = strdup(s);

	ck_assert_ptr_nonnull(c);
	return c;
}

static enum state random_state(enum object_type o)
{
	enum state s;

	do
		s = (enum state)(1 + random_below(STATE_N - 1));
	while (!machine_reaches(o, STATE_NOTHING, s));
	return s;
}

/* Times are few, so that they tie; attributes differ, so that it shows whose they are. */
static void random_document(size_t which, struct ipn_document *d)
{
	bool timed = objects[which].object != OBJECT_CHARGEBACK &&
		     objects[which].object != OBJECT_SOLUTION_PROVIDER;
	size_t n_ids = random_below(3);

	*d = (struct ipn_document){
		.object = objects[which].object,
		.object_id = copy(objects[which].id),
		.state = copy(state_word(random_state(objects[which].object))),
		.reason_code = random_below(2) ? copy("SomeReason") : NULL,
		.currency = "USD",
		.amount = {random_below(8) > 0, (int64_t)random_below(1000)},
		.done = {random_below(2) > 0, (int64_t)random_below(1000)},
		.fee = {random_below(2) > 0, (int64_t)random_below(10)},
		.remaining = {random_below(2) > 0, (int64_t)random_below(50000)},
		.updated_ms = timed ? 1800000000000 + (int64_t)random_below(4) * 1000 : UTC_UNKNOWN,
		.created_ms = 1800000000000 - (int64_t)random_below(3) * 1000,
		.expires_ms = random_below(2) ? 1900000000000 : UTC_UNKNOWN,
		.period_start_ms = UTC_UNKNOWN,
		.period_end_ms = UTC_UNKNOWN,
		.soft_decline = (enum ipn_flag)((int)random_below(3) - 1),
		.capture_now = IPN_UNKNOWN,
		.consent = IPN_UNKNOWN,
	};
	if (d->object == OBJECT_ORDER_REFERENCE || d->object == OBJECT_CHARGEBACK)
		d->order_reference_id = copy(d->object == OBJECT_CHARGEBACK ? ORDER : d->object_id);
	else if (object_letter(d->object))
		d->order_reference_id = ipn_order_reference_of(d->object_id);
	for (size_t i = 0; i < n_ids; i++)
		d->ids.at[d->ids.n++] = copy(objects[random_below(N(objects))].id);
}

static void random_message(struct message *m, size_t number)
{
	static const char *const event_types[] = {"BillingAgreementStatusUpdated",
						  "PaymentMethodUpdated", "AddressUpdated",
						  "SomethingNew"};
	/* Two objects are met more often than the others, so that they have histories. */
	size_t which = random_below(2) ? random_below(N(objects)) : 2 * random_below(3);

	snprintf(m->id, sizeof(m->id), "m%zu", number);
	m->sent_at_ms = 1800000100000 + (int64_t)random_below(5);
	m->notification = (struct ipn_notification){
		.type = TEXT("Some"),
		.seller_id = TEXT("AREHEARSAL"),
		.environment = TEXT("Sandbox"),
		.event_type = text_of(event_types[random_below(4)]),
	};
	random_document(which, &m->document);
}

/*
 * Decides about what is held: the earliest by time, then state. Which it is does not depend on the order, so neither may
 * what comes of it.
 */
static void decide_earliest(enum decision decision)
{
	sqlite3_stmt *s = NULL;
	int64_t id = 0;

	ck_assert_int_eq(
		sqlite3_prepare_v2(ledger->db,
				   "SELECT id FROM fact WHERE place IS NULL AND decision IS NULL"
				   " ORDER BY at, object_id, state LIMIT 1",
				   -1, &s, NULL),
		SQLITE_OK);
	if (sqlite3_step(s) == SQLITE_ROW)
		id = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	if (id)
		ck_assert_int_eq(ledger_decide(ledger, id, decision, "jane", 1950000000000), 0);
}

/* The first half, a decision, the other half, another decision. */
static void try_with_decisions(const struct messages *ms, size_t *order, char **first)
{
	size_t half = ms->n / 2;
	char *now;

	begin();
	for (size_t i = 0; i < half; i++)
		apply(&ms->at[order[i]]);
	decide_earliest(DECISION_ACCEPTED);
	for (size_t i = half; i < ms->n; i++)
		apply(&ms->at[order[i]]);
	decide_earliest(DECISION_DISMISSED);
	decide_earliest(DECISION_ACCEPTED);
	now = dump();
	check_told();
	ledger_rollback(ledger);
	if (!*first) {
		*first = now;
		return;
	}
	compare(*first, now);
	free(now);
}

START_TEST(random_sets_in_any_order)
{
	size_t held = 0, sets = orders / 25, order[MESSAGES_MAX];

	seed = 20261124 + (uint64_t)_i;
	open_ledger();
	prepare();
	for (size_t set = 0; set < sets; set++) {
		CLEANUP(freep) char *first = NULL, *decided = NULL;
		struct messages ms = {.n = 8 + random_below(MESSAGES_MAX - 8 + 1)};

		for (size_t i = 0; i < ms.n; i++) {
			random_message(&ms.at[i], i);
			order[i] = i;
		}
		for (size_t i = 0; i < SET_ORDERS; i++) {
			try_order(&ms, order, &first);
			shuffle(order, ms.n);
		}
		/* Each half keeps its messages. */
		for (size_t i = 0; i < ms.n; i++)
			order[i] = i;
		for (size_t i = 0; i < SET_ORDERS / 2; i++) {
			try_with_decisions(&ms, order, &decided);
			shuffle(order, ms.n / 2);
			shuffle(order + ms.n / 2, ms.n - ms.n / 2);
		}
		held += strstr(decided, "|accepted|") || strstr(decided, "|dismissed|");
		for (size_t i = 0; i < ms.n; i++)
			ipn_document_done(&ms.at[i].document);
	}
	/* It is no proof where nothing was in conflict. */
	ck_assert_uint_gt(held, sets / 10);
	printf("# seed %d: %zu sets, %zu with decisions\n", 20261124 + _i, sets, held);
	finalize();
	close_ledger();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("permutations");
	TCase *scenarios = unit_case(suite, "scenarios"), *sets = unit_case(suite, "sets");
	const char *fewer = getenv("IPND_ORDERS");
	int n = 0;

	if (fewer && strtol(fewer, NULL, 10) > 0)
		orders = (size_t)strtol(fewer, NULL, 10);
	while (scenario_at((size_t)n))
		n++;
	tcase_set_timeout(scenarios, 300);
	tcase_set_timeout(sets, 300);
	tcase_add_unchecked_fixture(scenarios, make_keys, free_keys);
	tcase_add_loop_test(scenarios, scenario_in_any_order, 0, n);
	tcase_add_loop_test(sets, random_sets_in_any_order, 0, 4);
	return unit_main(suite);
}
