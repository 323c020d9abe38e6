#include "journal/journal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

#define NUMBER_SIZE 24

enum fact {
	FACT_KIND,
#define TEXT_FACT(member, field, meaning)   FACT_##member,
#define NUMBER_FACT(member, field, meaning) FACT_##member,
#include "journal/facts.def"
#undef TEXT_FACT
#undef NUMBER_FACT
	FACT_N
};

static const char *const ids[KIND_N] = {
#define KIND(name, id, meaning) [KIND_##name] = id,
#include "journal/kinds.def"
#undef KIND
};

static_assert(FACT_N <= LOG_FIELDS_MAX, "every fact finds its place");

const char *journal_kind_id(enum kind kind)
{
	return ids[kind];
}

static const char *number(struct number n, char ret[static NUMBER_SIZE])
{
	if (!n.known)
		return NULL;
	snprintf(ret, NUMBER_SIZE, "%" PRId64, n.at);
	return ret;
}

void journal_facts(enum kind kind, int priority, const struct facts *facts, const char *format, ...)
{
	static const struct facts none;
	struct log_field fields[FACT_N];
	char numbers[FACT_N][NUMBER_SIZE];
	int saved = errno;
	va_list ap;

	if (!facts)
		facts = &none;
	fields[FACT_KIND] = (struct log_field){"MESSAGE_ID", ids[kind]};
#define TEXT_FACT(member, field, meaning)                                                          \
	fields[FACT_##member] = (struct log_field){field, facts->member};
#define NUMBER_FACT(member, field, meaning)                                                        \
	fields[FACT_##member] =                                                                    \
		(struct log_field){field, number(facts->member, numbers[FACT_##member])};
#include "journal/facts.def"
#undef TEXT_FACT
#undef NUMBER_FACT
	va_start(ap, format);
	errno = saved;
	log_write_fields(priority, fields, FACT_N, format, ap);
	va_end(ap);
	errno = saved;
}
