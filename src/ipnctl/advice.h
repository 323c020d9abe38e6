/* What a story means now: what Amazon allows next and until when, and what looks wrong. Pure: the time is a parameter. */
#ifndef IPND_IPNCTL_ADVICE_H
#define IPND_IPNCTL_ADVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Adds to a story of story_tell(): `now` and `wrong`, arrays of {about, what, until}; `about` is an id, `until` a time
 * or null. `hooks_stopped`: ipn-hookd is known not to run.
 */
void advice_add(json_t *story, int64_t now_ms, bool hooks_stopped);

/* The part of it about what looks wrong. */
void advice_add_wrong(json_t *story, int64_t now_ms, bool hooks_stopped);

/* An entry of either list, for the two files that write them. */
void advice_say(json_t *list, const char *about, int64_t until_ms, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* When an authorization that is Open expires, by the limits of its environment; UTC_UNKNOWN: created when? */
int64_t advice_authorization_expires(const json_t *authorization);

#define ADVICE_HOUR_MS INT64_C(3600000)
#define ADVICE_DAY_MS  (24 * ADVICE_HOUR_MS)

/* Limits of Amazon Pay (protocol.md section 5). */
#define ADVICE_DECIDED_MS                                                                          \
	ADVICE_DAY_MS /* a Pending authorization, unless TransactionTimeout was shorter */
#define ADVICE_OPEN_LIVE_MS    (30 * ADVICE_DAY_MS) /* an Open authorization */
#define ADVICE_OPEN_SANDBOX_MS (2 * ADVICE_DAY_MS)
#define ADVICE_CAPTURE_MS      (7 * ADVICE_DAY_MS) /* captured later, a capture begins as Pending */

#endif
