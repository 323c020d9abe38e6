#include "base/text.h"

#include <errno.h>

#include "unit.h"

#define ROWS(a) ((int)(sizeof(a) / sizeof((a)[0])))

START_TEST(test_dup)
{
	CLEANUP(freep) char *s = text_dup((struct text){"abcdef", 3});
	CLEANUP(freep) char *empty = text_dup(TEXT(""));

	ck_assert_str_eq(s, "abc");
	ck_assert_str_eq(empty, "");
	ck_assert_ptr_null(text_dup(text_of(NULL)));
}
END_TEST

START_TEST(test_equal)
{
	ck_assert(text_is(TEXT("Open"), "Open"));
	ck_assert(!text_is(TEXT("Open"), "open"));
	ck_assert(!text_is(TEXT("Open"), "Ope"));
	ck_assert(!text_is(TEXT("a\0b"), "a"));
	ck_assert(text_is(TEXT(""), ""));
	ck_assert(!text_is(text_of(NULL), ""));
	ck_assert(!text_equal(text_of(NULL), text_of(NULL)));

	ck_assert(text_is_nocase(TEXT("CLOSED"), "Closed"));
	ck_assert(text_is_nocase(TEXT("az09"), "AZ09"));
	ck_assert(!text_is_nocase(TEXT("Close"), "Closed"));
	ck_assert(!text_is_nocase(TEXT("@"), "`")); /* beside A and a */
	ck_assert(!text_is_nocase(TEXT("["), "{"));
	ck_assert(!text_is_nocase(TEXT("\xC3\x84"), "\xC3\xA4")); /* only ASCII */
	ck_assert(!text_is_nocase(text_of(NULL), "x"));
	ck_assert(!text_is_nocase(TEXT("x"), NULL));
}
END_TEST

struct escape_row {
	const char *in;
	size_t len;
	const char *out;
};
#define ROW(in, out)                                                                               \
	{                                                                                          \
		in, sizeof(in) - 1, out                                                            \
	}

static const struct escape_row escapes[] = {
	ROW("", ""),
	ROW("plain text ~", "plain text ~"),
	ROW("a\\b", "a\\x5Cb"),
	ROW("one\r\ntwo\tthree", "one\\x0D\\x0Atwo\\x09three"),
	ROW("\x1B[31mred", "\\x1B[31mred"),
	ROW("a\0b", "a\\x00b"),
	ROW("\x7F", "\\x7F"),
	/* well-formed: 2, 3 and 4 bytes, first and last of each length */
	ROW("\xC3\xA4\xE6\x97\xA5\xF0\x9F\x8D\x8C", "\xC3\xA4\xE6\x97\xA5\xF0\x9F\x8D\x8C"),
	ROW("\xC2\xA0\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF", "\xC2\xA0\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"),
	ROW("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"),
	ROW("\xED\x9F\xBF\xEE\x80\x80", "\xED\x9F\xBF\xEE\x80\x80"), /* beside the surrogates */
	/* C1 controls: CSI would start an escape sequence */
	ROW("\xC2\x9B"
	    "31m",
	    "\\xC2\\x9B31m"),
	ROW("\xC2\x80\xC2\x9F", "\\xC2\\x80\\xC2\\x9F"),
	/* line and paragraph separator */
	ROW("\xE2\x80\xA8\xE2\x80\xA9", "\\xE2\\x80\\xA8\\xE2\\x80\\xA9"),
	/* Bidi_Control: ALM, LRM, RLM, LRE..RLO, LRI..PDI, and their neighbours, which stay */
	ROW("\xD8\x9C", "\\xD8\\x9C"),
	ROW("\xE2\x80\x8E\xE2\x80\x8F", "\\xE2\\x80\\x8E\\xE2\\x80\\x8F"),
	ROW("\xE2\x80\xAA\xE2\x80\xAE", "\\xE2\\x80\\xAA\\xE2\\x80\\xAE"),
	ROW("\xE2\x81\xA6\xE2\x81\xA9", "\\xE2\\x81\\xA6\\xE2\\x81\\xA9"),
	ROW("\xE2\x80\xAF\xE2\x81\xA5\xE2\x81\xAA", "\xE2\x80\xAF\xE2\x81\xA5\xE2\x81\xAA"),
	/* not UTF-8 */
	ROW("\x80\xBF", "\\x80\\xBF"),
	ROW("\xC0\xAF", "\\xC0\\xAF"), /* overlong '/' */
	ROW("\xC1\x8A", "\\xC1\\x8A"), /* overlong line end */
	ROW("\xE0\x80\x8A", "\\xE0\\x80\\x8A"),
	ROW("\xE0\x9F\xBF", "\\xE0\\x9F\\xBF"),
	ROW("\xF0\x80\x80\x8A", "\\xF0\\x80\\x80\\x8A"),
	ROW("\xF0\x8F\xBF\xBF", "\\xF0\\x8F\\xBF\\xBF"),
	ROW("\xED\xA0\x80\xED\xBF\xBF", "\\xED\\xA0\\x80\\xED\\xBF\\xBF"), /* surrogates */
	ROW("\xF4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"),                   /* beyond U+10FFFF */
	ROW("\xF5\xFE\xFF", "\\xF5\\xFE\\xFF"),
	ROW("\xC3", "\\xC3"), /* cut short */
	ROW("\xE6\x97", "\\xE6\\x97"),
	ROW("\xF0\x9F\x8D", "\\xF0\\x9F\\x8D"),
	ROW("\xC3(", "\\xC3("),
	ROW("\xE6\x97x", "\\xE6\\x97x"),
	ROW("\xF0\x9F\x8Dx", "\\xF0\\x9F\\x8Dx"),
};

