/* list: orders, their parts, notifications and events, newest first. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "ipnctl/complete.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "ipnctl/when.h"
#include "ipnctl/words.h"
#include "machine/machine.h"
#include "verdict/verdict.h"

#define LIMIT_DEFAULT 50

static const char *arg_state, *arg_since, *arg_until, *arg_account, *arg_limit;

static const struct option_row options[] = {
	{0, "state", "STATE",
	 "a state of theirs; for notifications a verdict; for events also a name (capture.completed)",
	 &arg_state},
	{0, "since", "WHEN", "from then on: " WHEN_HELP, &arg_since},
	{0, "until", "WHEN", "before then", &arg_until},
	{0, "account", "NAME", "of this account of the configuration", &arg_account},
	{0, "limit", "N", "at most N, the newest (default: 50); 0: all", &arg_limit},
	{0},
};

enum cell { CELL_TEXT, CELL_STATE, CELL_NUMBER, CELL_MONEY, CELL_TIME, CELL_LATE };

struct column {
	const char *heading;
	const char *key;
	enum cell kind;
};

struct kind {
	const char *name;
	enum query query;
	enum object_type object; /* OBJECT_N: --state is none of an object's */
	struct column columns[TABLE_COLUMNS_MAX];
};

static const struct kind kinds[] = {
	/* clang-format off */
	{"orders", QUERY_ask_orders, OBJECT_ORDER_REFERENCE, {
		{"ORDER REFERENCE", "order_reference_id", CELL_TEXT},
		{"STATE", "state", CELL_STATE}, {"REASON", "reason_code", CELL_TEXT},
		{"TOTAL", "amount_minor", CELL_MONEY}, {"SHOP'S NUMBER", "seller_order_id", CELL_TEXT},
		{"ACCOUNT", "account", CELL_TEXT}, {"UPDATED (UTC)", "updated_at", CELL_TIME}}},
	{"authorizations", QUERY_ask_authorizations, OBJECT_AUTHORIZATION, {
		{"AUTHORIZATION", "authorization_id", CELL_TEXT},
		{"STATE", "state", CELL_STATE}, {"REASON", "reason_code", CELL_TEXT},
		{"AMOUNT", "amount_minor", CELL_MONEY}, {"CAPTURED", "captured_minor", CELL_MONEY},
		{"ACCOUNT", "account", CELL_TEXT}, {"UPDATED (UTC)", "updated_at", CELL_TIME}}},
	{"captures", QUERY_ask_captures, OBJECT_CAPTURE, {
		{"CAPTURE", "capture_id", CELL_TEXT},
		{"STATE", "state", CELL_STATE}, {"REASON", "reason_code", CELL_TEXT},
		{"AMOUNT", "amount_minor", CELL_MONEY}, {"REFUNDED", "refunded_minor", CELL_MONEY},
		{"ACCOUNT", "account", CELL_TEXT}, {"UPDATED (UTC)", "updated_at", CELL_TIME}}},
	{"refunds", QUERY_ask_refunds, OBJECT_REFUND, {
		{"REFUND", "refund_id", CELL_TEXT},
		{"STATE", "state", CELL_STATE}, {"REASON", "reason_code", CELL_TEXT},
		{"AMOUNT", "amount_minor", CELL_MONEY}, {"TYPE", "refund_type", CELL_TEXT},
		{"ACCOUNT", "account", CELL_TEXT}, {"UPDATED (UTC)", "updated_at", CELL_TIME}}},
	{"agreements", QUERY_ask_agreements, OBJECT_BILLING_AGREEMENT, {
		{"BILLING AGREEMENT", "billing_agreement_id", CELL_TEXT},
		{"STATE", "state", CELL_STATE}, {"REASON", "reason_code", CELL_TEXT},
		{"LIMIT", "limit_minor", CELL_MONEY}, {"LEFT", "remaining_minor", CELL_MONEY},
		{"UNTIL (UTC)", "period_end_at", CELL_TIME}, {"SHOP'S NUMBER", "seller_billing_agreement_id", CELL_TEXT},
		{"ACCOUNT", "account", CELL_TEXT}, {"UPDATED (UTC)", "updated_at", CELL_TIME}}},
	{"chargebacks", QUERY_ask_chargebacks, OBJECT_CHARGEBACK, {
		{"CHARGEBACK", "chargeback_id", CELL_TEXT},
		{"STATE", "state", CELL_STATE}, {"REASON", "reason", CELL_TEXT},
		{"AMOUNT", "amount_minor", CELL_MONEY}, {"ORDER REFERENCE", "order_reference_id", CELL_TEXT},
		{"ACCOUNT", "account", CELL_TEXT}, {"CREATED (UTC)", "created_at", CELL_TIME}}},
	{"credits", QUERY_ask_credits, OBJECT_PROVIDER_CREDIT, {
		{"PROVIDER CREDIT", "provider_credit_id", CELL_TEXT},
		{"STATE", "state", CELL_STATE}, {"REASON", "reason_code", CELL_TEXT},
		{"AMOUNT", "amount_minor", CELL_MONEY}, {"REVERSED", "reversed_minor", CELL_MONEY},
		{"PROVIDER", "provider_seller_id", CELL_TEXT},
		{"ACCOUNT", "account", CELL_TEXT}, {"UPDATED (UTC)", "updated_at", CELL_TIME}}},
	{"reversals", QUERY_ask_reversals, OBJECT_PROVIDER_CREDIT_REVERSAL, {
		{"REVERSAL", "provider_credit_reversal_id", CELL_TEXT},
		{"STATE", "state", CELL_STATE}, {"REASON", "reason_code", CELL_TEXT},
		{"AMOUNT", "amount_minor", CELL_MONEY}, {"PROVIDER", "provider_seller_id", CELL_TEXT},
		{"ACCOUNT", "account", CELL_TEXT}, {"UPDATED (UTC)", "updated_at", CELL_TIME}}},
	{"notifications", QUERY_ask_notifications, OBJECT_N, {
		{"MESSAGE ID", "message_id", CELL_TEXT}, {"TYPE", "type", CELL_TEXT},
		{"VERDICT", "verdict", CELL_STATE}, {"OBJECT", "object_id", CELL_TEXT},
		{"ACCOUNT", "account", CELL_TEXT}, {"RECEIVED (UTC)", "received_at", CELL_TIME}}},
	{"events", QUERY_ask_events, OBJECT_N, {
		{"EVENT", "id", CELL_NUMBER}, {"NAME", "name", CELL_TEXT}, {"OBJECT", "object_id", CELL_TEXT},
		{"AMOUNT", "amount_minor", CELL_MONEY}, {"LATE", "late", CELL_LATE},
		{"ACCOUNT", "account", CELL_TEXT}, {"CREATED (UTC)", "created_at", CELL_TIME}}},
	/* clang-format on */
};

