/* Letting go of what keep_raw no longer keeps: bodies of notifications, output of attempts. No row is ever removed. */
#ifndef IPND_LEDGER_PRUNE_H
#define IPND_LEDGER_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/utc.h"
#include "ledger/ledger.h"

#define PRUNE_AT_ONCE 500 /* rows looked at in a step, and changed in its transaction at most */

/* Where the walk has come to. Begins as zeroes. */
struct prune {
	char after[UTC_TEXT_SIZE]; /* received_at and id of the notification looked at last */
	int64_t after_id;
	int64_t n, bytes; /* what went so far, or would */
};

/*
 * The next step, from the oldest on. `l` outside of any transaction when it is to `change`. How many rows were looked at
 * (fewer than PRUNE_AT_ONCE: that was all), or negative errno.
 */
int prune_bodies(struct ledger *l, struct prune *p, int64_t before_ms, bool change);
int prune_outputs(struct ledger *l, struct prune *p, int64_t before_ms, bool change);

#endif
