/* The queue against a real database: who may start when, what is written at an end, what a death makes known. */
#include <errno.h>
#include <sqlite3.h>

#include "base/utc.h"
#include "ledger/query.h"
#include "ledger/queue.h"
#include "unit.h"

#define NOW INT64_C(1700000000000)

static char *path;
static struct ledger *ledger;

static void sql_run(const char *sql)
{
	sqlite3 *db = NULL;
	char *error = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK, "%s", error);
	sqlite3_close(db);
}

/* The rows as text: columns with a blank between, rows with a semicolon. */
static char *sql_text(const char *sql)
{
	char *text = unit_format("%s", "");
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, "%s",
		      sqlite3_errmsg(db));
	while (sqlite3_step(s) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			const char *value = (const char *)sqlite3_column_text(s, i);
			char *longer = unit_format("%s%s%s", text,
						   i       ? " "
						   : *text ? ";"
							   : "",
						   value ? value : "-");

			free(text);
			text = longer;
		}
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	return text;
}

static void check_sql(const char *sql, const char *expected)
{
	CLEANUP(freep) char *text = sql_text(sql);

	ck_assert_str_eq(text, expected);
}

static void setup(void)
{
	CLEANUP(freep) char *folder = unit_folder();
	struct ledger *own = NULL;
	struct why why;

	path = unit_format("%s/ipnd.db", folder);
	ck_assert_int_eq(ledger_open(path, LEDGER_OWN, &own, &why), 0);
	ledger_close(own);
	ck_assert_int_eq(ledger_open(path, LEDGER_WRITE, &ledger, &why), 0);
}

static void teardown(void)
{
	ledger_close(ledger);
	free(path);
}

/* Events 1..n, in the lanes of `lanes`, one letter each. */
static void put_events(const char *lanes)
{
	for (; *lanes; lanes++) {
		CLEANUP(freep)
		char *sql = unit_format(
			"INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane, amount_minor,"
			" currency) VALUES ('capture.completed', 'capture', 'C-%c', 'shop', 'live', 0,"
			" '2023-11-14T22:13:20.000Z', '%c', 1995, 'USD')",
			*lanes, *lanes);

		sql_run(sql);
	}
}

static void put_hook(const char *name)
{
	CLEANUP(freep)
	char *sql = unit_format(
		"INSERT INTO hook (name, registered_at, since_event, seen_event, active) VALUES ('%s', 't', 0, 0, 1)",
		name);

	sql_run(sql);
}

static void begin(void)
{
	ck_assert_int_eq(ledger_begin(ledger), 0);
}

static void commit(void)
{
	ck_assert_int_eq(ledger_commit(ledger), 0);
}

static void put(int64_t event_id, const char *hook, int64_t at_ms)
{
	begin();
	ck_assert_int_eq(queue_put(ledger, event_id, hook, NULL, at_ms), 0);
	commit();
}

static struct queue_attempt started; /* by start(), the last */

static int64_t start(int64_t event_id, const char *hook)
{
	begin();
	ck_assert_int_eq(queue_start(ledger, event_id, hook, true, NOW, &started), 0);
	commit();
	return started.number;
}

static int end(int64_t event_id, const char *hook, int64_t attempt, enum queue_state state,
	       int64_t next_ms)
{
	const struct queue_end e = {
		.event_id = event_id,
		.hook = hook,
		.attempt = attempt,
		.state = state,
		.next_attempt_ms = next_ms,
		.counted = started.counted,
		.has_status = true,
		.exit_status = 3,
		.detail = "exit 3",
		.output = TEXT("out\n"),
		.now_ms = NOW,
	};
	int r;

	begin();
	r = queue_end(ledger, &e);
	commit();
	return r;
}

static bool add_run(const struct queue_run *run, void *userdata)
{
	char **list = userdata;
	char *longer = unit_format("%s%s%lld%s", *list, **list ? " " : "", (long long)run->event_id,
				   run->hook);

	free(*list);
	*list = longer;
	return true;
}

static bool block_on_dead;

