/*
 * The power is cut, at every moment at which something was about to be written or synced; of what was not synced any part may
 * have reached the disk. What was answered 200 is in the database that is opened then, and it is sound. The same where a sync
 * had failed before, and where the process was begun anew after that: what cannot be on disk is not answered 200 as a duplicate.
 */
#include "disk.h"
#include "ledger/private.h"
#include "script.h"

#define TURN       3 /* messages */
#define MESSAGES   13
#define REST_EVERY 16 /* cuts after which the rest is delivered as well */
#define EVERY                                                                                      \
	29 /* moments between two cuts where a sync has failed; $IPND_FAULT_EVERY, which is also for the others */
#define SEEDS 1 /* outcomes of each cut; $IPND_FAULT_SEEDS */

DEFINE_CLEANUP(sqlite3 *, sqlite3_close)

static char *healthy;
static struct answered answered;
static unsigned long every, seeds, cuts, failed_syncs;
static bool only_after_failure;

static unsigned long setting(const char *variable, unsigned long otherwise)
{
	const char *set = getenv(variable);

	return set ? strtoul(set, NULL, 10) : otherwise;
}

/* What the ledger is like once the power is back. */
static void look(uint64_t seed)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep) char *path = unit_format("%s/ipnd.db", folder);
	CLEANUP(freep)
	char *how = unit_format("cut before call %lu, outcome %ju", disk_points(), (uintmax_t)seed);
	CLEANUP(ledger_closep) struct ledger *l = NULL;
	struct answered after = answered;

	disk_cut(folder, seed);
	l = script_reopen(path, &after, how);
	if (cuts++ % REST_EVERY == 0) {
		CLEANUP(freep) char *rows = NULL;

		ck_assert_msg(script_rest(l, TURN, &after) == 0, "%s: %s", how, ledger_error(l));
		rows = script_dump(l->db);
		ck_assert_msg(strcmp(rows, healthy) == 0, "%s has left\n%s\nand not\n%s", how, rows,
			      healthy);
	}
}

static void cut(void)
{
	if (disk_points() % every != 0 || (only_after_failure && !disk_sync_failed()))
		return;
	for (uint64_t i = 0; i < seeds; i++)
		look(disk_points() * 1000 + i);
}

static int open_it(const char *folder, struct ledger **ret)
{
	CLEANUP(freep) char *path = unit_format("%s/ipnd.db", folder);
	struct why why;
	int r = ledger_open(path, LEDGER_OWN, ret, &why);

	/* Small, so that the script meets checkpoints. */
	if (r == 0)
		sqlite3_wal_autocheckpoint((*ret)->db, 12);
	return r;
}

/* From a folder without anything to all messages. */
START_TEST(cut_anywhere)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(ledger_closep) struct ledger *l = NULL;

	every = setting("IPND_FAULT_EVERY", 1);
	disk_begin(folder, cut);
	ck_assert_int_eq(open_it(folder, &l), 0);
	ck_assert_int_eq(script_rest(l, TURN, &answered), 0);
	cut();
	ledger_close(TAKE(l));
	look(0);
	fprintf(stderr, "# %lu calls, of them %lu syncs; %lu cuts\n", disk_points(), disk_syncs(),
		cuts);
	disk_end();
}
END_TEST

/* One more delivery of everything: of duplicates too no 200 that is not on disk. */
static void deliver_all(struct ledger *l)
{
	for (size_t i = 0; i < script_n; i += TURN)
		(void)script_turn(l, i, TURN, &answered);
}

/* Somebody reads, and forgets to end it: the log cannot be copied whole. */
static void begin_reading(const char *folder, sqlite3 **ret)
{
	CLEANUP(freep) char *path = unit_format("%s/ipnd.db", folder);

	ck_assert_int_eq(sqlite3_open_v2(path, ret, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	ck_assert_int_eq(
		sqlite3_exec(*ret, "BEGIN; SELECT count(*) FROM notification", NULL, NULL, NULL),
		SQLITE_OK);
}

/* False when there is no such sync. */
static bool fail_sync(unsigned long at, bool restart, bool read)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep) char *next = unit_folder();
	CLEANUP(ledger_closep) struct ledger *l = NULL, *left = NULL;
	CLEANUP(sqlite3_closep) sqlite3 *reader = NULL;
	bool failed;

	memset(&answered, 0, sizeof(answered));
	disk_begin(folder, cut);
	disk_fail_sync(at);
	if (open_it(folder, &l) == 0) {
		(void)script_turn(l, 0, TURN, &answered);
		if (read)
			begin_reading(folder, &reader);
		(void)script_turn(l, TURN, TURN, &answered);
		(void)script_turn(l, 2 * TURN, TURN, &answered);
		sqlite3_close(TAKE(reader));
		(void)script_rest(l, TURN, &answered);
	}
	failed = disk_sync_failed();
	if (failed && restart) {
		sqlite3_close(TAKE(reader));
		/* As a kill leaves it: nothing is closed, and what was not answered is forgotten. */
		left = TAKE(l);
		disk_move(next);
	}
	if (!l)
		ck_assert_int_eq(open_it(restart && failed ? next : folder, &l), 0);
	if (read && failed && restart)
		begin_reading(next, &reader);
	deliver_all(l);
	sqlite3_close(TAKE(reader));
	deliver_all(l);
	if (failed)
		look(at);
	for (size_t i = 0; i < script_n; i++)
		ck_assert_msg(answered.at[i],
			      "sync %lu failed: message %zu was not taken when it came again", at,
			      i);
	ledger_close(TAKE(l));
	disk_end();
	return failed;
}