#define KINDS_N (sizeof(kinds) / sizeof(kinds[0]))

/* What the options say, as the query takes it. */
struct filter {
	const char *state;
	int64_t since_ms, until_ms;
	int64_t limit;
};

static const struct kind *kind_named(const char *name)
{
	for (size_t i = 0; i < KINDS_N; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static void report_kind(const char *name)
{
	char known[256] = "";

	for (size_t i = 0; i < KINDS_N; i++) {
		size_t len = strlen(known);

		snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "", kinds[i].name);
	}
	log_error("list %s: cannot be listed; these can: %s", name, known);
}

/* The state as it is spelt in the database. False when this object has none of that name. */
static bool state_of_object(enum object_type object, const char *given, const char **ret)
{
	enum state s = machine_state(object, given);

	if (s == STATE_NOTHING) {
		char known[128] = "";

		for (s = STATE_NOTHING + 1; s < STATE_N; s++) {
			size_t len = strlen(known);

			if (machine_reaches(object, STATE_NOTHING, s))
				snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
					 state_word(s));
		}
		log_error("--state=%s: is no state of theirs; these are: %s", given, known);
		return false;
	}
	*ret = state_word(s);
	return true;
}

static const enum verdict stored[] = {
	VERDICT_SAMPLE,    VERDICT_FOREIGN, VERDICT_UNRECOGNIZED, VERDICT_APPLIED,
	VERDICT_UNCHANGED, VERDICT_STALE,   VERDICT_CONFLICT,
};

#define STORED_N (sizeof(stored) / sizeof(stored[0]))

/* The verdict of a stored notification as the database spells it. */
static bool state_of_notification(const char *given, const char **ret)
{
	char known[128] = "";

	for (size_t i = 0; i < STORED_N; i++) {
		size_t len = strlen(known);

		*ret = verdict_row(stored[i])->word;
		if (text_is_nocase(text_of(given), *ret))
			return true;
		snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "", *ret);
	}
	log_error("--state=%s: is no verdict on a stored notification; these are: %s", given,
		  known);
	return false;
}

static bool parse_state(const struct kind *k, const char **ret)
{
	*ret = arg_state;
	if (!arg_state || k->query == QUERY_ask_events)
		return true;
	if (k->object == OBJECT_N)
		return state_of_notification(arg_state, ret);
	return state_of_object(k->object, arg_state, ret);
}

static bool parse_when(const struct ctl *c, const char *option, const char *given, int64_t *ret_ms)
{
	*ret_ms = UTC_UNKNOWN;
	if (!given || when_parse(given, c->now_ms, ret_ms) == 0)
		return true;
	log_error("--%s=%s: is no time; write " WHEN_HELP, option, given);
	return false;
}

static bool parse_filter(const struct ctl *c, const struct kind *k, struct filter *ret)
{
	if (!parse_state(k, &ret->state) ||
	    !ctl_parse_limit(arg_limit, LIMIT_DEFAULT, &ret->limit) ||
	    !parse_when(c, "since", arg_since, &ret->since_ms) ||
	    !parse_when(c, "until", arg_until, &ret->until_ms))
		return false;
	if (ret->until_ms != UTC_UNKNOWN && ret->since_ms >= ret->until_ms) {
		log_error("--since=%s: is not before --until=%s", arg_since, arg_until);
		return false;
	}
	return true;
}

