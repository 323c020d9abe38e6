/* Exit codes: sysexits(3), as interface.md fixes them. */
#ifndef IPND_BASE_EXIT_H
#define IPND_BASE_EXIT_H

enum exit_code {
	EXIT_DONE = 0,
	EXIT_NOTHING = 1, /* looked, found nothing */
	EXIT_USAGE = 64,
	EXIT_BAD_DATA = 65,
	EXIT_NO_INPUT = 66,
	EXIT_NOT_AVAILABLE = 69, /* daemon or database absent */
	EXIT_OUR_BUG = 70,
	EXIT_IO = 74,
	EXIT_TRY_AGAIN = 75,
	EXIT_NO_PERMISSION = 77,
	EXIT_BAD_CONFIG = 78,
};

/* The code that fits a negative errno; EXIT_DONE for 0. */
int exit_code_of(int error);

/* `code`, when what was printed to stdout is out; else EXIT_IO, and stderr says why. */
int exit_printed(int code);

#endif
