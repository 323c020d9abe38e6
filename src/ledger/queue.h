/*
 * The queue of hook runs: events become rows of hook_run, and these are run. One function per named query of
 * sql/queue.sql. Errors are those of ledger.h; what writes belongs inside ledger_begin() .. ledger_commit().
 */
#ifndef IPND_LEDGER_QUEUE_H
#define IPND_LEDGER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ledger/ledger.h"

/* hook_run.state */
enum queue_state { QUEUE_PENDING, QUEUE_RUNNING, QUEUE_DONE, QUEUE_DEAD, QUEUE_SKIPPED };
const char *queue_state_word(enum queue_state s);

/* A row of `event`. Strings are owned; NULL: not known. */
struct queue_event {
	int64_t id;
	char *name;
	char *object_type;
	char *object_id;
	bool has_transition;
	int64_t transition_id;
	char *account;
	char *environment;
	bool late;
	int64_t created_ms;
	char *lane;
	char *order_reference_id;
	char *seller_order_id;
	char *billing_agreement_id;
	char *previous_state;
	char *state;
	char *reason_code;
	bool has_amount;
	int64_t amount_minor;
	char *currency;
	char *seller_id;
	int64_t updated_ms; /* UTC_UNKNOWN: not said */
	char *hook;         /* of hook.dead: who gave up */
};

void queue_event_free(struct queue_event *e);
DEFINE_CLEANUP(struct queue_event *, queue_event_free)

/* Another number than before when another connection has committed since. Costs next to nothing. */
int queue_data_version(struct ledger *l, int64_t *ret);

/* The id of the newest event, 0 when there is none. */
int queue_newest(struct ledger *l, int64_t *ret_id);

/* The registered, active hooks and how far each has come. */
struct queue_hook {
	char *name;
	int64_t seen_event;
	int64_t deaths;    /* runs given up since one was last done */
	int64_t paused_ms; /* UTC_UNKNOWN: not paused */
	int64_t probe_ms;  /* when paused: when one run is tried */
};

struct queue_hooks {
	struct queue_hook *at;
	size_t n;
};

int queue_hooks(struct ledger *l, struct queue_hooks *ret);
void queue_hooks_done(struct queue_hooks *h);

/* Events after `after` in order, at most `limit`. The callback may write; < 0 ends with that error. */
typedef int (*queue_event_fn)(const struct queue_event *e, void *userdata);
int queue_events(struct ledger *l, int64_t after, size_t limit, queue_event_fn each,
		 void *userdata);

/* -ENOENT: no such event. */
int queue_event(struct ledger *l, int64_t id, struct queue_event **ret);

/* The row of an event for a hook: skipped with the reason or, when `skipped` is NULL, due at `now_ms`. */
int queue_put(struct ledger *l, int64_t event_id, const char *hook, const char *skipped,
	      int64_t now_ms);

/* The hook's events are decided up to this one. */
int queue_seen(struct ledger *l, const char *hook, int64_t event_id);

/* A row of hook_run as a callback sees it: borrowed. */
struct queue_run {
	int64_t event_id;
	const char *hook;
	const char *lane;
	int64_t attempts; /* started so far */
};

/* False ends the list. Must not use the ledger. */
typedef bool (*queue_run_fn)(const struct queue_run *run, void *userdata);

/*
 * What of this hook may start now: pending, due, the first open one of its lane; with `block_on_dead` none before it in the lane
 * was given up. The longest due first, then by event. 0 or negative errno.
 */
int queue_due(struct ledger *l, const char *hook, bool block_on_dead, int64_t now_ms,
	      queue_run_fn each, void *userdata);

/*
 * The clock was set back: what waits for a time after `latest_ms`, which no backoff reaches, is due now, and of what waits for
 * one after `after_ms` also what has never run; at most `limit`. How many, or negative errno.
 */
int queue_clock_back(struct ledger *l, const char *hook, int64_t after_ms, int64_t latest_ms,
		     int64_t now_ms, int64_t limit);

/* When the next run after `now_ms` falls due; UTC_UNKNOWN: none waits. */
int queue_next_due(struct ledger *l, int64_t now_ms, int64_t *ret_ms);

