/*
 * The inner layer: the XML document in NotificationData, read by the one table of (type, path, field) in
 * documents.def (protocol.md section 3).
 */
#ifndef IPND_IPN_DOCUMENT_H
#define IPND_IPN_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/money.h"
#include "base/text.h"
#include "base/utc.h"

enum object_type {
#define OBJECT(name, word, letter) OBJECT_##name,
#include "ipn/objects.def"
#undef OBJECT
	OBJECT_N
};

const char *object_word(enum object_type o);
/* OBJECT_N when it is none. */
enum object_type object_of_word(const char *word);

enum ipn_flag { IPN_UNKNOWN = -1, IPN_FALSE = 0, IPN_TRUE = 1 };

#define IPN_ID_MAX  64 /* bytes of an object's id; real ones have at most 27 */
#define IPN_IDS_MAX 64 /* a capture has at most 10 refunds (protocol.md section 5) */

/*
 * Bytes of the other strings: Amazon's words; the merchant's own ids (a SellerOrderId has up to 127 characters);
 * descriptions (a ClosureReason has up to 1024). A character has up to 4 bytes.
 */
#define IPN_WORD_MAX 64
#define IPN_TEXT_MAX 512
#define IPN_NOTE_MAX 4096

struct ipn_amount {
	bool known;
	int64_t minor;
};

/* One snapshot of one object. Strings are NUL-ended and owned; NULL: not in the document. */
struct ipn_document {
	enum object_type object;
	char *object_id;
	char *order_reference_id; /* the id's first three groups (protocol.md section 3.5); NULL: it has not that shape */
	char *state; /* as written; the machine knows the words */
	char *reason_code;
	char *reason_description; /* a line end or tab in it has become a space */
	char *reference_id;       /* the merchant's own */
	char *seller_order_id;    /* order references only */
	char *refund_type;
	char currency[CURRENCY_SIZE]; /* of all amounts; "" when there is none */
	struct ipn_amount amount; /* OrderTotal, AuthorizationAmount, CaptureAmount, RefundAmount */
	struct ipn_amount done;   /* CapturedAmount, RefundedAmount */
	struct ipn_amount fee;
	int64_t updated_ms; /* LastUpdateTimestamp */
	int64_t created_ms;
	int64_t expires_ms; /* UTC_UNKNOWN when absent */
	enum ipn_flag soft_decline;
	enum ipn_flag capture_now;
	char *ids[IPN_IDS_MAX]; /* IdList: captures of an authorization, refunds of a capture */
	size_t n_ids;
};

/* Once per process, before the first document: makes libxml2 refuse every file and address. */
void ipn_document_init(void);

/* The object that notifications of this type speak of; OBJECT_N for a type that is not known, or absent. */
enum object_type ipn_document_object(struct text type);

/*
 * `type` is the NotificationType, compared without case and spaces; its root element must agree. Elements are
 * found by local name, wherever they stand; unknown ones are skipped. Missing mandatory or doubled elements,
 * mixed content, a DOCTYPE, an encoding other than UTF-8, amounts that lose digits or differ in currency are
 * refused. False with the reason; then *ret is not written. On success the caller calls ipn_document_done().
 */
bool ipn_document_parse(struct text type, struct text xml, struct ipn_document *ret,
			struct why *why);
void ipn_document_done(struct ipn_document *d);

/* Copies the first three groups of an id of the known shapes, or returns NULL (also: out of memory). */
char *ipn_order_reference_of(const char *object_id);

#endif
