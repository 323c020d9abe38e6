#include "disk.h"

#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "layer.h"

#define FILES_MAX 16

struct bytes {
	char *at;
	size_t len;
};

/* A change that is not synced yet: bytes written, or (data.at is NULL) the size set. */
struct change {
	struct change *next;
	size_t offset;
	struct bytes data;
};

/* What stands, or stood, under a name in the folder. */
struct kept {
	char *name;
	bool is_there, is_there_synced;
	struct bytes synced;
	size_t size; /* as it can be read */
	struct change *changes, **end;
};

static sqlite3_syscall_ptr open_folder;
static struct kept kept[FILES_MAX];
static size_t n_kept;
static char *folder;
static void (*on_point)(void);
static bool sync_failed, has_ended;
static unsigned long points, syncs, fail_at, fail_count;

/* ---- what is kept ---- */

static uint64_t seed;

/* splitmix64 */
static uint64_t chance(uint64_t n)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % n;
}

static void resize(struct bytes *b, size_t len)
{
	if (len > b->len) {
		b->at = realloc(b->at, len);
		ck_assert_ptr_nonnull(b->at);
		memset(b->at + b->len, 0, len - b->len);
	}
	b->len = len;
}

static void put(struct bytes *to, size_t offset, const char *from, size_t len)
{
	if (to->len < offset + len)
		resize(to, offset + len);
	memcpy(to->at + offset, from, len);
}

static void drop_changes(struct kept *k)
{
	struct change *next;

	for (struct change *c = k->changes; c; c = next) {
		next = c->next;
		free(c->data.at);
		free(c);
	}
	k->changes = NULL;
	k->end = &k->changes;
}

static void add_change(struct kept *k, size_t offset, const void *from, size_t len)
{
	struct change *c = calloc(1, sizeof(*c));

	ck_assert_ptr_nonnull(c);
	c->offset = offset;
	if (from)
		put(&c->data, 0, from, len);
	*k->end = c;
	k->end = &c->next;
	if (!from || offset + len > k->size)
		k->size = offset + len;
}

static void sync_all(struct kept *k)
{
	for (const struct change *c = k->changes; c; c = c->next)
		if (c->data.at)
			put(&k->synced, c->offset, c->data.at, c->data.len);
		else
			resize(&k->synced, c->offset);
	drop_changes(k);
}

static struct kept *keep(const char *name)
{
	struct kept *k = &kept[n_kept++];

	ck_assert_uint_le(n_kept, FILES_MAX);
	*k = (struct kept){.name = strdup(name), .is_there = true};
	k->end = &k->changes;
	return k;
}

/* The one that stands there under the name now. */
static struct kept *find(const char *name)
{
	for (size_t i = 0; i < n_kept; i++)
		if (kept[i].is_there && strcmp(kept[i].name, name) == 0)
			return &kept[i];
	return NULL;
}

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* ---- the layer ---- */

static void point(void)
{
	points++;
	if (!on_point)
		return;
	layer_suspend();
	on_point();
	layer_resume();
}

static void *on_opened(const char *path)
{
	struct kept *k = find(name_of(path));

	return k ? k : keep(name_of(path));
}

static int on_remove(const char *path)
{
	struct kept *k = find(name_of(path));

	if (k) {
		point();
		k->is_there = false;
	}
	return SQLITE_OK;
}

static int on_write(void *mine, sqlite3_file *real, const void *from, int n, sqlite3_int64 offset)
{
	(void)real;
	if (has_ended)
		return SQLITE_OK;
	point();
	add_change(mine, (size_t)offset, from, (size_t)n);
	return SQLITE_OK;
}

static int on_truncate(void *mine, sqlite3_int64 size)
{
	if (has_ended)
		return SQLITE_OK;
	point();
	add_change(mine, (size_t)size, NULL, 0);
	return SQLITE_OK;
}

/* After a failed fsync the kernel calls the pages clean: what was in them is not written by the next one either. */
static int on_sync(void *mine)
{
	if (has_ended)
		return SQLITE_OK;
	point();
	syncs++;
	if (fail_at && ++fail_count == fail_at) {
		sync_failed = true;
		drop_changes(mine);
		return SQLITE_IOERR_FSYNC;
	}
	sync_all(mine);
	return SQLITE_OK;
}

/* SQLite opens a folder only to sync it. */
static int note_folder(const char *path, int *ret_fd)
{
	for (size_t i = 0; i < n_kept && folder && strncmp(path, folder, strlen(folder)) == 0; i++)
		kept[i].is_there_synced = kept[i].is_there;
	return ((int (*)(const char *, int *))open_folder)(path, ret_fd);
}

