#include "simulate/latency.h"

#include <stddef.h>

#define PER_MILLE 1000

static size_t index_of(uint64_t usec)
{
	unsigned bits, shift;

	if (usec < 2 * LATENCY_FINE)
		return usec;
	bits = 63 - (unsigned)__builtin_clzll(usec);
	if (bits >= LATENCY_MAX_BITS)
		return LATENCY_COUNTS - 1;
	shift = bits - LATENCY_FINE_BITS;
	return shift * LATENCY_FINE + (usec >> shift);
}

/* The longest that is counted at `i`. */
static uint64_t value_of(size_t i)
{
	size_t shift;

	if (i < 2 * LATENCY_FINE)
		return i;
	shift = i / LATENCY_FINE - 1;
	return ((i - shift * LATENCY_FINE + 1) << shift) - 1;
}

void latency_add(struct latency *l, uint64_t usec)
{
	l->n++;
	l->counts[index_of(usec)]++;
	if (usec > l->max_usec)
		l->max_usec = usec;
}

uint64_t latency_quantile(const struct latency *l, unsigned per_mille)
{
	uint64_t wanted = (l->n * per_mille + PER_MILLE - 1) / PER_MILLE, seen = 0;

	for (size_t i = 0; i < LATENCY_COUNTS; i++) {
		seen += l->counts[i];
		if (seen >= wanted && seen > 0)
			return value_of(i) < l->max_usec ? value_of(i) : l->max_usec;
	}
	return 0;
}
