/* What becomes of a run that has ended, and when it is tried again. */
#include <errno.h>

#include "base/utc.h"
#include "hooks/outcome.h"
#include "unit.h"

#define NOW     INT64_C(1700000000000)
#define CREATED (NOW - 60000)
#define DAY     INT64_C(86400000)

static const struct outcome_policy usual = {30000, 10000, 3600000, 3 * DAY, 0, false};
static const struct outcome_policy thrice = {1500, 10000, 3600000, DURATION_NONE, 3, false};
static const struct outcome_policy brief = {30000, 10000, 3600000, 65000, 0, false};
static const struct outcome_policy endless = {
	DURATION_NONE, DURATION_NONE, DURATION_NONE, DURATION_NONE, 0, false};

static const struct outcome_policy paused = {30000, 10000, 3600000, 65000, 1, true};

static const struct {
	const struct outcome_policy *policy;
	struct run_end end;
	int64_t attempt;
	unsigned permille;
	enum queue_state state;
	int64_t wait_ms; /* -1: none */
	int exit_status; /* -1: none */
	const char *detail;
} cases[] = {
	{&usual, {.status = 0}, 1, 500, QUEUE_DONE, -1, 0, "exit 0"},
	/* a trial of a hook that is paused: nothing is given up, but by the hook's own word */
	{&paused, {.status = 1}, 9, 500, QUEUE_PENDING, OUTCOME_PROBE_MS, 1, "exit 1"},
	{&paused,
	 {.error = -ENOENT},
	 9,
	 0,
	 QUEUE_PENDING,
	 OUTCOME_PROBE_MS,
	 -1,
	 "cannot start /x: No such file or directory"},
	{&paused, {.status = 100}, 9, 500, QUEUE_DEAD, -1, 100, "exit 100"},
	{&paused, {.status = 0}, 9, 500, QUEUE_DONE, -1, 0, "exit 0"},
	{&usual, {.status = 100}, 1, 500, QUEUE_DEAD, -1, 100, "exit 100"},
	{&usual, {.status = 1}, 1, 500, QUEUE_PENDING, 10000, 1, "exit 1"},
	{&usual, {.status = 1}, 1, 0, QUEUE_PENDING, 7500, 1, "exit 1"},
	{&usual, {.status = 1}, 1, 1000, QUEUE_PENDING, 12500, 1, "exit 1"},
	{&usual, {.status = 1}, 2, 500, QUEUE_PENDING, 20000, 1, "exit 1"},
	{&usual, {.status = 1}, 9, 500, QUEUE_PENDING, 2560000, 1, "exit 1"},
	{&usual, {.status = 1}, 10, 500, QUEUE_PENDING, 3600000, 1, "exit 1"},
	{&usual, {.status = 1}, 10, 1000, QUEUE_PENDING, 3600000, 1, "exit 1"},
	{&usual, {.status = 1}, INT64_MAX, 0, QUEUE_PENDING, 2700000, 1, "exit 1"},
	{&usual,
	 {.killed = true, .status = 9},
	 1,
	 500,
	 QUEUE_PENDING,
	 10000,
	 137,
	 "killed by signal 9"},
	{&usual,
	 {.killed = true, .status = 9, .timed_out = true},
	 1,
	 500,
	 QUEUE_PENDING,
	 10000,
	 137,
	 "killed by signal 9 after its timeout of 30 s"},
	/* A number that happens to be 100 is no exit status. */
	{&usual,
	 {.killed = true, .status = 100},
	 1,
	 500,
	 QUEUE_PENDING,
	 10000,
	 228,
	 "killed by signal 100"},
	/* The timeout counts as a failure whatever the hook makes of TERM. */
	{&usual,
	 {.status = 0, .timed_out = true},
	 1,
	 500,
	 QUEUE_PENDING,
	 10000,
	 0,
	 "exit 0 after its timeout of 30 s"},
	{&thrice,
	 {.status = 100, .timed_out = true},
	 1,
	 500,
	 QUEUE_PENDING,
	 10000,
	 100,
	 "exit 100 after its timeout of 1500 ms"},
	{&usual,
	 {.error = -ENOENT},
	 1,
	 500,
	 QUEUE_PENDING,
	 10000,
	 -1,
	 "cannot start /x: No such file or directory"},
	{&thrice, {.status = 1}, 2, 500, QUEUE_PENDING, 20000, 1, "exit 1"},
	{&thrice, {.status = 1}, 3, 500, QUEUE_DEAD, -1, 1, "exit 1; attempt 3 of 3"},
	{&thrice, {.status = 1}, 4, 500, QUEUE_DEAD, -1, 1, "exit 1; attempt 4 of 3"},
	{&thrice, {.status = 0}, 3, 500, QUEUE_DONE, -1, 0, "exit 0"},
	/* 60 s old; the next attempt would be at 70 s, with luck at 67.5 s. */
	{&brief,
	 {.status = 1},
	 1,
	 500,
	 QUEUE_DEAD,
	 -1,
	 1,
	 "exit 1; the event is too old to try again"},
	{&brief, {.status = 0}, 1, 500, QUEUE_DONE, -1, 0, "exit 0"},
	/* Cut short by us: no failure, and due at once. */
	{&thrice,
	 {.killed = true, .status = 15, .stopped = true},
	 3,
	 500,
	 QUEUE_PENDING,
	 0,
	 143,
	 "killed by signal 15 when ipn-hookd stopped"},
	{&brief,
	 {.status = 0, .stopped = true},
	 1,
	 500,
	 QUEUE_PENDING,
	 0,
	 0,
	 "exit 0 when ipn-hookd stopped"},
	{&endless, {.status = 1}, INT64_MAX, 1000, QUEUE_PENDING, 365 * DAY, 1, "exit 1"},
};

