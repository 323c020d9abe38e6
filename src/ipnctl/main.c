/* ipnctl: asks ipnd's database and its files. Options, the list of verbs, --help. */
#include <locale.h>
#include <string.h>

#include "base/complete.h"
#include "base/log.h"
#include "base/utc.h"
#include "ipnctl/complete.h"
#include "ipnctl/ipnctl.h"

static const char *arg_config, *arg_json, *arg_color, *arg_help, *arg_version;

#define OWN_ROWS 5 /* without the row that ends them */
#define ROWS_MAX 32

static const struct option_row options[] = {
	{'c', "config", "FILE",
	 "the configuration (default: $IPND_CONFIG, " CONFIG_DEFAULT_PATH ")", &arg_config},
	{0, "json", NULL, "for programs: one JSON object, or one per line for lists", &arg_json},
	{0, "color", "WHEN", "auto (on a terminal, and without $NO_COLOR), always or never",
	 &arg_color},
	{'h', "help", NULL, "show this; after a verb, the verb's options", &arg_help},
	{0, "version", NULL, "show the version", &arg_version},
	{0},
};

static const struct verb *const verbs[] = {
#define VERB(name) &verb_##name,
#include "ipnctl/verbs.def"
#undef VERB
};

#define USAGE_WIDTH 15 /* of --help; a longer one stands on a line of its own */

#define VERBS_N (sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *verb_named(const char *name)
{
	for (size_t i = 0; i < VERBS_N; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static void print_help(void)
{
	printf("Usage: " IPNCTL_PROGRAM " [OPTION]... VERB [OPERAND]... [OPTION]...\n"
	       "Ask what ipnd has received, what became of it, and what hooks made of that. Works with "
	       "both\ndaemons stopped.\n\nVerbs:\n");
	for (size_t i = 0; i < VERBS_N; i++) {
		char usage[64];

		snprintf(usage, sizeof(usage), "%s %s", verbs[i]->name, verbs[i]->operands);
		if (strlen(usage) > USAGE_WIDTH)
			printf("  %s\n  %-*s %s\n", usage, USAGE_WIDTH, "", verbs[i]->help);
		else
			printf("  %-*s %s\n", USAGE_WIDTH, usage, verbs[i]->help);
	}
	printf("\nOptions:\n");
	options_print(options, stdout);
	printf("\nExit status: 0 done, 1 looked and found nothing, 64 usage, 65 bad data, 66 no such "
	       "input,\n69 daemon or database absent, 70 a bug of ours, 74 I/O, 75 try again, "
	       "77 no permission,\n78 bad configuration.\n");
}

static void print_verb_help(const struct verb *v)
{
	printf("Usage: " IPNCTL_PROGRAM " [OPTION]... %s%s%s\n%s%s%s", v->name,
	       v->operands[0] ? " " : "", v->operands, v->help, v->more[0] ? "\n\n" : "\n",
	       v->more);
	if (v->options) {
		printf("\nOptions of %s:\n", v->name);
		options_print(v->options, stdout);
	}
	printf("\nOptions of every verb:\n");
	options_print(options, stdout);
}

/* Those of every verb and the verb's own. */
static void rows_of_verb(const struct verb *v, struct option_row ret[static ROWS_MAX])
{
	int n = OWN_ROWS;

	memcpy(ret, options, sizeof(options));
	for (const struct option_row *row = v->options; row && row->name; row++)
		ret[n++] = *row;
	ret[n] = (struct option_row){0};
}

/* In any order after the verb. Returns as options_parse(). */
static int parse_after_verb(const struct verb *v, int argc, char **argv)
{
	struct option_row rows[ROWS_MAX];

	rows_of_verb(v, rows);
	return options_parse(rows, argc, argv, false);
}

static enum exit_code complete(int argc, char **argv)
{
	struct option_row rows[ROWS_MAX];
	struct completion typed;
	const struct verb *v;

	complete_read(options, argc - 2, argv + 2, &typed);
	v = typed.n_operands > 0 ? verb_named(typed.operands[0]) : NULL;
	if (v) {
		rows_of_verb(v, rows);
		complete_read(rows, argc - 2, argv + 2, &typed);
	}
	complete_verb(&typed, v, v ? rows : options, arg_config);
	for (size_t i = 0; typed.n_operands == 0 && !typed.row && i < VERBS_N; i++)
		complete_print(&typed, verbs[i]->name, verbs[i]->help);
	return (enum exit_code)exit_printed(EXIT_DONE);
}

static enum exit_code usage_failed(const struct verb *v, const char *what)
{
	log_error("%s %s: usage: " IPNCTL_PROGRAM " %s %s", v->name, what, v->name, v->operands);
	return EXIT_USAGE;
}

static enum exit_code run_verb(const struct verb *v, char **operands, int n)
{
	struct ctl c = {.config_option = arg_config, .json = arg_json, .now_ms = utc_now_ms()};
	enum exit_code code;

	if (output_open(stdout, arg_color, &c.out) < 0) {
		log_error("--color=%s: is none of auto, always, never", arg_color);
		return EXIT_USAGE;
	}
	if (n < v->min)
		return usage_failed(v, "needs more");
	if (n > v->max)
		return usage_failed(v, "was given too much");
	code = v->run(&c, operands, n);
	ctl_done(&c);
	return (enum exit_code)exit_printed(code);
}

static enum exit_code show_version(void)
{
	printf(IPNCTL_PROGRAM " " PACKAGE_VERSION "\n");
	return (enum exit_code)exit_printed(EXIT_DONE);
}

int main(int argc, char **argv)
{
	const struct verb *v;
	int first, after;

	log_open(IPNCTL_PROGRAM, LOG_INFO);
	setlocale(LC_CTYPE, "C.UTF-8");
	if (complete_wanted(argc, argv))
		return complete(argc, argv);
	first = options_parse(options, argc, argv, true);
	if (first < 0)
		return EXIT_USAGE;
	if (arg_version)
		return show_version();
	if (arg_help) {
		print_help();
		return (enum exit_code)exit_printed(EXIT_DONE);
	}
	if (first == argc) {
		log_error("a verb is missing; see " IPNCTL_PROGRAM " --help");
		return EXIT_USAGE;
	}
	v = verb_named(argv[first]);
	if (!v) {
		log_error("%s: no such verb; see " IPNCTL_PROGRAM " --help", argv[first]);
		return EXIT_USAGE;
	}
	after = parse_after_verb(v, argc - first, argv + first);
	if (after < 0)
		return EXIT_USAGE;
	if (arg_version)
		return show_version();
	if (arg_help) {
		print_verb_help(v);
		return (enum exit_code)exit_printed(EXIT_DONE);
	}
	return run_verb(v, argv + first + after, argc - first - after);
}
