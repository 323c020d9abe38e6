/* Times as people write and read them. UTC throughout. */
#ifndef IPND_IPNCTL_WHEN_H
#define IPND_IPNCTL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define WHEN_HELP "2h or 3d (ago), today, yesterday, YYYY-MM-DD, or a full time (RFC 3339)"

/*
 * A point in time: a duration is that long before `now_ms`; `today`, `yesterday` and a date are the beginning of
 * that day; "2026-11-24 07:10" and RFC 3339 with Z or an offset. 0 or -EINVAL.
 */
int when_parse(const char *s, int64_t now_ms, int64_t *ret_ms);

#define WHEN_SIZE 32

/* How long, in the largest unit that fits: "5 s", "3 min", "2 h", "5 d"; "0 s" for what is negative. */
void when_length(int64_t ms, char ret[static WHEN_SIZE]);

/* A time of the database without what a person does not read: "2026-11-24 07:10"; to the millisecond if `exact`. */
void when_format(int64_t ms, bool exact, char ret[static WHEN_SIZE]);

#endif
