/*
 * One turn, one transaction: results of runs that ended go in, new events are decided for each hook, and runs that
 * are due are marked as running. Only after its commit is a child started.
 */
#ifndef IPND_HOOKS_TURN_H
#define IPND_HOOKS_TURN_H

#include <systemd/sd-event.h>

#include "config/config.h"
#include "hooks/job.h"
#include "ledger/ledger.h"

/* Whether the times in the queue may be of a clock that was ahead. Unknown: before this database was opened, perhaps. */
enum turn_clock { CLOCK_GOES_ON, CLOCK_UNKNOWN, CLOCK_BACK };

struct turn {
	sd_event *event;
	struct ledger *ledger;
	const struct config *config;
	struct jobs *jobs;
	int64_t now_ms;
	bool starts; /* false: results only, because we end */
	enum turn_clock clock;
	bool unwound; /* set when no such times are left */
	bool more;    /* set when another turn should follow at once */
};

/*
 * Does what there is to do; nothing is written when there is nothing. 0, or negative errno with the database as it
 * was, results kept for the next turn and nothing started.
 */
int turn_run(struct turn *t);

/*
 * Logs, once each, the configured hooks that ipnd has not registered: it does so when it starts and reloads, and
 * ours may be the newer configuration. `told` has a place for each hook.
 */
void turn_say_unregistered(struct ledger *l, const struct config *c, bool *told);

#endif
