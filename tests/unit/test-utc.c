#include "base/utc.h"

#include <errno.h>
#include <time.h>

#include "unit.h"

#define ROWS(a)   ((int)(sizeof(a) / sizeof((a)[0])))
#define BAD       INT64_C(-1)
#define UNTOUCHED INT64_C(42)

#define DAY INT64_C(86400000)

/* Numbers from `date -u -d ... +%s`. */
static const struct {
	const char *in;
	int64_t ms;
} stamps[] = {
	{"1970-01-01T00:00:00.000Z", 0},
	{"1970-01-01T00:00:00.001Z", 1},
	{"2015-11-21T15:55:19.625Z", 1448121319625},
	{"2016-02-29T23:59:59.999Z", 1456790399999},
	{"2000-02-29T00:00:00.000Z", 951782400000},
	{"2038-01-19T03:14:08.000Z", 2147483648000},
	{"9999-12-31T23:59:59.999Z", 253402300799999},
	/* no such day */
	{"2026-02-30T00:00:00.000Z", BAD},
	{"2026-02-29T00:00:00.000Z", BAD},
	{"1900-02-29T00:00:00.000Z", BAD},
	{"2100-02-29T00:00:00.000Z", BAD},
	{"2026-04-31T00:00:00.000Z", BAD},
	{"2026-01-32T00:00:00.000Z", BAD},
	{"2026-01-00T00:00:00.000Z", BAD},
	{"2026-00-01T00:00:00.000Z", BAD},
	{"2026-13-01T00:00:00.000Z", BAD},
	/* no such time of day */
	{"2026-01-01T24:00:00.000Z", BAD},
	{"2026-01-01T25:00:00.000Z", BAD},
	{"2026-01-01T00:60:00.000Z", BAD},
	{"2016-12-31T23:59:60.000Z", BAD}, /* a leap second there was */
	/* outside the years */
	{"1969-12-31T23:59:59.999Z", BAD},
	{"0000-01-01T00:00:00.000Z", BAD},
	/* another form */
	{"", BAD},
	{"Z", BAD},
	{"2015-11-21T15:55:19.625z", BAD},
	{"2015-11-21t15:55:19.625Z", BAD},
	{"2015-11-21 15:55:19.625Z", BAD},
	{"2015-11-21T15:55:19,625Z", BAD},
	{"2015-11-21T15:55:19Z", BAD},
	{"2015-11-21T15:55:19.62Z", BAD},
	{"2015-11-21T15:55:19.6250Z", BAD},
	{"2015-11-21T15:55:19.625", BAD},
	{"2015-11-21T15:55:19.625+00:00", BAD},
	{" 2015-11-21T15:55:19.625Z", BAD},
	{"2015-11-21T15:55:19.625Z ", BAD},
	{"2015-11-21T15:55:19.625ZZ", BAD},
	{"+015-11-21T15:55:19.625Z", BAD},
	{"2015-1-021T15:55:19.625Z", BAD},
	{"2015-11-21T15:55:-9.625Z", BAD},
	{"2015-11-21T15:55: 9.625Z", BAD},
	{"Sat Nov 21 15:55:19 2015", BAD},
	{"\xD9\xA1\x31\x35-11-21T15:55:19.625Z", BAD}, /* an Arabic digit */
};

START_TEST(test_parse)
{
	int64_t ms = UNTOUCHED;
	int r = utc_parse(text_of(stamps[_i].in), &ms);

	ck_assert_int_eq(r, stamps[_i].ms == BAD ? -EINVAL : 0);
	ck_assert_int_eq(ms, stamps[_i].ms == BAD ? UNTOUCHED : stamps[_i].ms);
}
END_TEST

