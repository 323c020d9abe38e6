#include "base/utc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR   (60 * MS_PER_MINUTE)
#define MS_PER_DAY    (24 * MS_PER_HOUR)

#define YEAR_MIN 1970
#define YEAR_MAX 9999
#define UTC_MAX  INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* A duration can be added to any time without overflow. */
#define DURATION_MAX (INT64_MAX / 2)

uint64_t monotonic_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t utc_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

/* Takes exactly `width` digits off the front. */
static bool take_number(struct text *t, size_t width, int *ret)
{
	int n = 0;

	if (t->len < width)
		return false;
	for (size_t i = 0; i < width; i++) {
		if (t->at[i] < '0' || t->at[i] > '9')
			return false;
		n = n * 10 + (t->at[i] - '0');
	}
	t->at += width;
	t->len -= width;
	*ret = n;
	return true;
}

static bool take_char(struct text *t, char c)
{
	if (t->len == 0 || t->at[0] != c)
		return false;
	t->at++;
	t->len--;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

/* YYYY-MM-DDTHH:MM:SS. Leap seconds have no place in a count of seconds and are refused. */
static bool take_seconds(struct text *t, bool allow_24h, int64_t *ret_ms)
{
	int year, month, day, hour, minute, second;
	struct tm tm;

	if (!take_number(t, 4, &year) || !take_char(t, '-') || !take_number(t, 2, &month) ||
	    !take_char(t, '-') || !take_number(t, 2, &day) || !take_char(t, 'T') ||
	    !take_number(t, 2, &hour) || !take_char(t, ':') || !take_number(t, 2, &minute) ||
	    !take_char(t, ':') || !take_number(t, 2, &second))
		return false;
	if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month) || minute > 59 || second > 59)
		return false;
	if (hour > 23 && !(allow_24h && hour == 24 && minute == 0 && second == 0))
		return false;
	tm = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
	*ret_ms = timegm(&tm) * MS_PER_SECOND + hour * MS_PER_HOUR + minute * MS_PER_MINUTE +
		  second * MS_PER_SECOND;
	return true;
}

int utc_parse(struct text t, int64_t *ret_ms)
{
	int64_t ms;
	int fraction;

	if (!t.at || !take_seconds(&t, false, &ms) || !take_char(&t, '.') ||
	    !take_number(&t, 3, &fraction) || !take_char(&t, 'Z') || t.len != 0)
		return -EINVAL;
	*ret_ms = ms + fraction;
	return 0;
}

/* The digits after the point, cut to milliseconds. `ret_zero`: all of them are 0. */
static bool take_fraction(struct text *t, int *ret_ms, bool *ret_zero)
{
	int weight = 100, ms = 0, digit;
	bool zero = true;

	if (!take_number(t, 1, &digit))
		return false;
	do {
		ms += digit * weight;
		weight /= 10;
		zero = zero && digit == 0;
	} while (take_number(t, 1, &digit));
	*ret_ms = ms;
	*ret_zero = zero;
	return true;
}

/* Nothing, Z, or +hh:mm and -hh:mm up to 14:00 (XML Schema part 2, 3.2.7.3): what local time is ahead. */
static bool take_zone(struct text *t, int64_t *ret_ahead_ms)
{
	int hour, minute;
	bool behind;

	if (t->len == 0 || take_char(t, 'Z')) {
		*ret_ahead_ms = 0;
		return true;
	}
	behind = take_char(t, '-');
	if (!behind && !take_char(t, '+'))
		return false;
	if (!take_number(t, 2, &hour) || !take_char(t, ':') || !take_number(t, 2, &minute))
		return false;
	if (minute > 59 || hour * 60 + minute > 14 * 60)
		return false;
	*ret_ahead_ms = (hour * MS_PER_HOUR + minute * MS_PER_MINUTE) * (behind ? -1 : 1);
	return true;
}

int utc_parse_xsd(struct text t, int64_t *ret_ms)
{
	struct text whole = t;
	bool zero = true;
	int64_t ms, ahead_ms;
	int fraction = 0;

	if (!t.at || !take_seconds(&t, true, &ms))
		return -EINVAL;
	if (take_char(&t, '.') && !take_fraction(&t, &fraction, &zero))
		return -EINVAL;
	/* 24:00:00 is the next day's 00:00:00 and cannot be followed by a part of a second. */
	if (whole.at[11] == '2' && whole.at[12] == '4' && !zero)
		return -EINVAL;
	if (!take_zone(&t, &ahead_ms) || t.len != 0)
		return -EINVAL;
	ms += fraction - ahead_ms;
	if (ms < 0 || ms > UTC_MAX)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

void utc_format(int64_t ms, char ret[static UTC_TEXT_SIZE])
{
	struct tm tm;
	time_t seconds;
	size_t n;

	if (ms == UTC_UNKNOWN) {
		ret[0] = 0;
		return;
	}
	ms = ms < 0 ? 0 : ms > UTC_MAX ? UTC_MAX : ms;
	seconds = ms / MS_PER_SECOND;
	n = strftime(ret, UTC_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
	snprintf(ret + n, UTC_TEXT_SIZE - n, ".%03dZ", (int)(ms % MS_PER_SECOND));
}

/* Decimal digits up to `max`; at least one. Returns what follows, or NULL. */
static const char *parse_digits(const char *s, int64_t max, int64_t *ret)
{
	int64_t n = 0;

	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		int digit = *s - '0';

		if (n > (max - digit) / 10)
			return NULL;
		n = n * 10 + digit;
	}
	*ret = n;
	return s;
}

/* A number and at most one letter, which is an index into `units`; '\0' is no letter. */
static int parse_scaled(const char *s, const int64_t units[static 128], int64_t max, int64_t *ret)
{
	int64_t n, unit;

	s = parse_digits(s, max, &n);
	if (!s || (unsigned char)*s > 127 || (*s && s[1]))
		return -EINVAL;
	unit = units[(unsigned char)*s];
	if (unit == 0 || n > max / unit)
		return -EINVAL;
	*ret = n * unit;
	return 0;
}

int duration_parse(const char *s, int64_t *ret_ms)
{
	static const int64_t units[128] = {
		['s'] = MS_PER_SECOND,
		['m'] = MS_PER_MINUTE,
		['h'] = MS_PER_HOUR,
		['d'] = MS_PER_DAY,
	};
	int64_t ms;

	if (strcmp(s, "none") == 0) {
		*ret_ms = DURATION_NONE;
		return 0;
	}
	if (parse_scaled(s, units, DURATION_MAX, &ms) < 0 || ms == 0)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

int size_parse(const char *s, int64_t *ret_bytes)
{
	static const int64_t units[128] = {
		[0] = 1,
		['K'] = INT64_C(1) << 10,
		['M'] = INT64_C(1) << 20,
		['G'] = INT64_C(1) << 30,
	};

	return parse_scaled(s, units, INT64_MAX, ret_bytes);
}
