/* The write-ahead log that may not be on disk although it can be read: an earlier process's, or after a failed sync. */
#include <errno.h>
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

int ledger_make_sure(struct ledger *l)
{
	bool rewritten = l->inherited;
	int r = l->inherited ? ledger_rewrite_log(l) : 0;

	if (r < 0)
		return r;
	l->inherited = false;
	r = ledger_errno(
		l, sqlite3_wal_checkpoint_v2(l->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
	if (r == -EBUSY)
		r = rewritten ? 0 : ledger_rewrite_log(l);
	if (r == 0)
		l->suspect = false;
	return r;
}
