#include "hooks/job.h"

#include <errno.h>
#include <jansson.h>

#include "base/utc.h"
#include "hooks/environment.h"

static void job_free(struct job *j)
{
	if (!j)
		return;
	free(j->hook);
	free(j->lane);
	free(j->program);
	environment_free(j->environment);
	free(j->input);
	free(j->output);
	run_free(j->run);
	free(j);
}

DEFINE_CLEANUP(struct job *, job_free)

int jobs_add(struct jobs *jobs, const struct queue_run *run, bool paused)
{
	CLEANUP(job_freep) struct job *j = calloc(1, sizeof(*j));
	struct job **at = &jobs->first;

	if (!j)
		return -ENOMEM;
	j->jobs = jobs;
	j->state = JOB_CHOSEN;
	j->event_id = run->event_id;
	j->attempt.number = run->attempts;
	j->policy.paused = paused;
	j->hook = strdup(run->hook);
	j->lane = strdup(run->lane);
	if (!j->hook || !j->lane)
		return -ENOMEM;
	while (*at)
		at = &(*at)->next;
	*at = TAKE(j);
	return 0;
}

void jobs_drop(struct jobs *jobs, enum job_state state)
{
	struct job **at = &jobs->first;

	while (*at) {
		struct job *j = *at;

		if (j->state != state) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		job_free(j);
	}
}

void jobs_done(struct jobs *jobs)
{
	jobs_drop(jobs, JOB_CHOSEN);
	jobs_drop(jobs, JOB_LOST);
	jobs_drop(jobs, JOB_RUNNING);
	jobs_drop(jobs, JOB_ENDED);
}

size_t jobs_count(const struct jobs *jobs, enum job_state state)
{
	size_t n = 0;

	for (const struct job *j = jobs->first; j; j = j->next)
		n += j->state == state;
	return n;
}

size_t jobs_busy(const struct jobs *jobs)
{
	return jobs_count(jobs, JOB_CHOSEN) + jobs_count(jobs, JOB_RUNNING);
}

size_t jobs_busy_of(const struct jobs *jobs, const char *hook)
{
	size_t n = 0;

	for (const struct job *j = jobs->first; j; j = j->next)
		n += j->state != JOB_ENDED && strcmp(j->hook, hook) == 0;
	return n;
}

bool jobs_hold_lane(const struct jobs *jobs, const char *hook, const char *lane)
{
	for (const struct job *j = jobs->first; j; j = j->next)
		if (j->state != JOB_ENDED && strcmp(j->hook, hook) == 0 &&
		    strcmp(j->lane, lane) == 0)
			return true;
	return false;
}

bool jobs_hold_run(const struct jobs *jobs, const struct queue_run *run)
{
	for (const struct job *j = jobs->first; j; j = j->next)
		if (j->event_id == run->event_id && j->attempt.number == run->attempts &&
		    strcmp(j->hook, run->hook) == 0)
			return true;
	return false;
}

static void describe(struct job *j, const struct queue_event *e)
{
	char id[JOB_SUBJECT_SIZE / 2];

	text_escape(text_of(e->object_id), id, sizeof(id));
	snprintf(j->subject, sizeof(j->subject), "event %lld, %.32s of %s", (long long)e->id,
		 e->name, id);
	snprintf(j->event, sizeof(j->event), "%s", e->name);
	snprintf(j->account, sizeof(j->account), "%s", e->account ? e->account : "");
	snprintf(j->object_type, sizeof(j->object_type), "%s", e->object_type);
	snprintf(j->object_id, sizeof(j->object_id), "%s", e->object_id);
}

static int gather_environment(struct job *j, const struct queue_event *e)
{
	const char *home = getenv("HOME");

	j->environment = environment_make(e, j->attempt.number, home && *home == '/' ? home : "/");
	return j->environment ? 0 : -ENOMEM;
}

/* What the child is told, as of now. */
static int gather(struct job *j, struct ledger *l, const struct queue_event *e)
{
	CLEANUP(json_decrefp) json_t *object = json_object();
	int r;

	if (!object)
		return -ENOMEM;
	r = queue_object(l, e, environment_add_column, object);
	if (r < 0)
		return r;
	j->input = environment_json(e, j->attempt.number, r > 0 ? object : NULL);
	return j->input ? gather_environment(j, e) : -ENOMEM;
}

int job_recall(struct job *j, struct ledger *l)
{
	CLEANUP(queue_event_freep) struct queue_event *e = NULL;
	int r = queue_event(l, j->event_id, &e);

	if (r == -ENOENT) /* somebody deleted it: then nothing is known of its process */
		return 0;
	return r < 0 ? r : gather_environment(j, e);
}

/* Somebody deleted its event. Nothing else may wait for that. */
static int give_up(struct job *j, struct ledger *l, int64_t now_ms)
{
	const struct queue_end end = {
		.event_id = j->event_id,
		.hook = j->hook,
		.attempt = j->attempt.number,
		.state = QUEUE_DEAD,
		.next_attempt_ms = UTC_UNKNOWN,
		.counted = j->attempt.counted,
		.detail = "its event is not in the database any more",
		.output = TEXT(""),
		.now_ms = now_ms,
	};

	j->state = JOB_LOST;
	return queue_end(l, &end);
}

int job_load(struct job *j, struct ledger *l, const struct hook_config *hook, int64_t now_ms)
{
	CLEANUP(queue_event_freep) struct queue_event *e = NULL;
	int r = queue_start(l, j->event_id, j->hook, !j->policy.paused, now_ms, &j->attempt);

	if (r == 0)
		r = queue_event(l, j->event_id, &e);
	if (r == -ENOENT)
		return give_up(j, l, now_ms);
	if (r < 0)
		return r;
	describe(j, e);
	j->policy = (struct outcome_policy){
		.timeout_ms = hook->timeout_ms,
		.backoff_ms = hook->backoff_ms,
		.backoff_max_ms = hook->backoff_max_ms,
		.give_up_ms = hook->give_up_ms,
		.attempts = hook->attempts,
		.paused = j->policy.paused,
	};
	j->program = strdup(hook->run.at[0]);
	return j->program ? gather(j, l, e) : -ENOMEM;
}

static void end(struct job *j)
{
	j->state = JOB_ENDED;
	j->duration_usec = (int64_t)(monotonic_usec() - j->started_usec);
	j->jobs->ended(j->jobs->userdata);
}

static void on_ended(struct run *r, void *userdata)
{
	struct job *j = userdata;

	j->end = *run_end(r);
	j->output = run_output(r);
	end(j);
}

void job_start(struct job *j, sd_event *event, const struct hook_config *hook)
{
	struct run_order order = {
		.argv = hook->run.at,
		.environment = j->environment,
		.input = j->input,
		.timeout_ms = j->policy.timeout_ms,
		.ended = on_ended,
		.userdata = j,
	};

	j->state = JOB_RUNNING;
	j->started_usec = monotonic_usec();
	j->end.error = run_start(event, &order, &j->run);
	if (j->end.error < 0)
		end(j);
}
