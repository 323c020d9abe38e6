/*
 * How many lines strangers may cause: of one kind so many at once, and then one each so long. The others are counted, so that one line
 * can say how many there were. Pure: the time is a parameter.
 */
#ifndef IPND_JOURNAL_LIMIT_H
#define IPND_JOURNAL_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_BURST       10
#define LIMIT_REFILL_USEC UINT64_C(30000000)
#define LIMIT_SUM_USEC    UINT64_C(60000000) /* how often it is to be said how many were held back */

/* Begins as zeroes: all of the burst is there. */
struct limit {
	unsigned spent;
	uint64_t refilled_usec;
	uint64_t held, held_since_usec;
};

/* Whether this line may be written; else it is counted. */
bool limit_allows(struct limit *l, uint64_t now_usec);

/* How many were held back since the last call, and over how many seconds, at least 1. */
uint64_t limit_take(struct limit *l, uint64_t now_usec, uint64_t *ret_seconds);

#endif
