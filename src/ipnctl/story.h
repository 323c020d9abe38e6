/* Everything the database tells of one order, as one JSON object. */
#ifndef IPND_IPNCTL_STORY_H
#define IPND_IPNCTL_STORY_H

#include <jansson.h>
#include <stdbool.h>

#include "ipn/document.h"
#include "ledger/query.h"

/* The objects that hang below an order, in the order in which they are told. */
#define STORY_PARTS 6
extern const struct story_part {
	const char *list; /* the story's member */
	enum object_type object;
	enum query query;
	const char *key;    /* of its own id */
	const char *parent; /* of the id of what it is of; NULL: the order */
} story_parts[STORY_PARTS];

/*
 * `lane` is an order reference or a billing agreement; for what belongs to neither, the object's id or the MessageId. The
 * members:
 *
 *   id                the lane
 *   is_order          the lane has the form of an order reference
 *   account, environment  of any row; null when there is none
 *   order_reference   the row; null: never heard of
 *   billing_agreement the row; null: the lane is none
 *   orders            of an agreement, as far as somebody told which they are
 *   authorizations, captures, refunds, chargebacks, provider_credits, provider_credit_reversals   rows, oldest first,
 *                     each with its state in words as `meaning`, as all rows before
 *   money             see sums.h
 *   timeline          what happened, by time: `at`, `kind` (transition, notification, decision, event) and the row; an
 *                     event with its `hook_runs`
 *   conflicts         facts that are held, and that nobody has dismissed
 *   hooks_seen        the last event that every hook has been given or spared; null when there are no hooks
 *
 * *ret is NULL when nothing is known. 0 or negative errno.
 */
int story_tell(struct ledger *l, const char *lane, json_t **ret);

#endif
