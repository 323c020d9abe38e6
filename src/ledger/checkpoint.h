/* Inside src/ledger/: checkpoints in a thread of their own. */
#ifndef IPND_LEDGER_CHECKPOINT_H
#define IPND_LEDGER_CHECKPOINT_H

#include <sqlite3.h>

struct checkpointer;

/*
 * Copies the write-ahead log of `db` into the database from now on, instead of the connection itself after a COMMIT
 * (ledger_copy_when_long()). The thread has a connection of its own, and nothing else in common with the caller's. `db` is borrowed: close
 * it after the checkpointer. 0 or negative errno.
 */
int checkpointer_new(sqlite3 *db, int page_bytes, struct checkpointer **ret);

/* Waits until the thread has ended, which may be for the disk. */
void checkpointer_free(struct checkpointer *c);

#endif
