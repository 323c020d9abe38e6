/*
 * Every allocation on the way of a message fails once, alone and with all that follow: it is answered 503 and never a 4xx, which SNS
 * takes as final, and no 200 without its row; the next message is stored as if nothing had been.
 */
#include <errno.h>

#include "../unit/unit.h"
#include "ledger/private.h"
#include "memory.h"
#include "script.h"

static struct ledger *ledger;
static sqlite3 *eraser;
static char *healthy[SCRIPT_MAX]; /* the rows of each message alone */
static unsigned long counts[MEMORY_USERS];

/* Empties every table, so that the next message meets what the one before met. Over a connection that knows of no foreign keys. */
static void forget(void)
{
	CLEANUP(freep) char *sql = NULL;
	sqlite3_stmt *s = NULL;

	ck_assert_int_eq(sqlite3_prepare_v2(eraser,
					    "SELECT group_concat('DELETE FROM ' || name, ';')"
					    " FROM sqlite_schema WHERE type = 'table'",
					    -1, &s, NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	sql = unit_format("BEGIN; %s; COMMIT", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	ck_assert_msg(sqlite3_exec(eraser, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
		      sqlite3_errmsg(eraser));
}

/* The way of one post, as receiver_post() and receiver_turn() go it. */
static enum verdict deliver(struct text body)
{
	CLEANUP(message_done) struct message m = {.body = body};
	enum verdict v = message_read(&m, NULL, &script_config, SCRIPT_NOW_MS);
	int error;

	if (v == VERDICT_PASS)
		v = message_check(&m, &script_config, script_certificate, &script_trust);
	if (v == VERDICT_PASS)
		v = message_understand(&m);
	if (v != VERDICT_PASS)
		return v;
	error = ledger_begin(ledger);
	if (error == 0)
		error = message_store(&m, ledger);
	if (error == 0)
		error = script_commit_aside(ledger);
	if (error < 0)
		ledger_rollback(ledger);
	return error < 0 ? VERDICT_DATABASE : m.verdict;
}

static void check_rows(size_t i, const char *how)
{
	CLEANUP(freep) char *rows = script_dump(ledger->db);

	ck_assert_msg(strcmp(rows, healthy[i]) == 0, "%s\nhas left\n%s\nand not\n%s", how, rows,
		      healthy[i]);
}

static bool fail_one(size_t i, unsigned long at, bool and_all_after)
{
	enum verdict want = script[i].verdict, v;
	enum memory_user whose;
	char how[128];
	bool failed;

	memory_fail_at(at, and_all_after);
	v = deliver(script[i].body);
	failed = memory_heal(&whose);
	snprintf(how, sizeof(how), "message %zu, allocation %lu%s (%s)", i, at,
		 and_all_after ? " and all after" : "", failed ? memory_user_words[whose] : "none");
	if (failed)
		counts[whose]++;
	if (verdict_row(v)->http == 200) {
		ck_assert_msg(v == want, "%s: %s, not %s", how, verdict_row(v)->word,
			      verdict_row(want)->word);
		check_rows(i, how);
	} else {
		ck_assert_msg(failed && verdict_row(v)->http == 503, "%s: answered %d, %s", how,
			      verdict_row(v)->http, verdict_row(v)->word);
		v = deliver(script[i].body);
		ck_assert_msg(v == want, "%s, sent again: %s: %s", how, verdict_row(v)->word,
			      ledger_error(ledger));
		check_rows(i, how);
	}
	forget();
	return failed;
}

START_TEST(every_allocation)
{
	for (int all = 0; all <= 1; all++)
		for (unsigned long at = 1; fail_one((size_t)_i, at, all); at++)
			;
	for (enum memory_user u = 0; u < MEMORY_USERS; u++)
		fprintf(stderr, "# message %d: %lu failed allocations of %s\n", _i, counts[u],
			memory_user_words[u]);
}
END_TEST

static void make(void)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep) char *path = unit_format("%s/ipnd.db", folder);
	struct why why;

	memory_init();
	script_make(10);
	ck_assert_msg(ledger_open(path, LEDGER_OWN, &ledger, &why) == 0, "%s", why.text);
	ck_assert_int_eq(sqlite3_open(path, &eraser), SQLITE_OK);
	for (size_t i = 0; i < script_n; i++) {
		struct answered a;

		ck_assert_int_eq(script_turn(ledger, i, 1, &a), 0);
		healthy[i] = script_dump(ledger->db);
		forget();
	}
}

static void done(void)
{
	for (size_t i = 0; i < script_n; i++)
		free(healthy[i]);
	sqlite3_close(eraser);
	ledger_close(ledger);
	script_done();
}

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *c = unit_case(suite, "memory");

	tcase_add_unchecked_fixture(c, make, done);
	tcase_add_loop_test(c, every_allocation, 0, 3);
	return script_main(suite);
}
