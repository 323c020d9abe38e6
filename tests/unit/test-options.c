#include "base/options.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/log.h"
#include "unit.h"

#define ROWS(a)   ((int)(sizeof(a) / sizeof((a)[0])))
#define WORDS_MAX 8

static const char *config, *limit, *json, *help;

static const struct option_row rows[] = {
	{'c', "config", "FILE", "read the configuration from FILE", &config},
	{0, "limit", "N", "at most N rows", &limit},
	{'j', "json", NULL, "for programs", &json},
	{'h', "help", NULL, "this text", &help},
	{0},
};

struct parse_row {
	const char *argv[WORDS_MAX]; /* behind the program's name */
	bool stop;
	const char *config, *limit, *json; /* as expected */
	int first;
	const char *operands; /* joined by spaces */
};

static const struct parse_row good[] = {
	{{NULL}, false, NULL, NULL, NULL, 1, ""},
	{{"-c", "F"}, false, "F", NULL, NULL, 3, ""},
	{{"-cF"}, false, "F", NULL, NULL, 2, ""},
	{{"--config", "F"}, false, "F", NULL, NULL, 3, ""},
	{{"--config=F"}, false, "F", NULL, NULL, 2, ""},
	{{"--config="}, false, "", NULL, NULL, 2, ""},
	{{"--config", "--json"}, false, "--json", NULL, NULL, 3, ""},
	{{"--limit=5", "--json"}, false, NULL, "5", "", 3, ""},
	{{"-jc", "F"}, false, "F", NULL, "", 3, ""},
	{{"-j", "-j", "--json"}, false, NULL, NULL, "", 4, ""},
	/* operands go to the end, in their order */
	{{"a", "-j", "b", "-c", "F", "d"}, false, "F", NULL, "", 4, "a b d"},
	{{"a", "--", "-j"}, false, NULL, NULL, NULL, 2, "a -j"},
	{{"--", "--json", "x"}, false, NULL, NULL, NULL, 2, "--json x"},
	{{"-"}, false, NULL, NULL, NULL, 1, "-"},
	{{""}, false, NULL, NULL, NULL, 1, ""},
	/* a verb ends the options */
	{{"-c", "F", "list", "-j", "x"}, true, "F", NULL, NULL, 3, "list -j x"},
	{{"list", "-c", "F"}, true, NULL, NULL, NULL, 1, "list -c F"},
	{{"-j", "--", "list"}, true, NULL, NULL, "", 3, "list"},
};

static int fill(char **argv, const char *const *words)
{
	static char program[] = "unit";
	int argc = 1;

	argv[0] = program;
	for (int i = 0; i < WORDS_MAX && words[i]; i++) {
		argv[argc] = strdup(words[i]);
		ck_assert_ptr_nonnull(argv[argc++]);
	}
	argv[argc] = NULL;
	return argc;
}

static void empty(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		free(argv[i]);
}

static void check_value(const char *got, const char *expected)
{
	if (expected)
		ck_assert_pstr_eq(got, expected);
	else
		ck_assert_ptr_null(got);
}

START_TEST(test_good)
{
	const struct parse_row *row = &good[_i];
	char *argv[WORDS_MAX + 2], operands[64] = "";
	int argc = fill(argv, row->argv), first = options_parse(rows, argc, argv, row->stop);
	size_t len = 0;

	ck_assert_int_eq(first, row->first);
	check_value(config, row->config);
	check_value(limit, row->limit);
	check_value(json, row->json);
	check_value(help, NULL);
	for (int i = first; i < argc; i++)
		len += (size_t)snprintf(operands + len, sizeof(operands) - len, "%s%s",
					i > first ? " " : "", argv[i]);
	ck_assert_str_eq(operands, row->operands);
	empty(argc, argv);
}
END_TEST

