#include "unit.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>

#include "ipnctl/output.h"

/* What was printed to the output; the caller frees. */
struct capture {
	char *text;
	size_t len;
	struct output o;
};

static void begin(struct capture *c, bool colour)
{
	*c = (struct capture){0};
	c->o.f = open_memstream(&c->text, &c->len);
	ck_assert(c->o.f != NULL);
	c->o.colour = colour;
}

static char *end(struct capture *c)
{
	fclose(c->o.f);
	return c->text;
}

static const struct {
	const char *given, *clean;
	size_t width;
} texts[] = {
	{"", "", 0},
	{"capture", "capture", 7},
	{"\033[31mred\033[0m", "\\x1B[31mred\\x1B[0m", 18},
	{"a\tb\nc\r", "a\\x09b\\x0Ac\\x0D", 15},
	{"C:\\x", "C:\\x", 4},
	{"\177", "\\x7F", 4},
	{"\xC2\x9B", "\\xC2\\x9B", 8},                 /* C1: CSI */
	{"\xE2\x80\xAE", "\\xE2\\x80\\xAE", 12},       /* bidirectional override */
	{"\xFF", "\\xFF", 4},                          /* not UTF-8 */
	{"\xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA9", 3}, /* two bytes, one column each */
	{"e\xCC\x81", "e\xCC\x81", 1},                 /* a combining accent has no column */
	{"\xE6\x97\xA5\xE6\x9C\xAC", "\xE6\x97\xA5\xE6\x9C\xAC", 4}, /* two columns each */
	{"\xF0\x9F\x8D\x8C", "\xF0\x9F\x8D\x8C", 2},
};

START_TEST(cleans_and_measures)
{
	CLEANUP(freep) char *clean = output_clean(texts[_i].given);

	ck_assert_str_eq(clean, texts[_i].clean);
	ck_assert_uint_eq(output_width(clean), texts[_i].width);
}
END_TEST

/* However long: nothing is cut. */
START_TEST(cleans_whole)
{
	CLEANUP(freep) char *given = malloc(100001), *clean = NULL;

	ck_assert(given != NULL);
	memset(given, 1, 100000);
	given[100000] = 0;
	clean = output_clean(given);
	ck_assert_uint_eq(strlen(clean), 400000);
	ck_assert_str_eq(clean + 399996, "\\x01");
}
END_TEST

/* Bytes that are no UTF-8 never come here, yet must not hang it. */
START_TEST(measures_bytes)
{
	ck_assert_uint_eq(output_width("\xFF\xFE"), 2);
	ck_assert_uint_eq(output_width("a\xE6\x97"), 3);
}
END_TEST

START_TEST(escapes_lines)
{
	struct capture c;
	CLEANUP(freep) char *text = NULL;

	begin(&c, true);
	output_line(&c.o, COLOUR_BAD, "%s!", "a\033]0;x\007\nb");
	output_text(&c.o, COLOUR_PLAIN, "%d", 5);
	output_line(&c.o, COLOUR_GOOD, "%s", "");
	text = end(&c);
	ck_assert_str_eq(text, "\033[31ma\\x1B]0;x\\x07\\x0Ab!\033[0m\n5\n");
}
END_TEST

START_TEST(prints_plain)
{
	struct capture c;
	CLEANUP(freep) char *text = NULL;

	begin(&c, false);
	output_line(&c.o, COLOUR_BAD, "dead");
	text = end(&c);
	ck_assert_str_eq(text, "dead\n");
}
END_TEST

