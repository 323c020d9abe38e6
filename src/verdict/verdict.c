#include "verdict/verdict.h"

#include <assert.h>
#include <string.h>
#include <syslog.h>

static const struct verdict_row rows[VERDICT_N] = {
#define VERDICT(name, word, http, log, answer, meaning)                                            \
	[VERDICT_##name] = {word, http, log, answer, meaning},
#include "verdict/verdicts.def"
#undef VERDICT
};

const struct verdict_row *verdict_row(enum verdict v)
{
	assert(v > VERDICT_PASS && v < VERDICT_N);
	return &rows[v];
}

enum verdict verdict_of_word(const char *word)
{
	for (enum verdict v = VERDICT_PASS + 1; v < VERDICT_N; v++)
		if (strcmp(rows[v].word, word) == 0)
			return v;
	return VERDICT_PASS;
}
