/* The middle layer: the JSON object inside the SNS Message (protocol.md section 2). */
#ifndef IPND_IPN_NOTIFICATION_H
#define IPND_IPN_NOTIFICATION_H

#include <jansson.h>
#include <stdbool.h>

#include "base/text.h"

/* Borrowed from `root`; a text is absent (at == NULL) when the member is not there or not a string. */
struct ipn_notification {
	json_t *root;
	struct text type;         /* NotificationType as received */
	struct text reference_id; /* NotificationReferenceId */
	struct text seller_id;    /* SellerId */
	struct text environment;  /* ReleaseEnvironment */
	struct text event_type;   /* EventType, billing agreements only */
	struct text data;         /* NotificationData: the XML document */
	bool is_sample;           /* IsSample is true, or the text "true" */
};

/*
 * Strict JSON, one object, no member twice, an IsSample that is true or false, if any. Missing members are left absent. False with the reason when it is
 * not such an object; then *ret is not written. On success the caller calls ipn_notification_done().
 */
bool ipn_notification_parse(struct text message, struct ipn_notification *ret, struct why *why);
void ipn_notification_done(struct ipn_notification *n);

#endif
