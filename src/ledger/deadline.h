/* Events ahead of Amazon's own time limits (interface.md, "Events and hooks"; protocol.md section 5). */
#ifndef IPND_LEDGER_DEADLINE_H
#define IPND_LEDGER_DEADLINE_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/ledger.h"

/* How long before the end the event is made; DURATION_NONE: never. */
struct deadline_ahead {
	int64_t authorization_ms;
	int64_t order_reference_ms;
};

/*
 * Inside ledger_begin() .. ledger_commit(): makes `deadline.authorization` and `deadline.order_reference` for what is open
 * and ends between `now_ms` and so long after it, the earliest first, at most `max` events. Each object is told of once;
 * what is over is never told. The number of events, or negative errno.
 */
int ledger_make_deadlines(struct ledger *l, const struct deadline_ahead *ahead, int64_t now_ms,
			  size_t max);

#endif
