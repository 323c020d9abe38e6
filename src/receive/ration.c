#include "receive/ration.h"

#include <stdio.h>
#include <string.h>

static bool is_idle(const struct ration_source *s)
{
	return s->wanted == 0 && s->waiting == 0;
}

struct ration_source *ration_source(struct ration *r, const char *key, uint64_t now_usec)
{
	struct ration_source *oldest = NULL;

	for (size_t i = 0; i < RATION_SOURCES; i++) {
		struct ration_source *s = &r->sources[i];

		if (strcmp(s->key, key) == 0)
			return s;
		if (is_idle(s) && (!oldest || s->turn < oldest->turn))
			oldest = s;
	}
	if (!oldest)
		return NULL;
	/* The allowance is filled when it is asked for. */
	*oldest = (struct ration_source){.refilled_usec = now_usec, .allowance = UINT32_MAX};
	snprintf(oldest->key, sizeof(oldest->key), "%s", key);
	return oldest;
}

bool ration_allows(struct ration_source *s, unsigned burst, uint64_t refill_usec, uint64_t now_usec)
{
	uint64_t more = (now_usec - s->refilled_usec) / refill_usec;

	s->refilled_usec += more * refill_usec;
	s->allowance = s->allowance > burst || more > burst - s->allowance
			       ? burst
			       : s->allowance + (unsigned)more;
	return s->allowance > 0;
}

void ration_take(struct ration *r, struct ration_source *s)
{
	s->allowance--;
	s->turn = ++r->turn;
}
