/*
 * The database: the only thing the two daemons and ipnctl share. Opening, migrating, transactions.
 * Errors are negative errno: -EBUSY (locked by another process: try again), -ENOSPC, -EIO, -EACCES, -EROFS,
 * -ENOENT, -ESTALE (removed or replaced while in use), -EUCLEAN (not an ipnd database, or damaged), -ENOTSUP
 * (schema newer or older than this program), -ENOMEM, -EINVAL (the schema, or a row that cannot be, refuses what
 * was asked); anything else of SQLite's is -EIO.
 */
#ifndef IPND_LEDGER_LEDGER_H
#define IPND_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

#define LEDGER_APPLICATION_ID 0x49504E44 /* "IPND" */

/*
 * Bytes of the write-ahead log: it gets longer only while somebody reads for so long that it cannot be written back, or much is written
 * at once, and is cut to this afterwards.
 */
#define LEDGER_LOG_MOST 268435456

struct ledger;

enum ledger_mode {
	LEDGER_OWN,   /* ipnd: creates the file (0640), migrates it; never waits for a lock */
	LEDGER_WRITE, /* ipn-hookd and writing verbs: it must be there; waits up to 2 s for a lock */
	LEDGER_READ, /* ipnctl: read only; works with both daemons stopped, for a member of the group */
	LEDGER_LOOK, /* the same for a file that may be of an older schema: a backup, or what one is to replace */
};

/* On failure `why` says what is wrong and what would be right. */
int ledger_open(const char *path, enum ledger_mode mode, struct ledger **ret, struct why *why);

/*
 * Told while an older database is brought up to date, which takes minutes for a large one: at once, and then each time that SQLite has
 * worked for some milliseconds more; not while it syncs. Must not use the ledger.
 */
typedef void (*ledger_migrating)(int from, int to, void *userdata);

/* ledger_open() with LEDGER_OWN; `migrating` may be NULL. */
int ledger_open_own(const char *path, ledger_migrating migrating, void *userdata,
		    struct ledger **ret, struct why *why);

/*
 * LEDGER_OWN: the log is copied into the database by a thread from now on, and no longer at the end of a COMMIT, which takes the longer
 * the larger the database is. 0 or negative errno.
 */
int ledger_checkpoint_aside(struct ledger *l);

void ledger_close(struct ledger *l);
DEFINE_CLEANUP(struct ledger *, ledger_close)

/* The words for the last failure: SQLite's, mostly. */
const char *ledger_error(const struct ledger *l);

/*
 * LEDGER_OWN begins IMMEDIATE and first makes sure that what the file holds is really on disk: after a failed
 * commit, and after every start, the write-ahead log is checkpointed whole or, beside a reader that forbids it, written once more
 * before anything else is said about the file, and that it is still the file that its name means. -EBUSY: try again in the next turn.
 */
int ledger_begin(struct ledger *l);
/*
 * The same for many messages that are all expected to be good: ledger_savepoint() and ledger_release() do nothing then, which saves
 * a copy of every page that a message changes. The first one that fails gives -ECANCELED: roll back, and do all of it again under
 * ledger_begin().
 */
int ledger_begin_together(struct ledger *l);
/* synchronous=FULL: 0 means on disk. On failure everything since ledger_begin() is undone. */
int ledger_commit(struct ledger *l);
/*
 * ledger_commit() in a thread, so that the caller works on while the disk does. 0: it is under way, the eventfd `fd` becomes readable
 * when it has ended, and ledger_commit_end() says what came of it: as ledger_commit() does, after waiting for it if need be. Meanwhile
 * whatever begins or ends a transaction waits for it; nothing else may be done with the ledger.
 */
int ledger_commit_aside(struct ledger *l, int fd);
int ledger_commit_end(struct ledger *l);
/* Safe at any time; does nothing outside a transaction. */
void ledger_rollback(struct ledger *l);

/* One message among many: what fails inside leaves the others of the transaction alone. */
int ledger_savepoint(struct ledger *l);
int ledger_release(struct ledger *l);
/* Undoes what was done since ledger_savepoint() because of `error`. What the caller has to return: mostly `error`. */
int ledger_undo(struct ledger *l, int error);

/* Asked between steps, `done` of `all`, in whatever unit; `all` 0: not known. False ends the work with -EINTR. */
typedef bool (*ledger_go_on)(int64_t done, int64_t all, void *userdata);

/*
 * Reads the file whole, for damage: PRAGMA quick_check; with `full` integrity_check and foreign_key_check, which take longer. 0: none;
 * -EUCLEAN: `why` has the first; -EINTR: none until `go_on` ended it; other negative errno.
 */
int ledger_check(struct ledger *l, bool full, ledger_go_on go_on, void *userdata, struct why *why);

/*
 * Programs that may run once per state folder hold a lock on `<folder>/<program>.lock` (0640); its first line is
 * the pid, further lines are `notes` (ipnd: its URLs). -EAGAIN: another one holds it. Returns the fd that holds
 * the lock until it is closed.
 */
int ledger_lock(const char *folder, const char *program, const char *notes);
/* Rewrites the notes under the lock. */
int ledger_lock_note(int fd, const char *notes);
/* 1 when some process holds the lock, 0 when none does, negative errno. `ret_text`: the file's text; caller frees. */
int ledger_locked(const char *folder, const char *program, char **ret_text);

#endif
