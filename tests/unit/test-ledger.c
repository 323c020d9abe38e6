/* Opening, migrating, locking: who may open what, and what is said when not. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ledger/ledger.h"
#include "ledger/query.h"
#include "rows.h"
#include "unit.h"

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

/*
 * SQLite's own file system with faults: a sync of the log may fail, and nothing may be opened in the folder of temporary
 * files, which can be full when ours is not.
 */
static sqlite3_vfs faulty;
static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static sqlite3_io_methods log_methods;
static int (*real_sync)(sqlite3_file *, int);
static int (*real_write)(sqlite3_file *, const void *, int, sqlite3_int64);
static int syncs_to_fail, writes_to_fail, writes, temporary_files;

static int log_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	if (writes_to_fail > 0 && writes_to_fail--)
		return SQLITE_FULL;
	writes++;
	return real_write(file, from, n, at);
}

static int log_sync(sqlite3_file *file, int flags)
{
	if (syncs_to_fail > 0 && syncs_to_fail--)
		return SQLITE_IOERR_FSYNC;
	return real_sync(file, flags);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	int r;

	if (!name) {
		temporary_files++;
		return SQLITE_CANTOPEN;
	}
	r = real_open(vfs, name, file, flags, out);
	if (r == SQLITE_OK && flags & SQLITE_OPEN_WAL) {
		log_methods = *file->pMethods;
		real_sync = log_methods.xSync;
		real_write = log_methods.xWrite;
		log_methods.xWrite = log_write;
		log_methods.xSync = log_sync;
		file->pMethods = &log_methods;
	}
	return r;
}

static void use_faulty_files(void)
{
	faulty = *sqlite3_vfs_find(NULL);
	real_open = faulty.xOpen;
	faulty.zName = "faulty";
	faulty.xOpen = faulty_open;
	ck_assert_int_eq(sqlite3_vfs_register(&faulty, 1), SQLITE_OK);
}

static int sql_int(const char *file, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	int value;

	ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	value = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return value;
}

