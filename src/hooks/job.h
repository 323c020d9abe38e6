/* The runs in hand: from the choice in a transaction until the result is committed. */
#ifndef IPND_HOOKS_JOB_H
#define IPND_HOOKS_JOB_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "hooks/outcome.h"
#include "hooks/run.h"
#include "ledger/queue.h"

/*
 *   CHOSEN --commit--> RUNNING --child ends--> ENDED --commit--> (freed)
 *      |                  |                      ^
 *      +--> (freed)       +---cannot start-------+
 *       rollback
 *
 * LOST, instead of CHOSEN until the commit: the run's event is gone, and it was given up.
 */
enum job_state { JOB_CHOSEN, JOB_LOST, JOB_RUNNING, JOB_ENDED };

#define JOB_SUBJECT_SIZE 128
#define JOB_FACT_SIZE    80

struct jobs;

struct job {
	struct job *next;
	struct jobs *jobs;
	enum job_state state;
	int64_t event_id;
	char *hook;
	char *lane;
	struct queue_attempt attempt;
	char subject[JOB_SUBJECT_SIZE]; /* the event in a log line, escaped */
	/* What it is about, once loaded, for the log; cut to what a value there may have. */
	char event[JOB_FACT_SIZE], account[JOB_FACT_SIZE];
	char object_type[JOB_FACT_SIZE], object_id[JOB_FACT_SIZE];
	struct outcome_policy policy;
	char *program;
	char **environment;
	char *input;
	struct run *run;
	uint64_t started_usec; /* monotonic */
	int64_t duration_usec; /* once ENDED */
	struct run_end end;
	char *output;
	struct outcome outcome; /* once ENDED, as last decided */
	bool lost;              /* the database knows nothing of this attempt any more */
	bool pauses;            /* with it the hook was paused */
	bool resumes;           /* with it the pause has ended */
};

struct jobs {
	struct job *first;
	size_t rotation;               /* whose turn it is among the hooks */
	void (*ended)(void *userdata); /* a job has become ENDED */
	void *userdata;
};

/* Adds a CHOSEN one. `paused`: its hook is. 0 or -ENOMEM. */
int jobs_add(struct jobs *jobs, const struct queue_run *run, bool paused);

/* Frees those in this state. */
void jobs_drop(struct jobs *jobs, enum job_state state);
void jobs_done(struct jobs *jobs);

size_t jobs_count(const struct jobs *jobs, enum job_state state);

/* Those that are not ENDED: they hold a place of hooks.concurrency, and their lane. */
size_t jobs_busy(const struct jobs *jobs);
size_t jobs_busy_of(const struct jobs *jobs, const char *hook);
bool jobs_hold_lane(const struct jobs *jobs, const char *hook, const char *lane);

/* Whether this attempt is in hand, in any state. */
bool jobs_hold_run(const struct jobs *jobs, const struct queue_run *run);

/* Inside the transaction: marks the run as running and gathers what the child is told. 0 or negative errno. */
int job_load(struct job *j, struct ledger *l, const struct hook_config *hook, int64_t now_ms);

/* What the child of a run was told that another ipn-hookd started: its environment. 0 or negative errno. */
int job_recall(struct job *j, struct ledger *l);

/* After the commit: starts the child. A failure is an end as well. */
void job_start(struct job *j, sd_event *event, const struct hook_config *hook);

#endif
