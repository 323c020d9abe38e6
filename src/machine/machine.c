#include "machine/machine.h"

#include <assert.h>
#include <stdlib.h>

static const struct {
	const char *word;
	const char *event;
} states[STATE_N] = {
	[STATE_NOTHING] = {"", ""},
#define STATE(name, word, event) [STATE_##name] = {word, event},
#include "machine/states.def"
};

static const bool moves[OBJECT_N][STATE_N][STATE_N] = {
#define MOVE(object, from, to) [OBJECT_##object][STATE_##from][STATE_##to] = true,
#include "machine/states.def"
};

static const bool way_back[OBJECT_N] = {
#define WAY_BACK(object) [OBJECT_##object] = true,
#include "machine/states.def"
};

const char *state_word(enum state s)
{
	assert(s < STATE_N);
	return states[s].word;
}

const char *state_event(enum state s)
{
	assert(s < STATE_N);
	return states[s].event;
}

bool machine_allows(enum object_type o, enum state from, enum state to)
{
	assert(o < OBJECT_N && from < STATE_N && to < STATE_N);
	return moves[o][from][to];
}

/* The states to which one move or more lead, one bit for each. */
static unsigned reach(enum object_type o, enum state from)
{
	unsigned reached = 0, before;

	static_assert(STATE_N <= sizeof(unsigned) * 8, "a bit for each state");
	do {
		before = reached;
		for (unsigned via = 0; via < STATE_N; via++)
			for (unsigned to = 0; to < STATE_N; to++)
				if ((via == from || reached & 1U << via) && moves[o][via][to])
					reached |= 1U << to;
	} while (reached != before);
	return reached;
}

bool machine_reaches(enum object_type o, enum state from, enum state to)
{
	assert(o < OBJECT_N && from < STATE_N && to < STATE_N);
	return reach(o, from) & 1U << to;
}

bool machine_has_way_back(enum object_type o)
{
	assert(o < OBJECT_N);
	return way_back[o];
}

enum state machine_state(enum object_type o, const char *word)
{
	assert(o < OBJECT_N);
	for (enum state s = STATE_NOTHING + 1; s < STATE_N; s++)
		if (text_is_nocase(text_of(word), states[s].word) &&
		    machine_reaches(o, STATE_NOTHING, s))
			return s;
	return STATE_NOTHING;
}

struct order {
	const struct machine_fact *facts;
	bool time_first;
};

/* Total, for no two facts have both state and time in common. The rank is the state's place in its enum. */
static int compare_steps(const void *a, const void *b, void *context)
{
	const struct order *order = context;
	const struct machine_fact *x = &order->facts[((const struct machine_step *)a)->fact];
	const struct machine_fact *y = &order->facts[((const struct machine_step *)b)->fact];
	int by_time = (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
	int by_rank = (x->state > y->state) - (x->state < y->state);

	if (order->time_first)
		return by_time ? by_time : by_rank;
	return by_rank ? by_rank : by_time;
}

ptrdiff_t machine_fold(enum object_type o, const struct machine_fact *facts, size_t n,
		       struct machine_step *ret_steps)
{
	struct order order = {facts, way_back[o]};
	enum state current = STATE_NOTHING;
	ptrdiff_t last = -1;

	for (size_t i = 0; i < n; i++) {
		assert(facts[i].state > STATE_NOTHING && facts[i].state < STATE_N);
		ret_steps[i] = (struct machine_step){.fact = i};
	}
	if (n > 1)
		qsort_r(ret_steps, n, sizeof(*ret_steps), compare_steps, &order);

	for (size_t i = 0; i < n; i++) {
		struct machine_step *step = &ret_steps[i];
		enum state to = facts[step->fact].state;
		bool reached = machine_reaches(o, current, to);

		step->from = current;
		step->held = to != current && !reached && !facts[step->fact].accepted;
		if (step->held)
			continue;
		step->begins = to != current;
		step->skipped = step->begins && reached && !moves[o][current][to];
		current = to;
		last = (ptrdiff_t)i;
	}
	return last;
}
