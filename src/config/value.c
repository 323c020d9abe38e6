/* One value of one row: read, checked, put in its place, freed. */
#include "config/private.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utc.h"
#include "config/config.h"

static int number_parse(const char *s, int64_t *ret)
{
	int64_t n = 0;

	if (!*s || strlen(s) > 10)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		n = n * 10 + (*s - '0');
	}
	*ret = n;
	return 0;
}

static int word_parse(const char *const *words, const char *s, int64_t *ret)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], s) == 0) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

static int switch_parse(const char *s, int64_t *ret)
{
	int on = cfg_parse_boolean(s);

	if (on < 0)
		return -EINVAL;
	*ret = on;
	return 0;
}

/* What the kind makes of the text, without the row's limits. */
static int scalar_parse(const struct setting *s, const char *text, int64_t *ret)
{
	switch (s->kind) {
	case SETTING_NUMBER:
		return number_parse(text, ret);
	case SETTING_DURATION:
		return duration_parse(text, ret);
	case SETTING_SIZE:
		return size_parse(text, ret);
	case SETTING_SWITCH:
		return switch_parse(text, ret);
	case SETTING_WORD:
		return word_parse(s->words, text, ret);
	case SETTING_TEXT:
	case SETTING_LIST:
		break;
	}
	return -EINVAL;
}

static int scalar_check(const struct setting *s, const char *text, int64_t *ret)
{
	int64_t n, min, max;

	if (scalar_parse(s, text, &n) < 0)
		return -EINVAL;
	if (s->kind == SETTING_DURATION && n == DURATION_NONE) {
		if (!s->none)
			return -EINVAL;
	} else if (s->min) {
		if (scalar_parse(s, s->min, &min) < 0 || scalar_parse(s, s->max, &max) < 0 ||
		    n < min || n > max)
			return -EINVAL;
	}
	*ret = n;
	return 0;
}

/* Any enum of ours is an unsigned to the compilers; memcpy() need not know. */
static_assert(sizeof(enum environment) == sizeof(unsigned) &&
		      sizeof(enum chain_policy) == sizeof(unsigned) &&
		      sizeof(enum subscription_policy) == sizeof(unsigned),
	      "an enum of the configuration is as large as unsigned");

static void scalar_store(const struct setting *s, int64_t n, void *at)
{
	unsigned index = (unsigned)n;

	switch (s->kind) {
	case SETTING_NUMBER:
		*(unsigned *)at = index;
		break;
	case SETTING_DURATION:
		*(int64_t *)at = n;
		break;
	case SETTING_SIZE:
		*(size_t *)at = (size_t)n;
		break;
	case SETTING_SWITCH:
		*(bool *)at = n != 0;
		break;
	case SETTING_WORD:
		memcpy(at, &index, sizeof(index));
		break;
	case SETTING_TEXT:
	case SETTING_LIST:
		assert(false);
	}
}

static int text_store(char **at, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

/* NULL stands behind the last one, so that the list can be an argv. */
static int list_add(struct strings *list, const char *value)
{
	char **grown = reallocarray(list->at, list->n + 2, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->at = grown;
	grown[list->n] = strdup(value);
	if (!grown[list->n])
		return -ENOMEM;
	grown[++list->n] = NULL;
	return 0;
}

int setting_put(const struct setting *s, void *base, const char *value)
{
	void *at = (char *)base + s->at;
	int64_t n;

	if (s->kind == SETTING_TEXT || s->kind == SETTING_LIST) {
		if (!s->fits(value))
			return -EINVAL;
		return s->kind == SETTING_TEXT ? text_store(at, value) : list_add(at, value);
	}
	if (scalar_check(s, value, &n) < 0)
		return -EINVAL;
	scalar_store(s, n, at);
	return 0;
}

void setting_clear(const struct setting *s, void *base)
{
	void *at = (char *)base + s->at;

	if (s->kind == SETTING_TEXT) {
		char **text = at;

		free(*text);
		*text = NULL;
	} else if (s->kind == SETTING_LIST) {
		struct strings *list = at;

		for (size_t i = 0; i < list->n; i++)
			free(list->at[i]);
		free(list->at);
		*list = (struct strings){NULL, 0};
	}
}

/* "sandbox, live or any" */
static void words_form(const char *const *words, char *ret, size_t size)
{
	size_t len = 0;

	ret[0] = 0;
	for (size_t i = 0; words[i] && len < size; i++) {
		const char *between = i == 0 ? "" : words[i + 1] ? ", " : " or ";

		len += (size_t)snprintf(ret + len, size - len, "%s%s", between, words[i]);
	}
}

void setting_form(const struct setting *s, char *ret, size_t size)
{
	switch (s->kind) {
	case SETTING_TEXT:
	case SETTING_LIST:
		snprintf(ret, size, "%s", s->form);
		break;
	case SETTING_NUMBER:
		snprintf(ret, size, "a whole number from %s to %s", s->min, s->max);
		break;
	case SETTING_DURATION:
		snprintf(ret, size, "a duration from \"%s\" to \"%s\" with its unit s, m, h or d%s",
			 s->min, s->max, s->none ? ", or \"none\"" : "");
		break;
	case SETTING_SIZE:
		snprintf(ret, size, "a size from \"%s\" to \"%s\"", s->min, s->max);
		break;
	case SETTING_SWITCH:
		snprintf(ret, size, "yes or no");
		break;
	case SETTING_WORD:
		words_form(s->words, ret, size);
		break;
	}
}
