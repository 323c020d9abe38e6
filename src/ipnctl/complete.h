/* What a shell may complete on ipnctl's command line (base/complete.h). */
#ifndef IPND_IPNCTL_COMPLETE_H
#define IPND_IPNCTL_COMPLETE_H

#include "base/complete.h"
#include "ipnctl/ipnctl.h"

/* Prints the candidates behind the verb, or of an option before it (NULL). `rows` are all options that may stand there. */
void complete_verb(const struct completion *typed, const struct verb *v,
		   const struct option_row *rows, const char *config);

/* The names of events. */
void complete_event_names(const struct completion *typed);

#endif
