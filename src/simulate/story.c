#include "simulate/story.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/utc.h"

#include "simulate/document.h"
#include "simulate/draw.h"

#define DAY_MS                (24 * 60 * 60 * INT64_C(1000))
#define ORDER_OPEN_MS         (180 * DAY_MS) /* protocol.md section 5 */
#define AUTHORIZATION_OPEN_MS (30 * DAY_MS)  /* as printed, in the sandbox too */
#define PUBLISHED_AFTER_MS    12 /* inner Timestamp to the SNS one in recorded messages */

/* The one subscription that all rehearsals come from. */
#define SUBSCRIPTION_ID "597ef7c5-0000-4000-8000-000000000001"

/* Where a post is not signed: the length is that of RSA-2048, as in real messages. */
#define NO_SIGNATURE_LENGTH 342 /* and "==" */
#define NO_CERTIFICATE      "00000000000000000000000000000000"

/* What is drawn for a story: its objects, and two UUIDs for each step. */
#define DRAW_OBJECTS 0
static uint64_t draw_message(const struct story *st, const struct scenario_step *step)
{
	return 1 + 2 * (uint64_t)(step - st->scenario->steps);
}

static uint64_t draw_reference(const struct story *st, const struct scenario_step *step)
{
	return draw_message(st, step) + 1;
}

/* Milliseconds of their own for each second, rising with it. */
static int64_t step_time(const struct story *st, int64_t seconds)
{
	return st->began_ms + seconds * 1000 + seconds * 373 % 1000;
}

static void draw_ids(struct story *st, const uint32_t *drawn)
{
	bool live = st->account->environment == ENVIRONMENT_LIVE;

	snprintf(st->agreement_id, sizeof(st->agreement_id), "%c01-%07u-%07u", live ? 'B' : 'C',
		 *drawn % 10000000, (*drawn >> 8) % 10000000);
	drawn++;
	snprintf(st->chargeback_id, sizeof(st->chargeback_id), "C9R%010u", *drawn++);
	for (unsigned i = 0; i < SCENARIO_ORDERS_MAX; i++, drawn += 2) {
		snprintf(st->order_reference_id[i], sizeof(st->order_reference_id[i]),
			 "%c01-%07u-%07u", live ? 'P' : 'S', drawn[0] % 10000000,
			 drawn[1] % 10000000);
		snprintf(st->seller_order_id[i], sizeof(st->seller_order_id[i]), "order-%u",
			 100000 + (drawn[0] ^ drawn[1]) % 900000);
	}
	for (unsigned i = 0; i < SCENARIO_NTH_MAX; i++, drawn += 2) {
		/* The last digit tells the n-th from the others of the story. */
		st->number[i] = drawn[0] % 100000 * 10 + i + 1;
		st->refund_number[i] = drawn[1] % 100000 * 10 + i + 1;
	}
}

int story_begin_at(const struct scenario *s, const struct account *a, int64_t began_ms,
		   uint64_t seed, struct story *ret)
{
	struct story st = {.account = a, .scenario = s, .began_ms = began_ms, .seed = seed};
	uint32_t drawn[2 + 2 * SCENARIO_ORDERS_MAX + 2 * SCENARIO_NTH_MAX];
	int r;

	if (!sns_topic_parse(text_of(a->topic_arn), &st.topic))
		return -EINVAL;
	if ((r = draw_bytes(seed, DRAW_OBJECTS, drawn, sizeof(drawn))) < 0)
		return r;
	draw_ids(&st, drawn);
	*ret = st;
	return 0;
}

int story_begin(const struct scenario *s, const struct account *a, int64_t now_ms,
		struct story *ret)
{
	int64_t last = 0;

	for (size_t i = 0; i < s->n_steps; i++)
		if (s->steps[i].updated_s > last)
			last = s->steps[i].updated_s;
	return story_begin_at(s, a, now_ms - (last + 1) * 1000 - STORY_LAG_MS, 0, ret);
}

