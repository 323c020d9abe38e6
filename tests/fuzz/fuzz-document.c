/* The XML of every type: the first byte is the type's number, in the order of documents.def, as a digit. */
#include <assert.h>

#include "document.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {
#define DOCUMENT(object, type, root, child) type,
#include "ipn/documents.def"
	};
	struct ipn_document d = {.object = OBJECT_N};
	struct why why = {""};
	bool passed;

	ipn_document_init();
	if (size == 0)
		return 0;
	passed = ipn_document_parse(text_of(types[(uint8_t)(data[0] - '0') % OBJECT_N]),
				    (struct text){(const char *)data + 1, size - 1}, &d, &why);
	/* A refusal says why and writes nothing. */
	assert(passed == !why.text[0] && passed == (d.object != OBJECT_N));
	if (!passed)
		return 0;
	check_document(&d);
	ipn_document_done(&d);
	return 0;
}
