#include "simulate/simulate.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>

#include "base/cleanup.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/utc.h"
#include "config/config.h"
#include "ledger/ledger.h"
#include "machine/machine.h"

#include "simulate/post.h"
#include "simulate/story.h"

#define DUPLICATES_MAX 1000
#define NAME_SIZE      96

struct play {
	struct config *config;
	char *folder; /* of the configuration: the keys lie beside it */
	char *url;
	struct signer *signer;
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
	signer_free(p->signer);
	config_free(p->config);
	free(p->folder);
	free(p->url);
}

/* Strict: digits only. */
static bool parse_number(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (!isdigit((unsigned char)*s) || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (unsigned)(*s - '0'), &n))
			return false;
	}
	*ret = n;
	return n <= max;
}

/* "https://[::]:8443/ipn" is where ipnd listens; a client says localhost. The caller frees. */
static char *reachable_url(struct text url)
{
	static const struct text any[] = {TEXT("https://[::]"), TEXT("https://0.0.0.0")};
	char *ret;

	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		if (url.len <= any[i].len || memcmp(url.at, any[i].at, any[i].len) != 0)
			continue;
		if (asprintf(&ret, "https://localhost%.*s", (int)(url.len - any[i].len),
			     url.at + any[i].len) < 0)
			return NULL;
		return ret;
	}
	return text_dup(url);
}

/* The first https URL among the lines below the pid. */
static int find_url(const char *notes, char **ret)
{
	for (const char *line = strchr(notes, '\n'); line && *++line; line = strchr(line, '\n')) {
		struct text url = {line, strcspn(line, "\n")};

		if (url.len < 8 || memcmp(url.at, "https://", 8) != 0)
			continue;
		*ret = reachable_url(url);
		return *ret ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static int ask_ipnd_for_url(struct play *p)
{
	CLEANUP(freep) char *state = config_state_folder(p->config), *notes = NULL;
	int r;

	if (!state)
		return exit_code_of(-ENOMEM);
	r = ledger_locked(state, "ipnd", &notes);
	if (r < 0) {
		log_error("cannot look for ipnd in %s: %s", state, strerror(-r));
		return exit_code_of(r);
	}
	if (r == 0) {
		log_error("ipnd is not running on %s; start ipnd -c %s, or name a URL with --to",
			  state, p->config->file);
		return EXIT_NOT_AVAILABLE;
	}
	r = find_url(notes, &p->url);
	if (r == -ENOENT)
		log_error("ipnd is running, but on no https address; name a URL with --to");
	return r == -ENOENT ? EXIT_NOT_AVAILABLE : r < 0 ? exit_code_of(r) : EXIT_DONE;
}

static int open_signer(struct play *p)
{
	CLEANUP(freep) char *copy = strdup(p->config->file), *cache = NULL;
	const struct text region = p->story.topic.region;
	struct why why;
	int r;

	if (!copy || !(p->folder = strdup(dirname(copy))) ||
	    asprintf(&cache, "%s/%.*s", p->config->sns.certificate_cache, (int)region.len,
		     region.at) < 0)
		return exit_code_of(-ENOMEM);
	why.text[0] = 0;
	r = signer_open(p->folder, cache, &p->signer, &why);
	if (r < 0)
		log_error("%s; a configuration of " SIMULATE_PROGRAM " init has its keys beside it",
			  why.text);
	return r < 0 ? exit_code_of(r) : EXIT_DONE;
}

static int open_poster(struct play *p)
{
	CLEANUP(freep) char *ca = NULL;
	int r;

	if (asprintf(&ca, "%s/" AUTHORITY_CA, p->folder) < 0)
		return exit_code_of(-ENOMEM);
	r = poster_new(p->url, ca, &p->poster);
	if (r < 0)
		log_error("cannot set up libcurl for %s", p->url);
	return r < 0 ? exit_code_of(r) : EXIT_DONE;
}

/* Everything that is needed before the first post. */
static int prepare(struct play *p, const char *file, const struct scenario *s)
{
	const struct account *a;
	int r = config_load(config_path(file), SIMULATE_PROGRAM, stderr, &p->config);

	if (r < 0)
		return EXIT_BAD_CONFIG;
	if (p->config->n_accounts == 0 || p->config->accounts[0].seller_id.n == 0) {
		log_error("%s: no account to play for", p->config->file);
		return EXIT_BAD_CONFIG;
	}
	a = &p->config->accounts[0];
	r = story_begin(s, a, utc_now_ms(), &p->story);
	if (r < 0) {
		log_error("%s: cannot begin for account \"%s\": %s", p->config->file, a->name,
			  strerror(-r));
		return r == -EINVAL ? EXIT_BAD_CONFIG : exit_code_of(r);
	}
	if ((r = open_signer(p)) != EXIT_DONE ||
	    (!p->url && (r = ask_ipnd_for_url(p)) != EXIT_DONE))
		return r;
	return open_poster(p);
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
		       p->story.order_reference_id[i], p->config->file,
		       p->story.order_reference_id[i]);
	if (story_has_agreement(&p->story))
		printf("billing agreement %s; next: ipnctl -c '%s' explain %s\n",
		       p->story.agreement_id, p->config->file, p->story.agreement_id);
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

	if (!again && (r = story_post(&p->story, step, p->signer, p->signature_version,
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
		log_error("%s: %s", p->url, why.text);
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

	if (shuffle && !parse_number(shuffle, UINT64_MAX, &p->seed)) {
		log_error("--shuffle %s: not a number from 0 up", shuffle);
		return EXIT_USAGE;
	}
	p->shuffled = shuffle;
	if (duplicate && !parse_number(duplicate, DUPLICATES_MAX, &n)) {
		log_error("--duplicate %s: not a number from 0 to %d", duplicate, DUPLICATES_MAX);
		return EXIT_USAGE;
	}
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
	if (to && strncmp(to, "https://", 8) != 0 && strncmp(to, "http://", 7) != 0) {
		log_error("--to %s: not an https:// or http:// URL", to);
		return EXIT_USAGE;
	}
	if (to && !(p.url = strdup(to)))
		return exit_code_of(-ENOMEM);
	if ((r = prepare(&p, file ? file : config, s)) != EXIT_DONE)
		return r;
	return play(&p);
}
