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
#define OBJECT(name, word, words, letter) OBJECT_##name,
#include "ipn/objects.def"
#undef OBJECT
	OBJECT_N
};

const char *object_word(enum object_type o);
/* For people: "order reference". */
const char *object_words(enum object_type o);
/* What stands before the last group of its ids, 0: nothing. */
char object_letter(enum object_type o);
/* OBJECT_N when it is none. */
enum object_type object_of_word(const char *word);

enum ipn_flag { IPN_UNKNOWN = -1, IPN_FALSE = 0, IPN_TRUE = 1 };

#define IPN_ID_MAX  64 /* bytes of an object's id; real ones have at most 27 */
#define IPN_IDS_MAX 64 /* a capture has at most 10 refunds (protocol.md section 5) */

/*
 * Bytes of the other strings: Amazon's words; the merchant's own ids (a SellerOrderId has up to 127 characters);
 * descriptions (a ClosureReason has up to 1024); the options of a registration. A character has up to 4 bytes.
 */
#define IPN_WORD_MAX    64
#define IPN_TEXT_MAX    512
#define IPN_NOTE_MAX    4096
#define IPN_OPTIONS_MAX 8192

#define IPN_UNKNOWN_MAX 8 /* names of unknown elements that one document tells */

struct ipn_amount {
	bool known;
	int64_t minor;
};

struct ipn_foreign {
	bool known;
	int64_t minor;
	char currency[CURRENCY_SIZE];
};

struct ipn_ids {
	char *at[IPN_IDS_MAX];
	size_t n;
};

/* One snapshot of one object. Strings are NUL-ended and owned; NULL: not in the document. */
struct ipn_document {
	enum object_type object;
	char *object_id; /* of a solution provider's event: the merchant's seller id */
	/*
	 * As the document says, or the id's first three groups (protocol.md section 3.5); NULL: it has not that shape,
	 * or the object is of no order.
	 */
	char *order_reference_id;
	char *state; /* as written; the machine knows the words */
	char *reason_code;
	char *reason_description; /* a line end or tab in it has become a space */
	char *reference_id;       /* the merchant's own */
	char *seller_order_id;    /* order references only */
	char *refund_type;
	char *seller_id; /* provider credits and their reversals: the merchant's */
	char *provider_seller_id;
	char *options;                /* a registration's: a JSON object of strings and nulls */
	char currency[CURRENCY_SIZE]; /* of all amounts but `converted`; "" when there is none */
	struct ipn_amount
		amount; /* OrderTotal, AuthorizationAmount, CaptureAmount, RefundAmount, ... */
	struct ipn_amount done; /* CapturedAmount, RefundedAmount, CreditReversalAmount */
	struct ipn_amount fee;
	struct ipn_amount limit; /* a billing agreement's, for each period */
	struct ipn_amount remaining;
	struct ipn_foreign
		converted;     /* ConvertedAmount, in the currency that the merchant is paid in */
	char *conversion_rate; /* as written */
	int64_t updated_ms; /* LastUpdateTimestamp; UTC_UNKNOWN: of a kind that carries no time */
	int64_t created_ms; /* this and the following: UTC_UNKNOWN when absent */
	int64_t expires_ms;
	int64_t period_start_ms;
	int64_t period_end_ms;
	enum ipn_flag soft_decline;
	enum ipn_flag capture_now;
	enum ipn_flag consent;
	/*
	 * Captures of an authorization, refunds and provider credits of a capture, reversals of a provider credit or a
	 * refund.
	 */
	struct ipn_ids ids;
	/* Elements that this version does not know, each name once. They are in the raw message. */
	char *unknown[IPN_UNKNOWN_MAX];
	size_t n_unknown;
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

/*
 * Copies the first three groups of an id of the known shapes, or returns NULL: it has none, is a billing agreement's,
 * or out of memory.
 */
char *ipn_order_reference_of(const char *object_id);

/* Whether an id has the shape of a billing agreement's: C01-1234567-1234567 in the sandbox, B01-... live. */
bool ipn_is_billing_agreement(const char *object_id);

/*
 * The change that an EventType tells of, as the end of an event's name ("payment_method_updated"); "" when it is a
 * change of state only. NULL: unknown, or absent.
 */
const char *ipn_change_of(struct text event_type);

#endif
