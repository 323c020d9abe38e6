/* Elements of a document that this version does not know: only their names, and no name twice. */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ipn/field.h"

/* What is left of a row's path at some depth, and what the row reads at its end. */
struct path {
	const char *rest;
	enum field_kind kind;
};

struct paths {
	struct path *at;
	size_t n;
};

static int tell(struct ipn_document *d, const char *name)
{
	for (size_t i = 0; i < d->n_unknown; i++)
		if (strcmp(d->unknown[i], name) == 0)
			return 0;
	if (d->n_unknown == IPN_UNKNOWN_MAX)
		return 0;
	d->unknown[d->n_unknown] = memory_strdup(name);
	if (!d->unknown[d->n_unknown])
		return -ENOMEM;
	d->n_unknown++;
	return 0;
}

/* Inside what a row reads there are names of their own; anything else that it reads whole is its own affair. */
static const char *names_inside(enum field_kind kind)
{
	switch (kind) {
	case KIND_AMOUNT:
	case KIND_FOREIGN:
		return "Amount|CurrencyCode";
	case KIND_OPTIONS:
		return "name|value";
	case KIND_NONE:
	case KIND_ID:
	case KIND_WORD:
	case KIND_TEXT:
	case KIND_NOTE:
	case KIND_NUMBER:
	case KIND_TIME:
	case KIND_FLAG:
	case KIND_IDS:
		break;
	}
	return NULL;
}

/* Those that begin with the name, cut behind it. True when one of them ends here: then ret->at[0] is it. */
static bool follow(const struct paths *paths, const char *name, struct paths *ret)
{
	bool ends = false;

	ret->n = 0;
	for (size_t i = 0; i < paths->n && !ends; i++) {
		struct path path = paths->at[i];

		if (!field_path_begins(path.rest, name))
			continue;
		path.rest = field_path_rest(path.rest);
		ends = !*path.rest;
		ret->at[ends ? 0 : ret->n] = path;
		ret->n++;
	}
	return ends;
}

/* The recursion is as deep as the longest path. */
static int walk(const xmlNode *parent, const struct paths *paths, struct ipn_document *d)
{
	CLEANUP(freep) struct path *rest = calloc(paths->n + 1, sizeof(*rest));
	int r = 0;

	if (!rest)
		return -ENOMEM;
	for (const xmlNode *e = parent->children; e && r == 0; e = e->next) {
		struct paths below = {rest, 0};
		bool ends;

		if (e->type != XML_ELEMENT_NODE)
			continue;
		ends = follow(paths, (const char *)e->name, &below);
		if (below.n == 0) {
			r = tell(d, (const char *)e->name);
			continue;
		}
		if (ends) {
			rest[0].rest = names_inside(rest[0].kind);
			rest[0].kind = KIND_NONE;
			below.n = rest[0].rest ? 1 : 0;
		}
		if (below.n > 0)
			r = walk(e, &below, d);
	}
	return r;
}

int field_find_unknown(const xmlNode *root, const xmlNode *child, struct ipn_document *d)
{
	CLEANUP(freep) struct path *at = calloc(n_fields, sizeof(*at));
	struct paths paths = {at, 0};
	int r = 0;

	if (!at)
		return -ENOMEM;
	for (const xmlNode *e = root->children; e && r == 0; e = e->next)
		if (e->type == XML_ELEMENT_NODE && e != child)
			r = tell(d, (const char *)e->name);
	for (size_t i = 0; i < n_fields; i++)
		if (fields[i].object == d->object)
			at[paths.n++] = (struct path){fields[i].path, fields[i].kind};
	return r < 0 ? r : walk(child, &paths, d);
}
