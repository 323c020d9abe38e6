/* One post on its way through the receiver. */
#ifndef IPND_RECEIVE_MESSAGE_H
#define IPND_RECEIVE_MESSAGE_H

#include "base/cleanup.h"
#include "config/config.h"
#include "ipn/document.h"
#include "ipn/notification.h"
#include "net/http.h"
#include "receive/trust.h"
#include "sns/envelope.h"
#include "verdict/verdict.h"

struct message {
	struct message *next;
	struct http_request *request;
	int64_t received_ms;
	struct sns_envelope envelope;
	struct ipn_notification notification;
	struct ipn_document document;
	bool has_envelope, has_notification, has_document;
	const struct account *account;
	enum verdict understood; /* what it says; VERDICT_PASS: the machine decides */
	enum verdict verdict;    /* what became of it in the ledger */
	struct why why;
};

/* What judging needs besides the message itself. */
struct judge {
	const struct config *config;
	const struct sns_trust *trust;
	struct certificates *certificates;
	int64_t now_ms;
};

/*
 * Is it genuine, and from a topic of ours? VERDICT_PASS: an authentic notification; VERDICT_SUBSCRIPTION: an authentic
 * message about the subscription; else the refusal. The reason is in m->why.
 */
enum verdict message_authenticate(struct message *m, const struct judge *j);

/* What does an authentic notification say? Sets m->understood: VERDICT_PASS when it can be applied to its object. */
void message_understand(struct message *m);

void message_free(struct message *m);
DEFINE_CLEANUP(struct message *, message_free)

#endif
