#include "sns/envelope.h"

#include "authority.h"
#include "base/utc.h"
#include "unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    INT64_C(86400000)

#define SIGNATURE "AAAA" /* strict Base64; nobody checks it here */

#define NOTIFICATION                                                                               \
	"{\"Type\":\"Notification\",\"MessageId\":\"fb446ef1-c2bd-5bb9-a998-22f365e7e95b\","       \
	"\"TopicArn\":\"" DRAFT_TOPIC "\",\"Timestamp\":\"2020-06-15T12:00:00.000Z\","             \
	"\"SignatureVersion\":\"1\",\"Signature\":\"" SIGNATURE "\",\"SigningCertURL\":\"u\","

static enum verdict verdict_of(struct text body)
{
	struct sns_envelope e = {0};
	struct why why = {""};
	enum verdict v = sns_envelope_parse(body, &e, &why);

	/* A refusal says why and writes nothing. */
	ck_assert((v == VERDICT_PASS) == (why.text[0] == 0));
	ck_assert((v == VERDICT_PASS) == (e.root != NULL));
	sns_envelope_done(&e);
	return v;
}

static enum verdict verdict_of_draft(const struct draft *d)
{
	CLEANUP(freep) char *body = authority_body(d, SIGNATURE);

	return verdict_of(text_of(body));
}

/* threats.md section 5, cases 39 to 63. */
static const struct {
	struct text body;
	enum verdict verdict;
} bodies[] = {
	{TEXT(NOTIFICATION "\"Message\":\"x\"}"), VERDICT_PASS},
	{TEXT(" \n" NOTIFICATION "\"Message\":\"x\"}\r\n\t "), VERDICT_PASS},
	{{NULL, 0}, VERDICT_NOT_JSON},
	{TEXT(""), VERDICT_NOT_JSON},
	{TEXT(" "), VERDICT_NOT_JSON},
	{TEXT("x"), VERDICT_NOT_JSON},
	{TEXT("[]"), VERDICT_NOT_JSON},
	{TEXT("[" NOTIFICATION "\"Message\":\"x\"}]"), VERDICT_NOT_JSON},
	{TEXT("\"Notification\""), VERDICT_NOT_JSON},
	{TEXT("null"), VERDICT_NOT_JSON},
	{TEXT("true"), VERDICT_NOT_JSON},
	{TEXT("1"), VERDICT_NOT_JSON},
	{TEXT("{}"), VERDICT_BAD_FIELD},
	{TEXT(NOTIFICATION "\"Message\":\"x\"}{}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\"}x"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\"}}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\"}\0"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\"}\0x"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"a\":1\0}"), VERDICT_NOT_JSON},
	{TEXT("\0" NOTIFICATION "\"Message\":\"x\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\""), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x"), VERDICT_NOT_JSON},
	{TEXT("\xEF\xBB\xBF" NOTIFICATION "\"Message\":\"x\"}"), VERDICT_NOT_JSON},
	{TEXT("{\0\"\0T\0"), VERDICT_NOT_JSON},
	{TEXT("\xFF\xFE{\0}\0"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"Message\":\"y\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"Messag\\u0065\":\"y\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"TopicArn\":\"y\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"Type\":\"Notification\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"SigningCertURL\":\"u\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"a\":{\"b\":1,\"b\":1}}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\" /* c */}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "'Message':'x'}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"a\":NaN}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"a\":1e999999}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"a\":-0.5}"), VERDICT_PASS},
	{TEXT(NOTIFICATION "\"Message\":\"\xC0\xAF\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"\xFF\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"\xE3\x81\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"\xED\xA0\x80\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"\\uD800\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"\\uDC00\\uD800\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"\\u0000\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"Subject\":\"\\u0000\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"\\u0000\":\"\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"a\nb\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"a\tb\"}"), VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"\\u0001\\n\\u001b\"}"), VERDICT_PASS},
	{TEXT(NOTIFICATION "\"Message\":\"\"}"), VERDICT_PASS},
	{TEXT(NOTIFICATION "\"message\":\"x\"}"), VERDICT_BAD_FIELD},
	/* 16 levels and 17; brackets in strings are none. */
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}"),
	 VERDICT_PASS},
	{TEXT(NOTIFICATION "\"Message\":\"x\",\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}"),
	 VERDICT_NOT_JSON},
	{TEXT(NOTIFICATION "\"Message\":\"\\\"[[[[[[[[[[[[[[[[[[[{{\\\\\"}"), VERDICT_PASS},
	/* Lambda's spelling. */
	{TEXT("{\"Type\":\"Notification\",\"MessageId\":\"fb446ef1-c2bd-5bb9-a998-22f365e7e95b\","
	      "\"TopicArn\":\"t\",\"Timestamp\":\"2020-06-15T12:00:00.000Z\",\"SignatureVersion\":\"1\","
	      "\"Signature\":\"" SIGNATURE "\",\"SigningCertUrl\":\"u\",\"Message\":\"x\"}"),
	 VERDICT_BAD_FIELD},
};

