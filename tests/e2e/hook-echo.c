/*
 * A hook that tells exactly what it was started with: hook-echo FOLDER [ANYTHING...]. Writes records, each a line "NAME LENGTH",
 * so many bytes and a line end: `argument` and `variable` in their order, `fd` for each open descriptor, `status` (the
 * kernel's words on signals), `ids` (process, group, session), `flags` of stdin and stdout, `folder`, `stdin`. The file
 * in FOLDER is named by IPN_EVENT_ID, and appears whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FDS_MAX 4096

extern char **environ;

static void record(FILE *out, const char *name, const char *bytes, size_t len)
{
	fprintf(out, "%s %zu\n", name, len);
	fwrite(bytes, 1, len, out);
	fputc('\n', out);
}

static void record_number(FILE *out, const char *name, long number)
{
	char s[32];
	int n = snprintf(s, sizeof(s), "%ld", number);

	record(out, name, s, (size_t)n);
}

/* NULL: it cannot be read. */
static char *read_whole(FILE *in, size_t *ret_len)
{
	CLEANUP(freep) char *bytes = NULL;
	size_t len = 0, size = 4096;

	for (;;) {
		char *more = realloc(bytes, size);

		if (!more)
			return NULL;
		bytes = more;
		len += fread(bytes + len, 1, size - len, in);
		if (len < size)
			break;
		size *= 2;
	}
	if (ferror(in))
		return NULL;
	*ret_len = len;
	return TAKE(bytes);
}

static int record_file(FILE *out, const char *name, FILE *in)
{
	CLEANUP(freep) char *bytes = NULL;
	size_t len = 0;

	bytes = in ? read_whole(in, &len) : NULL;
	if (!bytes)
		return -EIO;
	record(out, name, bytes, len);
	return 0;
}

/* The descriptors that we were given: `open` was looked at before the first of our own. */
static void record_start(FILE *out, char **argv, const bool *open)
{
	CLEANUP(freep) char *folder = getcwd(NULL, 0);

	for (char **a = argv; *a; a++)
		record(out, "argument", *a, strlen(*a));
	for (char **v = environ; *v; v++)
		record(out, "variable", *v, strlen(*v));
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (open[fd])
			record_number(out, "fd", fd);
	record_number(out, "ids", getpid());
	record_number(out, "ids", getpgrp());
	record_number(out, "ids", getsid(0));
	record_number(out, "flags", fcntl(STDIN_FILENO, F_GETFL));
	record_number(out, "flags", fcntl(STDOUT_FILENO, F_GETFL));
	record(out, "folder", folder ? folder : "?", folder ? strlen(folder) : 1);
}

static int report(const char *path, char **argv, const bool *open)
{
	CLEANUP(fclosep) FILE *out = fopen(path, "we");
	CLEANUP(fclosep) FILE *status = fopen("/proc/self/status", "re");
	int r;

	if (!out)
		return -errno;
	record_start(out, argv, open);
	r = record_file(out, "status", status);
	if (r == 0)
		r = record_file(out, "stdin", stdin);
	if (r == 0 && (fflush(out) == EOF || ferror(out)))
		r = -EIO;
	return r;
}

int main(int argc, char **argv)
{
	static bool open[FDS_MAX];
	const char *event = getenv("IPN_EVENT_ID");
	char path[2 * PATH_MAX + 2], unfinished[sizeof(path) + 16];
	int r;

	for (int fd = 0; fd < FDS_MAX; fd++)
		open[fd] = fcntl(fd, F_GETFD) >= 0;
	if (argc < 2 || !event || strchr(event, '/') ||
	    strlen(argv[1]) + strlen(event) > PATH_MAX) {
		fputs("usage: hook-echo FOLDER [ANYTHING...], with IPN_EVENT_ID set\n", stderr);
		return 64;
	}
	snprintf(path, sizeof(path), "%s/%s", argv[1], event);
	snprintf(unfinished, sizeof(unfinished), "%s.new", path);
	r = report(unfinished, argv, open);
	if (r == 0 && rename(unfinished, path) < 0)
		r = -errno;
	if (r < 0)
		fprintf(stderr, "hook-echo: %s: %s\n", unfinished, strerror(-r));
	return r < 0;
}
