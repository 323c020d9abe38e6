/* Times: int64_t milliseconds since 1970-01-01T00:00:00Z inside, UTC text outside. */
#ifndef IPND_BASE_UTC_H
#define IPND_BASE_UTC_H

#include <stdint.h>

#include "base/text.h"

#define UTC_UNKNOWN   INT64_MIN
#define UTC_TEXT_SIZE 25 /* YYYY-MM-DDTHH:MM:SS.mmmZ and the NUL */

int64_t utc_now_ms(void);

/* A clock that only goes on, whatever is done to the other: for how long something takes. */
uint64_t monotonic_usec(void);

/* The form SNS writes and the database holds, byte for byte: 24 bytes, a valid date of 1970 to 9999. 0 or -EINVAL. */
int utc_parse(struct text t, int64_t *ret_ms);

/*
 * xs:dateTime (XML Schema part 2, 3.2.7): fraction of any length (cut to milliseconds), Z, an offset, or
 * nothing, which is read as UTC. Years 1970 to 9999. 0 or -EINVAL.
 */
int utc_parse_xsd(struct text t, int64_t *ret_ms);

/* "" for UTC_UNKNOWN; a time outside 1970 to 9999 becomes the nearest within. */
void utc_format(int64_t ms, char ret[static UTC_TEXT_SIZE]);

/*
 * "10s", "5m", "12h", "15d"; "none" gives DURATION_NONE. A number alone, zero and what overflows are -EINVAL.
 */
#define DURATION_NONE INT64_MAX
int duration_parse(const char *s, int64_t *ret_ms);

/* "64K", "1M", "2G", "512" (bytes). -EINVAL. */
int size_parse(const char *s, int64_t *ret_bytes);

#endif
