#include "hooks/turn.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>

#include "base/utc.h"
#include "hooks/match.h"
#include "hooks/say.h"
#include "journal/journal.h"

/* Events decided per hook and transaction: some milliseconds, for which ipnd has to wait at most. */
#define WALK_LIMIT 256

/* A hook is paused after so many runs in a row that were given up, or when it cannot be started; then one run is tried so often. */
#define BREAKER_DEATHS 10

static unsigned chance_permille(void)
{
	uint32_t random = 0;

	/* Without entropy, at boot, every wait is the shortest: no harm. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	return random % 1001;
}

/* It ran, and said so itself: done, or by exit 100 that this event is not for it. */
static bool is_word(const struct job *j)
{
	return j->outcome.state == QUEUE_DONE ||
	       (j->outcome.state == QUEUE_DEAD && j->outcome.has_status &&
		j->outcome.exit_status == OUTCOME_GIVE_UP);
}

/* The program is not to be had; not that we lack something for a moment. */
static bool is_missing(const struct job *j)
{
	int error = j->end.error;

	switch (-error) {
	case 0:
	case EAGAIN:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case E2BIG:   /* of this event only */
	case ETXTBSY: /* it is just being replaced */
		return false;
	default: /* an open-ended list of integers, not an enum */
		return true;
	}
}

/* One more that was given up; at ten in a row the hook is paused, or when it is missing. */
static int count_failure(struct turn *t, struct job *j)
{
	int64_t probe_ms = t->now_ms + OUTCOME_PROBE_MS, deaths = 0;
	struct why why;
	int r = 0;

	if (j->outcome.state == QUEUE_DEAD)
		r = queue_death(t->ledger, j->hook, &deaths);
	if (r < 0)
		return r;
	if (j->policy.paused)
		return queue_probe(t->ledger, j->hook, probe_ms);
	if (!is_missing(j) && deaths < BREAKER_DEATHS)
		return 0;
	if (is_missing(j))
		why_set(&why, "%s", j->outcome.detail.text);
	else
		why_set(&why, "%" PRId64 " runs in a row were given up, the last one: %s", deaths,
			j->outcome.detail.text);
	r = queue_pause(t->ledger, j->hook, why.text, t->now_ms, probe_ms);
	j->pauses = r > 0;
	return r < 0 ? r : 0;
}

/* A hook that fails for everyone rests, instead of wearing out the attempts of every event. */
static int judge_hook(struct turn *t, struct job *j)
{
	int r;

	if (j->end.stopped)
		return 0;
	if (!is_word(j))
		return count_failure(t, j);
	r = queue_alive(t->ledger, j->hook, t->now_ms);
	j->resumes = r > 0 && j->policy.paused;
	return r < 0 ? r : 0;
}

static int write_result(struct turn *t, struct job *j)
{
	struct queue_end end;
	int r;

	outcome_decide(&j->policy, &j->end, j->program, &j->attempt, t->now_ms, chance_permille(),
		       &j->outcome);
	end = (struct queue_end){
		.event_id = j->event_id,
		.hook = j->hook,
		.attempt = j->attempt.number,
		.state = j->outcome.state,
		.next_attempt_ms = j->outcome.next_attempt_ms,
		.counted = j->outcome.counted,
		.has_status = j->outcome.has_status,
		.exit_status = j->outcome.exit_status,
		.detail = j->outcome.detail.text,
		.output = text_of(j->output),
		.now_ms = t->now_ms,
	};
	r = queue_end(t->ledger, &end);
	j->lost = r == -ENOENT;
	if (r == 0 && j->outcome.state == QUEUE_DEAD)
		r = queue_dead_event(t->ledger, j->event_id, j->hook, t->now_ms);
	if (j->lost)
		return 0;
	return r < 0 ? r : judge_hook(t, j);
}

static int write_results(struct turn *t)
{
	int r = 0;

	for (struct job *j = t->jobs->first; r == 0 && j; j = j->next)
		if (j->state == JOB_ENDED)
			r = write_result(t, j);
	return r;
}

struct walk {
	struct turn *turn;
	const struct hook_config *hook;
	size_t n;
	int64_t last_id;
};

static int decide(const struct queue_event *e, void *userdata)
{
	struct walk *w = userdata;
	struct why why;
	int r = 0;

	switch (match_event(w->hook, e, &why)) {
	case MATCH_NOT:
		break;
	case MATCH_SKIP:
		r = queue_put(w->turn->ledger, e->id, w->hook->name, why.text, w->turn->now_ms);
		break;
	case MATCH_RUN:
		r = queue_put(w->turn->ledger, e->id, w->hook->name, NULL, w->turn->now_ms);
		break;
	}
	w->last_id = e->id;
	w->n++;
	return r;
}

static int walk(struct turn *t, const struct queue_hook *registered)
{
	struct walk w = {.turn = t, .hook = config_hook(t->config, registered->name)};
	int r;

	if (!w.hook)
		return 0;
	r = queue_events(t->ledger, registered->seen_event, WALK_LIMIT, decide, &w);
	if (r < 0 || w.n == 0)
		return r;
	t->more = t->more || w.n == WALK_LIMIT;
	return queue_seen(t->ledger, registered->name, w.last_id);
}

static int decide_events(struct turn *t)
{
	CLEANUP(queue_hooks_done) struct queue_hooks hooks = {0};
	int r = queue_hooks(t->ledger, &hooks);

	for (size_t i = 0; r == 0 && i < hooks.n; i++)
		r = walk(t, &hooks.at[i]);
	return r;
}

/* Times in the queue are of a clock that was wrong: nothing may wait for them. */
static int unwind_clock(struct turn *t)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < t->config->n_hooks; i++) {
		const struct hook_config *hook = &t->config->hooks[i];
		int64_t latest = t->now_ms + outcome_longest_ms(hook->backoff_max_ms);

		r = queue_clock_back(t->ledger, hook->name,
				     t->clock == CLOCK_BACK ? t->now_ms : latest, latest, t->now_ms,
				     WALK_LIMIT);
		t->unwound = t->unwound && r < WALK_LIMIT;
	}
	return r < 0 ? r : 0;
}