START_TEST(aligns_tables)
{
	struct capture c;
	CLEANUP(freep) char *text = NULL;
	CLEANUP(table_freep) struct table *t = table_new();

	begin(&c, false);
	table_heading(t, "ID", false);
	table_heading(t, "AMOUNT", true);
	table_heading(t, "SHOP", false);
	table_cell(t, COLOUR_PLAIN, "\xE6\x97\xA5\xE6\x9C\xAC");
	table_cell(t, COLOUR_PLAIN, "5.00 USD");
	table_cell(t, COLOUR_PLAIN, "a");
	table_cell(t, COLOUR_PLAIN, NULL);
	table_cell(t, COLOUR_PLAIN, "");
	table_cell(t, COLOUR_PLAIN, "x\ny");
	table_print(t, 2, &c.o);
	text = end(&c);
	ck_assert_str_eq(text, "  ID      AMOUNT  SHOP\n"
			       "  \xE6\x97\xA5\xE6\x9C\xAC  5.00 USD  a\n"
			       "  -            -  x\\x0Ay\n");
}
END_TEST

/* Colour takes no column. */
START_TEST(aligns_coloured_tables)
{
	struct capture c;
	CLEANUP(freep) char *text = NULL;
	CLEANUP(table_freep) struct table *t = table_new();

	begin(&c, true);
	table_heading(t, "STATE", false);
	table_heading(t, "N", true);
	table_cell(t, COLOUR_GOOD, "Open");
	table_cell(t, COLOUR_PLAIN, "10");
	table_print(t, 0, &c.o);
	text = end(&c);
	ck_assert_str_eq(text, "\033[2mSTATE\033[0m   \033[2mN\033[0m\n"
			       "\033[32mOpen\033[0m   10\n");
}
END_TEST

/* A table of 6 + 2 + 30 columns. */
static const struct {
	size_t width;
	bool prose;
	const char *printed;
} folded[] = {
	{0, true, "ID      WORDS\nnumber  one two three four five sixty\n"},
	{37, true, "ID      WORDS\nnumber  one two three four five sixty\n"},
	{36, true, "ID      WORDS\nnumber  one two three four five\n        sixty\n"},
	{32, true, "ID      WORDS\nnumber  one two three four five\n        sixty\n"},
	{31, true, "ID\n    WORDS\nnumber\n    one two three four five\n    sixty\n"},
	{10, true,
	 "ID\n    WORDS\nnumber\n    one\n    two\n    three\n    four\n    five\n    sixty\n"},
	{2, true,
	 "ID\n    WORDS\nnumber\n    one\n    two\n    three\n    four\n    five\n    sixty\n"},
	{19, false, "ID      AMOUNT  END\nnumber    1.00  end\n"},
	{18, false, "ID      AMOUNT\n    END\nnumber    1.00\n    end\n"},
	{13, false, "ID\n    AMOUNT\n    END\nnumber\n      1.00\n    end\n"},
};

START_TEST(folds_tables)
{
	struct capture c;
	CLEANUP(freep) char *text = NULL;
	CLEANUP(table_freep) struct table *t = table_new();

	begin(&c, false);
	c.o.width = folded[_i].width;
	table_heading(t, "ID", false);
	if (!folded[_i].prose)
		table_heading(t, "AMOUNT", true);
	table_heading(t, folded[_i].prose ? "WORDS" : "END", false);
	table_cell(t, COLOUR_PLAIN, "number");
	if (!folded[_i].prose)
		table_cell(t, COLOUR_PLAIN, "1.00");
	table_cell(t, COLOUR_PLAIN, folded[_i].prose ? "one two three four five sixty" : "end");
	table_print(t, 0, &c.o);
	text = end(&c);
	ck_assert_str_eq(text, folded[_i].printed);
}
END_TEST

static const struct {
	size_t width, at, margin;
	const char *printed;
} prose[] = {
	{0, 4, 2, "one two three four five sixty\n"},
	{33, 4, 2, "one two three four five sixty\n"},
	{32, 4, 2, "one two three four five\n  sixty\n"},
	{28, 4, 2, "one two three four five\n  sixty\n"},
	{27, 4, 2, "one two three four five sixty\n"}, /* too narrow for prose */
	{34, 10, 0, "one two three four five\nsixty\n"},
};

