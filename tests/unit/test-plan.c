/*
 * How SQLite would answer each query: none that only reads goes through a whole table that grows, so that none becomes slow
 * with the years.
 */
#include <sqlite3.h>
#include <string.h>

#include "ledger/ledger.h"
#include "unit.h"

static const struct {
	const char *name, *sql;
} queries[] = {
#define QUERY(name, text) {#name, text},
#define MIGRATION(number, text)
#include "ledger/sql.inc"
#undef QUERY
#undef MIGRATION
};

#define QUERIES_N (sizeof(queries) / sizeof(queries[0]))

/* What goes through all of it by its nature, or by an index that holds few rows or is left at the limit. */
static const struct {
	const char *query, *step, *why;
} allowed[] = {
	{"ask_reference", "SCAN",
	 "no index has the merchant's references; nothing else knew the id"},
	{"ask_events_last", "SCAN event", "backwards, to the limit"},
	{"ask_events_last_of", "SCAN event USING COVERING INDEX event_created",
	 "backwards, to the limit"},
	{"ask_last_of_accounts", "SCAN notification USING COVERING INDEX notification_received",
	 "to a limit"},
	{"ask_last_raw", "SCAN notification USING INDEX notification_received",
	 "backwards, to a limit"},
	{"complete_ids", "SCAN fact", "backwards, to a limit"},
	{"complete_events", "SCAN event", "backwards, to a limit"},
	{"complete_conflicts", "SCAN fact USING INDEX fact_held", "those that are held"},
	{"ask_held", "SCAN fact USING INDEX fact_held", "those that are held"},
	{"ask_held", "SCAN notification USING INDEX notification_unrecognized",
	 "those that are held"},
	{"ask_held", "SCAN notification USING INDEX notification_foreign", "those that are held"},
	{"conflicts", "SCAN f USING INDEX fact_held", "those that are held"},
	{"copy_summary", "SCAN notification USING COVERING INDEX", "counts all"},
	{"copy_messages", "SCAN notification USING COVERING INDEX", "compares all"},
	{"queue_stranded", "SCAN hook_run USING COVERING INDEX hook_run_open", "what is open"},
};

/* Tables that stay small, as the plan calls them. */
static const char *const small[] = {
	"CONSTANT ROW", "hook",          "h", "s",        "subscription", "verdict_count",
	"note_count",   "refused_topic", "o", "(subquery"};

static bool is_small(const char *step)
{
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		size_t len = strlen(small[i]);

		if (strncmp(step + strlen("SCAN "), small[i], len) == 0 &&
		    (small[i][0] == '(' || !step[strlen("SCAN ") + len] ||
		     step[strlen("SCAN ") + len] == ' '))
			return true;
	}
	return false;
}

static bool is_allowed(const char *query, const char *step)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strcmp(query, allowed[i].query) == 0 &&
		    strncmp(step, allowed[i].step, strlen(allowed[i].step)) == 0)
			return true;
	return false;
}

static sqlite3 *fresh(void)
{
	CLEANUP(freep) char *folder = unit_folder(), *path = unit_format("%s/ipnd.db", folder);
	struct ledger *l = NULL;
	sqlite3 *db = NULL;
	struct why why;

	ck_assert_msg(ledger_open(path, LEDGER_OWN, &l, &why) == 0, "%s", why.text);
	ledger_close(l);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

/* The steps of a plan, one a line; NULL: it cannot be prepared. */
static char *plan_of(sqlite3 *db, const char *sql)
{
	CLEANUP(freep) char *explain = unit_format("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *s = NULL;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_msg(sqlite3_prepare_v2(db, explain, -1, &s, NULL) == SQLITE_OK, "%s: %s",
		      sqlite3_errmsg(db), sql);
	while (sqlite3_step(s) == SQLITE_ROW)
		fprintf(f, "%s\n", (const char *)sqlite3_column_text(s, 3));
	sqlite3_finalize(s);
	fclose(f);
	return text;
}

static void check_steps(const char *query, char *plan)
{
	char *rest = plan, *step;

	while ((step = strsep(&rest, "\n")))
		if (strncmp(step, "SCAN ", strlen("SCAN ")) == 0 && !is_small(step))
			ck_assert_msg(is_allowed(query, step), "%s goes through all of a table: %s",
				      query, step);
}

START_TEST(no_query_goes_through_a_table_that_grows)
{
	sqlite3 *db = fresh();

	ck_assert_int_ge(QUERIES_N, 100);
	for (size_t i = 0; i < QUERIES_N; i++) {
		CLEANUP(freep) char *plan = NULL;

		if (strncmp(queries[i].sql, "PRAGMA", strlen("PRAGMA")) == 0)
			continue;
		plan = plan_of(db, queries[i].sql);
		check_steps(queries[i].name, plan);
	}
	sqlite3_close(db);
}
END_TEST

/* A list of exceptions that nothing needs any more hides the next one. */
START_TEST(every_exception_is_needed)
{
	sqlite3 *db = fresh();

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		bool used = false;

		for (size_t q = 0; q < QUERIES_N; q++) {
			CLEANUP(freep) char *plan = NULL;

			if (strcmp(queries[q].name, allowed[i].query) != 0)
				continue;
			plan = plan_of(db, queries[q].sql);
			used = strstr(plan, allowed[i].step) != NULL;
		}
		ck_assert_msg(used, "%s: %s", allowed[i].query, allowed[i].step);
	}
	sqlite3_close(db);
}
END_TEST

