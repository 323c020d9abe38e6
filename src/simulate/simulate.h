/* ipn-simulate: one function per verb. Each returns an exit code (base/exit.h). */
#ifndef IPND_SIMULATE_SIMULATE_H
#define IPND_SIMULATE_SIMULATE_H

#include <stdint.h>

#include "base/options.h"

#define SIMULATE_PROGRAM "ipn-simulate"

struct verb {
	const char *name;
	const char *operand; /* NULL: takes none */
	const char *help;
	/* argv[0] is the verb; `config` is the -c before it, or NULL. */
	int (*run)(const struct verb *v, const char *config, int argc, char **argv);
};

int simulate_init(const struct verb *v, const char *config, int argc, char **argv);
int simulate_load(const struct verb *v, const char *config, int argc, char **argv);
int simulate_list(const struct verb *v, const char *config, int argc, char **argv);
int simulate_play(const struct verb *v, const char *config, int argc, char **argv);

/*
 * Parses the verb's own options and its operand. `help` is the value of the --help row: when given, the help goes to
 * stdout. Returns -1 to go on, else the exit code.
 */
int verb_parse(const struct verb *v, const struct option_row *rows, const char *const *help,
	       int argc, char **argv, const char **ret_operand);

/* The value of an option that is a number; false after a line that says which numbers are taken. */
bool verb_number(const char *option, const char *s, uint64_t min, uint64_t max, uint64_t *ret);

#endif
