/* The command line: one table of rows per program or verb gives parser and --help. */
#ifndef IPND_BASE_OPTIONS_H
#define IPND_BASE_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct option_row {
	char letter;            /* 0: only a long name */
	const char *name;       /* "config" */
	const char *argument;   /* "FILE"; NULL: a switch */
	const char *help;       /* one line */
	const char **ret_value; /* where the argument goes; for a switch, "" when given */
};

/*
 * Parses argv[1..] by `rows` (ended by a row without a name). With `stop_at_operand` the first operand ends
 * the options, as a verb does. A value given twice is an error. Returns the index of the first operand,
 * after which only operands follow, or -EINVAL after one line on stderr that names the option and --help.
 */
int options_parse(const struct option_row *rows, int argc, char **argv, bool stop_at_operand);

/* Writes the rows as aligned help lines. */
void options_print(const struct option_row *rows, FILE *f);

#endif
