/* Inside src/ledger/ only. */
#ifndef IPND_LEDGER_PRIVATE_H
#define IPND_LEDGER_PRIVATE_H

#include <sqlite3.h>

#include "ledger/ledger.h"
#include "ledger/query.h"

struct ledger {
	sqlite3 *db;
	enum ledger_mode mode;
	/*
	 * What stands in the write-ahead log may not be on disk: a sync failed, or we do not know what happened
	 * before we came. A second fsync of the same pages would claim success (the kernel marks them clean after
	 * the first failure), so they are copied into the database and synced there before anything is believed.
	 */
	bool suspect;
	sqlite3_stmt *statements[QUERY_N];
};

/* SQLite's result to 0 or negative errno; remembers what makes the file suspect. */
int ledger_errno(struct ledger *l, int sqlite_result);

int query_prepare(struct ledger *l, enum query q);

#endif