START_TEST(test_bodies)
{
	/* On the heap and without a NUL behind it, so that ASan sees a read beyond the end. */
	size_t len = bodies[_i].body.len;
	CLEANUP(freep) char *exact = malloc(len ? len : 1);

	ck_assert(exact != NULL);
	if (len)
		memcpy(exact, bodies[_i].body.at, len);
	ck_assert_msg(verdict_of((struct text){bodies[_i].body.at ? exact : NULL, len}) ==
			      bodies[_i].verdict,
		      "row %d", _i);
}
END_TEST

START_TEST(test_every_cut)
{
	const struct text whole = TEXT(NOTIFICATION "\"Message\":\"x\"}");

	for (size_t len = 0; len < whole.len; len++)
		ck_assert(verdict_of((struct text){whole.at, len}) == VERDICT_NOT_JSON);
}
END_TEST

START_TEST(test_deep)
{
	static char deep[100000];

	memset(deep, '[', sizeof(deep));
	ck_assert(verdict_of((struct text){deep, sizeof(deep)}) == VERDICT_NOT_JSON);
	for (size_t i = 0; i + 5 <= sizeof(deep); i += 5)
		memcpy(deep + i, "{\"\":[", 5);
	ck_assert(verdict_of((struct text){deep, sizeof(deep)}) == VERDICT_NOT_JSON);
}
END_TEST

START_TEST(test_many_keys)
{
	CLEANUP(freep) char *body = NULL;
	size_t len;
	FILE *f = open_memstream(&body, &len);

	fputs(NOTIFICATION, f);
	for (int i = 0; i < 100000; i++)
		fprintf(f, "\"%d\":0,", i);
	fputs("\"Message\":\"x\"}", f);
	ck_assert(fclose(f) == 0);
	ck_assert(verdict_of((struct text){body, len}) == VERDICT_PASS);
}
END_TEST

/* Every required field absent, and as every other kind of value. */
static const char *const notification_fields[] = {
	"Type",      "MessageId",        "TopicArn",  "Message",
	"Timestamp", "SignatureVersion", "Signature", "SigningCertURL",
};
static const char *const confirmation_fields[] = {
	"Type",      "MessageId",        "TopicArn",  "Message",        "Token",
	"Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "SubscribeURL",
};
static const char *const other_values[] = {NULL, "null", "1", "1.5", "true", "[\"1\"]", "{}"};

static enum verdict verdict_with(const struct draft *d, const char *key, const char *value)
{
	CLEANUP(freep) char *body = authority_body(d, SIGNATURE);
	CLEANUP(freep) char *changed = NULL;
	json_t *root = json_loads(body, 0, NULL);

	if (value)
		ck_assert(json_object_set_new(root, key,
					      json_loads(value, JSON_DECODE_ANY, NULL)) == 0);
	else
		ck_assert(json_object_del(root, key) == 0);
	changed = json_dumps(root, 0);
	json_decref(root);
	return verdict_of(text_of(changed));
}

