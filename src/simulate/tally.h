/* What came of a load: counts, and how they are told. */
#ifndef IPND_SIMULATE_TALLY_H
#define IPND_SIMULATE_TALLY_H

#include <stddef.h>

#include "simulate/connection.h"
#include "simulate/latency.h"

#define TALLY_STATUS_MAX 999

struct tally {
	size_t n_all;       /* notifications made */
	size_t n_begun;     /* sent at least once */
	size_t n_delivered; /* answered 200 */
	size_t n_refused;   /* answered for good, but not 200 */
	uint64_t n_retries;
	uint64_t n_connections;
	uint64_t answers[TALLY_STATUS_MAX + 1]; /* by status */
	uint64_t errors[CONNECTION_ERRORS];     /* no answer */
	struct latency latency;                 /* of those that were delivered */
	uint64_t took_usec;                     /* the first post to the last answer */
	uint64_t cpu_usec; /* used by this program meanwhile; near took_usec, it is what is slow */
};

/* Sent, and answered neither 200 nor for good. */
size_t tally_undelivered(const struct tally *t);

/* A line on stderr, every second; `before` were delivered by the last one; `trouble` is what is wrong just now, or NULL. */
void tally_print_progress(const struct tally *t, uint64_t passed_usec, size_t before,
			  const char *trouble);

/* Everything, for people or as one JSON object, on stdout. 0 or -ENOMEM. */
void tally_print(const struct tally *t);
int tally_print_json(const struct tally *t);

#endif
