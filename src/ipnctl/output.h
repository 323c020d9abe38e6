/*
 * What ipnctl prints: lines, tables, colours, JSON. Everything printed here is escaped here, so that no text from
 * outside reaches the terminal as it came.
 */
#ifndef IPND_IPNCTL_OUTPUT_H
#define IPND_IPNCTL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"

enum colour { COLOUR_PLAIN, COLOUR_GOOD, COLOUR_WAIT, COLOUR_BAD, COLOUR_DIM, COLOUR_BOLD };

#define OUTPUT_PROSE_WIDTH 24 /* less room is none for a sentence */

struct output {
	FILE *f;
	bool colour;
	size_t width; /* of the terminal, in columns; 0: there is none */
};

/*
 * `choice` is "auto", "always" or "never"; NULL: "auto", which is colour on a terminal unless $NO_COLOR is set
 * (https://no-color.org) or $TERM is "dumb". 0, or -EINVAL for another word.
 */
int output_open(FILE *f, const char *choice, struct output *ret);

/* A program that answers one question has nothing to save: without memory it says so and ends (75). */
void *output_need(void *p);

/* `s` escaped, whole. The caller frees. */
char *output_clean(const char *s);

/* Columns that an escaped text takes. setlocale(LC_CTYPE) must have chosen UTF-8. */
size_t output_width(const char *s);

/* What is clean already, in the colour. */
void output_put(const struct output *o, enum colour colour, const char *clean);

/* The formatted text, escaped, in the colour; no line end. */
void output_text(const struct output *o, enum colour colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with a line end. */
void output_line(const struct output *o, enum colour colour, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * What is clean already, in lines of at most `first` columns, then `room`: broken at its spaces, and further lines `margin`
 * columns in. A longer word has a line of its own.
 */
void output_words(const struct output *o, enum colour colour, const char *clean, size_t first,
		  size_t room, size_t margin);

/*
 * The formatted text, escaped, with a line end. On a terminal that is too narrow it goes on beneath itself: it begins in the
 * column `at`, and goes on in the column `margin`.
 */
void output_prose(const struct output *o, enum colour colour, size_t at, size_t margin,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * A text of many lines, the last `max` of them (0: all), each behind `indent` spaces and a bar; a note tells of those
 * that were left out.
 */
void output_block(const struct output *o, int indent, const char *text, size_t max);

/* One JSON value on one line, in pure ASCII: it may end at a terminal. */
void output_json(const struct output *o, const json_t *value);

/* Each value of an array on a line of its own. */
void output_json_lines(const struct output *o, const json_t *array);

#define TABLE_COLUMNS_MAX 12

/* Rows of cells, aligned when they are printed. */
struct table;

struct table *table_new(void);
void table_free(struct table *t);
DEFINE_CLEANUP(struct table *, table_free)

/* All headings come before the first cell. Numbers stand `right`. */
void table_heading(struct table *t, const char *heading, bool right);

/* The next cell, row by row. The text is copied; NULL or empty: "-". */
void table_cell(struct table *t, enum colour colour, const char *text);

/*
 * Every line begins with `indent` spaces; none ends with one. On a terminal that is too narrow the last column is broken at its
 * spaces, where that leaves it room, else columns go on on the next line.
 */
void table_print(const struct table *t, int indent, const struct output *o);

#endif
