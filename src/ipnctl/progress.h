/* Long work: how far it is, on a terminal, and ending it early by Ctrl-C or a signal. */
#ifndef IPND_IPNCTL_PROGRESS_H
#define IPND_IPNCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/exit.h"

struct progress {
	const char *what; /* "copying" */
	bool shown;       /* a line stands on the terminal */
	int percent;      /* what it says */
};

/* From now on SIGINT, SIGTERM and SIGHUP only ask for an end, once; the second time they end the program. */
void progress_watch(void);

/* Until an end is asked for. */
bool progress_goes_on(void);

/* One line of stderr, rewritten, if that is a terminal; else nothing. False: an end was asked for. */
bool progress_step(int64_t done, int64_t all, void *progress);

/* Takes the line away. */
void progress_end(struct progress *p);

/* Says that what was done stays done, and how to go on. EXIT_TRY_AGAIN. */
enum exit_code progress_ended_early(const char *how_to_go_on);

/* The same for a file: what went wrong with it, and the code to end with. -EINTR: an end was asked for. */
enum exit_code progress_failed(const char *path, const char *why, int error);

#endif
