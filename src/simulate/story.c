#include "simulate/story.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/utc.h"

#define DAY_MS                (24 * 60 * 60 * INT64_C(1000))
#define ORDER_OPEN_MS         (180 * DAY_MS) /* protocol.md section 5 */
#define AUTHORIZATION_OPEN_MS (30 * DAY_MS)  /* as printed, in the sandbox too */
#define PUBLISHED_AFTER_MS    12 /* inner Timestamp to the SNS one in recorded messages */
#define LEAST_LAG_MS          1500 /* the last state to its notification; 0.4 to 4 s in recorded ones */

/* The one subscription that all rehearsals come from. */
#define SUBSCRIPTION_ID "597ef7c5-0000-4000-8000-000000000001"

/* Version 5 for SNS's MessageId, 4 for Amazon Pay's NotificationReferenceId, as recorded. */
static int random_uuid(unsigned version, char ret[static STORY_UUID_SIZE])
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -errno;
	b[6] = (unsigned char)((b[6] & 0x0f) | version << 4);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(ret, STORY_UUID_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return 0;
}

/* Milliseconds of their own for each second, rising with it. */
static int64_t step_time(const struct story *st, unsigned seconds)
{
	return st->began_ms + seconds * INT64_C(1000) + seconds * INT64_C(373) % 1000;
}

int story_begin(const struct scenario *s, const struct account *a, int64_t now_ms,
		struct story *ret)
{
	struct story st = {.account = a, .scenario = s};
	uint32_t drawn[3 + 2 * SCENARIO_NTH_MAX];
	unsigned last = 0;

	if (!sns_topic_parse(text_of(a->topic_arn), &st.topic))
		return -EINVAL;
	if (getrandom(drawn, sizeof(drawn), 0) != sizeof(drawn))
		return -errno;
	for (size_t i = 0; i < s->n_steps; i++)
		if (s->steps[i].updated_s > last)
			last = s->steps[i].updated_s;
	st.began_ms = now_ms - (last + 1) * INT64_C(1000) - LEAST_LAG_MS;
	snprintf(st.order_reference_id, sizeof(st.order_reference_id), "%c01-%07u-%07u",
		 a->environment == ENVIRONMENT_LIVE ? 'P' : 'S', drawn[0] % 10000000,
		 drawn[1] % 10000000);
	snprintf(st.seller_order_id, sizeof(st.seller_order_id), "order-%u",
		 100000 + drawn[2] % 900000);
	for (unsigned i = 0; i < SCENARIO_NTH_MAX; i++) {
		/* The last digit tells the n-th from the others of the story. */
		st.payment_number[i] = drawn[3 + 2 * i] % 100000 * 10 + i + 1;
		st.refund_number[i] = drawn[4 + 2 * i] % 100000 * 10 + i + 1;
	}
	*ret = st;
	return 0;
}

static void child_id(const struct story *st, enum object_type o, unsigned nth,
		     char ret[static STORY_ID_SIZE])
{
	unsigned number;

	assert(nth >= 1 && nth <= SCENARIO_NTH_MAX);
	number = o == OBJECT_REFUND ? st->refund_number[nth - 1] : st->payment_number[nth - 1];
	snprintf(ret, STORY_ID_SIZE, "%s-%c%06u", st->order_reference_id,
		 o == OBJECT_REFUND    ? 'R'
		 : o == OBJECT_CAPTURE ? 'C'
				       : 'A',
		 number);
}

void story_object_id(const struct story *st, const struct scenario_step *step,
		     char ret[static STORY_ID_SIZE])
{
	if (step->object == OBJECT_ORDER_REFERENCE)
		snprintf(ret, STORY_ID_SIZE, "%s", st->order_reference_id);
	else
		child_id(st, step->object, step->nth, ret);
}

/* The merchant's own ids, made as a shop would: of its order's number. */
static void reference_id(const struct story *st, const struct scenario_step *step,
			 char ret[static STORY_ID_SIZE])
{
	snprintf(ret, STORY_ID_SIZE, "%s-%s%u", st->seller_order_id,
		 step->object == OBJECT_REFUND    ? "refund"
		 : step->object == OBJECT_CAPTURE ? "capture"
						  : "auth",
		 step->nth);
}

