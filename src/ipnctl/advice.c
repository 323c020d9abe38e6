#include "ipnctl/advice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utc.h"
#include "ipnctl/output.h"
#include "ipnctl/rows.h"
#include "ipnctl/story.h"

void advice_say(json_t *list, const char *about, int64_t until_ms, const char *format, ...)
{
	CLEANUP(freep) char *what = NULL;
	json_t *one = output_need(json_object());
	char until[UTC_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&what, format, ap) < 0)
		what = NULL;
	va_end(ap);
	output_need(what);
	utc_format(until_ms, until);
	json_put(one, "about", json_text(about));
	json_put(one, "what", json_text(what));
	json_put(one, "until", json_text(until[0] ? until : NULL));
	json_add(list, one);
}

int64_t advice_authorization_expires(const json_t *authorization)
{
	int64_t created_ms = row_time(authorization, "created_at");
	int64_t told_ms = row_time(authorization, "expires_at"), expires_ms;

	if (created_ms == UTC_UNKNOWN)
		return told_ms;
	expires_ms = created_ms + (row_is(authorization, "environment", "sandbox")
					   ? ADVICE_OPEN_SANDBOX_MS
					   : ADVICE_OPEN_LIVE_MS);
	/* In the sandbox Amazon tells 30 days and means 2 (protocol.md section 5). */
	return told_ms != UTC_UNKNOWN && told_ms < expires_ms ? told_ms : expires_ms;
}

/* 15 % or 75 USD, EUR, GBP (8,400 JPY), the smaller, may be captured and refunded beyond the amount. */
static int64_t allowed(int64_t minor, const char *currency)
{
	static const struct {
		const char *currency;
		int64_t most_minor;
	} most[] = {{"USD", 7500}, {"EUR", 7500}, {"GBP", 7500}, {"JPY", 8400}};
	int64_t more = minor / 100 * 15 + minor % 100 * 15 / 100;

	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++)
		if (strcmp(most[i].currency, currency) == 0)
			return minor + (more < most[i].most_minor ? more : most[i].most_minor);
	return minor;
}

static void format_money(int64_t minor, const char *currency, char ret[static ROW_MONEY_SIZE])
{
	CLEANUP(json_decrefp) json_t *row = output_need(json_object());

	json_put(row, "currency", json_text(currency));
	json_put(row, "minor", json_integer(minor));
	row_money(row, "minor", ret);
}

/* Nothing was captured, nor is about to be. */
static bool may_cancel(const json_t *story)
{
	const json_t *capture;
	size_t i;

	json_array_foreach(json_object_get(story, "captures"), i, capture)
	{
		if (!row_is(capture, "state", "Declined"))
			return false;
	}
	return true;
}

static void advise_order(const json_t *story, json_t *now)
{
	const json_t *order = json_object_get(story, "order_reference");
	const char *id = row_text(order, "order_reference_id");

	if (row_is(order, "state", "Open")) {
		advice_say(now, id, row_time(order, "expires_at"), "authorize payments");
		advice_say(now, id, UTC_UNKNOWN, "close it, when no more is to be charged");
	} else if (row_is(order, "state", "Suspended")) {
		advice_say(
			now, id, UTC_UNKNOWN,
			"let the buyer choose another payment method; no new authorization before that");
	} else if (row_is(order, "state", "Closed")) {
		advice_say(
			now, id, UTC_UNKNOWN,
			"no new authorization; what is authorized can be captured, what is paid refunded");
	} else if (row_is(order, "state", "Canceled")) {
		advice_say(now, id, UTC_UNKNOWN, "nothing more: the order is canceled");
	}
	if ((row_is(order, "state", "Open") || row_is(order, "state", "Suspended")) &&
	    may_cancel(story))
		advice_say(now, id, UTC_UNKNOWN, "cancel it: nothing has been captured");
}

static void advise_open(const json_t *a, json_t *now, int64_t now_ms)
{
	const char *id = row_text(a, "authorization_id"), *currency = row_word(a, "currency");
	int64_t created_ms = row_time(a, "created_at"), minor = row_number(a, "amount_minor");
	char amount[ROW_MONEY_SIZE], most[ROW_MONEY_SIZE];

	row_money(a, "amount_minor", amount);
	format_money(allowed(minor, currency), currency, most);
	advice_say(now, id, advice_authorization_expires(a),
		   "capture %s, once (Amazon allows up to %s)%s", amount, most,
		   created_ms != UTC_UNKNOWN && now_ms - created_ms > ADVICE_CAPTURE_MS
			   ? "; after 7 days a capture begins as Pending"
			   : "");
}

