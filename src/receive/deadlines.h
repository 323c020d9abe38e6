/* Looks from time to time for what Amazon will soon end, and makes the events that tell of it (ledger/deadline.h). */
#ifndef IPND_RECEIVE_DEADLINES_H
#define IPND_RECEIVE_DEADLINES_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "ledger/ledger.h"

struct deadlines;

/* Borrows the ledger. Looks for nothing before deadlines_configure(). 0 or negative errno. */
int deadlines_new(sd_event *event, struct ledger *ledger, struct deadlines **ret);
void deadlines_free(struct deadlines *d);
DEFINE_CLEANUP(struct deadlines *, deadlines_free)

/* How far ahead; looks again at once. The values are copied. */
void deadlines_configure(struct deadlines *d, const struct deadline_config *c);

#endif
