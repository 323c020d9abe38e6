#include "ipnctl/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/text.h"

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

/* Columns of the terminal; 0: it is none, or does not say. */
static size_t width_of(FILE *f)
{
	struct winsize size;

	return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int output_open(FILE *f, const char *choice, struct output *ret)
{
	struct output o = {.f = f, .width = width_of(f)};

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

	/* Backslashes stay: some texts, as notification.why, were escaped when they were stored. */
	text_escape_line(text_of(s), clean, size);
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

void output_put(const struct output *o, enum colour colour, const char *clean)
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
	output_put(o, colour, clean);
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

void output_words(const struct output *o, enum colour colour, const char *clean, size_t first,
		  size_t room, size_t margin)
{
	const char *begin = clean, *end = clean;

	while (*begin) {
		const char *next = end + strspn(end, " ");
		CLEANUP(freep) char *line = NULL;

		next += strcspn(next, " ");
		line = output_need(strndup(begin, (size_t)(next - begin)));
		if (*end && (end == begin || output_width(line) <= first)) {
			end = next;
			continue;
		}
		free(line);
		line = output_need(strndup(begin, (size_t)(end - begin)));
		output_put(o, colour, line);
		begin = end = end + strspn(end, " ");
		first = room;
		if (*begin)
			fprintf(o->f, "\n%*s", (int)margin, "");
	}
}

void output_prose(const struct output *o, enum colour colour, size_t at, size_t margin,
		  const char *format, ...)
{
	CLEANUP(freep) char *text = NULL, *clean = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	clean = output_clean(output_need(text));
	/* The words of one column are no prose. */
	if (o->width < margin + OUTPUT_PROSE_WIDTH || o->width < at + OUTPUT_PROSE_WIDTH)
		output_put(o, colour, clean);
	else
		output_words(o, colour, clean, o->width - at, o->width - margin, margin);
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

/* DEL is ASCII that JSON may hold as it is. */
static int write_json(const char *s, size_t len, void *f)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] == '\177')
			fputs("\\u007F", f);
		else
			fputc(s[i], f);
	return 0;
}

void output_json(const struct output *o, const json_t *value)
{
	/* A C1 control or a bidirectional override is legal JSON, and nothing for a terminal. */
	json_dump_callback(value, write_json, o->f, JSON_COMPACT | JSON_ENSURE_ASCII);
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
