#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

/* A longer line is cut. LINE_MAX, which sd_journal_print(3) keeps to as well. */
#define LOG_LINE_SIZE 2048

/*
 * Entries go there by systemd's native protocol ("NAME=value" and a line end for each field), and not by sd_journal_sendv(3):
 * that waits for as long as the journal does not read, and with it would everybody who has sent us something.
 */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* How long a line waits for a journal that is behind. */
#define JOURNAL_PATIENCE_USEC 100000

/* Ids and names are far below that. */
#define VALUE_SIZE 200
#define FIELD_SIZE (LOG_NAME_MAX + 1 + VALUE_SIZE)

/* Beside those of the caller: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER. */
#define FIELDS_OWN 3

static const char *name;
static int highest = LOG_INFO;
static int journal = -1; /* the socket */
static bool to_journal;
static uintmax_t lost; /* lines that the journal did not take, in a row */

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

static bool open_journal(void)
{
	const struct timeval patience = {.tv_usec = JOURNAL_PATIENCE_USEC};

	if (journal < 0)
		journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return journal >= 0 &&
	       setsockopt(journal, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0;
}

void log_open(const char *program, int max_priority)
{
	int saved = errno;

	name = program;
	highest = max_priority;
	to_journal = stderr_is_journal() && access(JOURNAL_SOCKET, W_OK) == 0 && open_journal();
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

/* `size` includes "NAME=", the line end and the end. */
static struct iovec field(char *ret, size_t size, const char *field_name, const char *value)
{
	size_t n = (size_t)snprintf(ret, size, "%s=", field_name);

	text_escape_line(text_of(value), ret + n, size - n - 1);
	n += strlen(ret + n);
	ret[n++] = '\n';
	return (struct iovec){ret, n};
}

static int send_entry(int priority, const struct log_field *fields, size_t n, const char *text,
		      int flags)
{
	char message[LOG_LINE_SIZE], own[FIELDS_OWN - 1][FIELD_SIZE],
		others[LOG_FIELDS_MAX][FIELD_SIZE];
	const char digit[] = {(char)('0' + LOG_PRI(priority)), 0};
	struct iovec v[FIELDS_OWN + LOG_FIELDS_MAX] = {
		field(message, sizeof(message), "MESSAGE", text),
		field(own[0], sizeof(own[0]), "PRIORITY", digit),
		field(own[1], sizeof(own[1]), "SYSLOG_IDENTIFIER", log_program()),
	};
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	struct msghdr entry = {.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = v};

	assert(n <= LOG_FIELDS_MAX);
	entry.msg_iovlen = FIELDS_OWN;
	for (size_t i = 0; i < n; i++)
		if (fields[i].value && fields[i].value[0])
			v[entry.msg_iovlen++] = field(others[i], sizeof(others[i]), fields[i].name,
						      fields[i].value);
	return sendmsg(journal, &entry, flags | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/*
 * One line waits for a journal that hangs, and those after it are lost, until it reads again: then it is told how many. False: there
 * is no journal any more.
 */
static bool write_journal(int priority, const struct log_field *fields, size_t n, const char *text)
{
	char sum[96];
	int r = 0;

	if (lost > 0) {
		snprintf(sum, sizeof(sum), "%ju lines are lost: the journal did not take them",
			 lost);
		r = send_entry(LOG_WARNING, NULL, 0, sum, MSG_DONTWAIT);
		if (r == 0)
			lost = 0;
	}
	if (r == 0)
		r = send_entry(priority, fields, n, text, 0);
	if (r == -EAGAIN)
		lost++;
	return r == 0 || r == -EAGAIN;
}

void log_write_fields(int priority, const struct log_field *fields, size_t n, const char *format,
		      va_list ap)
{
	/* Longer than what is shown, so that a cut is seen as one. */
	char text[LOG_LINE_SIZE + 1];
	int saved = errno;

	/* The journal reads stderr as well. */
	if (LOG_PRI(priority) <= highest && vsnprintf(text, sizeof(text), format, ap) >= 0 &&
	    (!to_journal || !write_journal(priority, fields, n, text)))
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
