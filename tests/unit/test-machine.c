#include "machine/machine.h"

#include "unit.h"

#define ROWS(a)   ((int)(sizeof(a) / sizeof((a)[0])))
#define FACTS_MAX 6

/*
 * What Amazon's guide allows (protocol.md section 4), written once more by hand and in another form: m, a
 * move; c, a chain of moves only; a dot, nothing leads there.
 */
static const enum state columns[STATE_N] = {
	STATE_NOTHING,  STATE_PENDING, STATE_OPEN,     STATE_SUSPENDED, STATE_COMPLETED,
	STATE_DECLINED, STATE_CLOSED,  STATE_CANCELED, STATE_RECEIVED,  STATE_REGISTER,
};

/* clang-format off */
static const char *const allowed[OBJECT_N][STATE_N] = {
	[OBJECT_ORDER_REFERENCE] = {
		/*                     - Pe Op Su Co De Cl Ca Re Rg */
		[STATE_NOTHING] =    " .  .  m  c  .  .  c  m  .  .",
		[STATE_PENDING] =    " .  .  .  .  .  .  .  .  .  .",
		[STATE_OPEN] =       " .  .  c  m  .  .  m  m  .  .",
		[STATE_SUSPENDED] =  " .  .  m  c  .  .  m  m  .  .",
		[STATE_COMPLETED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_DECLINED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_CLOSED] =     " .  .  .  .  .  .  .  .  .  .",
		[STATE_CANCELED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_RECEIVED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_REGISTER] =   " .  .  .  .  .  .  .  .  .  .",
	},
	[OBJECT_BILLING_AGREEMENT] = {
		/*                     - Pe Op Su Co De Cl Ca Re Rg */
		[STATE_NOTHING] =    " .  .  m  c  .  .  c  m  .  .",
		[STATE_PENDING] =    " .  .  .  .  .  .  .  .  .  .",
		[STATE_OPEN] =       " .  .  c  m  .  .  m  m  .  .",
		[STATE_SUSPENDED] =  " .  .  m  c  .  .  m  m  .  .",
		[STATE_COMPLETED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_DECLINED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_CLOSED] =     " .  .  .  .  .  .  .  .  .  .",
		[STATE_CANCELED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_RECEIVED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_REGISTER] =   " .  .  .  .  .  .  .  .  .  .",
	},
	[OBJECT_AUTHORIZATION] = {
		/*                     - Pe Op Su Co De Cl Ca Re Rg */
		[STATE_NOTHING] =    " .  m  m  .  .  m  c  .  .  .",
		[STATE_PENDING] =    " .  .  m  .  .  m  m  .  .  .",
		[STATE_OPEN] =       " .  .  .  .  .  .  m  .  .  .",
		[STATE_SUSPENDED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_COMPLETED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_DECLINED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_CLOSED] =     " .  .  .  .  .  .  .  .  .  .",
		[STATE_CANCELED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_RECEIVED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_REGISTER] =   " .  .  .  .  .  .  .  .  .  .",
	},
	[OBJECT_CAPTURE] = {
		/*                     - Pe Op Su Co De Cl Ca Re Rg */
		[STATE_NOTHING] =    " .  m  .  .  m  m  c  .  .  .",
		[STATE_PENDING] =    " .  .  .  .  m  m  c  .  .  .",
		[STATE_OPEN] =       " .  .  .  .  .  .  .  .  .  .",
		[STATE_SUSPENDED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_COMPLETED] =  " .  .  .  .  .  .  m  .  .  .",
		[STATE_DECLINED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_CLOSED] =     " .  .  .  .  .  .  .  .  .  .",
		[STATE_CANCELED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_RECEIVED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_REGISTER] =   " .  .  .  .  .  .  .  .  .  .",
	},
	[OBJECT_REFUND] = {
		/*                     - Pe Op Su Co De Cl Ca Re Rg */
		[STATE_NOTHING] =    " .  m  .  .  m  m  .  .  .  .",
		[STATE_PENDING] =    " .  .  .  .  m  m  .  .  .  .",
		[STATE_OPEN] =       " .  .  .  .  .  .  .  .  .  .",
		[STATE_SUSPENDED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_COMPLETED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_DECLINED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_CLOSED] =     " .  .  .  .  .  .  .  .  .  .",
		[STATE_CANCELED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_RECEIVED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_REGISTER] =   " .  .  .  .  .  .  .  .  .  .",
	},
	[OBJECT_CHARGEBACK] = {
		/*                     - Pe Op Su Co De Cl Ca Re Rg */
		[STATE_NOTHING] =    " .  .  .  .  .  .  .  .  m  .",
		[STATE_PENDING] =    " .  .  .  .  .  .  .  .  .  .",
		[STATE_OPEN] =       " .  .  .  .  .  .  .  .  .  .",
		[STATE_SUSPENDED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_COMPLETED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_DECLINED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_CLOSED] =     " .  .  .  .  .  .  .  .  .  .",
		[STATE_CANCELED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_RECEIVED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_REGISTER] =   " .  .  .  .  .  .  .  .  .  .",
	},
	[OBJECT_PROVIDER_CREDIT] = {
		/*                     - Pe Op Su Co De Cl Ca Re Rg */
		[STATE_NOTHING] =    " .  m  .  .  m  m  c  .  .  .",
		[STATE_PENDING] =    " .  .  .  .  m  m  c  .  .  .",
		[STATE_OPEN] =       " .  .  .  .  .  .  .  .  .  .",
		[STATE_SUSPENDED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_COMPLETED] =  " .  .  .  .  .  .  m  .  .  .",
		[STATE_DECLINED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_CLOSED] =     " .  .  .  .  .  .  .  .  .  .",
		[STATE_CANCELED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_RECEIVED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_REGISTER] =   " .  .  .  .  .  .  .  .  .  .",
	},
	[OBJECT_PROVIDER_CREDIT_REVERSAL] = {
		/*                     - Pe Op Su Co De Cl Ca Re Rg */
		[STATE_NOTHING] =    " .  m  .  .  m  m  .  .  .  .",
		[STATE_PENDING] =    " .  .  .  .  m  m  .  .  .  .",
		[STATE_OPEN] =       " .  .  .  .  .  .  .  .  .  .",
		[STATE_SUSPENDED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_COMPLETED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_DECLINED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_CLOSED] =     " .  .  .  .  .  .  .  .  .  .",
		[STATE_CANCELED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_RECEIVED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_REGISTER] =   " .  .  .  .  .  .  .  .  .  .",
	},
	[OBJECT_SOLUTION_PROVIDER] = {
		/*                     - Pe Op Su Co De Cl Ca Re Rg */
		[STATE_NOTHING] =    " .  .  .  .  .  .  .  .  .  m",
		[STATE_PENDING] =    " .  .  .  .  .  .  .  .  .  .",
		[STATE_OPEN] =       " .  .  .  .  .  .  .  .  .  .",
		[STATE_SUSPENDED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_COMPLETED] =  " .  .  .  .  .  .  .  .  .  .",
		[STATE_DECLINED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_CLOSED] =     " .  .  .  .  .  .  .  .  .  .",
		[STATE_CANCELED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_RECEIVED] =   " .  .  .  .  .  .  .  .  .  .",
		[STATE_REGISTER] =   " .  .  .  .  .  .  .  .  .  .",
	},
};
/* clang-format on */

