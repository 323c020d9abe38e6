/*
 * A disk whose power can be cut: a layer over SQLite's own file system that keeps apart what was written and what was synced.
 * At a cut, of what was not synced any 512-byte sectors may have reached the disk, in any order, and so may sizes, new names and removals.
 * The -shm is memory and is lost.
 */
#ifndef IPND_TESTS_DISK_H
#define IPND_TESTS_DISK_H

#include <stdbool.h>
#include <stdint.h>

#define DISK_SECTOR 512

/*
 * From now on the SQLite files in `folder` are on this disk, which becomes SQLite's default file system; those that are
 * there are all synced. `on_point` is called before every write, truncation, sync and removal: a moment at which the power may
 * be cut. What it opens itself is on an ordinary disk.
 */
void disk_begin(const char *folder, void (*on_point)(void));
/* What is still open is on an ordinary disk from then on. */
void disk_end(void);

/* The `at`-th sync from now on (from 1) fails, and what it should have synced never reaches the disk, although it can be read. */
void disk_fail_sync(unsigned long at);

/* Whether it has come to that. */
bool disk_sync_failed(void);

/* What may be on the disk if the power is cut now, as files in the folder `to`. One of many outcomes, chosen by `seed`. */
void disk_cut(const char *to, uint64_t seed);

/*
 * What a process that is killed now leaves to the next one: the files in the folder `to` are what can be read, with the same
 * parts of it synced, and are what the disk is about from now on.
 */
void disk_move(const char *to);

/* Syncs and points that there were since disk_begin(). */
unsigned long disk_syncs(void);
unsigned long disk_points(void);

#endif
