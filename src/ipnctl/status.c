/* status: is it running, and what waits for a person? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/utc.h"
#include "ipnctl/cells.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "ipnctl/subscriptions.h"
#include "ipnctl/when.h"
#include "ipnctl/words.h"
#include "sns/topic.h"
#include "verdict/verdict.h"

#define FIELD_WIDTH 18 /* of a name, and the space behind it */

/* {running, pid, urls} from the lock file: a pid, then a URL a line. `running` is null when that cannot be seen. */
static json_t *daemon_status(const struct ctl *c, const char *program)
{
	CLEANUP(freep) char *text = NULL;
	json_t *status = output_need(json_object()), *urls = output_need(json_array());
	int running = ctl_running(c, program, &text);
	char *rest = text, *line = running > 0 ? strsep(&rest, "\n") : NULL;
	long long pid = line ? strtoll(line, NULL, 10) : 0;

	json_put(status, "running", running < 0 ? json_null() : json_boolean(running));
	json_put(status, "pid", pid > 0 ? json_integer(pid) : json_null());
	json_put(status, "urls", urls);
	if (running < 0)
		json_put(status, "error", json_text(strerror(-running)));
	while (line && (line = strsep(&rest, "\n")))
		if (*line)
			json_add(urls, json_text(line));
	return status;
}

static json_t *file_size(const char *path, const char *suffix)
{
	CLEANUP(freep) char *name = NULL;
	struct stat st;

	if (asprintf(&name, "%s%s", path, suffix) < 0)
		name = NULL;
	output_need(name);
	return stat(name, &st) == 0 ? json_integer(st.st_size) : json_null();
}

static json_t *database_status(const struct ctl *c)
{
	const char *path = c->config->database.path;
	json_t *status = output_need(json_object());

	json_put(status, "path", json_text(path));
	json_put(status, "bytes", file_size(path, ""));
	json_put(status, "log_bytes", file_size(path, "-wal"));
	return status;
}

static const char *what_to_do(const struct ctl *c, const json_t *topic)
{
	struct text arn = text_of(row_word(topic, "topic_arn"));
	struct sns_topic parsed;

	if (config_account_of_topic(c->config, arn))
		return "an account names it now: if it is refused again, reload ipnd";
	if (sns_topic_parse(arn, &parsed) && sns_topic_is_amazon_pay(&parsed))
		return "one of Amazon Pay's: if it is yours, add an account with this topic_arn and reload ipnd";
	return "not one of Amazon Pay's: nothing to do";
}

static int add_topics(struct ctl *c, json_t *status)
{
	json_t *topics, *topic;
	size_t i;
	int r = rows_ask(c->ledger, QUERY_ask_refused_topics, NULL, &topics);

	if (r < 0)
		return r;
	json_array_foreach(topics, i, topic)
		json_put(topic, "advice", json_text(what_to_do(c, topic)));
	json_put(status, "refused_topics", topics);
	return 0;
}

static int add_rows(struct ctl *c, json_t *status, const char *key, enum query q, bool single)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	int r = rows_ask(c->ledger, q, NULL, &rows);

	if (r < 0)
		return r;
	if (!single)
		json_put(status, key, TAKE(rows));
	else if (json_array_size(rows) > 0)
		json_put(status, key, json_incref(json_array_get(rows, 0)));
	else
		json_put(status, key, json_null());
	return 0;
}

/* Those that a person has to do something about. */
static int add_subscriptions(struct ctl *c, json_t *status)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	json_t *open = output_need(json_array()), *row;
	size_t i;
	int r = subscriptions_ask(c, &rows);

	json_array_foreach(rows, i, row) if (json_is_true(json_object_get(row, "open")))
		json_add(open, json_incref(row));
	json_put(status, "subscriptions", open);
	return r;
}

/* What only the database knows. */
static int add_answers(struct ctl *c, json_t *status)
{
	int r = add_rows(c, status, "last_notification", QUERY_ask_last_notification, true);

	if (r == 0)
		r = add_rows(c, status, "verdicts", QUERY_ask_verdicts, false);
	if (r == 0)
		r = add_rows(c, status, "notes", QUERY_ask_notes, false);
	if (r == 0)
		r = add_subscriptions(c, status);
	if (r == 0)
		r = add_topics(c, status);
	if (r == 0)
		r = add_rows(c, status, "hooks", QUERY_ask_hooks, false);
	if (r == 0)
		r = add_rows(c, status, "held", QUERY_ask_held, true);
	return r;
}

static void print_field(const struct output *o, const char *name)
{
	output_text(o, COLOUR_DIM, "%-*s", FIELD_WIDTH, name);
}

static void print_daemon(const struct output *o, const char *program, const json_t *status)
{
	const json_t *running = json_object_get(status, "running"), *url;
	size_t i;

	print_field(o, program);
	if (json_is_null(running)) {
		output_line(o, COLOUR_WAIT, "unknown: its lock file cannot be read: %s",
			    row_word(status, "error"));
		return;
	}
	if (!json_is_true(running)) {
		output_line(o, COLOUR_BAD, "not running");
		return;
	}
	output_text(o, COLOUR_GOOD, "running");
	output_line(o, COLOUR_PLAIN, ", pid %" PRId64, row_number(status, "pid"));
	json_array_foreach(json_object_get(status, "urls"), i, url)
	{
		print_field(o, i == 0 ? "listening on" : "");
		output_line(o, COLOUR_PLAIN, "%s", json_string_value(url));
	}
}

