/* Preloaded into a daemon: its wall clock is off by the seconds that $IPND_CLOCK, a file, says. What is monotonic stays true. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *ret)
{
	static int (*real)(clockid_t id, struct timespec * ret);
	FILE *f = NULL;
	long seconds;
	int r;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	r = real(id, ret);
	if (id == CLOCK_REALTIME && getenv("IPND_CLOCK"))
		f = fopen(getenv("IPND_CLOCK"), "re");
	if (f && fscanf(f, "%ld", &seconds) == 1)
		ret->tv_sec += seconds;
	if (f)
		fclose(f);
	return r;
}
