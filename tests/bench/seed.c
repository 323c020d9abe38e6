/*
 * A database as a shop has it after months: `seed DATABASE N` makes a new one and puts N notifications into it, with neither HTTP nor
 * signatures, but read and stored by ipnd's own code.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/options.h"
#include "base/utc.h"
#include "hooks/match.h"
#include "ipnctl/progress.h"
#include "ledger/apply.h"
#include "ledger/private.h"
#include "ledger/queue.h"
#include "receive/message.h"
#include "stream.h"

#define DAY_MS         (24 * 60 * 60 * INT64_C(1000))
#define N_MAX          100000000
#define DAYS           90
#define DAYS_MAX       10000
#define BATCH          5000 /* notifications in a transaction */
#define EVENTS_AT_ONCE 256
#define HOOK_TOOK_MS   30
#define DEAD_EVERY     1000 /* of so many runs one gives up */
#define PENDING        50   /* so many runs are still to do at the end */
#define GIVE_UP        100  /* exit status */

/* The account of `ipn-simulate init`. */
static char topic[] = "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL",
	    seller[] = "AREHEARSAL";
static char *sellers[] = {seller};

static char every_event[] = "*";
static char *every[] = {every_event};

struct seeding {
	const char *path;
	char *hook_name;
	uint64_t n, days, seed;
	int64_t until_ms;
	struct account account;
	struct hook_config hook; /* its name is NULL: none */
	struct config config;
	struct ledger *ledger;
	struct stream *stream;
	struct progress progress;
	uint64_t stored, verdicts[VERDICT_N];
	int64_t last_ms;  /* when the last one was received */
	int64_t decided;  /* events up to this one have their runs */
	bool leaves_last; /* those of the last events stay pending */
	int64_t newest;
};

/* ---- runs of the hook ---- */

static int end_run(struct seeding *s, const struct queue_event *e, int64_t now_ms)
{
	bool dies = e->id % DEAD_EVERY == 0;
	struct queue_attempt attempt;
	char output[256];
	int n, r = queue_start(s->ledger, e->id, s->hook.name, true, now_ms, &attempt);

	if (r < 0)
		return r;
	n = snprintf(output, sizeof(output), "%s %s: %s -> %s\n", e->name, e->object_id,
		     e->previous_state ? e->previous_state : "new", e->state ? e->state : "");
	r = queue_end(s->ledger, &(struct queue_end){
					 .event_id = e->id,
					 .hook = s->hook.name,
					 .attempt = attempt.number,
					 .state = dies ? QUEUE_DEAD : QUEUE_DONE,
					 .next_attempt_ms = UTC_UNKNOWN,
					 .counted = attempt.counted,
					 .has_status = true,
					 .exit_status = dies ? GIVE_UP : 0,
					 .detail = dies ? "exit 100: given up" : "exit 0",
					 .output = {output, (size_t)n},
					 .now_ms = now_ms + HOOK_TOOK_MS,
				 });
	if (r == 0 && dies)
		r = queue_dead_event(s->ledger, e->id, s->hook.name, now_ms + HOOK_TOOK_MS);
	return r < 0 ? r : 0;
}

static int decide(const struct queue_event *e, void *userdata)
{
	struct seeding *s = userdata;
	int64_t now_ms = e->created_ms + HOOK_TOOK_MS;
	struct why why;
	int r = 0;

	s->decided = e->id;
	switch (match_event(&s->hook, e, &why)) {
	case MATCH_NOT:
		return 0;
	case MATCH_SKIP:
		return queue_put(s->ledger, e->id, s->hook.name, why.text, now_ms);
	case MATCH_RUN:
		r = queue_put(s->ledger, e->id, s->hook.name, NULL, now_ms);
		break;
	}
	if (r < 0 || (s->leaves_last && e->id > s->newest - PENDING))
		return r;
	return end_run(s, e, now_ms);
}

