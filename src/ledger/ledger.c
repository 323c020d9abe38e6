#include "ledger/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/worker.h"
#include "ledger/checkpoint.h"
#include "ledger/gather.h"
#include "ledger/private.h"

#define LOCK_WAIT_MS    2000 /* LEDGER_WRITE: for ipnd's transaction, which takes some milliseconds */
#define LOCK_PAUSE_USEC 500
#define READ_WAIT_MS    1000 /* LEDGER_READ: only log recovery locks readers out */

/* With a million notifications stored, a message reads 12 pages that 4 MiB do not hold, 10 that 8 and 9 that 16 do not. */
#define CACHE_KIB 8192

/*
 * Of a new database; one that is there keeps its own. Most pages that a message changes are changed in one place, in an index
 * over ids: half of SQLite's 4096 means a quarter less to write, and a body of 2 to 3 KB leaves less of its pages unused.
 */
#define PAGE_BYTES 2048

#define STRING_OF(x) #x
#define STRING(x)    STRING_OF(x)

bool ledger_only_reads(const struct ledger *l)
{
	return l->mode == LEDGER_READ || l->mode == LEDGER_LOOK;
}

const char *ledger_error(const struct ledger *l)
{
	return l->error.text[0] ? l->error.text : sqlite3_errmsg(l->db);
}

int ledger_fail(struct ledger *l, int error, const char *words)
{
	why_set(&l->error, "%s", words);
	return error;
}

static int errno_of(struct ledger *l, int sqlite_result)
{
	switch (sqlite_result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return -EBUSY;
	case SQLITE_FULL:
		l->suspect = true;
		return -ENOSPC;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		l->suspect = true;
		return -EUCLEAN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
	case SQLITE_ERROR:
		return -EINVAL; /* of what was asked, not of the file */
	default:                /* an open-ended list of integers, not an enum */
		l->suspect = true;
		return -EIO;
	}
}

int ledger_errno(struct ledger *l, int sqlite_result)
{
	int r = errno_of(l, sqlite_result);

	return r < 0 ? ledger_fail(l, r, sqlite3_errmsg(l->db)) : 0;
}

int ledger_get_int(struct ledger *l, const char *sql, int *ret)
{
	sqlite3_stmt *s = NULL;
	int r = sqlite3_prepare_v2(l->db, sql, -1, &s, NULL);

	if (r == SQLITE_OK) {
		r = sqlite3_step(s);
		if (r == SQLITE_ROW)
			*ret = sqlite3_column_int(s, 0);
	}
	sqlite3_finalize(s);
	return ledger_errno(l, r);
}

int ledger_run(struct ledger *l, const char *sql)
{
	return ledger_errno(l, sqlite3_exec(l->db, sql, NULL, NULL, NULL));
}

/* Is it ours, and of which schema? A file without any content is a fresh one. */
static int identify(struct ledger *l, int *ret_version, struct why *why)
{
	int application = 0, version = 0, objects = 0, r;

	r = ledger_get_int(l, "PRAGMA application_id", &application);
	if (r == 0)
		r = ledger_get_int(l, "PRAGMA user_version", &version);
	if (r == 0)
		r = ledger_get_int(l, "SELECT count(*) FROM sqlite_schema", &objects);
	if (r < 0)
		return r;
	if (application != LEDGER_APPLICATION_ID && (application || version || objects)) {
		why_set(why, "is not an ipnd database (application_id %#x, not %#x)",
			(unsigned)application, (unsigned)LEDGER_APPLICATION_ID);
		return -EUCLEAN;
	}
	if (version > ledger_schema()) {
		why_set(why,
			"has schema %d, this program knows %d: it was written by a newer ipnd; upgrade this one",
			version, ledger_schema());
		return -ENOTSUP;
	}
	*ret_version = version;
	return 0;
}

/*
 * SQLite's own timeout sleeps up to 100 ms between two tries: beside an ipnd that writes all the time, whose pauses are of a
 * millisecond, that is late nearly always.
 */
static int wait_for_lock(void *unused, int tries)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_USEC * 1000};

	(void)unused;
	nanosleep(&pause, NULL);
	return tries < LOCK_WAIT_MS * 1000 / LOCK_PAUSE_USEC;
}

/* What a connection is allowed; writes nothing, so that a file that is not ours stays as it is. */
static int configure(struct ledger *l)
{
	/* 3.40 has no name for "off unless said so" of double-quoted strings; both switches are needed. */
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	sqlite3_extended_result_codes(l->db, 1);
	switch (l->mode) {
	case LEDGER_OWN: /* the loop never sleeps: what is locked is tried again in the next turn */
		sqlite3_busy_timeout(l->db, 0);
		break;
	case LEDGER_WRITE:
		sqlite3_busy_handler(l->db, wait_for_lock, NULL);
		break;
	case LEDGER_READ:
	case LEDGER_LOOK:
		sqlite3_busy_timeout(l->db, READ_WAIT_MS);
		return ledger_run(l, "PRAGMA query_only = ON; PRAGMA cell_size_check = ON");
	}
	return ledger_run(l, "PRAGMA cell_size_check = ON");
}

