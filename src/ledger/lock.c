#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "ledger/ledger.h"

#define LOCK_TEXT_MAX 4096

static int lock_path(const char *folder, const char *program, char **ret)
{
	return asprintf(ret, "%s/%s.lock", folder, program) < 0 ? -ENOMEM : 0;
}

int ledger_lock_note(int fd, const char *notes)
{
	char text[LOCK_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%d\n%s", (int)getpid(), notes ? notes : "");

	if (n < 0 || n >= (int)sizeof(text))
		return -ENOBUFS;
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return errno ? -errno : -EIO;
	return 0;
}

int ledger_lock(const char *folder, const char *program, const char *notes)
{
	/* Of the open file, not of the process: closing another fd of the same file must not drop it. */
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	CLEANUP(freep) char *path = NULL;
	CLEANUP(closep) int fd = -1;
	int r = lock_path(folder, program, &path);

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	r = ledger_lock_note(fd, notes);
	if (r < 0)
		return r;
	r = fd;
	fd = -1;
	return r;
}

int ledger_locked(const char *folder, const char *program, char **ret_text)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	CLEANUP(freep) char *path = NULL, *text = NULL;
	CLEANUP(closep) int fd = -1;
	ssize_t n;
	int r = lock_path(folder, program, &path);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	text = calloc(1, LOCK_TEXT_MAX);
	if (!text)
		return -ENOMEM;
	n = fd >= 0 ? pread(fd, text, LOCK_TEXT_MAX - 1, 0) : 0;
	if (n < 0)
		return -errno;
	*ret_text = TAKE(text);
	return fd >= 0 && lock.l_type != F_UNLCK;
}
