#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/exit.h"
#include "unit.h"

#define ROWS(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define LOG_MAX 8192

static int real_stderr = -1, capture = -1;

/* What the journal got last, and the answer that it gives instead when there is an error. */
static char entry[LOG_MAX];
static int journal_error;
static bool journal_hangs;

/* In place of the C library's, for log.c: the journal's socket is one of ours, which nobody reads while the journal hangs. */
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	static int ours = -1;
	static const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "\0test-log"};
	size_t used = 0;
	ssize_t n;

	for (size_t i = 0; i < m->msg_iovlen; i++) {
		memcpy(entry + used, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
		used += m->msg_iov[i].iov_len;
	}
	entry[used] = 0;
	ck_assert_str_eq(((const struct sockaddr_un *)m->msg_name)->sun_path,
			 "/run/systemd/journal/socket");
	if (journal_error) {
		errno = -journal_error;
		return -1;
	}
	if (ours < 0) {
		ours = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(bind(ours, (const struct sockaddr *)&to, sizeof(to)), 0);
	}
	n = sendto(fd, entry, used, flags, (const struct sockaddr *)&to, sizeof(to));
	while (!journal_hangs && recv(ours, entry, sizeof(entry) - 1, MSG_DONTWAIT) > 0)
		continue;
	return n;
}

/* In place of the C library's, for log.c: where tests run, the journal may not be there. */
static bool socket_is_there = true;

int access(const char *path, int mode)
{
	ck_assert_str_eq(path, "/run/systemd/journal/socket");
	ck_assert_int_eq(mode, W_OK);
	return socket_is_there ? 0 : -1;
}

__attribute__((format(printf, 4, 5))) static void write_fields(int priority,
							       const struct log_field *fields,
							       size_t n, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_write_fields(priority, fields, n, format, ap);
	va_end(ap);
}