/* Hook by hook, in the order of their names. */
static void check_due(int64_t now_ms, const char *expected)
{
	CLEANUP(queue_hooks_done) struct queue_hooks hooks = {0};
	CLEANUP(freep) char *list = unit_format("%s", "");

	ck_assert_int_eq(queue_hooks(ledger, &hooks), 0);
	for (size_t i = 0; i < hooks.n; i++)
		ck_assert_int_eq(
			queue_due(ledger, hooks.at[i].name, block_on_dead, now_ms, add_run, &list),
			0);
	ck_assert_str_eq(list, expected);
}

START_TEST(empty)
{
	struct queue_hooks hooks = {0};
	struct queue_event *e = NULL;
	int64_t n = -1;

	ck_assert_int_eq(queue_newest(ledger, &n), 0);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(queue_next_due(ledger, NOW, &n), 0);
	ck_assert_int_eq(n, UTC_UNKNOWN);
	ck_assert_int_eq(queue_hooks(ledger, &hooks), 0);
	ck_assert_uint_eq(hooks.n, 0);
	ck_assert_int_eq(queue_event(ledger, 1, &e), -ENOENT);
	ck_assert_ptr_null(e);
	check_due(NOW, "");
}
END_TEST

START_TEST(version_changes_with_others_commits_only)
{
	int64_t before = 0, after = 0;

	put_hook("h");
	ck_assert_int_eq(queue_data_version(ledger, &before), 0);
	ck_assert_int_eq(queue_data_version(ledger, &after), 0);
	ck_assert_int_eq(before, after);
	put_events("a");
	ck_assert_int_eq(queue_data_version(ledger, &after), 0);
	ck_assert_int_ne(before, after);
	put(1, "h", NOW);
	ck_assert_int_eq(queue_data_version(ledger, &before), 0);
	ck_assert_int_eq(before, after);
}
END_TEST

static int add_event(const struct queue_event *e, void *userdata)
{
	char **list = userdata;
	char *longer = unit_format("%s%lld%s", *list, (long long)e->id, e->lane);

	free(*list);
	*list = longer;
	/* What the walk is for: rows of another table while it goes on. */
	return queue_put(ledger, e->id, "h", e->id == 2 ? "because" : NULL, NOW);
}

START_TEST(walk)
{
	CLEANUP(freep) char *list = unit_format("%s", "");
	CLEANUP(queue_hooks_done) struct queue_hooks hooks = {0};

	put_events("abcd");
	put_hook("h");
	sql_run("INSERT INTO hook (name, registered_at, since_event, seen_event, active) VALUES ('gone', 't', 0, 0, 0)");
	begin();
	ck_assert_int_eq(queue_events(ledger, 0, 3, add_event, &list), 0);
	ck_assert_int_eq(queue_seen(ledger, "h", 3), 0);
	ck_assert_int_eq(queue_seen(ledger, "h", 2), 0); /* never backwards */
	commit();
	ck_assert_str_eq(list, "1a2b3c");
	ck_assert_int_eq(queue_hooks(ledger, &hooks), 0);
	ck_assert_uint_eq(hooks.n, 1);
	ck_assert_str_eq(hooks.at[0].name, "h");
	ck_assert_int_eq(hooks.at[0].seen_event, 3);
	check_sql(
		"SELECT event_id, state, next_attempt_at, detail, attempts, lane, account, environment FROM hook_run",
		"1 pending 2023-11-14T22:13:20.000Z - 0 a shop live;2 skipped - because 0 b shop live;"
		"3 pending 2023-11-14T22:13:20.000Z - 0 c shop live");
}
END_TEST

/* A replay's row is not overwritten by the walk. */
START_TEST(put_keeps_what_is_there)
{
	put_events("a");
	put_hook("h");
	put(1, "h", NOW);
	ck_assert_int_eq(start(1, "h"), 1);
	put(1, "h", NOW);
	check_sql("SELECT state, attempts FROM hook_run", "running 1");
}
END_TEST

