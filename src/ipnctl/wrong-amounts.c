/*
 * What looks wrong of amounts: currencies, sums that differ from Amazon's, and what is above its limits. Amazon's word is the
 * state all the same (protocol.md section 5): these are for a person.
 */
#include <string.h>

#include "base/utc.h"
#include "ipnctl/advice.h"
#include "ipnctl/limits.h"
#include "ipnctl/output.h"
#include "ipnctl/rows.h"
#include "ipnctl/story.h"
#include "ipnctl/sums.h"

/* The row of the list whose `key` is `id`; NULL: there is none. */
static const json_t *row_with(const json_t *list, const char *key, const char *id)
{
	const json_t *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		if (id && row_is(row, key, id))
			return row;
	}
	return NULL;
}

/* What the row is of: its parent where that is known, else the order. NULL: neither is. */
static const json_t *parent_of(const json_t *story, const struct story_part *part,
			       const json_t *row)
{
	const char *id = part->parent ? row_text(row, part->parent) : NULL;
	const json_t *parent = NULL;

	for (size_t i = 0; id && !parent && i < STORY_PARTS; i++)
		if (strcmp(story_parts[i].key, part->parent) == 0)
			parent = row_with(json_object_get(story, story_parts[i].list), part->parent,
					  id);
	if (!parent)
		parent = json_object_get(story, "order_reference");
	return json_is_object(parent) ? parent : NULL;
}

static const char *id_of(const json_t *row)
{
	static const char *const keys[] = {"provider_credit_id", "capture_id", "authorization_id",
					   "order_reference_id"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (row_text(row, keys[i]))
			return row_text(row, keys[i]);
	return "";
}

/* A child in another currency than its parent, or older. */
static void check_parents(const json_t *story, json_t *wrong)
{
	const json_t *row;
	size_t i, j;

	for (i = 0; i < STORY_PARTS; i++)
		json_array_foreach(json_object_get(story, story_parts[i].list), j, row)
		{
			const json_t *parent = parent_of(story, &story_parts[i], row);
			const char *id = row_text(row, story_parts[i].key);
			int64_t at_ms = row_time(row, "created_at");

			if (!parent)
				continue;
			if (row_text(row, "currency") && row_text(parent, "currency") &&
			    !row_is(row, "currency", row_word(parent, "currency")))
				advice_say(
					wrong, id, UTC_UNKNOWN,
					"is in %s, and %s in %s: ask Amazon which is right; the sums "
					"here are of one currency only",
					row_word(row, "currency"), id_of(parent),
					row_word(parent, "currency"));
			if (at_ms != UTC_UNKNOWN && at_ms < row_time(parent, "created_at"))
				advice_say(
					wrong, id, UTC_UNKNOWN,
					"was made before %s, which it is of (ask Get...Details of both)",
					id_of(parent));
		}
}

/*
 * Less than our sum is what an authorization says whose last notification is older than the capture. Closed because
 * it was captured, it knows.
 */
static bool captured_differs(const json_t *authorization, int64_t known_minor)
{
	int64_t minor = row_number(authorization, "captured_minor");

	return minor > known_minor || (minor < known_minor && row_is(authorization, "reason_code",
								     "MaxCapturesProcessed"));
}

static void check_sums(const json_t *story, json_t *wrong)
{
	const json_t *captures = json_object_get(story, "captures"), *row;
	char amount[ROW_MONEY_SIZE];
	size_t i;

	json_array_foreach(json_object_get(story, "authorizations"), i, row)
	{
		const char *id = row_word(row, "authorization_id");

		row_money(row, "captured_minor", amount);
		if (captured_differs(row, sums_of(captures, "authorization_id", id, sums_is_paid)))
			advice_say(
				wrong, id, UTC_UNKNOWN,
				"Amazon says that %s were captured, and the captures known here come to another "
				"sum: a notification may be missing (ask GetCaptureDetails)",
				amount);
	}
	json_array_foreach(captures, i, row)
	{
		const char *id = row_word(row, "capture_id");

		row_money(row, "refunded_minor", amount);
		if (row_number(row, "refunded_minor") >
		    sums_of(json_object_get(story, "refunds"), "capture_id", id, sums_is_completed))
			advice_say(
				wrong, id, UTC_UNKNOWN,
				"Amazon says that %s were refunded, and the refunds known to be of it come to "
				"less: a notification may be missing (ask GetCaptureDetails)",
				amount);
	}
}

/* `minor` of the row's currency is above what Amazon allows for the row's own amount. */
static void check_most(const json_t *row, const char *id, int64_t minor, const char *what,
		       json_t *wrong)
{
	const char *currency = row_word(row, "currency");
	int64_t most = limits_most(row_number(row, "amount_minor"), currency), known;
	char is[ROW_MONEY_SIZE], may[ROW_MONEY_SIZE];

	if (!row_int(row, "amount_minor", &known) || minor <= most)
		return;
	limits_format(row, minor, is);
	limits_format(row, most, may);
	advice_say(
		wrong, id, UTC_UNKNOWN,
		"%s were %s, more than the %s that Amazon allows%s: look at it in Seller Central",
		is, what, may, limits_is_exact(currency) ? "" : ", as far as the guide tells");
}

static void check_limits(const json_t *story, json_t *wrong)
{
	const json_t *order = json_object_get(story, "order_reference"), *row;
	const json_t *captures = json_object_get(story, "captures");
	size_t i;

	check_most(order, row_text(order, "order_reference_id"),
		   sums_of(captures, "currency", row_word(order, "currency"), sums_is_paid),
		   "captured in all", wrong);
	json_array_foreach(json_object_get(story, "authorizations"), i, row)
	{
		const char *id = row_word(row, "authorization_id");

		check_most(row, id, sums_of(captures, "authorization_id", id, sums_is_paid),
			   "captured of it", wrong);
	}
	json_array_foreach(captures, i, row)
	{
		check_most(row, row_text(row, "capture_id"), row_number(row, "refunded_minor"),
			   "refunded of it", wrong);
	}
}

static void check_counts(const json_t *story, json_t *wrong)
{
	const json_t *capture;
	size_t i;

	json_array_foreach(json_object_get(story, "captures"), i, capture)
	{
		size_t n = sums_refunds_of(story, capture);

		if (n > LIMITS_REFUNDS)
			advice_say(
				wrong, row_text(capture, "capture_id"), UTC_UNKNOWN,
				"has %zu refunds, and Amazon allows %d: look at it in Seller Central",
				n, LIMITS_REFUNDS);
	}
}

/* Only the agreement's own figures: Amazon does not say which orders are its. */
static void check_agreement(const json_t *story, json_t *wrong)
{
	const json_t *agreement = json_object_get(story, "billing_agreement");
	int64_t remaining, limit;

	if (row_int(agreement, "remaining_minor", &remaining) &&
	    row_int(agreement, "limit_minor", &limit) && remaining > limit)
		advice_say(wrong, row_text(agreement, "billing_agreement_id"), UTC_UNKNOWN,
			   "more is left than its limit is (ask GetBillingAgreementDetails)");
}

void advice_add_wrong_amounts(const json_t *story, json_t *wrong)
{
	check_parents(story, wrong);
	check_sums(story, wrong);
	check_limits(story, wrong);
	check_counts(story, wrong);
	check_agreement(story, wrong);
}
