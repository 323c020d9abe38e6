#include "ipnctl/when.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utc.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

#define DATE_LEN    10 /* YYYY-MM-DD */
#define MINUTES_LEN 16 /* YYYY-MM-DDTHH:MM */

static int64_t day_of(int64_t ms)
{
	return ms - ms % DAY_MS;
}

/* Digits where d is, the byte itself elsewhere; up to the end of `form`. */
static bool has_form(const char *s, const char *form)
{
	for (; *form; s++, form++)
		if (*form == 'd' ? *s < '0' || *s > '9' : *s != *form)
			return false;
	return true;
}

/* The forms that xs:dateTime does not know are completed to one that it does. */
static int parse_time(const char *s, int64_t *ret_ms)
{
	char full[64];
	size_t len = strlen(s);

	if (len + sizeof("T00:00:00Z") > sizeof(full) || !has_form(s, "dddd-dd-dd"))
		return -EINVAL;
	snprintf(full, sizeof(full), "%s", s);
	if (len > DATE_LEN && (s[DATE_LEN] == ' ' || s[DATE_LEN] == 't'))
		full[DATE_LEN] = 'T';
	if (full[len - 1] == 'z')
		full[len - 1] = 'Z';
	if (len == DATE_LEN)
		snprintf(full + len, sizeof(full) - len, "T00:00:00Z");
	else if (len == MINUTES_LEN && has_form(full + DATE_LEN, "Tdd:dd"))
		snprintf(full + len, sizeof(full) - len, ":00Z");
	return utc_parse_xsd(text_of(full), ret_ms);
}

int when_parse(const char *s, int64_t now_ms, int64_t *ret_ms)
{
	int64_t ago_ms;

	if (strcmp(s, "today") == 0) {
		*ret_ms = day_of(now_ms);
		return 0;
	}
	if (strcmp(s, "yesterday") == 0) {
		*ret_ms = day_of(now_ms) - DAY_MS;
		return 0;
	}
	if (duration_parse(s, &ago_ms) < 0)
		return parse_time(s, ret_ms);
	if (ago_ms == DURATION_NONE || ago_ms > now_ms)
		return -EINVAL;
	*ret_ms = now_ms - ago_ms;
	return 0;
}

void when_length(int64_t ms, char ret[static WHEN_SIZE])
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{DAY_MS, "d"}, {HOUR_MS, "h"}, {MINUTE_MS, "min"}, {SECOND_MS, "s"}};
	size_t i = 0;

	if (ms < 0)
		ms = 0;
	/* From two of a unit on: "90 min" says more than "1 h". */
	while (i + 1 < sizeof(units) / sizeof(units[0]) && ms < 2 * units[i].ms)
		i++;
	snprintf(ret, WHEN_SIZE, "%lld %s", (long long)(ms / units[i].ms), units[i].unit);
}

void when_format(int64_t ms, bool exact, char ret[static WHEN_SIZE])
{
	char text[UTC_TEXT_SIZE];

	utc_format(ms, text);
	snprintf(ret, WHEN_SIZE, "%.*s", exact ? UTC_TEXT_SIZE - 2 : MINUTES_LEN, text);
	if (text[0])
		ret[DATE_LEN] = ' ';
}
