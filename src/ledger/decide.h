/* What a person decides about a held fact: design.md, "The machine". */
#ifndef IPND_LEDGER_DECIDE_H
#define IPND_LEDGER_DECIDE_H

#include <stdint.h>

#include "ledger/ledger.h"

enum decision {
	DECISION_ACCEPTED, /* Amazon is right: the fold takes the fact, and events tell of it */
	DECISION_DISMISSED, /* not reported any more; it stays held unless a later fact explains it */
};

/*
 * Inside ledger_begin() .. ledger_commit(). `fact_id` is the number of the conflict, `by` the person's login. 0, -ENOENT
 * (there is no such fact), -EALREADY (it is not held, or was dismissed already), or another negative errno.
 */
int ledger_decide(struct ledger *l, int64_t fact_id, enum decision decision, const char *by,
		  int64_t now_ms);

#endif
