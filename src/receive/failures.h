/* Which certificates could not be fetched, why, and until when nobody asks again. Times are monotonic. */
#ifndef IPND_RECEIVE_FAILURES_H
#define IPND_RECEIVE_FAILURES_H

#include <stdint.h>

#include "base/text.h"
#include "sns/topic.h"
#include "verdict/verdict.h"

#define FAILURES_MAX                                                                               \
	64 /* beyond that the oldest is forgotten, and fetched again when it is wanted */

struct failure {
	char url[SNS_CERTIFICATE_URL_SIZE]; /* "": free */
	uint64_t at_usec, until_usec;
	enum verdict verdict;
	struct why why;
};

struct failures {
	struct failure at[FAILURES_MAX];
};

/* NULL: none that still counts. */
const struct failure *failures_find(const struct failures *f, const char *url, uint64_t now_usec);

/* A later one replaces the one before. `url` is shorter than SNS_CERTIFICATE_URL_SIZE. */
void failures_add(struct failures *f, const char *url, enum verdict v, const struct why *why,
		  uint64_t now_usec, uint64_t until_usec);

#endif
