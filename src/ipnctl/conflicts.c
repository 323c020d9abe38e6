/* conflicts: states that Amazon reported and the machine holds, and what a person decides about them. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "ipnctl/cells.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "ipnctl/when.h"
#include "ipnctl/words.h"
#include "ledger/decide.h"

static const char *arg_all;

static const struct option_row options[] = {
	{0, "all", NULL, "also those that were dismissed, with who did it and when", &arg_all},
	{0},
};

/* What a person may say of a conflict. */
static const struct {
	const char *verb;
	const char *done;
} decisions[] = {
	[DECISION_ACCEPTED] = {"accept", "accepted"},
	[DECISION_DISMISSED] = {"dismiss", "dismissed"},
};

static int ask_held(const struct ctl *c, bool dismissed, json_t **ret)
{
	const struct bind binds[] = {{.name = ":dismissed", .number = dismissed, .is_number = true},
				     {0}};

	return rows_ask(c->ledger, QUERY_conflicts, binds, ret);
}

/* The rows of a query about a number. */
static int ask_by_id(const struct ctl *c, enum query q, int64_t id, json_t **ret)
{
	const struct bind binds[] = {{.name = ":id", .number = id, .is_number = true}, {0}};

	return rows_ask(c->ledger, q, binds, ret);
}

static const char *object_of(const json_t *row)
{
	return words_object(object_of_word(row_word(row, "object_type")));
}

static void add_state(struct table *t, const json_t *row, const char *key)
{
	table_cell(t, words_colour(row_word(row, key)), row_text(row, key));
}

static void add_row(struct table *t, const json_t *row)
{
	cell_number(t, row, "id", COLOUR_BOLD);
	table_cell(t, COLOUR_PLAIN, object_of(row));
	table_cell(t, COLOUR_PLAIN, row_text(row, "object_id"));
	add_state(t, row, "state");
	cell_time(t, row, "at");
	add_state(t, row, "current_state");
	cell_time(t, row, "held_since");
	table_cell(t, COLOUR_PLAIN, row_text(row, "message_id"));
	if (arg_all) {
		table_cell(t, COLOUR_DIM, row_text(row, "decided_by"));
		cell_time(t, row, "decided_at");
	}
}

static void print_table(const struct ctl *c, const json_t *rows)
{
	CLEANUP(table_freep) struct table *t = table_new();
	const json_t *row;
	size_t i;

	table_heading(t, "N", true);
	table_heading(t, "OBJECT", false);
	table_heading(t, "ID", false);
	table_heading(t, "AMAZON SAYS", false);
	table_heading(t, "AS OF (UTC)", false);
	table_heading(t, "BUT IT IS", false);
	table_heading(t, "HELD SINCE (UTC)", false);
	table_heading(t, "MESSAGE ID", false);
	if (arg_all) {
		table_heading(t, "DISMISSED BY", false);
		table_heading(t, "ON (UTC)", false);
	}
	json_array_foreach(rows, i, row)
	{
		add_row(t, row);
	}
	table_print(t, 0, &c->out);
	fputc('\n', c->out.f);
	output_line(&c->out, COLOUR_DIM,
		    "ipnctl explain ID            what came before, and what Amazon allows now");
	output_line(
		&c->out, COLOUR_DIM,
		"ipnctl conflicts accept N    Amazon is right: take the state, and run the hooks");
	output_line(
		&c->out, COLOUR_DIM,
		"ipnctl conflicts dismiss N   leave the object as it is, and say no more of it");
}

static enum exit_code list(struct ctl *c)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	enum exit_code code = ctl_open_ledger(c);
	int r;

	if (code != EXIT_DONE)
		return code;
	r = ask_held(c, arg_all != NULL, &rows);
	if (r < 0)
		return ctl_failed(c, r);
	return ctl_show(c, rows, print_table, "conflicts: there are none%s",
			arg_all ? "" : "; those that were dismissed are shown by --all");
}

static void report_decided(const char *verb, int64_t id, const json_t *fact)
{
	char when[WHEN_SIZE];

	when_format(row_time(fact, "decided_at"), false, when);
	log_error("conflicts %s %" PRId64 ": %s %s it already, at %s UTC", verb, id,
		  row_word(fact, "decided_by"), row_word(fact, "decision"), when);
}

/* Whether there is something to decide; says why when not. `fact` may be NULL: there is none. */
static bool is_open(const json_t *fact, int64_t id, enum decision decision)
{
	const char *verb = decisions[decision].verb;
	bool held = row_number(fact, "held");

	if (!fact)
		log_error("conflicts %s %" PRId64
			  ": there is no such conflict; ipnctl conflicts shows which there are",
			  verb, id);
	else if (held && (decision == DECISION_ACCEPTED || !row_text(fact, "decision")))
		return true;
	else if (held || row_is(fact, "decision", "accepted"))
		report_decided(verb, id, fact);
	else
		log_error("conflicts %s %" PRId64
			  ": is not held: %s is among the states that %s %s "
			  "has had, so there is nothing to decide",
			  verb, id, row_word(fact, "state"), object_of(fact),
			  row_word(fact, "object_id"));
	return false;
}