/* The place of (from, to) in the table above. */
static char cell(enum object_type o, enum state from, size_t column)
{
	return allowed[o][from][1 + 3 * column];
}

START_TEST(test_table)
{
	enum object_type o = (enum object_type)_i;

	ck_assert_int_eq(machine_has_way_back(o), cell(o, STATE_SUSPENDED, 2) == 'm');
	for (enum state from = STATE_NOTHING; from < STATE_N; from++) {
		ck_assert_uint_eq(strlen(allowed[o][from]), 3 * STATE_N - 1);
		for (size_t i = 0; i < STATE_N; i++) {
			char c = cell(o, from, i);
			enum state to = columns[i];

			ck_assert_msg(machine_allows(o, from, to) == (c == 'm'), "%d: %s -> %s", _i,
				      state_word(from), state_word(to));
			ck_assert_msg(machine_reaches(o, from, to) == (c != '.'), "%d: %s -> %s",
				      _i, state_word(from), state_word(to));
		}
	}
}
END_TEST

START_TEST(test_words)
{
	static const char *const words[] = {"",          "Pending",  "Open",   "Suspended",
					    "Completed", "Declined", "Closed", "Canceled",
					    "RECEIVED",  "Register"};

	ck_assert_int_eq(ROWS(words), STATE_N);
	for (int i = 0; i < ROWS(words); i++)
		ck_assert_str_eq(state_word(columns[i]), words[i]);
	ck_assert_str_eq(state_event(STATE_NOTHING), "");
	ck_assert_str_eq(state_event(STATE_CANCELED), "canceled");
	ck_assert_str_eq(state_event(STATE_RECEIVED), "received");
	ck_assert_str_eq(state_event(STATE_REGISTER), "registered");
}
END_TEST

