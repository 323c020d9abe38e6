/* The database as one file: a copy of it, what a file holds, and putting a file in its place. */
#ifndef IPND_LEDGER_COPY_H
#define IPND_LEDGER_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/utc.h"
#include "ledger/ledger.h"

struct ledger_summary {
	int schema;
	int64_t notifications;
	char last_received[UTC_TEXT_SIZE]; /* "": there is none */
	int64_t last_event;                /* 0: there is none */
};

/*
 * Copies into `path`, an empty file that only its owner may write, as it is at one moment: `l` is LEDGER_READ and within
 * a transaction, which is held meanwhile. The copy needs no file beside it. It is not synced.
 */
int ledger_copy(struct ledger *l, const char *path, ledger_go_on go_on, void *userdata,
		struct why *why);

int ledger_summary(struct ledger *l, struct ledger_summary *ret);

/* How many notifications of `l` are not among those of `other`. */
int ledger_lacks(struct ledger *l, struct ledger *other, int64_t *ret);

/* The file is opened without a write-ahead log from now on: one that has none beside it can be read alone. */
int ledger_leave_wal(const char *path);

/* The next event of the file gets a number after `last_event`: what hooks have seen must not come again for another. */
int ledger_skip_events(const char *path, int64_t last_event);

/*
 * Puts the file `fresh`, which needs no file beside it and is synced, in the place of the database `path`, and keeps that
 * as `kept`; with `path` absent nothing is kept. The caller holds the locks of both daemons. -EBUSY: some program has
 * the database open. After -EEXIST, -EBUSY and whatever failed before the last step the old database is in place.
 */
int ledger_replace(const char *path, const char *fresh, const char *kept, struct why *why);

/* fsync of the folder that holds `path`. 0 or negative errno. */
int ledger_sync_folder(const char *path);

#endif
