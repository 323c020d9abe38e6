/* One SNS message on its way into the ledger, whether SNS posts it now or it was saved elsewhere: read, proved, understood, stored. */
#ifndef IPND_RECEIVE_MESSAGE_H
#define IPND_RECEIVE_MESSAGE_H

#include "base/cleanup.h"
#include "config/config.h"
#include "ipn/document.h"
#include "ipn/notification.h"
#include "ledger/ledger.h"
#include "sns/certificate.h"
#include "sns/envelope.h"
#include "sns/topic.h"
#include "verdict/verdict.h"

/* What a post says of its message beside the body; absent (at == NULL) where it does not. */
struct message_headers {
	struct text type;         /* x-amz-sns-message-type */
	struct text message_id;   /* x-amz-sns-message-id */
	struct text topic_arn;    /* x-amz-sns-topic-arn */
	struct text raw_delivery; /* x-amz-sns-rawdelivery */
};

/* Begins as zeros but for `body`, and ends with message_done(). */
struct message {
	struct text body; /* as received; borrowed for as long as the message is */
	int64_t received_ms;
	struct sns_envelope envelope;
	struct sns_topic topic;    /* borrowed from the envelope */
	char hex[SNS_HEX_SIZE];    /* of the certificate it names */
	bool certificate_misnamed; /* after message_check(): the certificate's MD5 is not that name */
	bool issuer_unknown;       /* likewise: and that is allowed */
	struct ipn_notification notification;
	struct ipn_document document;
	bool has_envelope, has_notification, has_document;
	const struct account *account;
	enum verdict understood; /* what it says; VERDICT_PASS: the machine decides */
	enum verdict verdict;    /* what became of it in the ledger */
	struct why why;
};

/* Once per process, before the first message. */
void message_init(void);

/*
 * Is it a message of SNS's, and does it say that it is from a topic of ours and which certificate proves that? VERDICT_PASS, or the
 * refusal with the reason in m->why (VERDICT_OVERLOAD when out of memory, here and below). Nothing is proved yet. `headers` are looked at now only; NULL: there are none.
 */
enum verdict message_read(struct message *m, const struct message_headers *headers,
			  const struct config *c, int64_t now_ms);

/*
 * The part of it for a message that was proved when it was stored: its envelope, and its account as configured now. VERDICT_PASS, or
 * what forbids to read on, with the reason in m->why.
 */
enum verdict message_read_stored(struct message *m, const struct config *c, int64_t now_ms);

/* Is it genuine, by that certificate? VERDICT_PASS, or the refusal with the reason in m->why. */
enum verdict message_check(struct message *m, const struct config *c,
			   const struct sns_certificate *certificate,
			   const struct sns_trust *trust);

/*
 * What does an authentic notification say? Sets m->understood: VERDICT_PASS when it can be applied to its object. VERDICT_PASS, or
 * VERDICT_OVERLOAD: out of memory, and what it says is not known.
 */
enum verdict message_understand(struct message *m);

/*
 * An understood notification into the ledger, inside ledger_begin() .. ledger_commit(): sets m->verdict. What the schema refuses is
 * kept as unrecognized, with the reason in m->why. 0 or negative errno, and then nothing of it is in the transaction.
 */
int message_store(struct message *m, struct ledger *l);

/* A stored one that was not understood then and is now (ledger_reapply()). */
int message_store_again(struct message *m, struct ledger *l, int64_t notification_id);

void message_done(struct message *m);

#endif