START_TEST(order_within_a_lane)
{
	put_events("aab");
	put_hook("h");
	put_hook("i");
	for (int i = 1; i <= 3; i++) {
		put(i, "h", NOW);
		put(i, "i", NOW);
	}
	/* The second of lane a waits for the first, hook by hook. */
	check_due(NOW, "1h 3h 1i 3i");
	start(1, "h");
	check_due(NOW, "3h 1i 3i");
	/* Also while the first waits for its next attempt. */
	ck_assert_int_eq(end(1, "h", 1, QUEUE_PENDING, NOW + 1000), 0);
	check_due(NOW, "3h 1i 3i");
	check_due(NOW + 1000, "3h 1h 1i 3i");
	/* Only the first of a lane waits for a time: the rest is not searched for what may start. */
	check_sql("SELECT event_id, hook FROM hook_run WHERE next_attempt_at IS NULL ORDER BY 1, 2",
		  "2 h;2 i");
	start(1, "h");
	ck_assert_int_eq(end(1, "h", 2, QUEUE_DEAD, UTC_UNKNOWN), 0);
	check_due(NOW, "2h 3h 1i 3i");
	check_sql("SELECT event_id, hook FROM hook_run WHERE next_attempt_at IS NULL ORDER BY 1, 2",
		  "1 h;2 i");
	/* An earlier one comes back: the next one's own time stands when it goes on. */
	start(2, "h");
	ck_assert_int_eq(end(2, "h", 1, QUEUE_PENDING, NOW + 5000), 0);
	begin();
	ck_assert_int_eq(queue_replay(ledger, 1, "h", NOW), 1);
	commit();
	check_due(NOW + 9000, "1h 3h 1i 3i");
	start(1, "h");
	ck_assert_int_eq(end(1, "h", 3, QUEUE_DONE, UTC_UNKNOWN), 0);
	check_due(NOW + 4999, "3h 1i 3i");
	check_due(NOW + 5000, "3h 2h 1i 3i");
}
END_TEST

START_TEST(only_active_hooks)
{
	put_events("ab");
	put_hook("h");
	put(1, "h", NOW);
	put(2, "gone", NOW);
	check_due(NOW, "1h");
	sql_run("UPDATE hook SET active = 0");
	check_due(NOW, "");
}
END_TEST

START_TEST(due_in_time)
{
	int64_t at = 0;

	put_events("abc");
	put_hook("h");
	put(1, "h", NOW + 2000);
	put(2, "h", NOW + 1000);
	put(3, "h", NOW);
	check_due(NOW - 1, "");
	check_due(NOW + 2000, "3h 2h 1h");
	ck_assert_int_eq(queue_next_due(ledger, NOW, &at), 0);
	ck_assert_int_eq(at, NOW + 1000);
	ck_assert_int_eq(queue_next_due(ledger, NOW + 2000, &at), 0);
	ck_assert_int_eq(at, UTC_UNKNOWN);
}
END_TEST

/* A paused hook is looked at again at its time, and after that when something falls due; nothing wakes it before. */
START_TEST(pauses)
{
	CLEANUP(queue_hooks_done) struct queue_hooks hooks = {0};
	int64_t deaths = 0, at;

	put_hook("h");
	put_events("ab");
	put(1, "h", NOW);
	put(2, "h", NOW);
	begin();
	ck_assert_int_eq(queue_death(ledger, "h", &deaths), 0);
	ck_assert_int_eq(queue_death(ledger, "h", &deaths), 0);
	ck_assert_int_eq(deaths, 2);
	ck_assert_int_eq(queue_probe(ledger, "h", NOW + 1), 0); /* there is no pause */
	ck_assert_int_eq(queue_pause(ledger, "h", "why", NOW, NOW + 50000), 1);
	ck_assert_int_eq(queue_pause(ledger, "h", "why", NOW, NOW + 40000), 0);
	ck_assert_int_eq(queue_probe(ledger, "h", NOW + 60000), 0);
	commit();
	ck_assert_int_eq(queue_hooks(ledger, &hooks), 0);
	ck_assert_int_eq(hooks.at[0].deaths, 2);
	ck_assert_int_eq(hooks.at[0].paused_ms, NOW);
	ck_assert_int_eq(hooks.at[0].probe_ms, NOW + 60000);
	ck_assert_int_eq(queue_next_due(ledger, NOW, &at), 0);
	ck_assert_int_eq(at, NOW + 60000);
	sql_run("UPDATE hook_run SET next_attempt_at = '2023-11-14T22:15:20.000Z' WHERE event_id = 1"); /* NOW + 2 min */
	ck_assert_int_eq(queue_next_due(ledger, NOW + 60000, &at), 0);
	ck_assert_int_eq(at, NOW + 120000);
	begin();
	ck_assert_int_eq(queue_resume(ledger, "x", NOW), 0);
	ck_assert_int_eq(queue_resume(ledger, "h", NOW + 5), 1);
	ck_assert_int_eq(queue_hurry(ledger, "h", NOW + 5, 1), 1);
	ck_assert_int_eq(queue_hurry(ledger, "h", NOW + 5, 1), 0);
	commit();
	check_due(NOW + 5, "2h 1h");
	begin();
	ck_assert_int_eq(queue_alive(ledger, "h", NOW + 6), 0); /* nothing to write */
	commit();
	check_sql("SELECT resumed_at FROM hook", "2023-11-14T22:13:20.005Z");
}
END_TEST

