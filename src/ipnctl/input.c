#include "ipnctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"

#define OTHER_FILES                                                                                \
	64 /* that the program needs itself: the database, the configuration, certificates */

/* As many as may be. Only select(2) minds numbers above 1024, and nothing here uses it. */
static bool allow_files(size_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= n + OTHER_FILES)
		return true;
	if (limit.rlim_max < n + OTHER_FILES)
		return false;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static void open_input(struct input *in, const char *name)
{
	*in = (struct input){.name = name};
	if (strcmp(name, "-") == 0)
		in->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		in->fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (in->fd < 0)
		in->error = errno;
}

enum exit_code inputs_open(char **names, size_t n, struct inputs *ret)
{
	if (!allow_files(n)) {
		log_error("%zu files are more than may be open at once (ulimit -n); give fewer, or "
			  "one file with a message on each line, and --lines",
			  n);
		return EXIT_USAGE;
	}
	ret->at = output_need(calloc(n, sizeof(*ret->at)));
	ret->n = n;
	for (size_t i = 0; i < n; i++)
		open_input(&ret->at[i], names[i]);
	return EXIT_DONE;
}

void inputs_done(struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++)
		closep(&in->at[i].fd);
	free(in->at);
}

enum exit_code input_failed(const char *name, int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
		log_error("%s: cannot be read: %s", name, strerror(error));
		return EXIT_NO_INPUT;
	case EACCES:
	case EPERM:
		log_error("%s: cannot be read: %s; run this as somebody who may", name,
			  strerror(error));
		return EXIT_NO_PERMISSION;
	default:
		log_error("%s: cannot be read: %s", name, strerror(error));
		return EXIT_IO;
	}
}

int reader_open(struct input *in, bool lines, struct reader *ret)
{
	FILE *f = fdopen(in->fd, "r");

	if (!f)
		return -errno;
	in->fd = -1;
	*ret = (struct reader){
		.name = in->name,
		.f = f,
		.buffer = output_need(malloc(INPUT_MESSAGE_MAX + 1)),
		.lines = lines,
	};
	return 0;
}

void reader_done(struct reader *r)
{
	if (r->f)
		fclose(r->f);
	free(r->buffer);
}

/* Up to the end of the line or file; what does not fit is left out. False at the end of the file. */
static bool read_line(struct reader *r, size_t *ret_len)
{
	size_t len = 0;
	int c;

	while ((c = getc_unlocked(r->f)) != EOF && c != '\n')
		if (len <= INPUT_MESSAGE_MAX)
			r->buffer[len++] = (char)c;
	*ret_len = len;
	return c != EOF;
}

static bool is_blank(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r", s[i]) || !s[i])
			return false;
	return true;
}

int reader_next(struct reader *r, struct text *ret)
{
	size_t len = 0;

	if (r->ended)
		return 0;
	errno = 0;
	if (r->lines) {
		do {
			r->ended = !read_line(r, &len);
			r->line++;
		} while (!r->ended && is_blank(r->buffer, len));
	} else {
		len = fread(r->buffer, 1, INPUT_MESSAGE_MAX + 1, r->f);
		r->ended = true;
	}
	if (ferror(r->f)) {
		r->ended = true;
		return errno ? -errno : -EIO;
	}
	if (r->lines && is_blank(r->buffer, len))
		return 0;
	*ret = (struct text){r->buffer, len};
	return 1;
}
