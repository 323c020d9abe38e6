/*
 * The line of posts, over a disk whose syncs last or fail: many posts are answered once each, when their COMMIT has ended in its thread,
 * and as it has ended; whatever else is done with the ledger meanwhile.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/utc.h"
#include "layer.h"
#include "ledger/private.h"
#include "receive/line.h"
#include "script.h"

#define POSTS         6
#define LAST_USEC     100000   /* how long a sync lasts that ends by itself */
#define PATIENCE_USEC 10000000 /* for an answer */

/* ---- the disk ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool lasts, fails; /* what a sync does that begins now; under the lock */
static int lasting;       /* syncs that do not end as yet; likewise */

static int on_sync(void *mine)
{
	bool failed;

	(void)mine;
	pthread_mutex_lock(&lock);
	failed = fails;
	lasting++;
	pthread_cond_broadcast(&changed);
	while (lasts)
		pthread_cond_wait(&changed, &lock);
	lasting--;
	pthread_mutex_unlock(&lock);
	return failed ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static const struct layer layer = {.sync = on_sync};

static void disk_is(bool to_last, bool to_fail)
{
	pthread_mutex_lock(&lock);
	lasts = to_last;
	fails = to_fail;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* Returns in the middle of one. */
static void wait_for_sync(void)
{
	pthread_mutex_lock(&lock);
	while (lasting == 0)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static bool is_syncing(void)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = lasting > 0;
	pthread_mutex_unlock(&lock);
	return is;
}

static void *end_sync(void *unused)
{
	usleep(LAST_USEC);
	disk_is(false, false);
	return unused;
}

/* The one that lasts ends in a while, and those after it are quick and good. */
static pthread_t end_sync_soon(void)
{
	pthread_t ender;

	ck_assert_int_eq(pthread_create(&ender, NULL, end_sync, NULL), 0);
	return ender;
}

/* ---- threads: `-Wl,--wrap=pthread_create` ---- */

static bool no_threads;

int __real_pthread_create(pthread_t *ret, const pthread_attr_t *a, void *(*run)(void *), void *of);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *a, void *(*run)(void *), void *of);

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *a, void *(*run)(void *), void *of)
{
	return no_threads ? EAGAIN : __real_pthread_create(ret, a, run, of);
}

/* ---- the line ---- */

static char *path;
static struct ledger *ledger;
static struct line *line;
static sd_event *event;
static struct post posts[POSTS];
static int answers[POSTS];
static enum verdict verdicts[POSTS]; /* of the last answer */
static bool stored[POSTS];

static void on_done(struct post *p, enum verdict v, bool is_stored, void *userdata)
{
	size_t i = (size_t)(p - posts);

	(void)userdata;
	answers[i]++;
	verdicts[i] = v;
	stored[i] = is_stored;
}

static void open_it(void)
{
	struct why why;

	ck_assert_msg(ledger_open(path, LEDGER_OWN, &ledger, &why) == 0, "%s", why.text);
	/* What there is to be made sure of at first is not this test's. */
	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_int_eq(ledger_commit(ledger), 0);
}

static void setup(void)
{
	CLEANUP(freep) char *folder = unit_folder();

	path = unit_format("%s/ipnd.db", folder);
	open_it();
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(line_new(event, ledger, 60000, on_done, NULL, &line), 0);
	line_configure(line, &script_config);
}

static void teardown(void)
{
	line_free(line);
	sd_event_unref(event);
	ledger_close(ledger);
	free(path);
}

static void come(size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		posts[i] = (struct post){.message = script[i], .arrived_usec = monotonic_usec()};
		line_add(line, &posts[i]);
	}
	line_turn(line);
}

/* Whether the posts were answered so many times, the last time alike. */
static void expect(size_t first, size_t n, int times, bool is_stored)
{
	for (size_t i = first; i < first + n; i++) {
		ck_assert_msg(answers[i] == times, "post %zu has %d answers", i, answers[i]);
		if (times == 0)
			continue;
		ck_assert_msg(stored[i] == is_stored, "post %zu", i);
		ck_assert_int_eq(verdict_row(verdicts[i])->http, is_stored ? 200 : 503);
	}
}

static void run_until_answered(size_t i, int times)
{
	uint64_t began = monotonic_usec();

	while (answers[i] < times) {
		ck_assert_int_ge(sd_event_run(event, LAST_USEC), 0);
		ck_assert_uint_lt(monotonic_usec() - began, PATIENCE_USEC);
	}
}

static int rows(void)
{
	CLEANUP(ledger_closep) struct ledger *l = NULL;
	struct why why;
	int n = -1;

	ck_assert_msg(ledger_open(path, LEDGER_READ, &l, &why) == 0, "%s", why.text);
	ck_assert_int_eq(ledger_get_int(l, "SELECT count(*) FROM notification", &n), 0);
	return n;
}