START_TEST(replay_and_retry)
{
	put_hook("h");
	put_events("ab");
	put(1, "h", NOW);
	end(1, "h", start(1, "h"), QUEUE_DEAD, UTC_UNKNOWN);
	ck_assert_int_eq(queue_may_replay(ledger, 1, "h"), 1);
	ck_assert_int_eq(queue_may_replay(ledger, 2, "h"), 1);
	block_on_dead = true;
	put(2, "h", NOW);
	check_due(NOW, "2h"); /* of another lane */
	sql_run("UPDATE hook_run SET lane = 'a'");
	check_due(NOW, "");
	block_on_dead = false;
	check_due(NOW, "2h");
	begin();
	ck_assert_int_eq(queue_replay(ledger, 2, "h", NOW), 0); /* waits already */
	ck_assert_int_eq(queue_retry(ledger, 1, "other", NOW), 0);
	ck_assert_int_eq(queue_retry(ledger, 1, NULL, NOW), 1);
	commit();
	check_due(NOW, "1h");
	end(1, "h", start(1, "h"), QUEUE_DONE, UTC_UNKNOWN);
	begin();
	ck_assert_int_eq(queue_retry_dead(ledger, "h", NOW, 10), 0);
	ck_assert_int_eq(queue_replay(ledger, 1, "h", NOW), 1);
	commit();
	ck_assert_int_eq(start(1, "h"), 3);
	check_sql(
		"SELECT attempt, detail, ended_at IS NULL FROM hook_attempt WHERE event_id = 1 ORDER BY attempt",
		"1 exit 3 0;2 exit 3 0;3 - 1");
}
END_TEST

/* Limits count anew when a person has a run tried again, and `give_up` from then or from the end of a pause. */
START_TEST(limits)
{
	const int64_t created = NOW;

	put_hook("h");
	put_events("ab");
	put(1, "h", NOW);
	end(1, "h", start(1, "h"), QUEUE_PENDING, NOW);
	end(1, "h", start(1, "h"), QUEUE_DEAD, UTC_UNKNOWN);
	ck_assert_int_eq(started.counted, 2);
	ck_assert_int_eq(started.since_ms, created);
	begin();
	ck_assert_int_eq(queue_retry_dead(ledger, "h", NOW + 1000, 10), 1);
	ck_assert_int_eq(queue_retry_dead(ledger, "h", NOW + 1000, 10), 0);
	commit();
	ck_assert_int_eq(start(1, "h"), 3);
	ck_assert_int_eq(started.counted, 1);
	ck_assert_int_eq(started.since_ms, NOW + 1000);
	end(1, "h", 3, QUEUE_PENDING, NOW);
	/* A trial of a paused hook. */
	begin();
	ck_assert_int_eq(queue_start(ledger, 1, "h", false, NOW, &started), 0);
	ck_assert_int_eq(queue_pause(ledger, "h", "why", NOW, NOW), 1);
	ck_assert_int_eq(queue_alive(ledger, "h", NOW + 2000), 1);
	commit();
	ck_assert_int_eq(started.number, 4);
	ck_assert_int_eq(started.counted, 1);
	put(2, "h", NOW);
	start(2, "h");
	ck_assert_int_eq(started.since_ms, NOW + 2000);
}
END_TEST

