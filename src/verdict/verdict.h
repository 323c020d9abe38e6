/* What is said of a post. One list, verdicts.def, gives the enum, the words and the HTTP answers. */
#ifndef IPND_VERDICT_VERDICT_H
#define IPND_VERDICT_VERDICT_H

#include <stdbool.h>

enum verdict {
	VERDICT_PASS, /* no objection so far; never an answer */
#define VERDICT(name, word, http, log, answer, meaning) VERDICT_##name,
#include "verdict/verdicts.def"
#undef VERDICT
	VERDICT_N
};

struct verdict_row {
	const char *word;    /* in the database, the log and counters */
	int http;            /* status of the answer */
	int log;             /* syslog priority */
	const char *answer;  /* the body's one line, without line end */
	const char *meaning; /* for an operator, in a few words */
};

/* Never NULL; not for VERDICT_PASS. */
const struct verdict_row *verdict_row(enum verdict v);

/* VERDICT_PASS: this version has no such word. */
enum verdict verdict_of_word(const char *word);

#endif