int64_t story_sent_ms(int64_t began_ms, const struct scenario_step *step)
{
	return began_ms + (step->updated_s + 1) * 1000 + STORY_LAG_MS;
}

unsigned story_orders(const struct story *st)
{
	unsigned n = 0;

	for (size_t i = 0; i < st->scenario->n_steps; i++)
		if (st->scenario->steps[i].order > n)
			n = st->scenario->steps[i].order;
	return n;
}

bool story_has_agreement(const struct story *st)
{
	for (size_t i = 0; i < st->scenario->n_steps; i++)
		if (st->scenario->steps[i].object == OBJECT_BILLING_AGREEMENT)
			return true;
	return false;
}

static const char *order_of(const struct story *st, const struct scenario_step *step)
{
	assert(step->order >= 1 && step->order <= SCENARIO_ORDERS_MAX);
	return st->order_reference_id[step->order - 1];
}

/* Authorization, capture and provider credit share a number; a refund and its reversal have another. */
static void child_id(const struct story *st, const struct scenario_step *step, enum object_type o,
		     char ret[static STORY_ID_SIZE])
{
	bool refund = o == OBJECT_REFUND || o == OBJECT_PROVIDER_CREDIT_REVERSAL;

	assert(step->nth >= 1 && step->nth <= SCENARIO_NTH_MAX);
	snprintf(ret, STORY_ID_SIZE, "%s-%c%06u", order_of(st, step), object_letter(o),
		 refund ? st->refund_number[step->nth - 1] : st->number[step->nth - 1]);
}

void story_object_id(const struct story *st, const struct scenario_step *step,
		     char ret[static STORY_ID_SIZE])
{
	if (object_letter(step->object))
		child_id(st, step, step->object, ret);
	else
		snprintf(ret, STORY_ID_SIZE, "%s",
			 step->object == OBJECT_BILLING_AGREEMENT   ? st->agreement_id
			 : step->object == OBJECT_CHARGEBACK        ? st->chargeback_id
			 : step->object == OBJECT_SOLUTION_PROVIDER ? st->account->seller_id.at[0]
								    : order_of(st, step));
}

/* False when there is no memory. */
static bool copy(const char *s, char **ret)
{
	*ret = strdup(s);
	return *ret;
}

/* The merchant's own ids, made as a shop would: of its order's number. NULL: the document has none. */
static bool copy_reference(const struct story *st, const struct scenario_step *step, char **ret)
{
	static const char *const words[OBJECT_N] = {
		[OBJECT_AUTHORIZATION] = "auth",
		[OBJECT_CAPTURE] = "capture",
		[OBJECT_REFUND] = "refund",
		[OBJECT_CHARGEBACK] = "capture", /* the capture's */
		[OBJECT_PROVIDER_CREDIT_REVERSAL] = "reversal",
	};

	if (step->object == OBJECT_BILLING_AGREEMENT)
		return copy("subscription-1", ret);
	if (!words[step->object])
		return true;
	if (asprintf(ret, "%s-%s%u", st->seller_order_id[step->order - 1], words[step->object],
		     step->nth) >= 0)
		return true;
	*ret = NULL;
	return false;
}

/* Which other object its document lists; OBJECT_N: none. */
static enum object_type listed(const struct scenario_step *step)
{
	if (step->flags & STEP_LISTS_CHILD)
		return step->object == OBJECT_AUTHORIZATION ? OBJECT_CAPTURE
							    : OBJECT_PROVIDER_CREDIT_REVERSAL;
	if (step->flags & STEP_PROVIDER)
		return step->object == OBJECT_CAPTURE ? OBJECT_PROVIDER_CREDIT
						      : OBJECT_PROVIDER_CREDIT_REVERSAL;
	return OBJECT_N;
}

