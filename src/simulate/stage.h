/* Where a rehearsal is played: ipnd's configuration, the keys beside it, and the address to post to. */
#ifndef IPND_SIMULATE_STAGE_H
#define IPND_SIMULATE_STAGE_H

#include "config/config.h"

#include "simulate/authority.h"

struct stage {
	struct config *config;
	const struct account *account; /* that is played: the first */
	char *url;
	char *ca_file; /* the only certificates that a post believes */
	struct signer *signer;
};

/*
 * Everything that is needed before the first post. `file` is the -c, or NULL; `to` the URL to post to, or NULL: where the running
 * ipnd of that configuration listens. Returns an exit code, after a line in the log if it is not EXIT_DONE.
 */
int stage_open(const char *file, const char *to, struct stage *ret);
void stage_done(struct stage *s);

#endif
