#include "hooks/dispatch.h"

#include <errno.h>
#include <systemd/sd-daemon.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/utc.h"
#include "hooks/database.h"
#include "hooks/job.h"
#include "hooks/turn.h"
#include "hooks/watch.h"
#include "journal/journal.h"
#include "ledger/queue.h"

#define NET_MS      5000 /* the net below all wake-ups */
#define WAIT_NET_MS 1000 /* the same while the database cannot be opened */

/* inotify fires at the write of the log, a little before the commit can be seen: look again, ever later. */
#define BURST_FIRST_MS 1
#define BURST_LAST_MS  32

#define BUSY_MS      20 /* another process is writing: try again so soon */
#define FAILED_MS    1000
#define WAIT_MS      50 /* between two tries to open, however often files come and go */
#define FAILURES_MAX 3  /* in a row; then the file is opened anew */
#define BUSY_MAX     5 /* in a row, each after 2 s of waiting; then it is worth a line in the log */
#define GRACE_MS     10000                /* for runs in progress when we stop */
#define LAST_MS      (RUN_TERM_MS + 5000) /* after TERM; who is still there then hangs in the kernel */
#define NEVER        INT64_MAX

/* Below all other sources but the output of children, so that what came together is done together. */
#define LOOK_PRIORITY 50

#define STATUS_SIZE 400

#define CLOCK_STEP_MS                                                                              \
	1000 /* what a clock that is only adjusted never goes back between two looks */

struct dispatcher {
	sd_event *event;
	struct config *config;
	struct database database;
	struct watch *watch;
	struct jobs jobs;
	sd_event_source *timer;
	/* monotonic, in ms */
	int64_t wake_ms; /* for when the timer is set */
	int64_t net_ms;
	int64_t not_before_ms; /* the database is left alone until then */
	int64_t grace_ms;      /* once stopping: when TERM is sent */
	int64_t burst_ms;      /* the next pause, 0: none */
	int64_t next_due_ms;   /* UTC; UTC_UNKNOWN: no run waits */
	int64_t clock_ms;      /* UTC less monotonic, at the last look */
	enum turn_clock clock;
	int64_t data_version;
	bool again;   /* look at the queue whatever data_version says */
	bool renamed; /* files came or went */
	bool retry;   /* opening may succeed now */
	bool started;
	bool stopping;
	bool termed;
	int failures;
	int busy;
	int said;   /* the last error that was logged; 0: all is well */
	bool *told; /* per configured hook: that it is not registered */
	char status[STATUS_SIZE];
};

static int64_t monotonic_ms(void)
{
	return (int64_t)(monotonic_usec() / 1000);
}

static void wake_at(struct dispatcher *d, int64_t ms)
{
	if (ms >= d->wake_ms)
		return;
	d->wake_ms = ms;
	if (sd_event_source_set_time(d->timer, (uint64_t)ms * 1000) < 0 ||
	    sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT) < 0)
		sd_event_exit(d->event, EXIT_OUR_BUG);
}

static void on_job_ended(void *userdata)
{
	wake_at(userdata, 0);
}

static void on_watch(bool names, void *userdata)
{
	struct dispatcher *d = userdata;

	d->renamed = d->renamed || names;
	d->retry = true;
	d->burst_ms = BURST_FIRST_MS;
	wake_at(d, 0);
}

static void say_status(struct dispatcher *d, const char *waiting)
{
	char status[STATUS_SIZE];

	if (waiting)
		snprintf(status, sizeof(status), "Waiting: %s %s", d->database.path, waiting);
	else if (d->stopping)
		snprintf(status, sizeof(status), "Stopping; %zu still running",
			 jobs_busy(&d->jobs));
	else
		snprintf(status, sizeof(status), "%zu hook%s, %zu running", d->config->n_hooks,
			 d->config->n_hooks == 1 ? "" : "s", jobs_busy(&d->jobs));
	if (strcmp(status, d->status) == 0)
		return;
	memcpy(d->status, status, sizeof(status));
	sd_notifyf(0, "STATUS=%s", status);
}

/* Waiting is the plan, not a failure, when ipnd has still to do its part. */
static bool is_expected(int error)
{
	return error == -ENOENT || error == -ENOTSUP || error == -EBUSY || error == -EINPROGRESS;
}

/* Once per reason. */
static void say_not_open(struct dispatcher *d, int error, const char *why)
{
	say_status(d, why);
	if (d->said == error)
		return;
	d->said = error;
	journal_say(KIND_DATABASE, is_expected(error) ? LOG_NOTICE : LOG_ERR,
		    "%s: %s; waiting for it", d->database.path, why);
}

