/* Elements of a document that this version does not know: only their names, and no name twice. */
#include <errno.h>
#include <stdlib.h>

#include "ipn/field.h"

/* Rows, each cut to what is left of its path at some depth. */
struct paths {
	const char **at;
	size_t n;
};

static int tell(struct ipn_document *d, const char *name)
{
	for (size_t i = 0; i < d->n_unknown; i++)
		if (strcmp(d->unknown[i], name) == 0)
			return 0;
	if (d->n_unknown == IPN_UNKNOWN_MAX)
		return 0;
	d->unknown[d->n_unknown] = strdup(name);
	if (!d->unknown[d->n_unknown])
		return -ENOMEM;
	d->n_unknown++;
	return 0;
}

/* Moves to the front those that begin with the name, cut behind it. *ret_ends: for one of them that was all. */
static size_t follow(const struct paths *paths, const char *name, const char **ret, bool *ret_ends)
{
	size_t n = 0;

	*ret_ends = false;
	for (size_t i = 0; i < paths->n; i++) {
		if (!field_path_begins(paths->at[i], name))
			continue;
		ret[n] = field_path_rest(paths->at[i]);
		*ret_ends = *ret_ends || !*ret[n];
		n++;
	}
	return n;
}

/* What stands inside an element that a row reads whole is not looked at. Paths are as deep as the recursion. */
static int walk(const xmlNode *parent, const struct paths *paths, struct ipn_document *d)
{
	CLEANUP(freep) const char **rest = calloc(paths->n + 1, sizeof(*rest));
	int r = 0;

	if (!rest)
		return -ENOMEM;
	for (const xmlNode *e = parent->children; e && r == 0; e = e->next) {
		struct paths below = {rest, 0};
		bool ends;

		if (e->type != XML_ELEMENT_NODE)
			continue;
		below.n = follow(paths, (const char *)e->name, rest, &ends);
		if (below.n == 0)
			r = tell(d, (const char *)e->name);
		else if (!ends)
			r = walk(e, &below, d);
	}
	return r;
}

int field_find_unknown(const xmlNode *child, struct ipn_document *d)
{
	CLEANUP(freep) const char **at = calloc(n_fields, sizeof(*at));
	struct paths paths = {at, 0};

	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < n_fields; i++)
		if (fields[i].object == d->object)
			at[paths.n++] = fields[i].path;
	return walk(child, &paths, d);
}
