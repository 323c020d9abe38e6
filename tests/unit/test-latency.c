#include "unit.h"

#include "simulate/latency.h"

#define DAY_USEC (UINT64_C(24) * 60 * 60 * 1000 * 1000)

START_TEST(nothing)
{
	struct latency l = {0};

	ck_assert_uint_eq(latency_quantile(&l, 500), 0);
	ck_assert_uint_eq(latency_quantile(&l, 1000), 0);
}
END_TEST

/* Alone, a value is every quantile; among longer ones it is told too long by less than 1 %, never too short. */
START_TEST(precision)
{
	for (uint64_t usec = 0; usec < DAY_USEC; usec += usec / 100 + 1) {
		struct latency l = {0};
		uint64_t told;

		latency_add(&l, usec);
		ck_assert_uint_eq(latency_quantile(&l, 1), usec);
		ck_assert_uint_eq(latency_quantile(&l, 1000), usec);
		latency_add(&l, DAY_USEC);
		told = latency_quantile(&l, 500);
		ck_assert_uint_ge(told, usec);
		ck_assert_uint_le(told - usec, usec / 100);
	}
}
END_TEST

START_TEST(quantiles)
{
	struct latency l = {0};

	for (unsigned usec = 1; usec <= 200; usec++)
		latency_add(&l, 201 - usec);
	ck_assert_uint_eq(latency_quantile(&l, 500), 100);
	ck_assert_uint_eq(latency_quantile(&l, 990), 198);
	ck_assert_uint_eq(latency_quantile(&l, 999), 200);
	ck_assert_uint_eq(l.max_usec, 200);
}
END_TEST

/* What does not end is not counted outside of the table. */
START_TEST(endless)
{
	struct latency l = {0};

	latency_add(&l, UINT64_MAX);
	latency_add(&l, UINT64_C(1) << LATENCY_MAX_BITS);
	ck_assert_uint_eq(l.counts[LATENCY_COUNTS - 1], 2);
	ck_assert_uint_eq(l.max_usec, UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("latency");
	TCase *c = unit_case(suite, "latency");

	tcase_add_test(c, nothing);
	tcase_add_test(c, precision);
	tcase_add_test(c, quantiles);
	tcase_add_test(c, endless);
	return unit_main(suite);
}