START_TEST(starts_and_ends)
{
	put_events("a");
	put_hook("h");
	put(1, "h", NOW);
	ck_assert_int_eq(start(1, "h"), 1);
	check_sql("SELECT state, attempts, next_attempt_at FROM hook_run", "running 1 -");
	begin();
	ck_assert_int_eq(queue_start(ledger, 1, "h", true, NOW, &started), -ENOENT);
	commit();
	ck_assert_int_eq(end(1, "h", 1, QUEUE_PENDING, NOW + 1000), 0);
	check_sql(
		"SELECT state, attempts, next_attempt_at, exit_status, detail, output FROM hook_run",
		"pending 1 2023-11-14T22:13:21.000Z 3 exit 3 out\n");
	ck_assert_int_eq(start(1, "h"), 2);
	/* The end of another attempt, or of one that the database does not know, is nobody's. */
	ck_assert_int_eq(end(1, "h", 1, QUEUE_DONE, UTC_UNKNOWN), -ENOENT);
	ck_assert_int_eq(end(9, "h", 1, QUEUE_DONE, UTC_UNKNOWN), -ENOENT);
	ck_assert_int_eq(end(1, "h", 2, QUEUE_DONE, UTC_UNKNOWN), 0);
	ck_assert_int_eq(end(1, "h", 2, QUEUE_DEAD, UTC_UNKNOWN), -ENOENT);
	check_sql("SELECT state, attempts, next_attempt_at FROM hook_run", "done 2 -");
}
END_TEST

/* What was to release a run is gone, by hand or by an older program. */
START_TEST(stranded)
{
	CLEANUP(freep) char *list = unit_format("%s", "");

	put_events("aab");
	put_hook("h");
	for (int i = 1; i <= 3; i++)
		put(i, "h", NOW);
	ck_assert_int_eq(queue_stranded(ledger, add_run, &list), 0);
	ck_assert_str_eq(list, "");
	sql_run("DELETE FROM hook_run WHERE event_id = 1");
	check_due(NOW, "3h");
	ck_assert_int_eq(queue_stranded(ledger, add_run, &list), 0);
	ck_assert_str_eq(list, "2h");
	begin();
	ck_assert_int_eq(queue_wake(ledger, 3, "h", NOW), 0);
	ck_assert_int_eq(queue_wake(ledger, 2, "h", NOW), 1);
	commit();
	check_due(NOW, "2h 3h");
}
END_TEST

/* The clock was ahead: nothing waits for its times, but for a backoff that is possible. */
START_TEST(clock_back)
{
	put_events("abc");
	put_hook("h");
	put(1, "h", NOW + 1000); /* never run */
	put(2, "h", NOW);
	end(2, "h", start(2, "h"), QUEUE_PENDING, NOW + 5000);
	put(3, "h", NOW);
	end(3, "h", start(3, "h"), QUEUE_PENDING, NOW + 90000);
	begin();
	ck_assert_int_eq(queue_clock_back(ledger, "h", NOW + 60000, NOW + 60000, NOW, 10), 1);
	commit();
	check_due(NOW, "3h");
	begin();
	ck_assert_int_eq(queue_clock_back(ledger, "h", NOW, NOW + 60000, NOW, 10), 1);
	commit();
	check_due(NOW, "1h 3h");
}
END_TEST

START_TEST(running_again)
{
	CLEANUP(freep) char *list = unit_format("%s", "");

	put_events("abc");
	put_hook("h");
	for (int i = 1; i <= 3; i++)
		put(i, "h", NOW);
	start(1, "h");
	start(2, "h");
	ck_assert_int_eq(queue_running(ledger, add_run, &list), 0);
	ck_assert_msg(strcmp(list, "1h 2h") == 0, "%s", list);
	begin();
	ck_assert_int_eq(queue_again(ledger, 1, "h", "cut short", NOW + 5), 0);
	ck_assert_int_eq(queue_again(ledger, 3, "h", "cut short", NOW + 5), 0);
	commit();
	check_sql(
		"SELECT state, attempts, next_attempt_at, detail FROM hook_run",
		"pending 1 2023-11-14T22:13:20.005Z cut short;running 1 - -;pending 0 2023-11-14T22:13:20.000Z -");
}
END_TEST

