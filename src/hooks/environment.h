/*
 * What a hook is told of an event (interface.md, "Events and hooks"): the variables of its environment and the JSON
 * object on its stdin, both from one list of facts. Pure.
 */
#ifndef IPND_HOOKS_ENVIRONMENT_H
#define IPND_HOOKS_ENVIRONMENT_H

#include <jansson.h>

#include "base/cleanup.h"
#include "ledger/queue.h"

/*
 * `NAME=value` strings, ended by NULL: PATH, HOME, LANG and the IPN_ variables, nothing of our own environment. What
 * is not known, or longer than 4 KiB encoded, is set and empty. NULL: out of memory.
 */
char **environment_make(const struct queue_event *e, int64_t attempt, const char *home);
void environment_free(char **environment);
DEFINE_CLEANUP(char **, environment_free)

/*
 * The same facts and more as one JSON object on one line, with its line end; what is not known is null. `object`
 * (borrowed; NULL: null) is the object's row. The caller frees; NULL: out of memory.
 */
char *environment_json(const struct queue_event *e, int64_t attempt, json_t *object);

/* Adds a column of the object's row to the json_t object in `userdata`. 0 or -ENOMEM. */
int environment_add_column(const struct queue_column *c, void *userdata);

#endif