START_TEST(breaks_prose)
{
	struct capture c;
	CLEANUP(freep) char *text = NULL;

	begin(&c, false);
	c.o.width = prose[_i].width;
	output_prose(&c.o, COLOUR_PLAIN, prose[_i].at, prose[_i].margin, "%s",
		     "one two three four five sixty");
	text = end(&c);
	ck_assert_str_eq(text, prose[_i].printed);
}
END_TEST

START_TEST(holds_many_rows)
{
	struct capture c;
	CLEANUP(freep) char *text = NULL;
	CLEANUP(table_freep) struct table *t = table_new();
	size_t lines = 0;

	begin(&c, false);
	table_heading(t, "N", false);
	for (int i = 0; i < 1000; i++)
		table_cell(t, COLOUR_PLAIN, "1");
	table_print(t, 0, &c.o);
	text = end(&c);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	ck_assert_uint_eq(lines, 1001);
}
END_TEST

static const struct {
	const char *given;
	size_t max;
	const char *printed;
} blocks[] = {
	{"", 0, ""},
	{"one", 3, "  | one\n"},
	{"one\n", 3, "  | one\n"},
	{"one\n\ntwo\n", 3, "  | one\n  | \n  | two\n"},
	{"1\n2\n3\n4\n", 2, "  | ... (2 lines before)\n  | 3\n  | 4\n"},
	{"1\n2\n3", 0, "  | 1\n  | 2\n  | 3\n"},
	{"a\033[2J\r\n", 1, "  | a\\x1B[2J\\x0D\n"},
};

START_TEST(prints_blocks)
{
	struct capture c;
	CLEANUP(freep) char *text = NULL;

	begin(&c, false);
	output_block(&c.o, 2, blocks[_i].given, blocks[_i].max);
	text = end(&c);
	ck_assert_str_eq(text, blocks[_i].printed);
}
END_TEST

START_TEST(prints_ascii_json)
{
	struct capture c;
	CLEANUP(freep) char *text = NULL;
	json_t *value = json_pack("{s:s, s:i}", "a", "\033\177\xC2\x9B\xE6\x97\xA5", "b", 1);

	begin(&c, true);
	output_json(&c.o, value);
	json_decref(value);
	text = end(&c);
	ck_assert_str_eq(text, "{\"a\":\"\\u001B\\u007F\\u009B\\u65E5\",\"b\":1}\n");
}
END_TEST

static const struct {
	const char *choice, *no_color;
	int result;
	bool colour;
} choices[] = {
	{NULL, NULL, 0, false}, /* no terminal */
	{"auto", NULL, 0, false},  {"always", NULL, 0, true}, {"always", "1", 0, true},
	{"never", NULL, 0, false}, {"", NULL, -EINVAL, true}, {"Always", NULL, -EINVAL, true},
};

START_TEST(chooses_colour)
{
	CLEANUP(fclosep) FILE *f = tmpfile();
	struct output o = {.colour = true};

	if (choices[_i].no_color)
		setenv("NO_COLOR", choices[_i].no_color, 1);
	ck_assert_int_eq(output_open(f, choices[_i].choice, &o), choices[_i].result);
	ck_assert_int_eq(o.colour, choices[_i].colour);
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof(table[0])))

int main(void)
{
	Suite *suite = suite_create("output");
	TCase *c = unit_case(suite, "output");

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 99;
	tcase_add_loop_test(c, cleans_and_measures, 0, N(texts));
	tcase_add_test(c, cleans_whole);
	tcase_add_test(c, measures_bytes);
	tcase_add_test(c, escapes_lines);
	tcase_add_test(c, prints_plain);
	tcase_add_test(c, aligns_tables);
	tcase_add_test(c, aligns_coloured_tables);
	tcase_add_loop_test(c, folds_tables, 0, N(folded));
	tcase_add_loop_test(c, breaks_prose, 0, N(prose));
	tcase_add_test(c, holds_many_rows);
	tcase_add_loop_test(c, prints_blocks, 0, N(blocks));
	tcase_add_test(c, prints_ascii_json);
	tcase_add_loop_test(c, chooses_colour, 0, N(choices));
	return unit_main(suite);
}
