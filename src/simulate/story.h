/* One run of a scenario: its ids, its times, and the posts that come of it. */
#ifndef IPND_SIMULATE_STORY_H
#define IPND_SIMULATE_STORY_H

#include "config/config.h"
#include "sns/topic.h"

#include "simulate/authority.h"
#include "simulate/draw.h"
#include "simulate/message.h"
#include "simulate/scenarios.h"

#define STORY_ORDER_SIZE 20 /* "S01-1234567-1234567" */
#define STORY_ID_SIZE    40
#define STORY_UUID_SIZE  UUID_TEXT_SIZE
#define STORY_CURRENCY   "USD" /* rehearsals play the US marketplace */
#define STORY_PAID_IN    "EUR" /* and some a merchant who is paid in another currency */
#define STORY_LIMIT      50000 /* of an agreement, for a month (protocol.md section 5) */
#define STORY_LAG_MS     1500  /* a state to its notification; 0.4 to 4 s in recorded ones */
#define STORY_PROVIDER   "A2REHEARSALPROV"

/* Ids of its own, so that a scenario can be played any number of times into one database. */
struct story {
	const struct account *account; /* borrowed */
	struct sns_topic topic;        /* of the account */
	const struct scenario *scenario;
	int64_t began_ms;
	uint64_t seed; /* of all ids; 0: random ones */
	char order_reference_id[SCENARIO_ORDERS_MAX][STORY_ORDER_SIZE];
	char seller_order_id[SCENARIO_ORDERS_MAX][STORY_ORDER_SIZE];
	char agreement_id[STORY_ORDER_SIZE];
	char chargeback_id[STORY_ORDER_SIZE];
	/* An authorization, its capture and provider credit have one number; a refund and its reversal another. */
	unsigned number[SCENARIO_NTH_MAX];
	unsigned refund_number[SCENARIO_NTH_MAX];
};

/* A request's body with what its headers repeat. */
struct story_post {
	char message_id[STORY_UUID_SIZE];
	char *subscription_arn;
	char *body;
};

/*
 * Begins so long before `now_ms` that no step lies in the future. `a` must outlive the story. 0, -EINVAL: the
 * account's topic is not a topic of SNS; other negative errno: no random numbers.
 */
int story_begin(const struct scenario *s, const struct account *a, int64_t now_ms,
		struct story *ret);

/* One that began then; the same `seed`, unless it is 0, gives the same ids. */
int story_begin_at(const struct scenario *s, const struct account *a, int64_t began_ms,
		   uint64_t seed, struct story *ret);

/* When Amazon would send the notification of a step, of a story that began then. */
int64_t story_sent_ms(int64_t began_ms, const struct scenario_step *step);

/* The id of a step's object. */
void story_object_id(const struct story *st, const struct scenario_step *step,
		     char ret[static STORY_ID_SIZE]);

/* What the notification of a step says. 0 or -ENOMEM; the caller calls ipn_document_done(). */
int story_document(const struct story *st, const struct scenario_step *step,
		   struct ipn_document *ret);

/* How many order references it tells of. */
unsigned story_orders(const struct story *st);

/* Whether it tells of an agreement. */
bool story_has_agreement(const struct story *st);

/*
 * The notification of a step, sent and signed at `now_ms`; without a signer, with a signature that proves nothing. 0 or negative
 * errno; the caller calls story_post_done().
 */
int story_post(const struct story *st, const struct scenario_step *step,
	       const struct signer *signer, int signature_version, int64_t now_ms,
	       struct story_post *ret);
void story_post_done(struct story_post *p);

#endif
