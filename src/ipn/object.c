#include "ipn/document.h"

#include <assert.h>

static const char *const words[OBJECT_N] = {
#define OBJECT(name, word, letter) [OBJECT_##name] = word,
#include "ipn/objects.def"
#undef OBJECT
};

const char *object_word(enum object_type o)
{
	assert(o < OBJECT_N);
	return words[o];
}

enum object_type object_of_word(const char *word)
{
	enum object_type o = 0;

	while (o < OBJECT_N && strcmp(words[o], word) != 0)
		o++;
	return o;
}

static bool is_letter_or_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

char *ipn_order_reference_of(const char *object_id)
{
	size_t groups = 0, len = 0;

	for (const char *s = object_id;; s++) {
		const char *group = s;

		while (is_letter_or_digit(*s))
			s++;
		if (s == group || (*s && *s != '-'))
			return NULL;
		if (++groups == 3)
			len = (size_t)(s - object_id);
		if (!*s)
			break;
	}
	return groups < 3 ? NULL : text_dup((struct text){object_id, len});
}