START_TEST(test_escape)
{
	const struct escape_row *row = &escapes[_i];
	char s[128];

	text_escape((struct text){row->in, row->len}, s, sizeof(s));
	ck_assert_str_eq(s, row->out);
}
END_TEST

START_TEST(test_escape_every_control)
{
	for (int c = 0; c < 0x20; c++) {
		char in = (char)c, out[8], expected[8];

		snprintf(expected, sizeof(expected), "\\x%02X", (unsigned)c);
		text_escape((struct text){&in, 1}, out, sizeof(out));
		ck_assert_str_eq(out, expected);
	}
	for (int c = 0x80; c < 0xA0; c++) {
		char in[2] = {'\xC2', (char)c}, out[16], expected[16];

		snprintf(expected, sizeof(expected), "\\xC2\\x%02X", (unsigned)c);
		text_escape((struct text){in, 2}, out, sizeof(out));
		ck_assert_str_eq(out, expected);
	}
}
END_TEST

START_TEST(test_escape_absent)
{
	char s[8] = "before";

	text_escape(text_of(NULL), s, sizeof(s));
	ck_assert_str_eq(s, "");
}
END_TEST

/* Where the pieces of `out` end that must not be split. */
static bool is_boundary(const char *out, size_t at)
{
	size_t i = 0;

	while (i < at) {
		unsigned char c = (unsigned char)out[i];

		i += c == '\\' ? 4 : c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	}
	return i == at;
}

START_TEST(test_escape_every_size)
{
	static const char in[] = "a\xC3\xA4\n\xE6\x97\xA5\\\xF0\x9F\x8D\x8C\xFF\xE2\x80\xAEz";
	char whole[128];

	text_escape(TEXT(in), whole, sizeof(whole));
	for (size_t size = TEXT_ESCAPE_MIN; size <= strlen(whole) + 4; size++) {
		CLEANUP(freep) char *s = malloc(size); /* of this size, so that ASan sees more */
		size_t len;

		memset(s, 'X', size);
		text_escape(TEXT(in), s, size);
		len = strnlen(s, size);
		ck_assert_uint_lt(len, size);
		if (strlen(whole) < size) {
			ck_assert_str_eq(s, whole);
			continue;
		}
		ck_assert_uint_ge(len, 3);
		ck_assert_str_eq(s + len - 3, "...");
		ck_assert(strncmp(s, whole, len - 3) == 0);
		ck_assert(is_boundary(whole, len - 3));
		/* not cut earlier than needed: the longest piece has 4 bytes */
		ck_assert_uint_ge(len + 4, size);
	}
}
END_TEST

