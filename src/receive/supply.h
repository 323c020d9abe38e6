/*
 * Where signing certificates come from: memory, the cache folder, and Amazon (threats.md sections 2.3 and 2.5). A message whose
 * certificate is fetched waits; everything else goes on.
 *
 * Anybody who knows the merchant's topic can post messages that name certificates that are none. They cost nobody else anything:
 * what is known is found without asking; each URL is fetched once at a time, and for a while not again when that failed; of the
 * unknown ones a few are fetched at a time, whose turn it is goes round among the sources, and each source has an allowance.
 */
#ifndef IPND_RECEIVE_SUPPLY_H
#define IPND_RECEIVE_SUPPLY_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "receive/certificates.h"
#include "verdict/verdict.h"

#define SUPPLY_FETCHES      4    /* at a time */
#define SUPPLY_PER_SOURCE   2    /* of these, of one source */
#define SUPPLY_WANTED       1024 /* URLs that wait for their turn or are being fetched */
#define SUPPLY_WANTED_EACH  8    /* of these, of one source */
#define SUPPLY_WAITING      1024 /* messages that wait */
#define SUPPLY_WAITING_EACH 256  /* of these, of one source */
#define SUPPLY_BURST        4    /* fetches a source may have at once... */
#define SUPPLY_REFILL_S     5    /* ...and then one each so many seconds */
#define SUPPLY_REFUSED_S    60   /* how long it stands that SNS has no such certificate */
#define SUPPLY_FAILED_S     15   /* and any other failure: shorter than our Retry-After */

struct supply;

/* One message that waits. The caller's; stays where it is until ready(). */
struct supply_wait {
	struct supply_wait *next;
	struct want *want; /* NULL: does not wait */
	struct ration_source *source;
	uint64_t until_usec;
};

struct supply_handler {
	/*
	 * The wait is over. VERDICT_PASS: supply_get() has it now. Else there is none in time, for that reason. May call supply_get(), and
	 * free what `w` is in.
	 */
	void (*ready)(struct supply_wait *w, enum verdict v, const char *why, void *userdata);
	/* A fetch has ended: for the counters and the log. `failure`: in words, NULL when there was none. */
	void (*fetched)(const char *failure, void *userdata);
};

/*
 * `patience_ms`: how long a message may wait. `event` is referenced, `handler` and the strings of `c` are copied. 0 or negative errno
 * with the reason.
 */
int supply_new(sd_event *event, const struct sns_config *c, int64_t patience_ms,
	       const struct supply_handler *handler, void *userdata, struct supply **ret,
	       struct why *why);
/* Whoever waits is told that there is none. */
void supply_free(struct supply *s);
DEFINE_CLEANUP(struct supply *, supply_free)

/*
 * As certificates_get(), and like it at once. What is not in the cache and could not be fetched a moment ago has that for
 * a reason.
 */
enum verdict supply_get(struct supply *s, struct text region, const char *hex,
			const struct sns_certificate **ret, struct why *why);

/*
 * After supply_get() had none: has it fetched, in its turn, and `w` wait. False: it will not be; the reason is that of supply_get() when
 * that says all, else `why` is written. `region` is a pinned topic's. `source`: source_of() the post.
 */
bool supply_want(struct supply *s, struct text region, const char *hex, const char *source,
		 struct supply_wait *w, struct why *why);

#endif