static void set_amounts(const struct scenario_step *step, struct ipn_document *d)
{
	bool payment = step->object == OBJECT_AUTHORIZATION || step->object == OBJECT_CAPTURE;

	memcpy(d->currency, STORY_CURRENCY, sizeof(STORY_CURRENCY));
	if (step->object == OBJECT_BILLING_AGREEMENT) {
		d->limit = (struct ipn_amount){true, STORY_LIMIT};
		d->remaining = (struct ipn_amount){true, step->amount_minor};
		d->consent = IPN_TRUE;
		return;
	}
	if (step->object == OBJECT_SOLUTION_PROVIDER) {
		d->currency[0] = 0;
		return;
	}
	d->amount = (struct ipn_amount){true, step->amount_minor};
	d->done = (struct ipn_amount){payment || step->object == OBJECT_PROVIDER_CREDIT,
				      step->done_minor};
	d->fee.known = payment || step->object == OBJECT_REFUND;
	if (step->flags & STEP_CONVERTED) /* 21.84 EUR for 19.95 of ours, as once recorded */
		d->converted =
			(struct ipn_foreign){true, step->amount_minor * 2184 / 1995, STORY_PAID_IN};
	if (step->object == OBJECT_AUTHORIZATION) {
		d->soft_decline = step->flags & STEP_SOFT_DECLINE ? IPN_TRUE : IPN_FALSE;
		d->capture_now = step->flags & STEP_CAPTURE_NOW ? IPN_TRUE : IPN_FALSE;
	}
}

/* The month in which the agreement was made. */
static void set_period(struct ipn_document *d)
{
	char text[UTC_TEXT_SIZE];

	utc_format(d->created_ms, text);
	memcpy(text + 8, "01T00:00:00.000Z", 17);
	utc_parse(text_of(text), &d->period_start_ms);
	utc_format(d->period_start_ms + 32 * DAY_MS, text);
	memcpy(text + 8, "01T00:00:00.000Z", 17);
	utc_parse(text_of(text), &d->period_end_ms);
}

static void set_times(const struct story *st, const struct scenario_step *step,
		      struct ipn_document *d)
{
	bool timed = step->object != OBJECT_CHARGEBACK && step->object != OBJECT_SOLUTION_PROVIDER;

	d->expires_ms = d->period_start_ms = d->period_end_ms = UTC_UNKNOWN;
	d->created_ms = step->object == OBJECT_SOLUTION_PROVIDER ? UTC_UNKNOWN
								 : step_time(st, step->created_s);
	d->updated_ms = timed ? step_time(st, step->updated_s) : UTC_UNKNOWN;
	if (step->object == OBJECT_ORDER_REFERENCE)
		d->expires_ms = d->created_ms + ORDER_OPEN_MS;
	else if (step->object == OBJECT_AUTHORIZATION)
		d->expires_ms = d->created_ms + AUTHORIZATION_OPEN_MS;
	else if (step->object == OBJECT_BILLING_AGREEMENT)
		set_period(d);
}

/* What only some objects have. */
static bool set_rare_texts(const struct story *st, const struct scenario_step *step,
			   struct ipn_document *d)
{
	switch (step->object) {
	case OBJECT_ORDER_REFERENCE:
		return copy(st->seller_order_id[step->order - 1], &d->seller_order_id);
	case OBJECT_REFUND:
		return copy("SellerInitiated", &d->refund_type);
	case OBJECT_SOLUTION_PROVIDER:
		return copy("{\"hostingType\":\"hosted\"}", &d->options);
	case OBJECT_BILLING_AGREEMENT:
		return strcmp(step->state, "Closed") != 0 ||
		       copy("the buyer asked for it", &d->reason_description);
	case OBJECT_AUTHORIZATION:
	case OBJECT_CAPTURE:
	case OBJECT_CHARGEBACK:
	case OBJECT_PROVIDER_CREDIT:
	case OBJECT_PROVIDER_CREDIT_REVERSAL:
	case OBJECT_N:
		break;
	}
	return true;
}

static bool set_links(const struct story *st, const struct scenario_step *step,
		      struct ipn_document *d)
{
	bool provider = step->object == OBJECT_PROVIDER_CREDIT ||
			step->object == OBJECT_PROVIDER_CREDIT_REVERSAL;
	enum object_type child = listed(step);
	char id[STORY_ID_SIZE];

