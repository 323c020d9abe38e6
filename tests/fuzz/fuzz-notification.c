/* The inner JSON, and the document in it. */
#include <stdint.h>

#include "ipn/document.h"
#include "ipn/notification.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipn_notification n;
	struct ipn_document d;
	struct why why;

	ipn_document_init();
	if (!ipn_notification_parse((struct text){(const char *)data, size}, &n, &why))
		return 0;
	if (ipn_document_parse(n.type, n.data, &d, &why))
		ipn_document_done(&d);
	ipn_notification_done(&n);
	return 0;
}
