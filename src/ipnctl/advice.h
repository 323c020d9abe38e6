/* What a story means now: what Amazon allows next and until when, and what looks wrong. Pure: the time is a parameter. */
#ifndef IPND_IPNCTL_ADVICE_H
#define IPND_IPNCTL_ADVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Adds to a story of story_tell(): `now` and `wrong`, arrays of {about, operation, what, until}; `about` is an id,
 * `operation` the API's name of what can be called (null in `wrong`, and where there is nothing to call), `until` a time or
 * null. `hooks_stopped`: ipn-hookd is known not to run.
 */
void advice_add(json_t *story, int64_t now_ms, bool hooks_stopped);

/* The second part of it: what looks wrong of states, times, notifications and hooks; and of amounts. */
void advice_add_wrong(json_t *story, int64_t now_ms, bool hooks_stopped);
void advice_add_wrong_amounts(const json_t *story, json_t *wrong);

/* An entry of either list, for the files that write them. */
void advice_say(json_t *list, const char *about, int64_t until_ms, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void advice_say_operation(json_t *list, const char *about, int64_t until_ms, const char *operation,
			  const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
