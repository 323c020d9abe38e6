/*
 * Every call of the disk fails once, and from then on until it is mended: nothing is answered 200 that is not in the database,
 * what was answered 503 is taken when it comes again, and all ends as if nothing had failed; with the process that has met the
 * fault, and with one that begins anew where a kill left the files.
 */
#include "script.h"
#include "vfs.h"

#include "ledger/private.h"

#define TURN     3 /* messages */
#define MESSAGES 13
#define EVERY                                                                                      \
	7 /* of the kinds of call of which there are hundreds, only each so manieth fails; $IPND_FAULT_EVERY */

static char *template, *healthy;
static unsigned long faults[VFS_FAULTS];

static int open_it(const char *path, struct ledger **ret)
{
	struct why why;
	int r = ledger_open(path, LEDGER_OWN, ret, &why);

	/* Small, so that the script meets checkpoints. */
	if (r == 0)
		sqlite3_wal_autocheckpoint((*ret)->db, 12);
	return r;
}

/* The rest comes again, and all is well. */
static void finish(struct ledger *l, struct answered *a, const char *how)
{
	CLEANUP(freep) char *rows = NULL;
	int r = script_rest(l, TURN, a);

	ck_assert_msg(r == 0, "%s: not taken when it came again: %s (%s)", how, strerror(-r),
		      ledger_error(l));
	rows = script_dump(l->db);
	ck_assert_msg(strcmp(rows, healthy) == 0, "%s has left\n%s\nand not\n%s", how, rows,
		      healthy);
}

static void copy_all(const char *from, const char *to)
{
	CLEANUP(freep) char *wal_from = unit_format("%s-wal", from);
	CLEANUP(freep) char *wal_to = unit_format("%s-wal", to);

	script_copy(from, to);
	script_copy(wal_from, wal_to);
}

/* A process that was killed now: the files as they are, and another one that opens them. */
static void go_on_after_kill(const char *path, const char *folder, struct answered a,
			     const char *how)
{
	CLEANUP(freep) char *copy = unit_format("%s/killed.db", folder);
	CLEANUP(ledger_closep) struct ledger *l = NULL;

	copy_all(path, copy);
	l = script_reopen(copy, &a, how);
	finish(l, &a, how);
}

static bool fail_one(enum vfs_fault f, unsigned long at, bool and_all_after)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep) char *path = unit_format("%s/ipnd.db", folder);
	CLEANUP(freep)
	char *how = unit_format("%s, call %lu%s", vfs_fault_words[f], at,
				and_all_after ? " and all after" : "");
	CLEANUP(ledger_closep) struct ledger *l = NULL;
	struct answered a = {0};
	bool failed;

	copy_all(template, path);
	vfs_fail_at(f, at, and_all_after);
	if (open_it(path, &l) == 0)
		(void)script_rest(l, TURN, &a);
	if (l) /* what could not be written is tried again while the fault may last, as SNS does */
		(void)script_rest(l, TURN, &a);
	failed = vfs_heal();
	faults[f] += failed;
	go_on_after_kill(path, folder, a, how);
	if (!l)
		ck_assert_msg(open_it(path, &l) == 0, "%s: cannot be opened again", how);
	finish(l, &a, how);
	return failed;
}

START_TEST(every_call)
{
	const char *set = getenv("IPND_FAULT_EVERY");
	unsigned long stride = set ? strtoul(set, NULL, 10) : EVERY;

	if (_i != VFS_FULL && _i != VFS_WRITE && _i != VFS_SHORT && _i != VFS_READ)
		stride = 1;
	for (int all = 0; all <= 1; all++)
		for (unsigned long at = 1; fail_one((enum vfs_fault)_i, at, all); at += stride)
			;
	ck_assert_uint_gt(faults[_i], 0);
	fprintf(stderr, "# %s: %lu faults\n", vfs_fault_words[_i], faults[_i]);
}
END_TEST

static void make(void)
{
	CLEANUP(freep) char *folder = unit_folder();
	struct ledger *l = NULL;

	script_make(MESSAGES);
	template = unit_format("%s/ipnd.db", folder);
	ck_assert_int_eq(open_it(template, &l), 0);
	ledger_close(l);
	healthy = script_dump_healthy();
	vfs_register();
}

static void done(void)
{
	free(template);
	free(healthy);
	script_done();
}

int main(void)
{
	Suite *suite = suite_create("vfs");
	TCase *c = unit_case(suite, "vfs");

	tcase_add_unchecked_fixture(c, make, done);
	tcase_add_loop_test(c, every_call, 0, VFS_FAULTS);
	return script_main(suite);
}
