/* The scenarios: flows of Amazon Pay's guide as rows of one table. */
#ifndef IPND_SIMULATE_SCENARIOS_H
#define IPND_SIMULATE_SCENARIOS_H

#include <stddef.h>
#include <stdint.h>

#include "ipn/document.h"

#define SCENARIO_NTH_MAX    9 /* objects of one kind in one story */
#define SCENARIO_ORDERS_MAX 3 /* order references in one story */

enum scenario_flag {
	STEP_CAPTURE_NOW = 1,
	STEP_SOFT_DECLINE = 2,
	STEP_CONVERTED = 4, /* the merchant is paid in another currency: ConvertedAmount */
	STEP_PROVIDER =
		8, /* a capture with the provider's credit, a refund with its reversal, of the same number */
	STEP_LISTS_CHILD =
		16, /* in the IdList: an authorization's capture, a provider credit's reversal */
};

/* One notification. Amounts are minor units of the story's one currency. */
struct scenario_step {
	enum object_type object;
	unsigned order; /* which order reference of the story, from 1; 0: of none */
	unsigned nth; /* which of its kind, from 1; a capture has the number of its authorization */
	const char *state;
	const char *reason_code; /* NULL: the document has none */
	int64_t created_s;       /* of the object, after the story's begin */
	int64_t updated_s;       /* of this state */
	int64_t amount_minor;    /* of an agreement: what is left of its limit */
	int64_t done_minor; /* captured of an authorization, refunded of a capture, reversed of a credit */
	unsigned flags;
	const char *event_type; /* of an agreement */
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

/* Those that can be played many times at once, in turn: `i` is 0 for the first, then as the call before left it. */
const struct scenario *scenario_next(size_t *i);

#endif