static int open_database(struct dispatcher *d)
{
	size_t interrupted = 0;
	struct why why = {""};
	int r;

	d->retry = false;
	r = database_open(&d->database, &d->jobs, &interrupted, &why);

	if (r == -EAGAIN || (r < 0 && !d->started && !is_expected(r))) {
		journal_say(KIND_NOT_STARTED, LOG_ERR, "%s: %s",
			    r == -EAGAIN ? d->database.folder : d->database.path, why.text);
		return r;
	}
	if (r < 0) {
		say_not_open(d, r, why.text);
		d->not_before_ms =
			monotonic_ms() +
			(r == -EINPROGRESS || r == -ETIMEDOUT ? ORPHANS_LOOK_MS : WAIT_MS);
		d->retry = d->retry || r == -EINPROGRESS;
		return 0;
	}
	if (d->said)
		journal_say(KIND_DATABASE_BACK, LOG_NOTICE, "%s: is there and open",
			    d->database.path);
	if (interrupted > 0)
		journal_say(KIND_HOOK_CUT_SHORT, LOG_WARNING,
			    "%zu run%s was cut short when the last ipn-hookd ended: run again",
			    interrupted, interrupted == 1 ? "" : "s");
	d->said = 0;
	d->failures = 0;
	d->again = true;
	if (d->clock == CLOCK_GOES_ON)
		d->clock = CLOCK_UNKNOWN;
	return 0;
}

static void check_replaced(struct dispatcher *d)
{
	d->renamed = false;
	if (!d->database.ledger || !database_replaced(&d->database))
		return;
	journal_say(KIND_DATABASE_BACK, LOG_NOTICE,
		    "%s: the file was replaced; opening the new one", d->database.path);
	database_close(&d->database);
	d->retry = true;
	d->not_before_ms = 0;
}

static void turn_failed(struct dispatcher *d, int error)
{
	d->again = true;
	d->not_before_ms = monotonic_ms() + (error == -EBUSY ? BUSY_MS : FAILED_MS);
	if (error == -EBUSY && ++d->busy < BUSY_MAX)
		return;
	if (d->said != error)
		journal_say(KIND_DATABASE, LOG_ERR, "%s: %s; trying again", d->database.path,
			    ledger_error(d->database.ledger));
	d->said = error;
	if (error == -EBUSY || ++d->failures < FAILURES_MAX)
		return;
	database_close(&d->database);
	d->retry = true;
	d->failures = 0;
}

static void turn_succeeded(struct dispatcher *d, bool more)
{
	d->again = more;
	if (d->said)
		journal_say(KIND_DATABASE_BACK, LOG_NOTICE, "%s: can be written again",
			    d->database.path);
	d->said = 0;
	d->failures = 0;
	d->busy = 0;
}

/* Whether the queue may have changed, or the clock has brought something. */
static bool may_have_work(const struct dispatcher *d, int64_t data_version, int64_t now_ms)
{
	return d->again || data_version != d->data_version || jobs_count(&d->jobs, JOB_ENDED) > 0 ||
	       (d->next_due_ms != UTC_UNKNOWN && d->next_due_ms <= now_ms);
}

static void look_at_clock(struct dispatcher *d, int64_t now_ms)
{
	int64_t clock_ms = now_ms - monotonic_ms();

	if (clock_ms < d->clock_ms - CLOCK_STEP_MS)
		d->clock = CLOCK_BACK;
	d->clock_ms = clock_ms;
}

static void take_turn(struct dispatcher *d)
{
	struct turn t = {
		.event = d->event,
		.ledger = d->database.ledger,
		.config = d->config,
		.jobs = &d->jobs,
		.now_ms = utc_now_ms(),
		.starts = !d->stopping,
	};
	int64_t version = 0;
	int r = queue_data_version(t.ledger, &version);

	look_at_clock(d, t.now_ms);
	t.clock = d->clock;
	if (r == 0 && t.clock == CLOCK_GOES_ON && !may_have_work(d, version, t.now_ms))
		return;
	if (r == 0)
		r = turn_run(&t);
	if (r == 0)
		r = queue_next_due(t.ledger, t.now_ms, &d->next_due_ms);
	if (r < 0) {
		turn_failed(d, r);
		return;
	}
	d->data_version = version;
	if (t.unwound)
		d->clock = CLOCK_GOES_ON;
	turn_succeeded(d, t.more || !t.unwound);
}

static void go_on_stopping(struct dispatcher *d, int64_t now)
{
	if (jobs_busy(&d->jobs) == 0 && (!d->jobs.first || !d->database.ledger)) {
		sd_event_exit(d->event, EXIT_DONE);
		return;
	}
	if (now >= d->grace_ms && !d->termed) {
		d->termed = true;
		for (struct job *j = d->jobs.first; j; j = j->next)
			if (j->state == JOB_RUNNING)
				run_stop(j->run);
	}
	if (now < d->grace_ms + LAST_MS)
		return;
	journal_say(KIND_HOOK_CUT_SHORT, LOG_WARNING,
		    "ending with %zu unrecorded run%s: run again at the next start",
		    jobs_count(&d->jobs, JOB_ENDED),
		    jobs_count(&d->jobs, JOB_ENDED) == 1 ? "" : "s");
	sd_event_exit(d->event, EXIT_DONE);
}

