/*
 * The state machine: a pure function of the set of an object's facts. No I/O, no clock, no order of arrival
 * (design.md, "The machine").
 */
#ifndef IPND_MACHINE_MACHINE_H
#define IPND_MACHINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "ipn/document.h"

enum state {
	STATE_NOTHING, /* before the first fact */
#define STATE(name, word, event) STATE_##name,
#include "machine/states.def"
	STATE_N
};

/* "" for STATE_NOTHING. */
const char *state_word(enum state s);

/* The word in the names of events: "completed" of capture.completed. */
const char *state_event(enum state s);

/* Without regard to case. STATE_NOTHING when the word is none, or none that this object can have. */
enum state machine_state(enum object_type o, const char *word);

/* Whether the move itself is in the table. */
bool machine_allows(enum object_type o, enum state from, enum state to);

/* Whether an allowed move or a chain of allowed moves leads there. */
bool machine_reaches(enum object_type o, enum state from, enum state to);

/* Whether facts are folded by time, then rank (a state can be left and come back); else by rank, then time. */
bool machine_has_way_back(enum object_type o);

/* A fact: the object was in this state since `at_ms`, says Amazon. (state, at_ms) is unique per object. */
struct machine_fact {
	enum state state;
	int64_t at_ms;
	bool accepted; /* a person says so too: it is never held */
};

/* What the fold makes of one fact. */
struct machine_step {
	size_t fact;     /* index into the facts given */
	bool held;       /* nothing leads there: a conflict */
	bool begins;     /* the state changes here: a transition */
	enum state from; /* state before */
	bool skipped;    /* the transition is a chain of moves: steps between were not heard of */
};

/*
 * Sorts the facts and folds them from nothing through the allowed moves. Writes `n` steps in the fold's order
 * and returns the index in `ret_steps` of the last one that is not held (the current state), or -1 when there
 * is none.
 */
ptrdiff_t machine_fold(enum object_type o, const struct machine_fact *facts, size_t n,
		       struct machine_step *ret_steps);

#endif
