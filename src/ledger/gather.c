#include "ledger/gather.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE   64
#define GATHER_SIZE (64 * 1024) /* 31 pages with their heads */

/* Which of the locks on the -shm a writer holds (https://sqlite.org/walformat.html, 2.3): SQLite's own name for it is not public. */
#define WRITE_LOCK 0

struct wal {
	sqlite3_file file; /* what SQLite sees */
	sqlite3_file *real;
	struct base *base;
	sqlite3_int64 at; /* where `bytes` belong */
	int used;
	bool lost; /* something gathered could not be written: the sync of this transaction says so */
	char *bytes;
};

/* Stands behind the real file of a database, whose methods these are but for one. */
struct base {
	sqlite3_io_methods methods; /* first, so that the file's methods lead here */
	const sqlite3_io_methods *real;
	struct wal *wal; /* NULL: not open */
};

/* Over one VFS. It stays for good: open files point at it. */
struct gatherer {
	sqlite3_vfs vfs; /* first, so that it leads back here */
	sqlite3_vfs *real;
	char name[NAME_SIZE];
};

static struct wal *wal_of(sqlite3_file *file)
{
	return (struct wal *)file;
}

static const sqlite3_io_methods *real(const struct wal *w)
{
	return w->real->pMethods;
}

/* What cannot be written is dropped: it belongs to a transaction that can no longer be committed, since that takes a sync. */
static int flush(struct wal *w)
{
	int used = w->used, r;

	if (used == 0)
		return SQLITE_OK;
	w->used = 0;
	r = real(w)->xWrite(w->real, w->bytes, used, w->at);
	w->lost |= r != SQLITE_OK;
	return r;
}

/*
 * Once the lock is free another process writes at the same place of the log, so nothing may come later. With synchronous=FULL that is
 * only what belongs to a transaction that is undone, and whether it can be written is all the same.
 */
static void settle(struct wal *w)
{
	flush(w);
	w->lost = false;
}

static int wal_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	struct wal *w = wal_of(file);
	int r = SQLITE_OK;

	if (w->used > 0 && (at != w->at + w->used || n > GATHER_SIZE - w->used))
		r = flush(w);
	if (r != SQLITE_OK)
		return r;
	if (n > GATHER_SIZE)
		return real(w)->xWrite(w->real, from, n, at);
	if (w->used == 0)
		w->at = at;
	memcpy(w->bytes + w->used, from, (size_t)n);
	w->used += n;
	return SQLITE_OK;
}

static int wal_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	int r = flush(wal_of(file));

	return r == SQLITE_OK ? real(wal_of(file))->xRead(wal_of(file)->real, to, n, at) : r;
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int r = flush(wal_of(file));

	return r == SQLITE_OK ? real(wal_of(file))->xTruncate(wal_of(file)->real, size) : r;
}

static int wal_sync(sqlite3_file *file, int flags)
{
	struct wal *w = wal_of(file);
	int r = flush(w);
	bool lost = w->lost;

	w->lost = false;
	if (lost)
		return r != SQLITE_OK ? r : SQLITE_IOERR_WRITE;
	return real(w)->xSync(w->real, flags);
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	int r = flush(wal_of(file));

	return r == SQLITE_OK ? real(wal_of(file))->xFileSize(wal_of(file)->real, ret) : r;
}

static int wal_close(sqlite3_file *file)
{
	struct wal *w = wal_of(file);
	int r = real(w)->xClose(w->real);

	w->base->wal = NULL;
	sqlite3_free(w->bytes);
	return r;
}

static int wal_lock(sqlite3_file *file, int level)
{
	return real(wal_of(file))->xLock(wal_of(file)->real, level);
}

static int wal_unlock(sqlite3_file *file, int level)
{
	return real(wal_of(file))->xUnlock(wal_of(file)->real, level);
}

static int wal_check_lock(sqlite3_file *file, int *ret)
{
	return real(wal_of(file))->xCheckReservedLock(wal_of(file)->real, ret);
}

static int wal_control(sqlite3_file *file, int operation, void *argument)
{
	return real(wal_of(file))->xFileControl(wal_of(file)->real, operation, argument);
}

