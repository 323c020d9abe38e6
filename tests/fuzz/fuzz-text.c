/*
 * Text from outside on its way to a log, a terminal, an environment variable and the database. The
 * first byte is the room for the escaped text; a pattern and a name stand before and behind the first
 * NUL.
 */
#include <assert.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fuzz.h"

#define PATTERN_MAX 24 /* fnmatch(3) tries every star again */

static char *room(size_t size)
{
	char *s = malloc(size);

	assert(s);
	return s;
}

/* jansson has its own check of UTF-8. */
static bool is_utf8(struct text t)
{
	CLEANUP(json_decrefp) json_t *s = json_stringn(t.at, t.len);

	return s != NULL;
}

static bool is_plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7F ||
		    ((unsigned char)*s == 0xC2 && (unsigned char)s[1] < 0xA0))
			return false;
	return true;
}

static unsigned hex_byte(const char *s)
{
	unsigned byte = 0;

	assert(sscanf(s, "%2x", &byte) == 1);
	return byte;
}

/* Undoes the escapes: `mark` and two digits. */
static bool unescapes_to(const char *s, const char *mark, struct text t)
{
	size_t len = strlen(mark);

	for (size_t i = 0; i < t.len; i++) {
		bool is_escape = strncmp(s, mark, len) == 0;

		if (is_escape ? hex_byte(s + len) != (unsigned char)t.at[i] : *s != t.at[i])
			return false;
		s += is_escape ? len + 2 : 1;
	}
	return !*s;
}

static void check_escape(struct text t, size_t size)
{
	size_t whole_size = t.len * 4 + TEXT_ESCAPE_MIN;
	CLEANUP(freep) char *whole = room(whole_size), *again = room(whole_size);
	CLEANUP(freep) char *cut = room(size), *line = room(size);
	size_t len;

	text_escape(t, whole, whole_size);
	assert(is_plain(whole) && is_utf8(text_of(whole)) && unescapes_to(whole, "\\x", t));
	/* What is escaped is a line that holds nothing to be escaped. */
	text_escape_line(text_of(whole), again, whole_size);
	assert(strcmp(again, whole) == 0);

	text_escape(t, cut, size);
	len = strlen(cut);
	assert(len < size && is_plain(cut) && is_utf8(text_of(cut)));
	if (strcmp(cut, whole) != 0)
		assert(strlen(whole) >= size && strncmp(cut, whole, len - 3) == 0 &&
		       strcmp(cut + len - 3, "...") == 0);
	text_escape_line(t, line, size);
	assert(strlen(line) < size && is_plain(line) && is_utf8(text_of(line)));
}

static void check_percent(struct text t)
{
	CLEANUP(freep) char *s = text_percent(t);

	assert(s);
	assert(s[strspn(
		       s,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@/+- %")] ==
	       0);
	assert(unescapes_to(s, "%", t));
}

static void check_utf8(struct text t)
{
	CLEANUP(freep) char *s = text_utf8(t), *again = NULL;
	bool is_good = is_utf8(t) && !memchr(t.at, 0, t.len);

	assert(s && is_utf8(text_of(s)));
	assert(text_is(t, s) == is_good);
	again = text_utf8(text_of(s));
	assert(again && strcmp(again, s) == 0);
}

/* As the C library has it, where a bracket and a backslash mean more than with us. */
static void check_glob(const char *pattern, const char *s)
{
	if (strlen(pattern) <= PATTERN_MAX && !strpbrk(pattern, "[\\"))
		assert(text_glob(pattern, s) == (fnmatch(pattern, s, FNM_NOESCAPE) == 0));
	assert(text_glob("*", s));
	if (!strpbrk(s, "*?"))
		assert(text_glob(s, s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = {(const char *)data + 1, size - 1};
	CLEANUP(freep) char *s = NULL;
	const char *name;

	if (size == 0)
		return 0;
	check_escape(t, (size_t)TEXT_ESCAPE_MIN + data[0]);
	check_percent(t);
	check_utf8(t);
	s = text_dup(t);
	assert(s);
	name = strlen(s) < t.len ? s + strlen(s) + 1 : "";
	check_glob(s, name);
	return 0;
}
