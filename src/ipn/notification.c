#include "ipn/notification.h"

#include "base/cleanup.h"

void ipn_notification_done(struct ipn_notification *n)
{
	json_decref(n->root);
	*n = (struct ipn_notification){0};
}

static struct text text_member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return (struct text){json_string_value(value), json_string_length(value)};
}

/* Without jansson's own words: they quote what was received. */
static void say_not_json(const json_error_t *e, struct why *why)
{
	if (json_error_code(e) == json_error_duplicate_key)
		why_set(why, "Message: a member twice, at byte %d", e->position);
	else
		why_set(why, "Message: not JSON, at byte %d", e->position);
}

bool ipn_notification_parse(struct text message, struct ipn_notification *ret, struct why *why)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	json_error_t error;

	if (!message.at) {
		why_set(why, "no Message");
		return false;
	}
	root = json_loadb(message.at, message.len, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		say_not_json(&error, why);
		return false;
	}
	if (!json_is_object(root)) {
		why_set(why, "Message: not a JSON object");
		return false;
	}
	*ret = (struct ipn_notification){
		.type = text_member(root, "NotificationType"),
		.reference_id = text_member(root, "NotificationReferenceId"),
		.seller_id = text_member(root, "SellerId"),
		.environment = text_member(root, "ReleaseEnvironment"),
		.event_type = text_member(root, "EventType"),
		.data = text_member(root, "NotificationData"),
		.is_sample = json_is_true(json_object_get(root, "IsSample")),
	};
	ret->root = TAKE(root);
	return true;
}
