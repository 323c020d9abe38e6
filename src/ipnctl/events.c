/* events: the last ones, oldest first, and with --follow those that are made from now on. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/utc.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "ipnctl/when.h"
#include "ipnctl/words.h"

#define LIMIT_DEFAULT 10
#define AT_ONCE       500 /* in one read transaction */
#define LOOK_MS       200 /* between two looks for new ones */
#define NAME_WIDTH    23  /* order_reference.canceled */
#define OBJECT_WIDTH  27  /* S01-1234567-1234567-C123456 */

static const char *arg_follow, *arg_name, *arg_account, *arg_limit;

static const struct option_row options[] = {
	{0, "follow", NULL, "go on with those that are made from now on", &arg_follow},
	{0, "name", "GLOB", "of such names: capture.*", &arg_name},
	{0, "account", "NAME", "of this account of the configuration", &arg_account},
	{0, "limit", "N", "begin with the last N (default: 10); 0: all", &arg_limit},
	{0},
};

/* The event that was seen last, whether it was printed or not. */
struct follow {
	struct ctl *c;
	int64_t last_id;
	int64_t last_ms;
	size_t name_width, object_width; /* of the columns so far */
};

/* Text in a column; what comes behind it is a column further. */
static void print_column(const struct output *o, enum colour colour, const char *text, size_t width)
{
	CLEANUP(freep) char *clean = output_clean(text);
	size_t has = output_width(clean);

	output_put(o, colour, clean);
	output_text(o, COLOUR_PLAIN, "%*s", (int)(has < width ? width - has : 0), "");
}

/* A line of its own, not a table: what comes next is not known. */
static void print_event(struct follow *f, const json_t *e)
{
	const struct ctl *c = f->c;
	char when[WHEN_SIZE], amount[ROW_MONEY_SIZE];
	const char *reason = row_text(e, "reason_code"), *hook = row_text(e, "hook");

	if (c->json) {
		output_json(&c->out, e);
		return;
	}
	when_format(row_time(e, "created_at"), true, when);
	row_money(e, "amount_minor", amount);
	output_text(&c->out, COLOUR_DIM, "%s  ", when);
	output_text(&c->out, COLOUR_BOLD, "%6" PRId64 "  ", row_number(e, "id"));
	print_column(&c->out, words_colour(row_word(e, "state")), row_word(e, "name"),
		     f->name_width);
	output_text(&c->out, COLOUR_PLAIN, "  ");
	print_column(&c->out, COLOUR_PLAIN, row_word(e, "object_id"),
		     amount[0] ? f->object_width : 0);
	output_text(&c->out, COLOUR_PLAIN, "%s%s%s%s%s%s", amount[0] ? "  " : "", amount,
		    reason ? "  " : "", reason ? reason : "", hook ? "  of hook " : "",
		    hook ? hook : "");
	output_line(&c->out, COLOUR_WAIT, "%s", row_number(e, "late") ? "  late" : "");
}

static int ask_after(struct follow *f, json_t **ret)
{
	const struct bind binds[] = {
		{.name = ":after", .number = f->last_id, .is_number = true},
		{.name = ":account", .text = arg_account},
		{.name = ":name", .text = arg_name},
		{.name = ":limit", .number = AT_ONCE, .is_number = true},
		{0},
	};

	return rows_ask(f->c->ledger, QUERY_ask_events_after, binds, ret);
}

static void widen(const json_t *row, const char *key, size_t *width)
{
	CLEANUP(freep) char *clean = output_clean(row_word(row, key));
	size_t has = output_width(clean);

	*width = has > *width ? has : *width;
}

/* The columns only grow: what comes later stands beneath what was there before. */
static void print_rows(struct follow *f, const json_t *rows)
{
	const json_t *row;
	size_t i;

	ctl_let_go(f->c);
	json_array_foreach(rows, i, row)
	{
		widen(row, "name", &f->name_width);
		widen(row, "object_id", &f->object_width);
	}
	json_array_foreach(rows, i, row)
	{
		print_event(f, row);
	}
}

