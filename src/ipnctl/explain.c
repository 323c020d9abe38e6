/* explain: the whole story of an order, for people. The facts come from story.c and advice.c. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "ipn/document.h"
#include "ipnctl/advice.h"
#include "ipnctl/find.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "ipnctl/story.h"
#include "ipnctl/timeline.h"
#include "ipnctl/when.h"
#include "ipnctl/words.h"

static json_t *order_of(const char *object_id)
{
	CLEANUP(freep) char *order = ipn_order_reference_of(object_id);

	return json_text(order ? order : object_id);
}

/* The order reference that a thing belongs to; where there is none, what stands for it in event.lane. */
static json_t *lane_of(const json_t *found)
{
	const json_t *row = json_object_get(found, "row");
	const char *kind = row_word(found, "kind");
	char key[64];

	if (strcmp(kind, "event") == 0)
		return json_text(row_text(row, "lane"));
	if (strcmp(kind, "notification") == 0)
		return row_text(row, "object_id") ? order_of(row_text(row, "object_id"))
						  : json_text(row_text(row, "message_id"));
	if (row_text(row, "order_reference_id"))
		return json_text(row_text(row, "order_reference_id"));
	snprintf(key, sizeof(key), "%s_id", kind);
	return json_text(row_text(row, key));
}

static bool has(const json_t *array, const json_t *value)
{
	const json_t *one;
	size_t i;

	json_array_foreach(array, i, one)
	{
		if (json_equal(one, value))
			return true;
	}
	return false;
}

/* The lanes meant by `id`, each once. What no table has may still be in notifications that were not applied. */
static int find_lanes(struct ledger *l, const char *id, json_t **ret)
{
	CLEANUP(json_decrefp) json_t *lanes = output_need(json_array()), *found = NULL;
	const json_t *one;
	size_t i;
	int r = find_all(l, id, &found);

	if (r < 0)
		return r;
	json_array_foreach(found, i, one)
	{
		CLEANUP(json_decrefp) json_t *lane = output_need(lane_of(one));

		if (!has(lanes, lane))
			json_add(lanes, json_incref(lane));
	}
	if (json_array_size(lanes) == 0)
		json_add(lanes, order_of(id));
	*ret = TAKE(lanes);
	return 0;
}

static void print_field(const struct output *o, const char *name)
{
	output_text(o, COLOUR_DIM, "  %-14s", name);
}

static void print_state(const struct output *o, const json_t *row)
{
	const char *reason = row_text(row, "reason_code");

	output_text(o, words_colour(row_word(row, "state")), "%s%s%s", row_word(row, "state"),
		    reason ? "/" : "", reason ? reason : "");
}

static void print_times(const struct output *o, const json_t *order)
{
	char created[WHEN_SIZE], expires[WHEN_SIZE];

	when_format(row_time(order, "created_at"), false, created);
	when_format(row_time(order, "expires_at"), false, expires);
	print_field(o, "created");
	output_line(o, COLOUR_PLAIN, "%s UTC%s%s%s", created[0] ? created : "unknown",
		    expires[0] ? ", expires " : "", expires, expires[0] ? " UTC" : "");
}

static void print_order(const struct output *o, const json_t *story)
{
	const json_t *order = json_object_get(story, "order_reference");
	char total[ROW_MONEY_SIZE];

	output_line(o, COLOUR_BOLD, "%s", row_word(story, "id"));
	print_field(o, "state");
	if (json_is_object(order)) {
		print_state(o, order);
		output_line(o, COLOUR_PLAIN, ": %s", row_word(order, "meaning"));
		row_money(order, "amount_minor", total);
		print_field(o, "total");
		output_line(o, COLOUR_PLAIN, "%s", total[0] ? total : "unknown");
		print_field(o, "shop's order");
		output_line(o, COLOUR_PLAIN, "%s",
			    row_text(order, "seller_order_id") ? row_text(order, "seller_order_id")
							       : "unknown");
		print_times(o, order);
	} else if (json_is_true(json_object_get(story, "is_order"))) {
		output_line(o, COLOUR_WAIT, "unknown: never heard of by itself");
	} else {
		output_line(o, COLOUR_PLAIN, "none: this is of no order reference that is known");
	}
	print_field(o, "account");
	output_line(o, COLOUR_PLAIN, "%s, %s", row_word(story, "account"),
		    row_text(story, "environment") ? row_text(story, "environment") : "?");
}

static void print_money(const struct output *o, const json_t *story)
{
	const json_t *money = json_object_get(story, "money");
	char authorized[ROW_MONEY_SIZE], captured[ROW_MONEY_SIZE], refunded[ROW_MONEY_SIZE];

	if (!row_text(money, "currency"))
		return;
	row_money(money, "authorized_minor", authorized);
	row_money(money, "captured_minor", captured);
	row_money(money, "refunded_minor", refunded);
	print_field(o, "money");
	output_line(o, COLOUR_PLAIN, "authorized %s, captured %s, refunded %s", authorized,
		    captured, refunded);
}

