#include "ipnctl/operations.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utc.h"
#include "ipnctl/advice.h"
#include "ipnctl/limits.h"
#include "ipnctl/output.h"
#include "ipnctl/rows.h"
#include "ipnctl/story.h"
#include "ipnctl/sums.h"
#include "machine/machine.h"

#define WHAT_SIZE 256

/* An object of a story, and what is to be said of one operation on it. */
struct subject {
	const json_t *story;
	const json_t *row;
	int64_t now_ms;
	char what[WHAT_SIZE]; /* the row's words; a condition may write others */
	int64_t until_ms;
};

/* Whether the operation is allowed; it may write words of its own, and the time until when. */
typedef bool (*condition_fn)(struct subject *s);

/* ---- order references ---- */

static bool until_expiry(struct subject *s)
{
	s->until_ms = row_time(s->row, "expires_at");
	return true;
}

/* What was captured, or is about to be, keeps an order from being canceled. */
static bool nothing_captured(struct subject *s)
{
	const json_t *capture;
	size_t i;

	json_array_foreach(json_object_get(s->story, "captures"), i, capture)
	{
		if (!row_is(capture, "state", "Declined"))
			return false;
	}
	return true;
}

/* ---- authorizations ---- */

static bool until_decided(struct subject *s)
{
	int64_t created_ms = row_time(s->row, "created_at");

	if (created_ms != UTC_UNKNOWN)
		s->until_ms = created_ms + LIMITS_DECIDED_MS;
	return true;
}

static bool order_is(const struct subject *s, const char *state)
{
	return row_is(json_object_get(s->story, "order_reference"), "state", state);
}

/* Canceled orders close their authorizations, of which no notification may have come yet. */
static bool can_capture(struct subject *s)
{
	int64_t created_ms = row_time(s->row, "created_at");
	char amount[ROW_MONEY_SIZE], most[ROW_MONEY_SIZE];

	if (order_is(s, "Canceled"))
		return false;
	row_money(s->row, "amount_minor", amount);
	limits_format(s->row,
		      limits_most(row_number(s->row, "amount_minor"), row_word(s->row, "currency")),
		      most);
	snprintf(s->what, sizeof(s->what), "capture %s, once (Amazon allows up to %s)%s", amount,
		 most,
		 created_ms != UTC_UNKNOWN && s->now_ms - created_ms > LIMITS_CAPTURE_MS
			 ? "; after 7 days a capture begins as Pending"
			 : "");
	s->until_ms = row_time(s->row, "deadline_at");
	return true;
}

static bool is_last_authorization(const struct subject *s)
{
	const json_t *all = json_object_get(s->story, "authorizations");

	return json_array_get(all, json_array_size(all) - 1) == s->row;
}

/* Of several attempts only the last is one to follow up, and only while the order lives. */
static bool to_follow_up(const struct subject *s)
{
	return is_last_authorization(s) && !order_is(s, "Canceled") && !order_is(s, "Closed");
}

static bool rejected(struct subject *s)
{
	return to_follow_up(s) && row_is(s->row, "reason_code", "AmazonRejected");
}

static bool needs_another_method(const struct subject *s)
{
	return row_is(s->row, "reason_code", "InvalidPaymentMethod") &&
	       !row_number(s->row, "soft_decline");
}

static bool another_method(struct subject *s)
{
	return to_follow_up(s) && needs_another_method(s);
}

static bool once_more(struct subject *s)
{
	return to_follow_up(s) && !order_is(s, "Suspended") && !needs_another_method(s) &&
	       !row_is(s->row, "reason_code", "AmazonRejected");
}

/* ---- captures ---- */

