#include "ipnctl/story.h"

#include <stdlib.h>
#include <string.h>

#include "ipn/document.h"
#include "ipnctl/rows.h"
#include "ipnctl/sums.h"
#include "ipnctl/words.h"

const struct story_part story_parts[STORY_PARTS] = {
	{"authorizations", OBJECT_AUTHORIZATION, QUERY_ask_story_authorizations, "authorization_id",
	 NULL},
	{"captures", OBJECT_CAPTURE, QUERY_ask_story_captures, "capture_id", "authorization_id"},
	{"refunds", OBJECT_REFUND, QUERY_ask_story_refunds, "refund_id", "capture_id"},
	{"chargebacks", OBJECT_CHARGEBACK, QUERY_ask_story_chargebacks, "chargeback_id", NULL},
	{"provider_credits", OBJECT_PROVIDER_CREDIT, QUERY_ask_story_credits, "provider_credit_id",
	 "capture_id"},
	{"provider_credit_reversals", OBJECT_PROVIDER_CREDIT_REVERSAL, QUERY_ask_story_reversals,
	 "provider_credit_reversal_id", "provider_credit_id"},
};

static int ask(struct ledger *l, enum query q, const char *lane, json_t **ret)
{
	const struct bind binds[] = {{.name = ":lane", .text = lane}, {0}};

	return rows_ask(l, q, binds, ret);
}

static void add_meaning(json_t *row, enum object_type object)
{
	const char *reason = row_text(row, object == OBJECT_CHARGEBACK ? "reason" : "reason_code");

	json_put(row, "meaning", json_text(words_state(object, row_word(row, "state"), reason)));
}

/* A list of rows under a key, each with its state in words. */
static int tell_list(struct ledger *l, const char *lane, json_t *story, const char *key,
		     enum query query, enum object_type object)
{
	json_t *rows, *row;
	size_t i;
	int r = ask(l, query, lane, &rows);

	if (r < 0)
		return r;
	json_array_foreach(rows, i, row)
	{
		add_meaning(row, object);
	}
	json_put(story, key, rows);
	return 0;
}

static int tell_parts(struct ledger *l, const char *lane, json_t *story)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < STORY_PARTS; i++)
		r = tell_list(l, lane, story, story_parts[i].list, story_parts[i].query,
			      story_parts[i].object);
	return r;
}

/* An agreement is a lane of its own. */
static int tell_agreement(struct ledger *l, const char *lane, json_t *story)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	const struct bind binds[] = {{.name = ":id", .text = lane}, {0}};
	json_t *row;
	size_t i;
	int r = rows_ask(l, QUERY_ask_agreement, binds, &rows);

	if (r < 0)
		return r;
	json_put(story, "billing_agreement", json_null());
	json_array_foreach(rows, i, row)
	{
		if (!row_is(row, "billing_agreement_id", lane))
			continue;
		add_meaning(row, OBJECT_BILLING_AGREEMENT);
		json_put(story, "billing_agreement", json_incref(row));
	}
	return tell_list(l, lane, story, "orders", QUERY_ask_story_orders, OBJECT_ORDER_REFERENCE);
}

static int tell_order(struct ledger *l, const char *lane, json_t *story)
{
	const struct bind binds[] = {{.name = ":id", .text = lane}, {0}};
	CLEANUP(json_decrefp) json_t *rows = NULL;
	json_t *row;
	size_t i;
	int r = rows_ask(l, QUERY_ask_order, binds, &rows);

	if (r < 0)
		return r;
	json_put(story, "order_reference", json_null());
	json_array_foreach(rows, i, row)
	{
		/* Another one may have this text as the shop's number. */
		if (!row_is(row, "order_reference_id", lane))
			continue;
		add_meaning(row, OBJECT_ORDER_REFERENCE);
		json_put(story, "order_reference", json_incref(row));
	}
	return 0;
}

/* Rows of one kind into the timeline, each under the time that `at` names. */
static void add_moments(json_t *timeline, const char *kind, const char *at, json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		json_t *moment = output_need(json_object());

		json_put(moment, "at", json_text(row_text(row, at)));
		json_put(moment, "kind", json_text(kind));
		output_need(json_object_update_missing(moment, row) == 0 ? moment : NULL);
		json_add(timeline, moment);
	}
}

/* Each event gets the runs that are its own. */
static void attach_runs(json_t *events, const json_t *runs)
{
	json_t *event, *run;
	size_t i, j;

	json_array_foreach(events, i, event)
	{
		json_t *own = output_need(json_array());

		json_array_foreach(runs, j, run)
		{
			if (row_number(run, "event_id") == row_number(event, "id"))
				json_add(own, json_incref(run));
		}
		json_put(event, "hook_runs", own);
	}
}

