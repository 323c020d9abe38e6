/* Files with messages that were saved elsewhere. */
#ifndef IPND_IPNCTL_INPUT_H
#define IPND_IPNCTL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/text.h"
#include "ipnctl/ipnctl.h"

/* What the receiver reads of a body at most, to answer it early (interface.md, "HTTP answers"). */
#define INPUT_MESSAGE_MAX (1024 * 1024)

/* One file. */
struct input {
	const char *name; /* "-": stdin */
	int fd;           /* -1: could not be opened */
	int error;        /* then: errno */
};

struct inputs {
	struct input *at;
	size_t n;
};

/*
 * Opens all of them, for a process that may have no right to later on: who may read is who asked. What cannot be opened is for
 * input_failed() when its turn comes. More than a process may have open: reported.
 */
enum exit_code inputs_open(char **names, size_t n, struct inputs *ret);
void inputs_done(struct inputs *in);

/* Says that it cannot be read; the code to end with. */
enum exit_code input_failed(const char *name, int error);

/* Takes a file apart: one message, or one on each line. */
struct reader {
	const char *name;
	FILE *f;
	char *buffer;
	bool lines;
	size_t line; /* of the last message, from 1 */
	bool ended;
};

/* Takes the input's fd. 0 or negative errno. */
int reader_open(struct input *in, bool lines, struct reader *ret);
void reader_done(struct reader *r);

/*
 * 1 and the next message, borrowed until the next call: of one that is larger than INPUT_MESSAGE_MAX its beginning, a byte more than
 * that. 0: there is no more. Negative errno. Empty lines are no messages; an empty file is an empty one.
 */
int reader_next(struct reader *r, struct text *ret);

#endif
