/*
 * What a shop receives over some months: many stories of ipn-simulate side by side, their notifications in the order in which Amazon
 * would send them. Nothing is kept but the place in each story that is open.
 */
#ifndef IPND_BENCH_STREAM_H
#define IPND_BENCH_STREAM_H

#include "base/cleanup.h"
#include "simulate/story.h"

struct stream;

/*
 * `n` notifications, sent over about `span_ms`, the last one at `until_ms`. All ids are drawn from `seed` (not 0), so that the same
 * arguments give the same bytes. `a` must outlive the stream. 0 or -ENOMEM.
 */
int stream_open(const struct account *a, size_t n, int64_t span_ms, int64_t until_ms, uint64_t seed,
		struct stream **ret);
void stream_close(struct stream *s);
DEFINE_CLEANUP(struct stream *, stream_close)

/* The next one; without a signer it is not signed (story_post()). 1; 0: that was all; negative errno. */
int stream_next(struct stream *s, const struct signer *signer, struct story_post *ret,
		int64_t *ret_sent_ms);

#endif