static void advise_declined(const json_t *a, json_t *now)
{
	const char *id = row_text(a, "authorization_id");

	if (row_is(a, "reason_code", "AmazonRejected"))
		advice_say(now, id, UTC_UNKNOWN,
			   "ask the buyer for another way to pay: Amazon does not want this one");
	else if (row_is(a, "reason_code", "InvalidPaymentMethod") && !row_number(a, "soft_decline"))
		advice_say(now, id, UTC_UNKNOWN,
			   "authorize again, once the buyer has chosen another payment method");
	else
		advice_say(now, id, UTC_UNKNOWN,
			   "authorize again; the same payment method may work");
}

static void advise_authorizations(const json_t *story, json_t *now, int64_t now_ms)
{
	const json_t *rows = json_object_get(story, "authorizations"), *a;
	const json_t *order = json_object_get(story, "order_reference");
	bool dead = row_is(order, "state", "Canceled") || row_is(order, "state", "Closed");
	size_t i;

	json_array_foreach(rows, i, a)
	{
		int64_t created_ms = row_time(a, "created_at");

		if (row_is(a, "state", "Pending"))
			advice_say(now, row_text(a, "authorization_id"),
				   created_ms == UTC_UNKNOWN ? created_ms
							     : created_ms + ADVICE_DECIDED_MS,
				   "wait for Amazon's decision");
		else if (row_is(a, "state", "Open"))
			advise_open(a, now, now_ms);
		/* An older one has been followed by another attempt. */
		else if (row_is(a, "state", "Declined") && i + 1 == json_array_size(rows) && !dead)
			advise_declined(a, now);
	}
}

static void advise_refundable(const json_t *capture, json_t *now)
{
	const char *id = row_text(capture, "capture_id"), *currency = row_word(capture, "currency");
	int64_t paid = row_number(capture, "amount_minor");
	int64_t refunded = row_number(capture, "refunded_minor");
	int64_t most = allowed(paid, currency);
	char rest_text[ROW_MONEY_SIZE], most_text[ROW_MONEY_SIZE];

	format_money(paid - refunded, currency, rest_text);
	format_money(most - refunded, currency, most_text);
	if (paid > refunded)
		advice_say(
			now, id, UTC_UNKNOWN,
			"refund up to %s (Amazon allows up to %s), in at most 10 refunds altogether",
			rest_text, most_text);
	else if (most > refunded)
		advice_say(now, id, UTC_UNKNOWN,
			   "nothing is left to refund; Amazon would allow another %s", most_text);
}

static void advise_captures(const json_t *story, json_t *now)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(story, "captures"), i, row)
	{
		if (row_is(row, "state", "Completed"))
			advise_refundable(row, now);
		else if (row_is(row, "state", "Pending"))
			advice_say(now, row_text(row, "capture_id"), UTC_UNKNOWN,
				   "wait for Amazon to collect the money");
		else if (row_is(row, "state", "Declined"))
			advice_say(
				now, row_text(row, "capture_id"), UTC_UNKNOWN,
				"not paid: do not ship; authorize again while the order is open");
	}
	json_array_foreach(json_object_get(story, "refunds"), i, row)
	{
		if (row_is(row, "state", "Pending"))
			advice_say(now, row_text(row, "refund_id"), UTC_UNKNOWN,
				   "wait for Amazon to refund");
		else if (row_is(row, "state", "Declined"))
			advice_say(now, row_text(row, "refund_id"), UTC_UNKNOWN,
				   "pay the buyer back in another way: Amazon did not refund");
	}
}

void advice_add(json_t *story, int64_t now_ms, bool hooks_stopped)
{
	json_t *now = output_need(json_array());

	json_put(story, "now", now);
	advise_order(story, now);
	advise_authorizations(story, now, now_ms);
	advise_captures(story, now);
	advice_add_wrong(story, now_ms, hooks_stopped);
}
