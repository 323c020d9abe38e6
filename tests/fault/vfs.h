/* A disk that fails on purpose: a layer over SQLite's own file system, which becomes the default. */
#ifndef IPND_TESTS_VFS_H
#define IPND_TESTS_VFS_H

#include <stdbool.h>

enum vfs_fault {
	VFS_FULL,     /* a write: no space left */
	VFS_WRITE,    /* a write: input/output error */
	VFS_SHORT,    /* a write: half of it, then no space left */
	VFS_SYNC,     /* fsync: input/output error */
	VFS_TRUNCATE, /* input/output error */
	VFS_READ,     /* input/output error */
	VFS_LOCK,     /* somebody else holds the lock, of the file or its -shm */
	VFS_SHM,      /* the -shm cannot be mapped */
	VFS_OPEN,     /* a file cannot be opened */
	VFS_FAULTS
};

extern const char *const vfs_fault_words[VFS_FAULTS];

void vfs_register(void);

/* From now on the `at`-th call of that kind fails (from 1), and with `and_all_after` every later one too. */
void vfs_fail_at(enum vfs_fault fault, unsigned long at, bool and_all_after);

/* No more. Whether one has failed. */
bool vfs_heal(void);

#endif
