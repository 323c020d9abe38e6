#include "ipn/document.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "ipn/xml.h"

#define ESCAPED_SIZE 64

enum need { OPTIONAL, MANDATORY };
enum kind { KIND_ID, KIND_WORD, KIND_TEXT, KIND_NOTE, KIND_AMOUNT, KIND_TIME, KIND_FLAG, KIND_IDS };

struct document_row {
	const char *type;
	const char *root;
	const char *child;
};

struct field_row {
	enum object_type object;
	const char *path;
	size_t offset; /* of the member in struct ipn_document */
	enum kind kind;
	enum need need;
};

static const struct document_row documents[OBJECT_N] = {
#define DOCUMENT(object, type, root, child) [OBJECT_##object] = {type, root, child},
#include "ipn/documents.def"
};

static const struct field_row fields[] = {
#define FIELD(object, path, member, kind, need)                                                    \
	{OBJECT_##object, path, offsetof(struct ipn_document, member), KIND_##kind, need},
#include "ipn/documents.def"
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* The member of every row has the type that its kind writes. */
#define TYPE_OF_ID     char *
#define TYPE_OF_WORD   char *
#define TYPE_OF_TEXT   char *
#define TYPE_OF_NOTE   char *
#define TYPE_OF_AMOUNT struct ipn_amount
#define TYPE_OF_TIME   int64_t
#define TYPE_OF_FLAG   enum ipn_flag
#define TYPE_OF_IDS    char *[IPN_IDS_MAX]
#define FIELD(object, path, member, kind, need)                                                    \
	_Static_assert(__builtin_types_compatible_p(                                               \
			       __typeof__(((struct ipn_document *)NULL)->member), TYPE_OF_##kind), \
		       path);
#include "ipn/documents.def"

void ipn_document_init(void)
{
	xml_init();
}

void ipn_document_done(struct ipn_document *d)
{
	free(d->object_id);
	free(d->order_reference_id);
	free(d->state);
	free(d->reason_code);
	free(d->reason_description);
	free(d->reference_id);
	free(d->seller_order_id);
	free(d->refund_type);
	for (size_t i = 0; i < d->n_ids; i++)
		free(d->ids[i]);
	*d = (struct ipn_document){0};
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

static bool objected(const struct field_row *row, struct why *why, const char *objection)
{
	why_set(why, "%s %s", row->path, objection);
	return false;
}

/* What is absent, and what is empty, which is the same. */
static bool read_nothing(const struct field_row *row, struct why *why)
{
	return row->need == OPTIONAL || objected(row, why, "is missing");
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

static bool read_string(const struct field_row *row, struct text t, size_t max, char **ret,
			struct why *why)
{
	if (t.len > max)
		return objected(row, why, "is too long");
	if (has_control(t))
		return objected(row, why, "has a control character");
	return copy(t, ret, why);
}

/* Sentences that people wrote: a state is not to be lost for a line end in one of them. */
static bool read_note(const struct field_row *row, struct text t, char **ret, struct why *why)
{
	CLEANUP(freep) char *s = NULL;

	if (t.len > IPN_NOTE_MAX)
		return objected(row, why, "is too long");
	if (!copy(t, &s, why))
		return false;
	for (char *c = s; *c; c++)
		if (*c == '\t' || *c == '\n' || *c == '\r')
			*c = ' ';
	if (has_control(text_of(s)))
		return objected(row, why, "has a control character");
	*ret = TAKE(s);
	return true;
}

static bool read_id(const struct field_row *row, struct text t, char **ret, struct why *why)
{
	if (t.len > IPN_ID_MAX || !is_id(t))
		return objected(row, why, "is not an identifier");
	return copy(t, ret, why);
}

static bool read_time(const struct field_row *row, struct text t, int64_t *ret_ms, struct why *why)
{
	return utc_parse_xsd(t, ret_ms) == 0 || objected(row, why, "is not a time");
}

static bool read_flag(const struct field_row *row, struct text t, enum ipn_flag *ret,
		      struct why *why)
{
	if (text_is(t, "true") || text_is(t, "1"))
		*ret = IPN_TRUE;
	else if (text_is(t, "false") || text_is(t, "0"))
		*ret = IPN_FALSE;
	else
		return objected(row, why, "is neither true nor false");
	return true;
}

/* The text of the one child of that name; absent (at == NULL) when there is none. */
static bool read_child(const xmlNode *e, struct text name, struct text *ret, struct why *why)
{
	const xmlNode *child = NULL;

	*ret = (struct text){NULL, 0};
	return xml_child(e, name, &child, why) && (!child || xml_leaf(child, ret, why));
}

/* Minor units of two currencies must never meet in one row: all known amounts of a document share one. */
static bool read_amount(const struct field_row *row, const xmlNode *e, struct ipn_document *d,
			struct ipn_amount *ret, struct why *why)
{
	struct text amount, currency;
	int64_t minor = 0;
	int r;

	if (!read_child(e, TEXT("Amount"), &amount, why) ||
	    !read_child(e, TEXT("CurrencyCode"), &currency, why))
		return false;
	if (!amount.at && !currency.at)
		return read_nothing(row, why);
	if (!amount.at || !currency.at)
		return objected(row, why, "lacks its amount or currency");
	r = money_parse(amount, currency, &minor);
	if (r == -ERANGE)
		return objected(row, why, "would lose digits, or is too large");
	if (r < 0)
		return objected(row, why, "is not an amount in a known currency");
	if (d->currency[0] && !text_is(currency, d->currency))
		return objected(row, why, "is in another currency than the amounts before it");
	assert(currency.len < CURRENCY_SIZE);
	memcpy(d->currency, currency.at, currency.len);
	*ret = (struct ipn_amount){true, minor};
	return true;
}

static bool is_listed(const struct ipn_document *d, struct text id)
{
	for (size_t i = 0; i < d->n_ids; i++)
		if (text_is(id, d->ids[i]))
			return true;
	return false;
}

/* A set: an id that is listed twice counts once. */
static bool read_ids(const struct field_row *row, const xmlNode *list, struct ipn_document *d,
		     struct why *why)
{
	const xmlNode *n = NULL;

	while (xml_next_child(list, TEXT("Id"), &n, why)) {
		struct text id;

		if (!n)
			return true;
		if (!xml_leaf(n, &id, why))
			return false;
		if (is_listed(d, id))
			continue;
		if (d->n_ids == IPN_IDS_MAX)
			return objected(row, why, "has too many identifiers");
		if (!read_id(row, id, &d->ids[d->n_ids], why))
			return false;
		d->n_ids++;
	}
	return false;
}

static bool read_leaf(const struct field_row *row, const xmlNode *e, void *ret, struct why *why)
{
	struct text t;

	if (!xml_leaf(e, &t, why))
		return false;
	if (t.len == 0)
		return read_nothing(row, why);
	switch (row->kind) {
	case KIND_ID:
		return read_id(row, t, ret, why);
	case KIND_WORD:
		return read_string(row, t, IPN_WORD_MAX, ret, why);
	case KIND_TEXT:
		return read_string(row, t, IPN_TEXT_MAX, ret, why);
	case KIND_NOTE:
		return read_note(row, t, ret, why);
	case KIND_TIME:
		return read_time(row, t, ret, why);
	case KIND_FLAG:
		return read_flag(row, t, ret, why);
	case KIND_AMOUNT:
	case KIND_IDS:
		break;
	}
	assert(!"an element with children");
	return false;
}

/* Follows the path from `e`; *ret is NULL when it leads nowhere. */
static bool find(const xmlNode *e, const char *path, const xmlNode **ret, struct why *why)
{
	while (e && *path) {
		struct text name = {path, strcspn(path, "/")};

		if (!xml_child(e, name, &e, why))
			return false;
		path += name.len;
		path += *path == '/';
	}
	*ret = e;
	return true;
}

static bool read_field(const struct field_row *row, const xmlNode *from, struct ipn_document *d,
		       struct why *why)
{
	void *member = (char *)d + row->offset;
	const xmlNode *e = NULL;

	if (!find(from, row->path, &e, why))
		return false;
	if (!e)
		return read_nothing(row, why);
	if (row->kind == KIND_AMOUNT)
		return read_amount(row, e, d, member, why);
	if (row->kind == KIND_IDS)
		return read_ids(row, e, d, why);
	return read_leaf(row, e, member, why);
}

/* The order reference is itself; what hangs below one tells it by its id. */
static bool read_order_reference_id(struct ipn_document *d, struct why *why)
{
	if (d->object == OBJECT_ORDER_REFERENCE)
		return copy(text_of(d->object_id), &d->order_reference_id, why);
	d->order_reference_id = ipn_order_reference_of(d->object_id);
	return true;
}

static bool is_type(struct text type, const char *expected)
{
	struct text rest = type;

	for (; rest.len > 0; rest.at++, rest.len--) {
		if (*rest.at == ' ')
			continue;
		if (!*expected ||
		    !text_is_nocase((struct text){rest.at, 1}, (char[]){*expected, 0}))
			return false;
		expected++;
	}
	return !*expected;
}

enum object_type ipn_document_object(struct text type)
{
	enum object_type o = 0;

	while (o < OBJECT_N && !is_type(type, documents[o].type))
		o++;
	return type.at ? o : OBJECT_N;
}

static bool find_object(struct text type, enum object_type *ret, struct why *why)
{
	enum object_type object = ipn_document_object(type);
	char escaped[ESCAPED_SIZE];

	if (!type.at) {
		why_set(why, "no NotificationType");
		return false;
	}
	if (object < OBJECT_N) {
		*ret = object;
		return true;
	}
	text_escape(type, escaped, sizeof(escaped));
	why_set(why, "unknown NotificationType \"%s\"", escaped);
	return false;
}

static bool read_document(const xmlNode *root, struct ipn_document *d, struct why *why)
{
	const struct document_row *document = &documents[d->object];
	const xmlNode *child = NULL;

	if (strcmp((const char *)root->name, document->root) != 0) {
		why_set(why, "the root element is not %s", document->root);
		return false;
	}
	if (!xml_child(root, text_of(document->child), &child, why))
		return false;
	if (!child) {
		why_set(why, "%s is missing", document->child);
		return false;
	}
	for (size_t i = 0; i < FIELDS; i++)
		if (fields[i].object == d->object && !read_field(&fields[i], child, d, why))
			return false;
	return read_order_reference_id(d, why);
}

bool ipn_document_parse(struct text type, struct text xml, struct ipn_document *ret,
			struct why *why)
{
	CLEANUP(xmlFreeDocp) xmlDoc *doc = NULL;
	CLEANUP(ipn_document_done)
	struct ipn_document d = {
		.created_ms = UTC_UNKNOWN,
		.updated_ms = UTC_UNKNOWN,
		.expires_ms = UTC_UNKNOWN,
		.soft_decline = IPN_UNKNOWN,
		.capture_now = IPN_UNKNOWN,
	};

	if (!find_object(type, &d.object, why))
		return false;
	if (!xml.at) {
		why_set(why, "no NotificationData");
		return false;
	}
	doc = xml_parse(xml, why);
	if (!doc || !read_document(xmlDocGetRootElement(doc), &d, why))
		return false;
	*ret = d;
	d = (struct ipn_document){0};
	return true;
}
