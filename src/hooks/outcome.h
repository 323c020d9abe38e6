/* What becomes of a run that has ended: done, tried again, or dead. Pure: time and chance are parameters. */
#ifndef IPND_HOOKS_OUTCOME_H
#define IPND_HOOKS_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "ledger/queue.h"

#define OUTCOME_GIVE_UP 100 /* the exit status by which a hook says: never again */

#define OUTCOME_PROBE_MS 60000 /* how often a run of a paused hook is tried */

/* The longest that any run waits for its next attempt. */
int64_t outcome_longest_ms(int64_t backoff_max_ms);

/* How a child ended. */
struct run_end {
	int error;   /* negative errno: it could not be started, and nothing below is true */
	bool killed; /* `status` is a signal, else an exit status */
	int status;
	bool timed_out; /* it was told to end because its time was over */
	bool stopped;   /* it was told to end because we end */
};

/* The part of the hook's configuration that counts here, as it was when the run started. */
struct outcome_policy {
	int64_t timeout_ms;
	int64_t backoff_ms;
	int64_t backoff_max_ms;
	int64_t give_up_ms; /* DURATION_NONE: never by time */
	unsigned attempts;  /* 0: no limit by number */
	bool paused; /* the hook fails for everyone: this was a trial, and gives up nothing but by exit 100 */
};

struct outcome {
	enum queue_state state;  /* pending, done or dead */
	int64_t next_attempt_ms; /* UTC_UNKNOWN unless pending */
	int64_t counted;         /* of the attempts so far: not one that we ended */
	bool has_status;
	int exit_status; /* 128 + signal when killed */
	struct why detail;
};

/*
 * `permille`, 0 to 1000, is the chance that spreads the waiting time over 75 to 125 %. `program` is for the words only.
 */
void outcome_decide(const struct outcome_policy *policy, const struct run_end *end,
		    const char *program, const struct queue_attempt *attempt, int64_t now_ms,
		    unsigned permille, struct outcome *ret);

#endif
