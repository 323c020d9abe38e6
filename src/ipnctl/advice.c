#include "ipnctl/advice.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utc.h"
#include "ipnctl/operations.h"
#include "ipnctl/output.h"
#include "ipnctl/rows.h"

static void __attribute__((format(printf, 5, 0)))
say(json_t *list, const char *about, int64_t until_ms, const char *operation, const char *format,
    va_list ap)
{
	CLEANUP(freep) char *what = NULL;
	json_t *one = output_need(json_object());
	char until[UTC_TEXT_SIZE];

	if (vasprintf(&what, format, ap) < 0)
		what = NULL;
	output_need(what);
	utc_format(until_ms, until);
	json_put(one, "about", json_text(about));
	json_put(one, "operation", json_text(operation));
	json_put(one, "what", json_text(what));
	json_put(one, "until", json_text(until[0] ? until : NULL));
	json_add(list, one);
}

void advice_say(json_t *list, const char *about, int64_t until_ms, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(list, about, until_ms, NULL, format, ap);
	va_end(ap);
}

void advice_say_operation(json_t *list, const char *about, int64_t until_ms, const char *operation,
			  const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(list, about, until_ms, operation, format, ap);
	va_end(ap);
}

void advice_add(json_t *story, int64_t now_ms, bool hooks_stopped)
{
	operations_add(story, now_ms);
	advice_add_wrong(story, now_ms, hooks_stopped);
}
