#include "ipn/field.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "ipn/leaf.h"

const struct field fields[] = {
#define FIELD(object, path, member, kind, need)                                                    \
	{OBJECT_##object, path, offsetof(struct ipn_document, member), KIND_##kind, need},
#define KNOWN(object, path) {OBJECT_##object, path, 0, KIND_NONE, OPTIONAL},
#include "ipn/documents.def"
};

const size_t n_fields = sizeof(fields) / sizeof(fields[0]);

/* The member of every row has the type that its kind writes. */
#define TYPE_OF_ID      char *
#define TYPE_OF_WORD    char *
#define TYPE_OF_TEXT    char *
#define TYPE_OF_NOTE    char *
#define TYPE_OF_NUMBER  char *
#define TYPE_OF_AMOUNT  struct ipn_amount
#define TYPE_OF_FOREIGN struct ipn_foreign
#define TYPE_OF_TIME    int64_t
#define TYPE_OF_FLAG    enum ipn_flag
#define TYPE_OF_IDS     struct ipn_ids
#define TYPE_OF_OPTIONS char *
#define FIELD(object, path, member, kind, need)                                                    \
	_Static_assert(__builtin_types_compatible_p(                                               \
			       __typeof__(((struct ipn_document *)NULL)->member), TYPE_OF_##kind), \
		       path);
#include "ipn/documents.def"

static struct text first_names(const char *path)
{
	return (struct text){path, strcspn(path, "/")};
}

const char *field_path_rest(const char *path)
{
	path += first_names(path).len;
	return path + (*path == '/');
}

bool field_path_begins(const char *path, const char *name)
{
	return xml_is_named(name, first_names(path));
}

/* What is absent, and what is empty, which is the same. */
static bool read_nothing(const struct field *row, struct why *why)
{
	return row->need == OPTIONAL || leaf_objected(row->path, why, "is missing");
}

/* The text of the one child of that name; absent (at == NULL) when there is none. */
static bool read_child(const xmlNode *e, struct text name, struct text *ret, struct why *why)
{
	const xmlNode *child = NULL;

	*ret = (struct text){NULL, 0};
	return xml_child(e, name, &child, why) && (!child || xml_leaf(child, ret, why));
}

/* Amount and CurrencyCode below `e`; ret->known is false when there is neither. */
static bool read_price(const struct field *row, const xmlNode *e, struct ipn_foreign *ret,
		       struct why *why)
{
	struct text amount, currency;
	int64_t minor = 0;
	int r;

	if (!read_child(e, TEXT("Amount"), &amount, why) ||
	    !read_child(e, TEXT("CurrencyCode"), &currency, why))
		return false;
	*ret = (struct ipn_foreign){.known = false};
	if (!amount.at && !currency.at)
		return read_nothing(row, why);
	if (!amount.at || !currency.at)
		return leaf_objected(row->path, why, "lacks its amount or currency");
	r = money_parse(amount, currency, &minor);
	if (r == -ERANGE)
		return leaf_objected(row->path, why, "would lose digits, or is too large");
	if (r < 0)
		return leaf_objected(row->path, why, "is not an amount in a known currency");
	*ret = (struct ipn_foreign){.known = true, .minor = minor};
	assert(currency.len < CURRENCY_SIZE);
	memcpy(ret->currency, currency.at, currency.len);
	return true;
}

/* Minor units of two currencies must never meet in one column: all such amounts of a document share one. */
static bool read_amount(const struct field *row, const xmlNode *e, struct ipn_document *d,
			struct ipn_amount *ret, struct why *why)
{
	struct ipn_foreign price;

	if (!read_price(row, e, &price, why))
		return false;
	if (!price.known)
		return true;
	if (d->currency[0] && strcmp(d->currency, price.currency) != 0)
		return leaf_objected(row->path, why,
				     "is in another currency than the amounts before it");
	memcpy(d->currency, price.currency, sizeof(d->currency));
	*ret = (struct ipn_amount){true, price.minor};
	return true;
}

static bool is_listed(const struct ipn_ids *ids, struct text id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (text_is(id, ids->at[i]))
			return true;
	return false;
}

/* Into a set: an id that is listed twice counts once. */
static bool add_id(const struct field *row, const xmlNode *e, void *userdata, struct why *why)
{
	struct ipn_ids *ids = userdata;
	struct text id;

	if (!xml_leaf(e, &id, why))
		return false;
	if (is_listed(ids, id))
		return true;
	if (ids->n == IPN_IDS_MAX)
		return leaf_objected(row->path, why, "has too many identifiers");
	if (!leaf_read_id(row->path, id, &ids->at[ids->n], why))
		return false;
	ids->n++;
	return true;
}

static json_t *json_of(struct text t)
{
	return t.at ? json_stringn(t.at, t.len) : json_null();
}

/* Into an object: of a name that comes twice, the last; without a name, nothing. */
static bool add_option(const struct field *row, const xmlNode *e, void *userdata, struct why *why)
{
	json_t *options = userdata;
	CLEANUP(freep) char *key = NULL;
	struct text name, value;

	if (!read_child(e, TEXT("name"), &name, why) || !read_child(e, TEXT("value"), &value, why))
		return false;
	if (name.len == 0)
		return true;
	if (!leaf_read_string(row->path, name, IPN_WORD_MAX, &key, why))
		return false;
	if (json_object_set_new(options, key, json_of(value)) < 0) {
		why_set(why, "out of memory");
		return false;
	}
	return true;
}

typedef bool (*visit_fn)(const struct field *row, const xmlNode *e, void *userdata,
			 struct why *why);

/* Every element at the end of the path below `from`. */
static bool visit(const struct field *row, const xmlNode *from, const char *path, visit_fn each,
		  void *userdata, struct why *why)
{
	struct text names = first_names(path);
	const char *rest = field_path_rest(path);
	const xmlNode *e = NULL;

	while (xml_next_child(from, names, &e, why)) {
		if (!e)
			return true;
		if (*rest ? !visit(row, e, rest, each, userdata, why)
			  : !each(row, e, userdata, why))
			return false;
	}
	return false;
}

static bool read_options(const struct field *row, const xmlNode *list, char **ret, struct why *why)
{
	CLEANUP(json_decrefp) json_t *options = json_object();
	CLEANUP(freep) char *text = NULL;

	if (!options) {
		why_set(why, "out of memory");
		return false;
	}
	if (!visit(row, list, field_path_rest(row->path), add_option, options, why))
		return false;
	text = json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
	if (!text) {
		why_set(why, "out of memory");
		return false;
	}
	if (strlen(text) > IPN_OPTIONS_MAX)
		return leaf_objected(row->path, why, "is too long");
	*ret = TAKE(text);
	return true;
}

static bool read_leaf(const struct field *row, const xmlNode *e, void *ret, struct why *why)
{
	struct text t;

	if (!xml_leaf(e, &t, why))
		return false;
	if (t.len == 0)
		return read_nothing(row, why);
	switch (row->kind) {
	case KIND_ID:
		return leaf_read_id(row->path, t, ret, why);
	case KIND_WORD:
		return leaf_read_string(row->path, t, IPN_WORD_MAX, ret, why);
	case KIND_TEXT:
		return leaf_read_string(row->path, t, IPN_TEXT_MAX, ret, why);
	case KIND_NOTE:
		return leaf_read_note(row->path, t, ret, why);
	case KIND_NUMBER:
		return leaf_read_number(row->path, t, ret, why);
	case KIND_TIME:
		return leaf_read_time(row->path, t, ret, why);
	case KIND_FLAG:
		return leaf_read_flag(row->path, t, ret, why);
	case KIND_NONE:
	case KIND_AMOUNT:
	case KIND_FOREIGN:
	case KIND_IDS:
	case KIND_OPTIONS:
		break;
	}
	assert(!"an element with children");
	return false;
}

/* Follows the path from `from`; *ret is NULL when it leads nowhere. */
static bool find(const xmlNode *from, const char *path, const xmlNode **ret, struct why *why)
{
	const xmlNode *e = from;

	for (; e && *path; path = field_path_rest(path))
		if (!xml_child(e, first_names(path), &e, why))
			return false;
	*ret = e;
	return true;
}

static bool is_list(const struct field *row)
{
	/* Of what is not read there may be several, where a list stands above it: only the list itself must be single. */
	return row->kind == KIND_IDS || row->kind == KIND_OPTIONS ||
	       (row->kind == KIND_NONE && *field_path_rest(field_path_rest(row->path)));
}

static bool read_list(const struct field *row, const xmlNode *from, void *member, struct why *why)
{
	const xmlNode *list = NULL;

	if (!xml_child(from, first_names(row->path), &list, why))
		return false;
	if (!list || row->kind == KIND_NONE)
		return true;
	if (row->kind == KIND_OPTIONS)
		return read_options(row, list, member, why);
	return visit(row, list, field_path_rest(row->path), add_id, member, why);
}

bool field_read(const struct field *row, const xmlNode *from, struct ipn_document *d,
		struct why *why)
{
	void *member = (char *)d + row->offset;
	const xmlNode *e = NULL;

	if (is_list(row))
		return read_list(row, from, member, why);
	if (!find(from, row->path, &e, why))
		return false;
	if (!e)
		return read_nothing(row, why);
	if (row->kind == KIND_NONE)
		return true;
	if (row->kind == KIND_AMOUNT)
		return read_amount(row, e, d, member, why);
	if (row->kind == KIND_FOREIGN)
		return read_price(row, e, member, why);
	return read_leaf(row, e, member, why);
}