static int run_hook(struct seeding *s)
{
	int64_t before;
	int r = s->hook.name ? queue_newest(s->ledger, &s->newest) : 0;

	if (r < 0 || !s->hook.name)
		return r;
	do {
		before = s->decided;
		r = queue_events(s->ledger, before, EVENTS_AT_ONCE, decide, s);
	} while (r == 0 && s->decided != before);
	return r < 0 ? r : queue_seen(s->ledger, s->hook.name, s->decided);
}

/* ---- notifications ---- */

static int store(struct seeding *s, const struct story_post *post, int64_t sent_ms)
{
	CLEANUP(message_done) struct message m = {.body = text_of(post->body)};
	int r;

	if (message_read_stored(&m, &s->config, sent_ms) != VERDICT_PASS) {
		log_error("what was made is no message: %s: %s", m.why.text, post->body);
		return -EINVAL;
	}
	message_understand(&m);
	r = message_store(&m, s->ledger);
	if (r < 0)
		return r;
	s->verdicts[m.verdict]++;
	s->last_ms = sent_ms;
	s->stored++;
	return 0;
}

/* 1: there is more; 0: that was all. */
static int store_some(struct seeding *s)
{
	int r = 1, error;

	for (unsigned i = 0; i < BATCH && r > 0; i++) {
		CLEANUP(story_post_done) struct story_post post = {0};
		int64_t sent_ms;

		r = stream_next(s->stream, NULL, &post, &sent_ms);
		if (r > 0 && (error = store(s, &post, sent_ms)) < 0)
			r = error;
	}
	return r;
}

static int count_verdicts(struct seeding *s)
{
	int r = 0;

	for (enum verdict v = 0; r == 0 && v < VERDICT_N; v++)
		if (s->verdicts[v])
			r = ledger_count_verdict(s->ledger, v, s->verdicts[v], s->last_ms);
	return r;
}

static int store_all(struct seeding *s)
{
	int r, more = 1;

	while (more > 0) {
		r = ledger_begin(s->ledger);
		if (r == 0)
			r = more = store_some(s);
		if (r >= 0) {
			s->leaves_last = more == 0;
			r = run_hook(s);
		}
		if (r == 0 && more == 0)
			r = count_verdicts(s);
		if (r == 0)
			r = ledger_commit(s->ledger);
		if (r < 0)
			return r;
		if (!progress_step((int64_t)s->stored, (int64_t)s->n, &s->progress))
			return -EINTR;
	}
	return 0;
}

/* ---- the database ---- */

/* Nothing that would be lost here is worth a wait for the disk; the last step is. */
static int open_ledger(struct seeding *s)
{
	struct why why;
	int r;

	if (access(s->path, F_OK) == 0) {
		log_error("%s: is there already; name a new file", s->path);
		return -EEXIST;
	}
	r = ledger_open(s->path, LEDGER_OWN, &s->ledger, &why);
	if (r < 0) {
		log_error("%s: %s", s->path, why.text);
		return r;
	}
	return ledger_run(s->ledger, "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;"
				     "PRAGMA wal_autocheckpoint = 32768");
}

static int register_hook(struct seeding *s)
{
	int r = ledger_begin(s->ledger);

	if (r == 0)
		r = ledger_register_hooks(s->ledger, &s->config,
					  s->until_ms - (int64_t)s->days * DAY_MS);
	return r < 0 ? r : ledger_commit(s->ledger);
}

static int finish(struct seeding *s)
{
	return ledger_run(s->ledger, "PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)");
}

static int seed(struct seeding *s)
{
	int r = open_ledger(s);

	if (r == 0)
		r = register_hook(s);
	if (r == 0)
		r = stream_open(&s->account, s->n, (int64_t)s->days * DAY_MS, s->until_ms, s->seed,
				&s->stream);
	if (r == 0)
		r = store_all(s);
	if (r == 0)
		r = finish(s);
	progress_end(&s->progress);
	return r;
}

/* ---- options ---- */

