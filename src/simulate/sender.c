#include "simulate/sender.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/utc.h"

#include "simulate/connection.h"
#include "simulate/request.h"
#include "simulate/schedule.h"

#define USEC_PER_SEC      UINT64_C(1000000)
#define GIVE_UP_S         120 /* after a notification was first sent */
#define SILENCE_S         60  /* nobody answers: an ipnd that starts again is back by then */
#define NOBODY_S          5   /* and nobody ever did */
#define RETRY_AFTER_MAX_S 60
#define RETRY_AFTER_S     20                  /* where an answer names no time: SNS's own delay */
#define BACKOFF_USEC      (USEC_PER_SEC / 20) /* after a connection's first failure, then doubled */
#define BACKOFF_DOUBLINGS 4

/* A connection. */
struct lane {
	struct sender *sender;
	struct connection *connection;
	struct tale *tale; /* whose post is under way; NULL: idle */
	uint64_t started_usec;
	uint64_t rest_until_usec;
	unsigned failures; /* in a row */
};

struct sender {
	const struct sender_plan *plan;
	struct tally *tally;
	struct schedule *schedule;
	sd_event *event;
	sd_event_source *pace; /* when there is something to send again */
	struct destination *destination;
	struct lane *lanes;
	unsigned next_lane, n_under_way;
	uint64_t began_usec;
	bool answered;              /* anybody, ever */
	uint64_t silent_since_usec; /* 0: the last attempt was answered */
	struct why last_error;
	size_t n_at_tick; /* delivered */
	bool interrupted;
	int code;
};

static void stop(struct sender *s, int code)
{
	s->code = code;
	sd_event_exit(s->event, 0);
}

static void look_for_end(struct sender *s)
{
	if (s->n_under_way == 0 && schedule_is_empty(s->schedule))
		sd_event_exit(s->event, 0);
}

/* Below, for it may come to nothing at once. */
static void on_failure(struct lane *l, struct tale *t, const struct connection_answer *a,
		       uint64_t now);

static void start(struct lane *l, struct tale *t, uint64_t now)
{
	const struct story_post *post = &t->story->posts[t->next];
	const struct connection_answer *failed;
	struct sender *s = l->sender;
	const struct post m = {post->message_id, s->plan->topic_arn, post->subscription_arn,
			       text_of(post->body)};
	struct request_head head;

	if (t->tries == 1)
		s->tally->n_begun++;
	else
		s->tally->n_retries++;
	request_head_make(s->destination, &m, &head);
	failed = connection_post(l->connection, (struct text){head.text, head.len}, m.body);
	if (failed) {
		on_failure(l, t, failed, now);
		return;
	}
	l->tale = t;
	l->started_usec = now;
	s->n_under_way++;
}