static bool can_refund(struct subject *s)
{
	int64_t paid = row_number(s->row, "amount_minor"),
		refunded = row_number(s->row, "refunded_minor");
	int64_t most = limits_most(paid, row_word(s->row, "currency"));
	char rest_text[ROW_MONEY_SIZE], most_text[ROW_MONEY_SIZE];
	size_t refunds = sums_refunds_of(s->story, s->row);

	if (refunded >= most || refunds >= LIMITS_REFUNDS)
		return false;
	limits_format(s->row, paid - refunded, rest_text);
	limits_format(s->row, most - refunded, most_text);
	if (paid > refunded)
		snprintf(s->what, sizeof(s->what),
			 "refund up to %s (Amazon allows up to %s), in at most %zu refunds more",
			 rest_text, most_text, LIMITS_REFUNDS - refunds);
	else
		snprintf(s->what, sizeof(s->what),
			 "nothing is left to refund; Amazon would allow another %s", most_text);
	return true;
}

static bool too_many_refunds(struct subject *s)
{
	return sums_refunds_of(s->story, s->row) >= LIMITS_REFUNDS;
}

/* ---- agreements and provider credits ---- */

static bool within_limit(struct subject *s)
{
	char left[ROW_MONEY_SIZE];
	int64_t remaining;

	row_money(s->row, "remaining_minor", left);
	s->until_ms = row_time(s->row, "period_end_at");
	if (!row_int(s->row, "remaining_minor", &remaining) || s->until_ms < s->now_ms)
		s->until_ms = UTC_UNKNOWN; /* of a month that is over: the limit is whole again */
	else
		snprintf(s->what, sizeof(s->what),
			 "charge the buyer for an order, up to %s more in this period", left);
	return true;
}

static bool can_reverse(struct subject *s)
{
	int64_t rest = row_number(s->row, "amount_minor") - row_number(s->row, "reversed_minor");
	char text[ROW_MONEY_SIZE];

	limits_format(s->row, rest, text);
	snprintf(s->what, sizeof(s->what), "the provider can give back up to %s", text);
	return rest > 0;
}

#define ORDER         OBJECT_ORDER_REFERENCE
#define AGREEMENT     OBJECT_BILLING_AGREEMENT
#define AUTHORIZATION OBJECT_AUTHORIZATION
#define CAPTURE       OBJECT_CAPTURE
#define REFUND        OBJECT_REFUND
#define CHARGEBACK    OBJECT_CHARGEBACK
#define CREDIT        OBJECT_PROVIDER_CREDIT
#define REVERSAL      OBJECT_PROVIDER_CREDIT_REVERSAL

