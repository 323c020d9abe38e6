#include "receive/certificates.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Amazon uses one certificate for about a year, the same in several regions (threats.md section 2.5). */
#define CERTIFICATES_MAX 16

/* Above the longest "/<region>/SimpleNotificationService-<hex>.pem". */
#define FILE_NAME_MAX 128

/* A file that is replaced is another file, and is read again. */
struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct entry {
	char name[FILE_NAME_MAX]; /* below the folder */
	struct identity identity;
	struct sns_certificate *certificate; /* NULL: the entry is free */
	bool unsaved;                        /* the folder could not take it: there is no file */
	uint64_t used;                       /* the clock's value at the last use */
};

struct certificates {
	char *folder;
	uint64_t clock;
	struct entry entries[CERTIFICATES_MAX];
};

int certificates_new(const char *cache_folder, struct certificates **ret)
{
	struct certificates *c;

	if (strlen(cache_folder) + FILE_NAME_MAX >= PATH_MAX)
		return -ENAMETOOLONG;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->folder = strdup(cache_folder);
	if (!c->folder) {
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

static void entry_clear(struct entry *e)
{
	sns_certificate_free(e->certificate);
	*e = (struct entry){0};
}

void certificates_free(struct certificates *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CERTIFICATES_MAX; i++)
		entry_clear(&c->entries[i]);
	free(c->folder);
	free(c);
}

static struct identity identity_of(const struct stat *st)
{
	return (struct identity){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

static bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

/* The entry of that name, or the one to give up for it: a free one, or the one unused for longest. */
static struct entry *find_entry(struct certificates *c, const char *name)
{
	struct entry *oldest = &c->entries[0];

	for (size_t i = 0; i < CERTIFICATES_MAX; i++) {
		struct entry *e = &c->entries[i];

		if (strcmp(e->name, name) == 0)
			return e;
		if (e->used < oldest->used)
			oldest = e;
	}
	return oldest;
}

static enum verdict missing(const char *path, int error, struct why *why)
{
	why_set(why, "cannot read %s: %s", path, strerror(error));
	return VERDICT_CERTIFICATE_MISSING;
}

/* Up to the end or until `buf` is full. -1 and errno. */
static ssize_t read_up_to(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static enum verdict read_file(const char *path, struct entry *ret, struct why *why)
{
	/* Not waiting, should somebody have put a FIFO there. */
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char pem[SNS_CERTIFICATE_MAX + 1];
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st) < 0)
		return missing(path, errno, why);
	if (!S_ISREG(st.st_mode)) {
		why_set(why, "%s is not a regular file", path);
		return VERDICT_CERTIFICATE;
	}
	len = read_up_to(fd, pem, sizeof(pem));
	if (len < 0)
		return missing(path, errno, why);
	if (len > SNS_CERTIFICATE_MAX) {
		why_set(why, "%s is larger than %d bytes", path, SNS_CERTIFICATE_MAX);
		return VERDICT_CERTIFICATE;
	}
	ret->identity = identity_of(&st);
	return sns_certificate_parse((struct text){pem, (size_t)len}, &ret->certificate, why);
}

/* Whether the entry still holds what is at `path`. */
static bool is_fresh(const struct entry *e, const char *name, const char *path)
{
	struct identity identity;
	struct stat st;

	if (!e->certificate || strcmp(e->name, name) != 0)
		return false;
	if (stat(path, &st) < 0)
		return e->unsaved;
	identity = identity_of(&st);
	return identity_equal(&e->identity, &identity);
}

static void entry_name(struct text region, const char *hex, char ret[static FILE_NAME_MAX])
{
	assert(region.len <= SNS_REGION_MAX);
	snprintf(ret, FILE_NAME_MAX, "%.*s/SimpleNotificationService-%s.pem", (int)region.len,
		 region.at, hex);
}

/* What failed is not remembered: a person who puts the file there need do no more. */
enum verdict certificates_get(struct certificates *c, struct text region, const char *hex,
			      const struct sns_certificate **ret, struct why *why)
{
	struct entry fresh = {.used = ++c->clock}, *e;
	char path[PATH_MAX];
	enum verdict v;

	entry_name(region, hex, fresh.name);
	snprintf(path, sizeof(path), "%s/%s", c->folder, fresh.name);
	e = find_entry(c, fresh.name);
	if (is_fresh(e, fresh.name, path)) {
		e->used = c->clock;
		*ret = e->certificate;
		return VERDICT_PASS;
	}
	v = read_file(path, &fresh, why);
	/* What could not be written over what is there is the better of the two. */
	if (v != VERDICT_PASS && e->unsaved && strcmp(e->name, fresh.name) == 0) {
		e->used = c->clock;
		*ret = e->certificate;
		return VERDICT_PASS;
	}
	if (v != VERDICT_PASS)
		return v;
	entry_clear(e);
	*e = fresh;
	*ret = e->certificate;
	return VERDICT_PASS;
}

static int write_whole(int fd, struct text t)
{
	while (t.len > 0) {
		ssize_t n = write(fd, t.at, t.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		t.at += n;
		t.len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Also the folder above: the whole cache may be new. */
static int make_folders(const char *cache, const char *region)
{
	if (mkdir(region, 0750) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT || (mkdir(cache, 0750) < 0 && errno != EEXIST) ||
	    mkdir(region, 0750) < 0)
		return -errno;
	return 0;
}

static int sync_folder(const char *path)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* The name aside is always the same, so that what a crash leaves is overwritten, not piled up. */
static int write_file(const char *path, struct text pem)
{
	CLEANUP(closep) int fd = -1;
	char aside[PATH_MAX + 8];
	int r;

	snprintf(aside, sizeof(aside), "%s.new", path);
	unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	r = write_whole(fd, pem);
	if (r == 0 && (fchmod(fd, 0640) < 0 || rename(aside, path) < 0))
		r = -errno;
	if (r < 0)
		unlink(aside);
	return r;
}

static int save(const struct certificates *c, struct text region, const char *path, struct text pem)
{
	char folder[PATH_MAX];
	int r;

	snprintf(folder, sizeof(folder), "%s/%.*s", c->folder, (int)region.len, region.at);
	r = make_folders(c->folder, folder);
	if (r == 0)
		r = write_file(path, pem);
	return r < 0 ? r : sync_folder(folder);
}

int certificates_put(struct certificates *c, struct text region, const char *hex, struct text pem,
		     struct sns_certificate *certificate, struct why *why)
{
	struct entry fresh = {.certificate = certificate, .used = ++c->clock}, *e;
	char path[PATH_MAX];
	struct stat st;
	int r;

	entry_name(region, hex, fresh.name);
	snprintf(path, sizeof(path), "%s/%s", c->folder, fresh.name);
	r = save(c, region, path, pem);
	if (r == 0 && stat(path, &st) < 0)
		r = -errno;
	if (r < 0)
		why_set(why, "cannot write %s: %s", path, strerror(-r));
	fresh.unsaved = r < 0;
	if (r == 0)
		fresh.identity = identity_of(&st);
	e = find_entry(c, fresh.name);
	entry_clear(e);
	*e = fresh;
	return r;
}
