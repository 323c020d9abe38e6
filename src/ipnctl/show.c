/* show: what the database has of one thing. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "ipnctl/find.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "ipnctl/words.h"

static const char *arg_raw;

static const struct option_row options[] = {
	{0, "raw", NULL, "of a notification also the body as received", &arg_raw},
	{0},
};

static int add_rows(struct ctl *c, json_t *event, const char *key, enum query q)
{
	const struct bind binds[] = {
		{.name = ":number", .number = row_number(event, "id"), .is_number = true}, {0}};
	json_t *rows;
	int r = rows_ask(c->ledger, q, binds, &rows);

	if (r == 0)
		json_put(event, key, rows);
	return r;
}

static int add_runs(struct ctl *c, json_t *event)
{
	int r = add_rows(c, event, "hook_runs", QUERY_ask_event_runs);

	return r < 0 ? r : add_rows(c, event, "earlier_attempts", QUERY_ask_event_attempts);
}

/* A number as it is stored; of money also as a person writes it. */
static void print_number(const struct ctl *c, const json_t *row, const char *key)
{
	static const char minor[] = "_minor";
	size_t len = strlen(key);
	char money[ROW_MONEY_SIZE] = "";

	if (len > strlen(minor) && strcmp(key + len - strlen(minor), minor) == 0)
		row_money(row, key, money);
	/* An amount that was converted has a currency of its own. */
	if (money[0] && strcmp(key, "converted_minor") != 0)
		output_line(&c->out, COLOUR_PLAIN, "%" PRId64 " (%s)", row_number(row, key), money);
	else
		output_line(&c->out, COLOUR_PLAIN, "%" PRId64 "%s", row_number(row, key),
			    money[0] ? " (minor units)" : "");
}

static void print_member(const struct ctl *c, const json_t *row, const char *key, int indent)
{
	const json_t *value = json_object_get(row, key);
	const char *text = json_string_value(value);

	if (json_is_null(value))
		return;
	if (text && strchr(text, '\n')) {
		output_line(&c->out, COLOUR_DIM, "%*s%s", indent, "", key);
		output_block(&c->out, indent + 2, text, 0);
		return;
	}
	output_text(&c->out, COLOUR_DIM, "%*s%-*s  ", indent, "", 22 - indent, key);
	if (json_is_integer(value))
		print_number(c, row, key);
	else
		output_line(&c->out, words_colour(text), "%s", text);
}

static void print_row(const struct ctl *c, json_t *row, int indent)
{
	const char *key;
	json_t *value;

	json_object_foreach(row, key, value)
	{
		if (!json_is_array(value))
			print_member(c, row, key, indent);
	}
}

static void print_found(const struct ctl *c, const char *kind, json_t *row)
{
	json_t *run;
	size_t i;

	output_line(&c->out, COLOUR_BOLD, "%s", kind);
	print_row(c, row, 2);
	json_array_foreach(json_object_get(row, "hook_runs"), i, run)
	{
		output_line(&c->out, COLOUR_BOLD, "  hook_run");
		print_row(c, run, 4);
	}
	json_array_foreach(json_object_get(row, "earlier_attempts"), i, run)
	{
		output_line(&c->out, COLOUR_BOLD, "  earlier attempt");
		print_row(c, run, 4);
	}
}

static enum exit_code show_one(struct ctl *c, json_t *one)
{
	CLEANUP(json_decrefp) json_t *row = json_incref(json_object_get(one, "row"));
	const char *kind = row_word(one, "kind");
	int r = 0;

	if (!arg_raw)
		json_object_del(row, "raw");
	if (strcmp(kind, "event") == 0)
		r = add_runs(c, row);
	if (r < 0)
		return ctl_failed(c, r);
	if (!c->json) {
		print_found(c, kind, row);
		return EXIT_DONE;
	}
	json_object_del(one, "row");
	output_need(json_object_update(one, row) == 0 ? one : NULL);
	output_json(&c->out, one);
	return EXIT_DONE;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(json_decrefp) json_t *found = NULL;
	enum exit_code code = ctl_open_ledger(c);
	json_t *one;
	size_t i;
	int r;

	(void)n;
	if (code != EXIT_DONE)
		return code;
	r = find_all(c->ledger, operands[0], &found);
	if (r < 0)
		return ctl_failed(c, r);
	if (json_array_size(found) == 0) {
		find_failed("show", operands[0]);
		return EXIT_NOTHING;
	}
	json_array_foreach(found, i, one)
	{
		code = show_one(c, one);
		if (code != EXIT_DONE)
			return code;
	}
	return EXIT_DONE;
}

const struct verb verb_show = {
	.name = "show",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.help = "what the database has of one thing",
	.more = "ID is that of an order reference, an agreement, an authorization, a capture, a refund, a chargeback "
		"or a\nprovider's credit, the shop's own number of an order or agreement, its reference of a part, the "
		"MessageId of\na notification, or the number of an event. All that fit are shown; with --json, one object "
		"per line.\n",
	.options = options,
	.run = run,
};
