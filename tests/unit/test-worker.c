/* A worker does its work once each time it is asked to, aside, and has done it before it is gone. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "base/worker.h"
#include "unit.h"

static sem_t go_on;
static pthread_t who; /* has done it last; these two without a lock: the worker's own is to do */
static int done;
static bool takes_signals;

static void work(void *userdata)
{
	sigset_t blocked;

	sem_wait(&go_on);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	takes_signals = !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGHUP);
	who = pthread_self();
	(*(int *)userdata)++;
}

static void begin(struct worker **ret)
{
	sem_init(&go_on, 0, 0);
	ck_assert_int_eq(worker_new(work, &done, ret), 0);
}

START_TEST(once_for_each_time)
{
	CLEANUP(worker_freep) struct worker *w = NULL;

	begin(&w);
	ck_assert(!worker_is_busy(w));
	worker_wait(w);
	ck_assert_int_eq(done, 0);
	for (int i = 1; i <= 100; i++) {
		worker_start(w);
		ck_assert(worker_is_busy(w));
		sem_post(&go_on);
		worker_wait(w);
		ck_assert(!worker_is_busy(w));
		ck_assert_int_eq(done, i);
	}
	ck_assert(!pthread_equal(who, pthread_self()));
	ck_assert(!takes_signals);
}
END_TEST

/* Even what was asked for a moment ago, and is perhaps not begun. */
START_TEST(freed_when_it_is_done)
{
	CLEANUP(worker_freep) struct worker *w = NULL;

	begin(&w);
	worker_start(w);
	sem_post(&go_on);
	worker_free(TAKE(w));
	ck_assert_int_eq(done, 1);
}
END_TEST

START_TEST(freed_without_any)
{
	struct worker *w = NULL;

	begin(&w);
	worker_free(w);
	worker_free(NULL);
	ck_assert_int_eq(done, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *c = unit_case(suite, "worker");

	tcase_add_test(c, once_for_each_time);
	tcase_add_test(c, freed_when_it_is_done);
	tcase_add_test(c, freed_without_any);
	return unit_main(suite);
}
