/*
 * The command line for a shell that completes it: `PROGRAM --complete WORD...`, where the last word is the one under the cursor,
 * prints what it may become, a line each: the word, and behind a tab what it is. The lines :file and :folder ask the shell for
 * the names it knows itself. Made of the same rows as the parser and --help; completions/ has the shells' side.
 */
#ifndef IPND_BASE_COMPLETE_H
#define IPND_BASE_COMPLETE_H

#include <stdbool.h>

#include "base/options.h"

#define COMPLETE_OPERANDS_MAX 8

struct completion {
	const char *word; /* the value, option or operand under the cursor, as far as it is typed */
	const char *lead; /* what stands before it in the same word, "--color=", to be repeated */
	int lead_len;
	const struct option_row *row;                /* whose value it is; NULL: none's */
	bool option;                                 /* an option's name */
	const char *operands[COMPLETE_OPERANDS_MAX]; /* those before it */
	int n_operands;
};

/* Whether that is asked; then argv[2..] are the words, and stderr says nothing from now on. */
bool complete_wanted(int argc, char **argv);

/* Finds out what the last of the words is, by `rows`. The values of options before it go where the rows say. */
void complete_read(const struct option_row *rows, int n, char **words, struct completion *ret);

/*
 * Prints the candidate if it continues what is typed. One that is not made of letters, digits and ._:@/+- only, or that could be
 * taken for an option, is left out: nothing from outside reaches the shell's line.
 */
void complete_print(const struct completion *c, const char *candidate, const char *help);

/* Words that are separated by spaces. */
void complete_words(const struct completion *c, const char *words);

/* What can be said by the rows alone: names of options, and :file or :folder where `argument` says so. False: something else is wanted. */
bool complete_by_rows(const struct completion *c, const struct option_row *rows);
bool complete_by_argument(const char *argument);

/* All of it for a program without operands. Returns its exit code. */
int complete_program(const struct option_row *rows, int argc, char **argv);

#endif
