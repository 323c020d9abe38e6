#include "ipnctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"

/* Only poll(2)'s elders mind numbers above 1024, and nothing here uses them. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* else open() says that they are too many */
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

void inputs_open(char **names, size_t n, struct inputs *ret)
{
	if (n > 100)
		allow_many_files();
	ret->at = output_need(calloc(n, sizeof(*ret->at)));
	ret->n = n;
	for (size_t i = 0; i < n; i++)
		open_input(&ret->at[i], names[i]);
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
	case EMFILE:
	case ENFILE:
		log_error(
			"%s: too many files at once; give fewer, or one file with a message on each line, and --lines",
			name);
		return EXIT_USAGE;
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
