/*
 * Times, amounts, durations and sizes: one input is read as each of them, and an amount's currency is
 * its first three bytes. What was read and is written again must be read as the same.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/money.h"
#include "base/text.h"
#include "base/utc.h"
#include "fuzz.h"

#define UTC_LAST    INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define MONEY_MOST  INT64_C(1000000000000000)
#define CODE_LEN    (CURRENCY_SIZE - 1)
#define DIGITS      "0123456789"
#define SHOWN_SIZE  32
#define HALF_A_UNIT 0.01L /* long double has 64 bits, 14 more than the largest amount */

static void check_time(struct text t)
{
	char again[UTC_TEXT_SIZE];
	int64_t ms, xsd_ms, again_ms;

	if (utc_parse(t, &ms) == 0) {
		assert(ms >= 0 && ms <= UTC_LAST);
		utc_format(ms, again);
		assert(text_is(t, again));
		assert(utc_parse_xsd(t, &xsd_ms) == 0 && xsd_ms == ms);
	}
	if (utc_parse_xsd(t, &xsd_ms) == 0) {
		assert(xsd_ms >= 0 && xsd_ms <= UTC_LAST);
		utc_format(xsd_ms, again);
		assert(utc_parse(text_of(again), &again_ms) == 0 && again_ms == xsd_ms);
	}
}

/* Any number at all is written as the nearest time that there is. */
static void check_number_as_time(int64_t ms)
{
	int64_t nearest = ms < 0 ? 0 : ms > UTC_LAST ? UTC_LAST : ms, again_ms;
	char again[UTC_TEXT_SIZE];

	utc_format(ms, again);
	if (ms == UTC_UNKNOWN)
		assert(!again[0]);
	else
		assert(utc_parse(text_of(again), &again_ms) == 0 && again_ms == nearest);
}

/* digits [. digits] [e [sign] digits] */
static bool is_decimal(const char *s)
{
	size_t n = strspn(s, DIGITS), more;

	if (n == 0)
		return false;
	s += n;
	if (*s == '.') {
		more = strspn(++s, DIGITS);
		if (more == 0)
			return false;
		s += more;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '+' || *s == '-';
		more = strspn(s, DIGITS);
		if (more == 0)
			return false;
		s += more;
	}
	return !*s;
}

static void check_amount(struct text t)
{
	struct text currency = {t.at, CODE_LEN}, amount;
	CLEANUP(freep) char *s = NULL;
	char code[CURRENCY_SIZE] = "", again[MONEY_TEXT_SIZE];
	int64_t minor, again_minor;
	int places, r;

	if (t.len < CODE_LEN)
		return;
	memcpy(code, t.at, CODE_LEN);
	amount = (struct text){t.at + CODE_LEN, t.len - CODE_LEN};
	places = money_exponent(currency);
	r = money_parse(amount, currency, &minor);
	assert(r == 0 || r == -EINVAL || r == -ERANGE);
	s = text_dup(amount);
	assert(s);
	assert((r != -EINVAL) == (places >= 0 && strlen(s) == amount.len && is_decimal(s)));
	if (r < 0)
		return;
	assert(minor >= 0 && minor <= MONEY_MOST);
	assert(fabsl(strtold(s, NULL) * powl(10, places) - (long double)minor) < HALF_A_UNIT);
	money_format(minor, code, again);
	assert(money_parse(text_of(again), currency, &again_minor) == 0 && again_minor == minor);
}

/* Any number at all is written in digits that are the number's, with the currency's decimals. */
static void check_number_as_amount(int64_t minor)
{
	static const char *const codes[] = {"JPY", "USD", "KWD", "CLF"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		int places = money_exponent(text_of(codes[i]));
		char s[MONEY_TEXT_SIZE], digits[MONEY_TEXT_SIZE];
		size_t n = 0;

		money_format(minor, codes[i], s);
		assert(strlen(s) < sizeof(s));
		for (const char *c = s; *c; c++)
			if (*c != '.')
				digits[n++] = *c;
		digits[n] = 0;
		assert(strtoimax(digits, NULL, 10) == minor);
		assert(places == 0 ? !strchr(s, '.')
				   : strlen(strchr(s, '.')) == (size_t)places + 1);
	}
}

static void check_duration_and_size(const char *s)
{
	char again[SHOWN_SIZE];
	int64_t n, again_n;

	if (duration_parse(s, &n) == 0 && n != DURATION_NONE) {
		assert(n >= 1000 && n % 1000 == 0 && n <= INT64_MAX / 2);
		snprintf(again, sizeof(again), "%" PRId64 "s", n / 1000);
		assert(duration_parse(again, &again_n) == 0 && again_n == n);
	}
	if (size_parse(s, &n) == 0) {
		assert(n >= 0);
		snprintf(again, sizeof(again), "%" PRId64, n);
		assert(size_parse(again, &again_n) == 0 && again_n == n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = {(const char *)data, size};
	CLEANUP(freep) char *s = text_dup(t);
	int64_t number;

	assert(s);
	check_time(t);
	check_amount(t);
	check_duration_and_size(s);
	if (size >= sizeof(number)) {
		memcpy(&number, data, sizeof(number));
		check_number_as_time(number);
		check_number_as_amount(number);
	}
	return 0;
}