/* How the ones that people wait for are answered: a filter by the index of the time alone, the first rows without sorting all. */
static const struct {
	const char *query, *step;
} expected[] = {
	{"ask_orders",
	 "USING COVERING INDEX order_reference_updated (updated_at>? AND updated_at<?)"},
	{"ask_authorizations",
	 "USING COVERING INDEX authorization_updated (updated_at>? AND updated_at<?)"},
	{"ask_captures", "USING COVERING INDEX capture_updated (updated_at>? AND updated_at<?)"},
	{"ask_refunds", "USING COVERING INDEX refund_updated (updated_at>? AND updated_at<?)"},
	{"ask_notifications",
	 "USING INDEX notification_received (received_at>? AND received_at<?)"},
	{"ask_events", "USING INDEX event_created (created_at>? AND created_at<?)"},
	{"ask_last_notification", "SEARCH notification USING INTEGER PRIMARY KEY"},
	{"ask_runs", "USING INDEX hook_run_state (state=? AND hook=? AND event_id>?)"},
	{"ask_hooks", "SEARCH r USING COVERING INDEX hook_run_state (state=? AND hook=?)"},
	{"ask_deadlines", "MERGE (UNION ALL)"},
	{"ask_deadlines",
	 "USING INDEX authorization_deadline (deadline_event=? AND deadline_at>? AND deadline_at<?)"},
	{"ask_deadlines",
	 "USING INDEX order_reference_deadline (deadline_event=? AND expires_at>? AND expires_at<?)"},
	{"queue_due", "USING INDEX hook_run_due (hook=? AND next_attempt_at<?)"},
	{"queue_release", "USING COVERING INDEX hook_run_open (hook=? AND lane=?"},
};

START_TEST(what_people_wait_for)
{
	sqlite3 *db = fresh();
	CLEANUP(freep) char *plan = NULL;

	for (size_t q = 0; q < QUERIES_N; q++)
		if (strcmp(queries[q].name, expected[_i].query) == 0)
			plan = plan_of(db, queries[q].sql);
	ck_assert_ptr_nonnull(plan);
	ck_assert_msg(strstr(plan, expected[_i].step) != NULL, "%s:\n%s", expected[_i].query, plan);
	sqlite3_close(db);
}
END_TEST

/* What readers are told of the views: filtered like this they are quick. */
static const char *const view_queries[] = {
	"SELECT * FROM order_money WHERE order_reference_id = 'x'",
	"SELECT * FROM order_money WHERE updated_at >= '2026'",
	"SELECT * FROM order_part WHERE order_reference_id = 'x'",
	"SELECT * FROM order_part WHERE updated_at >= '2026'",
	"SELECT * FROM due WHERE at < '2026' ORDER BY at",
	"SELECT * FROM failure WHERE at >= '2026'",
	"SELECT * FROM agreement_usage WHERE billing_agreement_id = 'x'",
	"SELECT * FROM agreement_usage WHERE updated_at >= '2026'",
};

/* Of a view the plan goes through what it has found; in tables it may go only through what is held or small. */
static bool is_found(const char *step)
{
	static const char *const steps[] = {"SCAN w",
					    "SCAN m",
					    "SCAN p",
					    "SCAN q",
					    "SCAN failure",
					    "SCAN order_money",
					    "SCAN f USING INDEX fact_held"};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(step, steps[i]) == 0)
			return true;
	return is_small(step);
}

START_TEST(views_are_quick)
{
	sqlite3 *db = fresh();
	CLEANUP(freep) char *plan = plan_of(db, view_queries[_i]);
	char *rest = plan, *step;

	while ((step = strsep(&rest, "\n")))
		ck_assert_msg(strncmp(step, "SCAN ", strlen("SCAN ")) != 0 || is_found(step),
			      "%s: %s", view_queries[_i], step);
	sqlite3_close(db);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *c = unit_case(suite, "plan");

	tcase_add_test(c, no_query_goes_through_a_table_that_grows);
	tcase_add_test(c, every_exception_is_needed);
	tcase_add_loop_test(c, what_people_wait_for, 0, sizeof(expected) / sizeof(expected[0]));
	tcase_add_loop_test(c, views_are_quick, 0, sizeof(view_queries) / sizeof(view_queries[0]));
	return unit_main(suite);
}
