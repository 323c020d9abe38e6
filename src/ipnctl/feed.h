/* What the verbs that take messages by hand share: counts per verdict, progress, and who runs the hooks then. */
#ifndef IPND_IPNCTL_FEED_H
#define IPND_IPNCTL_FEED_H

#include <jansson.h>
#include <stdint.h>

#include "ipnctl/ipnctl.h"
#include "verdict/verdict.h"

/* Messages in a transaction: the daemons wait for it, some milliseconds. */
#define FEED_AT_ONCE 32

/* How often each verdict was given; at VERDICT_PASS, what would be taken if this were no dry run. */
struct feed_counts {
	int64_t n[VERDICT_N];
};

/* An object of those that are not 0. `pass`: what VERDICT_PASS is called here. */
json_t *feed_counts_json(const struct feed_counts *counts, const char *pass);

/* The same as a table. */
void feed_counts_print(const struct output *o, const struct feed_counts *counts, const char *pass,
		       const char *pass_meaning);

/* On a terminal, now and then: how far it is. `total` 0: nobody knows. */
void feed_progress(int64_t done, int64_t total);

/* Before anything else is written to the terminal. */
void feed_progress_clear(void);

/* Says so when events were written that nobody comes for. */
void feed_say_hooks(const struct ctl *c);

#endif