/*
 * The database knows which lanes are busy; the jobs are asked as well because the file may have been replaced by an
 * older one while they ran.
 */
static bool is_free(const struct turn *t, const struct queue_run *run)
{
	return !jobs_hold_lane(t->jobs, run->hook, run->lane);
}

/*
 * Whether the hook may have one run more. Its first is always free, whatever the others have: one that hangs, for each of many
 * orders, must not hold them up. A paused one has one at a time, at its time.
 */
static bool has_room(const struct turn *t, const struct queue_hook *registered,
		     const struct hook_config *hook)
{
	size_t busy = jobs_busy_of(t->jobs, hook->name);

	if (busy > 0 && jobs_busy(t->jobs) >= t->config->hook_concurrency)
		return false;
	if (registered->paused_ms != UTC_UNKNOWN)
		return busy == 0 && (registered->probe_ms <= t->now_ms ||
				     registered->probe_ms > t->now_ms + OUTCOME_PROBE_MS);
	return hook->concurrency == 0 || busy < hook->concurrency;
}

struct choice {
	struct turn *turn;
	bool paused;
	bool found;
	int error;
};

static bool choose(const struct queue_run *run, void *userdata)
{
	struct choice *c = userdata;

	if (!is_free(c->turn, run))
		return true;
	c->error = jobs_add(c->turn->jobs, run, c->paused);
	c->found = c->error == 0;
	return false;
}

/* The next run of one hook. 1: chosen; 0: none may start now. */
static int choose_one(struct turn *t, const struct queue_hook *registered)
{
	const struct hook_config *hook = config_hook(t->config, registered->name);
	struct choice c = {.turn = t, .paused = registered->paused_ms != UTC_UNKNOWN};
	int r;

	if (!hook || !has_room(t, registered, hook))
		return 0;
	r = queue_due(t->ledger, hook->name, hook->block_on_dead, t->now_ms, choose, &c);
	if (r == 0)
		r = c.error;
	return r < 0 ? r : c.found;
}

/* One of each hook in turn, so that a long queue of one holds up no other. */
static int choose_all(struct turn *t, const struct queue_hooks *hooks)
{
	bool found = true;
	int r = 0;

	while (found) {
		found = false;
		for (size_t i = 0; r >= 0 && i < hooks->n; i++) {
			r = choose_one(t, &hooks->at[(t->jobs->rotation + i) % hooks->n]);
			found = found || r > 0;
		}
		if (r < 0)
			return r;
	}
	t->jobs->rotation++;
	return 0;
}

