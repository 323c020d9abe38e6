/* Checkpoints in a thread: the log ends although its writer never pauses, also after a reader has kept it from that. */
#include <assert.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "ledger/private.h"
#include "unit.h"

#define BLOB     65536           /* bytes that a transaction writes */
#define FRAMES   33              /* in the log, at least, for that */
#define PAGE     2072            /* bytes of the log for a page, with its head */
#define LOG_MOST (64L * 1048576) /* with a database of less than 1 GiB */

static char *folder, *path;
static struct ledger *l;

static void setup(void)
{
	struct why why;

	folder = unit_folder();
	path = unit_format("%s/ipnd.db", folder);
	ck_assert_msg(ledger_open(path, LEDGER_OWN, &l, &why) == 0, "%s", why.text);
	ck_assert_int_eq(ledger_checkpoint_aside(l), 0);
	ck_assert_int_eq(ledger_run(l, "CREATE TABLE blob (id INTEGER PRIMARY KEY, x BLOB)"), 0);
}

static void teardown(void)
{
	free(folder);
	free(path);
}

static void write_blobs(int n)
{
	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(ledger_begin(l), 0);
		ck_assert_int_eq(ledger_run(l, "INSERT INTO blob (x) VALUES (randomblob(65536))"),
				 0);
		ck_assert_int_eq(ledger_commit(l), 0);
	}
}

static long log_bytes(void)
{
	CLEANUP(freep) char *log = unit_format("%s-wal", path);
	struct stat st;

	ck_assert_int_eq(stat(log, &st), 0);
	return (long)st.st_size;
}

/* How often it has begun anew (https://sqlite.org/fileformat2.html, 4.1). */
static uint32_t log_number(void)
{
	CLEANUP(freep) char *log = unit_format("%s-wal", path);
	unsigned char head[16];
	FILE *f = fopen(log, "re");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(head, sizeof(head), 1, f), 1);
	fclose(f);
	return (uint32_t)head[12] << 24 | (uint32_t)head[13] << 16 | (uint32_t)head[14] << 8 |
	       head[15];
}

/* Closes, and looks at everything with fresh eyes. */
static void expect_blobs(int n)
{
	CLEANUP(ledger_closep) struct ledger *again = NULL;
	struct why why;
	int count;

	ledger_close(l);
	ck_assert_msg(ledger_open(path, LEDGER_OWN, &again, &why) == 0, "%s", why.text);
	ck_assert_int_eq(ledger_check(again, true, NULL, NULL, &why), 0);
	ck_assert_int_eq(
		ledger_get_int(again, "SELECT count(*) FROM blob WHERE length(x) = 65536", &count),
		0);
	ck_assert_int_eq(count, n);
}

START_TEST(the_log_ends_under_a_writer)
{
	static_assert(1500L * FRAMES * PAGE > LOG_MOST * 3 / 2,
		      "more is written than the log may hold");
	write_blobs(1500);
	/* What was written while a checkpoint went on comes on top. */
	ck_assert_int_lt(log_bytes(), LOG_MOST * 5 / 4);
	expect_blobs(1500);
}
END_TEST

/* What a reader still needs stays in the log; when he has gone it ends again, by itself. */
START_TEST(the_log_ends_after_a_reader)
{
	CLEANUP(ledger_closep) struct ledger *reader = NULL;
	int count, written = 1100;
	struct why why;
	uint32_t number;

	write_blobs(1);
	ck_assert_msg(ledger_open(path, LEDGER_READ, &reader, &why) == 0, "%s", why.text);
	ck_assert_int_eq(ledger_begin(reader), 0);
	ck_assert_int_eq(ledger_get_int(reader, "SELECT count(*) FROM blob", &count), 0);
	write_blobs(written - 1);
	ck_assert_int_gt(log_bytes(), LOG_MOST);
	number = log_number();
	ledger_rollback(reader);
	for (; log_number() == number && written < 2000; written += 10)
		write_blobs(10);
	ck_assert_uint_eq(log_number(), number + 1);
	expect_blobs(written);
}
END_TEST

START_TEST(closed_while_it_works)
{
	for (int i = 0; i < 3; i++) {
		struct why why;

		write_blobs(500);
		ledger_close(l);
		ck_assert_msg(ledger_open(path, LEDGER_OWN, &l, &why) == 0, "%s", why.text);
		ck_assert_int_eq(ledger_checkpoint_aside(l), 0);
	}
	expect_blobs(1500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("checkpoint");
	TCase *c = unit_case(suite, "checkpoint");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_log_ends_under_a_writer);
	tcase_add_test(c, the_log_ends_after_a_reader);
	tcase_add_test(c, closed_while_it_works);
	return unit_main(suite);
}
