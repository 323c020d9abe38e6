/* Shared by the targets that read documents. */
#ifndef IPND_TESTS_FUZZ_DOCUMENT_H
#define IPND_TESTS_FUZZ_DOCUMENT_H

#include "ipn/document.h"

/*
 * What ipnd relies on in every document that was accepted; and written by the rows of documents.def, as ipn-simulate
 * writes, it is read as the same.
 */
void check_document(const struct ipn_document *d);

#endif
