/*
 * Wakes when the database may have changed: inotify on its write-ahead log, and on the nearest folder above it that
 * exists, for files that come and go.
 */
#ifndef IPND_HOOKS_WATCH_H
#define IPND_HOOKS_WATCH_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct watch;

/* `names`: a file came or went, else only the log was written. */
typedef void (*watch_fn)(bool names, void *userdata);

/* 0, or negative errno: nobody wakes us, so only a timer can. */
int watch_new(sd_event *event, const char *database_path, watch_fn changed, void *userdata,
	      struct watch **ret);

/* Looks anew which files and folders there are. NULL is fine. */
void watch_renew(struct watch *w);

void watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch *, watch_free)

#endif
