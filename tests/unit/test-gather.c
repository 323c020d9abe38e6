/* The log in large writes: whatever is gathered and not committed never reaches it when others may have written there. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#include "ledger/private.h"
#include "ledger/query.h"
#include "rows.h"
#include "unit.h"

/* A transaction of MANY rows is larger than the cache: SQLite writes of it into the log before it ends. */
#define CACHE_KIB "256"
#define MANY      10000

static char *folder, *path;

static void setup(void)
{
	folder = unit_folder();
	path = unit_format("%s/ipnd.db", folder);
}

static void teardown(void)
{
	free(folder);
	free(path);
}

static struct ledger *open_it(enum ledger_mode mode)
{
	struct ledger *l = NULL;
	struct why why;

	ck_assert_msg(ledger_open(path, mode, &l, &why) == 0, "%s", why.text);
	ck_assert_int_eq(ledger_run(l, "PRAGMA cache_size = -" CACHE_KIB), 0);
	return l;
}

/* Until an error. */
static int count_many(struct ledger *l, const char *prefix)
{
	int r = 0;

	for (int i = 0; r == 0 && i < MANY; i++) {
		char name[128];

		snprintf(name, sizeof(name), "%s %06d of a name that needs a lot of room", prefix,
			 i);
		r = rows_count_verdict(l, name);
	}
	return r;
}

static void expect_int(const char *sql, int expected)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_column_int(s, 0), expected);
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static bool disk_full;
static int writes; /* into the log */
static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static int (*real_write)(sqlite3_file *, const void *, int, sqlite3_int64);

static int log_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	writes++;
	return disk_full ? SQLITE_FULL : real_write(file, from, n, at);
}

static int open_on_disk(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
	static sqlite3_io_methods methods;
	int r = real_open(vfs, name, file, flags, ret);

	if (r == SQLITE_OK && flags & SQLITE_OPEN_WAL) {
		methods = *file->pMethods;
		real_write = methods.xWrite;
		methods.xWrite = log_write;
		file->pMethods = &methods;
	}
	return r;
}

/* SQLite's own file system, whose disk can be full for the log. */
static void use_small_disk(void)
{
	static sqlite3_vfs disk;

	disk = *sqlite3_vfs_find(NULL);
	real_open = disk.xOpen;
	disk.zName = "small";
	disk.xOpen = open_on_disk;
	ck_assert_int_eq(sqlite3_vfs_register(&disk, 1), SQLITE_OK);
}

enum undone { UNDONE_BY_US, UNDONE_BY_SQLITE };
enum then { THEN_READS, THEN_WRITES, THEN_CLOSES, THENS };

static void undo(struct ledger *l, enum undone undone)
{
	int r;

	writes = 0;
	r = count_many(l, "undone");
	ck_assert_int_gt(writes, 0);
	disk_full = undone == UNDONE_BY_SQLITE;
	if (r == 0 && disk_full)
		r = count_many(l, "undone, too,");
	ck_assert_int_eq(r, disk_full ? -ENOSPC : 0);
	disk_full = false;
	ledger_rollback(l);
}

/*
 * A transaction that is larger than the cache writes into the log before it is committed. When it is undone instead, the next
 * writer, in another process, begins at the same place of the log: what was gathered must not come after that.
 */
START_TEST(what_is_undone_is_never_written)
{
	enum undone undone = _i / THENS;
	struct ledger *l, *other;

	use_small_disk();
	l = open_it(LEDGER_OWN);
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(rows_count_verdict(l, "first"), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	other = open_it(LEDGER_WRITE);
	ck_assert_int_eq(ledger_begin(l), 0);
	undo(l, undone);
	ck_assert_int_eq(ledger_begin(other), 0);
	ck_assert_int_eq(count_many(other, "other"), 0);
	ck_assert_int_eq(ledger_commit(other), 0);
	switch ((enum then)(_i % THENS)) {
	case THEN_READS:
		ck_assert_int_eq(ledger_begin(l), 0);
		ledger_rollback(l);
		break;
	case THEN_WRITES:
		ck_assert_int_eq(ledger_begin(l), 0);
		ck_assert_int_eq(rows_count_verdict(l, "last"), 0);
		ck_assert_int_eq(ledger_commit(l), 0);
		break;
	case THEN_CLOSES:
	case THENS:
		break;
	}
	ledger_close(l);
	ledger_close(other);
	expect_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check", 1);
	expect_int("SELECT count(*) FROM verdict_count", MANY + 1 + (_i % THENS == THEN_WRITES));
}
END_TEST

/* What was lost with one transaction is no failure of the next one. */
START_TEST(after_a_full_disk_the_next_is_committed)
{
	struct ledger *l;

	use_small_disk();
	l = open_it(LEDGER_OWN);
	ck_assert_int_eq(ledger_begin(l), 0);
	undo(l, UNDONE_BY_SQLITE);
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(rows_count_verdict(l, "next"), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	ledger_close(l);
	expect_int("SELECT count(*) FROM verdict_count", 1);
}
END_TEST

/* Who asks for no sync, as tests/bench/seed does, still has all of it in the log when the transaction has ended. */
START_TEST(without_syncs_all_is_written_as_well)
{
	struct ledger *l = open_it(LEDGER_OWN), *other = open_it(LEDGER_WRITE);

	ck_assert_int_eq(ledger_run(l, "PRAGMA synchronous = OFF"), 0);
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(count_many(l, "first"), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	ck_assert_int_eq(ledger_begin(other), 0);
	ck_assert_int_eq(count_many(other, "second"), 0);
	ck_assert_int_eq(ledger_commit(other), 0);
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(rows_count_verdict(l, "third"), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	expect_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check", 1);
	expect_int("SELECT count(*) FROM verdict_count", 2 * MANY + 1);
	ledger_close(l);
	ledger_close(other);
	expect_int("SELECT integrity_check = 'ok' FROM pragma_integrity_check", 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gather");
	TCase *c = unit_case(suite, "gather");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, what_is_undone_is_never_written, 0, 2 * THENS);
	tcase_add_test(c, after_a_full_disk_the_next_is_committed);
	tcase_add_test(c, without_syncs_all_is_written_as_well);
	return unit_main(suite);
}
