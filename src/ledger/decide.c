#include "ledger/decide.h"

#include <errno.h>

#include "ledger/derived.h"
#include "ledger/facts.h"
#include "ledger/query.h"

struct held {
	enum object_type object;
	char *object_id;
	char *order_reference_id;
	int64_t notification_id;
};

static void held_done(struct held *h)
{
	free(h->object_id);
	free(h->order_reference_id);
}

static int find_held(struct ledger *l, int64_t fact_id, enum decision decision, struct held *ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_fact_by_id, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":fact_id", fact_id);
	r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (!query_is_null(s, "place") ||
	    (decision == DECISION_DISMISSED && !query_is_null(s, "decision")))
		return -EALREADY;
	ret->object = object_of_word(query_string(s, "object_type"));
	ret->notification_id = query_int(s, "notification_id");
	ret->object_id = text_dup(query_text(s, "object_id"));
	if (!query_is_null(s, "order_reference_id"))
		ret->order_reference_id = text_dup(query_text(s, "order_reference_id"));
	if (ret->object == OBJECT_N)
		return -EINVAL;
	return ret->object_id && (query_is_null(s, "order_reference_id") || ret->order_reference_id)
		       ? 0
		       : -ENOMEM;
}

static int write_decision(struct ledger *l, int64_t fact_id, enum decision decision, const char *by,
			  int64_t now_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_fact_decide, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":fact_id", fact_id);
	query_bind_string(s, ":decision", decision == DECISION_ACCEPTED ? "accepted" : "dismissed");
	query_bind_string(s, ":by", by);
	query_bind_time(s, ":now", now_ms);
	return query_run(l, s);
}

int ledger_decide(struct ledger *l, int64_t fact_id, enum decision decision, const char *by,
		  int64_t now_ms)
{
	CLEANUP(held_done) struct held held = {0};
	CLEANUP(facts_freep) struct facts *f = NULL;
	int r = find_held(l, fact_id, decision, &held);

	if (r == 0)
		r = write_decision(l, fact_id, decision, by, now_ms);
	if (r < 0 || decision == DECISION_DISMISSED)
		return r;
	r = facts_load(l, held.object, held.object_id, &f);
	if (r < 0)
		return r;
	facts_decide(f);
	return derived_write(l, f, held.order_reference_id, now_ms, held.notification_id);
}
