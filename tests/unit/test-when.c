#include "unit.h"

#include <errno.h>

#include "base/utc.h"
#include "ipnctl/when.h"

#define NOW "2026-03-01T00:30:15.250Z"

static int64_t now_ms(void)
{
	int64_t ms;

	ck_assert_int_eq(utc_parse(TEXT(NOW), &ms), 0);
	return ms;
}

static const struct {
	const char *given, *time;
} good[] = {
	{"10s", "2026-03-01T00:30:05.250Z"},
	{"2h", "2026-02-28T22:30:15.250Z"},
	{"3d", "2026-02-26T00:30:15.250Z"},
	{"today", "2026-03-01T00:00:00.000Z"},
	{"yesterday", "2026-02-28T00:00:00.000Z"},
	{"2024-02-29", "2024-02-29T00:00:00.000Z"},
	{"2026-11-24 07:10", "2026-11-24T07:10:00.000Z"},
	{"2026-11-24T07:10", "2026-11-24T07:10:00.000Z"},
	{"2026-11-24 07:10:31", "2026-11-24T07:10:31.000Z"},
	{"2026-11-24 07:10:31.123", "2026-11-24T07:10:31.123Z"},
	{"2026-11-24T07:10:31Z", "2026-11-24T07:10:31.000Z"},
	{"2026-11-24t07:10:31z", "2026-11-24T07:10:31.000Z"},
	{"2026-11-24T07:10:31.5+09:00", "2026-11-23T22:10:31.500Z"},
};

START_TEST(reads)
{
	char text[UTC_TEXT_SIZE];
	int64_t ms = 0;

	ck_assert_int_eq(when_parse(good[_i].given, now_ms(), &ms), 0);
	utc_format(ms, text);
	ck_assert_str_eq(text, good[_i].time);
}
END_TEST

static const char *const bad[] = {
	"",
	" ",
	"none",
	"now",
	"tomorrow",
	"Today",
	"5",
	"0s",
	"-1h",
	"2h ago",
	"99999d",
	"2026-02-29",
	"2026-2-9",
	"2026-02-28T",
	"2026-02-28 7:10",
	"2026-02-28 07:60",
	"2026-02-28 25:00",
	"2026-02-28  07:10",
	"2026-02-28T07:10:00+99:00",
	"2026-02-28T07:10:00Z ",
	"20260228",
	"1960-01-01",
	"2026-02-28T07:10:00.00000000000000000000000000000000000000000000000000000000000000000000Z",
};

START_TEST(refuses)
{
	int64_t ms = 42;

	ck_assert_int_eq(when_parse(bad[_i], now_ms(), &ms), -EINVAL);
	ck_assert_int_eq(ms, 42);
}
END_TEST

static const struct {
	int64_t ms;
	const char *text;
} lengths[] = {
	{-1, "0 s"},
	{0, "0 s"},
	{999, "0 s"},
	{119999, "119 s"},
	{120000, "2 min"},
	{90 * 60000, "90 min"},
	{120 * 60000, "2 h"},
	{47 * 3600000LL, "47 h"},
	{48 * 3600000LL, "2 d"},
	{INT64_MAX, "106751991167 d"},
};

START_TEST(says_how_long)
{
	char text[WHEN_SIZE];

	when_length(lengths[_i].ms, text);
	ck_assert_str_eq(text, lengths[_i].text);
}
END_TEST

START_TEST(formats)
{
	char text[WHEN_SIZE];

	when_format(now_ms(), false, text);
	ck_assert_str_eq(text, "2026-03-01 00:30");
	when_format(now_ms(), true, text);
	ck_assert_str_eq(text, "2026-03-01 00:30:15.250");
	when_format(UTC_UNKNOWN, true, text);
	ck_assert_str_eq(text, "");
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof(table[0])))

int main(void)
{
	Suite *suite = suite_create("when");
	TCase *c = unit_case(suite, "when");

	tcase_add_loop_test(c, reads, 0, N(good));
	tcase_add_loop_test(c, refuses, 0, N(bad));
	tcase_add_loop_test(c, says_how_long, 0, N(lengths));
	tcase_add_test(c, formats);
	return unit_main(suite);
}
