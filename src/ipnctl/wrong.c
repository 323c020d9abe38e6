/* What looks wrong in a story: the second half of advice.h. */
#include <inttypes.h>
#include <string.h>

#include "base/utc.h"
#include "ipnctl/advice.h"
#include "ipnctl/output.h"
#include "ipnctl/rows.h"
#include "ipnctl/story.h"

static const char *whole(const json_t *story)
{
	return row_word(story, "id");
}

static bool has_parts(const json_t *story)
{
	return json_array_size(json_object_get(story, "authorizations")) > 0 ||
	       json_array_size(json_object_get(story, "captures")) > 0 ||
	       json_array_size(json_object_get(story, "refunds")) > 0;
}

static void check_unknown(const json_t *story, json_t *wrong)
{
	const json_t *row;
	size_t i;

	if (json_is_true(json_object_get(story, "is_order")) && has_parts(story) &&
	    !json_is_object(json_object_get(story, "order_reference")))
		advice_say(
			wrong, whole(story), UTC_UNKNOWN,
			"the order reference itself has never been heard of, only its parts; its state is "
			"unknown here (ask GetOrderReferenceDetails)");
	json_array_foreach(json_object_get(story, "captures"), i, row)
	{
		if (!row_text(row, "authorization_id"))
			advice_say(wrong, row_text(row, "capture_id"), UTC_UNKNOWN,
				   "its authorization has never been heard of");
	}
	json_array_foreach(json_object_get(story, "refunds"), i, row)
	{
		if (!row_text(row, "capture_id"))
			advice_say(wrong, row_text(row, "refund_id"), UTC_UNKNOWN,
				   "Amazon does not say which capture it refunds");
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
			"%s since %s is held as a conflict: no allowed move leads there (ipnctl show %s)",
			row_word(row, "state"), row_word(row, "at"), row_word(row, "message_id"));
	}
}

static void check_notification(const json_t *n, json_t *wrong)
{
	if (row_is(n, "verdict", "foreign") || row_is(n, "verdict", "unrecognized"))
		advice_say(wrong, row_text(n, "message_id"), UTC_UNKNOWN, "%s, so not applied: %s",
			   row_word(n, "verdict"), row_word(n, "why"));
}

static void check_run(const json_t *event, const json_t *run, json_t *wrong)
{
	if (row_is(run, "state", "dead"))
		advice_say(wrong, row_text(event, "object_id"), UTC_UNKNOWN,
			   "hook %s has given up event %" PRId64 " (%s): %s", row_word(run, "hook"),
			   row_number(event, "id"), row_word(event, "name"),
			   row_word(run, "detail"));
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

		at_ms = advice_authorization_expires(row);
		if (row_is(row, "state", "Open") && at_ms != UTC_UNKNOWN && at_ms < now_ms)
			advice_say(
				wrong, id, UTC_UNKNOWN,
				"should have expired by now, and Amazon has not said so (ask GetAuthorizationDetails)");
		at_ms = row_time(row, "created_at");
		if (row_is(row, "state", "Pending") && at_ms != UTC_UNKNOWN &&
		    now_ms - at_ms > ADVICE_DECIDED_MS)
			advice_say(wrong, id, UTC_UNKNOWN,
				   "still Pending after 24 hours (ask GetAuthorizationDetails)");
	}
}

/* The sum over `rows` that are of the parent and count. */
static int64_t sum_of(const json_t *rows, const char *parent_key, const char *parent,
		      bool (*counts)(const json_t *row))
{
	int64_t total = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (row_is(row, parent_key, parent) && counts(row) &&
		    __builtin_add_overflow(total, row_number(row, "amount_minor"), &total))
			return INT64_MAX;
	}
	return total;
}

static bool is_completed(const json_t *row)
{
	return row_is(row, "state", "Completed");
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

static void check_money(const json_t *story, json_t *wrong)
{
	const json_t *captures = json_object_get(story, "captures"), *row;
	char amount[ROW_MONEY_SIZE];
	size_t i;

	json_array_foreach(json_object_get(story, "authorizations"), i, row)
	{
		const char *id = row_word(row, "authorization_id");

		row_money(row, "captured_minor", amount);
		if (captured_differs(row, sum_of(captures, "authorization_id", id, story_is_paid)))
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
		    sum_of(json_object_get(story, "refunds"), "capture_id", id, is_completed))
			advice_say(
				wrong, id, UTC_UNKNOWN,
				"Amazon says that %s were refunded, and the refunds known to be of it come to "
				"less: a notification may be missing (ask GetCaptureDetails)",
				amount);
	}
}

static void check_currency(const json_t *story, json_t *wrong)
{
	static const char *const parts[] = {"authorizations", "captures", "refunds"};
	const char *currency = row_text(json_object_get(story, "money"), "currency");
	const json_t *row;
	size_t i, j;

	for (i = 0; currency && i < sizeof(parts) / sizeof(parts[0]); i++)
		json_array_foreach(json_object_get(story, parts[i]), j, row)
		{
			if (row_text(row, "currency") && !row_is(row, "currency", currency)) {
				advice_say(
					wrong, whole(story), UTC_UNKNOWN,
					"amounts in more than one currency; the sums are of %s only",
					currency);
				return;
			}
		}
}

void advice_add_wrong(json_t *story, int64_t now_ms, bool hooks_stopped)
{
	json_t *wrong = output_need(json_array());

	json_put(story, "wrong", wrong);
	check_unknown(story, wrong);
	check_conflicts(story, wrong);
	check_timeline(story, wrong, hooks_stopped);
	check_times(story, wrong, now_ms);
	check_money(story, wrong);
	check_currency(story, wrong);
}