static char *step_document(const struct story *st, const struct scenario_step *step)
{
	char id[STORY_ID_SIZE], reference[STORY_ID_SIZE], capture[STORY_ID_SIZE];
	int64_t created_ms = step_time(st, step->created_s);
	bool order = step->object == OBJECT_ORDER_REFERENCE;
	struct snapshot s = {
		.object = step->object,
		.id = id,
		.reference_id = reference,
		.seller_id = st->account->seller_id.at[0],
		.seller_order_id = st->seller_order_id,
		.state = step->state,
		.reason_code = step->reason_code,
		.currency = STORY_CURRENCY,
		.amount_minor = step->amount_minor,
		.done_minor = step->done_minor,
		.created_ms = created_ms,
		.updated_ms = step_time(st, step->updated_s),
		.expires_ms = created_ms + (order ? ORDER_OPEN_MS : AUTHORIZATION_OPEN_MS),
		.soft_descriptor = "AMZ*Rehearsal",
		.soft_decline = step->flags & STEP_SOFT_DECLINE,
		.capture_now = step->flags & STEP_CAPTURE_NOW,
	};

	story_object_id(st, step, id);
	reference_id(st, step, reference);
	if (step->object == OBJECT_AUTHORIZATION && step->done_minor > 0) {
		child_id(st, OBJECT_CAPTURE, step->nth, capture);
		s.child_id = capture;
	}
	return message_document(&s);
}

static int step_inner(const struct story *st, const struct scenario_step *step, int64_t now_ms,
		      char **ret)
{
	CLEANUP(freep) char *document = step_document(st, step);
	bool live = st->account->environment == ENVIRONMENT_LIVE;
	char reference[STORY_UUID_SIZE];
	int r = random_uuid(4, reference);

	if (r < 0)
		return r;
	if (!document)
		return -ENOMEM;
	*ret = message_inner(&(struct message_inner){
		.environment = live ? "Live" : "Sandbox",
		.marketplace_id = live ? "623680" : "623690",
		.object = step->object,
		.seller_id = st->account->seller_id.at[0],
		.reference_id = reference,
		.at_ms = now_ms - PUBLISHED_AFTER_MS,
		.document = document,
	});
	return *ret ? 0 : -ENOMEM;
}

static int sign_and_write(const struct signer *signer, int version, struct message_envelope *e,
			  char **ret)
{
	CLEANUP(freep) char *text = message_signed_text(e);
	char signature[SIGNATURE_TEXT_SIZE];
	int r;

	if (!text)
		return -ENOMEM;
	if ((r = signer_sign(signer, version, text_of(text), signature)) < 0)
		return r;
	e->signature_version = version == 2 ? "2" : "1";
	e->signature = signature;
	*ret = message_envelope(e);
	e->signature = NULL;
	return *ret ? 0 : -ENOMEM;
}

int story_post(const struct story *st, const struct scenario_step *step,
	       const struct signer *signer, int signature_version, int64_t now_ms,
	       struct story_post *ret)
{
	CLEANUP(freep)
	char *inner = NULL, *subscription = NULL, *certificate = NULL, *unsubscribe = NULL,
	     *body = NULL;
	const struct text region = st->topic.region;
	char at[UTC_TEXT_SIZE], message_id[STORY_UUID_SIZE];
	int r;

	if ((r = random_uuid(5, message_id)) < 0 || (r = step_inner(st, step, now_ms, &inner)) < 0)
		return r;
	utc_format(now_ms, at);
	if (asprintf(&subscription, "%s:" SUBSCRIPTION_ID, st->account->topic_arn) < 0 ||
	    asprintf(&certificate,
		     "https://sns.%.*s.amazonaws.com/SimpleNotificationService-%s.pem",
		     (int)region.len, region.at, signer_hex(signer)) < 0 ||
	    asprintf(&unsubscribe,
		     "https://sns.%.*s.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=%s",
		     (int)region.len, region.at, subscription) < 0)
		return -ENOMEM;
	struct message_envelope e = {
		.message_id = message_id,
		.topic_arn = st->account->topic_arn,
		.message = inner,
		.timestamp = at,
		.certificate_url = certificate,
		.unsubscribe_url = unsubscribe,
	};
	if ((r = sign_and_write(signer, signature_version, &e, &body)) < 0)
		return r;
	memcpy(ret->message_id, message_id, sizeof(message_id));
	ret->subscription_arn = TAKE(subscription);
	ret->body = TAKE(body);
	return 0;
}

void story_post_done(struct story_post *p)
{
	free(p->subscription_arn);
	free(p->body);
	p->subscription_arn = p->body = NULL;
}
