#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ledger/copy.h"
#include "ledger/private.h"

#define LOCK_WAIT_MS 2000

DEFINE_CLEANUP(sqlite3 *, sqlite3_close)

int ledger_sync_folder(const char *path)
{
	CLEANUP(freep) char *folder = strdup(path);
	CLEANUP(closep) int fd = -1;
	char *end = folder ? strrchr(folder, '/') : NULL;

	if (!folder)
		return -ENOMEM;
	if (end == folder)
		end++;
	if (end)
		*end = 0;
	fd = open(end ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/*
 * Locks everybody out until the connection is closed, and brings the write-ahead log into the file, all with SQLite's
 * own means: killed at any moment, the database is whole. 0, -EUCLEAN (it is damaged: nothing was done), or another.
 */
static int take_over(sqlite3 *db)
{
	int r;

	sqlite3_busy_timeout(db, LOCK_WAIT_MS);
	r = sqlite3_exec(db,
			 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;"
			 "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; COMMIT",
			 NULL, NULL, NULL);
	switch (r & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EACCES;
	default: /* an open-ended list of integers, not an enum */
		return -EIO;
	}
}

static int link_beside(const char *path, const char *suffix, const char *kept)
{
	CLEANUP(freep) char *from = NULL, *to = NULL;

	if (asprintf(&from, "%s%s", path, suffix) < 0 || asprintf(&to, "%s%s", kept, suffix) < 0)
		return -ENOMEM;
	return link(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

/* No file that belongs to the old database may be taken for one of the new: SQLite would play it into that. */
static int remove_beside(const char *path)
{
	static const char *const suffixes[] = {"-wal", "-journal", "-shm"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		CLEANUP(freep) char *name = NULL;

		if (asprintf(&name, "%s%s", path, suffixes[i]) < 0)
			return -ENOMEM;
		if (unlink(name) < 0 && errno != ENOENT)
			return -errno;
	}
	return ledger_sync_folder(path);
}

/* -wal and -shm as ipnd makes and leaves them, so that readers of the group find them. Best effort: ipnd does it too. */
static void settle(const char *path)
{
	CLEANUP(sqlite3_closep) sqlite3 *db = NULL;
	int persist = 1;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		return;
	sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
	sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA user_version", NULL, NULL, NULL);
}

static int place(const char *path, const char *fresh)
{
	int r = remove_beside(path);

	return r == 0 && rename(fresh, path) < 0 ? -errno : r;
}

/*
 * 1. the log is in the old file, and removed by SQLite  killed here: the old database (its next writer rolls back)
 *    Of a damaged database the log stays.
 * 2. the old file has a second name, and what stays of its log too
 *                                                       killed here: the old database
 * 3. what stood beside it goes                          killed here: the old database; of a damaged one the second name
 *                                                       has it all
 * 4. the new file gets the name                         killed before: the old one; after: the new one
 * 5. the new one gets its own -wal and -shm             killed here: the new one; ipnd makes them
 * Each is on disk before the next begins.
 */
static int swap(const char *path, const char *fresh, const char *kept)
{
	int r = link(path, kept) < 0 ? -errno : 0;

	if (r == 0)
		r = link_beside(path, "-wal", kept);
	if (r == 0)
		r = link_beside(path, "-journal", kept);
	if (r == 0)
		r = ledger_sync_folder(path);
	return r == 0 ? place(path, fresh) : r;
}

static int take_and_swap(const char *path, const char *fresh, const char *kept, struct why *why)
{
	CLEANUP(sqlite3_closep) sqlite3 *db = NULL;
	int r;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL) !=
	    SQLITE_OK) {
		why_set(why, "cannot be opened: %s", sqlite3_errmsg(db));
		return -EIO;
	}
	r = take_over(db);
	if (r < 0 && r != -EUCLEAN) {
		why_set(why, "%s",
			r == -EBUSY ? "some program has it open: end that" : sqlite3_errmsg(db));
		return r;
	}
	return swap(path, fresh, kept);
}

int ledger_replace(const char *path, const char *fresh, const char *kept, struct why *why)
{
	int r;

	why->text[0] = 0;
	r = access(path, F_OK) == 0 ? take_and_swap(path, fresh, kept, why) : place(path, fresh);
	if (r == 0)
		r = ledger_sync_folder(path);
	if (r < 0 && !why->text[0])
		why_set(why, "%s", strerror(-r));
	settle(path);
	return r;
}
