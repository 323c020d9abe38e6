/* The timeline of a story on a terminal. */
#ifndef IPND_IPNCTL_TIMELINE_H
#define IPND_IPNCTL_TIMELINE_H

#include <jansson.h>

#include "ipnctl/output.h"

/* `timeline` as story_tell() makes it. */
void timeline_print(const struct output *o, const json_t *timeline);

#endif
