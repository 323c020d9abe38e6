/*
 * The floor: `spawn N AT-ONCE` runs /bin/true N times, so many at once, by bare posix_spawn(), and prints how many a second that
 * makes. What starts programs on this machine cannot be faster.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	char *program[] = {"/bin/true", NULL};
	long n = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	long at_once = argc == 3 ? strtol(argv[2], NULL, 10) : 0, running = 0;
	double started = seconds();
	pid_t pid;

	for (long i = 0; i < n; i++) {
		if (posix_spawn(&pid, program[0], NULL, NULL, program, environ) != 0)
			return 71;
		if (++running == at_once && wait(NULL) > 0)
			running--;
	}
	while (wait(NULL) > 0)
		;
	printf("%.1f\n", (double)n / (seconds() - started));
	return 0;
}
