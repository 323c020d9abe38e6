#include "sns/envelope.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "base/utc.h"

#define DEPTH_MAX     16   /* threats.md 3.11; an envelope needs 1, with MessageAttributes 3 */
#define TOKEN_MAX     512  /* threats.md 2.4: seen 224 and 256 */
#define SUBJECT_MAX   100  /* AWS, Publish: "must be less than 100 characters long" */
#define SIGNATURE_MAX 1024 /* bytes: a key of 8192 bits */

static const char *const type_words[] = {
	[SNS_NOTIFICATION] = "Notification",
	[SNS_SUBSCRIPTION_CONFIRMATION] = "SubscriptionConfirmation",
	[SNS_UNSUBSCRIBE_CONFIRMATION] = "UnsubscribeConfirmation",
};
#define N_TYPES (sizeof(type_words) / sizeof(type_words[0]))

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_anything(struct text t)
{
	(void)t;
	return true;
}

static bool is_type(struct text t)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (text_is(t, type_words[i]))
			return true;
	return false;
}

static bool is_uuid(struct text t)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (t.len != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (shape[i] == 'x' ? !is_hex(t.at[i]) : t.at[i] != '-')
			return false;
	return true;
}

static bool is_time(struct text t)
{
	int64_t ms;

	return utc_parse(t, &ms) == 0;
}

/* C0, DEL, or the first byte of a C1 control in UTF-8, which jansson has checked to be well-formed. */
static bool has_control(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if (c < 0x20 || c == 0x7F)
			return true;
		if (c == 0xC2 && i + 1 < t.len && (unsigned char)t.at[i + 1] < 0xA0)
			return true;
	}
	return false;
}

static bool is_subject(struct text t)
{
	size_t characters = 0;

	for (size_t i = 0; i < t.len; i++)
		characters += ((unsigned char)t.at[i] & 0xC0) != 0x80;
	return characters <= SUBJECT_MAX && !has_control(t);
}

static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!is_hex(t.at[i]))
			return false;
	return t.len > 0 && t.len <= TOKEN_MAX;
}

static bool is_version(struct text t)
{
	return text_is(t, "1") || text_is(t, "2");
}

static bool is_signature(struct text t)
{
	unsigned char bytes[SIGNATURE_MAX];

	return text_base64_decode(t, bytes, sizeof(bytes)) > 0;
}

enum types { ONLY_NOTIFICATION = 1, ONLY_CONFIRMATIONS = 2, ALL_TYPES = 3 };

/*
 * Every field that is read, the signed ones first and in the order in which they are signed. Keys and values in
 * the signed text are only set apart by line ends, so a value with a line end in it could be read as several
 * fields: of the signed ones none but Message may hold one (threats.md section 1.1).
 */
/* clang-format off */
static const struct field {
	const char *key;
	size_t at;
	enum types types;
	bool is_signed;
	bool optional;
	bool (*is_good)(struct text);
	const char *good;
} fields[] = {
#define AT(member) offsetof(struct sns_envelope, member)
	{ "Message",          AT(message),          ALL_TYPES,          true,  false, is_anything,  "text" },
	{ "MessageId",        AT(message_id),       ALL_TYPES,          true,  false, is_uuid,      "a lower-case UUID" },
	{ "Subject",          AT(subject),          ONLY_NOTIFICATION,  true,  true,  is_subject,   "one line of at most 100 characters" },
	{ "SubscribeURL",     AT(subscribe_url),    ONLY_CONFIRMATIONS, true,  false, is_anything,  "text" },
	{ "Timestamp",        AT(timestamp),        ALL_TYPES,          true,  false, is_time,      "YYYY-MM-DDTHH:MM:SS.mmmZ" },
	{ "Token",            AT(token),            ONLY_CONFIRMATIONS, true,  false, is_token,     "1 to 512 lower-case hex digits" },
	{ "TopicArn",         AT(topic_arn),        ALL_TYPES,          true,  false, is_anything,  "text" },
	{ "Type",             AT(type_text),        ALL_TYPES,          true,  false, is_type,      "one of SNS's three" },
	{ "SignatureVersion", AT(version_text),     ALL_TYPES,          false, false, is_version,   "\"1\" or \"2\"" },
	{ "Signature",        AT(signature),        ALL_TYPES,          false, false, is_signature, "Base64 of at most 1024 bytes" },
	{ "SigningCertURL",   AT(signing_cert_url), ALL_TYPES,          false, false, is_anything,  "text" },
#undef AT
};
/* clang-format on */
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

static struct text *value_of(const struct field *f, struct sns_envelope *e)
{
	return (struct text *)((char *)e + f->at);
}

static struct text const_value_of(const struct field *f, const struct sns_envelope *e)
{
	return *(const struct text *)((const char *)e + f->at);
}

static bool has_field(enum sns_type type, const struct field *f)
{
	return f->types & (type == SNS_NOTIFICATION ? ONLY_NOTIFICATION : ONLY_CONFIRMATIONS);
}

/* Before jansson, which calls itself for each level and stops only at 2048. */
static bool is_shallow(struct text body)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < body.len; i++) {
		char c = body.at[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '[') && ++depth > DEPTH_MAX)
			return false;
		else if (!in_string && (c == '}' || c == ']'))
			depth--;
	}
	return true;
}