/* A run as it starts. */
struct queue_attempt {
	int64_t number;  /* 1 for the first ever */
	int64_t counted; /* how many of them the hook's limit counts, this one included */
	int64_t since_ms; /* from when `give_up` counts: the event's, or later: a person's retry, the end of a pause */
};

/*
 * Pending becomes running, one attempt more; the one before is put aside. `counts`: for the hook's limit. -ENOENT: it is not
 * pending any more.
 */
int queue_start(struct ledger *l, int64_t event_id, const char *hook, bool counts, int64_t now_ms,
		struct queue_attempt *ret);

/* How an attempt ended. */
struct queue_end {
	int64_t event_id;
	const char *hook;
	int64_t attempt;
	enum queue_state state;
	int64_t next_attempt_ms; /* UTC_UNKNOWN unless pending again */
	int64_t counted;         /* by now */
	bool has_status;
	int exit_status;
	const char *detail;
	struct text output; /* valid UTF-8 */
	int64_t now_ms;
};

/* Done and dead let the next of the lane go. -ENOENT: that attempt is not running, says the database (which a backup may have replaced). */
int queue_end(struct ledger *l, const struct queue_end *end);

/* The event hook.dead about a run of `event_id`. 1: made; 0: none, because the event was itself a hook.dead. */
int queue_dead_event(struct ledger *l, int64_t event_id, const char *hook, int64_t now_ms);

/* A run of the hook was given up: how many in a row that makes. One was done: the row ends, and a pause with it. */
int queue_death(struct ledger *l, const char *hook, int64_t *ret_deaths);
int queue_alive(struct ledger *l, const char *hook, int64_t now_ms);
/* Only one run is tried, at `probe_ms`. 1: it was not paused before; 0: it was, and stays as it is. */
int queue_pause(struct ledger *l, const char *hook, const char *why, int64_t now_ms,
		int64_t probe_ms);
/* The next trial of a pause that still stands. */
int queue_probe(struct ledger *l, const char *hook, int64_t probe_ms);

/* For a person. How many rows were changed, or negative errno. */
int queue_resume(struct ledger *l, const char *hook, int64_t now_ms);
/* `hook` NULL: of all. */
int queue_retry(struct ledger *l, int64_t event_id, const char *hook, int64_t now_ms);
/* Steps, each of at most `limit` rows, so that no transaction is long: one that changes fewer is the last. */
int queue_hurry(struct ledger *l, const char *hook, int64_t now_ms, int64_t limit);
int queue_retry_dead(struct ledger *l, const char *hook, int64_t now_ms, int64_t limit);
/* 1: the hook runs for this event (again); 0: it waits or runs already. */
int queue_replay(struct ledger *l, int64_t event_id, const char *hook, int64_t now_ms);
/* What queue_replay() would say. */
int queue_may_replay(struct ledger *l, int64_t event_id, const char *hook);
/* As queue_events(), in order of time: those behind the event `after` of `since_ms` (0: from then on), made before `until_ms`. */
int queue_events_between(struct ledger *l, int64_t since_ms, int64_t after, int64_t until_ms,
			 size_t limit, queue_event_fn each, void *userdata);

/*
 * A pending run without a time waits for the end of an earlier one of its lane, which releases it. These wait for nothing, since
 * the earlier one is gone; and how one is made due.
 */
int queue_stranded(struct ledger *l, queue_run_fn each, void *userdata);
int queue_wake(struct ledger *l, int64_t event_id, const char *hook, int64_t now_ms);

/* The rows that say `running`, and how one is put back: pending, due now, and not counted. Nothing may have been released meanwhile. */
int queue_running(struct ledger *l, queue_run_fn each, void *userdata);
int queue_again(struct ledger *l, int64_t event_id, const char *hook, const char *detail,
		int64_t now_ms);

/* A column of an object's row: `text` when `is_text`, else `number`; `is_null`: neither. */
struct queue_column {
	const char *name;
	bool is_null;
	bool is_text;
	struct text text;
	int64_t number;
};

/*
 * The row of the event's object as it stands now, column by column. 1: there is one; 0: none, or no table for such an
 * object. < 0 of the callback ends with that error; it must not use the ledger.
 */
typedef int (*queue_column_fn)(const struct queue_column *c, void *userdata);
int queue_object(struct ledger *l, const struct queue_event *e, queue_column_fn each,
		 void *userdata);

#endif
