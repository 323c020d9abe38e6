/* The log. Only the top layer writes to it, once per outcome; libraries return. */
#ifndef IPND_BASE_LOG_H
#define IPND_BASE_LOG_H

#include <syslog.h>

/*
 * Lines go to stderr: as `PROGRAM: text` for a person, with sd-daemon(3)'s <N> prefix when stderr is the
 * journal ($JOURNAL_STREAM). Lines above `max_priority` (LOG_INFO, LOG_DEBUG, ...) are dropped.
 */
void log_open(const char *program, int max_priority);

/* The program's name as given to log_open(). */
const char *log_program(void);

/* One line; a line end or control character in the result is escaped. Keeps errno. %m works. */
void log_write(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_write(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)

#endif
