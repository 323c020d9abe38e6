#include "ipn/document.h"

#include <assert.h>

static const struct {
	const char *word;
	const char *words;
	char letter;
} objects[OBJECT_N] = {
#define OBJECT(name, word, words, letter) [OBJECT_##name] = {word, words, letter},
#include "ipn/objects.def"
#undef OBJECT
};

static const struct {
	const char *event_type;
	const char *name;
} changes[] = {
#define CHANGE(event_type, name) {event_type, name},
#include "ipn/changes.def"
#undef CHANGE
};

const char *object_word(enum object_type o)
{
	assert(o < OBJECT_N);
	return objects[o].word;
}

const char *object_words(enum object_type o)
{
	assert(o < OBJECT_N);
	return objects[o].words;
}

char object_letter(enum object_type o)
{
	assert(o < OBJECT_N);
	return objects[o].letter;
}

enum object_type object_of_word(const char *word)
{
	enum object_type o = 0;

	while (o < OBJECT_N && strcmp(objects[o].word, word) != 0)
		o++;
	return o;
}

const char *ipn_change_of(struct text event_type)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (text_is(event_type, changes[i].event_type))
			return changes[i].name;
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c);
}

/* The length of the first three groups of letters and digits, with what may follow them; 0: not so many. */
static size_t three_groups(const char *id)
{
	size_t groups = 0, len = 0;

	for (const char *s = id;; s++) {
		const char *group = s;

		while (is_letter_or_digit(*s))
			s++;
		if (s == group || (*s && *s != '-'))
			return 0;
		if (++groups == 3)
			len = (size_t)(s - id);
		if (!*s)
			return len;
	}
}

bool ipn_is_billing_agreement(const char *id)
{
	return (id[0] == 'B' || id[0] == 'C') && is_digit(id[1]) && is_digit(id[2]) &&
	       id[3] == '-' && three_groups(id) > 0;
}

char *ipn_order_reference_of(const char *object_id)
{
	size_t len = three_groups(object_id);

	if (len == 0 || ipn_is_billing_agreement(object_id))
		return NULL;
	return text_dup((struct text){object_id, len});
}
