/* The head of a load's request, with the headers that SNS sends. */
#ifndef IPND_SIMULATE_REQUEST_H
#define IPND_SIMULATE_REQUEST_H

#include "simulate/destination.h"
#include "simulate/post.h"

#define REQUEST_HEAD_SIZE                                                                          \
	(DESTINATION_PATH_MAX + 2048) /* host and ARNs have at most 256 bytes each */

struct request_head {
	char text[REQUEST_HEAD_SIZE];
	size_t len;
};

void request_head_make(const struct destination *d, const struct post *m, struct request_head *ret);

#endif