START_TEST(failed_sync)
{
	unsigned long at = 1;

	every = setting("IPND_FAULT_EVERY", EVERY);
	only_after_failure = true;
	while (fail_sync(at, _i % 2, _i / 2))
		at++;
	failed_syncs = at - 1;
	ck_assert_uint_gt(failed_syncs, 5);
	fprintf(stderr, "# %lu syncs failed, %s%s: %lu cuts\n", failed_syncs,
		_i % 2 ? "and ipnd was killed" : "and ipnd went on",
		_i / 2 ? ", beside a reader" : "", cuts);
}
END_TEST

static void put_rows(struct ledger *l, const char *prefix, int n)
{
	CLEANUP(freep)
	char *sql = unit_format(
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		" INSERT INTO note_count SELECT '%s ' || i, 1, 't' FROM n",
		n, prefix);

	ck_assert_int_eq(ledger_begin(l), 0);
	ck_assert_int_eq(ledger_run(l, sql), 0);
	ck_assert_int_eq(ledger_commit(l), 0);
}

/*
 * A part of the log is copied beside a reader, without a sync; the sync of the rest fails. The next sync says nothing of what is lost
 * of that part, and then the log begins anew.
 */
START_TEST(failed_sync_of_the_database)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep) char *to = unit_folder();
	CLEANUP(ledger_closep) struct ledger *l = NULL, *left = NULL;
	CLEANUP(sqlite3_closep) sqlite3 *reader = NULL;
	int copied, value = 0;

	disk_begin(folder, NULL);
	ck_assert_int_eq(open_it(folder, &l), 0);
	sqlite3_wal_autocheckpoint(l->db, 0);
	put_rows(l, "first", 2000);
	begin_reading(folder, &reader);
	put_rows(l, "second", 1);
	ck_assert_int_eq(ledger_checkpoint(l->db, SQLITE_CHECKPOINT_PASSIVE, &copied), SQLITE_OK);
	ck_assert_int_gt(copied, 20);
	sqlite3_close(TAKE(reader));
	disk_fail_sync(_i == 1 ? 1 : 2); /* of a checkpoint the first is the log's */
	switch (_i) {
	case 0:
		ck_assert_int_eq(ledger_checkpoint(l->db, SQLITE_CHECKPOINT_PASSIVE, &copied),
				 SQLITE_IOERR_FSYNC);
		break;
	case 1:
		ledger_sync_database(l->db);
		break;
	case 2: /* of a process that is killed at once; the next one finds what the -shm says */
		ck_assert_int_eq(sqlite3_wal_checkpoint(l->db, NULL), SQLITE_IOERR_FSYNC);
		left = TAKE(l);
		ck_assert_int_eq(open_it(folder, &l), 0);
		sqlite3_wal_autocheckpoint(l->db, 0);
		put_rows(l, "next", 1);
		break;
	}
	ck_assert(disk_sync_failed());
	ck_assert_int_eq(ledger_checkpoint(l->db, SQLITE_CHECKPOINT_PASSIVE, &copied), SQLITE_OK);
	for (int i = 0; i < 3; i++) {
		put_rows(l, i ? i > 1 ? "fifth" : "fourth" : "third", 1);
		ck_assert_int_eq(ledger_checkpoint(l->db, SQLITE_CHECKPOINT_PASSIVE, &copied),
				 SQLITE_OK);
	}
	disk_cut(to, 1);
	ledger_close(TAKE(l));
	ledger_close(TAKE(left));
	disk_end();
	ck_assert_int_eq(open_it(to, &l), 0);
	ck_assert_int_eq(
		ledger_get_int(
			l,
			"SELECT count(*) = 2004 AND (SELECT integrity_check = 'ok' FROM "
			"pragma_integrity_check) FROM note_count WHERE note NOT LIKE 'next %'",
			&value),
		0);
	ck_assert_int_eq(value, 1);
}
END_TEST

static void make(void)
{
	seeds = setting("IPND_FAULT_SEEDS", SEEDS);
	script_make(MESSAGES);
	healthy = script_dump_healthy();
}

static void done(void)
{
	free(healthy);
	script_done();
}

int main(void)
{
	Suite *suite = suite_create("power");
	TCase *c = unit_case(suite, "power");

	tcase_add_unchecked_fixture(c, make, done);
	tcase_add_test(c, cut_anywhere);
	tcase_add_loop_test(c, failed_sync, 0, 4);
	tcase_add_loop_test(c, failed_sync_of_the_database, 0, 3);
	return script_main(suite);
}
