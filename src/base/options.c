#include "base/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#define OPTIONS_MAX 32  /* rows of one table; ours have a dozen at most */
#define FIRST_LONG  256 /* getopt_long() answers row i with FIRST_LONG + i, above every letter */
#define SHORT_SIZE  (2 + 2 * OPTIONS_MAX + 1)
#define SHOWN_SIZE  128

/* What getopt_long() wants to know, made from the rows. */
struct tables {
	char letters[SHORT_SIZE];
	struct option longs[OPTIONS_MAX + 1];
	int n;
};

static void tables_make(const struct option_row *rows, bool stop_at_operand, struct tables *ret)
{
	char *p = ret->letters;

	memset(ret, 0, sizeof(*ret));
	if (stop_at_operand)
		*p++ = '+';
	*p++ = ':'; /* a missing argument is told apart from an unknown option */
	for (int i = 0; rows[i].name; i++) {
		assert(i < OPTIONS_MAX);
		ret->longs[i] = (struct option){
			.name = rows[i].name,
			.has_arg = rows[i].argument ? required_argument : no_argument,
			.val = FIRST_LONG + i,
		};
		if (rows[i].letter)
			*p++ = rows[i].letter;
		if (rows[i].letter && rows[i].argument)
			*p++ = ':';
		ret->n++;
	}
}

/* The row that getopt_long() means with `code`, or -1. */
static int row_of(const struct option_row *rows, const struct tables *t, int code)
{
	if (code >= FIRST_LONG)
		return code - FIRST_LONG;
	for (int i = 0; i < t->n; i++)
		if (rows[i].letter && rows[i].letter == code)
			return i;
	return -1;
}

static int complain(const char *option, const char *what)
{
	char shown[SHOWN_SIZE];

	text_escape(text_of(option), shown, sizeof(shown));
	fprintf(stderr, "%s: %s: %s; see --help\n", log_program(), shown, what);
	return -EINVAL;
}

/* An option that getopt_long() refused: `code` is ':' or '?', and optopt what it knows of it. */
static int refuse(const struct option_row *rows, const struct tables *t, int code, char **argv)
{
	int i = row_of(rows, t, optopt);
	char option[SHOWN_SIZE];

	if (i >= 0)
		snprintf(option, sizeof(option), "--%s", rows[i].name);
	else if (optopt)
		snprintf(option, sizeof(option), "-%c", optopt);
	else
		return complain(argv[optind - 1], "unknown option");
	if (i < 0)
		return complain(option, "unknown option");
	return complain(option, code == ':' ? "needs an argument" : "takes no argument");
}

int options_parse(const struct option_row *rows, int argc, char **argv, bool stop_at_operand)
{
	const char *values[OPTIONS_MAX] = {NULL};
	struct tables t;
	int code;

	tables_make(rows, stop_at_operand, &t);
	optind = 0; /* glibc: begin anew, also with another table */
	opterr = 0;
	while ((code = getopt_long(argc, argv, t.letters, t.longs, NULL)) >= 0) {
		int i = code == '?' || code == ':' ? -1 : row_of(rows, &t, code);

		if (i < 0)
			return refuse(rows, &t, code, argv);
		if (values[i] && rows[i].argument) {
			char option[SHOWN_SIZE];

			snprintf(option, sizeof(option), "--%s", rows[i].name);
			return complain(option, "given twice");
		}
		values[i] = rows[i].argument ? optarg : "";
	}
	for (int i = 0; i < t.n; i++)
		if (values[i])
			*rows[i].ret_value = values[i];
	return optind;
}

/* "--config FILE"; returns its length. */
static int print_name(const struct option_row *row, FILE *f)
{
	return fprintf(f, "--%s%s%s", row->name, row->argument ? " " : "",
		       row->argument ? row->argument : "");
}

void options_print(const struct option_row *rows, FILE *f)
{
	size_t width = 0;

	for (const struct option_row *row = rows; row->name; row++) {
		size_t len = strlen("--") + strlen(row->name);

		if (row->argument)
			len += 1 + strlen(row->argument);
		width = len > width ? len : width;
	}
	for (const struct option_row *row = rows; row->name; row++) {
		int printed;

		if (row->letter)
			fprintf(f, "  -%c, ", row->letter);
		else
			fprintf(f, "      ");
		printed = print_name(row, f);
		fprintf(f, "%*s  %s\n", (int)width - printed, "", row->help);
	}
}
