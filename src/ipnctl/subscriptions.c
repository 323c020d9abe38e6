/* subscriptions: what SNS said of the subscription itself, and confirming it by hand. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/utc.h"
#include "ipnctl/cells.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "ipnctl/subscriptions.h"
#include "ipnctl/words.h"
#include "ledger/subscription.h"
#include "receive/confirm.h"

/* A confirmation takes a few seconds at most: what stands longer was cut off. */
#define CONFIRMING_MS 60000

/* Cut off: who asked ended before SNS had answered, and could not write that down. */
static bool is_cut_off(const struct ctl *c, const json_t *row)
{
	return row_is(row, "state", "confirming") &&
	       c->now_ms - row_time(row, "updated_at") > CONFIRMING_MS;
}

/* The account still has that topic. Its notifications are looked for by its name. */
static bool is_configured(const struct ctl *c, const json_t *row)
{
	const struct account *a =
		config_account_of_topic(c->config, text_of(row_word(row, "topic_arn")));

	return a && row_is(row, "account", a->name);
}

static bool is_open(const struct ctl *c, const json_t *row)
{
	if (row_number(row, "alive") || row_number(row, "superseded") || !is_configured(c, row) ||
	    row_is(row, "state", "confirmed"))
		return false;
	return !row_is(row, "state", "confirming") || is_cut_off(c, row);
}

static const char *meaning_of(const struct ctl *c, const json_t *row)
{
	bool asks = row_is(row, "type", "SubscriptionConfirmation");

	if (row_number(row, "superseded"))
		return "a later message about this topic counts";
	if (row_number(row, "alive"))
		return "notifications have come since: nothing to do";
	if (!is_configured(c, row))
		return "no account of that name has this topic now: nothing to do";
	if (row_is(row, "state", "confirmed"))
		return asks ? "done: no notification has come yet"
			    : "subscribed again: no notification has come yet";
	if (row_is(row, "state", "confirming"))
		return is_cut_off(c, row) ? "cut off before SNS had answered: confirm it by hand"
					  : "SNS has been asked";
	if (row_is(row, "state", "failed"))
		return row_word(row, "detail");
	return asks ? "SNS asks: until it is confirmed, no notification comes"
		    : "SNS has ended it: no more notifications come";
}

int subscriptions_ask(struct ctl *c, json_t **ret)
{
	json_t *rows, *row;
	size_t i;
	int r = rows_ask(c->ledger, QUERY_subscriptions, NULL, &rows);

	if (r < 0)
		return r;
	json_array_foreach(rows, i, row)
	{
		json_put(row, "open", json_boolean(is_open(c, row)));
		json_put(row, "advice", json_text(meaning_of(c, row)));
	}
	*ret = rows;
	return 0;
}

static void add_row(struct table *t, const json_t *row)
{
	bool open = json_is_true(json_object_get(row, "open"));

	cell_number(t, row, "id", COLOUR_BOLD);
	cell_time(t, row, "sent_at");
	table_cell(t, COLOUR_PLAIN, row_text(row, "account"));
	table_cell(t, COLOUR_PLAIN, row_text(row, "type"));
	table_cell(t, open ? COLOUR_BAD : COLOUR_GOOD, row_text(row, "state"));
	table_cell(t, COLOUR_DIM, row_text(row, "confirmed_by"));
	table_cell(t, open ? COLOUR_WAIT : COLOUR_PLAIN, row_text(row, "advice"));
}

static void print_table(const struct ctl *c, const json_t *rows)
{
	CLEANUP(table_freep) struct table *t = table_new();
	bool open = false;
	const json_t *row;
	size_t i;

	table_heading(t, "N", true);
	table_heading(t, "SENT (UTC)", false);
	table_heading(t, "ACCOUNT", false);
	table_heading(t, "MESSAGE", false);
	table_heading(t, "STATE", false);
	table_heading(t, "BY", false);
	table_heading(t, "WHAT IT MEANS", false);
	json_array_foreach(rows, i, row)
	{
		add_row(t, row);
		open |= json_is_true(json_object_get(row, "open"));
	}
	table_print(t, 0, &c->out);
	if (!open)
		return;
	fputc('\n', c->out.f);
	output_line(&c->out, COLOUR_DIM,
		    "ipnctl subscriptions confirm N   subscribe (again), if you want it");
}

