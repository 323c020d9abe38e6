#include "ipn/xml.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlmemory.h>

#include "base/memory.h"

/*
 * Not among them, ever: NOENT (turns substitution on and then reads local files), DTDLOAD, DTDATTR, DTDVALID,
 * XINCLUDE, RECOVER, HUGE.
 */
#define OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)

#define ESCAPED_SIZE 128

/* Hangs at the parser's context: why it was stopped. */
struct guard {
	const char *objection; /* NULL: none */
	size_t elements;
};

static void free_context(xmlParserCtxt *ctxt)
{
	xmlFreeDoc(ctxt->myDoc);
	xmlFreeParserCtxt(ctxt);
}

DEFINE_CLEANUP(xmlParserCtxt *, free_context)

static xmlParserInput *refuse_entity(const char *url, const char *id, xmlParserCtxt *ctxt)
{
	(void)url;
	(void)id;
	(void)ctxt;
	return NULL;
}

/* Errors without a context, as those of iconv, would be printed. */
static void __attribute__((format(printf, 2, 3)))
say_nothing(void *userdata, const char *format, ...)
{
	(void)userdata;
	(void)format;
}

void xml_init(void)
{
	xmlMemSetup(free, memory_malloc, memory_realloc, memory_strdup);
	xmlInitParser();
	xmlSetExternalEntityLoader(refuse_entity);
	xmlSetGenericErrorFunc(NULL, say_nothing);
}

/* Parsing ends here. The document may still be called well-formed: only the guard tells. */
static void stop(xmlParserCtxt *ctxt, const char *objection)
{
	struct guard *guard = ctxt->_private;

	if (!guard->objection)
		guard->objection = objection;
	xmlStopParser(ctxt);
}

static void on_doctype(void *userdata, const xmlChar *name, const xmlChar *public_id,
		       const xmlChar *system_id)
{
	(void)name;
	(void)public_id;
	(void)system_id;
	stop(userdata, "a DOCTYPE");
}

/*
 * Called behind the XML declaration. libxml2 keeps a declared UTF-8 (and UTF-16) in the context, any other
 * encoding, which it converts from, in the input.
 */
static void on_start(void *userdata)
{
	xmlParserCtxt *ctxt = userdata;
	const char *encoding = (const char *)ctxt->encoding;

	if (ctxt->input->encoding || (encoding && !text_is_nocase(text_of(encoding), "UTF-8"))) {
		stop(ctxt, "an encoding other than UTF-8");
		return;
	}
	xmlSAX2StartDocument(ctxt);
}

static void on_element(void *userdata, const xmlChar *name, const xmlChar *prefix,
		       const xmlChar *uri, int n_namespaces, const xmlChar **namespaces,
		       int n_attributes, int n_defaulted, const xmlChar **attributes)
{
	xmlParserCtxt *ctxt = userdata;
	struct guard *guard = ctxt->_private;

	if (++guard->elements > XML_ELEMENTS_MAX) {
		stop(ctxt, "too many elements");
		return;
	}
	if (ctxt->nodeNr >= XML_DEPTH_MAX) {
		stop(ctxt, "elements too deep in each other");
		return;
	}
	xmlSAX2StartElementNs(ctxt, name, prefix, uri, n_namespaces, namespaces, n_attributes,
			      n_defaulted, attributes);
}

/*
 * A NUL would end the document early for some and not for others. A first byte that is XML's own leaves libxml2
 * nothing to guess an encoding from but UTF-8.
 */
