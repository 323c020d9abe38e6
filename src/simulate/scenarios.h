/* The scenarios: flows of Amazon Pay's guide as rows of one table. */
#ifndef IPND_SIMULATE_SCENARIOS_H
#define IPND_SIMULATE_SCENARIOS_H

#include <stddef.h>
#include <stdint.h>

#include "ipn/document.h"

#define SCENARIO_NTH_MAX 9 /* objects of one kind in one story */

enum scenario_flag { STEP_CAPTURE_NOW = 1, STEP_SOFT_DECLINE = 2 };

/* One notification. Amounts are minor units of the story's one currency. */
struct scenario_step {
	enum object_type object;
	unsigned nth; /* which of its kind, from 1; a capture has the number of its authorization */
	const char *state;
	const char *reason_code; /* NULL: the document has none */
	unsigned created_s;      /* of the object, after the story's begin */
	unsigned updated_s;      /* of this state */
	int64_t amount_minor;
	int64_t done_minor; /* captured of an authorization, refunded of a capture */
	unsigned flags;
};

struct scenario {
	const char *name;
	const char *help; /* one line */
	const struct scenario_step *steps;
	size_t n_steps;
};

/* NULL when there is none of that name. */
const struct scenario *scenario_find(const char *name);

/* The i-th of all, NULL behind the last. */
const struct scenario *scenario_at(size_t i);

#endif
