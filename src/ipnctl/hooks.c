/* hooks: how they do, what they gave up, and having it tried again. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/utc.h"
#include "ipnctl/cells.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "ipnctl/words.h"
#include "ledger/queue.h"

#define LIMIT   50  /* runs shown */
#define AT_ONCE 500 /* runs in a transaction: the daemons wait for it */

static const char *arg_state, *arg_hook, *arg_all_dead, *arg_dry_run;

static const struct option_row options[] = {
	{0, "state", "STATE", "the runs in this state: pending, running, done, dead, skipped",
	 &arg_state},
	{0, "hook", "NAME", "of this hook only", &arg_hook},
	{0, "all-dead", NULL, "with retry: everything that was given up", &arg_all_dead},
	{0, "dry-run", NULL, "with retry: only say what would be done", &arg_dry_run},
	{0},
};

static const char *health(const json_t *hook, enum colour *ret_colour)
{
	*ret_colour = COLOUR_GOOD;
	if (!row_number(hook, "active")) {
		*ret_colour = COLOUR_DIM;
		return "not configured";
	}
	if (!row_text(hook, "paused_at"))
		return "works";
	*ret_colour = COLOUR_BAD;
	return "paused";
}

static void print_hooks(const struct ctl *c, const json_t *rows)
{
	CLEANUP(table_freep) struct table *t = table_new();
	enum colour colour;
	const json_t *row;
	size_t i;

	table_heading(t, "HOOK", false);
	table_heading(t, "STATE", false);
	table_heading(t, "UNSEEN", true);
	table_heading(t, "PENDING", true);
	table_heading(t, "RUNNING", true);
	table_heading(t, "DEAD", true);
	table_heading(t, "WHY PAUSED", false);
	json_array_foreach(rows, i, row)
	{
		const char *state = health(row, &colour);

		table_cell(t, COLOUR_BOLD, row_text(row, "name"));
		table_cell(t, colour, state);
		cell_number(t, row, "unseen", COLOUR_WAIT);
		cell_number(t, row, "pending", COLOUR_WAIT);
		cell_number(t, row, "running", COLOUR_PLAIN);
		cell_number(t, row, "dead", COLOUR_BAD);
		table_cell(t, COLOUR_PLAIN, row_text(row, "paused_why"));
	}
	table_print(t, 0, &c->out);
	fputc('\n', c->out.f);
	output_line(&c->out, COLOUR_DIM,
		    "ipnctl hooks --state dead      what was given up, and why");
	output_line(&c->out, COLOUR_DIM,
		    "ipnctl hooks retry EVENT       try it again; --all-dead for all of it");
	output_line(&c->out, COLOUR_DIM,
		    "ipnctl hooks resume NAME       end a pause, when the hook is mended");
}

static void print_runs(const struct ctl *c, const json_t *rows)
{
	CLEANUP(table_freep) struct table *t = table_new();
	const json_t *row;
	size_t i;

	table_heading(t, "EVENT", true);
	table_heading(t, "HOOK", false);
	table_heading(t, "OF", false);
	table_heading(t, "OBJECT", false);
	table_heading(t, "ATTEMPTS", true);
	table_heading(t, "SINCE (UTC)", false);
	table_heading(t, "NEXT (UTC)", false);
	table_heading(t, "WHY", false);
	json_array_foreach(rows, i, row)
	{
		cell_number(t, row, "event_id", COLOUR_BOLD);
		table_cell(t, COLOUR_PLAIN, row_text(row, "hook"));
		table_cell(t, COLOUR_PLAIN, row_text(row, "event"));
		table_cell(t, COLOUR_PLAIN, row_text(row, "object_id"));
		cell_number(t, row, "attempts", COLOUR_PLAIN);
		cell_time(t, row, "updated_at");
		if (row_is(row, "state", "pending") && !row_text(row, "next_attempt_at"))
			table_cell(t, COLOUR_PLAIN, "in its turn");
		else
			cell_time(t, row, "next_attempt_at");
		table_cell(t, COLOUR_PLAIN, row_text(row, "detail"));
	}
	table_print(t, 0, &c->out);
	fputc('\n', c->out.f);
	output_line(&c->out, COLOUR_DIM,
		    "ipnctl show EVENT shows each attempt with what the hook printed");
}