/* When to look next, whatever wakes us before. */
static void arm(struct dispatcher *d, int64_t now)
{
	int64_t due_in_ms = d->next_due_ms == UTC_UNKNOWN ? NEVER : d->next_due_ms - utc_now_ms();

	wake_at(d, d->net_ms);
	if (d->burst_ms > 0) {
		d->retry = true;
		wake_at(d, now + d->burst_ms);
		d->burst_ms = d->burst_ms < BURST_LAST_MS ? d->burst_ms * 2 : 0;
	}
	if (d->not_before_ms > now && (d->database.ledger || d->retry))
		wake_at(d, d->not_before_ms);
	else if (d->database.ledger && d->again)
		wake_at(d, 0);
	else if (d->database.ledger && due_in_ms < NET_MS)
		wake_at(d, now + (due_in_ms > 0 ? due_in_ms : 0));
	if (d->stopping)
		wake_at(d, d->termed ? d->grace_ms + LAST_MS : d->grace_ms);
}

/* 0, or the error that ends the program. */
static int look(struct dispatcher *d)
{
	int64_t now = monotonic_ms();
	bool net = now >= d->net_ms;
	int r = 0;

	d->wake_ms = NEVER;
	if (net) {
		d->net_ms = now + (d->database.ledger ? NET_MS : WAIT_NET_MS);
		watch_renew(d->watch);
		if (d->database.ledger)
			turn_say_unregistered(d->database.ledger, d->config, d->told);
	}
	if (net || d->renamed)
		check_replaced(d);
	if (now >= d->not_before_ms && !d->database.ledger && !d->stopping && (d->retry || net))
		r = open_database(d);
	if (r == 0 && now >= d->not_before_ms && d->database.ledger)
		take_turn(d);
	if (d->database.ledger)
		say_status(d, NULL);
	if (d->stopping)
		go_on_stopping(d, now);
	arm(d, now);
	return r;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct dispatcher *d = userdata;
	int r = look(d);

	(void)source;
	(void)usec;
	if (r < 0)
		sd_event_exit(d->event, exit_code_of(r));
	return 0;
}

static int told_new(const struct config *c, bool **ret)
{
	bool *told = calloc(c->n_hooks + 1, sizeof(*told));

	if (!told)
		return -ENOMEM;
	*ret = told;
	return 0;
}

int dispatcher_new(sd_event *event, struct config *config, struct dispatcher **ret)
{
	CLEANUP(dispatcher_freep) struct dispatcher *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->event = event;
	d->jobs = (struct jobs){.ended = on_job_ended, .userdata = d};
	d->clock_ms = utc_now_ms() - monotonic_ms();
	d->wake_ms = NEVER;
	d->net_ms = monotonic_ms() + WAIT_NET_MS;
	d->next_due_ms = UTC_UNKNOWN;
	d->retry = true;
	r = database_init(&d->database, config);
	if (r == 0)
		r = told_new(config, &d->told);
	if (r == 0)
		r = sd_event_add_time(event, &d->timer, CLOCK_MONOTONIC, UINT64_MAX, 1, on_timer,
				      d);
	if (r >= 0)
		r = sd_event_source_set_priority(d->timer, LOOK_PRIORITY);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = watch_new(event, config->database.path, on_watch, d, &d->watch);
	if (r < 0)
		log_warning("cannot watch files: %s; looking for events every %d s", strerror(-r),
			    NET_MS / 1000);
	d->config = config;
	*ret = TAKE(d);
	return 0;
}

void dispatcher_free(struct dispatcher *d)
{
	if (!d)
		return;
	jobs_done(&d->jobs);
	watch_free(d->watch);
	sd_event_source_disable_unref(d->timer);
	database_done(&d->database);
	config_free(d->config);
	free(d->told);
	free(d);
}

int dispatcher_start(struct dispatcher *d)
{
	int r = look(d);

	d->started = true;
	return exit_code_of(r);
}

const struct config *dispatcher_config(const struct dispatcher *d)
{
	return d->config;
}

int dispatcher_configure(struct dispatcher *d, struct config *config)
{
	bool *told;
	int r = told_new(config, &told);

	if (r < 0)
		return r;
	free(d->told);
	d->told = told;
	config_free(d->config);
	d->config = config;
	d->again = true;
	wake_at(d, 0);
	return 0;
}

void dispatcher_stop(struct dispatcher *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	d->grace_ms = monotonic_ms() + GRACE_MS;
	wake_at(d, 0);
}
