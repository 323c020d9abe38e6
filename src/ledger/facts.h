/* Inside src/ledger/: the facts of one object, folded by the machine and written back. */
#ifndef IPND_LEDGER_FACTS_H
#define IPND_LEDGER_FACTS_H

#include <sqlite3.h>

#include "base/cleanup.h"
#include "ledger/ledger.h"
#include "machine/machine.h"

/* What the fold says of a fact; stored beside it, so that a change is seen. */
struct folding {
	int64_t place;  /* 1..; 0: held */
	int64_t begins; /* transition id; 0: none begins here */
	enum state from;
	bool skipped;
	bool announced;
	bool late;
};

struct fact {
	int64_t id;
	bool arrives; /* it is not stored yet */
	enum state state;
	int64_t at_ms;
	bool accepted;  /* by a person */
	bool dismissed; /* by a person: when held, nobody is told */
	struct folding was;
	struct folding now;
};

struct facts {
	enum object_type object;
	struct fact *at;
	size_t n;
	size_t arrived; /* the one that the message brings; `n`: none */
	enum state current_was;
	struct machine_step *steps; /* in the order of the fold */
	ptrdiff_t current;          /* index into steps */
};

/* Reads the stored facts of the object and folds them; when there are none, ret->current is -1. */
int facts_load(struct ledger *l, enum object_type object, const char *object_id,
	       struct facts **ret);

/* The same with one that arrives. What carries no time (`timed` is false) is folded alone. */
int facts_load_with(struct ledger *l, enum object_type object, const char *object_id, bool timed,
		    enum state state, int64_t at_ms, struct facts **ret);
void facts_free(struct facts *f);
DEFINE_CLEANUP(struct facts *, facts_free)

/* The fact that gives the object its state; there must be one. */
const struct fact *facts_current(const struct facts *f);

/* The step of a fact after the fold. */
const struct machine_step *facts_step_of(const struct facts *f, size_t fact);

/*
 * Decides places, transitions and what is announced. Facts whose transition is told for the first time then have
 * now.announced && !was.announced.
 */
void facts_decide(struct facts *f);
/* Into fact_fold or fact_put. */
void facts_bind_folding(sqlite3_stmt *s, const struct folding *now);
/* Writes what facts_decide() changed of the facts that were there before. */
int facts_write_folding(struct ledger *l, const struct facts *f);

#endif