/* The newest made at `until_ms` or before. */
static int see_newest(struct follow *f, int64_t until_ms)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	char until[UTC_TEXT_SIZE];
	int r;

	utc_format(until_ms, until);
	r = rows_ask(
		f->c->ledger, QUERY_ask_newest_event,
		(const struct bind[]){
			{.name = ":until", .text = until_ms == UTC_UNKNOWN ? NULL : until}, {0}},
		&rows);
	if (r < 0)
		return r;
	f->last_id = row_number(json_array_get(rows, 0), "id");
	f->last_ms = json_array_size(rows) ? row_time(json_array_get(rows, 0), "created_at") : 0;
	return 0;
}

/* How many were read, or negative errno. */
static int print_new(struct follow *f)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	size_t n;
	int r = ask_after(f, &rows);

	if (r < 0)
		return r;
	n = json_array_size(rows);
	if (n > 0) {
		f->last_id = row_number(json_array_get(rows, n - 1), "id");
		f->last_ms = row_time(json_array_get(rows, n - 1), "created_at");
	}
	print_rows(f, rows);
	return (int)n;
}

static int ask_last(struct follow *f, int64_t limit, json_t **ret)
{
	const struct bind of[] = {
		{.name = ":account", .text = arg_account},
		{.name = ":name", .text = arg_name},
		{.name = ":limit", .number = limit, .is_number = true},
		{0},
	};

	return arg_account || arg_name ? rows_ask(f->c->ledger, QUERY_ask_events_last_of, of, ret)
				       : rows_ask(f->c->ledger, QUERY_ask_events_last, &of[2], ret);
}

static int print_last(struct follow *f, int64_t limit)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	int r = see_newest(f, UTC_UNKNOWN);

	if (r == 0)
		r = ask_last(f, limit, &rows);
	if (r < 0)
		return r;
	print_rows(f, rows);
	return (int)json_array_size(rows);
}

/* Until a signal ends the program, or the reader of its output. */
static enum exit_code follow(struct follow *f)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	enum exit_code code = EXIT_DONE;
	bool replaced = false;

	if (!f->c->json && ctl_running(f->c, "ipnd", NULL) == 0)
		log_info("events: ipnd is not running: there are none before it is started");
	while (code == EXIT_DONE) {
		int r = replaced ? see_newest(f, f->last_ms) : 0;

		if (r == 0)
			r = print_new(f);
		if (r < 0)
			return ctl_failed(f->c, r);
		if (fflush(f->c->out.f) != 0)
			return EXIT_IO;
		if (r < AT_ONCE)
			nanosleep(&pause, NULL);
		code = ctl_look_again(f->c, &replaced);
		if (replaced)
			log_info("events: the database was replaced; going on with what is newer");
	}
	return code;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	struct follow f = {.c = c, .name_width = NAME_WIDTH, .object_width = OBJECT_WIDTH};
	enum exit_code code;
	int64_t limit;
	int r;

	(void)operands;
	(void)n;
	if (!ctl_parse_limit(arg_limit, LIMIT_DEFAULT, &limit))
		return EXIT_USAGE;
	code = ctl_open_ledger(c);
	if (code != EXIT_DONE)
		return code;
	r = print_last(&f, limit);
	if (r < 0)
		return ctl_failed(c, r);
	if (arg_follow)
		return follow(&f);
	if (r > 0)
		return EXIT_DONE;
	log_error("events: there are none%s",
		  arg_name || arg_account ? " that fit the options" : "");
	return EXIT_NOTHING;
}

const struct verb verb_events = {
	.name = "events",
	.operands = "",
	.help = "what has happened last; --follow: and what happens",
	.more = "Oldest first, one line each: time (UTC), number, name, object, amount, reason. ipnctl show NUMBER shows all of it\n"
		"and what the hooks made of it; ipnctl list events has more filters.\n",
	.options = options,
	.run = run,
};