START_TEST(test_state)
{
	ck_assert_int_eq(machine_state(OBJECT_CAPTURE, "Completed"), STATE_COMPLETED);
	ck_assert_int_eq(machine_state(OBJECT_ORDER_REFERENCE, "CLOSED"), STATE_CLOSED);
	ck_assert_int_eq(machine_state(OBJECT_ORDER_REFERENCE, "canceled"), STATE_CANCELED);
	ck_assert_int_eq(machine_state(OBJECT_ORDER_REFERENCE, "Cancelled"), STATE_NOTHING);
	ck_assert_int_eq(machine_state(OBJECT_ORDER_REFERENCE, "Draft"), STATE_NOTHING);
	ck_assert_int_eq(machine_state(OBJECT_ORDER_REFERENCE, "Open "), STATE_NOTHING);
	ck_assert_int_eq(machine_state(OBJECT_ORDER_REFERENCE, ""), STATE_NOTHING);
	ck_assert_int_eq(machine_state(OBJECT_ORDER_REFERENCE, NULL), STATE_NOTHING);
	/* a word, but not of this object */
	for (int o = 0; o < OBJECT_N; o++)
		for (size_t i = 1; i < STATE_N; i++) {
			enum state s = machine_state((enum object_type)o, state_word(columns[i]));
			bool has = cell((enum object_type)o, STATE_NOTHING, i) != '.';

			ck_assert_int_eq(s, has ? columns[i] : STATE_NOTHING);
		}
}
END_TEST

/*
 * A fold in words: for each step the state and its time, then ! held, + a transition, ~ one that skips states,
 * or nothing: the same again. After > the index of the current step.
 */
struct fold_row {
	enum object_type object;
	struct machine_fact facts[FACTS_MAX]; /* up to STATE_NOTHING */
	const char *steps;
};

#define ORDER         OBJECT_ORDER_REFERENCE
#define AUTHORIZATION OBJECT_AUTHORIZATION
#define CAPTURE       OBJECT_CAPTURE
#define REFUND        OBJECT_REFUND
#define PENDING       STATE_PENDING
#define OPEN          STATE_OPEN
#define SUSPENDED     STATE_SUSPENDED
#define COMPLETED     STATE_COMPLETED
#define DECLINED      STATE_DECLINED
#define CLOSED        STATE_CLOSED
#define CANCELED      STATE_CANCELED

