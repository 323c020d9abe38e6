/* What a shell may complete on ipnctl's command line: verbs, options, and what is in the database and the configuration. */
#include "ipnctl/complete.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/utc.h"
#include "ipnctl/rows.h"
#include "machine/machine.h"

#define GRAMMAR_SIZE 64 /* of a verb's operands, "[accept N|dismiss N]" */

/* The rows of a query that has `id`, `what` and perhaps `:word`; nothing where the database is not to be read. */
static void complete_query(struct ctl *c, const struct completion *typed, enum query query)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	const struct bind binds[] = {{.name = ":word", .text = typed->word}, {0}};
	const json_t *row;
	size_t i;

	if (ctl_open_ledger(c) != EXIT_DONE ||
	    rows_ask(c->ledger, query, query == QUERY_complete_ids ? binds : NULL, &rows) < 0)
		return;
	json_array_foreach(rows, i, row)
	{
		char number[24];

		snprintf(number, sizeof(number), "%" PRId64, row_number(row, "id"));
		complete_print(typed, row_text(row, "id") ? row_text(row, "id") : number,
			       row_text(row, "what"));
	}
}

static void complete_names(struct ctl *c, const struct completion *typed, bool accounts)
{
	if (ctl_load_config(c) != EXIT_DONE)
		return;
	for (size_t i = 0; accounts && i < c->config->n_accounts; i++)
		complete_print(typed, c->config->accounts[i].name,
			       environment_word(c->config->accounts[i].environment));
	for (size_t i = 0; !accounts && i < c->config->n_hooks; i++)
		complete_print(typed, c->config->hooks[i].name, c->config->hooks[i].run.at[0]);
}

void complete_event_names(const struct completion *typed)
{
	char name[64];

	for (enum object_type o = 0; o < OBJECT_N; o++) {
		for (enum state s = STATE_NOTHING + 1; s < STATE_N; s++) {
			if (!machine_reaches(o, STATE_NOTHING, s))
				continue;
			snprintf(name, sizeof(name), "%s.%s", object_word(o), state_event(s));
			complete_print(typed, name, NULL);
		}
	}
	complete_words(
		typed,
		"notification.conflict notification.unrecognized notification.foreign "
		"notification.sample deadline.authorization deadline.order_reference hook.dead");
}

static void complete_when(const struct completion *typed)
{
	const char *option = typed->row ? typed->row->name : "";

	if (strcmp(option, "color") == 0)
		complete_words(typed, "auto always never");
	else if (strcmp(option, "at") == 0)
		complete_words(typed, "now sent");
	else
		complete_words(typed, "1h 2h 12h 1d 3d 7d today yesterday");
}

static void complete_number(struct ctl *c, const struct completion *typed, const struct verb *v)
{
	if (v == &verb_conflicts)
		complete_query(c, typed, QUERY_complete_conflicts);
	else if (v == &verb_subscriptions)
		complete_query(c, typed, QUERY_complete_subscriptions);
}

/* One argument by the word that stands for it in the usage line. */
static void complete_argument(struct ctl *c, const struct completion *typed, const struct verb *v,
			      const char *argument)
{
	if (complete_by_argument(argument) || (v && v->complete && v->complete(typed, argument)))
		return;
	if (strcmp(argument, "WHEN") == 0)
		complete_when(typed);
	else if (strcmp(argument, "TIME") == 0)
		complete_words(typed, "12h 1d 3d 7d 30d");
	else if (strcmp(argument, "GLOB") == 0)
		complete_event_names(typed);
	else if (strcmp(argument, "ID") == 0)
		complete_query(c, typed, QUERY_complete_ids);
	else if (strcmp(argument, "EVENT") == 0)
		complete_query(c, typed,
			       v == &verb_hooks ? QUERY_complete_dead : QUERY_complete_events);
	else if (strcmp(argument, "NAME") == 0)
		complete_names(c, typed, typed->row && strcmp(typed->row->name, "account") == 0);
	else if (strcmp(argument, "N") == 0 && !typed->row)
		complete_number(c, typed, v);
}

/* One of the forms between the bars, "accept N": its words in lower case stand for themselves. */
static void complete_form(struct ctl *c, const struct completion *typed, const struct verb *v,
			  char *form)
{
	const int at = typed->n_operands - 1; /* the first is the verb */
	char *word = strsep(&form, " ");

	for (int i = 0; i < at && word; i++) {
		if (islower((unsigned char)word[0]) && strcmp(word, typed->operands[i + 1]) != 0)
			return;
		if (!strstr(word, "...")) /* FILE...: as many as one likes */
			word = strsep(&form, " ");
	}
	if (word && islower((unsigned char)word[0]))
		complete_print(typed, word, NULL);
	else if (word)
		complete_argument(c, typed, v, word);
}

static void complete_operand(struct ctl *c, const struct completion *typed, const struct verb *v)
{
	char grammar[GRAMMAR_SIZE], *rest = grammar, *form;
	const size_t len = strcspn(v->operands + (v->operands[0] == '['), "]");

	snprintf(grammar, sizeof(grammar), "%.*s", (int)len, v->operands + (v->operands[0] == '['));
	while (grammar[0] && (form = strsep(&rest, "|")))
		complete_form(c, typed, v, form);
}

void complete_verb(const struct completion *typed, const struct verb *v,
		   const struct option_row *rows, const char *config)
{
	struct ctl c = {.config_option = config, .now_ms = utc_now_ms()};

	if (typed->row)
		complete_argument(&c, typed, v, typed->row->argument);
	else if (!complete_by_rows(typed, rows) && v)
		complete_operand(&c, typed, v);
	ctl_done(&c);
}
