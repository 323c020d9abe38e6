/*
 * XML from outside to a small tree, or a refusal: nothing that a document says opens a file or an address, and
 * none takes long (threats.md 3.18 to 3.20). For document.c only.
 */
#ifndef IPND_IPN_XML_H
#define IPND_IPN_XML_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/text.h"

/*
 * Real documents have about 2 KB, 40 elements and are 5 deep. The size also bounds the time: libxml2 compares
 * every attribute of an element with every other one.
 */
#define XML_SIZE_MAX     65536
#define XML_ELEMENTS_MAX 1000
#define XML_DEPTH_MAX    16

DEFINE_CLEANUP(xmlDoc *, xmlFreeDoc)

/*
 * Once per process: every file and address is refused from then on, libxml2 writes nothing to stderr, and memory_was_short() knows
 * of its allocations.
 */
void xml_init(void);

/*
 * Well-formed XML 1.0 in UTF-8 without a DOCTYPE. NULL with the reason. The caller frees the document, which
 * has a root.
 */
xmlDoc *xml_parse(struct text xml, struct why *why);

/* Whether the name is among `names`, which have a bar between them: "Id|member". */
bool xml_is_named(const char *name, struct text names);

/*
 * The next child element of such a local name, in any namespace or none, after *at, or the first when *at is
 * NULL. *at is NULL again when there is none. False when text stands among the elements.
 */
bool xml_next_child(const xmlNode *parent, struct text names, const xmlNode **at, struct why *why);

/* The only such child; *ret is NULL when there is none. False also when there are two. */
bool xml_child(const xmlNode *parent, struct text names, const xmlNode **ret, struct why *why);

/*
 * The text of an element that has no more than one text node in it, without white space at its ends; borrowed.
 * False for anything else: elements, CDATA, a comment or an instruction that splits the text.
 */
bool xml_leaf(const xmlNode *e, struct text *ret, struct why *why);

#endif
