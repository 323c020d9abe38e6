#include "ledger/queue.h"

#include <errno.h>

#include "ipn/document.h"
#include "ledger/query.h"

#define OUTPUTS_KEPT                                                                               \
	5 /* of a run's attempts, besides the last: 64 KiB each, and a failing hook is tried for days */

const char *queue_state_word(enum queue_state s)
{
	switch (s) {
	case QUEUE_PENDING:
		return "pending";
	case QUEUE_RUNNING:
		return "running";
	case QUEUE_DONE:
		return "done";
	case QUEUE_DEAD:
		return "dead";
	case QUEUE_SKIPPED:
		return "skipped";
	}
	return NULL;
}

/* The text columns of `event`, and where they go. */
static const struct {
	const char *column;
	size_t offset;
} event_strings[] = {
	{"name", offsetof(struct queue_event, name)},
	{"object_type", offsetof(struct queue_event, object_type)},
	{"object_id", offsetof(struct queue_event, object_id)},
	{"account", offsetof(struct queue_event, account)},
	{"environment", offsetof(struct queue_event, environment)},
	{"lane", offsetof(struct queue_event, lane)},
	{"order_reference_id", offsetof(struct queue_event, order_reference_id)},
	{"seller_order_id", offsetof(struct queue_event, seller_order_id)},
	{"billing_agreement_id", offsetof(struct queue_event, billing_agreement_id)},
	{"previous_state", offsetof(struct queue_event, previous_state)},
	{"state", offsetof(struct queue_event, state)},
	{"reason_code", offsetof(struct queue_event, reason_code)},
	{"currency", offsetof(struct queue_event, currency)},
	{"seller_id", offsetof(struct queue_event, seller_id)},
	{"hook", offsetof(struct queue_event, hook)},
};
#define EVENT_STRINGS (sizeof(event_strings) / sizeof(event_strings[0]))

static char **event_string(struct queue_event *e, size_t i)
{
	return (char **)(void *)((char *)e + event_strings[i].offset);
}

void queue_event_free(struct queue_event *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < EVENT_STRINGS; i++)
		free(*event_string(e, i));
	free(e);
}

static int read_event(sqlite3_stmt *s, struct queue_event **ret)
{
	CLEANUP(queue_event_freep) struct queue_event *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	for (size_t i = 0; i < EVENT_STRINGS; i++) {
		struct text t = query_text(s, event_strings[i].column);

		*event_string(e, i) = text_dup(t);
		if (t.at && !*event_string(e, i))
			return -ENOMEM;
	}
	e->id = query_int(s, "id");
	e->has_transition = !query_is_null(s, "transition_id");
	e->transition_id = query_int(s, "transition_id");
	e->late = query_int(s, "late") != 0;
	e->created_ms = query_time(s, "created_at");
	e->has_amount = !query_is_null(s, "amount_minor");
	e->amount_minor = query_int(s, "amount_minor");
	e->updated_ms = query_time(s, "updated_at");
	*ret = TAKE(e);
	return 0;
}

/* A query without parameters that gives one number. */
static int one_number(struct ledger *l, enum query q, const char *column, int64_t *ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, q, &s);

	if (r == 0)
		r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	*ret = query_int(s, column);
	return 0;
}

int queue_data_version(struct ledger *l, int64_t *ret)
{
	return one_number(l, QUERY_queue_data_version, "data_version", ret);
}

int queue_newest(struct ledger *l, int64_t *ret_id)
{
	return one_number(l, QUERY_queue_newest, "id", ret_id);
}

void queue_hooks_done(struct queue_hooks *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->at[i].name);
	free(h->at);
	*h = (struct queue_hooks){0};
}

int queue_hooks(struct ledger *l, struct queue_hooks *ret)
{
	CLEANUP(queue_hooks_done) struct queue_hooks hooks = {0};
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_hooks, &s);

	while (r == 0 && (r = query_step(l, s)) > 0) {
		struct queue_hook *at = reallocarray(hooks.at, hooks.n + 1, sizeof(*at));

		if (!at)
			return -ENOMEM;
		hooks.at = at;
		at[hooks.n].name = text_dup(query_text(s, "name"));
		at[hooks.n].seen_event = query_int(s, "seen_event");
		at[hooks.n].deaths = query_int(s, "deaths");
		at[hooks.n].paused_ms = query_time(s, "paused_at");
		at[hooks.n].probe_ms = query_time(s, "probe_at");
		if (!at[hooks.n++].name)
			return -ENOMEM;
		r = 0;
	}
	if (r < 0)
		return r;
	*ret = hooks;
	hooks = (struct queue_hooks){0};
	return 0;
}

