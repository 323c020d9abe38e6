#include "verdict/verdict.h"

#include <assert.h>
#include <syslog.h>

static const struct verdict_row rows[VERDICT_N] = {
#define VERDICT(name, word, http, log, answer) [VERDICT_##name] = {word, http, log, answer},
#include "verdict/verdicts.def"
#undef VERDICT
};

const struct verdict_row *verdict_row(enum verdict v)
{
	assert(v > VERDICT_PASS && v < VERDICT_N);
	return &rows[v];
}
