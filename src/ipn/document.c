#include "ipn/document.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ipn/field.h"
#include "ipn/xml.h"

#define ESCAPED_SIZE 64

struct document_row {
	const char *type;
	const char *root;
	const char *child;
};

static const struct document_row documents[OBJECT_N] = {
#define DOCUMENT(object, type, root, child) [OBJECT_##object] = {type, root, child},
#include "ipn/documents.def"
};

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
	free(d->seller_id);
	free(d->provider_seller_id);
	free(d->options);
	free(d->conversion_rate);
	for (size_t i = 0; i < d->ids.n; i++)
		free(d->ids.at[i]);
	for (size_t i = 0; i < d->n_unknown; i++)
		free(d->unknown[i]);
	*d = (struct ipn_document){0};
}

/* The order reference is itself; a chargeback names it; what hangs below one tells it by its id. */
static bool read_order_reference_id(struct ipn_document *d, struct why *why)
{
	if (d->object == OBJECT_ORDER_REFERENCE) {
		d->order_reference_id = text_dup(text_of(d->object_id));
		if (!d->order_reference_id)
			why_set(why, "out of memory");
		return d->order_reference_id;
	}
	if (!d->order_reference_id && object_letter(d->object))
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
	for (size_t i = 0; i < n_fields; i++)
		if (fields[i].object == d->object && !field_read(&fields[i], child, d, why))
			return false;
	if (field_find_unknown(root, child, d) < 0) {
		memory_note_short();
		why_set(why, "out of memory");
		return false;
	}
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
		.period_start_ms = UTC_UNKNOWN,
		.period_end_ms = UTC_UNKNOWN,
		.soft_decline = IPN_UNKNOWN,
		.capture_now = IPN_UNKNOWN,
		.consent = IPN_UNKNOWN,
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
