#include "journal/journal.h"

#include <ctype.h>
#include <stdio.h>

#include "base/log.h"
#include "journal/limit.h"
#include "unit.h"

#define ROWS(a)      ((int)(sizeof(a) / sizeof((a)[0])))
#define ID_LEN       32
#define SECOND       UINT64_C(1000000)
#define CATALOG_MARK "-- "

static const struct {
	const char *name, *id, *meaning;
} kinds[] = {
#define KIND(name, id, meaning) {#name, id, meaning},
#include "journal/kinds.def"
#undef KIND
};

START_TEST(test_kinds)
{
	for (int i = 0; i < ROWS(kinds); i++) {
		ck_assert_uint_eq(strlen(kinds[i].id), ID_LEN);
		ck_assert_uint_eq(strspn(kinds[i].id, "0123456789abcdef"), ID_LEN);
		ck_assert_str_eq(journal_kind_id((enum kind)i), kinds[i].id);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(kinds[i].id, kinds[k].id);
	}
	ck_assert_int_eq(ROWS(kinds), KIND_N);
}
END_TEST

/* The journal ignores a field whose name it does not like. */
START_TEST(test_facts)
{
	static const char *const names[] = {
#define TEXT_FACT(member, field, meaning)   field,
#define NUMBER_FACT(member, field, meaning) field,
#include "journal/facts.def"
#undef TEXT_FACT
#undef NUMBER_FACT
	};

	for (int i = 0; i < ROWS(names); i++) {
		ck_assert_int_eq(strncmp(names[i], "IPND_", 5), 0);
		ck_assert_uint_eq(strspn(names[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
				  strlen(names[i]));
		ck_assert_uint_le(strlen(names[i]), LOG_NAME_MAX);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(names[i], names[k]);
	}
}
END_TEST

static bool is_kind(const char *id)
{
	for (int i = 0; i < ROWS(kinds); i++)
		if (strncmp(kinds[i].id, id, ID_LEN) == 0)
			return true;
	return false;
}

/* Every kind has its entry in the catalog and the other way round: an id, a Subject, a text that is more than a line. */
START_TEST(test_catalog)
{
	const char *top = getenv("top_srcdir");
	CLEANUP(freep) char *path = unit_format("%s/systemd/ipnd.catalog", top ? top : ".");
	CLEANUP(freep) char *catalog = unit_read(path, NULL);
	int n = 0;

	for (int i = 0; i < ROWS(kinds); i++) {
		CLEANUP(freep) char *head = unit_format(CATALOG_MARK "%s\nSubject: ", kinds[i].id);
		const char *at = strstr(catalog, head);

		ck_assert_msg(at != NULL, "%s has no entry in the catalog", kinds[i].name);
		at = strstr(at + strlen(head), "\n\n");
		ck_assert_msg(at && at[2] && strncmp(at + 2, CATALOG_MARK, 3) != 0,
			      "%s has no text in the catalog", kinds[i].name);
	}
	for (const char *at = strstr(catalog, CATALOG_MARK); at;
	     at = strstr(at + 1, "\n" CATALOG_MARK)) {
		at += *at == '\n';
		ck_assert_msg(is_kind(at + strlen(CATALOG_MARK)), "no kind: %.40s", at);
		n++;
	}
	ck_assert_int_eq(n, ROWS(kinds));
}
END_TEST

/* The burst, then one each so long; what is left out is counted once, whenever it is asked for. */
START_TEST(test_limit)
{
	uint64_t now = 1000 * SECOND, seconds, said = 0, held = 0;
	struct limit l = {0};

	for (int i = 0; i < LIMIT_BURST; i++)
		ck_assert(limit_allows(&l, now));
	ck_assert_uint_eq(limit_take(&l, now, &seconds), 0);
	for (int i = 0; i < 990; i++)
		ck_assert(!limit_allows(&l, now + 5 * SECOND));
	ck_assert_uint_eq(limit_take(&l, now + 64 * SECOND, &seconds), 990);
	ck_assert_uint_eq(seconds, 60);
	ck_assert_uint_eq(limit_take(&l, now + 65 * SECOND, &seconds), 0);

	/* a flood for a day */
	l = (struct limit){0};
	for (int i = 0; i < 24 * 60; i++) {
		uint64_t n;

		for (int k = 0; k < 100; k++)
			said += limit_allows(&l, now += SECOND * 6 / 10);
		n = limit_take(&l, now, &seconds);
		ck_assert_uint_le(seconds, 60);
		held += n;
	}
	ck_assert_uint_eq(said + held, 24 * 60 * 100);
	ck_assert_uint_le(said, LIMIT_BURST + 24 * 60 * 60 * SECOND / LIMIT_REFILL_USEC + 1);

	/* quiet for long enough: the whole burst again, and no more */
	said = 0;
	for (int i = 0; i < 100; i++)
		said += limit_allows(&l, now + LIMIT_BURST * LIMIT_REFILL_USEC);
	ck_assert_uint_eq(said, LIMIT_BURST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");
	TCase *c = unit_case(suite, "journal");

	tcase_add_test(c, test_kinds);
	tcase_add_test(c, test_facts);
	tcase_add_test(c, test_catalog);
	tcase_add_test(c, test_limit);
	return unit_main(suite);
}