static const struct fold_row folds[] = {
	{ORDER, {{STATE_NOTHING, 0, false}}, ">-1"},

	/* the usual ways */
	{ORDER, {{OPEN, 1, false}, {CLOSED, 2, false}}, "Open@1+ Closed@2+ >1"},
	{ORDER, {{OPEN, 1, false}, {CANCELED, 2, false}}, "Open@1+ Canceled@2+ >1"},
	{ORDER, {{CANCELED, 2, false}}, "Canceled@2+ >0"},
	{AUTHORIZATION,
	 {{PENDING, 1, false}, {OPEN, 2, false}, {CLOSED, 3, false}},
	 "Pending@1+ Open@2+ Closed@3+ >2"},
	{AUTHORIZATION, {{PENDING, 1, false}, {CLOSED, 2, false}}, "Pending@1+ Closed@2+ >1"},
	{AUTHORIZATION, {{PENDING, 1, false}, {DECLINED, 2, false}}, "Pending@1+ Declined@2+ >1"},
	{CAPTURE,
	 {{PENDING, 1, false}, {COMPLETED, 2, false}, {CLOSED, 3, false}},
	 "Pending@1+ Completed@2+ Closed@3+ >2"},
	{REFUND, {{PENDING, 1, false}, {COMPLETED, 2, false}}, "Pending@1+ Completed@2+ >1"},
	{REFUND, {{PENDING, 1, false}, {DECLINED, 2, false}}, "Pending@1+ Declined@2+ >1"},

	/* steps that were not heard of */
	{ORDER, {{CLOSED, 2, false}}, "Closed@2~ >0"},
	{ORDER, {{SUSPENDED, 2, false}}, "Suspended@2~ >0"},
	{AUTHORIZATION, {{CLOSED, 2, false}}, "Closed@2~ >0"},
	{CAPTURE, {{CLOSED, 2, false}}, "Closed@2~ >0"},
	{CAPTURE, {{PENDING, 1, false}, {CLOSED, 2, false}}, "Pending@1+ Closed@2~ >1"},

	/* the same state at another time is the same run */
	{ORDER,
	 {{OPEN, 1, false}, {OPEN, 2, false}, {CLOSED, 3, false}, {CLOSED, 4, false}},
	 "Open@1+ Open@2 Closed@3+ Closed@4 >3"},
	{REFUND, {{COMPLETED, 1, false}, {COMPLETED, 5, false}}, "Completed@1+ Completed@5 >1"},
	{AUTHORIZATION,
	 {{OPEN, 1, false}, {CLOSED, 1, false}, {OPEN, 9, false}},
	 "Open@1+ Open@9 Closed@1+ >2"},

	/* there and back */
	{ORDER,
	 {{OPEN, 1, false},
	  {SUSPENDED, 2, false},
	  {OPEN, 3, false},
	  {SUSPENDED, 4, false},
	  {OPEN, 5, false},
	  {CLOSED, 6, false}},
	 "Open@1+ Suspended@2+ Open@3+ Suspended@4+ Open@5+ Closed@6+ >5"},
	{ORDER,
	 {{SUSPENDED, 2, false}, {OPEN, 3, false}, {CANCELED, 4, false}},
	 "Suspended@2~ Open@3+ Canceled@4+ >2"},
	{ORDER, {{SUSPENDED, 2, false}, {SUSPENDED, 3, false}}, "Suspended@2~ Suspended@3 >1"},

	/* at the same time the rank decides */
	{ORDER,
	 {{OPEN, 5, false}, {SUSPENDED, 5, false}, {CLOSED, 5, false}},
	 "Open@5+ Suspended@5+ Closed@5+ >2"},
	{ORDER, {{CLOSED, 5, false}, {CANCELED, 5, false}}, "Closed@5~ Canceled@5! >0"},
	{CAPTURE,
	 {{PENDING, 5, false}, {COMPLETED, 5, false}, {CLOSED, 5, false}},
	 "Pending@5+ Completed@5+ Closed@5+ >2"},

	/* without a way back the rank comes before the time: Closed was stamped with the creation's */
	{AUTHORIZATION,
	 {{PENDING, 1, false}, {OPEN, 5, false}, {CLOSED, 1, false}},
	 "Pending@1+ Open@5+ Closed@1+ >2"},
	{CAPTURE, {{COMPLETED, 9, false}, {CLOSED, 1, false}}, "Completed@9+ Closed@1+ >1"},
	{REFUND, {{PENDING, 9, false}, {COMPLETED, 1, false}}, "Pending@9+ Completed@1+ >1"},

	/* conflicts are held, and the fold goes on without them */
	{ORDER,
	 {{OPEN, 1, false}, {CANCELED, 2, false}, {CLOSED, 3, false}},
	 "Open@1+ Canceled@2+ Closed@3! >1"},
	{ORDER,
	 {{OPEN, 1, false},
	  {CLOSED, 2, false},
	  {OPEN, 3, false},
	  {SUSPENDED, 4, false},
	  {CLOSED, 5, false}},
	 "Open@1+ Closed@2+ Open@3! Suspended@4! Closed@5 >4"},
	{AUTHORIZATION,
	 {{PENDING, 1, false}, {OPEN, 2, false}, {DECLINED, 3, false}, {CLOSED, 4, false}},
	 "Pending@1+ Open@2+ Declined@3! Closed@4+ >3"},
	{AUTHORIZATION,
	 {{PENDING, 1, false}, {DECLINED, 2, false}, {CLOSED, 3, false}},
	 "Pending@1+ Declined@2+ Closed@3! >1"},
	{CAPTURE,
	 {{COMPLETED, 2, false}, {DECLINED, 1, false}, {DECLINED, 3, false}},
	 "Completed@2+ Declined@1! Declined@3! >0"},
	{CAPTURE, {{DECLINED, 1, false}, {CLOSED, 2, false}}, "Declined@1+ Closed@2! >0"},
	{REFUND,
	 {{PENDING, 3, false}, {COMPLETED, 2, false}, {DECLINED, 1, false}},
	 "Pending@3+ Completed@2+ Declined@1! >1"},

	/* an older fact that comes late: within the history, before it, or turning what was known into a conflict */
	{ORDER,
	 {{OPEN, 1, false}, {CLOSED, 5, false}, {SUSPENDED, 3, false}},
	 "Open@1+ Suspended@3+ Closed@5+ >2"},
	{ORDER, {{OPEN, 3, false}, {SUSPENDED, 1, false}}, "Suspended@1~ Open@3+ >1"},
	{ORDER,
	 {{OPEN, 2, false}, {SUSPENDED, 3, false}, {CLOSED, 1, false}},
	 "Closed@1~ Open@2! Suspended@3! >0"},
	{ORDER, {{CLOSED, 2, false}, {CANCELED, 1, false}}, "Canceled@1+ Closed@2! >0"},
	{AUTHORIZATION, {{CLOSED, 3, false}, {DECLINED, 9, false}}, "Declined@9+ Closed@3! >0"},

	/* a state that the object cannot have leads nowhere */
	{REFUND, {{COMPLETED, 1, false}, {CLOSED, 2, false}}, "Completed@1+ Closed@2! >0"},
	{REFUND, {{CLOSED, 2, false}}, "Closed@2! >-1"},

	/* what a person accepted is taken, wherever it stands, and the fold goes on from there */
	{ORDER, {{CLOSED, 1, false}, {OPEN, 2, true}}, "Closed@1~ Open@2+ >1"},
	{ORDER,
	 {{CLOSED, 1, false}, {OPEN, 2, true}, {SUSPENDED, 3, false}, {CANCELED, 4, false}},
	 "Closed@1~ Open@2+ Suspended@3+ Canceled@4+ >3"},
	{ORDER, {{OPEN, 1, false}, {CLOSED, 2, true}}, "Open@1+ Closed@2+ >1"},
	{ORDER, {{CLOSED, 2, true}, {CLOSED, 3, false}}, "Closed@2~ Closed@3 >1"},
	{AUTHORIZATION, {{CLOSED, 3, true}, {DECLINED, 9, false}}, "Declined@9+ Closed@3+ >1"},
	{CAPTURE,
	 {{COMPLETED, 1, false}, {DECLINED, 2, true}, {CLOSED, 3, false}},
	 "Completed@1+ Declined@2+ Closed@3! >1"},
	{CAPTURE, {{CLOSED, 3, true}, {PENDING, 1, false}}, "Pending@1+ Closed@3~ >1"},

	/* each of these stands alone, whatever else is known of the id */
	{OBJECT_CHARGEBACK, {{STATE_RECEIVED, 4, false}}, "RECEIVED@4+ >0"},
	{OBJECT_SOLUTION_PROVIDER, {{STATE_REGISTER, 4, false}}, "Register@4+ >0"},

	/* what has the same moves */
	{OBJECT_BILLING_AGREEMENT,
	 {{OPEN, 1, false},
	  {SUSPENDED, 2, false},
	  {OPEN, 3, false},
	  {CLOSED, 4, false},
	  {OPEN, 5, false}},
	 "Open@1+ Suspended@2+ Open@3+ Closed@4+ Open@5! >3"},
	{OBJECT_PROVIDER_CREDIT,
	 {{COMPLETED, 9, false}, {CLOSED, 1, false}},
	 "Completed@9+ Closed@1+ >1"},
	{OBJECT_PROVIDER_CREDIT_REVERSAL,
	 {{COMPLETED, 1, false}, {CLOSED, 2, false}},
	 "Completed@1+ Closed@2! >0"},

	/* the ends of time */
	{ORDER,
	 {{CLOSED, INT64_MAX, false}, {OPEN, INT64_MIN, false}, {SUSPENDED, -1, false}},
	 "Open@-9223372036854775808+ Suspended@-1+ Closed@9223372036854775807+ >2"},
};

