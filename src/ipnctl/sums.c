#include "ipnctl/sums.h"

#include "ipnctl/output.h"
#include "ipnctl/rows.h"

bool sums_is_paid(const json_t *capture)
{
	return row_is(capture, "state", "Completed") || row_is(capture, "state", "Closed");
}

static bool is_any(const json_t *row)
{
	(void)row;
	return true;
}

static bool is_not_declined(const json_t *row)
{
	return !row_is(row, "state", "Declined");
}

bool sums_is_completed(const json_t *row)
{
	return row_is(row, "state", "Completed");
}

static int64_t sum(const json_t *rows, const char *key, const char *currency,
		   bool (*counts)(const json_t *row))
{
	int64_t total = 0, minor;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (counts(row) && row_is(row, "currency", currency) && row_int(row, key, &minor) &&
		    __builtin_add_overflow(total, minor, &total))
			return INT64_MAX;
	}
	return total;
}

int64_t sums_of(const json_t *list, const char *key, const char *word,
		bool (*counts)(const json_t *row))
{
	int64_t total = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		if (row_is(row, key, word) && counts(row) &&
		    __builtin_add_overflow(total, row_number(row, "amount_minor"), &total))
			return INT64_MAX;
	}
	return total;
}

size_t sums_refunds_of(const json_t *story, const json_t *capture)
{
	const json_t *refund;
	size_t i, n = 0;

	json_array_foreach(json_object_get(story, "refunds"), i, refund)
	{
		n += is_not_declined(refund) &&
		     row_is(refund, "capture_id", row_word(capture, "capture_id"));
	}
	return n;
}

/* The order's, else that of the first part that has one. */
static const char *currency_of(const json_t *story)
{
	static const char *const parts[] = {"authorizations", "captures", "refunds"};
	const char *currency = row_text(json_object_get(story, "order_reference"), "currency");

	for (size_t i = 0; !currency && i < sizeof(parts) / sizeof(parts[0]); i++)
		currency =
			row_text(json_array_get(json_object_get(story, parts[i]), 0), "currency");
	return currency;
}

/* What was refunded: by refunds that are known, or by Amazon's figure where that is larger. */
static int64_t refunded(const json_t *story, const char *currency)
{
	int64_t by_refunds =
		sum(json_object_get(story, "refunds"), "amount_minor", currency, sums_is_completed);
	int64_t by_captures =
		sum(json_object_get(story, "captures"), "refunded_minor", currency, is_any);

	return by_refunds > by_captures ? by_refunds : by_captures;
}

void sums_add(json_t *story)
{
	const json_t *authorizations = json_object_get(story, "authorizations");
	const json_t *total =
		json_object_get(json_object_get(story, "order_reference"), "amount_minor");
	const char *text = currency_of(story), *currency = text ? text : "";
	json_t *money = output_need(json_object());

	json_put(money, "currency", json_text(text));
	json_put(money, "total_minor",
		 json_is_integer(total) ? json_integer(json_integer_value(total)) : json_null());
	json_put(money, "authorized_minor",
		 json_integer(sum(authorizations, "amount_minor", currency, is_not_declined)));
	json_put(money, "captured_minor",
		 json_integer(sum(json_object_get(story, "captures"), "amount_minor", currency,
				  sums_is_paid)));
	json_put(money, "refunded_minor", json_integer(refunded(story, currency)));
	json_put(money, "amazon_captured_minor",
		 json_integer(sum(authorizations, "captured_minor", currency, is_any)));
	json_put(story, "money", money);
}
