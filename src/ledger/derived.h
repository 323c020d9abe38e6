/* Inside src/ledger/: everything that follows from an object's facts. */
#ifndef IPND_LEDGER_DERIVED_H
#define IPND_LEDGER_DERIVED_H

#include "ledger/facts.h"

/*
 * After the facts were loaded and the arrived one has its id: writes the folding, the object's row, the links within its
 * order (NULL: it has none), and an event for each transition, change and conflict that is told for the first time.
 * `notification_id` is the notification that made them known. 0 or negative errno.
 */
int derived_write(struct ledger *l, struct facts *f, const char *order_reference_id,
		  int64_t created_ms, int64_t notification_id);

#endif