static void format_size(const json_t *row, const char *key, char *ret, size_t size)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	int64_t n = row_number(row, key), rest = 0;
	size_t unit = 0;

	while (n >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		rest = n % 1024 * 10 / 1024;
		n /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(ret, size, "%" PRId64 " bytes", n);
	else
		snprintf(ret, size, "%" PRId64 ".%" PRId64 " %s", n, rest, units[unit]);
}

static void print_database(const struct output *o, const json_t *status)
{
	char size[64], log[64];

	print_field(o, "database");
	if (json_is_null(json_object_get(status, "bytes"))) {
		output_line(o, COLOUR_BAD, "%s: cannot be seen", row_word(status, "path"));
		return;
	}
	format_size(status, "bytes", size, sizeof(size));
	format_size(status, "log_bytes", log, sizeof(log));
	output_line(o, COLOUR_PLAIN, "%s, %s, and %s of log", row_word(status, "path"), size, log);
}

static void format_ago(const struct ctl *c, const json_t *row, const char *key,
		       char ret[static 2 * WHEN_SIZE])
{
	int64_t ms = row_time(row, key);
	char length[WHEN_SIZE];

	if (ms == UTC_UNKNOWN) {
		snprintf(ret, 2 * WHEN_SIZE, "never");
		return;
	}
	when_length(c->now_ms - ms, length);
	snprintf(ret, 2 * WHEN_SIZE, "%s ago", length);
}

static void print_last(const struct ctl *c, const json_t *last)
{
	char ago[2 * WHEN_SIZE];

	print_field(&c->out, "last notification");
	if (!json_is_object(last)) {
		output_line(&c->out, COLOUR_WAIT, "none yet");
		return;
	}
	format_ago(c, last, "received_at", ago);
	output_text(&c->out, COLOUR_PLAIN, "%s: %s %s, ", ago,
		    row_text(last, "type") ? row_text(last, "type") : "without a type",
		    row_text(last, "object_id") ? row_text(last, "object_id")
						: row_word(last, "message_id"));
	output_line(&c->out, words_colour(row_word(last, "verdict")), "%s",
		    row_word(last, "verdict"));
}

static void print_held(const struct output *o, const json_t *held)
{
	static const struct {
		const char *key, *words;
	} kinds[] = {
		{"conflicts", "states that cannot follow what is known: ipnctl conflicts"},
		{"unrecognized",
		 "authentic, but not understood; after an upgrade: ipnctl reprocess"},
		{"foreign",
		 "of another seller or environment: ipnctl list notifications --state foreign"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int64_t n = row_number(held, kinds[i].key);

		if (n == 0)
			continue;
		print_field(o, kinds[i].key);
		output_prose(o, COLOUR_WAIT, FIELD_WIDTH, FIELD_WIDTH, "%" PRId64 " held: %s", n,
			     kinds[i].words);
	}
}

static void print_subscriptions(const struct ctl *c, const json_t *rows)
{
	char ago[2 * WHEN_SIZE];
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		format_ago(c, row, "sent_at", ago);
		print_field(&c->out, "subscription");
		output_prose(&c->out, COLOUR_BAD, FIELD_WIDTH, FIELD_WIDTH, "account %s, %s: %s",
			     row_word(row, "account"), ago, row_word(row, "advice"));
		print_field(&c->out, "");
		output_line(&c->out, COLOUR_PLAIN, "ipnctl subscriptions confirm %" PRId64,
			    row_number(row, "id"));
	}
}

static void print_paused(const struct ctl *c, const json_t *hooks)
{
	const json_t *hook;
	size_t i;

	json_array_foreach(hooks, i, hook)
	{
		if (!row_text(hook, "paused_at") || !row_number(hook, "active"))
			continue;
		print_field(&c->out, "hook paused");
		output_prose(&c->out, COLOUR_BAD, FIELD_WIDTH, FIELD_WIDTH,
			     "%s fails for everyone: %s", row_word(hook, "name"),
			     row_word(hook, "paused_why"));
		print_field(&c->out, "");
		output_line(&c->out, COLOUR_PLAIN,
			    "one run a minute is tried; mend it, then: ipnctl hooks resume %s",
			    row_word(hook, "name"));
	}
}

