/* How long things took: counts in steps of less than 1 %, so that any number of them takes the same memory. */
#ifndef IPND_SIMULATE_LATENCY_H
#define IPND_SIMULATE_LATENCY_H

#include <stdint.h>

/*
 * Up to 2 * LATENCY_FINE microseconds each value has a count of its own; above, LATENCY_FINE counts share each doubling, up to
 * 2^LATENCY_MAX_BITS, a day.
 */
#define LATENCY_FINE_BITS 7
#define LATENCY_FINE      (1 << LATENCY_FINE_BITS)
#define LATENCY_MAX_BITS  37
#define LATENCY_COUNTS    ((LATENCY_MAX_BITS - LATENCY_FINE_BITS + 1) * LATENCY_FINE)

struct latency {
	uint64_t n;
	uint64_t max_usec;
	uint64_t counts[LATENCY_COUNTS];
};

void latency_add(struct latency *l, uint64_t usec);

/* So many of 1000 took no longer than this; 0 when there are none. Too long by less than 1 %, never too short. */
uint64_t latency_quantile(const struct latency *l, unsigned per_mille);

#endif