	if (step->order && !copy(order_of(st, step), &d->order_reference_id))
		return false;
	if ((provider || step->flags & STEP_PROVIDER) &&
	    !copy(STORY_PROVIDER, &d->provider_seller_id))
		return false;
	if (child == OBJECT_N)
		return true;
	child_id(st, step, child, id);
	return copy(id, &d->ids.at[d->ids.n++]);
}

static bool set_texts(const struct story *st, const struct scenario_step *step,
		      struct ipn_document *d)
{
	char id[STORY_ID_SIZE];

	story_object_id(st, step, id);
	return copy(id, &d->object_id) && copy(step->state, &d->state) &&
	       copy(st->account->seller_id.at[0], &d->seller_id) &&
	       (!step->reason_code || copy(step->reason_code, &d->reason_code)) &&
	       (!d->converted.known || copy("0.913362644", &d->conversion_rate)) &&
	       copy_reference(st, step, &d->reference_id) && set_rare_texts(st, step, d) &&
	       set_links(st, step, d);
}

int story_document(const struct story *st, const struct scenario_step *step,
		   struct ipn_document *ret)
{
	CLEANUP(ipn_document_done)
	struct ipn_document d = {
		.object = step->object,
		.soft_decline = IPN_UNKNOWN,
		.capture_now = IPN_UNKNOWN,
		.consent = IPN_UNKNOWN,
	};

	set_times(st, step, &d);
	set_amounts(step, &d);
	if (!set_texts(st, step, &d))
		return -ENOMEM;
	*ret = d;
	d = (struct ipn_document){0};
	return 0;
}

static int step_inner(const struct story *st, const struct scenario_step *step, int64_t now_ms,
		      char **ret)
{
	CLEANUP(ipn_document_done) struct ipn_document d = {0};
	CLEANUP(freep) char *document = NULL;
	bool live = st->account->environment == ENVIRONMENT_LIVE;
	char reference[STORY_UUID_SIZE];
	int r = draw_uuid(st->seed, draw_reference(st, step), 4, reference);

	if (r == 0)
		r = story_document(st, step, &d);
	if (r < 0)
		return r;
	document = document_write(&d, "AMZ*Rehearsal");
	if (!document)
		return -ENOMEM;
	*ret = message_inner(&(struct message_inner){
		.environment = live ? "Live" : "Sandbox",
		.marketplace_id = live ? "623680" : "623690",
		.type = document_type(step->object),
		.event_type = step->event_type,
		.seller_id = st->account->seller_id.at[0],
		.reference_id = reference,
		.at_ms = now_ms - PUBLISHED_AFTER_MS,
		.document = document,
	});
	return *ret ? 0 : -ENOMEM;
}

static void no_signature(char ret[static SIGNATURE_TEXT_SIZE])
{
	memset(ret, 'A', NO_SIGNATURE_LENGTH);
	memcpy(ret + NO_SIGNATURE_LENGTH, "==", 3);
}

static int sign_and_write(const struct signer *signer, int version, struct message_envelope *e,
			  char **ret)
{
	CLEANUP(freep) char *text = message_signed_text(e);
	char signature[SIGNATURE_TEXT_SIZE];
	int r;

	if (!text)
		return -ENOMEM;
	if (!signer)
		no_signature(signature);
	else if ((r = signer_sign(signer, version, text_of(text), signature)) < 0)
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

	if ((r = draw_uuid(st->seed, draw_message(st, step), 5, message_id)) < 0 ||
	    (r = step_inner(st, step, now_ms, &inner)) < 0)
		return r;
	utc_format(now_ms, at);
	if (asprintf(&subscription, "%s:" SUBSCRIPTION_ID, st->account->topic_arn) < 0 ||
	    asprintf(
		    &certificate, "https://sns.%.*s.amazonaws.com/SimpleNotificationService-%s.pem",
		    (int)region.len, region.at, signer ? signer_hex(signer) : NO_CERTIFICATE) < 0 ||
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