START_TEST(test_notification_fields)
{
	struct draft d = authority_notification();

	for (int i = 0; i < ROWS(other_values); i++)
		ck_assert(verdict_with(&d, notification_fields[_i], other_values[i]) ==
			  VERDICT_BAD_FIELD);
}
END_TEST

START_TEST(test_confirmation_fields)
{
	struct draft d = authority_confirmation();

	for (int i = 0; i < ROWS(other_values); i++) {
		d.type = "SubscriptionConfirmation";
		ck_assert(verdict_with(&d, confirmation_fields[_i], other_values[i]) ==
			  VERDICT_BAD_FIELD);
		d.type = "UnsubscribeConfirmation";
		ck_assert(verdict_with(&d, confirmation_fields[_i], other_values[i]) ==
			  VERDICT_BAD_FIELD);
	}
}
END_TEST

START_TEST(test_subject_kinds)
{
	struct draft d = authority_notification();

	d.subject = "x";
	ck_assert(verdict_with(&d, "Subject", NULL) == VERDICT_PASS);
	for (int i = 1; i < ROWS(other_values); i++)
		ck_assert(verdict_with(&d, "Subject", other_values[i]) == VERDICT_BAD_FIELD);
}
END_TEST

/* What is not signed is not looked at. */
START_TEST(test_unsigned)
{
	struct draft d = authority_notification();
	static const char *const keys[] = {"UnsubscribeURL", "MessageAttributes", "Token",
					   "SubscribeURL", "x"};

	for (int k = 0; k < ROWS(keys); k++)
		for (int i = 1; i < ROWS(other_values); i++)
			ck_assert(verdict_with(&d, keys[k], other_values[i]) == VERDICT_PASS);
	d = authority_confirmation();
	for (int i = 1; i < ROWS(other_values); i++)
		ck_assert(verdict_with(&d, "Subject", other_values[i]) == VERDICT_PASS);
}
END_TEST

#define TEN     "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define TEN_A                                                                                      \
	"\xE3\x81\x82\xE3\x81\x82\xE3\x81\x82\xE3\x81\x82\xE3\x81\x82"                             \
	"\xE3\x81\x82\xE3\x81\x82\xE3\x81\x82\xE3\x81\x82\xE3\x81\x82"
#define HUNDRED_A    TEN_A TEN_A TEN_A TEN_A TEN_A TEN_A TEN_A TEN_A TEN_A TEN_A
#define FIVE_HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

enum member { TYPE, MESSAGE_ID, TOKEN, SUBJECT, TIMESTAMP, VERSION, SIGNATURE_FIELD };