/* Decides, and collects what that did as --json shows it. 0 or negative errno; the caller commits. */
static int decide(const struct ctl *c, int64_t id, enum decision decision, const json_t *before,
		  json_t **ret)
{
	CLEANUP(json_decrefp) json_t *last = NULL, *rows = NULL, *events = NULL, *held = NULL;
	json_t *done;
	int r = rows_ask(c->ledger, QUERY_conflict_last_event, NULL, &last);

	if (r == 0)
		r = ledger_decide(c->ledger, id, decision, c->person, c->now_ms);
	if (r == 0)
		r = ask_by_id(c, QUERY_conflict, id, &rows);
	if (r == 0)
		r = ask_by_id(c, QUERY_conflict_events, row_number(json_array_get(last, 0), "id"),
			      &events);
	if (r == 0)
		r = ask_held(c, false, &held);
	if (r < 0)
		return r;
	done = json_incref(json_array_get(rows, 0));
	json_put(done, "previous_state", json_text(row_text(before, "current_state")));
	json_put(done, "events", TAKE(events));
	json_put(done, "conflicts_left", json_integer((json_int_t)json_array_size(held)));
	*ret = done;
	return 0;
}

static void print_events(const struct ctl *c, const json_t *events)
{
	const json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
	{
		output_line(&c->out, COLOUR_PLAIN, "  event %" PRId64 "  %s%s",
			    row_number(event, "id"), row_word(event, "name"),
			    row_number(event, "late") ? " (late: not its state any more)" : "");
	}
	if (json_array_size(events) == 0)
		output_line(&c->out, COLOUR_PLAIN, "  no event: hooks know this state already");
	else if (ctl_running(c, "ipn-hookd", NULL) == 0)
		output_line(&c->out, COLOUR_WAIT,
			    "ipn-hookd is not running: hooks run when it is started");
	else
		output_line(&c->out, COLOUR_PLAIN, "ipn-hookd now runs the hooks that want it");
}

static void print_decided(const struct ctl *c, enum decision decision, const json_t *done)
{
	const char *before = row_word(done, "previous_state"),
		   *after = row_word(done, "current_state");
	int64_t id = row_number(done, "id"), left = row_number(done, "conflicts_left");

	output_line(&c->out, COLOUR_GOOD, "conflict %" PRId64 " is %s by %s", id,
		    decisions[decision].done, row_word(done, "decided_by"));
	output_text(&c->out, COLOUR_PLAIN, "  %s %s: ", object_of(done),
		    row_word(done, "object_id"));
	if (strcmp(before, after) != 0)
		output_line(&c->out, COLOUR_BOLD, "%s -> %s", before, after);
	else
		output_line(&c->out, COLOUR_PLAIN, "still %s", after);
	if (decision == DECISION_ACCEPTED)
		print_events(c, json_object_get(done, "events"));
	else
		output_line(&c->out, COLOUR_PLAIN,
			    "no hook runs; to think better of it: ipnctl conflicts accept %" PRId64,
			    id);
	output_line(&c->out, COLOUR_PLAIN, "its story: ipnctl explain %s",
		    row_word(done, "object_id"));
	if (left > 0)
		output_line(&c->out, COLOUR_WAIT, "%" PRId64 " more: ipnctl conflicts", left);
}

static enum exit_code decide_one(struct ctl *c, enum decision decision, int64_t id)
{
	CLEANUP(json_decrefp) json_t *rows = NULL, *done = NULL;
	enum exit_code code = ctl_open_ledger_to_write(c);
	const json_t *before;
	int r;

	if (code != EXIT_DONE)
		return code;
	r = ask_by_id(c, QUERY_conflict, id, &rows);
	if (r < 0)
		return ctl_failed(c, r);
	before = json_array_get(rows, 0);
	if (!is_open(before, id, decision))
		return EXIT_NOTHING;
	r = decide(c, id, decision, before, &done);
	if (r == 0)
		r = ledger_commit(c->ledger);
	if (r < 0)
		return ctl_failed(c, r);
	if (c->json)
		output_json(&c->out, done);
	else
		print_decided(c, decision, done);
	return EXIT_DONE;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	enum decision decision = DECISION_ACCEPTED;
	int64_t id;

	if (n == 0)
		return list(c);
	if (strcmp(operands[0], decisions[DECISION_DISMISSED].verb) == 0)
		decision = DECISION_DISMISSED;
	else if (strcmp(operands[0], decisions[DECISION_ACCEPTED].verb) != 0) {
		log_error("conflicts %s: write accept N or dismiss N, or nothing to see them all",
			  operands[0]);
		return EXIT_USAGE;
	}
	if (n == 1 || arg_all) {
		log_error("conflicts %s: %s", operands[0],
			  arg_all ? "--all is for the list"
				  : "which one? N is its number in ipnctl conflicts");
		return EXIT_USAGE;
	}
	if (!ctl_parse_number(operands[1], &id)) {
		log_error("conflicts %s %s: is no number; N is that of ipnctl conflicts",
			  operands[0], operands[1]);
		return EXIT_USAGE;
	}
	return decide_one(c, decision, id);
}

const struct verb verb_conflicts = {
	.name = "conflicts",
	.operands = "[accept N|dismiss N]",
	.max = 2,
	.help = "states of Amazon's that cannot follow what is known",
	.more = "Such a state is kept, and leaves the object as it is, until a later notification explains it or a\n"
		"person decides: accept N takes the state and makes its events, so that hooks run; dismiss N only\n"
		"takes it off the list, and accept N still works. An accepted state stays accepted. Deciding needs\n"
		"the database's owner (ipnd) or root; who it was is kept.\n",
	.options = options,
	.run = run,
};