static bool is_state(const char *word)
{
	for (enum queue_state s = QUEUE_PENDING; s <= QUEUE_SKIPPED; s++)
		if (strcmp(queue_state_word(s), word) == 0)
			return true;
	log_error("--state=%s: is none; write pending, running, done, dead or skipped", word);
	return false;
}

static enum exit_code list(struct ctl *c)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	const struct bind binds[] = {{.name = ":state", .text = arg_state},
				     {.name = ":hook", .text = arg_hook},
				     {.name = ":limit", .number = LIMIT, .is_number = true},
				     {0}};
	enum exit_code code;
	int r;

	if (arg_state && !is_state(arg_state))
		return EXIT_USAGE;
	code = ctl_open_ledger(c);
	if (code != EXIT_DONE)
		return code;
	r = arg_state ? rows_ask(c->ledger, QUERY_ask_runs, binds, &rows)
		      : rows_ask(c->ledger, QUERY_ask_hooks, NULL, &rows);
	if (r < 0)
		return ctl_failed(c, r);
	return arg_state
		       ? ctl_show(c, rows, print_runs, "hooks: there is no run in that state")
		       : ctl_show(
				 c, rows, print_hooks,
				 "hooks: there are none; they are registered when ipnd starts or reloads");
}

static void say_running(const struct ctl *c)
{
	if (ctl_running(c, "ipn-hookd", NULL) == 0)
		output_line(&c->out, COLOUR_WAIT,
			    "ipn-hookd is not running: they run when it is started");
}

/* What is dead and asked for, by hook. */
static int ask_dead(const struct ctl *c, int64_t event_id, json_t **ret)
{
	const struct bind all[] = {
		{.name = ":hook", .text = arg_hook}, {.name = ":number", .text = NULL}, {0}};
	const struct bind one[] = {{.name = ":hook", .text = arg_hook},
				   {.name = ":number", .number = event_id, .is_number = true},
				   {0}};

	return rows_ask(c->ledger, QUERY_ask_dead, arg_all_dead ? all : one, ret);
}

static void report_retry(const struct ctl *c, json_t *dead)
{
	const json_t *row;
	size_t i;

	if (c->json) {
		CLEANUP(json_decrefp) json_t *done = output_need(json_object());

		json_put(done, "dry_run", json_boolean(arg_dry_run != NULL));
		json_put(done, "hooks", json_incref(dead));
		output_json(&c->out, done);
		return;
	}
	json_array_foreach(dead, i, row)
	{
		int64_t n = row_number(row, "runs");

		output_line(&c->out, COLOUR_GOOD, "hook %s: %" PRId64 " run%s %s",
			    row_word(row, "hook"), n, n == 1 ? "" : "s",
			    arg_dry_run ? "would be tried again" : "tried again");
	}
	if (!arg_dry_run)
		say_running(c);
}

/* Step by step, so that neither daemon waits long; what an interruption leaves undone, the same command does. */
static int in_steps(const struct ctl *c, const char *hook,
		    int (*step)(struct ledger *l, const char *hook, int64_t now_ms, int64_t limit))
{
	int n = AT_ONCE, r = 0;

	while (r == 0 && n == AT_ONCE) {
		n = step(c->ledger, hook, c->now_ms, AT_ONCE);
		r = n < 0 ? n : ledger_commit(c->ledger);
		if (r == 0)
			r = ledger_begin(c->ledger);
	}
	return r;
}

/* What `dead` counts, hook by hook. */
static int retry_all(const struct ctl *c, const json_t *dead)
{
	const json_t *row;
	size_t i;
	int r = 0;

	json_array_foreach(dead, i, row)
	{
		r = in_steps(c, row_word(row, "hook"), queue_retry_dead);
		if (r < 0)
			return r;
	}
	return r;
}

