#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static const char ellipsis[] = "...";
#define ELLIPSIS_LEN (sizeof(ellipsis) - 1)

/* Not ctype.h: the answer must not depend on a locale. */
static int ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

char *text_dup(struct text t)
{
	char *s;

	if (!t.at)
		return NULL;
	s = memory_malloc(t.len + 1);
	if (!s)
		return NULL;
	memcpy(s, t.at, t.len);
	s[t.len] = 0;
	return s;
}

bool text_is_nocase(struct text a, const char *s)
{
	struct text b = text_of(s);

	if (!a.at || !b.at || a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

/*
 * The length of the well-formed UTF-8 character at the beginning, 0 when there is none. The bounds of the
 * second byte rule out overlong forms, surrogates and what lies beyond U+10FFFF (Unicode, table 3-7).
 */
static size_t utf8_take(const unsigned char *s, size_t len, uint32_t *ret_rune)
{
	unsigned char low = 0x80, high = 0xBF;
	uint32_t rune;
	size_t n;

	if (len == 0)
		return 0;
	if (s[0] < 0x80) {
		*ret_rune = s[0];
		return 1;
	}
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	n = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (s[0] == 0xE0)
		low = 0xA0;
	else if (s[0] == 0xED)
		high = 0x9F;
	else if (s[0] == 0xF0)
		low = 0x90;
	else if (s[0] == 0xF4)
		high = 0x8F;
	if (n > len || s[1] < low || s[1] > high)
		return 0;
	rune = s[0] & (0x7FU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		rune = rune << 6 | (s[i] & 0x3F);
	}
	*ret_rune = rune;
	return n;
}

/* Controls, line and paragraph separator, and Unicode's Bidi_Control property. */
static bool rune_is_hostile(uint32_t r)
{
	return r < 0x20 || (r >= 0x7F && r <= 0x9F) || r == 0x2028 || r == 0x2029 || r == 0x061C ||
	       r == 0x200E || r == 0x200F || (r >= 0x202A && r <= 0x202E) ||
	       (r >= 0x2066 && r <= 0x2069);
}

/* One piece of output that is never split: a character, or the escape of one byte. Returns bytes taken. */
static size_t escape_piece(struct text t, bool keep_backslash, char ret[static 5], size_t *ret_len)
{
	const unsigned char *s = (const unsigned char *)t.at;
	uint32_t rune = 0;
	size_t n = utf8_take(s, t.len, &rune);

	if (n > 0 && !rune_is_hostile(rune) && (rune != '\\' || keep_backslash)) {
		memcpy(ret, t.at, n);
		*ret_len = n;
		return n;
	}
	*ret_len = (size_t)snprintf(ret, 5, "\\x%02X", s[0]);
	return 1;
}

static void escape(struct text t, bool keep_backslash, char *ret, size_t size)
{
	size_t at = 0, len = 0, cut = 0;

	assert(size >= TEXT_ESCAPE_MIN);
	while (at < t.len) {
		struct text rest = {t.at + at, t.len - at};
		char piece[5];
		size_t n = 0;

		/*
		 * A hostile character goes byte by byte: without its first byte the rest is not
		 * well-formed and is escaped as well.
		 */
		at += escape_piece(rest, keep_backslash, piece, &n);
		if (len + n >= size) {
			memcpy(ret + cut, ellipsis, ELLIPSIS_LEN);
			ret[cut + ELLIPSIS_LEN] = 0;
			return;
		}
		memcpy(ret + len, piece, n);
		len += n;
		if (len + ELLIPSIS_LEN < size)
			cut = len;
	}
	ret[len] = 0;
}

void text_escape(struct text t, char *ret, size_t size)
{
	escape(t, false, ret, size);
}

void text_escape_line(struct text t, char *ret, size_t size)
{
	escape(t, true, ret, size);
}

static bool percent_keeps(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._:@/+- ", c));
}

char *text_percent(struct text t)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t len = 0;
	char *s;

	for (size_t i = 0; i < t.len; i++)
		len += percent_keeps(t.at[i]) ? 1 : 3;
	s = malloc(len + 1);
	if (!s)
		return NULL;
	len = 0;
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if (percent_keeps(t.at[i])) {
			s[len++] = t.at[i];
			continue;
		}
		s[len++] = '%';
		s[len++] = hex[c >> 4];
		s[len++] = hex[c & 15];
	}
	s[len] = 0;
	return s;
}

char *text_utf8(struct text t)
{
	static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
	size_t len = 0;
	char *s;

	if (!t.at)
		return NULL;
	s = malloc(t.len * (sizeof(replacement) - 1) + 1);
	if (!s)
		return NULL;
	for (size_t at = 0; at < t.len;) {
		uint32_t rune = 0;
		size_t n = utf8_take((const unsigned char *)t.at + at, t.len - at, &rune);

		if (n > 0 && rune != 0) {
			memcpy(s + len, t.at + at, n);
			len += n;
			at += n;
			continue;
		}
		memcpy(s + len, replacement, sizeof(replacement) - 1);
		len += sizeof(replacement) - 1;
		at++;
	}
	s[len] = 0;
	return s;
}

/* Only the last star is ever tried again, so the time is at most the product of the two lengths. */
bool text_glob(const char *pattern, const char *s)
{
	const char *star = NULL, *from = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			from = s;
		} else if (*pattern == '?' || *pattern == *s) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* One more than the value of a digit; 0: none. */
/* clang-format off */
static const unsigned char base64_digits[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, ['+'] = 63, ['/'] = 64,
};
/* clang-format on */

static unsigned base64_digit(char c)
{
	return base64_digits[(unsigned char)c] - 1U;
}

int text_base64_decode(struct text t, unsigned char *ret, size_t size)
{
	size_t digits = t.len, bytes, n = 0;
	unsigned bits = 0;

	if (!t.at || t.len % 4 != 0)
		return -EINVAL;
	while (digits > 0 && t.len - digits < 2 && t.at[digits - 1] == '=')
		digits--;
	for (size_t i = 0; i < digits; i++)
		if (!base64_digits[(unsigned char)t.at[i]])
			return -EINVAL;
	/* Bits that no byte needs must be zero, else one signature would have many spellings. */
	if ((digits % 4 == 2 && base64_digit(t.at[digits - 1]) & 15) ||
	    (digits % 4 == 3 && base64_digit(t.at[digits - 1]) & 3))
		return -EINVAL;
	bytes = t.len / 4 * 3 - (t.len - digits);
	if (bytes > size || bytes > INT_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < digits; i++) {
		bits = bits << 6 | base64_digit(t.at[i]);
		if (i % 4 > 0)
			ret[n++] = (unsigned char)(bits >> (6 - i % 4 * 2));
	}
	return (int)n;
}

void why_set(struct why *why, const char *format, ...)
{
	/* One byte more than fits, so that a longer text is seen and cut. */
	char s[WHY_SIZE + 1];
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(s, sizeof(s), format, ap) < 0)
		s[0] = 0;
	va_end(ap);
	text_escape_line(text_of(s), why->text, sizeof(why->text));
}
