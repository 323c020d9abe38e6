/* A thread that does one thing, each time it is asked to. */
#ifndef IPND_BASE_WORKER_H
#define IPND_BASE_WORKER_H

#include <stdbool.h>

#include "base/cleanup.h"

struct worker;

/* What it does; must not use its worker. */
typedef void worker_work(void *userdata);

/* The thread takes no signals. 0 or negative errno. */
int worker_new(worker_work *work, void *userdata, struct worker **ret);

/* Waits for the work that is being done. */
void worker_free(struct worker *w);
DEFINE_CLEANUP(struct worker *, worker_free)

/* Asks for the work, once: the worker is idle. */
void worker_start(struct worker *w);

/* From worker_start() to the work's end. */
bool worker_is_busy(struct worker *w);

/* Returns when it is idle, and sees what the work has written. */
void worker_wait(struct worker *w);

#endif
