/* The XML of every type: the first byte chooses the type. */
#include <assert.h>
#include <stdint.h>

#include "ipn/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {
#define DOCUMENT(object, type, root, child) type,
#include "ipn/documents.def"
	};
	struct ipn_document d;
	struct why why;

	ipn_document_init();
	if (size == 0 ||
	    !ipn_document_parse(text_of(types[data[0] % OBJECT_N]),
				(struct text){(const char *)data + 1, size - 1}, &d, &why))
		return 0;
	assert(d.object_id && d.object_id[0] && strlen(d.object_id) <= IPN_ID_MAX);
	assert(d.n_unknown <= IPN_UNKNOWN_MAX && d.ids.n <= IPN_IDS_MAX);
	ipn_document_done(&d);
	return 0;
}
