#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* A longer line is cut. LINE_MAX, which sd_journal_print(3) keeps to as well. */
#define LOG_LINE_SIZE 2048

static const char *name;
static int highest = LOG_INFO;
static bool to_journal;

/*
 * $JOURNAL_STREAM holds device and inode of the stream that systemd connected; it is inherited, so only the
 * comparison shows that stderr still is that stream (systemd.exec(5)).
 */
static bool stderr_is_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;
	char *end;

	if (!s || *s < '0' || *s > '9')
		return false;
	errno = 0;
	device = strtoumax(s, &end, 10);
	if (errno || *end != ':' || end[1] < '0' || end[1] > '9')
		return false;
	inode = strtoumax(end + 1, &end, 10);
	if (errno || *end)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *program, int max_priority)
{
	int saved = errno;

	name = program;
	highest = max_priority;
	to_journal = stderr_is_journal();
	errno = saved;
}

const char *log_program(void)
{
	return name ? name : program_invocation_short_name;
}

/* A log that cannot be written has nobody to be told. */
static void write_all(const char *s, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		s += n;
		len -= (size_t)n;
	}
}

/* Returns the length, 0 when the text cannot be formatted. */
static size_t format_line(char ret[static LOG_LINE_SIZE], int priority, const char *text)
{
	int n;

	if (to_journal)
		n = snprintf(ret, LOG_LINE_SIZE, "<%d>", LOG_PRI(priority));
	else
		n = snprintf(ret, LOG_LINE_SIZE, "%.64s: ", log_program());
	if (n < 0)
		return 0;
	text_escape_line(text_of(text), ret + n, LOG_LINE_SIZE - (size_t)n - 1);
	n += (int)strlen(ret + n);
	ret[n++] = '\n';
	return (size_t)n;
}

void log_write(int priority, const char *format, ...)
{
	/* Longer than what is shown, so that a cut is seen as one. */
	char text[LOG_LINE_SIZE + 1], line[LOG_LINE_SIZE];
	int saved = errno, n;
	va_list ap;

	if (LOG_PRI(priority) > highest)
		return;
	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n >= 0)
		write_all(line, format_line(line, priority, text));
	errno = saved;
}
