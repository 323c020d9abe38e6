#include "ledger/deadline.h"

#include <errno.h>

#include "ipn/document.h"
#include "ledger/query.h"

struct due {
	enum object_type object;
	char *object_id;
};

static void due_done(struct due *d)
{
	free(d->object_id);
}

/* Without a time the parameter stays NULL, and nothing is before NULL. */
static void bind_until(sqlite3_stmt *s, const char *name, int64_t now_ms, int64_t ahead_ms)
{
	if (ahead_ms != DURATION_NONE)
		query_bind_time(s, name, now_ms + ahead_ms);
}

/* 1: one; 0: none; negative errno. */
static int next_due(struct ledger *l, const struct deadline_ahead *ahead, int64_t now_ms,
		    struct due *ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_deadline_next, &s);

	if (r < 0)
		return r;
	query_bind_time(s, ":now", now_ms);
	bind_until(s, ":authorization_until", now_ms, ahead->authorization_ms);
	bind_until(s, ":order_reference_until", now_ms, ahead->order_reference_ms);
	r = query_step(l, s);
	if (r <= 0)
		return r;
	ret->object = object_of_word(query_string(s, "object_type"));
	ret->object_id = text_dup(query_text(s, "object_id"));
	return ret->object_id ? 1 : -ENOMEM;
}

static int put_event(struct ledger *l, const struct due *due, int64_t now_ms, int64_t *ret_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_event_of_deadline, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":object_type", object_word(due->object));
	query_bind_string(s, ":object_id", due->object_id);
	query_bind_time(s, ":now", now_ms);
	r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -EINVAL;
	*ret_id = query_int(s, "id");
	return 0;
}

static int mark_told(struct ledger *l, const struct due *due, int64_t event_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l,
			    due->object == OBJECT_AUTHORIZATION
				    ? QUERY_deadline_told_authorization
				    : QUERY_deadline_told_order_reference,
			    &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":object_id", due->object_id);
	query_bind_int(s, ":event_id", event_id);
	return query_run(l, s);
}

int ledger_make_deadlines(struct ledger *l, const struct deadline_ahead *ahead, int64_t now_ms,
			  size_t max)
{
	size_t made = 0;

	for (; made < max; made++) {
		CLEANUP(due_done) struct due due = {0};
		int64_t event_id = 0;
		int r = next_due(l, ahead, now_ms, &due);

		if (r == 0)
			break;
		if (r > 0)
			r = put_event(l, &due, now_ms, &event_id);
		if (r == 0)
			r = mark_told(l, &due, event_id);
		if (r < 0)
			return r;
	}
	return (int)made;
}