static bool check_bytes(struct text xml, struct why *why)
{
	size_t bom = xml.len >= 3 && memcmp(xml.at, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

	if (xml.len == bom) {
		why_set(why, "XML: empty");
		return false;
	}
	if (xml.len > XML_SIZE_MAX) {
		why_set(why, "XML: longer than %d bytes", XML_SIZE_MAX);
		return false;
	}
	if (memchr(xml.at, 0, xml.len) || !memchr("< \t\r\n", xml.at[bom], 5)) {
		why_set(why, "XML: not UTF-8 text");
		return false;
	}
	return true;
}

static void say_ill_formed(xmlParserCtxt *ctxt, struct why *why)
{
	const xmlError *e = xmlCtxtGetLastError(ctxt);
	char message[ESCAPED_SIZE];
	struct text said = text_of(e && e->message ? e->message : "no reason given");

	if (said.len > 0 && said.at[said.len - 1] == '\n')
		said.len--;
	text_escape(said, message, sizeof(message));
	why_set(why, "XML: not well-formed: line %d: %s", e ? e->line : 0, message);
}

xmlDoc *xml_parse(struct text xml, struct why *why)
{
	CLEANUP(free_contextp) xmlParserCtxt *ctxt = NULL;
	CLEANUP(xmlFreeDocp) xmlDoc *doc = NULL;
	struct guard guard = {NULL, 0};

	if (!check_bytes(xml, why))
		return NULL;
	ctxt = xmlNewParserCtxt();
	if (!ctxt) {
		why_set(why, "out of memory");
		return NULL;
	}
	ctxt->_private = &guard;
	ctxt->sax->internalSubset = on_doctype;
	ctxt->sax->startDocument = on_start;
	ctxt->sax->startElementNs = on_element;
	doc = xmlCtxtReadMemory(ctxt, xml.at, (int)xml.len, NULL, NULL, OPTIONS);
	if (guard.objection) {
		why_set(why, "XML: %s", guard.objection);
		return NULL;
	}
	if (!doc || !ctxt->wellFormed || !ctxt->nsWellFormed || ctxt->errNo != XML_ERR_OK) {
		say_ill_formed(ctxt, why);
		return NULL;
	}
	if (doc->intSubset || doc->extSubset || !xmlDocGetRootElement(doc)) {
		why_set(why, "XML: a DOCTYPE or no root");
		return NULL;
	}
	return TAKE(doc);
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct text trimmed(const xmlNode *text)
{
	struct text t = text_of((const char *)text->content);

	while (t.len > 0 && is_white(t.at[0])) {
		t.at++;
		t.len--;
	}
	while (t.len > 0 && is_white(t.at[t.len - 1]))
		t.len--;
	return t;
}

static const char *name_of(const xmlNode *e)
{
	return (const char *)e->name;
}

/* White space, comments and instructions may stand between elements. */
static bool may_stand_between(const xmlNode *n)
{
	if (n->type == XML_TEXT_NODE)
		return trimmed(n).len == 0;
	return n->type == XML_COMMENT_NODE || n->type == XML_PI_NODE;
}

bool xml_is_named(const char *name, struct text names)
{
	while (names.len > 0) {
		const char *bar = memchr(names.at, '|', names.len);
		size_t len = bar ? (size_t)(bar - names.at) : names.len;

		if (text_is((struct text){names.at, len}, name))
			return true;
		len += bar != NULL;
		names.at += len;
		names.len -= len;
	}
	return false;
}

bool xml_next_child(const xmlNode *parent, struct text names, const xmlNode **at, struct why *why)
{
	const xmlNode *n = *at ? (*at)->next : parent->children;

	for (; n; n = n->next) {
		if (n->type == XML_ELEMENT_NODE && xml_is_named(name_of(n), names))
			break;
		if (n->type != XML_ELEMENT_NODE && !may_stand_between(n)) {
			why_set(why, "%s: text beside elements", name_of(parent));
			return false;
		}
	}
	*at = n;
	return true;
}

bool xml_child(const xmlNode *parent, struct text names, const xmlNode **ret, struct why *why)
{
	const xmlNode *first = NULL, *second;

	if (!xml_next_child(parent, names, &first, why))
		return false;
	second = first;
	if (second && !xml_next_child(parent, names, &second, why))
		return false;
	if (second) {
		why_set(why, "%s stands twice in %s", name_of(second), name_of(parent));
		return false;
	}
	*ret = first;
	return true;
}

bool xml_leaf(const xmlNode *e, struct text *ret, struct why *why)
{
	const xmlNode *n = e->children;

	if (n && (n->type != XML_TEXT_NODE || n->next)) {
		why_set(why, "%s: not one plain text", name_of(e));
		return false;
	}
	*ret = n ? trimmed(n) : TEXT("");
	return true;
}
