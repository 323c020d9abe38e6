#include "simulate/batch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/utc.h"

#define THREADS_MAX       64
#define SIGNATURE_VERSION 1 /* as Amazon Pay's topics have */

struct work {
	struct batch *batch;
	const struct account *account;
	const struct signer *signer;
	atomic_size_t next_story;
	atomic_size_t n_done; /* notifications */
	atomic_int error;
};

void batch_done(struct batch *b)
{
	for (size_t i = 0; i < b->n_posts; i++)
		story_post_done(&b->posts[i]);
	free(b->posts);
	free(b->stories);
	*b = (struct batch){0};
}

/* Who gets which of the posts. */
static int lay_out(size_t n, struct batch *ret)
{
	CLEANUP(batch_done) struct batch b = {.posts = calloc(n, sizeof(*b.posts)), .n_posts = n};
	size_t given = 0, scenario = 0;

	b.stories = calloc(n, sizeof(*b.stories)); /* no story has less than one */
	if (!b.posts || !b.stories)
		return -ENOMEM;
	while (given < n) {
		struct batch_story *s = &b.stories[b.n_stories++];

		s->scenario = scenario_next(&scenario);
		s->posts = &b.posts[given];
		s->n = n - given < s->scenario->n_steps ? n - given : s->scenario->n_steps;
		given += s->n;
	}
	*ret = b;
	b = (struct batch){0};
	return 0;
}

static int write_story(struct work *w, const struct batch_story *s)
{
	int64_t now_ms = utc_now_ms();
	struct story story;
	int r = story_begin(s->scenario, w->account, now_ms, &story);

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		r = story_post(&story, &s->scenario->steps[i], w->signer, SIGNATURE_VERSION, now_ms,
			       &s->posts[i]);
		atomic_fetch_add(&w->n_done, 1);
	}
	return r;
}

static void *write_stories(void *userdata)
{
	struct work *w = userdata;
	size_t i;
	int r;

	while (w->error == 0 && (i = atomic_fetch_add(&w->next_story, 1)) < w->batch->n_stories)
		if ((r = write_story(w, &w->batch->stories[i])) < 0)
			w->error = r;
	return NULL;
}

/* Waits for its end, and meanwhile tells how far all have come. */
static void join(pthread_t thread, const struct work *w, batch_progress *progress)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	do {
		at.tv_sec++;
		if (pthread_timedjoin_np(thread, NULL, &at) != ETIMEDOUT)
			return;
		if (progress)
			progress(w->n_done, w->batch->n_posts);
	} while (true);
}

int batch_make(const struct account *a, const struct signer *signer, size_t n,
	       batch_progress *progress, struct batch *ret)
{
	CLEANUP(batch_done) struct batch b = {0};
	struct work w = {.batch = &b, .account = a, .signer = signer};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[THREADS_MAX];
	int n_threads = 0, r = lay_out(n, &b);

	if (r < 0)
		return r;
	while (n_threads < THREADS_MAX && n_threads < processors &&
	       pthread_create(&threads[n_threads], NULL, write_stories, &w) == 0)
		n_threads++;
	if (n_threads == 0)
		write_stories(&w);
	for (int i = 0; i < n_threads; i++)
		join(threads[i], &w, progress);
	if (w.error < 0)
		return w.error;
	*ret = b;
	b = (struct batch){0};
	return 0;
}