static size_t count(const struct machine_fact *facts)
{
	size_t n = 0;

	while (n < FACTS_MAX && facts[n].state != STATE_NOTHING)
		n++;
	return n;
}

/* Folds, checks what must hold of any fold, and writes it in words. */
static void fold_in_words(enum object_type o, const struct machine_fact *facts, size_t n, char *ret,
			  size_t size)
{
	struct machine_step steps[FACTS_MAX];
	enum state current = STATE_NOTHING;
	ptrdiff_t last, expected = -1;
	unsigned seen = 0;
	size_t len = 0;

	memset(steps, 0xA5, sizeof(steps));
	last = machine_fold(o, facts, n, steps);
	for (size_t i = 0; i < n; i++) {
		const struct machine_step *s = &steps[i];
		const char *mark = s->held ? "!" : s->skipped ? "~" : s->begins ? "+" : "";

		ck_assert_uint_lt(s->fact, n);
		seen |= 1U << s->fact;
		ck_assert_int_eq(s->from, current);
		ck_assert(!(s->held && s->begins));
		ck_assert(s->begins || !s->skipped);
		if (!s->held) {
			current = facts[s->fact].state;
			expected = (ptrdiff_t)i;
		}
		len += (size_t)snprintf(ret + len, size - len, "%s@%lld%s ",
					state_word(facts[s->fact].state),
					(long long)facts[s->fact].at_ms, mark);
	}
	ck_assert_uint_eq(seen, (1U << n) - 1);
	ck_assert_int_eq(last, expected);
	snprintf(ret + len, size - len, ">%td", last);
}

