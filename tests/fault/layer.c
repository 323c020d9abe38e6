#include "layer.h"

/* Behind it in memory stands SQLite's own. */
struct file {
	sqlite3_file base;
	void *mine;
	sqlite3_file real[];
};

static sqlite3_vfs *below, ours;
static const struct layer *layer;

#define REAL(f, call, ...)                                                                         \
	(((struct file *)(f))->real->pMethods->call(((struct file *)(f))->real, ##__VA_ARGS__))
#define ASK(f, call, ...)                                                                          \
	(layer->call ? layer->call(((struct file *)(f))->mine, ##__VA_ARGS__) : SQLITE_OK)

static int file_close(sqlite3_file *f)
{
	return REAL(f, xClose);
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 offset)
{
	int r = ASK(f, read);

	return r == SQLITE_OK ? REAL(f, xRead, to, n, offset) : r;
}

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 offset)
{
	int r = ASK(f, write, ((struct file *)f)->real, from, n, offset);

	return r == SQLITE_OK ? REAL(f, xWrite, from, n, offset) : r;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int r = ASK(f, truncate, size);

	return r == SQLITE_OK ? REAL(f, xTruncate, size) : r;
}

static int file_sync(sqlite3_file *f, int flags)
{
	int r = ASK(f, sync);

	return r == SQLITE_OK ? REAL(f, xSync, flags) : r;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return REAL(f, xFileSize, ret);
}

static int file_lock(sqlite3_file *f, int level)
{
	int r = ASK(f, lock);

	return r == SQLITE_OK ? REAL(f, xLock, level) : r;
}

static int file_unlock(sqlite3_file *f, int level)
{
	return REAL(f, xUnlock, level);
}

static int file_check_lock(sqlite3_file *f, int *ret)
{
	return REAL(f, xCheckReservedLock, ret);
}

static int file_control(sqlite3_file *f, int op, void *argument)
{
	return REAL(f, xFileControl, op, argument);
}

static int file_sector_size(sqlite3_file *f)
{
	return REAL(f, xSectorSize);
}

static int file_device(sqlite3_file *f)
{
	return REAL(f, xDeviceCharacteristics);
}

static int file_map_shm(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	int r = ASK(f, map_shm);

	return r == SQLITE_OK ? REAL(f, xShmMap, page, size, extend, ret) : r;
}

static int file_lock_shm(sqlite3_file *f, int offset, int n, int flags)
{
	/* To give one back cannot fail. */
	int r = flags & SQLITE_SHM_LOCK ? ASK(f, lock) : SQLITE_OK;

	return r == SQLITE_OK ? REAL(f, xShmLock, offset, n, flags) : r;
}

static void file_shm_barrier(sqlite3_file *f)
{
	REAL(f, xShmBarrier);
}

static int file_unmap_shm(sqlite3_file *f, int remove)
{
	return REAL(f, xShmUnmap, remove);
}

/* Version 2: with -shm, and without mapping the database, so that every byte goes through here. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_device,
	.xShmMap = file_map_shm,
	.xShmLock = file_lock_shm,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_unmap_shm,
};

static int vfs_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *ret_flags)
{
	struct file *file = (struct file *)f;
	int r;

	(void)v;
	if (!path) /* a temporary one */
		return below->xOpen(below, path, f, flags, ret_flags);
	f->pMethods = NULL;
	r = layer->open ? layer->open(path) : SQLITE_OK;
	if (r == SQLITE_OK)
		r = below->xOpen(below, path, file->real, flags, ret_flags);
	if (r != SQLITE_OK)
		return r;
	file->mine = layer->opened ? layer->opened(path) : NULL;
	f->pMethods = &methods;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *path, int sync_folder)
{
	int r = layer->remove ? layer->remove(path) : SQLITE_OK;

	(void)v;
	return r == SQLITE_OK ? below->xDelete(below, path, sync_folder) : r;
}

static int vfs_sleep(sqlite3_vfs *v, int usec)
{
	(void)v;
	return layer->sleep ? layer->sleep(usec) : below->xSleep(below, usec);
}

void layer_register(const struct layer *l)
{
	layer = l;
	below = sqlite3_vfs_find(NULL);
	ours = *below;
	ours.zName = "layer";
	ours.szOsFile = (int)sizeof(struct file) + below->szOsFile;
	ours.xOpen = vfs_open;
	ours.xDelete = vfs_delete;
	ours.xSleep = vfs_sleep;
	sqlite3_vfs_register(&ours, 1);
}

void layer_suspend(void)
{
	sqlite3_vfs_register(below, 1);
}

void layer_resume(void)
{
	sqlite3_vfs_register(&ours, 1);
}

sqlite3_vfs *layer_below(void)
{
	return below;
}
