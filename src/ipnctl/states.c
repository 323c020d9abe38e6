/* states: the machine itself, as a table, as JSON, or as a picture. Needs neither configuration nor database. */
#include <string.h>

#include "base/log.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "machine/machine.h"

static const char *arg_dot;

static const struct option_row options[] = {
	{0, "dot", NULL, "a graph for graphviz: ipnctl states --dot | dot -Tsvg >states.svg",
	 &arg_dot},
	{0},
};

/* Where an object is before its first state. */
#define BIRTH "new"

static const char *name_of(enum state s)
{
	return s == STATE_NOTHING ? BIRTH : state_word(s);
}

/* Whether the object can ever be in this state; STATE_NOTHING is where it begins. */
static bool has_state(enum object_type o, enum state s)
{
	return s == STATE_NOTHING || machine_reaches(o, STATE_NOTHING, s);
}

static bool is_final(enum object_type o, enum state s)
{
	for (enum state to = STATE_NOTHING + 1; to < STATE_N; to++)
		if (machine_allows(o, s, to))
			return false;
	return true;
}

/* The state's event, "capture.completed". The caller frees. */
static char *event_of(enum object_type o, enum state s)
{
	char *name;

	if (asprintf(&name, "%s.%s", object_word(o), state_event(s)) < 0)
		name = NULL;
	return output_need(name);
}

static void print_dot(const struct ctl *c, enum object_type o)
{
	FILE *f = c->out.f;

	fprintf(f, "\tsubgraph cluster_%s {\n\t\tlabel = \"%s\"\n", object_word(o),
		object_words(o));
	for (enum state s = STATE_NOTHING; s < STATE_N; s++)
		if (s == STATE_NOTHING)
			fprintf(f, "\t\t\"%s.%s\" [shape = point]\n", object_word(o), name_of(s));
		else if (has_state(o, s))
			fprintf(f, "\t\t\"%s.%s\" [label = \"%s\"%s]\n", object_word(o), name_of(s),
				name_of(s), is_final(o, s) ? ", peripheries = 2" : "");
	for (enum state from = STATE_NOTHING; from < STATE_N; from++)
		for (enum state to = STATE_NOTHING + 1; to < STATE_N; to++)
			if (machine_allows(o, from, to))
				fprintf(f, "\t\t\"%s.%s\" -> \"%s.%s\"\n", object_word(o),
					name_of(from), object_word(o), name_of(to));
	fprintf(f, "\t}\n");
}

static json_t *moves_json(enum object_type o)
{
	json_t *moves = output_need(json_array());

	for (enum state from = STATE_NOTHING; from < STATE_N; from++)
		for (enum state to = STATE_NOTHING + 1; to < STATE_N; to++)
			if (machine_allows(o, from, to))
				json_add(moves,
					 json_pack("{s:s?, s:s}", "from",
						   from == STATE_NOTHING ? NULL : state_word(from),
						   "to", state_word(to)));
	return moves;
}

static void print_json(const struct ctl *c, enum object_type o)
{
	CLEANUP(json_decrefp) json_t *object = output_need(json_object());
	json_t *states = output_need(json_array()), *events = output_need(json_array());

	json_put(object, "object", json_text(object_word(o)));
	json_put(object, "states", states);
	json_put(object, "moves", moves_json(o));
	json_put(object, "way_back", json_boolean(machine_has_way_back(o)));
	json_put(object, "events", events);
	for (enum state s = STATE_NOTHING + 1; s < STATE_N; s++) {
		CLEANUP(freep) char *event = event_of(o, s);

		if (!has_state(o, s))
			continue;
		json_add(states, json_text(state_word(s)));
		json_add(events, json_text(event));
	}
	output_json(&c->out, object);
}

static void add_moves(struct table *t, enum object_type o, enum state from)
{
	char words[128] = "";

	for (enum state to = STATE_NOTHING + 1; to < STATE_N; to++) {
		size_t len = strlen(words);

		if (machine_allows(o, from, to))
			snprintf(words + len, sizeof(words) - len, "%s%s", len ? ", " : "",
				 state_word(to));
	}
	table_cell(t, words[0] ? COLOUR_PLAIN : COLOUR_DIM, words[0] ? words : "final");
}

static void print_object(const struct ctl *c, enum object_type o)
{
	CLEANUP(table_freep) struct table *t = table_new();

	output_line(&c->out, COLOUR_BOLD, "%s", object_words(o));
	table_heading(t, "STATE", false);
	table_heading(t, "MAY BECOME", false);
	table_heading(t, "EVENT", false);
	for (enum state s = STATE_NOTHING; s < STATE_N; s++) {
		CLEANUP(freep) char *event = s == STATE_NOTHING ? NULL : event_of(o, s);

		if (!has_state(o, s))
			continue;
		table_cell(t, s == STATE_NOTHING ? COLOUR_DIM : COLOUR_PLAIN, name_of(s));
		add_moves(t, o, s);
		table_cell(t, COLOUR_PLAIN, event);
	}
	table_print(t, 2, &c->out);
}

static void print(const struct ctl *c, enum object_type o, bool apart)
{
	if (arg_dot)
		print_dot(c, o);
	else if (c->json)
		print_json(c, o);
	else {
		if (apart)
			fputc('\n', c->out.f);
		print_object(c, o);
	}
}

/* By the word of the database, or as people write it. OBJECT_N: unknown; says which are known. */
static enum object_type parse_object(const char *given)
{
	char known[256] = "";

	for (enum object_type o = 0; o < OBJECT_N; o++) {
		size_t len = strlen(known);

		if (text_is_nocase(text_of(given), object_word(o)) ||
		    text_is_nocase(text_of(given), object_words(o)))
			return o;
		snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "", object_word(o));
	}
	log_error("states %s: is no object; these are: %s", given, known);
	return OBJECT_N;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	enum object_type only = n > 0 ? parse_object(operands[0]) : OBJECT_N;

	if (n > 0 && only == OBJECT_N)
		return EXIT_USAGE;
	if (arg_dot && c->json) {
		log_error("states: --dot and --json are two forms; choose one");
		return EXIT_USAGE;
	}
	if (arg_dot)
		fprintf(c->out.f,
			"digraph states {\n\trankdir = LR\n\tnode [shape = box, style = rounded]\n");
	for (enum object_type o = 0; o < OBJECT_N; o++)
		if (only == OBJECT_N || o == only)
			print(c, o, only == OBJECT_N && o > 0);
	if (arg_dot)
		fprintf(c->out.f, "}\n");
	return EXIT_DONE;
}

static bool complete(const struct completion *typed, const char *argument)
{
	if (strcmp(argument, "OBJECT") != 0)
		return false;
	for (enum object_type o = 0; o < OBJECT_N; o++)
		complete_print(typed, object_word(o), NULL);
	return true;
}

const struct verb verb_states = {
	.name = "states",
	.operands = "[OBJECT]",
	.max = 1,
	.help = "the state machine: states, allowed moves, events",
	.more = "Of all objects, or of one: order_reference, capture, and so on. A reported state to which no chain\n"
		"of these moves leads is held: see ipnctl conflicts.\n",
	.options = options,
	.run = run,
	.complete = complete,
};
