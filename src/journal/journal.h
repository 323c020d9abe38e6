/*
 * Lines of the daemons' logs, each of a kind and with facts. In the journal both are fields of the entry; elsewhere only the text is
 * shown, so it says them, too.
 */
#ifndef IPND_JOURNAL_JOURNAL_H
#define IPND_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

enum kind {
#define KIND(name, id, meaning) KIND_##name,
#include "journal/kinds.def"
#undef KIND
	KIND_N
};

struct number {
	bool known;
	int64_t at;
};

#define NUMBER(n) ((struct number){true, (n)})

/* What is NULL, empty or not known is left out. Text from outside may stand here as it came: it is escaped and cut. */
struct facts {
#define TEXT_FACT(member, field, meaning)   const char *member;
#define NUMBER_FACT(member, field, meaning) struct number member;
#include "journal/facts.def"
#undef TEXT_FACT
#undef NUMBER_FACT
};

/* `facts` may be NULL. Keeps errno. %m works. */
void journal_facts(enum kind kind, int priority, const struct facts *facts, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define journal_say(kind, priority, ...) journal_facts(kind, priority, NULL, __VA_ARGS__)

/* The 32 hexadecimal digits of its MESSAGE_ID. */
const char *journal_kind_id(enum kind kind);

#endif
