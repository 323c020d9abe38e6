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
	if (strcmp(kind, "notification") == 0 && !row_text(row, "order_reference_id"))
		return row_text(row, "object_id") ? order_of(row_text(row, "object_id"))
						  : json_text(row_text(row, "message_id"));
	if (strcmp(kind, "billing_agreement") == 0)
		return json_text(row_text(row, "billing_agreement_id"));
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

/* The shop's own number for it. */
static void print_shop(const struct output *o, const char *label, const char *number)
{
	print_field(o, label);
	output_line(o, COLOUR_PLAIN, "%s", number ? number : "unknown");
}

static void print_order(const struct output *o, const json_t *order)
{
	char total[ROW_MONEY_SIZE];

	print_state(o, order);
	output_line(o, COLOUR_PLAIN, ": %s", row_word(order, "meaning"));
	row_money(order, "amount_minor", total);
	print_field(o, "total");
	output_line(o, COLOUR_PLAIN, "%s", total[0] ? total : "unknown");
	print_shop(o, "shop's order", row_text(order, "seller_order_id"));
	print_times(o, order);
}

static void print_agreement(const struct output *o, const json_t *agreement)
{
	char limit[ROW_MONEY_SIZE], left[ROW_MONEY_SIZE], from[WHEN_SIZE], to[WHEN_SIZE];
	int64_t consent;

	print_state(o, agreement);
	output_line(o, COLOUR_PLAIN, ": %s", row_word(agreement, "meaning"));
	row_money(agreement, "limit_minor", limit);
	row_money(agreement, "remaining_minor", left);
	when_format(row_time(agreement, "period_start_at"), false, from);
	when_format(row_time(agreement, "period_end_at"), false, to);
	print_field(o, "limit");
	output_line(o, COLOUR_PLAIN,
		    "%s left of %s, from %s to %s UTC, as of its last notification",
		    left[0] ? left : "unknown", limit[0] ? limit : "unknown", from[0] ? from : "?",
		    to[0] ? to : "?");
	if (row_int(agreement, "consent", &consent)) {
		print_field(o, "consent");
		output_line(o, consent ? COLOUR_PLAIN : COLOUR_WAIT, "%s",
			    consent ? "the buyer agreed to be charged again and again"
				    : "the buyer has not agreed to be charged again");
	}
	print_shop(o, "shop's number", row_text(agreement, "seller_billing_agreement_id"));
	print_times(o, agreement);
}