static enum exit_code list(struct ctl *c)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	enum exit_code code = ctl_open_ledger(c);
	int r;

	if (code != EXIT_DONE)
		return code;
	r = subscriptions_ask(c, &rows);
	if (r < 0)
		return ctl_failed(c, r);
	return ctl_show(
		c, rows, print_table,
		"subscriptions: SNS has said nothing of any; it does when an address is entered in Seller Central");
}

/* In a transaction of its own: the network is not asked while the database is held. */
static int write_state(struct ctl *c, int64_t id, enum subscription_state state, const char *detail)
{
	int r = ledger_set_subscription(c->ledger, id, state, detail, c->person, utc_now_ms());

	return r < 0 ? r : ledger_commit(c->ledger);
}

static enum exit_code report(const struct ctl *c, int64_t id, const char *account, int error,
			     const struct why *why)
{
	if (error < 0) {
		log_error("subscriptions confirm %" PRId64 ": %s", id, why->text);
		return error == -EPROTO ? EXIT_BAD_DATA : EXIT_NOT_AVAILABLE;
	}
	if (c->json) {
		CLEANUP(json_decrefp) json_t *done = output_need(json_object());

		json_put(done, "id", json_integer(id));
		json_put(done, "account", json_text(account));
		json_put(done, "state", json_text("confirmed"));
		json_put(done, "confirmed_by", json_text(c->person));
		output_json(&c->out, done);
		return EXIT_DONE;
	}
	output_line(&c->out, COLOUR_GOOD, "subscription %" PRId64 " of account %s is confirmed", id,
		    account);
	output_line(&c->out, COLOUR_PLAIN,
		    "  to see one come: send a test from Seller Central, then ipnctl status");
	return EXIT_DONE;
}

/* The account of the topic as it is configured now: whose subscription nobody wants any more is not confirmed. */
static const struct account *account_of(const struct ctl *c, int64_t id, const char *topic_arn)
{
	const struct account *account = config_account_of_topic(c->config, text_of(topic_arn));

	if (!account)
		log_error("subscriptions confirm %" PRId64
			  ": no account of %s has topic_arn = \"%s\" any more",
			  id, c->config->file, topic_arn);
	return account;
}

static enum exit_code confirm(struct ctl *c, int64_t id)
{
	CLEANUP(freep) char *topic_arn = NULL, *token = NULL;
	enum exit_code code = ctl_open_ledger_to_write(c);
	const struct account *account;
	struct why why = {""};
	int r, error;

	if (code != EXIT_DONE)
		return code;
	r = ledger_find_subscription(c->ledger, id, &topic_arn, &token);
	if (r == -ENOENT) {
		log_error("subscriptions confirm %" PRId64
			  ": there is no such number; ipnctl subscriptions shows which there are",
			  id);
		return EXIT_NOTHING;
	}
	account = r < 0 ? NULL : account_of(c, id, topic_arn);
	if (r < 0 || !account)
		return r < 0 ? ctl_failed(c, r) : EXIT_BAD_CONFIG;
	r = write_state(c, id, SUBSCRIPTION_CONFIRMING, NULL);
	if (r < 0)
		return ctl_failed(c, r);
	error = confirm_now(&c->config->sns, text_of(topic_arn), text_of(token), &why);
	r = ledger_begin(c->ledger);
	if (r == 0)
		r = write_state(c, id, error < 0 ? SUBSCRIPTION_FAILED : SUBSCRIPTION_CONFIRMED,
				error < 0 ? why.text : NULL);
	code = report(c, id, account->name, error, &why);
	return r < 0 ? ctl_failed(c, r) : code;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	int64_t id;

	if (n == 0)
		return list(c);
	if (strcmp(operands[0], "confirm") != 0) {
		log_error("subscriptions %s: write confirm N, or nothing to see them all",
			  operands[0]);
		return EXIT_USAGE;
	}
	if (n == 1 || !ctl_parse_number(operands[1], &id)) {
		log_error("subscriptions confirm: which one? N is its number in ipnctl "
			  "subscriptions");
		return EXIT_USAGE;
	}
	return confirm(c, id);
}

const struct verb verb_subscriptions = {
	.name = "subscriptions",
	.operands = "[confirm N]",
	.max = 2,
	.help = "what SNS said of the subscription itself; confirm one",
	.more = "SNS asks for a confirmation when an address is entered in Seller Central, and says so when it\n"
		"has ended a subscription. confirm N makes the one request that subscribes (again), to SNS\n"
		"itself; it needs the database's owner (ipnd) or root, and who it was is kept. With\n"
		"sns.subscription = confirm ipnd does it by itself, but never after an end.\n",
	.run = run,
};
