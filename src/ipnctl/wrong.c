/* What looks wrong in a story: the second half of advice.h. */
#include <inttypes.h>
#include <string.h>

#include "base/utc.h"
#include "ipnctl/advice.h"
#include "ipnctl/limits.h"
#include "ipnctl/output.h"
#include "ipnctl/rows.h"
#include "ipnctl/story.h"

static const char *whole(const json_t *story)
{
	return row_word(story, "id");
}

static bool has_parts(const json_t *story)
{
	for (size_t i = 0; i < STORY_PARTS; i++)
		if (json_array_size(json_object_get(story, story_parts[i].list)) > 0)
			return true;
	return false;
}

/* What nobody told: a parent that is not there. */
static void check_unknown(const json_t *story, json_t *wrong)
{
	static const struct {
		const char *list, *key, *parent, *what;
	} parents[] = {
		{"captures", "capture_id", "authorization_id",
		 "its authorization has never been heard of (ask GetCaptureDetails)"},
		{"refunds", "refund_id", "capture_id",
		 "Amazon does not say which capture it refunds (GetCaptureDetails lists the refunds of each)"},
		{"provider_credits", "provider_credit_id", "capture_id",
		 "its capture has not named it (ask GetProviderCreditDetails)"},
		{"provider_credit_reversals", "provider_credit_reversal_id", "provider_credit_id",
		 "its provider credit has not named it (ask GetProviderCreditReversalDetails)"},
	};
	const json_t *row;
	size_t i, j;

	if (json_is_true(json_object_get(story, "is_order")) && has_parts(story) &&
	    !json_is_object(json_object_get(story, "order_reference")))
		advice_say(
			wrong, whole(story), UTC_UNKNOWN,
			"the order reference itself has never been heard of, only its parts; its state is "
			"unknown here (ask GetOrderReferenceDetails)");
	for (i = 0; i < sizeof(parents) / sizeof(parents[0]); i++)
		json_array_foreach(json_object_get(story, parents[i].list), j, row)
		{
			if (!row_text(row, parents[i].parent))
				advice_say(wrong, row_text(row, parents[i].key), UTC_UNKNOWN, "%s",
					   parents[i].what);
		}
}

/* Two environments, or two sellers, in one order: a configuration that is not the merchant's, or worse. */
static void check_whose(const json_t *story, json_t *wrong)
{
	static const struct {
		const char *key, *what;
	} keys[] = {{"environment", "its notifications are of sandbox and of live"},
		    {"account", "its notifications came for more than one account"}};
	const char *first;
	const json_t *row;
	size_t i, j, k;

	for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		bool differs = false;

		first = row_text(story, keys[k].key);
		for (i = 0; i < STORY_PARTS; i++)
			json_array_foreach(json_object_get(story, story_parts[i].list), j, row)
			{
				differs = differs || (first && row_text(row, keys[k].key) &&
						      !row_is(row, keys[k].key, first));
			}
		if (differs)
			advice_say(wrong, whole(story), UTC_UNKNOWN,
				   "%s: look at ipnd.conf, and at each notification", keys[k].what);
	}
}

static void check_chargebacks(const json_t *story, json_t *wrong)
{
	char amount[ROW_MONEY_SIZE];
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(story, "chargebacks"), i, row)
	{
		row_money(row, "amount_minor", amount);
		advice_say(wrong, row_text(row, "chargeback_id"), UTC_UNKNOWN,
			   "the buyer's bank takes %s back: %s", amount,
			   row_text(row, "reason") ? row_word(row, "reason") : "no reason given");
	}
}

static void check_conflicts(const json_t *story, json_t *wrong)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(story, "conflicts"), i, row)
	{
		advice_say(
			wrong, row_text(row, "object_id"), UTC_UNKNOWN,
			"%s since %s is held: no allowed move leads there; decide with ipnctl conflicts "
			"accept %" PRId64 " or dismiss %" PRId64,
			row_word(row, "state"), row_word(row, "at"), row_number(row, "id"),
			row_number(row, "id"));
	}
}

static void check_notification(const json_t *n, json_t *wrong)
{
	if (row_is(n, "verdict", "foreign") ||
	    (row_is(n, "verdict", "unrecognized") && !row_text(n, "reprocessed_at")))
		advice_say(wrong, row_text(n, "message_id"), UTC_UNKNOWN, "%s, so not applied: %s",
			   row_word(n, "verdict"), row_word(n, "why"));
}