static void print_hooks(const struct ctl *c, const json_t *hooks)
{
	CLEANUP(table_freep) struct table *t = table_new();
	char ago[2 * WHEN_SIZE];
	const json_t *hook;
	size_t i;

	if (json_array_size(hooks) == 0)
		return;
	table_heading(t, "HOOK", false);
	table_heading(t, "UNSEEN", true);
	table_heading(t, "PENDING", true);
	table_heading(t, "RUNNING", true);
	table_heading(t, "DEAD", true);
	table_heading(t, "OLDEST PENDING", false);
	table_heading(t, "CONFIGURED", false);
	json_array_foreach(hooks, i, hook)
	{
		format_ago(c, hook, "oldest_pending_at", ago);
		table_cell(t, COLOUR_PLAIN, row_text(hook, "name"));
		cell_number(t, hook, "unseen", COLOUR_WAIT);
		cell_number(t, hook, "pending", COLOUR_WAIT);
		cell_number(t, hook, "running", COLOUR_PLAIN);
		cell_number(t, hook, "dead", COLOUR_BAD);
		table_cell(t, COLOUR_PLAIN, row_text(hook, "oldest_pending_at") ? ago : NULL);
		table_cell(t, COLOUR_PLAIN, row_number(hook, "active") ? "yes" : "no more");
	}
	fputc('\n', c->out.f);
	table_print(t, 0, &c->out);
}

/* What a verdict means; NULL: a word of another version, or no verdict. */
static const char *meaning_of(const char *word)
{
	enum verdict v = verdict_of_word(word);

	return v == VERDICT_PASS ? NULL : verdict_row(v)->meaning;
}

/* Verdicts and notes: a word, how often, when last; of verdicts also what they mean. */
static void print_counts(const struct ctl *c, const json_t *rows, const char *heading,
			 const char *key, bool meanings)
{
	CLEANUP(table_freep) struct table *t = table_new();
	char ago[2 * WHEN_SIZE];
	const json_t *row;
	size_t i;

	if (json_array_size(rows) == 0)
		return;
	table_heading(t, heading, false);
	table_heading(t, "COUNT", true);
	table_heading(t, "LAST", false);
	if (meanings)
		table_heading(t, "MEANING", false);
	json_array_foreach(rows, i, row)
	{
		format_ago(c, row, "last_at", ago);
		table_cell(t, words_colour(row_word(row, key)), row_text(row, key));
		cell_number(t, row, "count", COLOUR_PLAIN);
		table_cell(t, COLOUR_PLAIN, ago);
		if (meanings)
			table_cell(t, COLOUR_DIM, meaning_of(row_word(row, key)));
	}
	fputc('\n', c->out.f);
	table_print(t, 0, &c->out);
}

static void print_topics(const struct ctl *c, const json_t *topics)
{
	const struct output *o = &c->out;
	const json_t *row;
	size_t i;

	if (json_array_size(topics) == 0)
		return;
	fputc('\n', o->f);
	output_line(o, COLOUR_DIM, "REFUSED TOPICS");
	json_array_foreach(topics, i, row)
	{
		char ago[2 * WHEN_SIZE];

		format_ago(c, row, "last_at", ago);
		output_line(o, COLOUR_PLAIN, "%s", row_word(row, "topic_arn"));
		output_line(o, COLOUR_WAIT, "  %" PRId64 " time%s, last %s; %s",
			    row_number(row, "count"), row_number(row, "count") == 1 ? "" : "s", ago,
			    row_word(row, "advice"));
	}
}

static void print_status(const struct ctl *c, const json_t *status)
{
	print_daemon(&c->out, "ipnd", json_object_get(status, "ipnd"));
	print_daemon(&c->out, "ipn-hookd", json_object_get(status, "ipn_hookd"));
	print_database(&c->out, json_object_get(status, "database"));
	if (!c->ledger)
		return;
	print_last(c, json_object_get(status, "last_notification"));
	print_subscriptions(c, json_object_get(status, "subscriptions"));
	print_held(&c->out, json_object_get(status, "held"));
	print_paused(c, json_object_get(status, "hooks"));
	print_hooks(c, json_object_get(status, "hooks"));
	print_counts(c, json_object_get(status, "verdicts"), "VERDICT", "verdict", true);
	print_counts(c, json_object_get(status, "notes"), "NOTE", "note", false);
	print_topics(c, json_object_get(status, "refused_topics"));
}

/* The database, when it can be asked; what is wrong with it has been said. */
static enum exit_code ask_database(struct ctl *c, json_t *status)
{
	enum exit_code code = ctl_open_ledger(c);
	int r;

	if (code != EXIT_DONE)
		return code;
	r = add_answers(c, status);
	return r < 0 ? ctl_failed(c, r) : EXIT_DONE;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(json_decrefp) json_t *status = output_need(json_object());
	enum exit_code code;
	const json_t *ipnd;

	(void)operands;
	(void)n;
	code = ask_database(c, status);
	if (!c->config)
		return code;
	json_put(status, "ipnd", daemon_status(c, "ipnd"));
	json_put(status, "ipn_hookd", daemon_status(c, "ipn-hookd"));
	json_put(status, "database", database_status(c));
	if (c->json)
		output_json(&c->out, status);
	else
		print_status(c, status);
	ipnd = json_object_get(json_object_get(status, "ipnd"), "running");
	return json_is_false(ipnd) ? EXIT_NOT_AVAILABLE : code;
}

const struct verb verb_status = {
	.name = "status",
	.operands = "",
	.help = "is it running, what has come, what waits for you",
	.more = "Exits with 69 when ipnd is not running, and shows what can be shown all the same.\n",
	.run = run,
};
