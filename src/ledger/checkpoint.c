/* Checkpoints: aside, in a thread of their own, so that a COMMIT does not wait for the disk to take scattered pages; or by a COMMIT. */
#include "ledger/checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/worker.h"
#include "ledger/private.h"

#define MIB 1048576

/*
 * Bytes of the log. ENOUGH are worth a checkpoint: a page that many transactions write is copied once, and the larger the database, the
 * longer it takes until a page is written again. REST of that take some milliseconds: the COMMIT copies them itself, after which the
 * log begins anew. At MOST the COMMIT copies, whatever it takes: the log must end.
 */
#define ENOUGH_PART  32 /* of the database, but at least and at most: */
#define ENOUGH_LEAST (32 * MIB)
#define ENOUGH_MOST  (120 * MIB)
#define REST(enough) ((enough) / 16)
#define MOST(enough) ((enough)*2)

static_assert(MOST(ENOUGH_MOST) < LEDGER_LOG_MOST, "what is longer has another cause");

struct checkpointer {
	sqlite3 *db; /* the thread's own */
	struct worker *worker;
	/* Bytes at the log's start that are in the database; 0 since the log began anew. */
	_Atomic int64_t copied;
	int page_bytes;
	/* The committer's. */
	int64_t used;   /* of the log, after the last COMMIT */
	int64_t enough; /* for this log */
};

static void copy(void *userdata)
{
	struct checkpointer *c = userdata;
	int frames = 0;

	/* What fails is not copied, and comes again: until then it stands in the log, which is synced. */
	if (ledger_checkpoint(c->db, SQLITE_CHECKPOINT_PASSIVE, &frames) == SQLITE_OK)
		atomic_store(&c->copied, (int64_t)frames * c->page_bytes);
	/* A copy beside a writer never reaches the log's end: the last one, a COMMIT's, would sync the pages of all. */
	ledger_sync_database(c->db);
}

static int64_t enough_for(sqlite3 *db)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 bytes = 0;

	if (sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK)
		file->pMethods->xFileSize(file, &bytes);
	bytes /= ENOUGH_PART;
	return bytes < ENOUGH_LEAST ? ENOUGH_LEAST : bytes > ENOUGH_MOST ? ENOUGH_MOST : bytes;
}

/* After a COMMIT, with the frames that are in the log now. An error here would be the COMMIT's, which has succeeded. */
static int copy_when_long(void *userdata, sqlite3 *db, const char *name, int frames)
{
	const struct ledger *l = userdata;
	int copied;

	(void)name;
	if ((int64_t)frames * l->page_bytes >= MOST(enough_for(db)))
		ledger_checkpoint(db, SQLITE_CHECKPOINT_PASSIVE, &copied);
	return SQLITE_OK;
}

void ledger_copy_when_long(struct ledger *l)
{
	sqlite3_wal_hook(l->db, copy_when_long, l);
}

/* The same where there is a thread. */
static int copy_aside(void *userdata, sqlite3 *db, const char *name, int frames)
{
	struct checkpointer *c = userdata;
	int64_t used = (int64_t)frames * c->page_bytes, rest;
	int copied;

	(void)name;
	if (used < c->used) {
		atomic_store(&c->copied, 0);
		c->enough = enough_for(db);
	}
	c->used = used;
	/* The thread has just said so of a log that has ended. */
	if (atomic_load(&c->copied) > used)
		atomic_store(&c->copied, 0);
	if (worker_is_busy(c->worker))
		return SQLITE_OK;
	rest = used - atomic_load(&c->copied);
	if (used >= MOST(c->enough) || (rest < used && rest <= REST(c->enough)))
		ledger_checkpoint(db, SQLITE_CHECKPOINT_PASSIVE, &copied);
	else if (rest < used || rest >= c->enough)
		worker_start(c->worker);
	return SQLITE_OK;
}

static int open_own(sqlite3 *db, sqlite3 **ret)
{
	int persist = 1, r;

	r = sqlite3_open_v2(sqlite3_db_filename(db, NULL), ret,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_file_control(*ret, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
	/* A connection that has never read knows of no log. */
	if (r == SQLITE_OK)
		r = sqlite3_exec(*ret, "PRAGMA user_version", NULL, NULL, NULL);
	return r == SQLITE_OK ? 0 : -EIO;
}

int checkpointer_new(sqlite3 *db, int page_bytes, struct checkpointer **ret)
{
	struct checkpointer *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->page_bytes = page_bytes;
	c->enough = enough_for(db);
	r = open_own(db, &c->db);
	if (r == 0)
		r = worker_new(copy, c, &c->worker);
	if (r < 0) {
		sqlite3_close(c->db);
		free(c);
		return r;
	}
	sqlite3_wal_hook(db, copy_aside, c);
	*ret = c;
	return 0;
}

void checkpointer_free(struct checkpointer *c)
{
	if (!c)
		return;
	worker_free(c->worker);
	sqlite3_close(c->db);
	free(c);
}
