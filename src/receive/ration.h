/* Whose turn it is to have a certificate fetched, and how many each source may have. */
#ifndef IPND_RECEIVE_RATION_H
#define IPND_RECEIVE_RATION_H

#include <stdbool.h>
#include <stdint.h>

#include "receive/source.h"

/* Known at a time; one with nothing under way gives its place to a new one. */
#define RATION_SOURCES 1024

struct ration_source {
	char key[SOURCE_SIZE]; /* source_of(); "" is free */
	unsigned wanted;       /* URLs that wait for their turn or are being fetched */
	unsigned fetching;     /* of these, being fetched */
	unsigned waiting;      /* messages */
	unsigned allowance;    /* fetches that it may start now */
	uint64_t refilled_usec;
	uint64_t turn; /* when it was its turn: of two, the lower one comes first; 0: never */
};

struct ration {
	uint64_t turn;
	struct ration_source sources[RATION_SOURCES];
};

/* NULL: too many sources have something under way. */
struct ration_source *ration_source(struct ration *r, const char *key, uint64_t now_usec);

/* Whether it may start one now. `burst` and `refill_usec`: how many at once, and then one each so long. */
bool ration_allows(struct ration_source *s, unsigned burst, uint64_t refill_usec,
		   uint64_t now_usec);
/* It has started one. */
void ration_take(struct ration *r, struct ration_source *s);

#endif
