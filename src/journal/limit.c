#include "journal/limit.h"

static void refill(struct limit *l, uint64_t now_usec)
{
	uint64_t more = (now_usec - l->refilled_usec) / LIMIT_REFILL_USEC;

	l->refilled_usec += more * LIMIT_REFILL_USEC;
	l->spent = more < l->spent ? l->spent - (unsigned)more : 0;
}

bool limit_allows(struct limit *l, uint64_t now_usec)
{
	refill(l, now_usec);
	if (l->spent < LIMIT_BURST) {
		l->spent++;
		return true;
	}
	if (l->held++ == 0)
		l->held_since_usec = now_usec;
	return false;
}

uint64_t limit_take(struct limit *l, uint64_t now_usec, uint64_t *ret_seconds)
{
	uint64_t held = l->held;

	*ret_seconds = (now_usec - l->held_since_usec) / 1000000 + 1;
	l->held = 0;
	return held;
}
