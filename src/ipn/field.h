/*
 * The rows of documents.def, by which ipn-simulate writes as well; and, inside src/ipn/ only, reading an element as a row says.
 */
#ifndef IPND_IPN_FIELD_H
#define IPND_IPN_FIELD_H

#include "ipn/document.h"
#include "ipn/xml.h"

enum field_need { OPTIONAL, MANDATORY };

enum field_kind {
	KIND_NONE, /* known, and not read */
	KIND_ID,
	KIND_WORD,
	KIND_TEXT,
	KIND_NOTE,
	KIND_NUMBER,
	KIND_AMOUNT,
	KIND_FOREIGN,
	KIND_TIME,
	KIND_FLAG,
	KIND_IDS,
	KIND_OPTIONS,
};

struct field {
	enum object_type object;
	const char *path;
	size_t offset; /* of the member in struct ipn_document */
	enum field_kind kind;
	enum field_need need;
};

/* All rows; the order is that of documents.def. */
extern const struct field fields[];
extern const size_t n_fields;

/* Whether this is the first name of the path, in one of its spellings. */
bool field_path_begins(const char *path, const char *name);

/* The path behind its first name; "" at the end. */
const char *field_path_rest(const char *path);

/* Reads what the row says below `from` into its member. False with the reason. */
bool field_read(const struct field *row, const xmlNode *from, struct ipn_document *d,
		struct why *why);

/*
 * Adds the names of elements that no row of the document's object knows: below `child`, and beside it. 0 or -ENOMEM.
 */
int field_find_unknown(const xmlNode *root, const xmlNode *child, struct ipn_document *d);

#endif
