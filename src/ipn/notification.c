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

/*
 * Amazon writes a JSON boolean, and only for a sample. A message that is perhaps a sample must not touch a state, so what is
 * neither yes nor no is refused.
 */
static bool read_is_sample(const json_t *root, bool *ret, struct why *why)
{
	const json_t *value = json_object_get(root, "IsSample");
	struct text text = text_member(root, "IsSample");

	*ret = json_is_true(value) || text_is_nocase(text, "true");
	if (*ret || !value || json_is_false(value) || json_is_null(value) ||
	    text_is_nocase(text, "false"))
		return true;
	why_set(why, "IsSample is neither true nor false");
	return false;
}

bool ipn_notification_parse(struct text message, struct ipn_notification *ret, struct why *why)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	json_error_t error;
	bool is_sample;

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
	if (!read_is_sample(root, &is_sample, why))
		return false;
	*ret = (struct ipn_notification){
		.type = text_member(root, "NotificationType"),
		.reference_id = text_member(root, "NotificationReferenceId"),
		.seller_id = text_member(root, "SellerId"),
		.environment = text_member(root, "ReleaseEnvironment"),
		.event_type = text_member(root, "EventType"),
		.data = text_member(root, "NotificationData"),
		.is_sample = is_sample,
	};
	ret->root = TAKE(root);
	return true;
}
