/* The money of a story, added up. */
#ifndef IPND_IPNCTL_SUMS_H
#define IPND_IPNCTL_SUMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Adds `money` to a story that has its parts: currency (the order's, else the first part's), total_minor, authorized_minor
 * (not declined), captured_minor (of captures that were paid), refunded_minor, and amazon_captured_minor (Amazon's own sum
 * over the authorizations).
 */
void sums_add(json_t *story);

/* Whether a capture's money came: Completed, or Closed after it. */
bool sums_is_paid(const json_t *capture);

/* Over the rows of `list` in which `key` is `word` and that count: their amount_minor. At most INT64_MAX. */
int64_t sums_of(const json_t *list, const char *key, const char *word,
		bool (*counts)(const json_t *row));

/* How many refunds of the story are of the capture; Declined ones are none. */
size_t sums_refunds_of(const json_t *story, const json_t *capture);

/* Completed ones count. */
bool sums_is_completed(const json_t *row);

#endif
