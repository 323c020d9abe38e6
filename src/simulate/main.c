/* ipn-simulate plays Amazon for rehearsals: options, verbs, nothing else. */
#include <ctype.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/complete.h"
#include "base/exit.h"
#include "base/log.h"

#include "simulate/scenarios.h"
#include "simulate/simulate.h"

static const struct verb verbs[] = {
	{"init", "DIR", "make keys, certificates and a configuration in a new folder",
	 simulate_init},
	{"list", NULL, "show the scenarios", simulate_list},
	{"play", "SCENARIO", "post a scenario's notifications to ipnd", simulate_play},
	{"load", NULL, "post many notifications to ipnd at once, and measure", simulate_load},
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(const struct option_row *rows)
{
	printf("Usage: " SIMULATE_PROGRAM " [OPTION...] VERB ...\n"
	       "Plays Amazon for rehearsals: signs notifications with keys of its own and posts them.\n\nVerbs:\n");
	for (size_t i = 0; i < N_VERBS; i++)
		printf("  %s %-*s  %s\n", verbs[i].name, (int)(14 - strlen(verbs[i].name)),
		       verbs[i].operand ? verbs[i].operand : "", verbs[i].help);
	printf("\nOptions:\n");
	options_print(rows, stdout);
	printf("\n" SIMULATE_PROGRAM " VERB --help shows a verb's own options.\n");
}

/* Set when a shell asks what may stand on the line: then a verb's rows are only looked at. */
static bool completing;

static int complete_verb(const struct verb *v, const struct option_row *rows, int argc, char **argv)
{
	struct completion typed;
	const struct scenario *s;

	complete_read(rows, argc - 1, argv + 1, &typed);
	if (typed.row && strcmp(typed.row->argument, "1|2") == 0)
		complete_words(&typed, "1 2");
	else if (!complete_by_rows(&typed, rows) && !typed.row && v->operand &&
		 typed.n_operands == 0 && !complete_by_argument(v->operand))
		for (size_t i = 0; (s = scenario_at(i)); i++)
			complete_print(&typed, s->name, s->help);
	return EXIT_DONE;
}

int verb_parse(const struct verb *v, const struct option_row *rows, const char *const *help,
	       int argc, char **argv, const char **ret_operand)
{
	const int wanted = v->operand ? 1 : 0;
	int first;

	if (completing)
		return complete_verb(v, rows, argc, argv);
	first = options_parse(rows, argc, argv, false);
	if (first < 0)
		return EXIT_USAGE;
	if (*help) {
		printf("Usage: " SIMULATE_PROGRAM " %s%s%s [OPTION...]\n%c%s.\n\nOptions:\n",
		       v->name, v->operand ? " " : "", v->operand ? v->operand : "",
		       v->help[0] - 'a' + 'A', v->help + 1);
		options_print(rows, stdout);
		return EXIT_DONE;
	}
	if (argc - first != wanted) {
		if (v->operand)
			log_error("%s: takes one %s; see %s %s --help", v->name, v->operand,
				  SIMULATE_PROGRAM, v->name);
		else
			log_error("%s: takes no operand", v->name);
		return EXIT_USAGE;
	}
	if (wanted)
		*ret_operand = argv[first];
	return -1;
}

/* Digits only. False for anything else. */
static bool parse_number(const char *s, uint64_t *ret)
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
	return true;
}

bool verb_number(const char *option, const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t n;

	if (parse_number(s, &n) && n >= min && n <= max) {
		*ret = n;
		return true;
	}
	if (max == UINT64_MAX)
		log_error("%s %s: not a number from %" PRIu64 " up", option, s, min);
	else
		log_error("%s %s: not a number from %" PRIu64 " to %" PRIu64, option, s, min, max);
	return false;
}

static int run_verb(const char *config, int argc, char **argv)
{
	int r;

	for (size_t i = 0; i < N_VERBS; i++) {
		if (strcmp(argv[0], verbs[i].name) != 0)
			continue;
		r = verbs[i].run(&verbs[i], config, argc, argv);
		if (r == EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout))) {
			log_error("cannot write the output: %m");
			return EXIT_IO;
		}
		return r;
	}
	log_error("there is no verb '%s'; see %s --help", argv[0], SIMULATE_PROGRAM);
	return EXIT_USAGE;
}

/* `rows` are those before the verb; its own it knows itself. */
static int complete(const struct option_row *rows, int argc, char **argv)
{
	struct completion typed;
	int verb = 2;

	complete_read(rows, argc - 2, argv + 2, &typed);
	if (typed.n_operands == 0) {
		if (!complete_by_rows(&typed, rows))
			for (size_t i = 0; i < N_VERBS; i++)
				complete_print(&typed, verbs[i].name, verbs[i].help);
		return exit_printed(EXIT_DONE);
	}
	while (argv[verb] != typed.operands[0])
		verb++;
	completing = true;
	return run_verb(NULL, argc - verb, argv + verb);
}

int main(int argc, char **argv)
{
	const char *config = NULL, *help = NULL, *version = NULL;
	const struct option_row rows[] = {
		{'c', "config", "FILE",
		 "the configuration (/etc/ipnd/ipnd.conf; $IPND_CONFIG overrides)", &config},
		{'h', "help", NULL, "show this and exit", &help},
		{'V', "version", NULL, "show the version and exit", &version},
		{0},
	};
	int first;

	log_open(SIMULATE_PROGRAM, LOG_INFO);
	signal(SIGPIPE, SIG_IGN); /* OpenSSL below libcurl writes to closed connections */
	if (complete_wanted(argc, argv))
		return complete(rows, argc, argv);
	first = options_parse(rows, argc, argv, true);
	if (first < 0)
		return EXIT_USAGE;
	if (help) {
		print_help(rows);
		return EXIT_DONE;
	}
	if (version) {
		printf(SIMULATE_PROGRAM " " PACKAGE_VERSION "\n");
		return EXIT_DONE;
	}
	if (first == argc) {
		log_error("a verb is missing; see %s --help", SIMULATE_PROGRAM);
		return EXIT_USAGE;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		log_error("libcurl does not start");
		return EXIT_NOT_AVAILABLE;
	}
	return run_verb(config, argc - first, argv + first);
}
