/*
 * Which notification of a batch goes next, and when. A story's next one is given out only after queue_done() with the last, so that
 * none overtakes another of its object. No I/O, and no clock: times are microseconds that rise.
 */
#ifndef IPND_SIMULATE_QUEUE_H
#define IPND_SIMULATE_QUEUE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "simulate/batch.h"

#define QUEUE_NEVER UINT64_MAX

/* A story on its way. */
struct tale {
	TAILQ_ENTRY(tale) entry;
	const struct batch_story *story;
	size_t next;         /* of its posts */
	unsigned tries;      /* to send that one, so far */
	uint64_t due_usec;   /* when it was to be sent: by the rate, or when first there was room */
	uint64_t begun_usec; /* when it was first sent */
	uint64_t again_usec; /* when it is to be sent again */
};

struct queue;

/* `rate`: so many a second become due, from `now` on; 0: all are due. The batch is borrowed. 0 or -ENOMEM. */
int queue_new(const struct batch *batch, uint64_t rate, uint64_t now, struct queue **ret);
void queue_free(struct queue *q);
DEFINE_CLEANUP(struct queue *, queue_free)

/* What may be sent now, or NULL. It comes back by one of the two below. */
struct tale *queue_take(struct queue *q, uint64_t now);
void queue_done(struct queue *q, struct tale *t);
void queue_again(struct queue *q, struct tale *t, uint64_t again_usec);

/* When queue_take() will give something, unless something comes back before; QUEUE_NEVER: then only. */
uint64_t queue_when(const struct queue *q);

/* Nothing new is given out any more; with `all`, nothing at all. */
void queue_end(struct queue *q, bool all);

/* Nothing will be given out, unless something comes back. */
bool queue_is_empty(const struct queue *q);

#endif
