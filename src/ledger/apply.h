/* One authentic notification into the ledger: stored, its object's facts folded, events written. */
#ifndef IPND_LEDGER_APPLY_H
#define IPND_LEDGER_APPLY_H

#include "base/text.h"
#include "config/config.h"
#include "ipn/document.h"
#include "ipn/notification.h"
#include "ledger/ledger.h"
#include "verdict/verdict.h"

struct ledger_message {
	const struct account *account;
	struct text message_id; /* of the envelope */
	int64_t sent_at_ms;     /* SNS Timestamp */
	int64_t received_at_ms;
	struct text raw;                             /* body as received */
	const struct ipn_notification *notification; /* NULL: not understood */
	const struct ipn_document *document;         /* NULL: not understood */
	/* VERDICT_SAMPLE, _FOREIGN or _UNRECOGNIZED; VERDICT_PASS leaves it to the machine (then with a document). */
	enum verdict verdict;
	const char *why; /* the reason in words; may be NULL */
};

/*
 * Inside ledger_begin() .. ledger_commit(), under a savepoint of its own: on failure nothing of the message is
 * left in the transaction. 0 and the verdict, or negative errno.
 */
int ledger_apply(struct ledger *l, const struct ledger_message *m, enum verdict *ret_verdict);

/*
 * The same for a message that an earlier version stored as unrecognized and this one understands (m->verdict is VERDICT_PASS): its facts
 * are of that row, whose verdict stays. m->received_at_ms is when it is read again: events are made then. -EALREADY: the row is
 * none of those, or was read again before.
 */
int ledger_reapply(struct ledger *l, int64_t notification_id, const struct ledger_message *m,
		   enum verdict *ret_verdict);

/* 1: a message of that MessageId is stored; 0; negative errno. */
int ledger_knows(struct ledger *l, struct text message_id);

/* The first stored message behind number `after` that no version has understood yet, and whose body is kept. */
struct ledger_unrecognized {
	int64_t id;
	char *message_id;
	char *raw;
};

/* 1: found, and the caller calls ledger_unrecognized_done(); 0: there is none; negative errno. */
int ledger_unrecognized_after(struct ledger *l, int64_t after, struct ledger_unrecognized *ret);
void ledger_unrecognized_done(struct ledger_unrecognized *u);

/* Registers the configured hooks: new ones from the newest event on; those no longer there become inactive. */
int ledger_register_hooks(struct ledger *l, const struct config *c, int64_t now_ms);

/* Adds to the counters that `ipnctl status` shows. At most 64 refused topics are kept. */
int ledger_count_verdict(struct ledger *l, enum verdict v, uint64_t count, int64_t last_ms);
int ledger_count_note(struct ledger *l, const char *note, uint64_t count, int64_t last_ms);
int ledger_count_topic(struct ledger *l, struct text topic_arn, uint64_t count, int64_t last_ms);

#endif
