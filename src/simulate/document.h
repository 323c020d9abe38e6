/*
 * A notification's XML as Amazon writes it: the rows of ipn/documents.def, the other way round, byte for byte as in recorded
 * messages (protocol.md section 3).
 */
#ifndef IPND_SIMULATE_DOCUMENT_H
#define IPND_SIMULATE_DOCUMENT_H

#include "ipn/document.h"

/*
 * What is NULL, unknown or UTC_UNKNOWN is left out; `seller_id` also stands among the shop's attributes of an order or an
 * agreement. `soft_descriptor` (may be empty) is what the buyer reads on a statement. The caller frees; NULL: out of memory.
 */
char *document_write(const struct ipn_document *d, const char *soft_descriptor);

/* NotificationType; of a chargeback with the spaces that real ones have. */
const char *document_type(enum object_type o);

#endif
