/* The inner JSON, and the document in it. The same JSON in another spelling says the same. */
#include <assert.h>

#include "base/cleanup.h"
#include "document.h"
#include "fuzz.h"
#include "ipn/notification.h"

static bool same(struct text a, struct text b)
{
	return a.at ? text_equal(a, b) : !b.at;
}

static void check_other_spelling(const struct ipn_notification *n)
{
	CLEANUP(freep) char *message = json_dumps(n->root, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	struct ipn_notification again;
	struct why why;

	assert(message);
	assert(ipn_notification_parse(text_of(message), &again, &why));
	assert(same(n->type, again.type) && same(n->reference_id, again.reference_id));
	assert(same(n->seller_id, again.seller_id) && same(n->environment, again.environment));
	assert(same(n->event_type, again.event_type) && same(n->data, again.data));
	assert(n->is_sample == again.is_sample);
	ipn_notification_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipn_notification n = {0};
	struct ipn_document d;
	struct why why = {""};
	bool passed;

	ipn_document_init();
	passed = ipn_notification_parse((struct text){(const char *)data, size}, &n, &why);
	assert(passed == !why.text[0] && passed == (n.root != NULL));
	if (!passed)
		return 0;
	check_other_spelling(&n);
	if (ipn_document_parse(n.type, n.data, &d, &why)) {
		assert(ipn_document_object(n.type) == d.object);
		check_document(&d);
		ipn_document_done(&d);
	}
	ipn_notification_done(&n);
	return 0;
}
