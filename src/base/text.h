/* Text from outside, which carries its length, and text for people, which is bounded and escaped. */
#ifndef IPND_BASE_TEXT_H
#define IPND_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes. Not ended by NUL unless said so. `at` is NULL when the value is absent. */
struct text {
	const char *at;
	size_t len;
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static inline struct text text_of(const char *s)
{
	return (struct text){s, s ? strlen(s) : 0};
}

static inline bool text_equal(struct text a, struct text b)
{
	return a.at && b.at && a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static inline bool text_is(struct text a, const char *s)
{
	return text_equal(a, text_of(s));
}

/* Copies to a NUL-ended string the caller frees. NULL when absent or out of memory, which
 * memory_was_short() tells apart. */
char *text_dup(struct text t);

/* Equal but for ASCII case. */
bool text_is_nocase(struct text a, const char *s);

/*
 * Writes `t` for a log line or a terminal: printable UTF-8 stays, every control character, DEL, C1
 * control, U+2028/9, bidirectional override, invalid byte and backslash becomes \xHH (per byte).
 * Cuts on a character's boundary with "..." to fit `size` (at least 8). Always ends with NUL.
 */
#define TEXT_ESCAPE_MIN 8
void text_escape(struct text t, char *ret, size_t size);

/* The same but for backslashes, which stay: for a line of ours with remote text in it, already escaped. */
void text_escape_line(struct text t, char *ret, size_t size);

/*
 * Writes `t` for an environment variable (interface.md, "Events and hooks"): A-Z a-z 0-9 . _ : @ / + -
 * and space stay, any other byte becomes %HH; what is absent is empty. Returns a string the caller frees;
 * NULL: out of memory.
 */
char *text_percent(struct text t);

/*
 * A copy for the database and for JSON: valid UTF-8 without NUL, in which every other byte has become
 * U+FFFD. The caller frees; NULL: absent or out of memory.
 */
char *text_utf8(struct text t);

/* Shell-style glob with * and ? only, over ASCII event names. */
bool text_glob(const char *pattern, const char *s);

/*
 * Strict Base64 (RFC 4648 section 4): standard alphabet, padded, no white space, zero trailing bits.
 * Writes at most `size` bytes. Returns their number, or -EINVAL (not Base64), -ENOSPC (longer than `size`).
 */
int text_base64_decode(struct text t, unsigned char *ret, size_t size);

/* A reason in words, for logs and operators: one line. Remote bytes in it have been escaped. */
#define WHY_SIZE 256
struct why {
	char text[WHY_SIZE];
};

/* Cuts with "...". `why` itself may be among the arguments. */
void why_set(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
