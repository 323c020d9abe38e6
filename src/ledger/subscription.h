/* Messages of SNS about the subscription (sql/0003-subscription.sql). All inside ledger_begin() .. ledger_commit(). */
#ifndef IPND_LEDGER_SUBSCRIPTION_H
#define IPND_LEDGER_SUBSCRIPTION_H

#include "base/text.h"
#include "ledger/ledger.h"

enum subscription_state {
	SUBSCRIPTION_PENDING,
	SUBSCRIPTION_ENDED,
	SUBSCRIPTION_CONFIRMING,
	SUBSCRIPTION_CONFIRMED,
	SUBSCRIPTION_FAILED
};

struct ledger_subscription {
	const char *account;
	struct text topic_arn;
	struct text type; /* "SubscriptionConfirmation", "UnsubscribeConfirmation" */
	struct text message_id;
	struct text token;
	int64_t sent_at_ms;
	int64_t received_at_ms;
	enum subscription_state state;
	const char *by; /* who confirms it; NULL: nobody */
};

/* 1: kept, and *ret_id is its number; 0: it was known, by its MessageId or its token; negative errno. */
int ledger_keep_subscription(struct ledger *l, const struct ledger_subscription *s,
			     int64_t *ret_id);

/* `detail`: the reason of a failure, or NULL. `by`: who did it. 0 or negative errno. */
int ledger_set_subscription(struct ledger *l, int64_t id, enum subscription_state state,
			    const char *detail, const char *by, int64_t now_ms);

/* Those that `by` was confirming when it ended become failed, for that reason. How many, or negative errno. */
int ledger_cut_off_subscriptions(struct ledger *l, const char *by, const char *detail,
				 int64_t now_ms);

/* The topic and the token of number `id`, which the caller frees. 0, -ENOENT, or another negative errno. */
int ledger_find_subscription(struct ledger *l, int64_t id, char **ret_topic_arn, char **ret_token);

#endif