static void print_head(const struct output *o, const json_t *story)
{
	const json_t *order = json_object_get(story, "order_reference");
	const json_t *agreement = json_object_get(story, "billing_agreement");

	output_line(o, COLOUR_BOLD, "%s", row_word(story, "id"));
	print_field(o, "state");
	if (json_is_object(order))
		print_order(o, order);
	else if (json_is_object(agreement))
		print_agreement(o, agreement);
	else if (json_is_true(json_object_get(story, "is_order")))
		output_line(o, COLOUR_WAIT, "unknown: never heard of by itself");
	else
		output_line(o, COLOUR_PLAIN, "none: this is of no order reference that is known");
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

/* The part of an id that tells it from the others of the order: "C656651". */
static const char *short_id(const char *lane, const char *id)
{
	size_t len = strlen(lane);

	return id && strncmp(id, lane, len) == 0 && id[len] == '-' ? id + len + 1 : id;
}

/* What a state means, and what else there is to say of the part. */
static void format_meaning(const json_t *row, char *ret, size_t size)
{
	const char *type = row_text(row, "refund_type"),
		   *currency = row_text(row, "converted_currency");
	bool unasked = type && strcmp(type, "SellerInitiated") != 0;
	char converted[MONEY_TEXT_SIZE] = "";
	int64_t minor;

	if (currency && row_int(row, "converted_minor", &minor))
		money_format(minor, currency, converted);
	snprintf(ret, size, "%s%s%.64s%s%s%s%s%.4s%s", row_word(row, "meaning"),
		 unasked ? " (not by the shop: " : "", unasked ? type : "", unasked ? ")" : "",
		 converted[0] ? " (" : "", converted, converted[0] ? " " : "",
		 converted[0] ? currency : "", converted[0] ? ")" : "");
}

static void add_part(struct table *t, const json_t *row, const struct story_part *part,
		     const char *lane)
{
	const char *reason = row_text(row, "reason_code"); /* a chargeback's is a sentence */
	const char *parent = part->parent ? row_text(row, part->parent) : NULL;
	char money[ROW_MONEY_SIZE], state[128], meaning[256];

	row_money(row, "amount_minor", money);
	snprintf(state, sizeof(state), "%s%s%s", row_word(row, "state"), reason ? "/" : "",
		 reason ? reason : "");
	format_meaning(row, meaning, sizeof(meaning));
	table_cell(t, COLOUR_PLAIN, words_object(part->object));
	table_cell(t, COLOUR_PLAIN, row_text(row, part->key));
	table_cell(t, COLOUR_DIM, short_id(lane, parent));
	table_cell(t, COLOUR_PLAIN, money);
	table_cell(t, words_colour(row_word(row, "state")), state);
	table_cell(t, COLOUR_PLAIN, meaning);
}

static void print_parts(const struct output *o, const json_t *story)
{
	CLEANUP(table_freep) struct table *t = table_new();
	size_t rows = 0;

	table_heading(t, "PART", false);
	table_heading(t, "ID", false);
	table_heading(t, "OF", false);
	table_heading(t, "AMOUNT", true);
	table_heading(t, "STATE", false);
	table_heading(t, "MEANING", false);
	for (size_t i = 0; i < STORY_PARTS; i++) {
		const json_t *row;
		size_t j;

		json_array_foreach(json_object_get(story, story_parts[i].list), j, row)
		{
			add_part(t, row, &story_parts[i], row_word(story, "id"));
			rows++;
		}
	}
	if (rows == 0)
		return;
	fputc('\n', o->f);
	table_print(t, 2, o);
}

/* Of an agreement, as far as somebody told. */
static void print_orders(const struct output *o, const json_t *story)
{
	const json_t *row;
	size_t i;

	if (!json_is_object(json_object_get(story, "billing_agreement")))
		return;
	print_field(o, "orders");
	if (json_array_size(json_object_get(story, "orders")) == 0)
		output_text(o, COLOUR_PLAIN, "Amazon's notifications do not say which are of it");
	json_array_foreach(json_object_get(story, "orders"), i, row)
	{
		output_text(o, COLOUR_PLAIN, "%s%s", i ? ", " : "",
			    row_word(row, "order_reference_id"));
	}
	fputc('\n', o->f);
}

static size_t width_of(const json_t *row, const char *key)
{
	CLEANUP(freep) char *clean = output_clean(row_word(row, key));

	return output_width(clean);
}

/* The ids one below the other, so that what is said of them stands in a column. */
static size_t widest_about(const json_t *list)
{
	size_t width = 0, i;
	const json_t *one;

	json_array_foreach(list, i, one)
	{
		size_t about = width_of(one, "about");

		width = about > width ? about : width;
	}
	return width;
}

static void print_advice(const struct output *o, const char *heading, const json_t *list,
			 enum colour colour, int64_t now_ms)
{
	size_t width = widest_about(list);
	const json_t *one;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	fputc('\n', o->f);
	output_line(o, COLOUR_BOLD, "%s", heading);
	json_array_foreach(list, i, one)
	{
		int64_t until_ms = row_time(one, "until");
		size_t margin = 2 + width + 2, at = margin;
		char until[WHEN_SIZE];

		when_format(until_ms, false, until);
		if (row_text(one, "operation"))
			at += strlen(row_word(one, "operation")) + 2;
		output_text(o, COLOUR_DIM, "  %s%*s  ", row_word(one, "about"),
			    (int)(width - width_of(one, "about")), "");
		if (row_text(one, "operation"))
			output_text(o, COLOUR_GOOD, "%s: ", row_word(one, "operation"));
		output_prose(o, colour, at, margin, "%s%s%s%s%s", row_word(one, "what"),
			     until[0] ? " (until " : "", until, until[0] ? " UTC" : "",
			     !until[0]           ? ""
			     : until_ms < now_ms ? ", which is over)"
						 : ")");
	}
}

static void print_story(const struct ctl *c, const json_t *story)
{
	print_head(&c->out, story);
	print_orders(&c->out, story);
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
	find_failed("explain", id);
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
	.help = "the whole story of an order or agreement, and what can be done now",
	.more = "ID is an order reference or a billing agreement, anything that belongs to one (an authorization, a "
		"capture,\na refund, a chargeback, the MessageId of a notification, the number of an event), or the "
		"shop's own number\nof it or reference of a part. What Amazon allows now is told with the names of its API's "
		"operations.\n",
	.run = run,
};