static int each_event(struct ledger *l, sqlite3_stmt *s, queue_event_fn each, void *userdata)
{
	int r;

	while ((r = query_step(l, s)) > 0) {
		CLEANUP(queue_event_freep) struct queue_event *e = NULL;

		r = read_event(s, &e);
		if (r == 0)
			r = each(e, userdata);
		if (r < 0)
			return r;
	}
	return r;
}

int queue_events(struct ledger *l, int64_t after, size_t limit, queue_event_fn each, void *userdata)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_events, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":after", after);
	query_bind_int(s, ":limit", (int64_t)limit);
	return each_event(l, s, each, userdata);
}

int queue_events_between(struct ledger *l, int64_t since_ms, int64_t after, int64_t until_ms,
			 size_t limit, queue_event_fn each, void *userdata)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_events_between, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":after", after);
	query_bind_time(s, ":since", since_ms);
	query_bind_time(s, ":until", until_ms);
	query_bind_int(s, ":limit", (int64_t)limit);
	return each_event(l, s, each, userdata);
}

int queue_event(struct ledger *l, int64_t id, struct queue_event **ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_event, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":id", id);
	r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	return read_event(s, ret);
}

int queue_put(struct ledger *l, int64_t event_id, const char *hook, const char *skipped,
	      int64_t now_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_put, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", event_id);
	query_bind_string(s, ":hook", hook);
	query_bind_string(s, ":state", queue_state_word(skipped ? QUEUE_SKIPPED : QUEUE_PENDING));
	query_bind_time(s, ":next_attempt_at", skipped ? UTC_UNKNOWN : now_ms);
	query_bind_string(s, ":detail", skipped);
	query_bind_time(s, ":now", now_ms);
	return query_run(l, s);
}

int queue_seen(struct ledger *l, const char *hook, int64_t event_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_seen, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":hook", hook);
	query_bind_int(s, ":event_id", event_id);
	return query_run(l, s);
}

static int each_run(struct ledger *l, sqlite3_stmt *s, queue_run_fn each, void *userdata)
{
	int r;

	while ((r = query_step(l, s)) > 0) {
		struct queue_run run = {
			.event_id = query_int(s, "event_id"),
			.hook = query_string(s, "hook"),
			.lane = query_string(s, "lane"),
			.attempts = query_int(s, "attempts"),
		};

		if (!each(&run, userdata))
			return 0;
	}
	return r;
}

int queue_due(struct ledger *l, const char *hook, bool block_on_dead, int64_t now_ms,
	      queue_run_fn each, void *userdata)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_due, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":hook", hook);
	query_bind_int(s, ":block_on_dead", block_on_dead);
	query_bind_time(s, ":now", now_ms);
	return each_run(l, s, each, userdata);
}

int queue_next_due(struct ledger *l, int64_t now_ms, int64_t *ret_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_next_due, &s);

	if (r < 0)
		return r;
	query_bind_time(s, ":now", now_ms);
	r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	*ret_ms = query_time(s, "at");
	return 0;
}

static int keep_attempt(struct ledger *l, int64_t event_id, const char *hook)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_keep_attempt, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", event_id);
	query_bind_string(s, ":hook", hook);
	return query_run(l, s);
}

static int forget_output(struct ledger *l, int64_t event_id, const char *hook, int64_t attempt)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_forget_output, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", event_id);
	query_bind_string(s, ":hook", hook);
	query_bind_int(s, ":attempt", attempt);
	return query_run(l, s);
}

static int start_attempt(struct ledger *l, int64_t event_id, const char *hook, bool counts,
			 int64_t now_ms, struct queue_attempt *ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_start, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", event_id);
	query_bind_string(s, ":hook", hook);
	query_bind_int(s, ":counts", counts);
	query_bind_time(s, ":now", now_ms);
	r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = (struct queue_attempt){
		.number = query_int(s, "attempts"),
		.counted = query_int(s, "counted"),
		.since_ms = query_time(s, "since"),
	};
	return 0;
}

int queue_start(struct ledger *l, int64_t event_id, const char *hook, bool counts, int64_t now_ms,
		struct queue_attempt *ret)
{
	struct queue_attempt attempt = {0};
	int r = keep_attempt(l, event_id, hook);

