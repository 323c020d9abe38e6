/* The log. Only the top layer writes to it, once per outcome; libraries return. */
#ifndef IPND_BASE_LOG_H
#define IPND_BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>
#include <syslog.h>

/*
 * Lines go to stderr as `PROGRAM: text`; when stderr is the journal ($JOURNAL_STREAM), to the journal itself, which keeps the
 * priority and the fields beside the text. Lines above `max_priority` (LOG_INFO, LOG_DEBUG, ...) are dropped.
 */
void log_open(const char *program, int max_priority);

/* The program's name as given to log_open(). */
const char *log_program(void);

/* One line; a line end or control character in the result is escaped. Keeps errno. %m works. */
void log_write(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A field of the journal's: systemd.journal-fields(7). */
struct log_field {
	const char *name;  /* of A-Z, 0-9 and "_", at most LOG_NAME_MAX */
	const char *value; /* escaped like the line, and cut; NULL or "": there is none */
};

#define LOG_NAME_MAX   32
#define LOG_FIELDS_MAX 24

/* The same with fields, which only the journal takes. */
void log_write_fields(int priority, const struct log_field *fields, size_t n, const char *format,
		      va_list ap) __attribute__((format(printf, 4, 0)));

#define log_error(...)   log_write(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)

#endif
