/*
 * Notifications as Amazon writes them: XML document, the JSON around it, the SNS envelope around that. Every
 * layer is laid out byte for byte as in recorded messages (protocol.md sections 1 to 3, threats.md section 6).
 * Functions that return text return a string the caller frees; NULL: out of memory.
 */
#ifndef IPND_SIMULATE_MESSAGE_H
#define IPND_SIMULATE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipn/document.h"

/* One state of one object, with all that its document says. Strings are borrowed. */
struct snapshot {
	enum object_type object;
	const char *id;
	const char *reference_id;    /* the merchant's own; not of order references */
	const char *seller_id;       /* order references only, as is the next */
	const char *seller_order_id; /* NULL: not in the document */
	const char *state;
	const char *reason_code; /* NULL: not in the document */
	const char *currency;    /* one that money_exponent() knows */
	int64_t amount_minor;
	int64_t done_minor;
	int64_t created_ms;
	int64_t updated_ms;
	int64_t expires_ms;          /* order references and authorizations */
	const char *child_id;        /* the entry of IdList; NULL: the list is empty */
	const char *soft_descriptor; /* may be empty; not of order references */
	bool soft_decline;
	bool capture_now;
};

char *message_document(const struct snapshot *s);

/* The JSON object that is the envelope's Message. */
struct message_inner {
	const char *environment; /* "Sandbox", "Live" */
	const char *marketplace_id;
	enum object_type object; /* gives NotificationType */
	const char *seller_id;
	const char *reference_id;
	int64_t at_ms;
	const char *document;
};

char *message_inner(const struct message_inner *m);

struct message_envelope {
	const char *message_id;
	const char *topic_arn;
	const char *message;   /* the inner JSON */
	const char *timestamp; /* as utc_format() writes it */
	const char *signature_version;
	const char *signature; /* Base64; not part of the signed text */
	const char *certificate_url;
	const char *unsubscribe_url;
};

/* The text that SNS signs for a Notification without Subject. */
char *message_signed_text(const struct message_envelope *e);

/* The body of the request. */
char *message_envelope(const struct message_envelope *e);

#endif