	if (r == 0)
		r = start_attempt(l, event_id, hook, counts, now_ms, &attempt);
	if (r == 0 && attempt.number > OUTPUTS_KEPT)
		r = forget_output(l, event_id, hook, attempt.number - OUTPUTS_KEPT);
	if (r == 0)
		*ret = attempt;
	return r;
}

static int release_next(struct ledger *l, const struct queue_end *end)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_release, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", end->event_id);
	query_bind_string(s, ":hook", end->hook);
	query_bind_time(s, ":now", end->now_ms);
	return query_run(l, s);
}

int queue_end(struct ledger *l, const struct queue_end *end)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_end, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", end->event_id);
	query_bind_string(s, ":hook", end->hook);
	query_bind_int(s, ":attempts", end->attempt);
	query_bind_string(s, ":state", queue_state_word(end->state));
	query_bind_time(s, ":next_attempt_at", end->next_attempt_ms);
	query_bind_int(s, ":counted", end->counted);
	if (end->has_status)
		query_bind_int(s, ":exit_status", end->exit_status);
	query_bind_string(s, ":detail", end->detail);
	query_bind_text(s, ":output", end->output);
	query_bind_time(s, ":now", end->now_ms);
	r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	return end->state == QUEUE_PENDING ? 0 : release_next(l, end);
}

int queue_dead_event(struct ledger *l, int64_t event_id, const char *hook, int64_t now_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_dead_event, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", event_id);
	query_bind_string(s, ":hook", hook);
	query_bind_time(s, ":now", now_ms);
	return query_step(l, s);
}

int queue_running(struct ledger *l, queue_run_fn each, void *userdata)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_running, &s);

	return r < 0 ? r : each_run(l, s, each, userdata);
}

int queue_stranded(struct ledger *l, queue_run_fn each, void *userdata)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_stranded, &s);

	return r < 0 ? r : each_run(l, s, each, userdata);
}

int queue_again(struct ledger *l, int64_t event_id, const char *hook, const char *detail,
		int64_t now_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_again, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", event_id);
	query_bind_string(s, ":hook", hook);
	query_bind_string(s, ":detail", detail);
	query_bind_time(s, ":now", now_ms);
	return query_run(l, s);
}

/* -ENOENT: objects of this type have no table. */
static int object_query(const char *object_type, enum query *ret)
{
	static const enum query queries[OBJECT_N] = {
		[OBJECT_ORDER_REFERENCE] = QUERY_queue_object_order_reference,
		[OBJECT_BILLING_AGREEMENT] = QUERY_queue_object_billing_agreement,
		[OBJECT_AUTHORIZATION] = QUERY_queue_object_authorization,
		[OBJECT_CAPTURE] = QUERY_queue_object_capture,
		[OBJECT_REFUND] = QUERY_queue_object_refund,
		[OBJECT_CHARGEBACK] = QUERY_queue_object_chargeback,
		[OBJECT_PROVIDER_CREDIT] = QUERY_queue_object_provider_credit,
		[OBJECT_PROVIDER_CREDIT_REVERSAL] = QUERY_queue_object_provider_credit_reversal,
		[OBJECT_SOLUTION_PROVIDER] = QUERY_queue_object_solution_provider,
	};
	enum object_type o = object_of_word(object_type);

	if (o == OBJECT_N)
		return -ENOENT;
	*ret = queries[o];
	return 0;
}

static struct queue_column column_of(sqlite3_stmt *s, int i)
{
	int type = sqlite3_column_type(s, i);
	struct queue_column c = {.name = sqlite3_column_name(s, i), .is_null = type == SQLITE_NULL};

	if (type == SQLITE_TEXT) {
		c.is_text = true;
		c.text.at = (const char *)sqlite3_column_text(s, i);
		c.text.len = (size_t)sqlite3_column_bytes(s, i);
	} else if (type == SQLITE_INTEGER) {
		c.number = sqlite3_column_int64(s, i);
	}
	return c;
}

int queue_object(struct ledger *l, const struct queue_event *e, queue_column_fn each,
		 void *userdata)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	enum query q;
	int r;

	if (object_query(e->object_type, &q) < 0)
		return 0;
	r = query_start(l, q, &s);
	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", e->id);
	r = query_step(l, s);
	if (r <= 0)
		return r;
	for (int i = 0; i < sqlite3_column_count(s); i++) {
		struct queue_column c = column_of(s, i);

		r = each(&c, userdata);
		if (r < 0)
			return r;
	}
	return 1;
}