START_TEST(a_death_is_an_event)
{
	put_events("a");
	sql_run("UPDATE event SET order_reference_id = 'S01', seller_order_id = '7', state = 'Completed', transition_id = 5,"
		" seller_id = 'A1', updated_at = '2023-11-14T22:13:19.000Z'");
	begin();
	ck_assert_int_eq(queue_dead_event(ledger, 1, "h", NOW + 1), 1);
	ck_assert_int_eq(queue_dead_event(ledger, 2, "h", NOW + 1), 0); /* no death of a death */
	ck_assert_int_eq(queue_dead_event(ledger, 3, "h", NOW + 1), 0);
	commit();
	check_sql(
		"SELECT id, name, object_type, object_id, transition_id, account, environment, late, created_at, lane,"
		" order_reference_id, seller_order_id, state, amount_minor, currency, seller_id, updated_at FROM event"
		" WHERE id > 1",
		"2 hook.dead capture C-a - shop live 0 2023-11-14T22:13:20.001Z a S01 7 Completed 1995 USD A1"
		" 2023-11-14T22:13:19.000Z");
}
END_TEST

START_TEST(event_as_read)
{
	CLEANUP(queue_event_freep) struct queue_event *e = NULL, *other = NULL;

	put_events("ab");
	sql_run("UPDATE event SET transition_id = 5, late = 1, updated_at = '2023-11-14T22:13:19.000Z' WHERE id = 2;"
		"UPDATE event SET amount_minor = NULL WHERE id = 1");
	ck_assert_int_eq(queue_event(ledger, 2, &e), 0);
	ck_assert_int_eq(e->id, 2);
	ck_assert_str_eq(e->name, "capture.completed");
	ck_assert_str_eq(e->object_type, "capture");
	ck_assert_str_eq(e->object_id, "C-b");
	ck_assert(e->has_transition && e->transition_id == 5);
	ck_assert(e->late);
	ck_assert_int_eq(e->created_ms, NOW);
	ck_assert_int_eq(e->updated_ms, NOW - 1000);
	ck_assert(e->has_amount && e->amount_minor == 1995);
	ck_assert_ptr_null(e->order_reference_id);
	ck_assert_int_eq(queue_event(ledger, 1, &other), 0);
	ck_assert(!other->has_transition && !other->has_amount && !other->late);
	ck_assert_int_eq(other->updated_ms, UTC_UNKNOWN);
}
END_TEST

static int add_column(const struct queue_column *c, void *userdata)
{
	char **list = userdata;
	char *longer;

	if (c->is_null)
		longer = unit_format("%s %s=-", *list, c->name);
	else if (c->is_text)
		longer = unit_format("%s %s='%.*s'", *list, c->name, (int)c->text.len, c->text.at);
	else
		longer = unit_format("%s %s=%lld", *list, c->name, (long long)c->number);
	free(*list);
	*list = longer;
	return 0;
}

/* What queue_object() says of an event about this object. */
static int object_of(const char *type, const char *id, char **list)
{
	CLEANUP(freep)
	char *sql = unit_format(
		"INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane,"
		" notification_id) VALUES ('n', '%s', '%s', 'shop', 'live', 0, 'c', 'l',"
		" (SELECT min(id) FROM notification))",
		type, id);
	struct queue_event e = {.object_type = (char *)(uintptr_t)type};

	sql_run(sql);
	ck_assert_int_eq(queue_newest(ledger, &e.id), 0);
	return queue_object(ledger, &e, add_column, list);
}

