#include "simulate/simulate.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/exit.h"
#include "base/log.h"

#include "simulate/batch.h"
#include "simulate/sender.h"
#include "simulate/stage.h"

#define CONNECTIONS   8
#define COUNT         10000
#define COUNT_MAX     1000000 /* they are kept in memory: 3 GB */
#define UNPACED_PER_S 6000    /* more than ipnd takes on two processors */
#define UNPACED_MAX   120000  /* a minute and a half of signing on one processor */
#define RATE_MAX      100000
#define SECONDS_MAX   86400
#define USEC_PER_SEC  UINT64_C(1000000)

/* As given on the command line; NULL: not given. */
struct load_options {
	const char *file, *to, *connections, *seconds, *count, *rate, *close, *record, *json;
};

struct load {
	struct stage stage;
	struct batch batch;
	struct sender_plan plan;
	size_t count;
	bool json;
};

static void load_done(struct load *l)
{
	batch_done(&l->batch);
	stage_done(&l->stage);
	if (l->plan.record_fd >= 0)
		close(l->plan.record_fd);
}

/* How many to make: all are signed before the first is sent. */
static int set_count(const struct load_options *o, struct load *l)
{
	struct sender_plan *plan = &l->plan;
	uint64_t n = COUNT;

	if (o->seconds && o->count) {
		log_error("--seconds and --count: name one of the two");
		return EXIT_USAGE;
	}
	if (o->count && !verb_number("--count", o->count, 1, COUNT_MAX, &n))
		return EXIT_USAGE;
	if (o->seconds && o->rate)
		n = plan->seconds * plan->rate;
	else if (o->seconds)
		n = plan->seconds * UNPACED_PER_S < UNPACED_MAX ? plan->seconds * UNPACED_PER_S
								: UNPACED_MAX;
	if (n > COUNT_MAX) {
		log_error("--seconds %s --rate %s: more than %d notifications, which are all made "
			  "beforehand; take less",
			  o->seconds, o->rate, COUNT_MAX);
		return EXIT_USAGE;
	}
	if (o->rate)
		plan->seconds = 0; /* what is due before the end is sent, however late */
	l->count = n;
	return EXIT_DONE;
}

static int set_plan(const struct load_options *o, struct load *l)
{
	struct sender_plan *plan = &l->plan;
	uint64_t connections = CONNECTIONS;

	if ((o->connections && !verb_number("--connections", o->connections, 1,
					    SENDER_CONNECTIONS_MAX, &connections)) ||
	    (o->rate && !verb_number("--rate", o->rate, 1, RATE_MAX, &plan->rate)) ||
	    (o->seconds && !verb_number("--seconds", o->seconds, 1, SECONDS_MAX, &plan->seconds)))
		return EXIT_USAGE;
	plan->connections = (unsigned)connections;
	plan->close = o->close;
	plan->progress = isatty(STDERR_FILENO);
	l->json = o->json;
	return set_count(o, l);
}

/* What is there stays: the ids of an earlier load are as true. */
static int open_record(const char *path, int *ret)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), r;

	if (fd < 0) {
		r = -errno;
		log_error("cannot write %s: %m", path);
		return exit_code_of(r);
	}
	*ret = fd;
	return EXIT_DONE;
}

static int prepare(const struct load_options *o, struct load *l)
{
	int r = set_plan(o, l);

	if (r != EXIT_DONE || (r = stage_open(o->file, o->to, &l->stage)) != EXIT_DONE ||
	    (o->record && (r = open_record(o->record, &l->plan.record_fd)) != EXIT_DONE))
		return r;
	l->plan.url = l->stage.url;
	l->plan.ca_file = l->stage.ca_file;
	l->plan.topic_arn = l->stage.account->topic_arn;
	return EXIT_DONE;
}

static void print_signed(size_t done, size_t all)
{
	fprintf(stderr, "signing %zu of %zu\n", done, all);
}

static int report(const struct load *l, const struct tally *t)
{
	if (!l->json)
		tally_print(t);
	else if (tally_print_json(t) < 0)
		return exit_code_of(-ENOMEM);
	if (t->n_begun == t->n_all && t->took_usec < l->plan.seconds * USEC_PER_SEC &&
	    !l->plan.rate)
		log_notice("all %zu notifications were sent before the time was over; "
			   "--rate makes them last",
			   t->n_all);
	if (t->n_refused)
		return EXIT_BAD_DATA;
	return tally_undelivered(t) ? EXIT_TRY_AGAIN : EXIT_DONE;
}

static int load(struct load *l)
{
	CLEANUP(freep) struct tally *tally = calloc(1, sizeof(*tally)); /* too large for a stack */
	int r, reported;

	if (!tally)
		return exit_code_of(-ENOMEM);
	r = batch_make(l->stage.account, l->stage.signer, l->count,
		       l->plan.progress ? print_signed : NULL, &l->batch);
	if (r < 0) {
		log_error("cannot make the notifications: %s", strerror(-r));
		return exit_code_of(r);
	}
	r = sender_run(&l->plan, &l->batch, tally);
	if (r == EXIT_NOT_AVAILABLE)
		return r;
	reported = report(l, tally);
	return r != EXIT_DONE ? r : reported;
}

int simulate_load(const struct verb *v, const char *config, int argc, char **argv)
{
	struct load_options o = {.file = config};
	const char *help = NULL;
	const struct option_row rows[] = {
		{'c', "config", "FILE",
		 "ipnd's configuration; its first account is played, the keys lie beside it",
		 &o.file},
		{0, "to", "URL", "where to post (the running ipnd's own address)", &o.to},
		{0, "connections", "N", "so many posts at a time (8)", &o.connections},
		{0, "count", "N", "so many notifications (10000)", &o.count},
		{0, "seconds", "N",
		 "for so long: with --rate just enough of them, else 6000 a second "
		 "and at most 120000",
		 &o.seconds},
		{0, "rate", "N",
		 "so many a second, and latency from when each was due (as fast as they "
		 "are answered)",
		 &o.rate},
		{0, "close", NULL, "a connection of its own for each, with a full TLS handshake",
		 &o.close},
		{0, "record", "FILE", "append the MessageId of each 200, at once", &o.record},
		{0, "json", NULL, "the result as one JSON object", &o.json},
		{'h', "help", NULL, "show this and exit", &help},
		{0},
	};
	CLEANUP(load_done) struct load l = {.plan.record_fd = -1};
	int r = verb_parse(v, rows, &help, argc, argv, NULL);

	if (r >= 0)
		return r;
	if ((r = prepare(&o, &l)) != EXIT_DONE)
		return r;
	return load(&l);
}
