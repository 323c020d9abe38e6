#include "document.h"

#include <assert.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "ipn/field.h"
#include "simulate/document.h"

#define MINOR_MOST INT64_C(1000000000000000)
#define UTC_LAST   INT64_C(253402300799999)

static void check_string(const char *s, size_t max)
{
	if (!s)
		return;
	assert(strlen(s) <= max);
	for (const unsigned char *c = (const unsigned char *)s; *c; c++)
		assert(*c >= 0x20 && *c != 0x7F);
}

static void check_amount(bool known, int64_t minor, const char *currency)
{
	if (!known)
		return;
	assert(minor >= 0 && minor <= MINOR_MOST);
	assert(money_exponent(text_of(currency)) >= 0);
}

static void check_time(int64_t ms)
{
	assert(ms == UTC_UNKNOWN || (ms >= 0 && ms <= UTC_LAST));
}

static void check_options(const char *s)
{
	CLEANUP(json_decrefp) json_t *options = NULL;
	const char *key;
	json_t *value;

	if (!s)
		return;
	assert(strlen(s) <= IPN_OPTIONS_MAX);
	options = json_loads(s, JSON_REJECT_DUPLICATES, NULL);
	assert(json_is_object(options));
	json_object_foreach(options, key, value)
	{
		assert(json_is_string(value) || json_is_null(value));
	}
}

static void check_mandatory(const struct ipn_document *d)
{
	for (size_t i = 0; i < n_fields; i++) {
		const struct field *row = &fields[i];
		const void *member = (const char *)d + row->offset;

		if (row->object != d->object || row->need != MANDATORY)
			continue;
		if (row->kind == KIND_TIME)
			assert(*(const int64_t *)member != UTC_UNKNOWN);
		else if (row->kind == KIND_AMOUNT)
			assert(((const struct ipn_amount *)member)->known);
		else
			assert(*(const char *const *)member);
	}
}

static void check_values(const struct ipn_document *d)
{
	assert(d->object < OBJECT_N);
	assert(d->object_id && d->object_id[0]);
	check_string(d->object_id, IPN_ID_MAX);
	check_string(d->order_reference_id, IPN_ID_MAX);
	check_string(d->state, IPN_WORD_MAX);
	check_string(d->reason_code, IPN_TEXT_MAX);
	check_string(d->reason_description, IPN_NOTE_MAX);
	check_string(d->reference_id, IPN_TEXT_MAX);
	check_string(d->seller_order_id, IPN_TEXT_MAX);
	check_string(d->refund_type, IPN_WORD_MAX);
	check_string(d->seller_id, IPN_ID_MAX);
	check_string(d->provider_seller_id, IPN_ID_MAX);
	check_string(d->conversion_rate, IPN_WORD_MAX);
	check_options(d->options);
	check_amount(d->amount.known, d->amount.minor, d->currency);
	check_amount(d->done.known, d->done.minor, d->currency);
	check_amount(d->fee.known, d->fee.minor, d->currency);
	check_amount(d->limit.known, d->limit.minor, d->currency);
	check_amount(d->remaining.known, d->remaining.minor, d->currency);
	check_amount(d->converted.known, d->converted.minor, d->converted.currency);
	check_time(d->updated_ms);
	check_time(d->created_ms);
	check_time(d->expires_ms);
	check_time(d->period_start_ms);
	check_time(d->period_end_ms);
	assert(d->n_unknown <= IPN_UNKNOWN_MAX && d->ids.n <= IPN_IDS_MAX);
	for (size_t i = 0; i < d->ids.n; i++)
		check_string(d->ids.at[i], IPN_ID_MAX);
}

static bool same_string(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_amount(const struct ipn_amount *a, const struct ipn_amount *b)
{
	return a->known == b->known && (!a->known || a->minor == b->minor);
}

static bool same_foreign(const struct ipn_foreign *a, const struct ipn_foreign *b)
{
	return a->known == b->known &&
	       (!a->known ||
		(a->minor == b->minor && memcmp(a->currency, b->currency, CURRENCY_SIZE) == 0));
}

/* The list of ids is left out: which of a capture's two lists one stood in, the writer guesses by its shape. */
static void check_same(const struct ipn_document *a, const struct ipn_document *b)
{
	assert(a->object == b->object);
	assert(same_string(a->object_id, b->object_id));
	assert(same_string(a->order_reference_id, b->order_reference_id));
	assert(same_string(a->state, b->state));
	assert(same_string(a->reason_code, b->reason_code));
	assert(same_string(a->reason_description, b->reason_description));
	assert(same_string(a->reference_id, b->reference_id));
	assert(same_string(a->seller_order_id, b->seller_order_id));
	assert(same_string(a->refund_type, b->refund_type));
	assert(same_string(a->seller_id, b->seller_id));
	assert(same_string(a->provider_seller_id, b->provider_seller_id));
	assert(same_string(a->conversion_rate, b->conversion_rate));
	assert(same_string(a->options, b->options));
	assert(memcmp(a->currency, b->currency, CURRENCY_SIZE) == 0);
	assert(same_amount(&a->amount, &b->amount) && same_amount(&a->done, &b->done));
	assert(same_amount(&a->fee, &b->fee) && same_amount(&a->limit, &b->limit));
	assert(same_amount(&a->remaining, &b->remaining));
	assert(same_foreign(&a->converted, &b->converted));
	assert(a->updated_ms == b->updated_ms && a->created_ms == b->created_ms);
	assert(a->expires_ms == b->expires_ms);
	assert(a->period_start_ms == b->period_start_ms && a->period_end_ms == b->period_end_ms);
	assert(a->soft_decline == b->soft_decline && a->capture_now == b->capture_now);
	assert(a->consent == b->consent);
}

static void check_written_again(const struct ipn_document *d)
{
	CLEANUP(freep) char *xml = document_write(d, "");
	struct ipn_document again;
	struct why why;

	assert(xml);
	assert(ipn_document_parse(text_of(document_type(d->object)), text_of(xml), &again, &why));
	check_same(d, &again);
	ipn_document_done(&again);
}

void check_document(const struct ipn_document *d)
{
	check_values(d);
	check_mandatory(d);
	check_written_again(d);
}