/* What is said of an error keeps jansson's own words out: they quote the body. */
static enum verdict parse_json(struct text body, json_t **ret, struct why *why)
{
	json_error_t error;
	json_t *root;

	/* jansson loses a NUL that stands behind a number. */
	if (!body.at || memchr(body.at, 0, body.len)) {
		why_set(why, "a NUL byte, or nothing at all");
		return VERDICT_NOT_JSON;
	}
	if (!is_shallow(body)) {
		why_set(why, "deeper than %d levels", DEPTH_MAX);
		return VERDICT_NOT_JSON;
	}
	root = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_error_code(&error) == json_error_out_of_memory) {
		why_set(why, "out of memory");
		return VERDICT_OVERLOAD;
	}
	if (!root) {
		why_set(why, "%s at line %d, column %d",
			json_error_code(&error) == json_error_duplicate_key
				? "a key for the second time"
				: "not JSON",
			error.line, error.column);
		return VERDICT_NOT_JSON;
	}
	if (!json_is_object(root)) {
		json_decref(root);
		why_set(why, "JSON, but not an object");
		return VERDICT_NOT_JSON;
	}
	*ret = root;
	return VERDICT_PASS;
}

static enum verdict read_field(const struct field *f, struct sns_envelope *e, struct why *why)
{
	const json_t *value = json_object_get(e->root, f->key);
	struct text t;

	if (!value && f->optional)
		return VERDICT_PASS;
	if (!value || !json_is_string(value)) {
		why_set(why, "%s is %s, and should be %s", f->key,
			value ? "not a string" : "missing", f->good);
		return VERDICT_BAD_FIELD;
	}
	t = (struct text){json_string_value(value), json_string_length(value)};
	if (!f->is_good(t)) {
		why_set(why, "%s is not %s", f->key, f->good);
		return VERDICT_BAD_FIELD;
	}
	*value_of(f, e) = t;
	return VERDICT_PASS;
}

/* Which fields there are depends on the type. */
static enum verdict read_type(struct sns_envelope *e, struct why *why)
{
	enum verdict v = VERDICT_PASS;

	for (size_t i = 0; i < N_FIELDS && v == VERDICT_PASS; i++)
		if (fields[i].is_good == is_type)
			v = read_field(&fields[i], e, why);
	for (size_t i = 0; i < N_TYPES && v == VERDICT_PASS; i++)
		if (text_is(e->type_text, type_words[i]))
			e->type = (enum sns_type)i;
	return v;
}

enum verdict sns_envelope_parse(struct text body, struct sns_envelope *ret, struct why *why)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	struct sns_envelope e = {0};
	enum verdict v;

	v = parse_json(body, &root, why);
	if (v != VERDICT_PASS)
		return v;
	e.root = root;
	v = read_type(&e, why);
	for (size_t i = 0; i < N_FIELDS && v == VERDICT_PASS; i++)
		if (has_field(e.type, &fields[i]))
			v = read_field(&fields[i], &e, why);
	if (v != VERDICT_PASS)
		return v;
	e.signature_version = text_is(e.version_text, "2") ? 2 : 1;
	(void)utc_parse(e.timestamp, &e.sent_at_ms); /* is_time() has accepted it */
	e.root = TAKE(root);
	*ret = e;
	return VERDICT_PASS;
}

void sns_envelope_done(struct sns_envelope *e)
{
	json_decref(e->root);
	*e = (struct sns_envelope){0};
}

void sns_envelope_signed_text(const struct sns_envelope *e, sns_sink *sink, void *userdata)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		const struct field *f = &fields[i];
		struct text value = const_value_of(f, e);

		if (!f->is_signed || !has_field(e->type, f) || !value.at)
			continue;
		sink(f->key, strlen(f->key), userdata);
		sink("\n", 1, userdata);
		sink(value.at, value.len, userdata);
		sink("\n", 1, userdata);
	}
}

enum verdict sns_envelope_check_headers(const struct sns_envelope *e, struct text type,
					struct text message_id, struct text topic_arn,
					struct why *why)
{
	const struct {
		const char *name;
		struct text header, field;
	} pairs[] = {
		{"type", type, e->type_text},
		{"id", message_id, e->message_id},
		{"topic", topic_arn, e->topic_arn},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].header.at && !text_equal(pairs[i].header, pairs[i].field)) {
			why_set(why, "the header's message %s is not the body's", pairs[i].name);
			return VERDICT_HEADER;
		}
	return VERDICT_PASS;
}

enum verdict sns_envelope_check_age(const struct sns_envelope *e, int64_t now_ms,
				    int64_t max_age_ms, struct why *why)
{
	int64_t age_ms = now_ms - e->sent_at_ms;

	if (age_ms < -SNS_CLOCK_AHEAD_MS) {
		why_set(why, "sent %lld s ahead of our clock", (long long)(-age_ms / 1000));
		return VERDICT_CLOCK;
	}
	if (max_age_ms != DURATION_NONE && age_ms > max_age_ms) {
		why_set(why, "sent %lld s ago, and at most %lld s are accepted",
			(long long)(age_ms / 1000), (long long)(max_age_ms / 1000));
		return VERDICT_TOO_OLD;
	}
	return VERDICT_PASS;
}