/* The pace's time: when an idle connection may have something to send. */
static void arm(struct sender *s, uint64_t now)
{
	uint64_t when = SCHEDULE_NEVER;
	bool free_lane = false;

	for (unsigned i = 0; s->n_under_way < s->plan->connections && i < s->plan->connections;
	     i++) {
		const struct lane *l = &s->lanes[i];

		if (l->tale)
			continue;
		if (l->rest_until_usec <= now)
			free_lane = true;
		else if (l->rest_until_usec < when)
			when = l->rest_until_usec;
	}
	if (free_lane && schedule_when(s->schedule) < when)
		when = schedule_when(s->schedule);
	if (when != SCHEDULE_NEVER)
		sd_event_source_set_time(s->pace, when);
	sd_event_source_set_enabled(s->pace,
				    when != SCHEDULE_NEVER ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* All idle connections get something to do, as long as there is something; in turn, so that all are used. */
static void fill(struct sender *s)
{
	const unsigned first = s->next_lane, n = s->plan->connections;
	uint64_t now = monotonic_usec();

	for (unsigned i = 0; i < n && s->n_under_way < n; i++) {
		struct lane *l = &s->lanes[(first + i) % n];
		struct tale *t;

		if (l->tale || l->rest_until_usec > now)
			continue;
		t = schedule_take(s->schedule, now);
		if (!t)
			break;
		s->next_lane = (first + i + 1) % n;
		start(l, t, now);
	}
	arm(s, now);
	look_for_end(s);
}

/* At once and by one write(2): whatever happens to ipnd or to us, the file is true. */
static void record(struct sender *s, const struct tale *t)
{
	char line[STORY_UUID_SIZE + 1];
	int len = snprintf(line, sizeof(line), "%s\n", t->story->posts[t->next].message_id);

	if (s->plan->record_fd < 0 || write(s->plan->record_fd, line, (size_t)len) == len)
		return;
	log_error("cannot write the record: %m");
	stop(s, EXIT_IO);
}

/* What has been tried for long enough is left undelivered, and its story goes on. */
static void try_again(struct sender *s, struct tale *t, uint64_t now, uint64_t wait_usec)
{
	if (now + wait_usec - t->begun_usec > GIVE_UP_S * USEC_PER_SEC)
		schedule_done(s->schedule, t);
	else
		schedule_again(s->schedule, t, now + wait_usec);
}

static uint64_t retry_after_usec(int64_t seconds)
{
	if (seconds <= 0)
		seconds = RETRY_AFTER_S;
	return (uint64_t)(seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * USEC_PER_SEC;
}

static void on_answer(struct lane *l, struct tale *t, const struct connection_answer *a,
		      uint64_t now)
{
	struct sender *s = l->sender;

	s->tally->answers[a->status]++;
	s->answered = true;
	s->silent_since_usec = 0;
	l->failures = 0;
	if (a->status >= 500) {
		try_again(s, t, now, retry_after_usec(a->retry_after_s));
		return;
	}
	if (a->status == 200) {
		s->tally->n_delivered++;
		latency_add(&s->tally->latency, now - t->due_usec);
		record(s, t);
	} else {
		s->tally->n_refused++;
	}
	schedule_done(s->schedule, t);
}

/* Before the first answer it is the address or the configuration that is wrong, and no ipnd that is just starting again. */
static bool is_hopeless(enum connection_error e)
{
	return e == CONNECTION_NOT_MADE || e == CONNECTION_UNTRUSTED || e == CONNECTION_NOT_HTTP;
}

static void on_failure(struct lane *l, struct tale *t, const struct connection_answer *a,
		       uint64_t now)
{
	struct sender *s = l->sender;
	unsigned doublings = l->failures < BACKOFF_DOUBLINGS ? l->failures : BACKOFF_DOUBLINGS;
	uint64_t wait_usec = BACKOFF_USEC << doublings;

	s->tally->errors[a->error]++;
	s->last_error = a->why;
	if (!s->silent_since_usec)
		s->silent_since_usec = now;
	l->failures++;
	l->rest_until_usec = now + wait_usec;
	try_again(s, t, now, wait_usec);
	if (!s->answered && s->code == EXIT_DONE && is_hopeless(a->error)) {
		log_error("%s: %s", s->plan->url, s->last_error.text);
		stop(s, EXIT_NOT_AVAILABLE);
	}
}

static void on_done(const struct connection_answer *a, void *userdata)
{
	struct lane *l = userdata;
	struct sender *s = l->sender;
	struct tale *t = TAKE(l->tale);
	uint64_t now = monotonic_usec();

	s->n_under_way--;
	s->tally->took_usec = now - s->began_usec;
	if (a->error == CONNECTION_GOOD)
		on_answer(l, t, a, now);
	else
		on_failure(l, t, a, now);
	if (s->interrupted)
		schedule_end(s->schedule, true);
	fill(s);
}

static int on_pace(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	fill(userdata);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct sender *s = userdata;

	(void)source;
	(void)usec;
	schedule_end(s->schedule, false);
	fill(s);
	return 0;
}

/* The first waits for the answers that are due, the second for nothing. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct sender *s = userdata;

	(void)source;
	(void)info;
	if (s->interrupted)
		sd_event_exit(s->event, 0);
	s->interrupted = true;
	schedule_end(s->schedule, true);
	fill(s);
	return 0;
}

static void print_progress(struct sender *s, uint64_t now)
{
	tally_print_progress(s->tally, now - s->began_usec, s->n_at_tick,
			     s->silent_since_usec ? s->last_error.text : NULL);
	s->n_at_tick = s->tally->n_delivered;
}

/* Looked at every second only: a timer for each post would cost more than it tells. */
static void time_out(struct sender *s, uint64_t now)
{
	for (unsigned i = 0; i < s->plan->connections; i++) {
		struct lane *l = &s->lanes[i];

		if (l->tale && now - l->started_usec > POST_ANSWER_S * USEC_PER_SEC)
			connection_time_out(l->connection);
	}
}

/* Every second. */
static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct sender *s = userdata;
	uint64_t now = monotonic_usec();
	unsigned limit_s = s->answered ? SILENCE_S : NOBODY_S;

	time_out(s, now);
	if (s->plan->progress)
		print_progress(s, now);
	if (s->silent_since_usec && now - s->silent_since_usec > limit_s * USEC_PER_SEC) {
		log_error("%s: no answer for %u s: %s", s->plan->url, limit_s, s->last_error.text);
		stop(s, s->answered ? EXIT_DONE : EXIT_NOT_AVAILABLE);
	}
	sd_event_source_set_time(source, usec + USEC_PER_SEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void sender_done(struct sender *s)
{
	for (unsigned i = 0; s->lanes && i < s->plan->connections; i++) {
		struct connection *c = s->lanes[i].connection;

		s->tally->n_connections += c ? connection_times_made(c) : 0;
		connection_free(c);
	}
	free(s->lanes);
	schedule_free(s->schedule);
	destination_free(s->destination);
	sd_event_source_disable_unref(s->pace);
	sd_event_unref(s->event);
}

static int add_sources(struct sender *s)
{
	uint64_t end = s->began_usec + s->plan->seconds * USEC_PER_SEC;
	int r;

	if ((r = sd_event_add_time(s->event, &s->pace, CLOCK_MONOTONIC, 0, 1, on_pace, s)) < 0 ||
	    (r = sd_event_add_time_relative(s->event, NULL, CLOCK_MONOTONIC, USEC_PER_SEC, 1,
					    on_tick, s)) < 0 ||
	    (r = sd_event_add_signal(s->event, NULL, SIGINT, on_signal, s)) < 0 ||
	    (r = sd_event_add_signal(s->event, NULL, SIGTERM, on_signal, s)) < 0)
		return r;
	return s->plan->seconds == 0
		       ? 0
		       : sd_event_add_time(s->event, NULL, CLOCK_MONOTONIC, end, 1, on_deadline, s);
}

static int prepare(struct sender *s, const struct batch *batch)
{
	int r = sd_event_new(&s->event);

	if (r < 0)
		return r;
	s->lanes = calloc(s->plan->connections, sizeof(*s->lanes));
	if (!s->lanes)
		return -ENOMEM;
	for (unsigned i = 0; i < s->plan->connections; i++) {
		struct lane *l = &s->lanes[i];

		l->sender = s;
		r = connection_new(s->event, s->destination, !s->plan->close, on_done, l,
				   &l->connection);
		if (r < 0)
			return r;
	}
	s->began_usec = monotonic_usec();
	if ((r = schedule_new(batch, s->plan->rate, s->began_usec, &s->schedule)) < 0)
		return r;
	return add_sources(s);
}

static uint64_t cpu_usec(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * USEC_PER_SEC +
	       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

int sender_run(const struct sender_plan *plan, const struct batch *batch, struct tally *ret)
{
	CLEANUP(sender_done) struct sender s = {.plan = plan, .tally = ret};
	uint64_t cpu_before = cpu_usec();
	sigset_t signals, before;
	struct why why;
	int r;

	*ret = (struct tally){.n_all = batch->n_posts};
	if ((r = destination_open(plan->url, plan->ca_file, &s.destination, &why)) < 0) {
		log_error("%s: %s", plan->url, why.text);
		return r == -EINVAL         ? EXIT_USAGE
		       : r == -EHOSTUNREACH ? EXIT_NOT_AVAILABLE
					    : exit_code_of(r);
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	if ((r = prepare(&s, batch)) == 0) {
		fill(&s);
		r = sd_event_loop(s.event);
	}
	ret->cpu_usec = cpu_usec() - cpu_before;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (r < 0) {
		log_error("cannot send: %s", strerror(-r));
		return exit_code_of(r);
	}
	return s.code;
}