static void check_run(const json_t *event, const json_t *run, json_t *wrong)
{
	if (row_is(run, "state", "dead"))
		advice_say(wrong, row_text(event, "object_id"), UTC_UNKNOWN,
			   "hook %s has given up event %" PRId64
			   " (%s): %s; when that is mended: ipnctl hooks retry %" PRId64,
			   row_word(run, "hook"), row_number(event, "id"), row_word(event, "name"),
			   row_word(run, "detail"), row_number(event, "id"));
	else if (row_is(run, "state", "pending") && row_number(run, "attempts") > 0)
		advice_say(wrong, row_text(event, "object_id"), UTC_UNKNOWN,
			   "hook %s has failed at event %" PRId64 " (%s), attempt %" PRId64
			   ", and tries again at %s: %s",
			   row_word(run, "hook"), row_number(event, "id"), row_word(event, "name"),
			   row_number(run, "attempts"), row_word(run, "next_attempt_at"),
			   row_word(run, "detail"));
}

/* An event that ipn-hookd has not come to, or a run that has not ended. */
static bool waits(const json_t *story, const json_t *moment)
{
	const json_t *run;
	int64_t seen;
	size_t i;

	json_array_foreach(json_object_get(moment, "hook_runs"), i, run)
	{
		if (row_is(run, "state", "pending") || row_is(run, "state", "running"))
			return true;
	}
	return row_is(moment, "kind", "event") && row_int(story, "hooks_seen", &seen) &&
	       row_number(moment, "id") > seen;
}

static void check_timeline(const json_t *story, json_t *wrong, bool hooks_stopped)
{
	const json_t *moment, *run;
	bool waiting = false;
	size_t i, j;

	json_array_foreach(json_object_get(story, "timeline"), i, moment)
	{
		if (row_is(moment, "kind", "notification"))
			check_notification(moment, wrong);
		json_array_foreach(json_object_get(moment, "hook_runs"), j, run)
		{
			check_run(moment, run, wrong);
		}
		waiting = waiting || waits(story, moment);
	}
	if (waiting && hooks_stopped)
		advice_say(wrong, whole(story), UTC_UNKNOWN,
			   "hooks wait, and ipn-hookd is not running: start it");
}

static void check_times(const json_t *story, json_t *wrong, int64_t now_ms)
{
	const json_t *order = json_object_get(story, "order_reference"), *row;
	int64_t at_ms = row_time(order, "expires_at");
	size_t i;

	if ((row_is(order, "state", "Open") || row_is(order, "state", "Suspended")) &&
	    at_ms != UTC_UNKNOWN && at_ms < now_ms)
		advice_say(
			wrong, whole(story), UTC_UNKNOWN,
			"should have expired at %s, and Amazon has not said so (ask GetOrderReferenceDetails)",
			row_word(order, "expires_at"));
	json_array_foreach(json_object_get(story, "authorizations"), i, row)
	{
		const char *id = row_text(row, "authorization_id");

		at_ms = row_time(row, "deadline_at");
		if (row_is(row, "state", "Open") && at_ms != UTC_UNKNOWN && at_ms < now_ms)
			advice_say(
				wrong, id, UTC_UNKNOWN,
				"should have expired by now, and Amazon has not said so (ask GetAuthorizationDetails)");
		at_ms = row_time(row, "created_at");
		if (row_is(row, "state", "Pending") && at_ms != UTC_UNKNOWN &&
		    now_ms - at_ms > LIMITS_DECIDED_MS)
			advice_say(wrong, id, UTC_UNKNOWN,
				   "still Pending after 24 hours (ask GetAuthorizationDetails)");
	}
}

void advice_add_wrong(json_t *story, int64_t now_ms, bool hooks_stopped)
{
	json_t *wrong = output_need(json_array());

	json_put(story, "wrong", wrong);
	check_unknown(story, wrong);
	check_whose(story, wrong);
	check_chargebacks(story, wrong);
	check_conflicts(story, wrong);
	check_timeline(story, wrong, hooks_stopped);
	check_times(story, wrong, now_ms);
	advice_add_wrong_amounts(story, wrong);
}
