#include "ipnctl/timeline.h"

#include <inttypes.h>
#include <string.h>

#include "ipnctl/rows.h"
#include "ipnctl/when.h"
#include "ipnctl/words.h"

#define OUTPUT_LINES  8  /* of a hook's output: how it ended is at its end */
#define DETAIL_INDENT 27 /* below what stands behind the time */

static void print_transition(const struct output *o, const json_t *t)
{
	const char *from = row_text(t, "from_state"), *reason = row_text(t, "reason_code");
	const char *words = row_text(t, "reason_description");

	output_text(o, COLOUR_PLAIN,
		    "%s %s: ", words_object(object_of_word(row_word(t, "object_type"))),
		    row_word(t, "object_id"));
	output_text(o, COLOUR_PLAIN, "%s%s", from ? from : "", from ? " -> " : "");
	output_text(o, words_colour(row_word(t, "to_state")), "%s", row_word(t, "to_state"));
	/* What is captured at once skips states by nature (protocol.md section 4.2). */
	output_line(o, COLOUR_PLAIN, "%s%s%s%s%s%s%s%s", reason ? ", " : "", reason ? reason : "",
		    words ? " (" : "", words ? words : "", words ? ")" : "",
		    row_number(t, "late") ? ", learnt late" : "",
		    row_number(t, "skipped") && !row_number(t, "capture_now")
			    ? "; states before it were not heard of"
			    : "",
		    row_number(t, "accepted") ? "; accepted by a person" : "");
}

static void print_decision(const struct output *o, const json_t *d)
{
	char since[WHEN_SIZE];

	when_format(row_time(d, "since"), true, since);
	output_line(o, COLOUR_WAIT, "%s %s: %s %s that it is %s since %s (conflict %" PRId64 ")",
		    words_object(object_of_word(row_word(d, "object_type"))),
		    row_word(d, "object_id"), row_word(d, "decided_by"), row_word(d, "decision"),
		    row_word(d, "state"), since, row_number(d, "id"));
}

static void print_notification(const struct output *o, const json_t *n)
{
	int64_t sent_ms = row_time(n, "sent_at"), received_ms = row_time(n, "received_at");
	char delay[WHEN_SIZE], again[WHEN_SIZE];

	when_length(sent_ms == UTC_UNKNOWN || received_ms == UTC_UNKNOWN ? 0
									 : received_ms - sent_ms,
		    delay);
	output_text(o, COLOUR_PLAIN,
		    "%s %s: ", row_text(n, "type") ? row_text(n, "type") : "notification",
		    row_text(n, "object_id") ? row_text(n, "object_id") : "of unknown contents");
	output_text(o, words_colour(row_word(n, "verdict")), "%s", row_word(n, "verdict"));
	output_line(o, COLOUR_PLAIN, "%s%s, received %s later", row_text(n, "why") ? ", " : "",
		    row_word(n, "why"), delay);
	when_format(row_time(n, "reprocessed_at"), true, again);
	if (again[0])
		output_line(o, COLOUR_PLAIN, "%*sunderstood by a later version, at %s",
			    DETAIL_INDENT, "", again);
	output_line(o, COLOUR_DIM, "%*sMessageId %s", DETAIL_INDENT, "", row_word(n, "message_id"));
}

static void print_run(const struct output *o, const json_t *run)
{
	int64_t attempts = row_number(run, "attempts"), status;
	char next[WHEN_SIZE];

	when_format(row_time(run, "next_attempt_at"), true, next);
	output_text(o, COLOUR_PLAIN, "%*shook %s: ", DETAIL_INDENT, "", row_word(run, "hook"));
	output_text(o, words_colour(row_word(run, "state")), "%s", row_word(run, "state"));
	if (attempts > 0)
		output_text(o, COLOUR_PLAIN, ", %" PRId64 " attempt%s", attempts,
			    attempts == 1 ? "" : "s");
	if (!row_text(run, "detail") && row_int(run, "exit_status", &status))
		output_text(o, COLOUR_PLAIN, ", exit status %" PRId64, status);
	if (next[0])
		output_text(o, COLOUR_PLAIN, ", next at %s", next);
	else if (row_is(run, "state", "pending"))
		output_text(o, COLOUR_PLAIN, ", waits for an earlier event of its order");
	output_line(o, COLOUR_PLAIN, "%s%s", row_text(run, "detail") ? ": " : "",
		    row_word(run, "detail"));
	if (row_text(run, "output"))
		output_block(o, DETAIL_INDENT + 2, row_text(run, "output"), OUTPUT_LINES);
}

static void print_event(const struct output *o, const json_t *e)
{
	const json_t *run;
	size_t i;

	output_line(o, COLOUR_PLAIN, "event %" PRId64 ": %s%s", row_number(e, "id"),
		    row_word(e, "name"), row_number(e, "late") ? ", late" : "");
	json_array_foreach(json_object_get(e, "hook_runs"), i, run)
	{
		print_run(o, run);
	}
}

void timeline_print(const struct output *o, const json_t *timeline)
{
	const json_t *moment;
	size_t i;

	fputc('\n', o->f);
	output_line(o, COLOUR_BOLD, "Timeline (UTC)");
	json_array_foreach(timeline, i, moment)
	{
		char at[WHEN_SIZE];

		when_format(row_time(moment, "at"), true, at);
		output_text(o, COLOUR_DIM, "  %-23s  ", at);
		if (row_is(moment, "kind", "transition"))
			print_transition(o, moment);
		else if (row_is(moment, "kind", "notification"))
			print_notification(o, moment);
		else if (row_is(moment, "kind", "decision"))
			print_decision(o, moment);
		else
			print_event(o, moment);
	}
}