/* Folds every permutation; all must read as `expected`. */
static void check_permutations(enum object_type o, struct machine_fact *facts, size_t n, size_t at,
			       const char *expected)
{
	char words[256];

	if (at == n) {
		fold_in_words(o, facts, n, words, sizeof(words));
		if (strcmp(words, expected) != 0)
			ck_abort_msg("%s, not %s", words, expected);
		return;
	}
	for (size_t i = at; i < n; i++) {
		struct machine_fact moved = facts[at];

		facts[at] = facts[i];
		facts[i] = moved;
		check_permutations(o, facts, n, at + 1, expected);
		facts[i] = facts[at];
		facts[at] = moved;
	}
}

START_TEST(test_fold)
{
	struct machine_fact facts[FACTS_MAX];
	const struct fold_row *row = &folds[_i];

	memcpy(facts, row->facts, sizeof(facts));
	check_permutations(row->object, facts, count(facts), 0, row->steps);
}
END_TEST

/* Every set of up to four facts at three times gives one history, whatever their order. */
START_TEST(test_every_small_set)
{
	struct machine_fact all[3 * STATE_N], facts[FACTS_MAX];
	enum object_type o = (enum object_type)_i;
	size_t n_all = 0;
	unsigned sets = 0;

	for (size_t i = 1; i < STATE_N; i++)
		for (int64_t at_ms = 1; at_ms <= 3; at_ms++)
			if (cell(o, STATE_NOTHING, i) != '.')
				all[n_all++] = (struct machine_fact){columns[i], at_ms, false};
	ck_assert_uint_le(n_all, 15);
	for (unsigned set = 1; set < 1U << n_all; set++) {
		char words[256];
		size_t n = 0;

		if (__builtin_popcount(set) > 4)
			continue;
		for (size_t i = 0; i < n_all; i++)
			if (set & 1U << i)
				facts[n++] = all[i];
		fold_in_words(o, facts, n, words, sizeof(words));
		check_permutations(o, facts, n, 0, words);
		sets++;
	}
	/* 12 facts: 12 + 66 + 220 + 495; 9: 9 + 36 + 84 + 126; 3: 3 + 3 + 1 */
	ck_assert_uint_eq(sets, n_all == 12 ? 793 : n_all == 9 ? 255 : 7);
	ck_assert(n_all == 12 || n_all == 9 || n_all == 3);
}
END_TEST

/* Open and Suspended in turn, many times, and in whatever order they are heard of. */
START_TEST(test_many)
{
	enum { N = 10007 }; /* a prime, so that every stride visits all */
	struct machine_fact *facts = calloc(N, sizeof(*facts));
	struct machine_step *steps = calloc(N, sizeof(*steps));
	static const size_t strides[] = {1, N - 1, 2, 5003, 4242};

	for (int k = 0; k < ROWS(strides); k++) {
		for (size_t i = 0; i < N; i++) {
			size_t at = i * strides[k] % N;

			facts[i].state = at % 2 ? STATE_SUSPENDED : STATE_OPEN;
			facts[i].at_ms = (int64_t)at;
		}
		ck_assert_int_eq(machine_fold(OBJECT_ORDER_REFERENCE, facts, N, steps), N - 1);
		for (size_t i = 0; i < N; i++) {
			const struct machine_fact *fact = &facts[steps[i].fact];

			if (fact->at_ms != (int64_t)i || steps[i].held || steps[i].skipped ||
			    !steps[i].begins)
				ck_abort_msg("step %zu", i);
		}
	}
	free(facts);
	free(steps);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machine");
	TCase *c = unit_case(suite, "machine");

	tcase_add_loop_test(c, test_table, 0, OBJECT_N);
	tcase_add_test(c, test_words);
	tcase_add_test(c, test_state);
	tcase_add_loop_test(c, test_fold, 0, ROWS(folds));
	tcase_add_loop_test(c, test_every_small_set, 0, OBJECT_N);
	tcase_add_test(c, test_many);
	return unit_main(suite);
}
