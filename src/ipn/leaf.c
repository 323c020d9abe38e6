#include "ipn/leaf.h"

#include <stdlib.h>

#include "base/cleanup.h"

#define DIGITS "0123456789"

/* Of two spellings of a name, the first. */
static void first_spelling(const char *path, char *ret, size_t size)
{
	size_t n = 0;

	for (; *path && n + 1 < size; path++) {
		if (*path == '|')
			path += strcspn(path, "/");
		if (!*path)
			break;
		ret[n++] = *path;
	}
	ret[n] = 0;
}

bool leaf_objected(const char *path, struct why *why, const char *objection)
{
	char name[WHY_SIZE];

	first_spelling(path, name, sizeof(name));
	why_set(why, "%s %s", name, objection);
	return false;
}

/*
 * Text of XML may still hold tabs and line ends, DEL and the C1 controls (U+0080 to U+009F, in UTF-8 C2 and the
 * number itself).
 */
static bool has_control(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i],
			      before = i ? (unsigned char)t.at[i - 1] : 0;

		if (c < 0x20 || c == 0x7F || (before == 0xC2 && c < 0xA0))
			return true;
	}
	return false;
}

static bool is_id(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (t.at[i] <= ' ' || t.at[i] > '~')
			return false;
	return t.len > 0;
}

static bool copy(struct text t, char **ret, struct why *why)
{
	char *s = text_dup(t);

	if (!s) {
		why_set(why, "out of memory");
		return false;
	}
	*ret = s;
	return true;
}

bool leaf_read_string(const char *path, struct text t, size_t max, char **ret, struct why *why)
{
	if (t.len > max)
		return leaf_objected(path, why, "is too long");
	if (has_control(t))
		return leaf_objected(path, why, "has a control character");
	return copy(t, ret, why);
}

/* Sentences that people wrote: a state is not to be lost for a line end in one of them. */
bool leaf_read_note(const char *path, struct text t, char **ret, struct why *why)
{
	CLEANUP(freep) char *s = NULL;

	if (t.len > IPN_NOTE_MAX)
		return leaf_objected(path, why, "is too long");
	if (!copy(t, &s, why))
		return false;
	for (char *c = s; *c; c++)
		if (*c == '\t' || *c == '\n' || *c == '\r')
			*c = ' ';
	if (has_control(text_of(s)))
		return leaf_objected(path, why, "has a control character");
	*ret = TAKE(s);
	return true;
}

bool leaf_read_id(const char *path, struct text t, char **ret, struct why *why)
{
	if (t.len > IPN_ID_MAX || !is_id(t))
		return leaf_objected(path, why, "is not an identifier");
	return copy(t, ret, why);
}

bool leaf_read_time(const char *path, struct text t, int64_t *ret_ms, struct why *why)
{
	return utc_parse_xsd(t, ret_ms) == 0 || leaf_objected(path, why, "is not a time");
}

bool leaf_read_flag(const char *path, struct text t, enum ipn_flag *ret, struct why *why)
{
	if (text_is(t, "true") || text_is(t, "1"))
		*ret = IPN_TRUE;
	else if (text_is(t, "false") || text_is(t, "0"))
		*ret = IPN_FALSE;
	else
		return leaf_objected(path, why, "is neither true nor false");
	return true;
}

/* Digits, and no more than one point with digits on both sides; as Java prints a rate, perhaps with an exponent. */
static bool is_number(struct text t)
{
	CLEANUP(freep) char *s = text_dup(t);
	size_t whole = s ? strspn(s, DIGITS) : 0, n = whole, more;

	if (n == 0)
		return false;
	if (s[n] == '.') {
		more = strspn(s + n + 1, DIGITS);
		if (more == 0)
			return false;
		n += 1 + more;
	}
	if (s[n] == 'E' || s[n] == 'e') {
		n += s[n + 1] == '-' || s[n + 1] == '+' ? 2 : 1;
		more = strspn(s + n, DIGITS);
		if (more == 0)
			return false;
		n += more;
	}
	return n == t.len;
}

bool leaf_read_number(const char *path, struct text t, char **ret, struct why *why)
{
	if (t.len > IPN_WORD_MAX || !is_number(t))
		return leaf_objected(path, why, "is not a number");
	return copy(t, ret, why);
}
