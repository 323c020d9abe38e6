/*
 * HTTP/1.1 posts over a kept connection, with TLS or without, on sd_event: so many a second as a load needs, with OpenSSL and few system
 * calls (libcurl takes four times as many). One post at a time; the answer's body is not kept.
 */
#ifndef IPND_SIMULATE_CONNECTION_H
#define IPND_SIMULATE_CONNECTION_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/text.h"

#include "simulate/destination.h"

/* Why no answer came. */
enum connection_error {
	CONNECTION_GOOD, /* one did */
	CONNECTION_NOT_MADE,
	CONNECTION_UNTRUSTED,
	CONNECTION_NO_TLS,
	CONNECTION_CLOSED,
	CONNECTION_BROKEN,
	CONNECTION_TIMED_OUT,
	CONNECTION_NOT_HTTP,
	CONNECTION_ERRORS
};

/* For people: "connection not made". */
const char *connection_error_words(enum connection_error e);

struct connection_answer {
	enum connection_error error;
	int status;
	int64_t retry_after_s; /* -1: the answer does not say */
	struct why why;        /* of an error */
};

struct connection;

/* Called from the loop. The connection may be used again at once. */
typedef void connection_done(const struct connection_answer *a, void *userdata);

/* Does not connect yet. `d` is borrowed; `keep`: over several posts. 0 or negative errno. */
int connection_new(sd_event *event, struct destination *d, bool keep, connection_done *done,
		   void *userdata, struct connection **ret);
void connection_free(struct connection *c);
DEFINE_CLEANUP(struct connection *, connection_free)

/*
 * Begins a post, connecting first where that is needed; both parts are copied. NULL: done() will be called. Else it has failed
 * already, and done() will not be called; good until the next post.
 */
const struct connection_answer *connection_post(struct connection *c, struct text head,
						struct text body);

/* Ends the post under way with CONNECTION_TIMED_OUT, which done() is told from in here. */
void connection_time_out(struct connection *c);

/* How often it has been made. */
unsigned connection_times_made(const struct connection *c);

#endif
