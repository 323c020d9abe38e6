/* Tables: aligned by columns of the terminal, and folded where it is too narrow. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ipnctl/output.h"

#define COLUMN_GAP  2
#define FOLD_INDENT 4 /* of what goes on on the next line */

struct cell {
	char *text;
	size_t width;
	enum colour colour;
};

struct table {
	size_t columns;
	bool right[TABLE_COLUMNS_MAX];
	struct cell *cells; /* the headings are the first row */
	size_t n;
	size_t size;
};

struct table *table_new(void)
{
	return output_need(calloc(1, sizeof(struct table)));
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

static void add_cell(struct table *t, enum colour colour, const char *text)
{
	struct cell *cell;

	if (t->n == t->size) {
		size_t size = t->size ? 2 * t->size : 64;

		t->cells = output_need(reallocarray(t->cells, size, sizeof(*t->cells)));
		t->size = size;
	}
	cell = &t->cells[t->n++];
	cell->text = output_clean(text && text[0] ? text : "-");
	cell->width = output_width(cell->text);
	cell->colour = colour;
}

void table_heading(struct table *t, const char *heading, bool right)
{
	assert(t->n == t->columns && t->columns < TABLE_COLUMNS_MAX);
	t->right[t->columns++] = right;
	add_cell(t, COLOUR_DIM, heading);
}

void table_cell(struct table *t, enum colour colour, const char *text)
{
	assert(t->columns > 0);
	add_cell(t, colour, text);
}

/* How the columns share the terminal. `line`: on which line of a row each stands; `room`: of the last one. */
struct layout {
	size_t widths[TABLE_COLUMNS_MAX];
	size_t line[TABLE_COLUMNS_MAX];
	size_t room;
	size_t indent;
};

static void measure(const struct table *t, struct layout *l)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->cells[i].width > l->widths[i % t->columns])
			l->widths[i % t->columns] = t->cells[i].width;
}

/* What does not fit goes on, further in, on the next line, a column whole: nobody reads a word that the terminal broke. */
static void fold(const struct table *t, size_t terminal, struct layout *l)
{
	size_t at = l->indent, line = 0, last = t->columns - 1;

	for (size_t i = 0; i <= last; i++) {
		bool first = i == 0 || l->line[i - 1] != line;
		size_t begin = at + (first ? 0 : COLUMN_GAP);
		/* Prose may be broken at its spaces instead. */
		size_t need = i == last && !t->right[i] && l->widths[i] > OUTPUT_PROSE_WIDTH
				      ? OUTPUT_PROSE_WIDTH
				      : l->widths[i];

		if (!first && begin + need > terminal) {
			line++;
			begin = l->indent + FOLD_INDENT;
		}
		l->line[i] = line;
		at = begin + l->widths[i];
		if (i == last)
			l->room = terminal > begin ? terminal - begin : 1;
	}
}

static void print_row(const struct table *t, size_t row, const struct layout *l,
		      const struct output *o)
{
	size_t at = l->indent;

	fprintf(o->f, "%*s", (int)at, "");
	for (size_t i = 0; i < t->columns; i++) {
		const struct cell *cell = &t->cells[row * t->columns + i];
		size_t pad = l->widths[i] - cell->width;
		bool ends_line = i + 1 == t->columns || l->line[i + 1] != l->line[i];

		if (t->right[i])
			fprintf(o->f, "%*s", (int)pad, "");
		if (i + 1 == t->columns && l->room)
			output_words(o, cell->colour, cell->text, l->room, l->room, at);
		else
			output_put(o, cell->colour, cell->text);
		at += l->widths[i] + COLUMN_GAP;
		if (!ends_line) {
			fprintf(o->f, "%*s", (int)(COLUMN_GAP + (t->right[i] ? 0 : pad)), "");
		} else if (i + 1 < t->columns) {
			at = l->indent + FOLD_INDENT;
			fprintf(o->f, "\n%*s", (int)at, "");
		}
	}
	fputc('\n', o->f);
}

void table_print(const struct table *t, int indent, const struct output *o)
{
	struct layout l = {.indent = (size_t)indent};
	size_t width = (size_t)indent;

	assert(t->columns > 0 && t->n % t->columns == 0);
	measure(t, &l);
	for (size_t i = 0; i < t->columns; i++)
		width += l.widths[i] + (i ? COLUMN_GAP : 0);
	if (o->width && width > o->width)
		fold(t, o->width, &l);
	for (size_t row = 0; row < t->n / t->columns; row++)
		print_row(t, row, &l, o);
}