/* What comes while the disk is at work waits for the next turn, which nobody has to begin. */
START_TEST(answered_when_it_is_on_disk)
{
	disk_is(true, false);
	come(0, 3);
	wait_for_sync();
	come(3, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_ge(sd_event_run(event, 10000), 0);
	expect(0, POSTS, 0, false);
	ck_assert_int_eq(rows(), 0);
	disk_is(false, false);
	run_until_answered(POSTS - 1, 1);
	expect(0, POSTS, 1, true);
	ck_assert_int_eq(rows(), POSTS);
}
END_TEST

START_TEST(a_failed_sync_is_no_200)
{
	disk_is(true, true);
	come(0, 3);
	wait_for_sync();
	expect(0, 3, 0, false);
	disk_is(false, true);
	run_until_answered(2, 1);
	expect(0, 3, 1, false);
	disk_is(false, false);
	come(0, 3);
	run_until_answered(2, 2);
	expect(0, 3, 2, true);
	ck_assert_int_eq(rows(), 3);
}
END_TEST

/* Counters are written, for one: that waits, and what came of the posts stays known. `_i`: their COMMIT fails. */
START_TEST(another_transaction_waits)
{
	pthread_t ender;

	disk_is(true, _i);
	come(0, 3);
	wait_for_sync();
	ender = end_sync_soon();
	ck_assert_int_eq(ledger_begin(ledger), 0);
	pthread_join(ender, NULL);
	ck_assert_int_eq(rows(), _i ? 0 : 3);
	ck_assert_int_eq(ledger_run(ledger, "INSERT INTO note_count VALUES ('n', 1, 't')"), 0);
	ck_assert_int_eq(ledger_commit(ledger), 0);
	/* Nor is the next COMMIT taken for theirs. */
	come(3, 3);
	expect(0, POSTS, 0, false);
	disk_is(true, false);
	while (answers[2] == 0)
		ck_assert_int_ge(sd_event_run(event, LAST_USEC), 0);
	expect(0, 3, 1, !_i);
	wait_for_sync();
	for (int i = 0; i < 3; i++)
		ck_assert_int_ge(sd_event_run(event, 10000), 0);
	expect(3, 3, 0, false);
	disk_is(false, false);
	run_until_answered(POSTS - 1, 1);
	expect(3, 3, 1, true);
	ck_assert_int_eq(rows(), _i ? 3 : POSTS);
}
END_TEST

START_TEST(freed_meanwhile)
{
	pthread_t ender;

	disk_is(true, false);
	come(0, 3);
	wait_for_sync();
	come(3, 3);
	ender = end_sync_soon();
	line_free(TAKE(line));
	pthread_join(ender, NULL);
	expect(0, 3, 1, true);
	expect(3, 3, 1, false);
	ck_assert_int_eq(rows(), 3);
}
END_TEST

START_TEST(ledger_closed_meanwhile)
{
	pthread_t ender;
	int fd = eventfd(0, EFD_CLOEXEC);

	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_int_eq(ledger_run(ledger, "INSERT INTO note_count VALUES ('n', 1, 't')"), 0);
	disk_is(true, false);
	ck_assert_int_eq(ledger_commit_aside(ledger, fd), 0);
	wait_for_sync();
	ender = end_sync_soon();
	line_free(TAKE(line));
	ledger_close(TAKE(ledger));
	ck_assert(!is_syncing());
	pthread_join(ender, NULL);
	close(fd);
	open_it();
	ck_assert_int_eq(ledger_begin(ledger), 0);
	ck_assert_int_eq(ledger_run(ledger, "INSERT INTO note_count SELECT 'is there', count, 't'"
					    " FROM note_count WHERE note = 'n'"),
			 0);
	ck_assert_int_eq(sqlite3_changes(ledger->db), 1);
	ledger_rollback(ledger);
}
END_TEST

START_TEST(without_a_thread)
{
	no_threads = true;
	come(0, 3);
	run_until_answered(2, 1);
	no_threads = false;
	come(3, 3);
	run_until_answered(POSTS - 1, 1);
	expect(0, POSTS, 1, true);
	ck_assert_int_eq(rows(), POSTS);
}
END_TEST

static void make(void)
{
	script_make(POSTS);
	layer_register(&layer);
}

int main(void)
{
	Suite *suite = suite_create("line");
	TCase *c = unit_case(suite, "line");

	tcase_add_unchecked_fixture(c, make, script_done);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, answered_when_it_is_on_disk);
	tcase_add_test(c, a_failed_sync_is_no_200);
	tcase_add_loop_test(c, another_transaction_waits, 0, 2);
	tcase_add_test(c, freed_meanwhile);
	tcase_add_test(c, ledger_closed_meanwhile);
	tcase_add_test(c, without_a_thread);
	return script_main(suite);
}
