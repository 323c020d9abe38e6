/* Runs of a hook that nothing was started for: as ipn-hookd would have written them. */
#ifndef IPND_BENCH_RUNS_H
#define IPND_BENCH_RUNS_H

#include "config/config.h"
#include "ledger/ledger.h"

struct runs {
	struct ledger *ledger;
	struct hook_config hook; /* registered */
	int64_t decided;         /* events up to this one have their runs */
	int64_t pending_from;    /* those from this one on are still to do */
};

/*
 * Decides all events that came since, inside ledger_begin() .. ledger_commit(): a run for each, done but for every thousandth, which
 * gives up. With `last`, those of the newest 50 stay pending. 0 or negative errno.
 */
int runs_write(struct runs *runs, bool last);

#endif