static void sql_run(const char *file, const char *sql)
{
	sqlite3 *db = NULL;

	ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static struct ledger *open_it(enum ledger_mode mode)
{
	struct ledger *l = NULL;
	struct why why;

	ck_assert_msg(ledger_open(path, mode, &l, &why) == 0, "%s", why.text);
	return l;
}

START_TEST(made_by_the_owner)
{
	struct ledger *l;
	struct stat st;

	umask(0022);
	l = open_it(LEDGER_OWN);
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	ledger_close(l);
	ck_assert_int_eq(sql_int(path, "PRAGMA application_id"), LEDGER_APPLICATION_ID);
	ck_assert_int_eq(sql_int(path, "PRAGMA user_version"), 9);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
}
END_TEST

/* Readers of the group cannot make the -wal and -shm files: the last writer leaves them, with the database's mode. */
START_TEST(readable_with_everything_stopped)
{
	CLEANUP(freep) char *wal = unit_format("%s-wal", path), *shm = unit_format("%s-shm", path);
	struct ledger *l;
	struct stat st;
	pid_t child;
	int status;

	ledger_close(open_it(LEDGER_OWN));
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	ck_assert_int_eq(stat(shm, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	l = open_it(LEDGER_READ);
	ck_assert_int_eq(ledger_begin(l), 0);
	ledger_close(l);
	if (geteuid() != 0) {
		unit_skip("only root can try another user");
		return;
	}
	ck_assert_int_eq(chown(path, 1, 65533) | chown(wal, 1, 65533) | chown(shm, 1, 65533) |
				 chown(folder, 1, 65533),
			 0);
	ck_assert_int_eq(chmod(folder, 02750), 0);
	ck_assert_int_eq(chmod(unit_root(), 0755), 0);
	child = fork();
	if (child == 0) {
		struct why why;

		if (setgid(65533) < 0 || setuid(65532) < 0)
			_exit(2);
		_exit(ledger_open(path, LEDGER_READ, &l, &why) == 0 && ledger_begin(l) == 0 ? 0
											    : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

struct told {
	int n, from, to;
};

static void on_migrating(int from, int to, void *userdata)
{
	struct told *told = userdata;

	told->n++;
	told->from = from;
	told->to = to;
}

/* Of an old and large database it is told again and again that the work goes on; of others not at all. */
START_TEST(told_of_a_migration)
{
	const char *top = getenv("top_srcdir");
	CLEANUP(freep) char *first = unit_format("%s/sql/0001-first.sql", top ? top : ".");
	CLEANUP(freep) char *sql = unit_read(first, NULL);
	struct told told = {0};
	struct ledger *l = NULL;
	struct why why;

	sql_run(path, sql);
	sql_run(path,
		"PRAGMA application_id = 0x49504E44; PRAGMA user_version = 1;"
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
		" INSERT INTO authorization (authorization_id, account, environment, state, created_at, updated_at)"
		" SELECT 'S01-' || i, 'a', 'live', 'Open', '2026-11-24T12:00:00.000Z', '2026-11-24T12:00:00.000Z' FROM n");
	ck_assert_msg(ledger_open_own(path, on_migrating, &told, &l, &why) == 0, "%s", why.text);
	ck_assert_int_ge(told.n, 3);
	ck_assert_int_eq(told.from, 1);
	ck_assert_int_eq(told.to, sql_int(path, "PRAGMA user_version"));
	told.n = 0;
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(ledger_begin(l), 0);
		ck_assert_int_eq(ledger_commit(l), 0);
	}
	ledger_close(l);
	ck_assert_int_eq(
		sql_int(path, "SELECT count(*) FROM authorization WHERE deadline_at IS NOT NULL"),
		20000);
	ck_assert_int_eq(ledger_open_own(path, on_migrating, &told, &l, &why), 0);
	ledger_close(l);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(ledger_open_own(path, on_migrating, &told, &l, &why), 0);
	ledger_close(l);
	ck_assert_int_eq(told.n, 0);
}
END_TEST

static const struct {
	const char *sql;
	enum ledger_mode mode;
	int error;
	const char *why;
} refused[] = {
	{NULL, LEDGER_READ, -ENOENT, "is not there: ipnd makes it"},
	{NULL, LEDGER_WRITE, -ENOENT, "is not there: ipnd makes it"},
	{"CREATE TABLE mine (x)", LEDGER_OWN, -EUCLEAN, "is not an ipnd database"},
	{"CREATE TABLE mine (x)", LEDGER_READ, -EUCLEAN, "is not an ipnd database"},
	{"PRAGMA application_id = 0x49504E44; PRAGMA user_version = 999", LEDGER_OWN, -ENOTSUP,
	 "newer ipnd"},
	{"PRAGMA application_id = 0x49504E44; PRAGMA user_version = 999", LEDGER_READ, -ENOTSUP,
	 "newer ipnd"},
	{"PRAGMA application_id = 0x49504E44; PRAGMA user_version = 0", LEDGER_WRITE, -ENOTSUP,
	 "start ipnd"},
};

START_TEST(refused_with_words)
{
	struct ledger *l = NULL;
	struct why why;

	if (refused[_i].sql)
		sql_run(path, refused[_i].sql);
	ck_assert_int_eq(ledger_open(path, refused[_i].mode, &l, &why), refused[_i].error);
	ck_assert_ptr_null(l);
	ck_assert_msg(strstr(why.text, refused[_i].why) != NULL, "%s", why.text);
	/* Nor is it turned into something else. */
	if (refused[_i].sql)
		ck_assert_int_eq(
			sql_int(path, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"),
			1);
}
END_TEST

START_TEST(garbage_is_not_touched)
{
	CLEANUP(fclosep) FILE *f = fopen(path, "we");
	struct ledger *l = NULL;
	struct why why;

	for (int i = 0; i < 1000; i++)
		fputs("not a database\n", f);
	fflush(f);
	ck_assert_int_eq(ledger_open(path, LEDGER_OWN, &l, &why), -EUCLEAN);
	CLEANUP(freep) char *text = unit_read(path, NULL);
	ck_assert(strncmp(text, "not a database\n", 15) == 0);
}
END_TEST

START_TEST(a_busy_database_is_not_waited_for)
{
	struct ledger *l = open_it(LEDGER_OWN);
	sqlite3 *other = NULL;

	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(ledger_begin(l), -EBUSY);
	ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(ledger_begin(l), 0);
	ledger_rollback(l);
	sqlite3_close(other);
	ledger_close(l);
}
END_TEST

/* Nothing is believed after a start until the log has been copied into the database and synced there. */
START_TEST(log_is_checkpointed_before_the_first_transaction)
{
	CLEANUP(freep) char *wal = unit_format("%s-wal", path);
	struct ledger *l = open_it(LEDGER_OWN);
	sqlite3 *reader = NULL;
	struct stat st;

	ledger_close(l);
	l = open_it(LEDGER_WRITE);
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	sql_run(path, "INSERT INTO verdict_count VALUES ('x', 1, 'y')");
	ck_assert_int_eq(sqlite3_open(path, &reader), SQLITE_OK);
	ck_assert_int_eq(
		sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL),
		SQLITE_OK);
	sql_run(path, "INSERT INTO verdict_count VALUES ('z', 1, 'y')");
	ledger_close(l);
	/* While somebody reads an older state it cannot be emptied. */
	l = open_it(LEDGER_OWN);
	ck_assert_int_eq(ledger_begin(l), 0);
	ledger_close(l);
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_int_gt(st.st_size, 0);
	ck_assert_int_eq(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	l = open_it(LEDGER_OWN);
	ck_assert_int_eq(ledger_begin(l), 0);
	ledger_rollback(l);
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	sqlite3_close(reader);
	ledger_close(l);
}
END_TEST

/*
 * The log that could not be synced holds the row all the same: without a checkpoint a retry would be a duplicate. A reader that
 * forbids it, for as long as it likes, does not keep ipnd from its work: then the log is written once more.
 */
START_TEST(after_a_failed_sync_nothing_is_believed)
{
	struct ledger *l;
	sqlite3 *reader = NULL;

	use_faulty_files();
	l = open_it(LEDGER_OWN);
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(rows_count_verdict(l, "first"), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	ck_assert_int_eq(sqlite3_open(path, &reader), SQLITE_OK);
	ck_assert_int_eq(
		sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL),
		SQLITE_OK);
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(rows_count_verdict(l, "second"), 0);
	syncs_to_fail = 1;
	ck_assert_int_eq(ledger_commit(l), -EIO);
	ck_assert_str_eq(ledger_error(l), "disk I/O error");
	/* What cannot be written again either is not believed. */
	writes_to_fail = 1;
	ck_assert_int_eq(ledger_begin(l), -ENOSPC);
	syncs_to_fail = 2; /* the checkpoint's and ours */
	ck_assert_int_lt(ledger_begin(l), 0);
	syncs_to_fail = writes = 0;
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_gt(writes, 0);
	ledger_rollback(l);
	writes = 0;
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(writes, 0);
	ledger_rollback(l);
	ck_assert_int_eq(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	ledger_close(l);
	sqlite3_close(reader);
	ck_assert_int_eq(sql_int(path, "SELECT count(*) FROM verdict_count"), 1);
}
END_TEST

/* What is gathered for the log and then cannot be written must fail the commit, however much of it there is. */
START_TEST(a_failed_write_of_the_log)
{
	static const int rows[] = {1, 20000}; /* below and above what is gathered */
	struct ledger *l;

	use_faulty_files();
	l = open_it(LEDGER_OWN);
	ck_assert_int_eq(ledger_begin(l), 0);
	for (int n = 0; n < rows[_i]; n++) {
		char name[64];

		snprintf(name, sizeof(name), "%05d of a name that needs some room", n);
		ck_assert_int_eq(rows_count_verdict(l, name), 0);
	}
	writes_to_fail = 1;
	ck_assert_int_eq(ledger_commit(l), -ENOSPC);
	ck_assert_int_eq(writes_to_fail, 0);
	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(rows_count_verdict(l, "after"), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	ledger_close(l);
	ck_assert_int_eq(sql_int(path, "SELECT count(*) FROM verdict_count"), 1);
}
END_TEST

START_TEST(no_temporary_files)
{
	struct ledger *l;

	use_faulty_files();
	l = open_it(LEDGER_OWN);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ledger_begin(l), 0);
		ck_assert_int_eq(ledger_savepoint(l), 0);
		for (int n = 0; n < 20000; n++) {
			char name[64];

			snprintf(name, sizeof(name), "%05d of a name that needs some room", n);
			ck_assert_int_eq(rows_count_verdict(l, name), 0);
		}
		ck_assert_int_eq(ledger_release(l), 0);
		ck_assert_int_eq(ledger_commit(l), 0);
	}
	ck_assert_int_eq(temporary_files, 0);
	ledger_close(l);
}
END_TEST

/* Without the loss being noticed, every answer would be 200 and every row be gone at the next start. */
START_TEST(a_removed_or_replaced_file_is_noticed)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	CLEANUP(freep) char *file = unit_format("%s%s", path, suffixes[_i / 2]);
	struct ledger *l = open_it(LEDGER_OWN);

	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
	ck_assert_int_eq(unlink(file), 0);
	if (_i % 2) {
		int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	ck_assert_int_eq(ledger_begin(l), -ESTALE);
	ck_assert_msg(strstr(ledger_error(l), "restart ipnd") != NULL, "%s", ledger_error(l));
	ledger_close(l);
}
END_TEST

START_TEST(a_failed_message_leaves_the_others)
{
	struct ledger *l = open_it(LEDGER_OWN);

	ck_assert_int_eq(ledger_begin(l), 0);
	for (int i = 0; i < 3; i++) {
		CLEANUP(freep) char *name = unit_format("v%d", i);

		ck_assert_int_eq(ledger_savepoint(l), 0);
		ck_assert_int_eq(rows_count_verdict(l, name), 0);
		if (i == 1)
			ck_assert_int_eq(ledger_undo(l, -EINVAL), -EINVAL);
		else
			ck_assert_int_eq(ledger_release(l), 0);
	}
	ck_assert_int_eq(ledger_commit(l), 0);
	ledger_close(l);
	ck_assert_int_eq(
		sql_int(path, "SELECT count(*) FROM verdict_count WHERE verdict IN ('v0', 'v2')"),
		2);
	ck_assert_int_eq(sql_int(path, "SELECT count(*) FROM verdict_count"), 2);
}
END_TEST

START_TEST(one_program_per_folder)
{
	CLEANUP(freep)
	char *text = NULL, *expected = unit_format("%d\nhttps://here/\n", (int)getpid());
	int fd, second;

	ck_assert_int_eq(ledger_locked(folder, "ipnd", &text), 0);
	free(TAKE(text));
	fd = ledger_lock(folder, "ipnd", NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ledger_lock(folder, "ipnd", NULL), -EAGAIN);
	second = ledger_lock(folder, "ipn-hookd", NULL);
	ck_assert_int_ge(second, 0);
	close(second);
	ck_assert_int_eq(ledger_lock_note(fd, "https://here/\n"), 0);
	ck_assert_int_eq(ledger_locked(folder, "ipnd", &text), 1);
	ck_assert_str_eq(text, expected);
	free(TAKE(text));
	close(fd);
	ck_assert_int_eq(ledger_locked(folder, "ipnd", &text), 0);
}
END_TEST

/* As somebody's tool would, without our rules. */
static void do_behind_our_back(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static bool go_on(int64_t done, int64_t all, void *userdata)
{
	(void)done;
	(void)all;
	return *(const bool *)userdata;
}

START_TEST(a_check_finds_damage_or_ends_in_time)
{
	bool patient = true, impatient = false;
	CLEANUP(ledger_closep) struct ledger *own = NULL, *l = NULL;
	struct why why = {""};

	ck_assert_int_eq(ledger_open(path, LEDGER_OWN, &own, &why), 0);
	ck_assert_int_eq(ledger_open(path, LEDGER_READ, &l, &why), 0);
	ck_assert_int_eq(ledger_check(l, false, go_on, &patient, &why), 0);
	ck_assert_int_eq(ledger_check(l, true, go_on, &patient, &why), 0);
	do_behind_our_back(
		"INSERT INTO hook_attempt_before (event_id, hook, attempt, ended_at) VALUES (7, 'h', 1, 't')");
	ck_assert_int_eq(ledger_check(l, false, go_on, &patient, &why), 0);
	ck_assert_int_eq(ledger_check(l, true, go_on, &patient, &why), -EUCLEAN);
	ck_assert_str_eq(why.text,
			 "is damaged: it refers to rows that are not there: hook_attempt_before");
	do_behind_our_back(
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
		"INSERT INTO note_count SELECT 'n' || i, 1, 't' FROM n");
	ck_assert_int_eq(ledger_check(l, false, go_on, &impatient, &why), -EINTR);
	/* The limit was of that check only. */
	ck_assert_int_eq(ledger_check(l, false, go_on, &patient, &why), 0);
	ck_assert_int_eq(ledger_check(l, true, go_on, &patient, &why), -EUCLEAN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *c = unit_case(suite, "ledger");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, made_by_the_owner);
	tcase_add_test(c, readable_with_everything_stopped);
	tcase_add_test(c, told_of_a_migration);
	tcase_add_loop_test(c, refused_with_words, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(c, garbage_is_not_touched);
	tcase_add_test(c, a_busy_database_is_not_waited_for);
	tcase_add_test(c, log_is_checkpointed_before_the_first_transaction);
	tcase_add_test(c, after_a_failed_sync_nothing_is_believed);
	tcase_add_loop_test(c, a_failed_write_of_the_log, 0, 2);
	tcase_add_test(c, no_temporary_files);
	tcase_add_loop_test(c, a_removed_or_replaced_file_is_noticed, 0, 6);
	tcase_add_test(c, a_failed_message_leaves_the_others);
	tcase_add_test(c, one_program_per_folder);
	tcase_add_test(c, a_check_finds_damage_or_ends_in_time);
	return unit_main(suite);
}
