/*
 * What Amazon Pay allows at most. The pages are those of the guide (developer.amazon.com/docs/eu/amazon-pay-api),
 * collected in protocol.md section 5. These are for advice and warnings: Amazon enforces them, we never do.
 *
 * Not here, since the database has them: the end of an authorization (authorization.deadline_at: 30 days, 2 in the
 * sandbox), of an order reference (expires_at: 180 days), and the monthly limit of a billing agreement.
 */
#ifndef IPND_IPNCTL_LIMITS_H
#define IPND_IPNCTL_LIMITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipnctl/rows.h"

#define LIMITS_HOUR_MS INT64_C(3600000)
#define LIMITS_DAY_MS  (24 * LIMITS_HOUR_MS)

/* A Pending authorization is decided by then, unless its TransactionTimeout was shorter. Page "authorize". */
#define LIMITS_DECIDED_MS LIMITS_DAY_MS

/* Captured later, a capture begins as Pending. Page "capture-states-and-reason-codes". */
#define LIMITS_CAPTURE_MS (7 * LIMITS_DAY_MS)

/* Of one capture; Declined ones are none. Page "capture-states-and-reason-codes". */
#define LIMITS_REFUNDS 10

/*
 * What may be captured of an order or an authorization of `minor`, or refunded of a capture of it: that, and the smaller
 * of 15 % and 75 USD, EUR, GBP (8,400 JPY). Of another currency the guide tells no amount: then 15 %, and
 * limits_is_exact() is false. Page "handling-post-purchase-modifications".
 */
int64_t limits_most(int64_t minor, const char *currency);
bool limits_is_exact(const char *currency);

/* An amount in the currency of the row: "11.50 USD". */
void limits_format(const json_t *row, int64_t minor, char ret[static ROW_MONEY_SIZE]);

#endif
