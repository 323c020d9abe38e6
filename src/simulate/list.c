#include "simulate/simulate.h"

#include "base/exit.h"

#include "simulate/scenarios.h"

int simulate_list(const struct verb *v, const char *config, int argc, char **argv)
{
	const char *help = NULL;
	const struct option_row rows[] = {
		{'h', "help", NULL, "show this and exit", &help},
		{0},
	};
	const struct scenario *s;
	int r = verb_parse(v, rows, &help, argc, argv, NULL);

	(void)config;
	if (r >= 0)
		return r;
	for (size_t i = 0; (s = scenario_at(i)); i++)
		printf("%-20s  %s\n", s->name, s->help);
	return EXIT_DONE;
}
