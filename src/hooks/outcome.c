#include "hooks/outcome.h"

#include "base/utc.h"

/* Above any sensible setting; what keeps sums of times from overflowing. */
#define DELAY_MAX_MS (365 * 24 * 3600 * INT64_C(1000))

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t outcome_longest_ms(int64_t backoff_max_ms)
{
	int64_t longest = least(backoff_max_ms, DELAY_MAX_MS);

	return longest < OUTCOME_PROBE_MS ? OUTCOME_PROBE_MS : longest;
}

static int64_t delay_of(const struct outcome_policy *policy, int64_t counted, unsigned permille)
{
	int64_t longest = least(policy->backoff_max_ms, DELAY_MAX_MS);
	int64_t delay = least(policy->backoff_ms, longest);

	for (int64_t i = 1; i < counted && delay < longest; i++)
		delay = least(delay * 2, longest);
	return least(delay * (750 + (int64_t)permille / 2) / 1000, longest);
}

static void describe(const struct outcome_policy *policy, const struct run_end *end,
		     const char *program, struct why *ret)
{
	int64_t timeout_ms = policy->timeout_ms;

	if (end->error < 0) {
		why_set(ret, "cannot start %s: %s", program, strerror(-end->error));
		return;
	}
	if (end->killed)
		why_set(ret, "killed by signal %d", end->status);
	else
		why_set(ret, "exit %d", end->status);
	if (end->stopped)
		why_set(ret, "%s when ipn-hookd stopped", ret->text);
	else if (end->timed_out && timeout_ms % 1000 == 0)
		why_set(ret, "%s after its timeout of %lld s", ret->text,
			(long long)timeout_ms / 1000);
	else if (end->timed_out)
		why_set(ret, "%s after its timeout of %lld ms", ret->text, (long long)timeout_ms);
}

/* Whether this was the last attempt; says why. */
static bool is_last(const struct outcome_policy *policy, const struct queue_attempt *attempt,
		    int64_t next_ms, struct why *detail)
{
	if (policy->attempts > 0 && attempt->counted >= policy->attempts) {
		why_set(detail, "%s; attempt %lld of %u", detail->text, (long long)attempt->counted,
			policy->attempts);
		return true;
	}
	if (policy->give_up_ms == DURATION_NONE || attempt->since_ms == UTC_UNKNOWN ||
	    next_ms - attempt->since_ms <= policy->give_up_ms)
		return false;
	why_set(detail, "%s; the event is too old to try again", detail->text);
	return true;
}

void outcome_decide(const struct outcome_policy *policy, const struct run_end *end,
		    const char *program, const struct queue_attempt *attempt, int64_t now_ms,
		    unsigned permille, struct outcome *ret)
{
	bool by_itself = end->error == 0 && !end->killed && !end->timed_out && !end->stopped;
	bool counts = !policy->paused && !end->stopped;
	struct outcome o = {
		.state = QUEUE_PENDING,
		.next_attempt_ms = now_ms,
		.counted = attempt->counted - (!policy->paused && !counts),
	};

	describe(policy, end, program, &o.detail);
	o.has_status = end->error == 0;
	if (o.has_status)
		o.exit_status = end->killed ? 128 + end->status : end->status;
	if (by_itself && end->status == 0) {
		o.state = QUEUE_DONE;
	} else if (by_itself && end->status == OUTCOME_GIVE_UP) {
		o.state = QUEUE_DEAD;
	} else if (!end->stopped) {
		o.next_attempt_ms =
			now_ms + (policy->paused ? OUTCOME_PROBE_MS
						 : delay_of(policy, attempt->counted, permille));
		if (counts && is_last(policy, attempt, o.next_attempt_ms, &o.detail))
			o.state = QUEUE_DEAD;
	}
	if (o.state != QUEUE_PENDING)
		o.next_attempt_ms = UTC_UNKNOWN;
	*ret = o;
}