static const struct {
	const char *in;
	int64_t ms;
} xsds[] = {
	{"2015-11-21T15:55:19.625Z", 1448121319625},
	{"2015-11-21T15:55:19Z", 1448121319000},
	{"2015-11-21T15:55:19", 1448121319000}, /* read as UTC */
	{"2015-11-21T15:55:19.6", 1448121319600},
	{"2015-11-21T15:55:19.62Z", 1448121319620},
	{"2015-11-21T15:55:19.0Z", 1448121319000},
	{"2015-11-21T15:55:19.62599999999999999999999999999999999999999999Z", 1448121319625},
	{"2015-11-21T15:55:19.0009Z", 1448121319000},
	{"2015-11-21T15:55:19.9999Z", 1448121319999},
	/* the same moment elsewhere */
	{"2015-11-21T16:55:19.625+01:00", 1448121319625},
	{"2015-11-21T07:55:19.625-08:00", 1448121319625},
	{"2015-11-21T21:25:19.625+05:30", 1448121319625},
	{"2015-11-22T05:55:19.625+14:00", 1448121319625},
	{"2015-11-21T01:55:19.625-14:00", 1448121319625},
	{"2015-11-21T15:55:19.625+00:00", 1448121319625},
	{"2015-11-21T15:55:19.625-00:00", 1448121319625},
	/* over the end of a day, of February, of a year */
	{"2016-03-01T00:30:00+01:00", 1456788600000},
	{"2015-12-31T23:30:00-01:00", 1451608200000},
	/* the end of a day is the next one's beginning (XML Schema part 2, 3.2.7) */
	{"2015-12-31T24:00:00Z", 1451606400000},
	{"2016-02-28T24:00:00", 1456704000000},
	{"2016-02-28T24:00:00.000Z", 1456704000000},
	{"2015-12-31T24:00:00+01:00", 1451602800000},
	{"2015-12-31T24:00:00.001Z", BAD},
	{"2015-12-31T24:00:00.0000000001Z", BAD},
	{"2015-12-31T24:00:01Z", BAD},
	{"2015-12-31T24:01:00Z", BAD},
	{"9999-12-31T24:00:00Z", BAD},
	/* the bounds */
	{"1970-01-01T00:00:00Z", 0},
	{"1970-01-01T00:00:00+00:01", BAD},
	{"1970-01-01T01:00:00+01:00", 0},
	{"9999-12-31T23:59:59.999Z", 253402300799999},
	{"9999-12-31T23:59:59.999-00:01", BAD},
	{"10000-01-01T00:00:00Z", BAD},
	{"-2015-11-21T15:55:19Z", BAD},
	{"015-11-21T15:55:19Z", BAD},
	/* malformed */
	{"", BAD},
	{"2026-02-30T00:00:00Z", BAD},
	{"2016-12-31T23:59:60Z", BAD},
	{"2015-11-21T15:55:19.Z", BAD},
	{"2015-11-21T15:55:19.", BAD},
	{"2015-11-21T15:55:19.6.2Z", BAD},
	{"2015-11-21T15:55:19z", BAD},
	{"2015-11-21t15:55:19Z", BAD},
	{"2015-11-21T15:55Z", BAD},
	{"2015-11-21", BAD},
	{"2015-11-21T15:55:19+14:01", BAD},
	{"2015-11-21T15:55:19+15:00", BAD},
	{"2015-11-21T15:55:19+01:60", BAD},
	{"2015-11-21T15:55:19+0100", BAD},
	{"2015-11-21T15:55:19+01", BAD},
	{"2015-11-21T15:55:19+1:00", BAD},
	{"2015-11-21T15:55:19-", BAD},
	{"2015-11-21T15:55:19Z+01:00", BAD},
	{"2015-11-21T15:55:19 Z", BAD},
	{"\n2015-11-21T15:55:19Z", BAD},
};

START_TEST(test_parse_xsd)
{
	int64_t ms = UNTOUCHED;
	int r = utc_parse_xsd(text_of(xsds[_i].in), &ms);

	ck_assert_int_eq(r, xsds[_i].ms == BAD ? -EINVAL : 0);
	ck_assert_int_eq(ms, xsds[_i].ms == BAD ? UNTOUCHED : xsds[_i].ms);
}
END_TEST

/* Texts that are not ended by NUL, and every beginning of a good one. */
START_TEST(test_parse_lengths)
{
	static const char good[] = "2015-11-21T15:55:19.625Z";

	for (size_t len = 0; len < sizeof(good) - 1; len++) {
		CLEANUP(freep) char *s = malloc(len + 1);
		struct text t = {s + 1, len}; /* ASan watches its end */
		int64_t ms = UNTOUCHED;

		memcpy(s + 1, good, len);
		ck_assert_int_eq(utc_parse(t, &ms), -EINVAL);
		ck_assert_int_eq(ms, UNTOUCHED);
		/* with seconds, and with one to three digits of a fraction */
		ck_assert_int_eq(utc_parse_xsd(t, &ms), len == 19 || len > 20 ? 0 : -EINVAL);
	}
	ck_assert_int_eq(utc_parse(text_of(NULL), &(int64_t){0}), -EINVAL);
	ck_assert_int_eq(utc_parse_xsd(text_of(NULL), &(int64_t){0}), -EINVAL);
	ck_assert_int_eq(utc_parse(TEXT("2015-11-21T15:55:19.625\0"), &(int64_t){0}), -EINVAL);
}
END_TEST

START_TEST(test_format)
{
	char s[UTC_TEXT_SIZE];

	utc_format(0, s);
	ck_assert_str_eq(s, "1970-01-01T00:00:00.000Z");
	utc_format(1448121319625, s);
	ck_assert_str_eq(s, "2015-11-21T15:55:19.625Z");
	utc_format(1456790399999, s);
	ck_assert_str_eq(s, "2016-02-29T23:59:59.999Z");
	utc_format(253402300799999, s);
	ck_assert_str_eq(s, "9999-12-31T23:59:59.999Z");
	utc_format(UTC_UNKNOWN, s);
	ck_assert_str_eq(s, "");
	/* what has no such text becomes the nearest that has */
	utc_format(-1, s);
	ck_assert_str_eq(s, "1970-01-01T00:00:00.000Z");
	utc_format(253402300800000, s);
	ck_assert_str_eq(s, "9999-12-31T23:59:59.999Z");
	utc_format(INT64_MAX, s);
	ck_assert_str_eq(s, "9999-12-31T23:59:59.999Z");
}
END_TEST

