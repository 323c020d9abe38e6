/*
 * Preloaded into a daemon: a disk with a mind of its own. The file $IPND_DISK says how many milliseconds a sync takes and with which
 * error number writes at a place in a file fail (0: they do not). For each sync a byte is appended to $IPND_DISK.syncs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

static void read_mood(long *ret_ms, int *ret_error)
{
	const char *path = getenv("IPND_DISK");
	FILE *f = path ? fopen(path, "re") : NULL;

	*ret_ms = 0;
	*ret_error = 0;
	if (!f)
		return;
	if (fscanf(f, "%ld %d", ret_ms, ret_error) != 2)
		*ret_ms = *ret_error = 0;
	fclose(f);
}

static void count_sync(void)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s.syncs", getenv("IPND_DISK"));
	f = fopen(path, "ae");
	if (!f)
		return;
	fputc('.', f);
	fclose(f);
}

int fdatasync(int fd)
{
	static int (*real)(int fd);
	struct timespec pause;
	int error;
	long ms;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	read_mood(&ms, &error);
	pause = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&pause, NULL);
	count_sync();
	return real(fd);
}

ssize_t pwrite64(int fd, const void *from, size_t n, off_t at)
{
	static ssize_t (*real)(int fd, const void *from, size_t n, off_t at);
	int error;
	long ms;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
	read_mood(&ms, &error);
	if (error) {
		errno = error;
		return -1;
	}
	return real(fd, from, n, at);
}
