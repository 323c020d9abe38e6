/* Everything the database tells of one order, as one JSON object. */
#ifndef IPND_IPNCTL_STORY_H
#define IPND_IPNCTL_STORY_H

#include <jansson.h>
#include <stdbool.h>

#include "ledger/ledger.h"

/*
 * `lane` is an order reference; for what belongs to none, the object's id or the MessageId. The members:
 *
 *   id                the lane
 *   is_order          the lane has the form of an order reference
 *   account, environment  of any row; null when there is none
 *   order_reference   the row; null: never heard of
 *   authorizations, captures, refunds   rows, oldest first, each with its state in words as `meaning`
 *   money             currency, total_minor, authorized_minor (not declined), captured_minor (of captures that were
 *                     paid), refunded_minor, and amazon_captured_minor (Amazon's own sum over the authorizations)
 *   timeline          what happened, by time: `at`, `kind` (transition, notification, event) and the row; an event
 *                     with its `hook_runs`
 *   conflicts         facts that are held
 *   hooks_seen        the last event that every hook has been given or spared; null when there are no hooks
 *
 * *ret is NULL when nothing is known. 0 or negative errno.
 */
int story_tell(struct ledger *l, const char *lane, json_t **ret);

/* Whether a capture's money came: Completed, or Closed after it. */
bool story_is_paid(const json_t *capture);

#endif
