#include "simulate/schedule.h"

#include <errno.h>

#define USEC_PER_SEC UINT64_C(1000000)

TAILQ_HEAD(tales, tale);

struct schedule {
	const struct batch *batch;
	struct tale *tales; /* one for each story of the batch, told in this order */
	size_t n_told;      /* of them, begun */
	size_t n_begun;     /* notifications given out at least once */
	uint64_t rate;
	uint64_t start_usec;
	struct tales ready; /* between two notifications */
	struct tales again; /* by time */
	bool ended;
};

int schedule_new(const struct batch *batch, uint64_t rate, uint64_t now, struct schedule **ret)
{
	CLEANUP(schedule_freep) struct schedule *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->batch = batch;
	q->rate = rate;
	q->start_usec = now;
	TAILQ_INIT(&q->ready);
	TAILQ_INIT(&q->again);
	q->tales = calloc(batch->n_stories, sizeof(*q->tales));
	if (!q->tales)
		return -ENOMEM;
	*ret = TAKE(q);
	return 0;
}

void schedule_free(struct schedule *q)
{
	if (!q)
		return;
	free(q->tales);
	free(q);
}

/* Whether there is anything new to send, at any time. */
static bool has_new(const struct schedule *q)
{
	return !q->ended && (!TAILQ_EMPTY(&q->ready) || q->n_told < q->batch->n_stories);
}

/* When the next new one is due. */
static uint64_t next_due(const struct schedule *q, uint64_t now)
{
	return q->rate ? q->start_usec + q->n_begun * USEC_PER_SEC / q->rate : now;
}

/* What was begun goes on before another begins. */
static struct tale *take_new(struct schedule *q, uint64_t now)
{
	struct tale *t = TAILQ_FIRST(&q->ready);

	if (t) {
		TAILQ_REMOVE(&q->ready, t, entry);
	} else {
		t = &q->tales[q->n_told];
		t->story = &q->batch->stories[q->n_told++];
	}
	t->due_usec = next_due(q, now);
	t->begun_usec = now;
	q->n_begun++;
	return t;
}

struct tale *schedule_take(struct schedule *q, uint64_t now)
{
	struct tale *t = TAILQ_FIRST(&q->again);

	if (t && t->again_usec <= now)
		TAILQ_REMOVE(&q->again, t, entry);
	else if (has_new(q) && next_due(q, now) <= now)
		t = take_new(q, now);
	else
		return NULL;
	t->tries++;
	return t;
}

/* Back to the front: whoever took it takes the story's next one, so that few stories are open at a time. */
void schedule_done(struct schedule *q, struct tale *t)
{
	t->tries = 0;
	if (++t->next < t->story->n)
		TAILQ_INSERT_HEAD(&q->ready, t, entry);
}

/* Sought from the end: most waits are as long as the one before. */
void schedule_again(struct schedule *q, struct tale *t, uint64_t again_usec)
{
	struct tale *at = TAILQ_LAST(&q->again, tales);

	t->again_usec = again_usec;
	while (at && at->again_usec > again_usec)
		at = TAILQ_PREV(at, tales, entry);
	if (at)
		TAILQ_INSERT_AFTER(&q->again, at, t, entry);
	else
		TAILQ_INSERT_HEAD(&q->again, t, entry);
}

uint64_t schedule_when(const struct schedule *q)
{
	const struct tale *t = TAILQ_FIRST(&q->again);
	uint64_t again = t ? t->again_usec : SCHEDULE_NEVER;
	uint64_t fresh = has_new(q) ? next_due(q, 0) : SCHEDULE_NEVER;

	return again < fresh ? again : fresh;
}

void schedule_end(struct schedule *q, bool all)
{
	q->ended = true;
	if (all)
		TAILQ_INIT(&q->again);
}

bool schedule_is_empty(const struct schedule *q)
{
	return !has_new(q) && TAILQ_EMPTY(&q->again);
}