/* The tests run in processes of their own, so nothing is undone. */
static void capture_stderr(void)
{
	real_stderr = dup(STDERR_FILENO);
	capture = memfd_create("stderr", MFD_CLOEXEC);
	ck_assert(real_stderr >= 0 && capture >= 0);
	ck_assert_int_eq(dup2(capture, STDERR_FILENO), STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
}

/* What was written since the last call. */
static const char *captured(void)
{
	static char s[LOG_MAX];
	ssize_t n = pread(capture, s, sizeof(s) - 1, 0);

	ck_assert_int_ge(n, 0);
	s[n] = 0;
	ck_assert_int_eq(ftruncate(capture, 0), 0);
	ck_assert_int_eq(lseek(capture, 0, SEEK_SET), 0);
	return s;
}

START_TEST(test_person)
{
	capture_stderr();
	ck_assert_str_ne(log_program(), "");
	log_open("ipnd", LOG_INFO);
	ck_assert_str_eq(log_program(), "ipnd");
	log_error("%s is %d", "x", 5);
	ck_assert_str_eq(captured(), "ipnd: x is 5\n");
	log_info("%s", "");
	ck_assert_str_eq(captured(), "ipnd: \n");
}
END_TEST

START_TEST(test_priorities)
{
	capture_stderr();
	log_open("p", LOG_INFO);
	log_error("1");
	log_warning("2");
	log_notice("3");
	log_info("4");
	log_debug("5");
	ck_assert_str_eq(captured(), "p: 1\np: 2\np: 3\np: 4\n");
	log_open("p", LOG_DEBUG);
	log_debug("5");
	ck_assert_str_eq(captured(), "p: 5\n");
	log_open("p", LOG_ERR);
	log_warning("2");
	ck_assert_str_eq(captured(), "");
	log_error("1");
	ck_assert_str_eq(captured(), "p: 1\n");
}
END_TEST

/* A forged line, a terminal's escape sequence: one line comes out; what is escaped already stays as it is. */
START_TEST(test_escapes)
{
	capture_stderr();
	log_open("p", LOG_INFO);
	log_info("a\n<0>forged\r\x1B[31m \xC2\x9B \xE6\x97\xA5 \\x0A \xFF");
	ck_assert_str_eq(captured(),
			 "p: a\\x0A<0>forged\\x0D\\x1B[31m \\xC2\\x9B \xE6\x97\xA5 \\x0A \\xFF\n");
}
END_TEST

START_TEST(test_errno)
{
	capture_stderr();
	log_open("p", LOG_INFO);
	errno = ENOENT;
	log_error("file: %m");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(captured(), "p: file: No such file or directory\n");

	/* also when nobody can read it */
	signal(SIGPIPE, SIG_IGN);
	close(STDERR_FILENO);
	errno = EIO;
	log_error("lost");
	ck_assert_int_eq(errno, EIO);
	log_open("p", LOG_INFO);
	ck_assert_int_eq(errno, EIO);
	dup2(real_stderr, STDERR_FILENO);
}
END_TEST

START_TEST(test_long_line)
{
	CLEANUP(freep) char *s = malloc(5001);
	const char *line;

	memset(s, 'y', 5000);
	s[5000] = 0;
	capture_stderr();
	log_open("p", LOG_INFO);
	log_info("%s", s);
	line = captured();
	ck_assert_uint_eq(strlen(line), 2047);
	ck_assert_str_eq(line + 2047 - 5, "y...\n");
	ck_assert_uint_eq(strspn(line + 3, "y"), 2047 - 3 - 4);

	/* all of a line that fits, and not one byte less when it does not */
	s[2047 - 3 - 1] = 0;
	log_info("%s", s);
	line = captured();
	ck_assert_uint_eq(strlen(line), 2047);
	ck_assert_uint_eq(strspn(line + 3, "y"), 2047 - 3 - 1);

	/* no character is cut in two */
	for (size_t i = 0; i + 3 < 5000; i += 3)
		memcpy(s + i, "\xE6\x97\xA5", 3);
	s[4998] = 0;
	log_info("%s", s);
	line = captured();
	ck_assert_uint_eq((strlen(line) - 3 - 4) % 3, 0);
	ck_assert_ptr_null(strchr(line, '\\'));

	/* nor an escape */
	memset(s, '\n', 4998);
	log_info("%s", s);
	line = captured();
	ck_assert_uint_eq((strlen(line) - 3 - 4) % 4, 0);

	/* a program's name, which comes from outside, leaves room */
	memset(s, 'n', 4998);
	log_open(s, LOG_INFO);
	log_info("text");
	line = captured();
	ck_assert_uint_eq(strspn(line, "n"), 64);
	ck_assert_str_eq(line + 64, ": text\n");
}
END_TEST

/* Says that stderr is the journal, in the form that `format` gives to its device and inode. */
static void set_stream(const char *format, int device_delta, int inode_delta)
{
	struct stat st;
	char s[96];

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(s, sizeof(s), "%ju:%ju%s", (uintmax_t)st.st_dev + (uintmax_t)device_delta,
		 (uintmax_t)st.st_ino + (uintmax_t)inode_delta, format);
	setenv("JOURNAL_STREAM", s, 1);
	log_open("p", LOG_DEBUG);
}

START_TEST(test_journal)
{
	capture_stderr();
	set_stream("", 0, 0);
	log_error("e");
	ck_assert_str_eq(entry, "MESSAGE=e\nPRIORITY=3\nSYSLOG_IDENTIFIER=p\n");
	log_debug("d\nIPND_HTTP=200");
	ck_assert_str_eq(entry, "MESSAGE=d\\x0AIPND_HTTP=200\nPRIORITY=7\nSYSLOG_IDENTIFIER=p\n");
	log_open("p", LOG_INFO);
	log_debug("not so much");
	ck_assert_ptr_null(strstr(entry, "not so much"));
	ck_assert_str_eq(captured(), "");

	/* what the journal does not take */
	journal_error = -ENOBUFS;
	errno = ENOENT;
	log_error("full: %m");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(captured(), "p: full: No such file or directory\n");
	journal_error = 0;
	socket_is_there = false;
	log_open("p", LOG_INFO);
	log_error("absent");
	ck_assert_str_eq(captured(), "p: absent\n");
}
END_TEST

static int64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whoever logs waits once, and goes on; what was lost is counted. */
START_TEST(test_journal_hangs)
{
	int64_t began_ms;

	capture_stderr();
	set_stream("", 0, 0);
	journal_hangs = true;
	began_ms = monotonic_ms();
	for (int i = 0; i < 20000; i++)
		log_info("line %d", i);
	ck_assert_int_ge(monotonic_ms() - began_ms, 90);
	ck_assert_int_lt(monotonic_ms() - began_ms, 10000);
	ck_assert_str_eq(captured(), "");
	ck_assert_ptr_nonnull(strstr(entry, " lines are lost: the journal did not take them\n"));

	journal_hangs = false;
	log_info("not yet"); /* no place, but the journal reads then */
	log_info("again");
	ck_assert_str_eq(entry, "MESSAGE=again\nPRIORITY=6\nSYSLOG_IDENTIFIER=p\n");
	ck_assert_str_eq(captured(), "");

	/* gone for good meanwhile */
	journal_hangs = true;
	for (int i = 0; i < 20000; i++)
		log_info("line %d", i);
	journal_error = -ECONNREFUSED;
	log_info("gone");
	ck_assert_str_eq(captured(), "p: gone\n");
}
END_TEST

/* Each field is one of ours: nothing in a value ends it or begins another. */
START_TEST(test_fields)
{
	char many[300];
	const struct log_field fields[] = {
		{"MESSAGE_ID", "0123456789abcdef0123456789abcdef"},
		{"IPND_STATE", "Open\nPRIORITY=0\x1B[31m\x80"},
		{"IPND_HOOK", NULL},
		{"IPND_PEER", ""},
		{"IPND_OBJECT_ID", many},
	};
	const char *long_one;

	memset(many, 'y', sizeof(many) - 1);
	many[sizeof(many) - 1] = 0;
	capture_stderr();
	set_stream("", 0, 0);
	write_fields(LOG_NOTICE, fields, ROWS(fields), "%s", "text");
	long_one = strstr(entry, "IPND_OBJECT_ID=");
	ck_assert_ptr_nonnull(long_one);
	ck_assert_uint_le(strlen(long_one), 240);
	ck_assert_str_eq(long_one + strlen(long_one) - 5, "y...\n");
	entry[long_one - entry] = 0;
	ck_assert_str_eq(entry, "MESSAGE=text\nPRIORITY=5\nSYSLOG_IDENTIFIER=p\n"
				"MESSAGE_ID=0123456789abcdef0123456789abcdef\n"
				"IPND_STATE=Open\\x0APRIORITY=0\\x1B[31m\\x80\n");

	/* a person sees the text alone */
	unsetenv("JOURNAL_STREAM");
	log_open("p", LOG_INFO);
	write_fields(LOG_NOTICE, fields, ROWS(fields), "%s", "text");
	ck_assert_str_eq(captured(), "p: text\n");
}
END_TEST

/* The variable is inherited by whoever redirects stderr elsewhere: only the comparison counts. */
START_TEST(test_not_journal)
{
	static const char *const streams[] = {"",
					      ":",
					      "1",
					      "1:",
					      ":1",
					      "x:y",
					      "-1:-1",
					      " 1: 1",
					      "1:1 ",
					      "0:0",
					      "99999999999999999999999:99999999999999999999999"};

	capture_stderr();
	set_stream("", 1, 0);
	log_info("x");
	ck_assert_str_eq(captured(), "p: x\n");
	set_stream("", 0, 1);
	log_info("x");
	ck_assert_str_eq(captured(), "p: x\n");
	set_stream(" ", 0, 0);
	log_info("x");
	ck_assert_str_eq(captured(), "p: x\n");
	set_stream(":1", 0, 0);
	log_info("x");
	ck_assert_str_eq(captured(), "p: x\n");
	for (int i = 0; i < ROWS(streams); i++) {
		setenv("JOURNAL_STREAM", streams[i], 1);
		log_open("p", LOG_INFO);
		log_info("x");
		ck_assert_str_eq(captured(), "p: x\n");
	}
	/* right, but for the stream before stderr was closed */
	set_stream("", 0, 0);
	ck_assert_int_eq(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
	capture_stderr();
	log_open("p", LOG_INFO);
	log_info("x");
	ck_assert_str_eq(captured(), "p: x\n");
}
END_TEST

START_TEST(test_exit_code)
{
	static const struct {
		int error, code;
	} codes[] = {
		{0, 0},       {ENOENT, 66},  {EACCES, 77},       {EPERM, 77},        {EROFS, 77},
		{EBUSY, 75},  {EAGAIN, 75},  {ENOSPC, 74},       {EIO, 74},          {EUCLEAN, 65},
		{EINVAL, 65}, {ENOTSUP, 69}, {ENOMEM, 75},       {ECONNREFUSED, 70}, {ENOTDIR, 66},
		{EISDIR, 66}, {ELOOP, 66},   {ENAMETOOLONG, 66}, {EMFILE, 75},       {ENFILE, 75},
		{EFBIG, 74},  {EDQUOT, 74},
	};

	for (int i = 0; i < ROWS(codes); i++)
		ck_assert_int_eq(exit_code_of(-codes[i].error), codes[i].code);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *c = unit_case(suite, "log");

	tcase_add_test(c, test_person);
	tcase_add_test(c, test_priorities);
	tcase_add_test(c, test_escapes);
	tcase_add_test(c, test_errno);
	tcase_add_test(c, test_long_line);
	tcase_add_test(c, test_journal);
	tcase_add_test(c, test_journal_hangs);
	tcase_add_test(c, test_fields);
	tcase_add_test(c, test_not_journal);
	tcase_add_test(c, test_exit_code);
	return unit_main(suite);
}