START_TEST(object_as_stored)
{
	CLEANUP(freep) char *list = unit_format("%s", "");
	CLEANUP(freep) char *chargeback = unit_format("%s", "");

	sql_run("INSERT INTO capture (capture_id, account, environment, state, amount_minor, updated_at)"
		" VALUES ('C-a', 'shop', 'live', 'Completed', 1995, 'u');"
		"INSERT INTO order_reference (order_reference_id, account, environment, state, updated_at)"
		" VALUES ('C-a', 'x', 'live', 'Open', 'u'), ('S', 'x', 'live', 'Open', 'u')");
	ck_assert_int_eq(object_of("capture", "C-a", &list), 1);
	ck_assert_str_eq(
		list,
		" capture_id='C-a' authorization_id=- order_reference_id=- account='shop' environment='live'"
		" reference_id=- state='Completed' reason_code=- amount_minor=1995 refunded_minor=- fee_minor=-"
		" currency=- created_at=- updated_at='u' converted_minor=- converted_currency=-"
		" conversion_rate=-");
	ck_assert_int_eq(object_of("order_reference", "S", &list), 1);
	ck_assert_int_eq(object_of("capture", "C-b", &list), 0);
	ck_assert_int_eq(object_of("notification", "C-a", &list), 0);
	ck_assert_int_eq(object_of("chargeback", "C-a", &list), 0);
	/* Two under one id: the event's own. */
	sql_run("INSERT INTO notification (id, message_id, account, is_sample, sent_at, received_at, verdict)"
		" VALUES (7, 'm7', 'shop', 0, 's', 'r', 'applied'), (8, 'm8', 'shop', 0, 's', 'r', 'applied');"
		"INSERT INTO chargeback (notification_id, chargeback_id, account, environment, state)"
		" VALUES (7, 'C9', 'shop', 'live', 'RECEIVED'), (8, 'C9', 'shop', 'live', 'RECEIVED')");
	ck_assert_int_eq(object_of("chargeback", "C9", &chargeback), 1);
	ck_assert_str_eq(
		chargeback,
		" notification_id=7 chargeback_id='C9' order_reference_id=-"
		" capture_reference_id=- account='shop' environment='live' state='RECEIVED'"
		" reason=- amount_minor=- currency=- created_at=-");
}
END_TEST

static bool first_only(const struct queue_run *run, void *userdata)
{
	*(int64_t *)userdata = run->event_id;
	return false;
}

/* A long queue does not slow the choice down: nothing is sorted, and no more is read than is asked for. */
START_TEST(long_queue)
{
	sqlite3_stmt *s = NULL;
	int64_t id = 0;

	put_hook("h");
	sql_run("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
		" INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane)"
		" SELECT 'capture.completed', 'capture', 'C', 'shop', 'live', 0, 't', 'lane' || i FROM n;"
		"INSERT INTO hook_run (event_id, hook, account, environment, lane, state, next_attempt_at, updated_at)"
		" SELECT id, 'h', account, environment, lane, 'pending', '2023-11-14T22:13:20.000Z', 't' FROM event");
	ck_assert_int_eq(query_start(ledger, QUERY_queue_due, &s), 0);
	query_done(s);
	sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
	ck_assert_int_eq(queue_due(ledger, "h", true, NOW, first_only, &id), 0);
	ck_assert_int_eq(id, 1);
	ck_assert_int_lt(sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 0), 200);
	ck_assert_int_eq(sqlite3_stmt_status(s, SQLITE_STMTSTATUS_SORT, 0), 0);
	ck_assert_int_eq(sqlite3_stmt_status(s, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *c = unit_case(suite, "queue");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, empty);
	tcase_add_test(c, version_changes_with_others_commits_only);
	tcase_add_test(c, walk);
	tcase_add_test(c, put_keeps_what_is_there);
	tcase_add_test(c, order_within_a_lane);
	tcase_add_test(c, only_active_hooks);
	tcase_add_test(c, due_in_time);
	tcase_add_test(c, pauses);
	tcase_add_test(c, replay_and_retry);
	tcase_add_test(c, limits);
	tcase_add_test(c, starts_and_ends);
	tcase_add_test(c, stranded);
	tcase_add_test(c, clock_back);
	tcase_add_test(c, running_again);
	tcase_add_test(c, a_death_is_an_event);
	tcase_add_test(c, event_as_read);
	tcase_add_test(c, object_as_stored);
	tcase_add_test(c, long_queue);
	return unit_main(suite);
}