/* The table. Without an operation there is nothing to call: something to know, or to wait for. */
/* clang-format off */
static const struct {
	enum object_type object;
	enum state state;
	const char *operation;
	condition_fn condition; /* NULL: the state is enough */
	const char *what;
} operations[] = {
	{ORDER, STATE_OPEN, "Authorize", until_expiry, "authorize payments"},
	{ORDER, STATE_OPEN, "CloseOrderReference", NULL, "close it, when no more is to be charged"},
	{ORDER, STATE_OPEN, "CancelOrderReference", nothing_captured, "cancel it: nothing has been captured"},
	{ORDER, STATE_SUSPENDED, NULL, NULL,
	 "let the buyer choose another payment method; no new authorization before that"},
	{ORDER, STATE_SUSPENDED, "CloseOrderReference", NULL, "close it, when no more is to be charged"},
	{ORDER, STATE_SUSPENDED, "CancelOrderReference", nothing_captured, "cancel it: nothing has been captured"},
	{ORDER, STATE_CLOSED, NULL, NULL,
	 "no new authorization; what is authorized can be captured, what is paid refunded"},
	{ORDER, STATE_CANCELED, NULL, NULL, "nothing more: the order is canceled"},

	{AGREEMENT, STATE_OPEN, "AuthorizeOnBillingAgreement", within_limit, "charge the buyer for an order"},
	{AGREEMENT, STATE_OPEN, "CreateOrderReferenceForId", NULL,
	 "make an order of it, which begins without authorizations"},
	{AGREEMENT, STATE_OPEN, "ValidateBillingAgreement", NULL, "ask whether its payment method would work"},
	{AGREEMENT, STATE_OPEN, "CloseBillingAgreement", NULL, "end it, when no more is to be charged"},
	{AGREEMENT, STATE_SUSPENDED, "ConfirmBillingAgreement", NULL,
	 "confirm it again, once the buyer has mended what is wrong; no new order before that"},
	{AGREEMENT, STATE_SUSPENDED, "CloseBillingAgreement", NULL, "end it, when no more is to be charged"},
	{AGREEMENT, STATE_CLOSED, NULL, NULL, "no new order; those that there are go their own way"},
	{AGREEMENT, STATE_CANCELED, NULL, NULL, "nothing more: it is canceled, with its open orders"},

	{AUTHORIZATION, STATE_PENDING, NULL, until_decided, "wait for Amazon's decision"},
	{AUTHORIZATION, STATE_OPEN, "Capture", can_capture, "capture it"},
	{AUTHORIZATION, STATE_OPEN, "CloseAuthorization", NULL, "close it, when it is not to be captured"},
	{AUTHORIZATION, STATE_DECLINED, NULL, rejected,
	 "ask the buyer for another way to pay: Amazon does not want this one"},
	{AUTHORIZATION, STATE_DECLINED, NULL, another_method,
	 "authorize again, once the buyer has chosen another payment method"},
	{AUTHORIZATION, STATE_DECLINED, "Authorize", once_more, "authorize again; the same payment method may work"},

	{CAPTURE, STATE_PENDING, NULL, NULL, "wait for Amazon to collect the money"},
	{CAPTURE, STATE_COMPLETED, "Refund", can_refund, "refund it"},
	{CAPTURE, STATE_COMPLETED, NULL, too_many_refunds, "no more refunds: Amazon allows 10"},
	{CAPTURE, STATE_DECLINED, NULL, NULL, "not paid: do not ship; authorize again while the order is open"},

	{REFUND, STATE_PENDING, NULL, NULL, "wait for Amazon to refund"},
	{REFUND, STATE_DECLINED, NULL, NULL, "pay the buyer back in another way: Amazon did not refund"},

	{CHARGEBACK, STATE_RECEIVED, NULL, NULL, "answer it in Seller Central, which also says until when: the API knows nothing of chargebacks"},

	{CREDIT, STATE_COMPLETED, "ReverseProviderCredit", can_reverse, "the provider can give it back"},
	{CREDIT, STATE_PENDING, NULL, NULL, "wait for Amazon to pay the provider"},
	{REVERSAL, STATE_PENDING, NULL, NULL, "wait for Amazon to take it from the provider"},
};
/* clang-format on */

static void add_operations(const json_t *story, enum object_type object, const char *key,
			   const json_t *row, int64_t now_ms, json_t *list)
{
	enum state state = machine_state(object, row_word(row, "state"));

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		struct subject s = {
			.story = story, .row = row, .now_ms = now_ms, .until_ms = UTC_UNKNOWN};

		if (operations[i].object != object || operations[i].state != state)
			continue;
		snprintf(s.what, sizeof(s.what), "%s", operations[i].what);
		if (operations[i].condition && !operations[i].condition(&s))
			continue;
		advice_say_operation(list, row_text(row, key), s.until_ms, operations[i].operation,
				     "%s", s.what);
	}
}

void operations_add(json_t *story, int64_t now_ms)
{
	json_t *now = output_need(json_array());
	const json_t *row;
	size_t i, j;

	json_put(story, "now", now);
	add_operations(story, OBJECT_ORDER_REFERENCE, "order_reference_id",
		       json_object_get(story, "order_reference"), now_ms, now);
	add_operations(story, OBJECT_BILLING_AGREEMENT, "billing_agreement_id",
		       json_object_get(story, "billing_agreement"), now_ms, now);
	for (i = 0; i < STORY_PARTS; i++)
		json_array_foreach(json_object_get(story, story_parts[i].list), j, row)
		{
			add_operations(story, story_parts[i].object, story_parts[i].key, row,
				       now_ms, now);
		}
}
