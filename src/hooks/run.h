/*
 * One child process on the event loop: started without a shell, in a group of its own, given its stdin, its time
 * and a bounded memory of what it prints.
 */
#ifndef IPND_HOOKS_RUN_H
#define IPND_HOOKS_RUN_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "hooks/outcome.h"

#define RUN_OUTPUT_MAX 65536 /* bytes of stdout and stderr that are kept: the last ones */
#define RUN_TERM_MS    5000  /* between TERM and KILL (interface.md, "Events and hooks") */

/* Output waits for everything else: a child that prints without end must not hold up the loop. */
#define RUN_OUTPUT_PRIORITY 100
#define RUN_CHILD_PRIORITY  (-100)

struct run;

/* Once, from the loop, when the child has ended. The run may not be freed here. */
typedef void (*run_fn)(struct run *r, void *userdata);

struct run_order {
	char *const *argv; /* argv[0] is the file: no search, no shell */
	char *const *environment;
	const char *input;  /* for stdin; copied */
	int64_t timeout_ms; /* DURATION_NONE: none */
	run_fn ended;
	void *userdata;
};

/*
 * Starts the program in `/`. SIGCHLD must be blocked, SIGPIPE ignored, descriptors 0 to 2 open. 0, or negative errno
 * with nothing left behind; then `ended` is not called.
 */
int run_start(sd_event *event, const struct run_order *order, struct run **ret);

/* TERM to the whole group, KILL 5 s later: because we end. */
void run_stop(struct run *r);

/* Valid once it has ended. */
const struct run_end *run_end(const struct run *r);

/* What it printed last, as valid UTF-8 of at most RUN_OUTPUT_MAX bytes. The caller frees; NULL: out of memory. */
char *run_output(const struct run *r);

/* A child that still lives is killed with its group. */
void run_free(struct run *r);
DEFINE_CLEANUP(struct run *, run_free)

#endif