/* How a writer writes. */
static int configure_writer(struct ledger *l)
{
	int persist = 1, r;

	/* Readers of the group cannot make these files: they stay when the last writer leaves. */
	sqlite3_file_control(l->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
	/* A savepoint over some pages spills its journal into a temporary file: /tmp may be full, or not ours to write. */
	/* clang-format off */
	r = ledger_run(l,
		"PRAGMA page_size = " STRING(PAGE_BYTES) "; PRAGMA cache_size = -" STRING(CACHE_KIB) ";"
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
		"PRAGMA journal_size_limit = " STRING(LEDGER_LOG_MOST) ";"
		/* Of a file that had no log the first read makes it. */
		"PRAGMA user_version");
	/* clang-format on */
	if (r == 0)
		r = ledger_get_int(l, "PRAGMA page_size", &l->page_bytes);
	ledger_copy_when_long(l);
	return r;
}

static int check_schema(struct ledger *l, struct why *why)
{
	int version, r;

	r = identify(l, &version, why);
	if (r < 0)
		return r;
	if (l->mode == LEDGER_LOOK) {
		if (version)
			return 0;
		why_set(why, "is empty: nothing was ever written into it");
		return -EUCLEAN;
	}
	if (version != ledger_schema() && l->mode != LEDGER_OWN) {
		why_set(why,
			"has schema %d, this program needs %d: start ipnd, which brings it up to date",
			version, ledger_schema());
		return -ENOTSUP;
	}
	if (l->mode != LEDGER_READ)
		r = configure_writer(l);
	return r < 0 || version == ledger_schema() ? r : ledger_migrate(l, version);
}

static int open_database(struct ledger *l, const char *path, struct why *why)
{
	int flags = ledger_only_reads(l) ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, r;

	if (access(path, F_OK) < 0 && l->mode != LEDGER_OWN) {
		r = -errno;
		why_set(why,
			r == -ENOENT ? "is not there: ipnd makes it when it starts"
				     : "cannot be reached: %s",
			strerror(-r));
		return r;
	}
	r = l->mode == LEDGER_OWN ? files_create(path) : access(path, R_OK) < 0 ? -errno : 0;
	if (r < 0) {
		why_set(why, "cannot be opened: %s", strerror(-r));
		return r;
	}
	r = ledger_errno(l, sqlite3_open_v2(path, &l->db,
					    flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX,
					    ledger_only_reads(l) ? NULL : gather_vfs()));
	if (r == 0)
		r = configure(l);
	if (r == 0)
		r = check_schema(l, why);
	for (size_t q = 0; r == 0 && !ledger_only_reads(l) && q < QUERY_N; q++)
		r = query_prepare(l, (enum query)q);
	if ((r == -ENOENT || r == -EROFS) && ledger_only_reads(l)) {
		why_set(why,
			"cannot be read: its -wal and -shm files are missing or not readable; start ipnd once");
		r = -EACCES;
	}
	return r;
}

static int open_ledger(struct ledger *given, const char *path, struct ledger **ret, struct why *why)
{
	CLEANUP(ledger_closep) struct ledger *l = given;
	int r;

	why->text[0] = 0;
	if (!l)
		return -ENOMEM;
	r = open_database(l, path, why);
	if (r == 0 && l->mode == LEDGER_OWN)
		r = files_remember(l);
	if (r < 0) {
		if (!why->text[0])
			why_set(why, "%s", ledger_error(l));
		return r;
	}
	l->suspect = l->inherited = true;
	*ret = TAKE(l);
	return 0;
}

int ledger_open(const char *path, enum ledger_mode mode, struct ledger **ret, struct why *why)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (l)
		l->mode = mode;
	return open_ledger(l, path, ret, why);
}

int ledger_open_own(const char *path, ledger_migrating migrating, void *userdata,
		    struct ledger **ret, struct why *why)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (l) {
		l->mode = LEDGER_OWN;
		l->migrating = migrating;
		l->migrating_userdata = userdata;
	}
	return open_ledger(l, path, ret, why);
}

int ledger_checkpoint_aside(struct ledger *l)
{
	return checkpointer_new(l->db, l->page_bytes, &l->checkpointer);
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	/* Its transaction is whole: the thread ends with it. */
	worker_free(l->committer);
	checkpointer_free(l->checkpointer);
	for (size_t q = 0; q < QUERY_N; q++)
		sqlite3_finalize(l->statements[q]);
	sqlite3_close(l->db);
	for (size_t i = 0; i < LEDGER_FILES; i++)
		free(l->files[i].path);
	free(l);
}