/* Every day of 400 years, after which the calendar repeats, and some of all later ones. */
START_TEST(test_round_trip)
{
	for (int64_t day = 0; day * DAY <= 253402300799999; day += day < 146097 ? 1 : 97) {
		int64_t ms = day * DAY + day * 7919 % DAY, back = UNTOUCHED;
		char s[UTC_TEXT_SIZE];

		utc_format(ms, s);
		ck_assert_uint_eq(strlen(s), UTC_TEXT_SIZE - 1);
		if (utc_parse(text_of(s), &back) < 0 || back != ms)
			ck_abort_msg("%s", s);
		if (utc_parse_xsd(text_of(s), &back) < 0 || back != ms)
			ck_abort_msg("%s", s);
	}
}
END_TEST

START_TEST(test_now)
{
	time_t before = time(NULL);
	int64_t now = utc_now_ms();

	ck_assert_int_ge(now, before * 1000);
	ck_assert_int_lt(now, (before + 60) * 1000);
}
END_TEST

static const struct {
	const char *in;
	int64_t ms;
} durations[] = {
	{"10s", 10000},
	{"5m", 300000},
	{"12h", 43200000},
	{"15d", 1296000000},
	{"1s", 1000},
	{"none", DURATION_NONE},
	{"4611686018427387s", 4611686018427387000},
	{"53375995583d", 53375995583 * DAY},
	{"53375995584d", BAD},
	{"4611686018427388s", BAD},
	{"9223372036854775807s", BAD},
	{"99999999999999999999d", BAD},
	{"0s", BAD},
	{"00d", BAD},
	{"10", BAD},
	{"", BAD},
	{"s", BAD},
	{"-5s", BAD},
	{"+5s", BAD},
	{" 5s", BAD},
	{"5 s", BAD},
	{"5s ", BAD},
	{"5ss", BAD},
	{"5S", BAD},
	{"5w", BAD},
	{"5ms", BAD},
	{"1.5h", BAD},
	{"1h30m", BAD},
	{"0x10s", BAD},
	{"5\xC3\xA4", BAD},
	{"None", BAD},
	{"nones", BAD},
};

START_TEST(test_duration)
{
	int64_t ms = UNTOUCHED;
	int r = duration_parse(durations[_i].in, &ms);

	ck_assert_int_eq(r, durations[_i].ms == BAD ? -EINVAL : 0);
	ck_assert_int_eq(ms, durations[_i].ms == BAD ? UNTOUCHED : durations[_i].ms);
}
END_TEST

static const struct {
	const char *in;
	int64_t bytes;
} sizes[] = {
	{"512", 512},
	{"0", 0},
	{"64K", 65536},
	{"1M", 1048576},
	{"2G", 2147483648},
	{"9223372036854775807", INT64_MAX},
	{"9223372036854775808", BAD},
	{"8589934591G", 8589934591 * INT64_C(1073741824)},
	{"8589934592G", BAD},
	{"", BAD},
	{"K", BAD},
	{"64k", BAD},
	{"64KB", BAD},
	{"64KiB", BAD},
	{"-1", BAD},
	{"1.5M", BAD},
	{" 1M", BAD},
	{"1M ", BAD},
	{"1 M", BAD},
	{"1\xFF", BAD},
};

START_TEST(test_size)
{
	int64_t bytes = UNTOUCHED;
	int r = size_parse(sizes[_i].in, &bytes);

	ck_assert_int_eq(r, sizes[_i].bytes == BAD ? -EINVAL : 0);
	ck_assert_int_eq(bytes, sizes[_i].bytes == BAD ? UNTOUCHED : sizes[_i].bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("utc");
	TCase *c = unit_case(suite, "utc");

	/* timegm() must not care where we are. */
	setenv("TZ", "Asia/Tokyo", 1);
	tcase_add_loop_test(c, test_parse, 0, ROWS(stamps));
	tcase_add_loop_test(c, test_parse_xsd, 0, ROWS(xsds));
	tcase_add_test(c, test_parse_lengths);
	tcase_add_test(c, test_format);
	tcase_add_test(c, test_round_trip);
	tcase_add_test(c, test_now);
	tcase_add_loop_test(c, test_duration, 0, ROWS(durations));
	tcase_add_loop_test(c, test_size, 0, ROWS(sizes));
	return unit_main(suite);
}
