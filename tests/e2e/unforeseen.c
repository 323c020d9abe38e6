/*
 * Preloaded into a program: the call that $IPND_UNFORESEEN names (`access` of the database, `epoll`) fails with an error that
 * nobody foresaw, which is the only honest way to what the programs call a bug of ours.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

static bool is_named(const char *call)
{
	const char *named = getenv("IPND_UNFORESEEN");

	return named && strcmp(named, call) == 0;
}

int access(const char *path, int mode)
{
	static int (*real)(const char *path, int mode);
	size_t len = strlen(path), end = strlen("ipnd.db");

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "access");
	if (!is_named("access") || len < end || strcmp(path + len - end, "ipnd.db") != 0)
		return real(path, mode);
	errno = EDOM;
	return -1;
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms)
{
	static int (*real)(int fd, struct epoll_event *events, int n, int timeout_ms);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
	if (!is_named("epoll"))
		return real(fd, events, n, timeout_ms);
	errno = EDOM;
	return -1;
}

int epoll_pwait2(int fd, struct epoll_event *events, int n, const struct timespec *timeout,
		 const sigset_t *mask)
{
	(void)fd;
	(void)events;
	(void)n;
	(void)timeout;
	(void)mask;
	errno = is_named("epoll") ? EDOM : ENOSYS; /* who asks goes on with epoll_wait() */
	return -1;
}
