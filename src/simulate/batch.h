/* Many stories at once, written and signed before the first of them is posted. */
#ifndef IPND_SIMULATE_BATCH_H
#define IPND_SIMULATE_BATCH_H

#include "simulate/story.h"

/* The notifications of one story, in their order. */
struct batch_story {
	const struct scenario *scenario;
	struct story_post *posts; /* of the batch's */
	size_t n;
};

struct batch {
	struct batch_story *stories;
	size_t n_stories;
	struct story_post *posts;
	size_t n_posts;
};

/* Called about once a second while it takes. */
typedef void batch_progress(size_t done, size_t all);

/*
 * Exactly `n` notifications, of as many stories as that takes: the scenarios in turn, each story with objects of its own; the last
 * story may be cut off. Works on all processors. `progress` may be NULL. 0 or negative errno.
 */
int batch_make(const struct account *a, const struct signer *signer, size_t n,
	       batch_progress *progress, struct batch *ret);
void batch_done(struct batch *b);

#endif
