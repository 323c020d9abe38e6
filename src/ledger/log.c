/*
 * The write-ahead log: what may not be on disk although it can be read, an earlier process's or after a failed sync, written or copied
 * again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ledger/private.h"

#define PIECE 65536 /* bytes */

static int write_again(sqlite3_file *f, sqlite3_int64 size, char *piece)
{
	int r = SQLITE_OK;

	for (sqlite3_int64 at = 0; r == SQLITE_OK && at < size; at += PIECE) {
		int n = size - at < PIECE ? (int)(size - at) : PIECE;

		r = f->pMethods->xRead(f, piece, n, at);
		if (r == SQLITE_OK)
			r = f->pMethods->xWrite(f, piece, n, at);
	}
	return r == SQLITE_OK ? f->pMethods->xSync(f, SQLITE_SYNC_NORMAL) : r;
}

/* Nobody else writes into the log meanwhile: the caller holds the lock for that. */
static int rewrite(struct ledger *l)
{
	CLEANUP(freep) char *piece = malloc(PIECE);
	sqlite3_int64 size = 0;
	sqlite3_file *f = NULL;
	int r;

	if (!piece)
		return -ENOMEM;
	r = sqlite3_file_control(l->db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &f);
	if (r == SQLITE_OK && f->pMethods)
		r = f->pMethods->xFileSize(f, &size);
	if (r == SQLITE_OK)
		r = write_again(f, size, piece);
	return r == SQLITE_OK ? 0 : ledger_errno(l, r);
}

int ledger_rewrite_log(struct ledger *l)
{
	int r = ledger_run(l, "BEGIN IMMEDIATE");

	if (r == 0)
		r = rewrite(l);
	ledger_rollback(l);
	return r;
}

/*
 * Which lock on the -shm is held while the log is copied, and where in it stands how much of the log is copied
 * (https://sqlite.org/walformat.html, 2.1 and 2.3).
 */
#define COPY_LOCK   1
#define COPIED_AT   (96 / sizeof(uint32_t))
#define REGION_SIZE 32768 /* that SQLite maps */

static void copy_again(sqlite3 *db)
{
	volatile void *shm = NULL;
	sqlite3_file *f = NULL;

	if (sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &f) != SQLITE_OK || !f ||
	    !f->pMethods ||
	    f->pMethods->xShmLock(f, COPY_LOCK, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) !=
		    SQLITE_OK)
		return;
	if (f->pMethods->xShmMap(f, 0, REGION_SIZE, 0, &shm) == SQLITE_OK && shm)
		((volatile uint32_t *)shm)[COPIED_AT] = 0;
	f->pMethods->xShmBarrier(f);
	f->pMethods->xShmLock(f, COPY_LOCK, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
}

int ledger_checkpoint(sqlite3 *db, int mode, int *ret_copied)
{
	int in_log, r = sqlite3_wal_checkpoint_v2(db, NULL, mode, &in_log, ret_copied);

	if (r != SQLITE_OK && (r & 0xff) != SQLITE_BUSY)
		copy_again(db);
	return r;
}

void ledger_sync_database(sqlite3 *db)
{
	sqlite3_file *f = NULL;

	if (sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &f) == SQLITE_OK && f &&
	    f->pMethods && f->pMethods->xSync(f, SQLITE_SYNC_NORMAL) != SQLITE_OK)
		copy_again(db);
}

int ledger_make_sure(struct ledger *l)
{
	bool rewritten = l->inherited;
	int copied, r = l->inherited ? ledger_rewrite_log(l) : 0;

	if (r < 0)
		return r;
	/* Nor is it known whether the last sync of the database has succeeded. */
	if (l->inherited)
		copy_again(l->db);
	l->inherited = false;
	r = ledger_errno(l, ledger_checkpoint(l->db, SQLITE_CHECKPOINT_TRUNCATE, &copied));
	if (r == -EBUSY)
		r = rewritten ? 0 : ledger_rewrite_log(l);
	if (r == 0)
		l->suspect = false;
	return r;
}
