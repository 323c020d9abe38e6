/* One post on its way through the receiver. */
#ifndef IPND_RECEIVE_MESSAGE_H
#define IPND_RECEIVE_MESSAGE_H

#include "base/cleanup.h"
#include "config/config.h"
#include "ipn/document.h"
#include "ipn/notification.h"
#include "net/http.h"
#include "receive/supply.h"
#include "sns/certificate.h"
#include "sns/envelope.h"
#include "sns/topic.h"
#include "verdict/verdict.h"

struct message {
	struct supply_wait wait; /* for its certificate; first, so that it leads back here */
	struct message *next;
	struct http_request *request;
	int64_t received_ms;
	uint64_t arrived_usec,
		accepted_usec; /* monotonic; accepted: since when it waits for the database */
	struct sns_envelope envelope;
	struct sns_topic topic;    /* borrowed from the envelope */
	char hex[SNS_HEX_SIZE];    /* of the certificate it names */
	bool certificate_misnamed; /* after message_check(): the certificate's MD5 is not that name */
	bool issuer_unknown;       /* likewise: and that is allowed */
	struct ipn_notification notification;
	struct ipn_document document;
	bool has_envelope, has_notification, has_document;
	const struct account *account;
	int64_t subscription_id; /* after the turn, of a message about the subscription that was kept */
	enum verdict understood; /* what it says; VERDICT_PASS: the machine decides */
	enum verdict verdict;    /* what became of it in the ledger */
	struct why why;
};

/*
 * Is it a message of SNS's, and does it say that it is from a topic of ours and which certificate proves that? VERDICT_PASS, or the
 * refusal with the reason in m->why. Nothing is proved yet.
 */
enum verdict message_read(struct message *m, const struct config *c, int64_t now_ms);

/* Is it genuine, by that certificate? VERDICT_PASS, or the refusal with the reason in m->why. */
enum verdict message_check(struct message *m, const struct config *c,
			   const struct sns_certificate *certificate,
			   const struct sns_trust *trust);

/* What does an authentic notification say? Sets m->understood: VERDICT_PASS when it can be applied to its object. */
void message_understand(struct message *m);

void message_free(struct message *m);
DEFINE_CLEANUP(struct message *, message_free)

#endif