/* threats.md section 2.4 and section 5, cases 69 to 98. */
static const struct {
	enum member member;
	const char *value;
	bool good;
} grammar[] = {
	{TYPE, "notification", false},
	{TYPE, "NOTIFICATION", false},
	{TYPE, "Notification ", false},
	{TYPE, " Notification", false},
	{TYPE, "Notification\n", false},
	{TYPE, "", false},
	{TYPE, "Notification\nMessageId\nx\nType\nNotification", false},
	{MESSAGE_ID, "00000000-0000-0000-0000-000000000000", true},
	{MESSAGE_ID, "", false},
	{MESSAGE_ID, "FB446EF1-C2BD-5BB9-A998-22F365E7E95B", false},
	{MESSAGE_ID, "fb446ef1-c2bd-5bb9-a998-22f365e7e95", false},
	{MESSAGE_ID, "fb446ef1-c2bd-5bb9-a998-22f365e7e95bb", false},
	{MESSAGE_ID, "fb446ef1-c2bd-5bb9-a998-22f365e7e95g", false},
	{MESSAGE_ID, "fb446ef1xc2bd-5bb9-a998-22f365e7e95b", false},
	{MESSAGE_ID, "fb446ef-1c2bd-5bb9-a998-22f365e7e95b", false},
	{MESSAGE_ID, "fb446ef1-c2bd-5bb9-a998-22f365e7e95b\n", false},
	{MESSAGE_ID, "fb446ef1-c2bd-5bb9-a998-22f365e7e95b\nTimestamp\nx", false},
	{MESSAGE_ID, FIVE_HUNDRED, false},
	{TOKEN, "0", true},
	{TOKEN, FIVE_HUNDRED TEN "aa", true},
	{TOKEN, FIVE_HUNDRED TEN "aaa", false},
	{TOKEN, "", false},
	{TOKEN, "A", false},
	{TOKEN, "a ", false},
	{TOKEN, "a&x=y", false},
	{TOKEN, "a\n", false},
	{SUBJECT, "", true},
	{SUBJECT, "A subject", true},
	{SUBJECT, HUNDRED, true},
	{SUBJECT, HUNDRED "a", false},
	{SUBJECT, HUNDRED_A, true},
	{SUBJECT, HUNDRED_A "\xE3\x81\x82", false},
	{SUBJECT, "\xC2\xA0", true},
	{SUBJECT, "\xC3\x80", true},
	{SUBJECT, "\xC2\x80", false},
	{SUBJECT, "\xC2\x9F", false},
	{SUBJECT, "\x7F", false},
	{SUBJECT, "a\nb", false},
	{SUBJECT, "a\rb", false},
	{SUBJECT, "a\tb", false},
	{SUBJECT, "\x1F", false},
	{TIMESTAMP, "2020-02-29T23:59:59.999Z", true},
	{TIMESTAMP, "2020-02-30T12:00:00.000Z", false},
	{TIMESTAMP, "2019-02-29T12:00:00.000Z", false},
	{TIMESTAMP, "2020-06-15T12:00:00Z", false},
	{TIMESTAMP, "2020-06-15T12:00:00.000+00:00", false},
	{TIMESTAMP, "2020-06-15T12:00:00.000z", false},
	{TIMESTAMP, "2020-06-15T12:00:00.000Z\n", false},
	{TIMESTAMP, "2020-06-15T12:00:00.000Z\nTopicArn\nx", false},
	{TIMESTAMP, "", false},
	{VERSION, "1", true},
	{VERSION, "2", true},
	{VERSION, "3", false},
	{VERSION, "", false},
	{VERSION, "01", false},
	{VERSION, "1 ", false},
	{VERSION, "1\n", false},
	{SIGNATURE_FIELD, "AAAA", true},
	{SIGNATURE_FIELD, "-_-_", false},
	{SIGNATURE_FIELD, "", false},
	{SIGNATURE_FIELD, "AA", false},
	{SIGNATURE_FIELD, "AA=", false},
	{SIGNATURE_FIELD, "AA==", true},
	{SIGNATURE_FIELD, "AB==", false},
	{SIGNATURE_FIELD, "AAAA\n", false},
	{SIGNATURE_FIELD, "AA\nAA", false},
	{SIGNATURE_FIELD, " AAAA", false},
	{SIGNATURE_FIELD, "AA==AAAA", false},
};

START_TEST(test_grammar)
{
	const char *value = grammar[_i].value, *signature = SIGNATURE;
	CLEANUP(freep) char *body = NULL;
	struct draft d =
		grammar[_i].member == TOKEN ? authority_confirmation() : authority_notification();

	switch (grammar[_i].member) {
	case TYPE:
		d.type = value;
		break;
	case MESSAGE_ID:
		d.message_id = value;
		break;
	case TOKEN:
		d.token = value;
		break;
	case SUBJECT:
		d.subject = value;
		break;
	case TIMESTAMP:
		d.timestamp = value;
		break;
	case VERSION:
		d.version = value;
		break;
	case SIGNATURE_FIELD:
		signature = value;
		break;
	}
	body = authority_body(&d, signature);
	ck_assert_msg(verdict_of(text_of(body)) ==
			      (grammar[_i].good ? VERDICT_PASS : VERDICT_BAD_FIELD),
		      "row %d", _i);
}
END_TEST

