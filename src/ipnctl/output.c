#include "ipnctl/output.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/text.h"

#define COLUMN_GAP 2

/* SGR sequences of ECMA-48; the eight basic colours, which every terminal's user has made readable. */
static const char *const sequences[] = {
	[COLOUR_PLAIN] = "",       [COLOUR_GOOD] = "\033[32m", [COLOUR_WAIT] = "\033[33m",
	[COLOUR_BAD] = "\033[31m", [COLOUR_DIM] = "\033[2m",   [COLOUR_BOLD] = "\033[1m",
};

void *output_need(void *p)
{
	if (!p) {
		log_error("out of memory");
		exit(EXIT_TRY_AGAIN);
	}
	return p;
}

static bool colour_is_welcome(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(no && no[0]) && term && strcmp(term, "dumb") != 0;
}

int output_open(FILE *f, const char *choice, struct output *ret)
{
	struct output o = {.f = f};

	if (!choice || strcmp(choice, "auto") == 0)
		o.colour = isatty(fileno(f)) == 1 && colour_is_welcome();
	else if (strcmp(choice, "always") == 0)
		o.colour = true;
	else if (strcmp(choice, "never") != 0)
		return -EINVAL;
	*ret = o;
	return 0;
}

char *output_clean(const char *s)
{
	/* A byte becomes at most the four of \xHH. */
	size_t size = 4 * strlen(s) + TEXT_ESCAPE_MIN;
	char *clean = output_need(malloc(size));

	text_escape(text_of(s), clean, size);
	return clean;
}

size_t output_width(const char *s)
{
	size_t left = strlen(s), width = 0;
	mbstate_t state = {0};

	while (left > 0) {
		wchar_t c;
		size_t n = mbrtowc(&c, s, left, &state);
		int columns;

		if (n == 0 ||
		    n > left) { /* not UTF-8, or not the locale for it: a column per byte */
			memset(&state, 0, sizeof(state));
			n = 1;
			columns = 1;
		} else {
			columns = wcwidth(c);
		}
		width += columns > 0 ? (size_t)columns : 0;
		s += n;
		left -= n;
	}
	return width;
}

static void put(const struct output *o, enum colour colour, const char *clean)
{
	bool coloured = o->colour && colour != COLOUR_PLAIN && clean[0];

	if (coloured)
		fputs(sequences[colour], o->f);
	fputs(clean, o->f);
	if (coloured)
		fputs("\033[0m", o->f);
}

static __attribute__((format(printf, 3, 0))) void put_formatted(const struct output *o,
								enum colour colour,
								const char *format, va_list ap)
{
	CLEANUP(freep) char *text = NULL, *clean = NULL;

	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	output_need(text);
	clean = output_clean(text);
	put(o, colour, clean);
}

void output_text(const struct output *o, enum colour colour, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_formatted(o, colour, format, ap);
	va_end(ap);
}

void output_line(const struct output *o, enum colour colour, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_formatted(o, colour, format, ap);
	va_end(ap);
	fputc('\n', o->f);
}

/* The lines of a text; one that ends with a line end has no empty line behind it. */
static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (const char *p = text; *p; n++) {
		p = strchrnul(p, '\n');
		if (*p)
			p++;
	}
	return n;
}

void output_block(const struct output *o, int indent, const char *text, size_t max)
{
	size_t n = count_lines(text), skip = max && n > max ? n - max : 0;

	if (skip)
		output_line(o, COLOUR_DIM, "%*s| ... (%zu lines before)", indent, "", skip);
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(text, "\n");

		if (i >= skip)
			output_line(o, COLOUR_PLAIN, "%*s| %.*s", indent, "", (int)len, text);
		text += len + 1;
	}
}

void output_json(const struct output *o, const json_t *value)
{
	/* A C1 control or a bidirectional override is legal JSON, and nothing for a terminal. */
	json_dumpf(value, o->f, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', o->f);
}

void output_json_lines(const struct output *o, const json_t *array)
{
	const json_t *value;
	size_t i;

	json_array_foreach(array, i, value)
	{
		output_json(o, value);
	}
}

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

static void print_row(const struct table *t, size_t row, const size_t *widths, int indent,
		      const struct output *o)
{
	fprintf(o->f, "%*s", indent, "");
	for (size_t i = 0; i < t->columns; i++) {
		const struct cell *cell = &t->cells[row * t->columns + i];
		int pad = (int)(widths[i] - cell->width);
		bool last = i + 1 == t->columns;

		if (t->right[i])
			fprintf(o->f, "%*s", pad, "");
		put(o, cell->colour, cell->text);
		if (!last)
			fprintf(o->f, "%*s", COLUMN_GAP + (t->right[i] ? 0 : pad), "");
	}
	fputc('\n', o->f);
}

void table_print(const struct table *t, int indent, const struct output *o)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};

	assert(t->columns > 0 && t->n % t->columns == 0);
	for (size_t i = 0; i < t->n; i++)
		if (t->cells[i].width > widths[i % t->columns])
			widths[i % t->columns] = t->cells[i].width;
	for (size_t row = 0; row < t->n / t->columns; row++)
		print_row(t, row, widths, indent, o);
}
