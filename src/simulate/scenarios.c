#include "simulate/scenarios.h"

#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Steps stand in the order in which Amazon would send them, seconds as they lay apart in recorded orders. The
 * authorization's Closed and the capture are one moment; a refund takes half a minute (protocol.md section 4.4).
 */
/* clang-format off */
static const struct scenario_step one_time[] = {
	/*                      nth  state        reason                  created updated amount done flags */
	{ OBJECT_ORDER_REFERENCE, 1, "Open",      NULL,                         0,     42,  1995,   0, 0 },
	{ OBJECT_AUTHORIZATION,   1, "Open",      NULL,                        45,     51,  1995,   0, 0 },
	{ OBJECT_CAPTURE,         1, "Completed", NULL,                        80,     80,  1995,   0, 0 },
	{ OBJECT_AUTHORIZATION,   1, "Closed",    "MaxCapturesProcessed",      45,     80,  1995, 1995, 0 },
	{ OBJECT_REFUND,          1, "Completed", NULL,                       140,    173,   500,   0, 0 },
	{ OBJECT_ORDER_REFERENCE, 1, "Closed",    "SellerClosed",               0,    180,  1995,   0, 0 },
};

static const struct scenario scenarios[] = {
	{ "one-time", "a one-time payment: authorized, captured, refunded in part, closed by the seller",
	  one_time, N(one_time) },
};
/* clang-format on */

const struct scenario *scenario_at(size_t i)
{
	return i < N(scenarios) ? &scenarios[i] : NULL;
}

const struct scenario *scenario_find(const char *name)
{
	const struct scenario *s;

	for (size_t i = 0; (s = scenario_at(i)); i++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}
