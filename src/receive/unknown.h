/* Names of elements that this version does not know: each is said once. */
#ifndef IPND_RECEIVE_UNKNOWN_H
#define IPND_RECEIVE_UNKNOWN_H

#include <stdbool.h>
#include <stddef.h>

#define UNKNOWN_NAMES_MAX 64 /* said in all; a sender could make up any number of them */
#define UNKNOWN_NAME_SIZE 64 /* of which so much is compared and kept, escaped, NUL included */

struct unknown_names {
	char at[UNKNOWN_NAMES_MAX][UNKNOWN_NAME_SIZE];
	size_t n;
};

/* Whether the name is new and is to be said; then *ret is it, escaped. */
bool unknown_is_new(struct unknown_names *u, const char *name, const char **ret);

#endif
