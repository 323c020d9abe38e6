/* Things of the database by whatever a person has of them. */
#ifndef IPND_IPNCTL_FIND_H
#define IPND_IPNCTL_FIND_H

#include <jansson.h>

#include "ledger/ledger.h"

/*
 * Looks for `id` everywhere: order reference, billing agreement, the shop's own number of either, authorization, capture,
 * refund, chargeback, provider credit, its reversal, MessageId, number of an event; and if it is none of these, for parts
 * with this reference of the merchant's. An array of {"kind": "order_reference", "row": {...}}, which may have several
 * (an event's number may also be an order's), in that order. 0 or negative errno.
 */
int find_all(struct ledger *l, const char *id, json_t **ret);

/* Says that there is nothing of that name, and where to look instead. */
void find_failed(const char *verb, const char *id);

#endif