static void add_part(struct table *t, const json_t *row, const char *name, const char *key)
{
	const char *type = row_text(row, "refund_type");
	bool unasked = type && strcmp(type, "SellerInitiated") != 0;
	char money[ROW_MONEY_SIZE], state[128], meaning[256];

	row_money(row, "amount_minor", money);
	snprintf(state, sizeof(state), "%s%s%s", row_word(row, "state"),
		 row_text(row, "reason_code") ? "/" : "", row_word(row, "reason_code"));
	snprintf(meaning, sizeof(meaning), "%s%s%.64s%s", row_word(row, "meaning"),
		 unasked ? " (not by the shop: " : "", unasked ? type : "", unasked ? ")" : "");
	table_cell(t, COLOUR_PLAIN, name);
	table_cell(t, COLOUR_PLAIN, row_text(row, key));
	table_cell(t, COLOUR_PLAIN, money);
	table_cell(t, words_colour(row_word(row, "state")), state);
	table_cell(t, COLOUR_PLAIN, meaning);
}

static void print_parts(const struct output *o, const json_t *story)
{
	static const struct {
		const char *list, *name, *key;
	} parts[] = {
		{"authorizations", "authorization", "authorization_id"},
		{"captures", "capture", "capture_id"},
		{"refunds", "refund", "refund_id"},
	};
	CLEANUP(table_freep) struct table *t = table_new();
	size_t rows = 0;

	table_heading(t, "PART", false);
	table_heading(t, "ID", false);
	table_heading(t, "AMOUNT", true);
	table_heading(t, "STATE", false);
	table_heading(t, "MEANING", false);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const json_t *row;
		size_t j;

		json_array_foreach(json_object_get(story, parts[i].list), j, row)
		{
			add_part(t, row, parts[i].name, parts[i].key);
			rows++;
		}
	}
	if (rows == 0)
		return;
	fputc('\n', o->f);
	table_print(t, 2, o);
}

/* The ids one below the other, so that what is said of them stands in a column. */
static int widest_about(const json_t *list)
{
	size_t width = 0, i;
	const json_t *one;

	json_array_foreach(list, i, one)
	{
		size_t len = strlen(row_word(one, "about"));

		width = len > width ? len : width;
	}
	return (int)width;
}

static void print_advice(const struct output *o, const char *heading, const json_t *list,
			 enum colour colour, int64_t now_ms)
{
	int width = widest_about(list);
	const json_t *one;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	fputc('\n', o->f);
	output_line(o, COLOUR_BOLD, "%s", heading);
	json_array_foreach(list, i, one)
	{
		int64_t until_ms = row_time(one, "until");
		char until[WHEN_SIZE];

		when_format(until_ms, false, until);
		output_text(o, COLOUR_DIM, "  %-*s  ", width, row_word(one, "about"));
		output_text(o, colour, "%s", row_word(one, "what"));
		if (until[0])
			output_text(o, colour, " (until %s UTC%s)", until,
				    until_ms < now_ms ? ", which is over" : "");
		fputc('\n', o->f);
	}
}

static void print_story(const struct ctl *c, const json_t *story)
{
	print_order(&c->out, story);
	print_money(&c->out, story);
	print_parts(&c->out, story);
	timeline_print(&c->out, json_object_get(story, "timeline"));
	print_advice(&c->out, "What now", json_object_get(story, "now"), COLOUR_PLAIN, c->now_ms);
	print_advice(&c->out, "What looks wrong", json_object_get(story, "wrong"), COLOUR_BAD,
		     c->now_ms);
}

static enum exit_code explain_all(struct ctl *c, const char *id, const json_t *lanes)
{
	bool hooks_stopped = ctl_running(c, "ipn-hookd", NULL) == 0;
	size_t told = 0, i;
	const json_t *lane;

	json_array_foreach(lanes, i, lane)
	{
		CLEANUP(json_decrefp) json_t *story = NULL;
		int r = story_tell(c->ledger, json_string_value(lane), &story);

		if (r < 0)
			return ctl_failed(c, r);
		if (!story)
			continue;
		advice_add(story, c->now_ms, hooks_stopped);
		if (told++ > 0 && !c->json)
			fputc('\n', c->out.f);
		if (c->json)
			output_json(&c->out, story);
		else
			print_story(c, story);
	}
	if (told > 0)
		return EXIT_DONE;
	log_error("explain %s: nothing is known by this name", id);
	return EXIT_NOTHING;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(json_decrefp) json_t *lanes = NULL;
	enum exit_code code = ctl_open_ledger(c);
	int r;

	(void)n;
	if (code != EXIT_DONE)
		return code;
	r = find_lanes(c->ledger, operands[0], &lanes);
	return r < 0 ? ctl_failed(c, r) : explain_all(c, operands[0], lanes);
}

const struct verb verb_explain = {
	.name = "explain",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.help = "the whole story of an order, and what can be done now",
	.more = "ID is an order reference, anything that belongs to one (an authorization, a capture, a "
		"refund, the\nMessageId of a notification, the number of an event), or the shop's own order "
		"number.\n",
	.run = run,
};