static const struct {
	const char *argv[WORDS_MAX];
	const char *complaint;
} bad[] = {
	{{"-x"}, "unit: -x: unknown option; see --help\n"},
	{{"-jx"}, "unit: -x: unknown option; see --help\n"},
	{{"--nonsense"}, "unit: --nonsense: unknown option; see --help\n"},
	{{"a", "--nonsense=5", "b"}, "unit: --nonsense=5: unknown option; see --help\n"},
	{{"-c"}, "unit: --config: needs an argument; see --help\n"},
	{{"-j", "--limit"}, "unit: --limit: needs an argument; see --help\n"},
	{{"--json=yes"}, "unit: --json: takes no argument; see --help\n"},
	{{"-c", "F", "--config", "G"}, "unit: --config: given twice; see --help\n"},
	{{"-cF", "-cF"}, "unit: --config: given twice; see --help\n"},
	{{"--limit=", "--limit=5"}, "unit: --limit: given twice; see --help\n"},
	{{"--a\x1B[31m\n"}, "unit: --a\\x1B[31m\\x0A: unknown option; see --help\n"},
};

/* Runs with stderr in a file and returns what was written there. */
static char *parse_quietly(int argc, char **argv, int *ret)
{
	int saved = dup(STDERR_FILENO), fd = memfd_create("stderr", MFD_CLOEXEC);
	char *s = calloc(1, 512);

	ck_assert(saved >= 0 && fd >= 0 && s);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	*ret = options_parse(rows, argc, argv, false);
	fflush(stderr);
	ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_ge(pread(fd, s, 511, 0), 0);
	close(saved);
	close(fd);
	return s;
}

START_TEST(test_bad)
{
	char *argv[WORDS_MAX + 2];
	int argc = fill(argv, bad[_i].argv), r;
	CLEANUP(freep) char *complaint = NULL;

	log_open("unit", LOG_INFO);
	complaint = parse_quietly(argc, argv, &r);
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_str_eq(complaint, bad[_i].complaint);
	/* nothing is half done */
	ck_assert_ptr_null(config);
	ck_assert_ptr_null(limit);
	ck_assert_ptr_null(json);
	empty(argc, argv);
}
END_TEST

/* The program's table, then the verb's on what is left. */
START_TEST(test_verb)
{
	static const char *state;
	static const struct option_row verb_rows[] = {
		{'s', "state", "STATE", "only these", &state},
		{'c', "count", NULL, "another c", &help},
		{0},
	};
	static const char *const words[WORDS_MAX] = {"-c", "F",       "list", "x",
						     "-c", "--state", "Open"};
	char *argv[WORDS_MAX + 2];
	int argc = fill(argv, words), verb, operand;

	verb = options_parse(rows, argc, argv, true);
	ck_assert_int_eq(verb, 3);
	ck_assert_str_eq(argv[verb], "list");
	operand = options_parse(verb_rows, argc - verb, argv + verb, false);
	ck_assert_int_eq(operand, 4);
	ck_assert_str_eq(argv[verb + operand], "x");
	ck_assert_str_eq(config, "F");
	ck_assert_str_eq(state, "Open");
	ck_assert_str_eq(help, "");
	empty(argc, argv);
}
END_TEST

/* A default set before stays when the option is not given, and gives way when it is. */
START_TEST(test_default)
{
	static const char *const words[WORDS_MAX] = {"--limit", "5"};
	char *argv[WORDS_MAX + 2];
	int argc = fill(argv, words);

	config = "default";
	limit = "100";
	ck_assert_int_eq(options_parse(rows, argc, argv, false), 3);
	ck_assert_str_eq(config, "default");
	ck_assert_str_eq(limit, "5");
	empty(argc, argv);
}
END_TEST

START_TEST(test_print)
{
	CLEANUP(freep) char *s = NULL;
	size_t len;
	FILE *f = open_memstream(&s, &len);

	ck_assert_ptr_nonnull(f);
	options_print(rows, f);
	fclose(f);
	ck_assert_str_eq(s, "  -c, --config FILE  read the configuration from FILE\n"
			    "      --limit N      at most N rows\n"
			    "  -j, --json         for programs\n"
			    "  -h, --help         this text\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *c = unit_case(suite, "options");

	tcase_add_loop_test(c, test_good, 0, ROWS(good));
	tcase_add_loop_test(c, test_bad, 0, ROWS(bad));
	tcase_add_test(c, test_verb);
	tcase_add_test(c, test_default);
	tcase_add_test(c, test_print);
	return unit_main(suite);
}