static int choose_due(struct turn *t)
{
	CLEANUP(queue_hooks_done) struct queue_hooks hooks = {0};
	int r;

	r = queue_hooks(t->ledger, &hooks);
	if (r == 0)
		r = choose_all(t, &hooks);
	for (struct job *j = t->jobs->first; r == 0 && j; j = j->next)
		if (j->state == JOB_CHOSEN)
			r = job_load(j, t->ledger, config_hook(t->config, j->hook), t->now_ms);
	return r;
}

static bool found_due(const struct queue_run *run, void *userdata)
{
	struct choice *c = userdata;

	c->found = is_free(c->turn, run);
	return !c->found;
}

/* 1: this hook has a run that may start now. Only reads. */
static int has_due(struct turn *t, const struct queue_hook *registered)
{
	const struct hook_config *hook = config_hook(t->config, registered->name);
	struct choice c = {.turn = t};
	int r;

	if (!hook || !has_room(t, registered, hook))
		return 0;
	r = queue_due(t->ledger, hook->name, hook->block_on_dead, t->now_ms, found_due, &c);
	return r < 0 ? r : c.found;
}

/* 1: there is something to write; 0: nothing. Only reads. */
static int has_work(struct turn *t)
{
	CLEANUP(queue_hooks_done) struct queue_hooks hooks = {0};
	int64_t newest = 0;
	int r;

	if (jobs_count(t->jobs, JOB_ENDED) > 0 || t->clock != CLOCK_GOES_ON)
		return 1;
	if (!t->starts)
		return 0;
	r = queue_newest(t->ledger, &newest);
	if (r == 0)
		r = queue_hooks(t->ledger, &hooks);
	for (size_t i = 0; r == 0 && i < hooks.n; i++)
		r = hooks.at[i].seen_event < newest && config_hook(t->config, hooks.at[i].name);
	for (size_t i = 0; r == 0 && i < hooks.n; i++)
		r = has_due(t, &hooks.at[i]);
	return r;
}

/* After the commit. */
static void settle(struct turn *t)
{
	for (struct job *j = t->jobs->first; j; j = j->next)
		if (j->state == JOB_ENDED)
			say_result(j);
	for (struct job *j = t->jobs->first; j; j = j->next)
		if (j->state == JOB_LOST)
			say_lost(j);
	jobs_drop(t->jobs, JOB_ENDED);
	jobs_drop(t->jobs, JOB_LOST);
	for (struct job *j = t->jobs->first; j; j = j->next)
		if (j->state == JOB_CHOSEN)
			job_start(j, t->event, config_hook(t->config, j->hook));
}

int turn_run(struct turn *t)
{
	int r;

	t->more = false;
	t->unwound = true;
	r = has_work(t);
	if (r <= 0)
		return r;
	r = ledger_begin(t->ledger);
	if (r < 0)
		return r;
	r = write_results(t);
	if (r == 0 && t->clock != CLOCK_GOES_ON)
		r = unwind_clock(t);
	if (r == 0 && t->starts)
		r = decide_events(t);
	if (r == 0 && t->starts)
		r = choose_due(t);
	if (r == 0)
		r = ledger_commit(t->ledger);
	if (r < 0) {
		ledger_rollback(t->ledger);
		jobs_drop(t->jobs, JOB_CHOSEN);
		jobs_drop(t->jobs, JOB_LOST);
		return r;
	}
	settle(t);
	return 0;
}

void turn_say_unregistered(struct ledger *l, const struct config *c, bool *told)
{
	CLEANUP(queue_hooks_done) struct queue_hooks hooks = {0};

	if (queue_hooks(l, &hooks) < 0)
		return;
	for (size_t i = 0; i < c->n_hooks; i++) {
		bool registered = false;

		for (size_t k = 0; k < hooks.n; k++)
			registered = registered || strcmp(hooks.at[k].name, c->hooks[i].name) == 0;
		if (!registered && !told[i])
			journal_say(
				KIND_HOOK_UNREGISTERED, LOG_WARNING,
				"hook %s is not registered yet and not run: start or reload ipnd, which does that",
				c->hooks[i].name);
		told[i] = !registered;
	}
}
