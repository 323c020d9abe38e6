/*
 * A batch on its way: some connections, each with one post at a time. A story's next notification goes only after the last one's
 * answer, so that none overtakes another of its object. What is answered 5xx is sent again when Retry-After says, what was not
 * answered at all soon after, as SNS would; other stories go on meanwhile.
 */
#ifndef IPND_SIMULATE_SENDER_H
#define IPND_SIMULATE_SENDER_H

#include <stdbool.h>

#include "simulate/batch.h"
#include "simulate/tally.h"

#define SENDER_CONNECTIONS_MAX 4096

struct sender_plan {
	const char *url;
	const char *ca_file;
	const char *topic_arn;
	unsigned connections;
	uint64_t
		rate; /* notifications per second, on time whatever the answers do; 0: as fast as they come */
	uint64_t seconds; /* after which nothing new is begun; 0: until all are sent */
	bool close;       /* a connection and a full handshake for each post */
	int record_fd;    /* gets the MessageId of each 200, a line each; -1: none */
	bool progress;    /* a line a second on stderr */
};

/*
 * Until every notification has its answer, the time is over, SIGINT or SIGTERM comes (which waits for the answers that are due), or
 * nobody has answered for long. Returns EXIT_DONE whatever the answers were, else a code after a line in the log: nobody was ever
 * there, the record cannot be written. `ret` is set in each case.
 */
int sender_run(const struct sender_plan *plan, const struct batch *batch, struct tally *ret);

#endif
