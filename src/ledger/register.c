#include <errno.h>

#include "ledger/apply.h"
#include "ledger/query.h"

static int activate(struct ledger *l, const char *name, int64_t now_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_hook_register, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":name", name);
	query_bind_time(s, ":now", now_ms);
	return query_run(l, s);
}

static int deactivate(struct ledger *l, const char *name)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_hook_deactivate, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":name", name);
	return query_run(l, s);
}

/* One name at a time, since the statement that finds it must be done before the row is changed. 1: found one. */
static int gone(struct ledger *l, const struct config *c, char **ret_name)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_hook_active, &s);

	while (r == 0 && (r = query_step(l, s)) > 0) {
		r = 0;
		if (config_hook(c, query_string(s, "name")))
			continue;
		*ret_name = text_dup(query_text(s, "name"));
		return *ret_name ? 1 : -ENOMEM;
	}
	return r;
}

int ledger_register_hooks(struct ledger *l, const struct config *c, int64_t now_ms)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_hooks; i++)
		r = activate(l, c->hooks[i].name, now_ms);
	while (r == 0) {
		CLEANUP(freep) char *name = NULL;

		r = gone(l, c, &name);
		if (r <= 0)
			return r;
		r = deactivate(l, name);
	}
	return r;
}

int ledger_count_note(struct ledger *l, const char *note, uint64_t count, int64_t last_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_count_note, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":note", note);
	query_bind_int(s, ":count", (int64_t)count);
	query_bind_time(s, ":last_at", last_ms);
	return query_run(l, s);
}

int ledger_count_verdict(struct ledger *l, enum verdict v, uint64_t count, int64_t last_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_count_verdict, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":verdict", verdict_row(v)->word);
	query_bind_int(s, ":count", (int64_t)count);
	query_bind_time(s, ":last_at", last_ms);
	return query_run(l, s);
}

int ledger_count_topic(struct ledger *l, struct text topic_arn, uint64_t count, int64_t last_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL, *bound = NULL;
	int r = query_start(l, QUERY_count_topic, &s);

	if (r < 0)
		return r;
	query_bind_text(s, ":topic_arn", topic_arn);
	query_bind_int(s, ":count", (int64_t)count);
	query_bind_time(s, ":last_at", last_ms);
	r = query_run(l, s);
	if (r == 0)
		r = query_start(l, QUERY_count_topic_bound, &bound);
	return r < 0 ? r : query_run(l, bound);
}
