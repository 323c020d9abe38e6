#include "base/money.h"

#include <errno.h>
#include <stdbool.h>

/* 10^15: far above any payment, far below where a sum of them could overflow. */
#define MONEY_MINOR_MAX INT64_C(1000000000000000)

/*
 * ISO 4217's list one (active codes, as of January 2026) by the number of digits after the point. BGN, which
 * ended with 2025, stays for older notifications. Codes without a minor unit (XAU, XDR, XXX, ...) stay unknown:
 * nobody pays with them.
 */
/* clang-format off */
static const char *const codes_by_exponent[] = {
	[0] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ",
	[2] = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN "
	      "BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN "
	      "ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD "
	      "KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR "
	      "MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON "
	      "RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
	      "TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG ",
	[3] = "BHD IQD JOD KWD LYD OMR TND ",
	[4] = "CLF UYW ",
};
/* clang-format on */
#define EXPONENTS ((int)(sizeof(codes_by_exponent) / sizeof(codes_by_exponent[0])))
#define CODE_LEN  (CURRENCY_SIZE - 1)

int money_exponent(struct text currency)
{
	if (!currency.at || currency.len != CODE_LEN)
		return -EINVAL;
	for (int i = 0; i < EXPONENTS; i++) {
		const char *code = codes_by_exponent[i];

		for (; code && *code; code += CODE_LEN + 1)
			if (memcmp(code, currency.at, CODE_LEN) == 0)
				return i;
	}
	return -EINVAL;
}

/*
 * The digits of a number, read as one integer: digits * 10^zeros. Zeros at its end are only counted, so that
 * "10000000.00" has as few digits as "1E7", and whoever has too many would lose some.
 */
struct decimal {
	int64_t digits;
	int64_t zeros;
	bool too_long; /* `digits` is over MONEY_MINOR_MAX and has been left as it was */
};

static bool next_is_digit(struct text t)
{
	return t.len > 0 && t.at[0] >= '0' && t.at[0] <= '9';
}

static bool take_one_of(struct text *t, const char *set)
{
	if (t->len == 0 || !t->at[0] || !strchr(set, t->at[0]))
		return false;
	t->at++;
	t->len--;
	return true;
}

static bool times_ten(int64_t *n)
{
	if (*n > MONEY_MINOR_MAX / 10)
		return false;
	*n *= 10;
	return true;
}

static void append_digit(struct decimal *d, int digit)
{
	int64_t n = d->digits;

	if (digit == 0) {
		d->zeros++; /* leading ones too: they change nothing */
		return;
	}
	for (int64_t i = 0; i < d->zeros + 1 && !d->too_long; i++)
		d->too_long = !times_ten(&n);
	if (d->too_long)
		return;
	d->digits = n + digit;
	d->zeros = 0;
}

/* At least one digit. Returns how many, or 0. */
static size_t take_digits(struct text *t, struct decimal *d)
{
	size_t n = 0;

	for (; next_is_digit(*t); n++) {
		append_digit(d, t->at[0] - '0');
		t->at++;
		t->len--;
	}
	return n;
}

/* What follows the E. Ends up at +-EXPONENT_MAX when it is larger, which no text can make up for. */
#define EXPONENT_MAX (INT64_MAX / 100)
static bool take_exponent(struct text *t, int64_t *ret)
{
	bool negative = take_one_of(t, "-");
	int64_t n = 0;

	if (!negative)
		take_one_of(t, "+");
	if (!next_is_digit(*t))
		return false;
	for (; next_is_digit(*t); t->at++, t->len--)
		n = n < EXPONENT_MAX / 10 ? n * 10 + (t->at[0] - '0') : EXPONENT_MAX;
	*ret = negative ? -n : n;
	return true;
}

int money_parse(struct text amount, struct text currency, int64_t *ret_minor)
{
	int places = money_exponent(currency);
	struct decimal d = {0};
	size_t fraction = 0;
	int64_t exponent = 0;

	if (!amount.at || places < 0 || take_digits(&amount, &d) == 0)
		return -EINVAL;
	if (take_one_of(&amount, ".") && (fraction = take_digits(&amount, &d)) == 0)
		return -EINVAL;
	if (take_one_of(&amount, "Ee") && !take_exponent(&amount, &exponent))
		return -EINVAL;
	if (amount.len != 0)
		return -EINVAL;

	exponent += d.zeros - (int64_t)fraction + places;
	if (d.too_long || (d.digits > 0 && exponent < 0))
		return -ERANGE;
	for (; d.digits > 0 && exponent > 0; exponent--)
		if (!times_ten(&d.digits))
			return -ERANGE;
	if (d.digits > MONEY_MINOR_MAX)
		return -ERANGE;
	*ret_minor = d.digits;
	return 0;
}

void money_format(int64_t minor, const char *currency, char ret[static MONEY_TEXT_SIZE])
{
	int places = money_exponent(text_of(currency));
	uint64_t rest = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
	char s[MONEY_TEXT_SIZE];
	size_t at = sizeof(s);

	s[--at] = 0;
	for (int i = 0; places >= 0 && (i <= places || rest > 0); i++, rest /= 10) {
		if (i == places && places > 0)
			s[--at] = '.';
		s[--at] = (char)('0' + rest % 10);
	}
	if (places >= 0 && minor < 0)
		s[--at] = '-';
	memcpy(ret, s + at, sizeof(s) - at);
}
