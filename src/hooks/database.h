/* The database file as ipn-hookd sees it: not there yet, there, replaced by another. */
#ifndef IPND_HOOKS_DATABASE_H
#define IPND_HOOKS_DATABASE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/config.h"
#include "hooks/job.h"
#include "ledger/ledger.h"

struct database {
	char *path;
	char *folder;
	int lock;              /* of the state folder; -1: not held yet */
	struct ledger *ledger; /* NULL: not open */
	int64_t orphans_ms;    /* monotonic: since when orphans are waited for; 0: not */
	int orphans_told;      /* the signal that they were last sent */
	dev_t device;          /* of the open file */
	ino_t inode;
};

/* 0 or -ENOMEM. */
int database_init(struct database *d, const struct config *c);
void database_done(struct database *d);

/* How long processes of such runs may go on before TERM, and after it before KILL. */
#define ORPHANS_GRACE_MS 10000
#define ORPHANS_TERM_MS  5000
#define ORPHANS_LOOK_MS  100 /* between two looks at all processes */

/*
 * Takes the lock of the state folder, opens, and puts runs that say `running` but are not in hand (an ipn-hookd that
 * was killed left them) back into the queue, once their processes have ended. 0 and their number, or
 *   -EAGAIN                     another ipn-hookd has the lock
 *   -ENOENT, -ENOTSUP, -EBUSY   not there yet, of another schema, in use: wait
 *   -EINPROGRESS                such processes go on: wait; ORPHANS_LOOK_MS until the next look are enough
 *   -ETIMEDOUT                  the same, and nothing ends them
 *   other negative errno        as ledger_open()
 * with the reason in `why`.
 */
int database_open(struct database *d, const struct jobs *jobs, size_t *ret_interrupted,
		  struct why *why);
void database_close(struct database *d);

/* Whether the path leads to another file than the one that is open, or to none. */
bool database_replaced(const struct database *d);

#endif
