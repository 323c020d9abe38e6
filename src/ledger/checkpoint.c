/* Checkpoints aside: in a thread of their own, so that a turn does not wait for the disk to take scattered pages. */
#include "ledger/checkpoint.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ledger/private.h"

/*
 * Frames of the log: pages of 2 KiB, in older databases of 4. ENOUGH are worth a checkpoint: a page that many transactions write is
 * copied once. REST take some milliseconds: the turn copies them itself, after which the log begins anew. At MOST the turn copies,
 * whatever it takes: the log must end.
 */
#define ENOUGH 16000
#define REST   1000
#define MOST   32000

struct checkpointer {
	sqlite3 *db; /* the thread's own */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool wanted, end; /* under the lock */
	atomic_bool busy;
	/* Frames at the log's start that are in the database; 0 since the log began anew. */
	atomic_int copied;
	int frames; /* the turn's: in the log after its last COMMIT */
};

static void copy(struct checkpointer *c)
{
	int copied = 0;

	/* What fails is not copied, and comes again: until then it stands in the log, which is synced. */
	if (ledger_checkpoint(c->db, SQLITE_CHECKPOINT_PASSIVE, &copied) == SQLITE_OK)
		atomic_store(&c->copied, copied);
	/* A copy beside a writer never reaches the log's end: the last one, in a turn, would sync the pages of all. */
	ledger_sync_database(c->db);
	atomic_store(&c->busy, false);
}

static void *work(void *userdata)
{
	struct checkpointer *c = userdata;
	bool end = false;

	while (!end) {
		pthread_mutex_lock(&c->lock);
		while (!c->wanted && !c->end)
			pthread_cond_wait(&c->wake, &c->lock);
		c->wanted = false;
		end = c->end;
		pthread_mutex_unlock(&c->lock);
		if (!end)
			copy(c);
	}
	return NULL;
}

static void wake(struct checkpointer *c, bool end)
{
	pthread_mutex_lock(&c->lock);
	c->wanted = true;
	c->end = end;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

/* After a COMMIT, with the frames that are in the log now. An error here would be the COMMIT's, which has succeeded. */
static int on_commit(void *userdata, sqlite3 *db, const char *name, int frames)
{
	struct checkpointer *c = userdata;
	int copied, rest;

	(void)name;
	if (frames < c->frames)
		atomic_store(&c->copied, 0);
	c->frames = frames;
	if (atomic_load(&c->busy))
		return SQLITE_OK;
	rest = frames - atomic_load(&c->copied);
	if (frames >= MOST || (rest < frames && rest <= REST)) {
		ledger_checkpoint(db, SQLITE_CHECKPOINT_PASSIVE, &copied);
	} else if (rest < frames || rest >= ENOUGH) {
		atomic_store(&c->busy, true);
		wake(c, false);
	}
	return SQLITE_OK;
}

static int begin(struct checkpointer *c)
{
	sigset_t all, before;
	int r;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&c->thread, NULL, work, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
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

int checkpointer_new(sqlite3 *db, struct checkpointer **ret)
{
	struct checkpointer *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	r = open_own(db, &c->db);
	if (r == 0)
		r = begin(c);
	if (r < 0) {
		sqlite3_close(c->db);
		free(c);
		return r;
	}
	sqlite3_wal_hook(db, on_commit, c);
	*ret = c;
	return 0;
}

void checkpointer_free(struct checkpointer *c)
{
	if (!c)
		return;
	wake(c, true);
	pthread_join(c->thread, NULL);
	sqlite3_close(c->db);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
