/* deadlines: what is open and ends by Amazon's own limits, so that the shop acts before. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/utc.h"
#include "ipnctl/cells.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/limits.h"
#include "ipnctl/rows.h"
#include "ipnctl/when.h"
#include "ipnctl/words.h"

#define WITHIN_DEFAULT "7d"
#define LIMIT_DEFAULT  50

static const char *arg_within, *arg_account, *arg_limit;

static const struct option_row options[] = {
	{0, "within", "TIME", "12h or 7d (default: " WITHIN_DEFAULT ")", &arg_within},
	{0, "account", "NAME", "of this account of the configuration", &arg_account},
	{0, "limit", "N", "at most N, the nearest (default: 50); 0: all", &arg_limit},
	{0},
};

/* How long from now; what is over is said so. */
static void left_format(int64_t at_ms, int64_t now_ms, char ret[static WHEN_SIZE])
{
	if (at_ms < now_ms)
		snprintf(ret, WHEN_SIZE, "over");
	else
		when_length(at_ms - now_ms, ret);
}

/* What an end would lose: of an authorization the part that is not captured. */
static void open_amount(const json_t *row, char ret[static ROW_MONEY_SIZE])
{
	int64_t minor, captured = row_number(row, "captured_minor");

	ret[0] = 0;
	if (row_int(row, "amount_minor", &minor))
		limits_format(row, minor - captured, ret);
}

static void print_table(const struct ctl *c, const json_t *rows)
{
	CLEANUP(table_freep) struct table *t = table_new();
	bool over = false;
	const json_t *row;
	size_t i;

	table_heading(t, "ENDS (UTC)", false);
	table_heading(t, "IN", false);
	table_heading(t, "WHAT", false);
	table_heading(t, "ID", false);
	table_heading(t, "STATE", false);
	table_heading(t, "OPEN", true);
	table_heading(t, "ACCOUNT", false);
	json_array_foreach(rows, i, row)
	{
		int64_t at_ms = row_time(row, "at");
		char left[WHEN_SIZE], amount[ROW_MONEY_SIZE];
		enum object_type object = object_of_word(row_word(row, "object_type"));

		over = over || at_ms < c->now_ms;
		left_format(at_ms, c->now_ms, left);
		open_amount(row, amount);
		cell_time(t, row, "at");
		table_cell(t,
			   at_ms < c->now_ms                   ? COLOUR_BAD
			   : at_ms < c->now_ms + LIMITS_DAY_MS ? COLOUR_WAIT
							       : COLOUR_PLAIN,
			   left);
		table_cell(t, COLOUR_PLAIN, words_object(object));
		table_cell(t, COLOUR_BOLD, row_text(row, "object_id"));
		table_cell(t, words_colour(row_word(row, "state")), row_text(row, "state"));
		table_cell(t, COLOUR_PLAIN, amount);
		table_cell(t, COLOUR_PLAIN, row_text(row, "account"));
	}
	table_print(t, 0, &c->out);
	fputc('\n', c->out.f);
	output_line(&c->out, COLOUR_DIM, "ipnctl explain ID says what may be done until then");
	if (over)
		output_line(&c->out, COLOUR_WAIT,
			    "over: Amazon has closed it, but no notification of that has come");
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	const char *within = arg_within ? arg_within : WITHIN_DEFAULT;
	CLEANUP(json_decrefp) json_t *rows = NULL;
	char until[UTC_TEXT_SIZE];
	int64_t within_ms, limit;
	enum exit_code code;
	int r;

	(void)operands;
	(void)n;
	if (duration_parse(within, &within_ms) < 0 || within_ms == DURATION_NONE) {
		log_error("--within=%s: is no duration; write 12h or 7d", within);
		return EXIT_USAGE;
	}
	if (!ctl_parse_limit(arg_limit, LIMIT_DEFAULT, &limit))
		return EXIT_USAGE;
	code = ctl_open_ledger(c);
	if (code != EXIT_DONE)
		return code;
	utc_format(c->now_ms + within_ms, until);
	r = rows_ask(c->ledger, QUERY_ask_deadlines,
		     (const struct bind[]){{.name = ":until", .text = until},
					   {.name = ":account", .text = arg_account},
					   {.name = ":limit", .number = limit, .is_number = true},
					   {0}},
		     &rows);
	return r < 0 ? ctl_failed(c, r)
		     : ctl_show(c, rows, print_table,
				"deadlines: nothing that is open ends within %s", within);
}

const struct verb verb_deadlines = {
	.name = "deadlines",
	.operands = "",
	.help = "what is open and soon ends by Amazon's limits",
	.more = "Authorizations end after 30 days (in the sandbox 2), order references after 180. OPEN is what may still be\n"
		"captured. Hooks are told once, by deadline.authorization and deadline.order_reference. Times are UTC.\n",
	.options = options,
	.run = run,
};
