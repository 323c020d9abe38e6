#include "simulate/stage.h"

#include <errno.h>
#include <libgen.h>

#include "base/cleanup.h"
#include "base/exit.h"
#include "base/log.h"
#include "ledger/ledger.h"
#include "sns/topic.h"

#include "simulate/simulate.h"

void stage_done(struct stage *s)
{
	signer_free(s->signer);
	config_free(s->config);
	free(s->url);
	free(s->ca_file);
	*s = (struct stage){0};
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

static int ask_ipnd_for_url(struct stage *s)
{
	CLEANUP(freep) char *state = config_state_folder(s->config), *notes = NULL;
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
			  state, s->config->file);
		return EXIT_NOT_AVAILABLE;
	}
	r = find_url(notes, &s->url);
	if (r == -ENOENT)
		log_error("ipnd is running, but on no https address; name a URL with --to");
	return r == -ENOENT ? EXIT_NOT_AVAILABLE : r < 0 ? exit_code_of(r) : EXIT_DONE;
}

/* The keys lie beside the configuration. */
static int open_keys(struct stage *s)
{
	CLEANUP(freep) char *copy = strdup(s->config->file), *cache = NULL;
	const char *folder = copy ? dirname(copy) : NULL;
	struct sns_topic topic;
	struct why why;
	int r;

	if (!sns_topic_parse(text_of(s->account->topic_arn), &topic)) {
		log_error("%s: cannot play for account \"%s\": its topic is none of SNS",
			  s->config->file, s->account->name);
		return EXIT_BAD_CONFIG;
	}
	if (!folder || asprintf(&s->ca_file, "%s/" AUTHORITY_CA, folder) < 0 ||
	    asprintf(&cache, "%s/%.*s", s->config->sns.certificate_cache, (int)topic.region.len,
		     topic.region.at) < 0)
		return exit_code_of(-ENOMEM);
	why.text[0] = 0;
	r = signer_open(folder, cache, &s->signer, &why);
	if (r < 0)
		log_error("%s; a configuration of " SIMULATE_PROGRAM " init has its keys beside it",
			  why.text);
	return r < 0 ? exit_code_of(r) : EXIT_DONE;
}

static int open_config(const char *file, struct stage *s)
{
	int r = config_load(config_path(file), SIMULATE_PROGRAM, stderr, &s->config);

	if (r < 0)
		return config_exit_code(r);
	if (s->config->n_accounts == 0 || s->config->accounts[0].seller_id.n == 0) {
		log_error("%s: no account to play for", s->config->file);
		return EXIT_BAD_CONFIG;
	}
	s->account = &s->config->accounts[0];
	return EXIT_DONE;
}

int stage_open(const char *file, const char *to, struct stage *ret)
{
	CLEANUP(stage_done) struct stage s = {0};
	int r;

	if (to && strncmp(to, "https://", 8) != 0 && strncmp(to, "http://", 7) != 0) {
		log_error("--to %s: not an https:// or http:// URL", to);
		return EXIT_USAGE;
	}
	if (to && !(s.url = strdup(to)))
		return exit_code_of(-ENOMEM);
	if ((r = open_config(file, &s)) != EXIT_DONE || (r = open_keys(&s)) != EXIT_DONE ||
	    (!to && (r = ask_ipnd_for_url(&s)) != EXIT_DONE))
		return r;
	*ret = s;
	s = (struct stage){0};
	return EXIT_DONE;
}
