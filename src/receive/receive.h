/*
 * The story of a post: request -> envelope -> trust -> notification -> ledger -> answer.
 *
 * receiver_post() does everything that needs no disk: what must be refused is answered at once, what is authentic waits for
 * the end of the turn. receiver_turn() writes all that wait in one transaction, and answers only after its COMMIT.
 */
#ifndef IPND_RECEIVE_RECEIVE_H
#define IPND_RECEIVE_RECEIVE_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "ledger/ledger.h"
#include "net/http.h"

struct receiver;

/* `event` and `ledger` are borrowed and outlive the receiver; `config` becomes the receiver's on success. */
int receiver_new(sd_event *event, struct ledger *ledger, struct config *config,
		 struct receiver **ret, struct why *why);

/* Answers what still waits with 503, writes the counters, frees. */
void receiver_free(struct receiver *r);
DEFINE_CLEANUP(struct receiver *, receiver_free)

/* The configuration in use; valid until the next receiver_configure(). */
const struct config *receiver_config(const struct receiver *r);

/*
 * Replaces the configuration between two requests; takes it on success. On failure the old one stays and `why`
 * has the reason.
 */
int receiver_configure(struct receiver *r, struct config *config, struct why *why);

/* Tells the service manager what is done now (STATUS=); again when the database fails, and when it is back. */
void receiver_say_status(const struct receiver *r);

/* The callbacks for http_server_new(); their userdata is the receiver. */
extern const struct http_handler receiver_handler;

#endif
