/*
 * See vfs.h. As a shared object that is preloaded into a program, with $IPND_FAULT set, it registers itself: the file that
 * the variable names has the word of the fault that every call of that kind meets, until it holds another word or none.
 */
#include "vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"

const char *const vfs_fault_words[VFS_FAULTS] = {
	[VFS_FULL] = "full", [VFS_WRITE] = "write",       [VFS_SHORT] = "short",
	[VFS_SYNC] = "sync", [VFS_TRUNCATE] = "truncate", [VFS_READ] = "read",
	[VFS_LOCK] = "lock", [VFS_SHM] = "shm",           [VFS_OPEN] = "open",
};

static const char *control; /* the file that says what fails */
static enum vfs_fault fault;
static unsigned long at, count; /* `at` 0: none */
static bool and_all_after, failed;

/* Whether the file of that name holds that word. */
static bool is_said(const char *path, const char *word)
{
	char said[32] = "";
	FILE *f = fopen(path, "re");
	bool is = f && fgets(said, sizeof(said), f) && strcmp(said, word) == 0;

	if (f)
		fclose(f);
	return is;
}

static bool fails(enum vfs_fault which)
{
	bool now;

	if (control)
		return is_said(control, vfs_fault_words[which]);
	if (!at || which != fault)
		return false;
	count++;
	now = count == at || (and_all_after && count > at);
	failed |= now;
	return now;
}

void vfs_fail_at(enum vfs_fault which, unsigned long number, bool all)
{
	fault = which;
	at = number;
	and_all_after = all;
	count = 0;
	failed = false;
}

bool vfs_heal(void)
{
	at = 0;
	return failed;
}

static int on_open(const char *path)
{
	(void)path;
	return fails(VFS_OPEN) ? SQLITE_CANTOPEN : SQLITE_OK;
}

static int on_read(void *mine)
{
	(void)mine;
	return fails(VFS_READ) ? SQLITE_IOERR_READ : SQLITE_OK;
}

static int on_write(void *mine, sqlite3_file *real, const void *from, int n, sqlite3_int64 offset)
{
	(void)mine;
	if (fails(VFS_FULL))
		return SQLITE_FULL;
	if (fails(VFS_WRITE))
		return SQLITE_IOERR_WRITE;
	if (!fails(VFS_SHORT))
		return SQLITE_OK;
	(void)real->pMethods->xWrite(real, from, n / 2, offset);
	return SQLITE_FULL;
}

static int on_truncate(void *mine, sqlite3_int64 size)
{
	(void)mine;
	(void)size;
	return fails(VFS_TRUNCATE) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

static int on_sync(void *mine)
{
	(void)mine;
	return fails(VFS_SYNC) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int on_lock(void *mine)
{
	(void)mine;
	return fails(VFS_LOCK) ? SQLITE_BUSY : SQLITE_OK;
}

static int on_map_shm(void *mine)
{
	(void)mine;
	return fails(VFS_SHM) ? SQLITE_IOERR_SHMMAP : SQLITE_OK;
}

/* For a lock that stays taken SQLite sleeps ten seconds, in all. */
static int on_sleep(int usec)
{
	return control ? layer_below()->xSleep(layer_below(), usec) : usec;
}

void vfs_register(void)
{
	static const struct layer layer = {
		.open = on_open,
		.read = on_read,
		.write = on_write,
		.truncate = on_truncate,
		.sync = on_sync,
		.lock = on_lock,
		.map_shm = on_map_shm,
		.sleep = on_sleep,
	};

	layer_register(&layer);
}

static void __attribute__((constructor)) begin(void)
{
	control = getenv("IPND_FAULT");
	if (control)
		vfs_register();
}