START_TEST(test_escape_exact_fit)
{
	char s[8];

	text_escape(TEXT("1234567"), s, sizeof(s));
	ck_assert_str_eq(s, "1234567");
	text_escape(TEXT("12345678"), s, sizeof(s));
	ck_assert_str_eq(s, "1234...");
	text_escape(TEXT("123\n"), s, sizeof(s));
	ck_assert_str_eq(s, "123\\x0A");
	text_escape(TEXT("123\n4"), s, sizeof(s));
	ck_assert_str_eq(s, "123...");
}
END_TEST

START_TEST(test_escape_line)
{
	char once[64], twice[64];

	text_escape(TEXT("a\n\\"), once, sizeof(once));
	text_escape_line(text_of(once), twice, sizeof(twice));
	ck_assert_str_eq(twice, "a\\x0A\\x5C");
	text_escape_line(TEXT("a\n\x1B\xC2\x9B"), twice, sizeof(twice));
	ck_assert_str_eq(twice, "a\\x0A\\x1B\\xC2\\x9B");
}
END_TEST

START_TEST(test_percent)
{
	static const char kept[] = "ABCXYZabcxyz0189._:@/+- ";

	for (int c = 0; c < 256; c++) {
		char in = (char)c, expected[4];
		CLEANUP(freep) char *s = text_percent((struct text){&in, 1});

		/* spelled out here in another way than there */
		if (c && (strchr(kept, c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			  (c >= '0' && c <= '9')))
			snprintf(expected, sizeof(expected), "%c", c);
		else
			snprintf(expected, sizeof(expected), "%%%02X", (unsigned)c);
		ck_assert_str_eq(s, expected);
	}
}
END_TEST

static const struct {
	struct text in;
	const char *out;
} utf8s[] = {
	{TEXT(""), ""},
	{TEXT("plain\n\t\x7F"), "plain\n\t\x7F"},
	{TEXT("\xC3\xA9\xE6\x97\xA5\xF0\x9F\x98\x80"), "\xC3\xA9\xE6\x97\xA5\xF0\x9F\x98\x80"},
	{TEXT("a\0b"), "a\xEF\xBF\xBD"
		       "b"},
	{TEXT("a\xFF"
	      "b"),
	 "a\xEF\xBF\xBD"
	 "b"},
	{TEXT("\xC3"), "\xEF\xBF\xBD"},
	{TEXT("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD"},
	{TEXT("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
};

START_TEST(test_utf8)
{
	CLEANUP(freep) char *s = text_utf8(utf8s[_i].in);

	ck_assert_str_eq(s, utf8s[_i].out);
	ck_assert_ptr_null(text_utf8(text_of(NULL)));
}
END_TEST

START_TEST(test_percent_strings)
{
	CLEANUP(freep) char *s = text_percent(TEXT("$(reboot) `x`;\n\xE6\x97\xA5%41"));
	CLEANUP(freep) char *empty = text_percent(TEXT(""));
	CLEANUP(freep) char *absent = text_percent(text_of(NULL));
	CLEANUP(freep) char *nul = text_percent(TEXT("a\0b"));

	ck_assert_str_eq(s, "%24%28reboot%29 %60x%60%3B%0A%E6%97%A5%2541");
	ck_assert_str_eq(empty, "");
	ck_assert_str_eq(absent, "");
	ck_assert_str_eq(nul, "a%00b");
}
END_TEST

static const struct {
	const char *pattern, *s;
	bool match;
} globs[] = {
	{"capture.*", "capture.completed", true},
	{"capture.*", "capture.", true},
	{"capture.*", "capture", false},
	{"capture.*", "order_reference.open", false},
	{"*", "", true},
	{"*", "anything", true},
	{"", "", true},
	{"", "a", false},
	{"?", "", false},
	{"?", "a", true},
	{"?", "ab", false},
	{"*.open", "authorization.open", true},
	{"*.open", "authorization.opened", false},
	{"*.open", "a.open.open", true},
	{"a*b*c", "aXbXbXc", true},
	{"a*b*c", "aXbXbX", false},
	{"**", "x", true},
	{"a**", "a", true},
	{"*?", "", false},
	{"*?", "xy", true},
	{"[a]", "a", false}, /* no classes */
	{"[a]", "[a]", true},
	{"\\*", "*", false}, /* no escapes */
	{"Capture.*", "capture.x", false},
};

START_TEST(test_glob)
{
	ck_assert_msg(text_glob(globs[_i].pattern, globs[_i].s) == globs[_i].match, "%s %s",
		      globs[_i].pattern, globs[_i].s);
}
END_TEST

/* A pattern from a configuration must not stall the daemon: ends in time only without blind backtracking. */
START_TEST(test_glob_many_stars)
{
	char pattern[201], s[2001];

	for (size_t i = 0; i < sizeof(pattern) - 1; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[sizeof(pattern) - 2] = 'b';
	pattern[sizeof(pattern) - 1] = 0;
	memset(s, 'a', sizeof(s) - 1);
	s[sizeof(s) - 1] = 0;
	ck_assert(!text_glob(pattern, s));
}
END_TEST

static const struct {
	const char *in;
	size_t len;
	int r;
	const char *out;
} base64s[] = {
	{"", 0, 0, ""},
	/* RFC 4648 section 10 */
	{"Zg==", 4, 1, "f"},
	{"Zm8=", 4, 2, "fo"},
	{"Zm9v", 4, 3, "foo"},
	{"Zm9vYmFy", 8, 6, "foobar"},
	{"AAAA", 4, 3, "\0\0\0"},
	{"+/+/", 4, 3, "\xFB\xFF\xBF"},
	{"//8=", 4, 2, "\xFF\xFF"},
	/* unpadded, padding in the wrong place or too much of it */
	{"Zg", 2, -EINVAL, NULL},
	{"Zg=", 3, -EINVAL, NULL},
	{"Z", 1, -EINVAL, NULL},
	{"Z===", 4, -EINVAL, NULL},
	{"====", 4, -EINVAL, NULL},
	{"=", 1, -EINVAL, NULL},
	{"Zg=g", 4, -EINVAL, NULL},
	{"=Zg=", 4, -EINVAL, NULL},
	{"Zg==Zg==", 8, -EINVAL, NULL},
	{"Zm9v====", 8, -EINVAL, NULL},
	{"Zm9vZ===", 8, -EINVAL, NULL},
	/* bits that no byte needs */
	{"Zh==", 4, -EINVAL, NULL},
	{"Zi==", 4, -EINVAL, NULL},
	{"Zk==", 4, -EINVAL, NULL},
	{"Zo==", 4, -EINVAL, NULL},
	{"Zm+=", 4, -EINVAL, NULL},
	{"Zm9=", 4, -EINVAL, NULL},
	/* white space, other alphabets, other bytes */
	{"Zm9v\n", 5, -EINVAL, NULL},
	{"Zm 9v===", 8, -EINVAL, NULL},
	{" Zm9vYm=", 8, -EINVAL, NULL},
	{"Zm\n9vYg=", 8, -EINVAL, NULL},
	{"-_-_", 4, -EINVAL, NULL},
	{"Zm9\0", 4, -EINVAL, NULL},
	{"Zm9\xC3", 4, -EINVAL, NULL},
	{"Zm9.", 4, -EINVAL, NULL},
};

START_TEST(test_base64)
{
	unsigned char out[8] = {0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE};
	struct text in = {base64s[_i].in, base64s[_i].len};
	int r = text_base64_decode(in, out, sizeof(out));

	ck_assert_int_eq(r, base64s[_i].r);
	if (r >= 0)
		ck_assert_mem_eq(out, base64s[_i].out, (size_t)r);
	ck_assert_uint_eq(out[r < 0 ? 0 : r], 0xEE);
}
END_TEST

START_TEST(test_base64_size)
{
	unsigned char out[6];

	ck_assert_int_eq(text_base64_decode(TEXT("Zm9vYmFy"), out, 6), 6);
	ck_assert_int_eq(text_base64_decode(TEXT("Zm9vYmFy"), out, 5), -ENOSPC);
	ck_assert_int_eq(text_base64_decode(TEXT("Zm9vYmE="), out, 5), 5);
	ck_assert_int_eq(text_base64_decode(TEXT("Zm9vYg=="), out, 3), -ENOSPC);
	ck_assert_int_eq(text_base64_decode(TEXT("Zm9vY!=="), out, 0), -EINVAL);
	ck_assert_int_eq(text_base64_decode(TEXT(""), out, 0), 0);
	ck_assert_int_eq(text_base64_decode(text_of(NULL), out, 6), -EINVAL);
}
END_TEST

/* Every digit of the alphabet stands for its number, and no other byte for any. */
START_TEST(test_base64_alphabet)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int c = 0; c < 256; c++) {
		char in[4] = {'A', 'A', 'A', (char)c};
		const char *at = c ? strchr(alphabet, c) : NULL;
		unsigned char out[3];
		int r = text_base64_decode((struct text){in, 4}, out, sizeof(out));

		if (c == '=') {
			ck_assert_int_eq(r, 2);
			continue;
		}
		ck_assert_int_eq(r, at ? 3 : -EINVAL);
		if (at)
			ck_assert_int_eq(out[2], at - alphabet);
	}
}
END_TEST

START_TEST(test_why)
{
	struct why why;
	char longer[WHY_SIZE + 100];

	why_set(&why, "%s is %d", "x", 5);
	ck_assert_str_eq(why.text, "x is 5");
	why_set(&why, "outer: %s", why.text);
	ck_assert_str_eq(why.text, "outer: x is 5");
	why_set(&why, "a\nb\\x0A");
	ck_assert_str_eq(why.text, "a\\x0Ab\\x0A");

	memset(longer, 'y', sizeof(longer));
	longer[WHY_SIZE - 1] = 0;
	why_set(&why, "%s", longer);
	ck_assert_str_eq(why.text, longer);
	longer[WHY_SIZE - 1] = 'y';
	longer[WHY_SIZE] = 0;
	why_set(&why, "%s", longer);
	ck_assert_uint_eq(strlen(why.text), WHY_SIZE - 1);
	ck_assert_str_eq(why.text + WHY_SIZE - 4, "...");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *c = unit_case(suite, "text");

	tcase_add_test(c, test_dup);
	tcase_add_test(c, test_equal);
	tcase_add_loop_test(c, test_escape, 0, ROWS(escapes));
	tcase_add_test(c, test_escape_every_control);
	tcase_add_test(c, test_escape_absent);
	tcase_add_test(c, test_escape_every_size);
	tcase_add_test(c, test_escape_exact_fit);
	tcase_add_test(c, test_escape_line);
	tcase_add_test(c, test_percent);
	tcase_add_test(c, test_percent_strings);
	tcase_add_loop_test(c, test_utf8, 0, ROWS(utf8s));
	tcase_add_loop_test(c, test_glob, 0, ROWS(globs));
	tcase_add_test(c, test_glob_many_stars);
	tcase_add_loop_test(c, test_base64, 0, ROWS(base64s));
	tcase_add_test(c, test_base64_size);
	tcase_add_test(c, test_base64_alphabet);
	tcase_add_test(c, test_why);
	return unit_main(suite);
}
