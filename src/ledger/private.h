/* Inside src/ledger/ only. */
#ifndef IPND_LEDGER_PRIVATE_H
#define IPND_LEDGER_PRIVATE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "ledger/ledger.h"
#include "ledger/query.h"

#define LEDGER_FILES 3 /* the database, its -wal, its -shm */

/* Which file stood under the name when it was opened. */
struct ledger_file {
	char *path;
	dev_t device;
	ino_t inode;
};

struct ledger {
	sqlite3 *db;
	enum ledger_mode mode;
	ledger_migrating migrating; /* LEDGER_OWN; NULL: nobody is told */
	void *migrating_userdata;
	struct ledger_file files[LEDGER_FILES]; /* LEDGER_OWN */
	struct why error; /* of the last failure: SQLite's own text is gone after a rollback */
	/*
	 * What stands in the write-ahead log may not be on disk: a sync failed, or we do not know what happened
	 * before we came. A second fsync of the same pages would claim success (the kernel marks them clean after
	 * the first failure), so they are copied into the database and synced there, or written again, before anything is believed.
	 */
	bool suspect;
	bool inherited; /* LEDGER_OWN: the log is another process's as yet */
	bool half_done; /* what failed could not be undone: the transaction must not be committed */
	bool together;  /* the transaction has no savepoints */
	bool spoilt;    /* and something in it has failed: it can only be rolled back */
	int page_bytes; /* of a writer's database */
	struct checkpointer
		*checkpointer;    /* NULL: a COMMIT copies the log itself when that is long */
	struct worker *committer; /* NULL: not needed so far */
	bool committing;          /* the connection is the committer's until that is idle */
	int committed_fd;         /* the eventfd that it tells */
	int committed;            /* what came of the last COMMIT aside: 0 or negative errno */
	sqlite3_stmt *statements[QUERY_N];
};

/* SQLite's result to 0 or negative errno; remembers what makes the file suspect. */
int ledger_errno(struct ledger *l, int sqlite_result);

bool ledger_only_reads(const struct ledger *l);

/* For failures that are not SQLite's: keeps the words for ledger_error(), returns `error`. */
int ledger_fail(struct ledger *l, int error, const char *words);

/* SQL of ours without results, and with one number. 0 or negative errno. */
int ledger_run(struct ledger *l, const char *sql);
int ledger_get_int(struct ledger *l, const char *sql, int *ret);

/* The schema that this program knows. */
int ledger_schema(void);

/* Brings the database from schema `from` (0: a fresh file) to it, or leaves it as it was. 0 or negative errno. */
int ledger_migrate(struct ledger *l, int from);

/*
 * Writes the log that another process has left once more, as it is, and syncs it. It may have died of a failed sync: then the kernel
 * calls clean what it never wrote, and a sync alone succeeds. A checkpoint copies from the log into the database, and if the power
 * fails meanwhile the log must really be there, or the database is neither what it was nor what it was to become.
 */
int ledger_rewrite_log(struct ledger *l);

/*
 * That what a suspect file holds is on disk: copies the log into the database and syncs it. A reader of an older state forbids that,
 * for hours if its owner forgot it: then the log is written once more instead. 0 or negative errno, then it stays suspect.
 */
int ledger_make_sure(struct ledger *l);

/*
 * sqlite3_wal_checkpoint_v2(), SQLite's result. It syncs the database only when it has reached the log's end, and remembers before what
 * is copied. When that sync fails, what earlier ones had copied is lost as well: then all that is in the log is to be copied again.
 */
int ledger_checkpoint(sqlite3 *db, int mode, int *ret_copied);
/* The sync alone, with the same care. */
void ledger_sync_database(sqlite3 *db);

int query_prepare(struct ledger *l, enum query q);

/* files.c: 0 or negative errno. The last: -ESTALE when one was removed or replaced. */
int files_create(const char *path);
int files_remember(struct ledger *l);
int files_check(struct ledger *l);

#endif