START_TEST(test_signature_length)
{
	static const unsigned char bytes[1025];
	struct draft d = authority_notification();
	CLEANUP(freep)
	char *longest = authority_base64(bytes, 1024), *longer = authority_base64(bytes, 1025);
	CLEANUP(freep) char *good = authority_body(&d, longest), *bad = authority_body(&d, longer);

	ck_assert(verdict_of(text_of(good)) == VERDICT_PASS);
	ck_assert(verdict_of(text_of(bad)) == VERDICT_BAD_FIELD);
}
END_TEST

START_TEST(test_every_control)
{
	struct draft d = authority_notification();

	for (unsigned char c = 1; c < 0x20; c++) {
		char subject[] = {'a', (char)c, 0};

		d.subject = subject;
		ck_assert(verdict_of_draft(&d) == VERDICT_BAD_FIELD);
	}
}
END_TEST

START_TEST(test_values)
{
	struct draft d = authority_confirmation();
	CLEANUP(freep) char *body = authority_body(&d, SIGNATURE);
	struct sns_envelope e;
	struct why why;
	int64_t ms;

	ck_assert(sns_envelope_parse(text_of(body), &e, &why) == VERDICT_PASS);
	ck_assert(utc_parse(text_of(d.timestamp), &ms) == 0);
	ck_assert(e.type == SNS_SUBSCRIPTION_CONFIRMATION);
	ck_assert(text_is(e.type_text, d.type));
	ck_assert(text_is(e.message_id, d.message_id));
	ck_assert(text_is(e.topic_arn, d.topic_arn));
	ck_assert(text_is(e.message, d.message));
	ck_assert(text_is(e.timestamp, d.timestamp));
	ck_assert(text_is(e.token, d.token));
	ck_assert(text_is(e.subscribe_url, d.subscribe_url));
	ck_assert(text_is(e.signature, SIGNATURE));
	ck_assert(text_is(e.signing_cert_url, d.signing_cert_url));
	ck_assert_int_eq(e.signature_version, 1);
	ck_assert_int_eq(e.sent_at_ms, ms);
	ck_assert(e.subject.at == NULL);
	sns_envelope_done(&e);
}
END_TEST

static void append(const void *data, size_t len, void *userdata)
{
	fwrite(data, 1, len, userdata);
}

static char *signed_text(struct text body)
{
	struct sns_envelope e;
	char *s = NULL;
	struct why why;
	size_t size;
	FILE *f;

	ck_assert(sns_envelope_parse(body, &e, &why) == VERDICT_PASS);
	f = open_memstream(&s, &size);
	sns_envelope_signed_text(&e, append, f);
	sns_envelope_done(&e);
	ck_assert(fclose(f) == 0);
	return s;
}

static void check_signed_text(const struct draft *d)
{
	CLEANUP(freep) char *body = authority_body(d, SIGNATURE);
	CLEANUP(freep) char *expected = authority_signed_text(d);
	CLEANUP(freep) char *got = signed_text(text_of(body));

	ck_assert_str_eq(got, expected);
}

START_TEST(test_signed_text)
{
	struct draft d = authority_notification();

	check_signed_text(&d);
	d.subject = "A subject";
	check_signed_text(&d);
	d.subject = "";
	check_signed_text(&d);
	d = authority_confirmation();
	check_signed_text(&d);
	d.type = "UnsubscribeConfirmation";
	check_signed_text(&d);
	/* Neither is signed in this type. */
	d = authority_notification();
	d.token = "abc";
	d.subscribe_url = "https://x/";
	check_signed_text(&d);
}
END_TEST

/* One level of escapes is taken off, and no more; a surrogate pair is one character of four bytes. */
START_TEST(test_signed_text_is_decoded)
{
	CLEANUP(freep)
	char *got = signed_text(
		TEXT(NOTIFICATION
		     "\"Message\":\"\\ud83c\\udf4c \\u00e9 \\\\u00b5 <\\\\/a>\\/\\n\\r\"}"));

	ck_assert_str_eq(
		got, "Message\n\xF0\x9F\x8D\x8C \xC3\xA9 \\u00b5 <\\/a>/\n\r\nMessageId\n"
		     "fb446ef1-c2bd-5bb9-a998-22f365e7e95b\nTimestamp\n2020-06-15T12:00:00.000Z\n"
		     "TopicArn\n" DRAFT_TOPIC "\nType\nNotification\n");
}
END_TEST