static int ask(const struct ctl *c, const struct kind *k, const struct filter *f, json_t **ret)
{
	char since[UTC_TEXT_SIZE], until[UTC_TEXT_SIZE];
	const struct bind binds[] = {
		{.name = ":state", .text = f->state},
		{.name = ":account", .text = arg_account},
		{.name = ":since", .text = f->since_ms == UTC_UNKNOWN ? NULL : since},
		{.name = ":until", .text = f->until_ms == UTC_UNKNOWN ? NULL : until},
		{.name = ":limit", .number = f->limit, .is_number = true},
		{0},
	};

	utc_format(f->since_ms, since);
	utc_format(f->until_ms, until);
	return rows_ask(c->ledger, k->query, binds, ret);
}

static void add_cell(struct table *t, const struct column *column, const json_t *row)
{
	char text[ROW_MONEY_SIZE];
	int64_t time_ms;

	_Static_assert(ROW_MONEY_SIZE >= WHEN_SIZE, "holds either");
	switch (column->kind) {
	case CELL_TEXT:
		table_cell(t, COLOUR_PLAIN, row_text(row, column->key));
		return;
	case CELL_STATE:
		table_cell(t, words_colour(row_word(row, column->key)), row_text(row, column->key));
		return;
	case CELL_NUMBER:
		snprintf(text, sizeof(text), "%" PRId64, row_number(row, column->key));
		break;
	case CELL_MONEY:
		row_money(row, column->key, text);
		break;
	case CELL_TIME:
		time_ms = row_time(row, column->key);
		when_format(time_ms, false, text);
		break;
	case CELL_LATE:
		if (row_number(row, column->key))
			table_cell(t, COLOUR_WAIT, "late");
		else
			table_cell(t, COLOUR_PLAIN, NULL);
		return;
	}
	table_cell(t, COLOUR_PLAIN, text);
}

static void print_table(const struct ctl *c, const struct kind *k, const json_t *rows)
{
	CLEANUP(table_freep) struct table *t = table_new();
	const json_t *row;
	size_t i;

	for (const struct column *column = k->columns; column->heading; column++)
		table_heading(t, column->heading,
			      column->kind == CELL_MONEY || column->kind == CELL_NUMBER);
	json_array_foreach(rows, i, row)
	{
		for (const struct column *column = k->columns; column->heading; column++)
			add_cell(t, column, row);
	}
	table_print(t, 0, &c->out);
}

static enum exit_code print_rows(const struct ctl *c, const struct kind *k, const json_t *rows)
{
	bool filtered = arg_state || arg_since || arg_until || arg_account;

	if (json_array_size(rows) == 0) {
		log_error("list %s: there are none%s", k->name,
			  filtered ? " that fit the options" : "");
		return EXIT_NOTHING;
	}
	if (!c->json) {
		print_table(c, k, rows);
		return EXIT_DONE;
	}
	output_json_lines(&c->out, rows);
	return EXIT_DONE;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	const struct kind *k = kind_named(operands[0]);
	CLEANUP(json_decrefp) json_t *rows = NULL;
	struct filter filter;
	enum exit_code code;
	int r;

	(void)n;
	if (!k)
		report_kind(operands[0]);
	if (!k || !parse_filter(c, k, &filter))
		return EXIT_USAGE;
	code = ctl_open_ledger(c);
	if (code != EXIT_DONE)
		return code;
	r = ask(c, k, &filter, &rows);
	if (r < 0)
		return ctl_failed(c, r);
	ctl_let_go(c);
	return print_rows(c, k, rows);
}

static void complete_state(const struct completion *typed, const struct kind *k)
{
	if (k->query == QUERY_ask_events)
		complete_event_names(typed);
	for (size_t i = 0; k->query == QUERY_ask_notifications && i < STORED_N; i++)
		complete_print(typed, verdict_row(stored[i])->word, NULL);
	for (enum state s = STATE_NOTHING + 1; k->object != OBJECT_N && s < STATE_N; s++)
		if (machine_reaches(k->object, STATE_NOTHING, s))
			complete_print(typed, state_word(s), NULL);
}

static bool complete(const struct completion *typed, const char *argument)
{
	const struct kind *k = typed->n_operands > 1 ? kind_named(typed->operands[1]) : NULL;

	if (strcmp(argument, "STATE") == 0 && k)
		complete_state(typed, k);
	else if (strcmp(argument, "WHAT") != 0)
		return false;
	else
		for (size_t i = 0; i < KINDS_N; i++)
			complete_print(typed, kinds[i].name, NULL);
	return true;
}

const struct verb verb_list = {
	.name = "list",
	.operands = "WHAT",
	.min = 1,
	.max = 1,
	.help = "orders, agreements, authorizations, captures, refunds, chargebacks, notifications, events",
	.more = "Also credits and reversals, of solution providers. Newest first. --since and --until look at the "
		"time of the\nlast update; for chargebacks and events when they were made, for notifications when they "
		"were received.\nTimes are UTC.\n",
	.options = options,
	.run = run,
	.complete = complete,
};
