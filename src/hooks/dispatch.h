/*
 * When to look: the loop's side of ipn-hookd. Woken by the watch, by ends of children and by timers, it opens the
 * database when it can, and takes a turn when there may be something to do.
 */
#ifndef IPND_HOOKS_DISPATCH_H
#define IPND_HOOKS_DISPATCH_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "config/config.h"

struct dispatcher;

/* `event` is borrowed; `config` becomes the dispatcher's on success. 0 or negative errno. */
int dispatcher_new(sd_event *event, struct config *config, struct dispatcher **ret);
void dispatcher_free(struct dispatcher *d);
DEFINE_CLEANUP(struct dispatcher *, dispatcher_free)

/*
 * Opens the database, or begins to wait for it. Returns an exit code: EXIT_DONE, else what is wrong has been logged
 * (EXIT_TRY_AGAIN: another ipn-hookd is there).
 */
int dispatcher_start(struct dispatcher *d);

const struct config *dispatcher_config(const struct dispatcher *d);

/* Takes the configuration on success. Runs in progress keep the timeout and the backoff they began with. */
int dispatcher_configure(struct dispatcher *d, struct config *config);

/*
 * Starts nothing new; what still runs after 10 s gets TERM, 5 s later KILL. Then the loop ends with EXIT_DONE. A run
 * that was cut short is pending again.
 */
void dispatcher_stop(struct dispatcher *d);

#endif
