/* A layer over SQLite's own file system, whose calls go through functions of ours first. One in a program. */
#ifndef IPND_TESTS_LAYER_H
#define IPND_TESTS_LAYER_H

#include <sqlite3.h>
#include <stddef.h>

/*
 * What is asked before the real call: SQLITE_OK lets it happen, anything else is its result instead. `mine` is what opened() gave.
 * NULL: nobody asks.
 */
struct layer {
	int (*open)(const char *path);
	void *(*opened)(const char *path);
	int (*remove)(const char *path);
	int (*read)(void *mine);
	int (*write)(void *mine, sqlite3_file *real, const void *from, int n, sqlite3_int64 offset);
	int (*truncate)(void *mine, sqlite3_int64 size);
	int (*sync)(void *mine);
	int (*lock)(void *mine);
	int (*map_shm)(void *mine);
	int (*sleep)(int usec); /* instead of the real one */
};

/* It becomes SQLite's default. */
void layer_register(const struct layer *layer);

/* The default is SQLite's own again, for what is opened from now on; and the layer. */
void layer_suspend(void);
void layer_resume(void);

/* SQLite's own. */
sqlite3_vfs *layer_below(void);

#endif
