/*
 * What is around the XML of a notification: Amazon Pay's JSON, and the SNS envelope around that. Both are laid out byte for
 * byte as in recorded messages (protocol.md sections 1 and 2, threats.md section 6).
 * Functions that return text return a string the caller frees; NULL: out of memory.
 */
#ifndef IPND_SIMULATE_MESSAGE_H
#define IPND_SIMULATE_MESSAGE_H

#include <stdint.h>

/* The JSON object that is the envelope's Message. */
struct message_inner {
	const char *environment; /* "Sandbox", "Live" */
	const char *marketplace_id;
	const char *type;       /* NotificationType */
	const char *event_type; /* of a billing agreement; NULL: there is none */
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
