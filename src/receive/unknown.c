#include "receive/unknown.h"

#include "base/text.h"

bool unknown_is_new(struct unknown_names *u, const char *name, const char **ret)
{
	char escaped[UNKNOWN_NAME_SIZE];

	text_escape(text_of(name), escaped, sizeof(escaped));
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->at[i], escaped) == 0)
			return false;
	if (u->n == UNKNOWN_NAMES_MAX)
		return false;
	memcpy(u->at[u->n], escaped, sizeof(escaped));
	*ret = u->at[u->n++];
	return true;
}
