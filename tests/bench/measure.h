/* Time that was spent, and how it is told: each program of tests/bench prints one JSON object, which tests/bench/run reads. */
#ifndef IPND_BENCH_MEASURE_H
#define IPND_BENCH_MEASURE_H

#include <time.h>

/* Microseconds of processor time of all threads, and of the wall clock. */
struct measured {
	double cpu_us, wall_us;
};

static inline double measure_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static inline struct measured measure_begin(void)
{
	return (struct measured){measure_us(CLOCK_PROCESS_CPUTIME_ID), measure_us(CLOCK_MONOTONIC)};
}

/* What has passed since. */
static inline struct measured measure_end(struct measured began)
{
	struct measured now = measure_begin();

	return (struct measured){now.cpu_us - began.cpu_us, now.wall_us - began.wall_us};
}

#endif