START_TEST(test_headers)
{
	struct draft d = authority_notification();
	CLEANUP(freep) char *body = authority_body(&d, SIGNATURE);
	const struct text none = {NULL, 0}, type = TEXT("Notification"), id = text_of(d.message_id),
			  topic = text_of(d.topic_arn), other = TEXT("SubscriptionConfirmation"),
			  empty = TEXT("");
	struct sns_envelope e;
	struct why why;

	ck_assert(sns_envelope_parse(text_of(body), &e, &why) == VERDICT_PASS);
	ck_assert(sns_envelope_check_headers(&e, none, none, none, &why) == VERDICT_PASS);
	ck_assert(sns_envelope_check_headers(&e, type, id, topic, &why) == VERDICT_PASS);
	ck_assert(sns_envelope_check_headers(&e, other, id, topic, &why) == VERDICT_HEADER);
	ck_assert(sns_envelope_check_headers(&e, type, other, topic, &why) == VERDICT_HEADER);
	ck_assert(sns_envelope_check_headers(&e, none, none, other, &why) == VERDICT_HEADER);
	ck_assert(sns_envelope_check_headers(&e, empty, none, none, &why) == VERDICT_HEADER);
	sns_envelope_done(&e);
}
END_TEST

START_TEST(test_age)
{
	struct sns_envelope e = {.sent_at_ms = 1000 * DAY_MS};
	const int64_t sent = e.sent_at_ms;
	struct why why;

	ck_assert(sns_envelope_check_age(&e, sent, 15 * DAY_MS, &why) == VERDICT_PASS);
	ck_assert(sns_envelope_check_age(&e, sent + 13 * DAY_MS, 15 * DAY_MS, &why) ==
		  VERDICT_PASS);
	ck_assert(sns_envelope_check_age(&e, sent + 15 * DAY_MS, 15 * DAY_MS, &why) ==
		  VERDICT_PASS);
	ck_assert(sns_envelope_check_age(&e, sent + 15 * DAY_MS + 1, 15 * DAY_MS, &why) ==
		  VERDICT_TOO_OLD);
	ck_assert(sns_envelope_check_age(&e, sent + 9999 * DAY_MS, DURATION_NONE, &why) ==
		  VERDICT_PASS);
	ck_assert(sns_envelope_check_age(&e, sent - 15 * MINUTE_MS, 15 * DAY_MS, &why) ==
		  VERDICT_PASS);
	ck_assert(sns_envelope_check_age(&e, sent - 15 * MINUTE_MS - 1, 15 * DAY_MS, &why) ==
		  VERDICT_CLOCK);
	ck_assert(sns_envelope_check_age(&e, 0, DURATION_NONE, &why) == VERDICT_CLOCK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envelope");
	TCase *c = unit_case(suite, "envelope");

	tcase_add_loop_test(c, test_bodies, 0, ROWS(bodies));
	tcase_add_test(c, test_every_cut);
	tcase_add_test(c, test_deep);
	tcase_add_test(c, test_many_keys);
	tcase_add_loop_test(c, test_notification_fields, 0, ROWS(notification_fields));
	tcase_add_loop_test(c, test_confirmation_fields, 0, ROWS(confirmation_fields));
	tcase_add_test(c, test_subject_kinds);
	tcase_add_test(c, test_unsigned);
	tcase_add_loop_test(c, test_grammar, 0, ROWS(grammar));
	tcase_add_test(c, test_signature_length);
	tcase_add_test(c, test_every_control);
	tcase_add_test(c, test_values);
	tcase_add_test(c, test_signed_text);
	tcase_add_test(c, test_signed_text_is_decoded);
	tcase_add_test(c, test_headers);
	tcase_add_test(c, test_age);
	return unit_main(suite);
}
