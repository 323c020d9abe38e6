/* Hooks that rest, a clock that was wrong, what a person has done again: the part of queue.h that is not the daily round. */
#include <string.h>

#include "ledger/private.h"
#include "ledger/query.h"
#include "ledger/queue.h"

int queue_death(struct ledger *l, const char *hook, int64_t *ret_deaths)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_death, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":hook", hook);
	r = query_step(l, s);
	if (r > 0)
		*ret_deaths = query_int(s, "deaths");
	return r < 0 ? r : 0;
}

/* A statement about the hook. How many rows it changed, or negative errno. `limit` 0: it has none. */
static int change_hook(struct ledger *l, enum query q, const char *hook, int64_t now_ms,
		       int64_t limit)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, q, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":hook", hook);
	query_bind_time(s, ":now", now_ms);
	if (limit > 0)
		query_bind_int(s, ":limit", limit);
	r = query_run(l, s);
	return r < 0 ? r : sqlite3_changes(l->db);
}

int queue_alive(struct ledger *l, const char *hook, int64_t now_ms)
{
	return change_hook(l, QUERY_queue_alive, hook, now_ms, 0);
}

int queue_resume(struct ledger *l, const char *hook, int64_t now_ms)
{
	return change_hook(l, QUERY_queue_resume, hook, now_ms, 0);
}

int queue_clock_back(struct ledger *l, const char *hook, int64_t after_ms, int64_t latest_ms,
		     int64_t now_ms, int64_t limit)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_clock_back, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":hook", hook);
	query_bind_time(s, ":after", after_ms);
	query_bind_time(s, ":latest", latest_ms);
	query_bind_time(s, ":now", now_ms);
	query_bind_int(s, ":limit", limit);
	r = query_run(l, s);
	return r < 0 ? r : sqlite3_changes(l->db);
}

int queue_hurry(struct ledger *l, const char *hook, int64_t now_ms, int64_t limit)
{
	return change_hook(l, QUERY_queue_hurry, hook, now_ms, limit);
}

int queue_retry_dead(struct ledger *l, const char *hook, int64_t now_ms, int64_t limit)
{
	return change_hook(l, QUERY_queue_retry_dead, hook, now_ms, limit);
}

int queue_pause(struct ledger *l, const char *hook, const char *why, int64_t now_ms,
		int64_t probe_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_pause, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":hook", hook);
	query_bind_string(s, ":why", why);
	query_bind_time(s, ":now", now_ms);
	query_bind_time(s, ":probe_at", probe_ms);
	r = query_run(l, s);
	return r < 0 ? r : sqlite3_changes(l->db);
}

int queue_probe(struct ledger *l, const char *hook, int64_t probe_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_probe, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":hook", hook);
	query_bind_time(s, ":probe_at", probe_ms);
	return query_run(l, s);
}

/* A statement about an event and a hook. How many rows it changed, or negative errno. */
static int change_run(struct ledger *l, enum query q, int64_t event_id, const char *hook,
		      int64_t now_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, q, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", event_id);
	query_bind_string(s, ":hook", hook);
	query_bind_time(s, ":now", now_ms);
	r = query_run(l, s);
	return r < 0 ? r : sqlite3_changes(l->db);
}

int queue_wake(struct ledger *l, int64_t event_id, const char *hook, int64_t now_ms)
{
	return change_run(l, QUERY_queue_wake, event_id, hook, now_ms);
}

int queue_retry(struct ledger *l, int64_t event_id, const char *hook, int64_t now_ms)
{
	return change_run(l, QUERY_queue_retry_event, event_id, hook, now_ms);
}

int queue_replay(struct ledger *l, int64_t event_id, const char *hook, int64_t now_ms)
{
	return change_run(l, QUERY_queue_replay, event_id, hook, now_ms);
}

int queue_may_replay(struct ledger *l, int64_t event_id, const char *hook)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_queue_run_state, &s);
	const char *state;

	if (r < 0)
		return r;
	query_bind_int(s, ":event_id", event_id);
	query_bind_string(s, ":hook", hook);
	r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : 1;
	state = query_string(s, "state");
	return strcmp(state, "pending") != 0 && strcmp(state, "running") != 0;
}
