/*
 * What the log says of posts: a line for each that is genuine. Of what strangers can cause only so much is said (journal/limit.h);
 * counters count all of it.
 */
#ifndef IPND_RECEIVE_SAY_H
#define IPND_RECEIVE_SAY_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "receive/message.h"
#include "receive/unknown.h"
#include "verdict/verdict.h"

struct says;

int says_new(sd_event *event, struct says **ret);
/* Says what was held back. */
void says_free(struct says *s);
DEFINE_CLEANUP(struct says *, says_free)

/* What became of a post from `peer` that arrived at that monotonic time. */
void say_outcome(struct says *s, enum verdict v, const struct message *m, const char *peer,
		 uint64_t arrived_usec);

/* The server itself refused a request. */
void say_refused(struct says *s, enum verdict v, const char *why, const char *peer);

/* A connection was closed, since `setting` allows no more. */
void say_turned_away(struct says *s, const char *setting, const char *peer);

/* A signing certificate could not be fetched; `why` names it. */
void say_not_fetched(struct says *s, const char *why);

/* What a later version may want to read, once for each name. Names only: what stands in an element may be a buyer's. */
void say_unknown(struct unknown_names *said, const struct message *m);

#endif
