/* The head of an HTTP/1.1 answer, as far as a client that posts needs to know it (RFC 9112). */
#ifndef IPND_SIMULATE_ANSWER_H
#define IPND_SIMULATE_ANSWER_H

#include <stdbool.h>

#include "base/text.h"

#define ANSWER_LENGTH_MAX ((int64_t)16 * 1024 * 1024) /* of a body */

struct answer_head {
	int status;
	int64_t content_length; /* -1: not said, or said in another way: the body ends with the connection */
	int64_t retry_after_s; /* -1: not said in seconds */
	bool close;            /* the server ends the connection */
};

/* `head` with its empty line. False: this is no HTTP. */
bool answer_parse_head(struct text head, struct answer_head *ret);

#endif