static enum exit_code retry(struct ctl *c, int64_t event_id)
{
	CLEANUP(json_decrefp) json_t *dead = NULL;
	enum exit_code code = arg_dry_run ? ctl_open_ledger(c) : ctl_open_ledger_to_write(c);
	int r;

	if (code != EXIT_DONE)
		return code;
	r = ask_dead(c, event_id, &dead);
	if (r < 0)
		return ctl_failed(c, r);
	if (json_array_size(dead) == 0) {
		log_error(
			"hooks retry: nothing of that was given up; ipnctl replay EVENT runs hooks again that are done");
		return EXIT_NOTHING;
	}
	if (!arg_dry_run) {
		r = arg_all_dead ? retry_all(c, dead)
				 : queue_retry(c->ledger, event_id, arg_hook, c->now_ms);
		if (r >= 0)
			r = ledger_commit(c->ledger);
		if (r < 0)
			return ctl_failed(c, r);
	}
	report_retry(c, dead);
	return EXIT_DONE;
}

/* 1 or 0, or negative errno. */
static int is_paused(const struct ctl *c, const char *name)
{
	CLEANUP(queue_hooks_done) struct queue_hooks hooks = {0};
	int r = queue_hooks(c->ledger, &hooks);

	for (size_t i = 0; r == 0 && i < hooks.n; i++)
		if (strcmp(hooks.at[i].name, name) == 0)
			return hooks.at[i].paused_ms != UTC_UNKNOWN;
	return r;
}

static enum exit_code resume(struct ctl *c, const char *name)
{
	enum exit_code code = ctl_open_ledger_to_write(c);
	int r;

	if (code != EXIT_DONE)
		return code;
	/* First what waits: a resume that was interrupted before its end is then still to be done. */
	r = is_paused(c, name);
	if (r == 0) {
		log_error(
			"hooks resume %s: no hook of that name is paused; ipnctl hooks shows them",
			name);
		return EXIT_NOTHING;
	}
	if (r > 0)
		r = in_steps(c, name, queue_hurry);
	if (r == 0)
		r = queue_resume(c->ledger, name, c->now_ms);
	if (r >= 0)
		r = ledger_commit(c->ledger);
	if (r < 0)
		return ctl_failed(c, r);
	output_line(&c->out, COLOUR_GOOD, "hook %s is no longer paused; what waits is run now",
		    name);
	say_running(c);
	return EXIT_DONE;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	int64_t event_id = 0;

	if (n == 0 && !arg_all_dead && !arg_dry_run)
		return list(c);
	if (n == 2 && strcmp(operands[0], "resume") == 0 && !arg_state && !arg_all_dead &&
	    !arg_dry_run)
		return resume(c, operands[1]);
	if (n >= 1 && strcmp(operands[0], "retry") == 0 && !arg_state &&
	    (n == 2) != (arg_all_dead != NULL)) {
		if (n == 1 || ctl_parse_number(operands[1], &event_id))
			return retry(c, event_id);
		log_error(
			"hooks retry %s: is no event's number; ipnctl hooks --state dead shows them",
			operands[1]);
		return EXIT_USAGE;
	}
	log_error(
		"hooks: write retry EVENT, retry --all-dead or resume NAME, or nothing to see them all");
	return EXIT_USAGE;
}

static bool complete(const struct completion *typed, const char *argument)
{
	if (strcmp(argument, "STATE") != 0)
		return false;
	for (enum queue_state s = QUEUE_PENDING; s <= QUEUE_SKIPPED; s++)
		complete_print(typed, queue_state_word(s), NULL);
	return true;
}

const struct verb verb_hooks = {
	.name = "hooks",
	.operands = "[retry EVENT|resume NAME]",
	.max = 2,
	.help = "how the hooks do, what they gave up; try it again",
	.more = "A run that was given up (dead) is tried again by retry, under the same IPN_EVENT_ID. A hook that fails\n"
		"for everyone is paused: ipn-hookd tries one run a minute, and goes on by itself when one succeeds;\n"
		"resume ends the pause at once. Both need the database's owner (ipnd) or root.\n",
	.options = options,
	.run = run,
	.complete = complete,
};
