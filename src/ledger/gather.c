#include "ledger/gather.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#define NAME        "ipnd-gather"
#define GATHER_SIZE (64 * 1024) /* 15 pages; more gains nothing that can be measured */

struct log {
	sqlite3_file file; /* what SQLite sees */
	sqlite3_file *real;
	sqlite3_int64 at; /* where `bytes` belong */
	int used;
	bool lost; /* something gathered could not be written: the next sync says so */
	char *bytes;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs vfs;

static struct log *log_of(sqlite3_file *file)
{
	return (struct log *)file;
}

static const sqlite3_io_methods *real(const struct log *l)
{
	return l->real->pMethods;
}

/* What cannot be written is dropped: it belongs to a transaction that can no longer be committed, since that takes a sync. */
static int flush(struct log *l)
{
	int used = l->used, r;

	if (used == 0)
		return SQLITE_OK;
	l->used = 0;
	r = real(l)->xWrite(l->real, l->bytes, used, l->at);
	l->lost |= r != SQLITE_OK;
	return r;
}

static int log_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	struct log *l = log_of(file);
	int r = SQLITE_OK;

	if (l->used > 0 && (at != l->at + l->used || n > GATHER_SIZE - l->used))
		r = flush(l);
	if (r != SQLITE_OK)
		return r;
	if (n > GATHER_SIZE)
		return real(l)->xWrite(l->real, from, n, at);
	if (l->used == 0)
		l->at = at;
	memcpy(l->bytes + l->used, from, (size_t)n);
	l->used += n;
	return SQLITE_OK;
}

static int log_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	int r = flush(log_of(file));

	return r == SQLITE_OK ? real(log_of(file))->xRead(log_of(file)->real, to, n, at) : r;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int r = flush(log_of(file));

	return r == SQLITE_OK ? real(log_of(file))->xTruncate(log_of(file)->real, size) : r;
}

static int log_sync(sqlite3_file *file, int flags)
{
	struct log *l = log_of(file);
	int r = flush(l);
	bool lost = l->lost;

	l->lost = false;
	if (lost)
		return r != SQLITE_OK ? r : SQLITE_IOERR_WRITE;
	return real(l)->xSync(l->real, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	int r = flush(log_of(file));

	return r == SQLITE_OK ? real(log_of(file))->xFileSize(log_of(file)->real, ret) : r;
}

static int log_close(sqlite3_file *file)
{
	struct log *l = log_of(file);
	int flushed = flush(l), r = real(l)->xClose(l->real);

	sqlite3_free(l->bytes);
	return r != SQLITE_OK ? r : flushed;
}

static int log_lock(sqlite3_file *file, int level)
{
	return real(log_of(file))->xLock(log_of(file)->real, level);
}

static int log_unlock(sqlite3_file *file, int level)
{
	return real(log_of(file))->xUnlock(log_of(file)->real, level);
}

static int log_check_lock(sqlite3_file *file, int *ret)
{
	return real(log_of(file))->xCheckReservedLock(log_of(file)->real, ret);
}

static int log_control(sqlite3_file *file, int operation, void *argument)
{
	return real(log_of(file))->xFileControl(log_of(file)->real, operation, argument);
}

static int log_sector(sqlite3_file *file)
{
	return real(log_of(file))->xSectorSize(log_of(file)->real);
}

static int log_device(sqlite3_file *file)
{
	return real(log_of(file))->xDeviceCharacteristics(log_of(file)->real);
}

static const sqlite3_io_methods log_methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync,
	.xFileSize = log_size,
	.xLock = log_lock,
	.xUnlock = log_unlock,
	.xCheckReservedLock = log_check_lock,
	.xFileControl = log_control,
	.xSectorSize = log_sector,
	.xDeviceCharacteristics = log_device,
};

/* Any file but the log is the real one's. SQLite closes what has methods, opened or not. */
static int vfs_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
		    int *ret_flags)
{
	struct log *l = log_of(file);
	int r;

	(void)self;
	if (!(flags & SQLITE_OPEN_WAL))
		return real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);
	*l = (struct log){.real = (sqlite3_file *)(l + 1), .bytes = sqlite3_malloc(GATHER_SIZE)};
	if (!l->bytes)
		return SQLITE_NOMEM;
	r = real_vfs->xOpen(real_vfs, name, l->real, flags, ret_flags);
	if (l->real->pMethods)
		l->file.pMethods = &log_methods;
	else
		sqlite3_free(l->bytes);
	return r;
}

const char *gather_vfs(void)
{
	sqlite3_vfs *found = sqlite3_vfs_find(NULL);

	if (found == real_vfs && sqlite3_vfs_find(NAME))
		return NAME;
	if (real_vfs)
		sqlite3_vfs_unregister(&vfs);
	real_vfs = found;
	vfs = *real_vfs;
	vfs.pNext = NULL;
	vfs.zName = NAME;
	vfs.szOsFile = (int)sizeof(struct log) + real_vfs->szOsFile;
	vfs.xOpen = vfs_open;
	return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? NAME : NULL;
}
