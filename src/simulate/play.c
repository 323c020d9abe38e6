#include "simulate/simulate.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/utc.h"
#include "machine/machine.h"

#include "simulate/post.h"
#include "simulate/stage.h"
#include "simulate/story.h"

#define DUPLICATES_MAX 1000
#define NAME_SIZE      96

struct play {
	struct stage stage;
	struct poster *poster;
	struct story story;
	int signature_version;
	bool shuffled;
	uint64_t seed;
	unsigned copies; /* of each message */
};

static void play_done(struct play *p)
{
	poster_free(p->poster);
	stage_done(&p->stage);
}

/* Everything that is needed before the first post. */
static int prepare(struct play *p, const char *file, const char *to, const struct scenario *s)
{
	int r = stage_open(file, to, &p->stage);

	if (r != EXIT_DONE)
		return r;
	if ((r = story_begin(s, p->stage.account, utc_now_ms(), &p->story)) < 0) {
		log_error("cannot begin the story: %s", strerror(-r));
		return exit_code_of(r);
	}
	if ((r = poster_new(p->stage.url, p->stage.ca_file, &p->poster)) < 0) {
		log_error("cannot set up libcurl for %s", p->stage.url);
		return exit_code_of(r);
	}
	return EXIT_DONE;
}

/* splitmix64: any seed is good, 0 too. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Indexes of steps, each as often as it is sent. The same seed gives the same order. */
static size_t *make_order(const struct play *p, size_t *ret_n)
{
	size_t n = p->story.scenario->n_steps * p->copies;
	size_t *order = calloc(n, sizeof(*order));
	uint64_t state = p->seed;

	if (!order)
		return NULL;
	for (size_t i = 0; i < n; i++)
		order[i] = i / p->copies;
	for (size_t i = n; p->shuffled && i > 1; i--) {
		size_t j = next_random(&state) % i, swapped = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swapped;
	}
	*ret_n = n;
	return order;
}

/* As ipnd will name the event: "capture.completed". Returns its length. */
static int step_name(const struct scenario_step *step, char ret[static NAME_SIZE])
{
	const char *change = ipn_change_of(text_of(step->event_type));

	return snprintf(ret, NAME_SIZE, "%s.%s", object_word(step->object),
			change && *change ? change
					  : state_event(machine_state(step->object, step->state)));
}

/* The names stand in a column. */
static int widest_name(const struct scenario *s)
{
	char name[NAME_SIZE];
	int widest = 0;

	for (size_t i = 0; i < s->n_steps; i++) {
		int width = step_name(&s->steps[i], name);

		widest = width > widest ? width : widest;
	}
	return widest;
}

static void print_sent(const struct play *p, const struct scenario_step *step, bool again,
		       const struct post_answer *a)
{
	char name[NAME_SIZE], id[STORY_ID_SIZE];

	step_name(step, name);
	story_object_id(&p->story, step, id);
	printf("%-*s  %-27s  %-5s  %ld  %s\n", widest_name(p->story.scenario), name, id,
	       again ? "again" : "sent", a->status, a->text);
	fflush(stdout);
}

/* What to look at next. */
static void print_next(const struct play *p)
{
	for (unsigned i = 0; i < story_orders(&p->story); i++)
		printf("order reference %s; next: ipnctl -c '%s' explain %s\n",
		       p->story.order_reference_id[i], p->stage.config->file,
		       p->story.order_reference_id[i]);
	if (story_has_agreement(&p->story))
		printf("billing agreement %s; next: ipnctl -c '%s' explain %s\n",
		       p->story.agreement_id, p->stage.config->file, p->story.agreement_id);
}

static int code_of_answer(long status)
{
	if (status == 200)
		return EXIT_DONE;
	return status >= 500 ? EXIT_TRY_AGAIN : EXIT_BAD_DATA;
}