/* ---- what the test does ---- */

/* The bytes of every file in the folder but -shm and locks. */
static void read_folder(void)
{
	CLEANUP(freep) char *db = unit_format("%s/ipnd.db", folder);
	static const char *const suffixes[] = {"", "-wal", "-journal"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		CLEANUP(freep) char *path = unit_format("%s%s", db, suffixes[i]);
		struct kept *k;

		if (access(path, F_OK) < 0)
			continue;
		k = keep(name_of(path));
		k->synced.at = unit_read(path, &k->synced.len);
		k->size = k->synced.len;
		k->is_there_synced = true;
	}
}

void disk_begin(const char *in, void (*each)(void))
{
	static const struct layer layer = {
		.opened = on_opened,
		.remove = on_remove,
		.write = on_write,
		.truncate = on_truncate,
		.sync = on_sync,
	};

	free(folder);
	folder = unit_format("%s", in);
	on_point = each;
	points = syncs = fail_at = 0;
	sync_failed = has_ended = false;
	read_folder();
	if (layer_below()) {
		layer_resume();
		return;
	}
	layer_register(&layer);
	open_folder = layer_below()->xGetSystemCall(layer_below(), "openDirectory");
	layer_below()->xSetSystemCall(layer_below(), "openDirectory",
				      (sqlite3_syscall_ptr)note_folder);
}

void disk_end(void)
{
	for (size_t i = 0; i < n_kept; i++) {
		drop_changes(&kept[i]);
		free(kept[i].synced.at);
		free(kept[i].name);
	}
	n_kept = 0;
	has_ended = true;
	layer_suspend();
}

void disk_fail_sync(unsigned long at)
{
	fail_at = at;
	fail_count = 0;
}

bool disk_sync_failed(void)
{
	return sync_failed;
}

unsigned long disk_syncs(void)
{
	return syncs;
}

unsigned long disk_points(void)
{
	return points;
}

/* Of the change, the sectors that have reached the disk, each by itself: `often` of 4. */
static void tear(struct bytes *image, const struct change *c, uint64_t often)
{
	size_t end = c->offset + c->data.len, from = c->offset, to;

	if (!c->data.at) {
		if (chance(4) < often)
			resize(image, c->offset);
		return;
	}
	for (; from < end; from = to) {
		to = (from / DISK_SECTOR + 1) * DISK_SECTOR;
		if (to > end)
			to = end;
		if (chance(4) < often)
			put(image, from, c->data.at + (from - c->offset), to - from);
	}
}

static void write_image(const struct kept *k, const char *to)
{
	CLEANUP(freep) char *path = unit_format("%s/%s", to, k->name);
	CLEANUP(fclosep) FILE *f = fopen(path, "we");
	struct bytes image = {NULL, 0};
	uint64_t often = chance(5); /* 0: nothing that was not synced; 4: all of it */

	ck_assert_ptr_nonnull(f);
	if (k->synced.len > 0)
		put(&image, 0, k->synced.at, k->synced.len);
	for (const struct change *c = k->changes; c; c = c->next)
		tear(&image, c, often);
	if (k->size > image.len && chance(4) == 0)
		resize(&image, k->size);
	ck_assert_uint_eq(fwrite(image.at ? image.at : "", 1, image.len, f), image.len);
	free(image.at);
}

void disk_cut(const char *to, uint64_t which)
{
	seed = which;
	for (size_t i = 0; i < n_kept; i++) {
		const struct kept *k = &kept[i];

		/* What was removed or made since the folder was synced may be there or not; a later one of the same name wins. */
		if (k->is_there == k->is_there_synced ? k->is_there : chance(2))
			write_image(k, to);
	}
}

void disk_move(const char *to)
{
	for (size_t i = 0; i < n_kept; i++) {
		CLEANUP(freep) char *from_path = unit_format("%s/%s", folder, kept[i].name);
		CLEANUP(freep) char *to_path = unit_format("%s/%s", to, kept[i].name);
		CLEANUP(freep) char *bytes = NULL;
		CLEANUP(fclosep) FILE *f = NULL;
		size_t len;

		if (!kept[i].is_there)
			continue;
		bytes = unit_read(from_path, &len);
		f = fopen(to_path, "we");
		ck_assert_ptr_nonnull(f);
		ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
	}
	free(folder);
	folder = unit_format("%s", to);
}
