/*
 * A database as a shop has it after months: `seed DATABASE N` makes a new one and puts N notifications into it, with neither HTTP nor
 * signatures, but read and stored by ipnd's own code.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/options.h"
#include "base/utc.h"
#include "ipnctl/progress.h"
#include "ledger/apply.h"
#include "ledger/private.h"
#include "receive/message.h"
#include "runs.h"
#include "stream.h"

#define DAY_MS   (24 * 60 * 60 * INT64_C(1000))
#define N_MAX    100000000
#define DAYS     90
#define DAYS_MAX 10000
#define BATCH    5000 /* notifications in a transaction */

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
	struct runs runs; /* the hook's name is NULL: none */
	struct config config;
	struct ledger *ledger;
	struct stream *stream;
	struct progress progress;
	uint64_t stored, verdicts[VERDICT_N];
	int64_t last_ms; /* when the last one was received */
};

/* ---- notifications ---- */

/* Written and read by one thread, while the other stores those before. */
struct batch {
	struct story_post posts[BATCH];
	struct message messages[BATCH];
	size_t n;
	int error;
};

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		message_done(&b->messages[i]);
		story_post_done(&b->posts[i]);
	}
	free(b);
}
DEFINE_CLEANUP(struct batch *, batch_free)

static int make_one(struct seeding *s, struct batch *b)
{
	struct message *m = &b->messages[b->n];
	struct story_post *post = &b->posts[b->n];
	int64_t sent_ms;
	int r = stream_next(s->stream, NULL, post, &sent_ms);

	if (r <= 0)
		return r;
	b->n++;
	m->body = text_of(post->body);
	if (message_read_stored(m, &s->config, sent_ms) != VERDICT_PASS) {
		log_error("what was made is no message: %s: %s", m->why.text, post->body);
		return -EINVAL;
	}
	message_understand(m);
	return 1;
}

static struct batch *make_batch(struct seeding *s)
{
	struct batch *b = calloc(1, sizeof(*b));
	int r = 1;

	while (b && r > 0 && b->n < BATCH)
		r = make_one(s, b);
	if (b && r < 0)
		b->error = r;
	return b;
}

static void *make_in_thread(void *userdata)
{
	return make_batch(userdata);
}

static int store_batch(struct seeding *s, struct batch *b)
{
	int r = b->error;

	for (size_t i = 0; r == 0 && i < b->n; i++) {
		struct message *m = &b->messages[i];

		r = message_store(m, s->ledger);
		if (r < 0)
			return r;
		s->verdicts[m->verdict]++;
		s->last_ms = m->received_ms;
		s->stored++;
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

static int commit_batch(struct seeding *s, struct batch *b)
{
	int r = ledger_begin_together(s->ledger);

	if (r == 0)
		r = store_batch(s, b);
	if (r == 0)
		r = s->runs.hook.name ? runs_write(&s->runs, s->stored == s->n) : 0;
	if (r == 0 && s->stored == s->n)
		r = count_verdicts(s);
	return r == 0 ? ledger_commit(s->ledger) : r;
}

static int store_all(struct seeding *s)
{
	CLEANUP(batch_freep) struct batch *b = make_batch(s);
	int r = b ? 0 : -ENOMEM;

	while (r == 0 && b->n) {
		pthread_t maker;
		void *next;

		r = -pthread_create(&maker, NULL, make_in_thread, s);
		if (r < 0)
			break;
		r = commit_batch(s, b);
		pthread_join(maker, &next);
		batch_free(b);
		b = next;
		if (r == 0 && !b)
			r = -ENOMEM;
		if (r == 0 && !progress_step((int64_t)s->stored, (int64_t)s->n, &s->progress))
			r = -EINTR;
	}
	return r;
}

/* ---- the database ---- */

/* Nothing that would be lost here is worth a wait for the disk; the last step is. */
static int open_ledger(struct seeding *s)
{
	struct why why;
	int r;

	r = ledger_open(s->path, LEDGER_OWN, &s->ledger, &why);
	if (r < 0) {
		log_error("%s: %s", s->path, why.text);
		return r;
	}
	s->runs.ledger = s->ledger;
	return ledger_run(s->ledger, "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;"
				     "PRAGMA wal_autocheckpoint = 32768");
}

static int register_hook(struct seeding *s)
{
	int r = ledger_begin_together(s->ledger);

	if (r == 0)
		r = ledger_register_hooks(s->ledger, &s->config,
					  s->until_ms - (int64_t)s->days * DAY_MS);
	return r < 0 ? r : ledger_commit(s->ledger);
}

static int finish(struct seeding *s)
{
	s->runs.ledger = s->ledger;
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
	s->runs.hook = (struct hook_config){
		.name = hook, .on = {every, 1}, .environment = ENVIRONMENT_ANY, .late = true};
	s->config = (struct config){
		.accounts = &s->account,
		.n_accounts = 1,
		.hooks = &s->runs.hook,
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
	if (access(s->path, F_OK) == 0) {
		log_error("%s: is there already; name a new file", s->path);
		return false;
	}
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

	message_init();
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
	struct options o = {.help = NULL};
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