static int tell_events(struct ledger *l, const char *lane, json_t *timeline)
{
	CLEANUP(json_decrefp) json_t *events = NULL, *runs = NULL;
	int r = ask(l, QUERY_ask_story_events, lane, &events);

	if (r == 0)
		r = ask(l, QUERY_ask_story_runs, lane, &runs);
	if (r < 0)
		return r;
	attach_runs(events, runs);
	add_moments(timeline, "event", "created_at", events);
	return 0;
}

struct moment {
	const char *at;
	int64_t notification; /* the one that told of it, or itself */
	size_t place;         /* as added */
	json_t *json;
};

static struct moment moment_of(json_t *json, size_t place)
{
	const char *key = row_is(json, "kind", "notification") ? "id" : "notification_id";

	return (struct moment){row_word(json, "at"), row_number(json, key), place, json};
}

/* By time. Within a millisecond, what one notification brought stays together, and in the order of causes. */
static int compare_moments(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;
	int order = strcmp(x->at, y->at);

	if (order)
		return order;
	if (x->notification != y->notification)
		return x->notification < y->notification ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static json_t *sort_timeline(const json_t *timeline)
{
	size_t n = json_array_size(timeline), i;
	CLEANUP(freep) struct moment *moments = output_need(calloc(n + 1, sizeof(*moments)));
	json_t *sorted = output_need(json_array()), *json;

	json_array_foreach(timeline, i, json)
	{
		moments[i] = moment_of(json, i);
	}
	qsort(moments, n, sizeof(*moments), compare_moments);
	for (i = 0; i < n; i++)
		json_add(sorted, json_incref(moments[i].json));
	return sorted;
}

/* In the order of causes: a change of state, the notification that told of it, the event it made. */
static int tell_timeline(struct ledger *l, const char *lane, json_t *story)
{
	CLEANUP(json_decrefp) json_t *transitions = NULL, *notifications = NULL, *decisions = NULL;
	CLEANUP(json_decrefp) json_t *timeline = output_need(json_array());
	int r = ask(l, QUERY_ask_story_transitions, lane, &transitions);

	if (r == 0)
		r = ask(l, QUERY_ask_story_notifications, lane, &notifications);
	if (r == 0)
		r = ask(l, QUERY_ask_story_decisions, lane, &decisions);
	if (r < 0)
		return r;
	add_moments(timeline, "transition", "at", transitions);
	add_moments(timeline, "notification", "sent_at", notifications);
	add_moments(timeline, "decision", "decided_at", decisions);
	r = tell_events(l, lane, timeline);
	if (r == 0)
		json_put(story, "timeline", sort_timeline(timeline));
	return r;
}

/* Up to which event ipn-hookd has decided what is to be run; null when there are no hooks. */
static int tell_seen(struct ledger *l, json_t *story)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	int64_t seen;
	int r = rows_ask(l, QUERY_ask_seen, NULL, &rows);

	if (r == 0)
		json_put(story, "hooks_seen",
			 row_int(json_array_get(rows, 0), "seen_event", &seen) ? json_integer(seen)
									       : json_null());
	return r;
}

/* Account and environment of the first row there is. */
static void tell_whose(json_t *story)
{
	static const char *const keys[] = {"account", "environment"};
	const json_t *row = json_object_get(story, "order_reference");

	if (!json_is_object(row))
		row = json_object_get(story, "billing_agreement");
	if (!json_is_object(row))
		row = json_array_get(json_object_get(story, "timeline"), 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_put(story, keys[i], json_text(row_text(row, keys[i])));
}

static bool is_order(const char *lane)
{
	CLEANUP(freep) char *order = ipn_order_reference_of(lane);

	return order && strcmp(order, lane) == 0;
}

int story_tell(struct ledger *l, const char *lane, json_t **ret)
{
	CLEANUP(json_decrefp) json_t *story = output_need(json_object());
	json_t *conflicts;
	int r;

	json_put(story, "id", json_text(lane));
	json_put(story, "is_order", json_boolean(is_order(lane)));
	json_put(story, "account", json_null());
	json_put(story, "environment", json_null());
	r = tell_order(l, lane, story);
	if (r == 0)
		r = tell_agreement(l, lane, story);
	if (r == 0)
		r = tell_parts(l, lane, story);
	if (r < 0)
		return r;
	sums_add(story);
	r = tell_timeline(l, lane, story);
	if (r == 0)
		r = ask(l, QUERY_ask_story_conflicts, lane, &conflicts);
	if (r < 0)
		return r;
	json_put(story, "conflicts", conflicts);
	tell_whose(story);
	r = tell_seen(l, story);
	if (r < 0)
		return r;
	*ret = json_array_size(json_object_get(story, "timeline")) > 0 ? TAKE(story) : NULL;
	return 0;
}