static int wal_sector(sqlite3_file *file)
{
	return real(wal_of(file))->xSectorSize(wal_of(file)->real);
}

static int wal_device(sqlite3_file *file)
{
	return real(wal_of(file))->xDeviceCharacteristics(wal_of(file)->real);
}

static const sqlite3_io_methods wal_methods = {
	.iVersion = 1,
	.xClose = wal_close,
	.xRead = wal_read,
	.xWrite = wal_write,
	.xTruncate = wal_truncate,
	.xSync = wal_sync,
	.xFileSize = wal_size,
	.xLock = wal_lock,
	.xUnlock = wal_unlock,
	.xCheckReservedLock = wal_check_lock,
	.xFileControl = wal_control,
	.xSectorSize = wal_sector,
	.xDeviceCharacteristics = wal_device,
};

static int base_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	const struct base *b = (const struct base *)file->pMethods;

	if (b->wal && flags & SQLITE_SHM_UNLOCK && offset == WRITE_LOCK)
		settle(b->wal);
	return b->real->xShmLock(file, offset, n, flags);
}

/* Up to where what stands behind it is aligned. */
static size_t size_of(const sqlite3_vfs *real_vfs)
{
	const size_t to = alignof(max_align_t);

	return ((size_t)real_vfs->szOsFile + to - 1) / to * to;
}

static struct base *base_behind(sqlite3_file *file, const sqlite3_vfs *real_vfs)
{
	return (struct base *)((char *)file + size_of(real_vfs));
}

static int open_base(sqlite3_vfs *real_vfs, const char *name, sqlite3_file *file, int flags,
		     int *ret_flags)
{
	struct base *b = base_behind(file, real_vfs);
	int r = real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);

	static_assert(offsetof(struct base, methods) == 0, "methods lead back to their base");
	if (r != SQLITE_OK)
		return r;
	*b = (struct base){.methods = *file->pMethods, .real = file->pMethods};
	b->methods.xShmLock = base_shm_lock;
	file->pMethods = &b->methods;
	return SQLITE_OK;
}

/* SQLite closes what has methods, opened or not. */
static int open_wal(sqlite3_vfs *real_vfs, const char *name, sqlite3_file *file, int flags,
		    int *ret_flags)
{
	struct wal *w = wal_of(file);
	int r;

	*w = (struct wal){
		.real = (sqlite3_file *)(w + 1),
		.base = base_behind(sqlite3_database_file_object(name), real_vfs),
		.bytes = sqlite3_malloc(GATHER_SIZE),
	};
	if (!w->bytes)
		return SQLITE_NOMEM;
	r = real_vfs->xOpen(real_vfs, name, w->real, flags, ret_flags);
	if (!w->real->pMethods) {
		sqlite3_free(w->bytes);
		return r;
	}
	w->file.pMethods = &wal_methods;
	w->base->wal = w;
	return r;
}

/* Any other file is the real one's. */
static int vfs_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
		    int *ret_flags)
{
	sqlite3_vfs *real_vfs = ((struct gatherer *)self)->real;

	static_assert(offsetof(struct gatherer, vfs) == 0, "a VFS leads back to its gatherer");
	if (flags & SQLITE_OPEN_MAIN_DB)
		return open_base(real_vfs, name, file, flags, ret_flags);
	if (flags & SQLITE_OPEN_WAL)
		return open_wal(real_vfs, name, file, flags, ret_flags);
	return real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);
}

const char *gather_vfs(void)
{
	sqlite3_vfs *real_vfs = sqlite3_vfs_find(NULL);
	struct gatherer *g;
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "gather-%s", real_vfs->zName);
	if (sqlite3_vfs_find(name))
		return sqlite3_vfs_find(name)->zName;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	memcpy(g->name, name, sizeof(name));
	g->real = real_vfs;
	g->vfs = *real_vfs;
	g->vfs.pNext = NULL;
	g->vfs.zName = g->name;
	g->vfs.szOsFile = (int)(sizeof(struct wal) + size_of(real_vfs) + sizeof(struct base));
	g->vfs.xOpen = vfs_open;
	if (sqlite3_vfs_register(&g->vfs, 0) == SQLITE_OK)
		return g->name;
	free(g);
	return NULL;
}
