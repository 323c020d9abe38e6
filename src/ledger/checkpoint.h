/* Inside src/ledger/: when the write-ahead log is copied into the database, and by whom. */
#ifndef IPND_LEDGER_CHECKPOINT_H
#define IPND_LEDGER_CHECKPOINT_H

#include <sqlite3.h>

struct checkpointer;
struct ledger;

/*
 * A COMMIT that leaves a long log copies it, as PRAGMA wal_autocheckpoint would have it. Long is more than a thread lets come together,
 * so that the programs without one leave the log to it while it keeps up.
 */
void ledger_copy_when_long(struct ledger *l);

/*
 * Copies the write-ahead log of `db` into the database from now on, instead of the connection itself after a COMMIT
 * (ledger_copy_when_long()). The thread has a connection of its own, and nothing else in common with the caller's. `db`, whose
 * pages have `page_bytes`, is borrowed: close it after the checkpointer. 0 or negative errno.
 */
int checkpointer_new(sqlite3 *db, int page_bytes, struct checkpointer **ret);

/* Waits until the thread has ended, which may be for the disk. */
void checkpointer_free(struct checkpointer *c);

#endif
