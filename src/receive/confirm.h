/*
 * Confirms subscriptions: one GET of the URL rebuilt from topic and token, and what came of it into the ledger. Never the URL of
 * the message (threats.md section 3.8), and never twice by itself.
 */
#ifndef IPND_RECEIVE_CONFIRM_H
#define IPND_RECEIVE_CONFIRM_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "ledger/ledger.h"

struct confirmer;

/* `event` is referenced, `ledger` borrowed. 0 or negative errno. */
int confirmer_new(sd_event *event, struct ledger *ledger, struct confirmer **ret);
/* What is under way is written as failed, for a person to try again. Not inside a transaction. */
void confirmer_free(struct confirmer *c);
DEFINE_CLEANUP(struct confirmer *, confirmer_free)

/* Number `id`, which the ledger has as "confirming". What comes of it is logged and written. `settings` are those of now. */
void confirmer_start(struct confirmer *c, const struct sns_config *settings, int64_t id,
		     struct text topic_arn, struct text token);

/* The same at once, for a person: returns when it is known. 0, or negative errno with the reason; writes nothing. */
int confirm_now(const struct sns_config *c, struct text topic_arn, struct text token,
		struct why *why);

#endif
