/*
 * Which notification of a batch goes next, and when. A story's next one is given out only after schedule_done() with the last, so that
 * none overtakes another of its object. No I/O, and no clock: times are microseconds that rise.
 */
#ifndef IPND_SIMULATE_SCHEDULE_H
#define IPND_SIMULATE_SCHEDULE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "simulate/batch.h"

#define SCHEDULE_NEVER UINT64_MAX

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

struct schedule;

/* `rate`: so many a second become due, from `now` on; 0: all are due. The batch is borrowed. 0 or -ENOMEM. */
int schedule_new(const struct batch *batch, uint64_t rate, uint64_t now, struct schedule **ret);
void schedule_free(struct schedule *q);
DEFINE_CLEANUP(struct schedule *, schedule_free)

/* What may be sent now, or NULL. It comes back by one of the two below. */
struct tale *schedule_take(struct schedule *q, uint64_t now);
void schedule_done(struct schedule *q, struct tale *t);
void schedule_again(struct schedule *q, struct tale *t, uint64_t again_usec);

/* When schedule_take() will give something, unless something comes back before; SCHEDULE_NEVER: then only. */
uint64_t schedule_when(const struct schedule *q);

/* Nothing new is given out any more; with `all`, nothing at all. */
void schedule_end(struct schedule *q, bool all);

/* Nothing will be given out, unless something comes back. */
bool schedule_is_empty(const struct schedule *q);

#endif