START_TEST(outcomes)
{
	/* The number says nothing: only those that count do. */
	const struct queue_attempt attempt = {
		.number = 1, .counted = cases[_i].attempt, .since_ms = CREATED};
	struct outcome o;

	outcome_decide(cases[_i].policy, &cases[_i].end, "/x", &attempt, NOW, cases[_i].permille,
		       &o);
	ck_assert_int_eq(o.state, cases[_i].state);
	ck_assert_int_eq(o.next_attempt_ms,
			 cases[_i].wait_ms < 0 ? UTC_UNKNOWN : NOW + cases[_i].wait_ms);
	ck_assert_int_eq(o.has_status, cases[_i].exit_status >= 0);
	if (o.has_status)
		ck_assert_int_eq(o.exit_status, cases[_i].exit_status);
	ck_assert_str_eq(o.detail.text, cases[_i].detail);
}
END_TEST

/* What we ended ourselves is never the last attempt, and does not count; nor does a trial. What could not start does, like any failure. */
START_TEST(what_does_not_count)
{
	const struct outcome_policy once = {30000, 10000, 3600000, 1000, 1, false};
	const struct outcome_policy trial = {30000, 10000, 3600000, 1000, 1, true};
	const struct queue_attempt first = {.number = 7, .counted = 1, .since_ms = CREATED};
	const struct queue_attempt none = {.number = 7, .counted = 0, .since_ms = CREATED};
	struct outcome o;

	outcome_decide(&once, &(struct run_end){.error = -ENOENT}, "/x", &first, NOW, 500, &o);
	ck_assert_int_eq(o.state, QUEUE_DEAD);
	ck_assert_int_eq(o.counted, 1);
	outcome_decide(&once, &(struct run_end){.killed = true, .status = 15, .stopped = true},
		       "/x", &first, NOW, 500, &o);
	ck_assert_int_eq(o.state, QUEUE_PENDING);
	ck_assert_int_eq(o.counted, 0);
	outcome_decide(&trial, &(struct run_end){.error = -ENOENT}, "/x", &none, NOW, 500, &o);
	ck_assert_int_eq(o.counted, 0);
	outcome_decide(&once, &(struct run_end){.status = 1}, "/x", &first, NOW, 500, &o);
	ck_assert_int_eq(o.state, QUEUE_DEAD);
	ck_assert_int_eq(o.counted, 1);
}
END_TEST

START_TEST(unknown_age_is_not_old)
{
	const struct queue_attempt attempt = {.number = 1, .counted = 1, .since_ms = UTC_UNKNOWN};
	const struct run_end end = {.status = 1};
	struct outcome o;

	outcome_decide(&brief, &end, "/x", &attempt, NOW, 500, &o);
	ck_assert_int_eq(o.state, QUEUE_PENDING);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outcome");
	TCase *c = unit_case(suite, "outcome");

	tcase_add_loop_test(c, outcomes, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(c, what_does_not_count);
	tcase_add_test(c, unknown_age_is_not_old);
	return unit_main(suite);
}
