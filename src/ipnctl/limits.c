#include "ipnctl/limits.h"

#include <stddef.h>
#include <string.h>

#include "ipnctl/output.h"

static const struct allowance {
	const char *currency;
	int64_t minor;
} allowances[] = {{"USD", 7500}, {"EUR", 7500}, {"GBP", 7500}, {"JPY", 8400}};

static const struct allowance *allowance_in(const char *currency)
{
	for (size_t i = 0; i < sizeof(allowances) / sizeof(allowances[0]); i++)
		if (strcmp(allowances[i].currency, currency) == 0)
			return &allowances[i];
	return NULL;
}

bool limits_is_exact(const char *currency)
{
	return allowance_in(currency) != NULL;
}

int64_t limits_most(int64_t minor, const char *currency)
{
	const struct allowance *a = allowance_in(currency);
	int64_t more = minor / 100 * 15 + minor % 100 * 15 / 100, most;

	if (a && a->minor < more)
		more = a->minor;
	return __builtin_add_overflow(minor, more, &most) ? INT64_MAX : most;
}

void limits_format(const json_t *row, int64_t minor, char ret[static ROW_MONEY_SIZE])
{
	CLEANUP(json_decrefp) json_t *one = output_need(json_object());

	json_put(one, "currency", json_text(row_text(row, "currency")));
	json_put(one, "minor", json_integer(minor));
	row_money(one, "minor", ret);
}
