#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Ours is this file for every entry, which tells nobody anything. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/text.h"

/* A longer line is cut. LINE_MAX, which sd_journal_print(3) keeps to as well. */
#define LOG_LINE_SIZE 2048

/* Where sd_journal_sendv(3) sends: without it, such as in a root folder of one's own, it says nothing and drops the entry. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Ids and names are far below that. */
#define VALUE_SIZE 200
#define FIELD_SIZE (LOG_NAME_MAX + 1 + VALUE_SIZE)

/* Beside those of the caller: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER. */
#define FIELDS_OWN 3

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
	to_journal = stderr_is_journal() && access(JOURNAL_SOCKET, W_OK) == 0;
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

static void write_person(const char *text)
{
	char line[LOG_LINE_SIZE];
	int n = snprintf(line, sizeof(line), "%.64s: ", log_program());

	if (n < 0)
		return;
	text_escape_line(text_of(text), line + n, sizeof(line) - (size_t)n - 1);
	n += (int)strlen(line + n);
	line[n++] = '\n';
	write_all(line, (size_t)n);
}

/* `size` includes "NAME=" and the end. */
static struct iovec field(char *ret, size_t size, const char *field_name, const char *value)
{
	size_t n = (size_t)snprintf(ret, size, "%s=", field_name);

	text_escape_line(text_of(value), ret + n, size - n);
	return (struct iovec){ret, n + strlen(ret + n)};
}

static int write_journal(int priority, const struct log_field *fields, size_t n, const char *text)
{
	char message[LOG_LINE_SIZE], own[FIELDS_OWN - 1][FIELD_SIZE],
		others[LOG_FIELDS_MAX][FIELD_SIZE];
	const char digit[] = {(char)('0' + LOG_PRI(priority)), 0};
	struct iovec v[FIELDS_OWN + LOG_FIELDS_MAX] = {
		field(message, sizeof(message), "MESSAGE", text),
		field(own[0], sizeof(own[0]), "PRIORITY", digit),
		field(own[1], sizeof(own[1]), "SYSLOG_IDENTIFIER", log_program()),
	};
	int n_v = FIELDS_OWN;

	assert(n <= LOG_FIELDS_MAX);
	for (size_t i = 0; i < n; i++)
		if (fields[i].value && fields[i].value[0])
			v[n_v++] = field(others[i], sizeof(others[i]), fields[i].name,
					 fields[i].value);
	return sd_journal_sendv(v, n_v);
}

void log_write_fields(int priority, const struct log_field *fields, size_t n, const char *format,
		      va_list ap)
{
	/* Longer than what is shown, so that a cut is seen as one. */
	char text[LOG_LINE_SIZE + 1];
	int saved = errno;

	/* What the journal does not take is said on stderr, which it reads as well. */
	if (LOG_PRI(priority) <= highest && vsnprintf(text, sizeof(text), format, ap) >= 0 &&
	    (!to_journal || write_journal(priority, fields, n, text) < 0))
		write_person(text);
	errno = saved;
}

void log_write(int priority, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_write_fields(priority, NULL, 0, format, ap);
	va_end(ap);
}
