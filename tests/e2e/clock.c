/*
 * Preloaded into a program: its wall clock is off by the seconds that $IPND_CLOCK, a file, says. Where that says "= SECONDS", it
 * stands still there, for everything that asks for the time of day. What is monotonic stays true.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static int real(clockid_t id, struct timespec *ret)
{
	static int (*function)(clockid_t id, struct timespec * ret);

	if (!function)
		*(void **)&function = dlsym(RTLD_NEXT, "clock_gettime");
	return function(id, ret);
}

/* What the file says. True: the clock stands still. */
static bool read_clock(double *ret_seconds)
{
	const char *path = getenv("IPND_CLOCK");
	FILE *f = path ? fopen(path, "re") : NULL;
	bool still = false;

	*ret_seconds = 0;
	if (!f)
		return false;
	still = fscanf(f, " = %lf", ret_seconds) == 1;
	if (!still && fseek(f, 0, SEEK_SET) == 0 && fscanf(f, "%lf", ret_seconds) != 1)
		*ret_seconds = 0;
	fclose(f);
	return still;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	int r = real(id, ret);
	double seconds;

	if (id != CLOCK_REALTIME)
		return r;
	if (read_clock(&seconds)) {
		ret->tv_sec = (time_t)seconds;
		ret->tv_nsec = (long)((seconds - (double)ret->tv_sec) * 1e3 + 0.5) * 1000000;
	} else {
		ret->tv_sec += (time_t)seconds;
	}
	return r;
}

int gettimeofday(struct timeval *ret, void *zone)
{
	struct timespec now;
	double seconds;
	int r = real(CLOCK_REALTIME, &now);

	(void)zone;
	if (read_clock(&seconds))
		now.tv_sec = (time_t)seconds;
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return r;
}

time_t time(time_t *ret)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}