static bool number(const char *what, const char *text, uint64_t max, uint64_t *ret)
{
	char *end;

	if (!text)
		return true;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno == 0 && *end == 0 && text[0] >= '0' && text[0] <= '9' && *ret >= 1 && *ret <= max)
		return true;
	log_error("%s %s: is a number from 1 to %" PRIu64, what, text, max);
	return false;
}

static void set_names(struct seeding *s, char *account, char *hook)
{
	s->account = (struct account){
		.name = account,
		.topic_arn = topic,
		.seller_id = {sellers, 1},
		.environment = ENVIRONMENT_SANDBOX,
	};
	s->hook = (struct hook_config){
		.name = hook, .on = {every, 1}, .environment = ENVIRONMENT_ANY, .late = true};
	s->config = (struct config){
		.accounts = &s->account,
		.n_accounts = 1,
		.hooks = &s->hook,
		.n_hooks = hook ? 1 : 0,
	};
}

struct options {
	const char *help, *hook, *days, *seed, *until;
};

static bool set_operands(const struct options *o, int n, char **operands, struct seeding *s)
{
	static char account[] = "rehearsal";

	if (n < 2 || n > 3) {
		log_error("a DATABASE and a number are needed; see --help");
		return false;
	}
	if (o->until && utc_parse(text_of(o->until), &s->until_ms) < 0) {
		log_error("--until %s: is a time as 2026-01-02T03:04:05.678Z", o->until);
		return false;
	}
	s->path = operands[0];
	s->hook_name = o->hook ? strdup(o->hook) : NULL;
	set_names(s, n > 2 ? operands[2] : account, s->hook_name);
	return number("N", operands[1], N_MAX, &s->n) &&
	       number("--days", o->days, DAYS_MAX, &s->days) &&
	       number("--seed", o->seed, UINT32_MAX, &s->seed);
}

static void seeding_done(struct seeding *s)
{
	if (s->stream)
		stream_close(s->stream);
	ledger_close(s->ledger);
	free(s->hook_name);
}

static int run(struct seeding *s)
{
	int64_t began_ms = utc_now_ms();
	int r;

	ipn_document_init();
	progress_watch();
	r = seed(s);
	if (r == -EINTR) {
		log_error("interrupted: %s has %" PRIu64 " notifications", s->path, s->stored);
		return EXIT_TRY_AGAIN;
	}
	if (r < 0) {
		if (s->ledger)
			log_error("%s: %s (%s)", s->path, ledger_error(s->ledger), strerror(-r));
		return exit_code_of(r);
	}
	printf("%" PRIu64 " notifications, %.0f us each\n", s->stored,
	       1000.0 * (double)(utc_now_ms() - began_ms) / (double)s->stored);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct options o = {NULL};
	const struct option_row rows[] = {
		{0, "hook", "NAME", "with a run of that hook for each event; most are done",
		 &o.hook},
		{0, "days", "N", "sent over about so many days (90)", &o.days},
		{0, "until", "TIME", "when the last one was sent (now)", &o.until},
		{0, "seed", "N", "the same command with the same TIME gives the same rows (1)",
		 &o.seed},
		{'h', "help", NULL, "show this and exit", &o.help},
		{0},
	};
	CLEANUP(seeding_done)
	struct seeding s = {
		.days = DAYS, .seed = 1, .until_ms = utc_now_ms(), .progress = {.what = "seeding"}};
	int at;

	log_open("seed", LOG_INFO);
	at = options_parse(rows, argc, argv, false);
	if (at < 0)
		return EXIT_USAGE;
	if (o.help) {
		printf("Usage: seed [OPTION]... DATABASE N [ACCOUNT]\n\n"
		       "Makes a new database of ipnd's with N notifications.\n\n");
		options_print(rows, stdout);
		return EXIT_DONE;
	}
	return set_operands(&o, argc - at, argv + at, &s) ? run(&s) : EXIT_USAGE;
}
