/* Money: int64_t minor units of an ISO 4217 currency. No floating point anywhere. */
#ifndef IPND_BASE_MONEY_H
#define IPND_BASE_MONEY_H

#include <stdint.h>

#include "base/text.h"

#define CURRENCY_SIZE   4
#define MONEY_TEXT_SIZE 32

/* Digits after the point of an active ISO 4217 code (JPY 0, USD 2, KWD 3), or -EINVAL for an unknown one. */
int money_exponent(struct text currency);

/*
 * Decimal text, Java's Double.toString forms included ("133.6", "1.0E7"; protocol.md section 3.3), to minor
 * units. No sign, no spaces, a digit on both sides of the point. -EINVAL: not a number or unknown currency;
 * -ERANGE: digits would be lost, or over 10^15 minor units.
 */
int money_parse(struct text amount, struct text currency, int64_t *ret_minor);

/* "19.95", "-0.05", "1200" (JPY). "" for an unknown currency. */
void money_format(int64_t minor, const char *currency, char ret[static MONEY_TEXT_SIZE]);

#endif