/* Sends one message, made at its first sending. */
static int send_step(struct play *p, size_t i, struct story_post *m)
{
	const struct scenario_step *step = &p->story.scenario->steps[i];
	struct post_answer answer;
	bool again = m->body;
	struct why why;
	int r;

	if (!again && (r = story_post(&p->story, step, p->stage.signer, p->signature_version,
				      utc_now_ms(), m)) < 0) {
		log_error("cannot make a message: %s", strerror(-r));
		return exit_code_of(r);
	}
	r = poster_send(p->poster,
			&(struct post){m->message_id, p->story.account->topic_arn,
				       m->subscription_arn, text_of(m->body)},
			&answer, &why);
	if (r == -ENOMEM)
		return exit_code_of(r);
	if (r < 0) {
		log_error("%s: %s", p->stage.url, why.text);
		return EXIT_NOT_AVAILABLE;
	}
	print_sent(p, step, again, &answer);
	return code_of_answer(answer.status);
}

/* Goes on after a refusal, as Amazon would; stops when nobody answers. A refusal for good outweighs "try again". */
static int send_all(struct play *p, const size_t *order, size_t n, struct story_post *posts)
{
	int worst = EXIT_DONE;

	for (size_t i = 0; i < n; i++) {
		int r = send_step(p, order[i], &posts[order[i]]);

		if (r != EXIT_DONE && r != EXIT_TRY_AGAIN && r != EXIT_BAD_DATA)
			return r;
		if (r == EXIT_BAD_DATA || worst == EXIT_DONE)
			worst = r;
	}
	return worst;
}

static int play(struct play *p)
{
	const size_t n_steps = p->story.scenario->n_steps;
	CLEANUP(freep) struct story_post *posts = calloc(n_steps, sizeof(*posts));
	CLEANUP(freep) size_t *order = NULL;
	size_t n;
	int r;

	if (!posts || !(order = make_order(p, &n)))
		return exit_code_of(-ENOMEM);
	r = send_all(p, order, n, posts);
	for (size_t i = 0; i < n_steps; i++)
		story_post_done(&posts[i]);
	if (r != EXIT_NOT_AVAILABLE)
		print_next(p);
	return r;
}

/* The numbers among the options. */
static int set_numbers(struct play *p, const char *shuffle, const char *duplicate,
		       const char *version)
{
	uint64_t n = 0;

	if (shuffle && !verb_number("--shuffle", shuffle, 0, UINT64_MAX, &p->seed))
		return EXIT_USAGE;
	p->shuffled = shuffle;
	if (duplicate && !verb_number("--duplicate", duplicate, 0, DUPLICATES_MAX, &n))
		return EXIT_USAGE;
	p->copies = 1 + (unsigned)n;
	p->signature_version = 1;
	if (version && strcmp(version, "1") != 0) {
		if (strcmp(version, "2") != 0) {
			log_error("--signature-version %s: not 1 or 2", version);
			return EXIT_USAGE;
		}
		p->signature_version = 2;
	}
	return EXIT_DONE;
}

int simulate_play(const struct verb *v, const char *config, int argc, char **argv)
{
	const char *name = NULL, *file = NULL, *to = NULL, *shuffle = NULL, *duplicate = NULL,
		   *version = NULL;
	const char *help = NULL;
	const struct option_row rows[] = {
		{'c', "config", "FILE",
		 "ipnd's configuration; its first account is played, the keys lie beside it",
		 &file},
		{0, "to", "URL", "where to post (the running ipnd's own address)", &to},
		{0, "shuffle", "SEED", "send in another order, the same for the same number",
		 &shuffle},
		{0, "duplicate", "N", "send each message N times more", &duplicate},
		{0, "signature-version", "1|2", "SHA-1 as Amazon Pay does (1), or SHA-256 (2)",
		 &version},
		{'h', "help", NULL, "show this and exit", &help},
		{0},
	};
	CLEANUP(play_done) struct play p = {0};
	const struct scenario *s;
	int r = verb_parse(v, rows, &help, argc, argv, &name);

	if (r >= 0)
		return r;
	if ((r = set_numbers(&p, shuffle, duplicate, version)) != EXIT_DONE)
		return r;
	s = scenario_find(name);
	if (!s) {
		log_error("there is no scenario '%s'; %s list shows them", name, SIMULATE_PROGRAM);
		return EXIT_USAGE;
	}
	if ((r = prepare(&p, file ? file : config, to, s)) != EXIT_DONE)
		return r;
	return play(&p);
}
