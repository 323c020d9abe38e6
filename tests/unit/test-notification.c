#include "ipn/notification.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#define ROWS(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void expect_text(struct text t, const char *expected)
{
	if (!expected) {
		ck_assert(t.at == NULL && t.len == 0);
		return;
	}
	ck_assert(t.at != NULL);
	ck_assert_msg(text_is(t, expected), "%.*s, not %s", (int)t.len, t.at, expected);
}

START_TEST(members_as_received)
{
	struct text message = TEXT(
		"{\"ReleaseEnvironment\":\"Sandbox\",\"MarketplaceID\":\"623690\",\"Version\":\"2013-01-01\","
		"\"NotificationType\":\"Chargeback Detailed Notification\",\"SellerId\":\"A1EXAMPLE\","
		"\"NotificationReferenceId\":\"ref\",\"EventType\":\"PaymentMethodUpdated\","
		"\"NotificationData\":\"<?xml version=\\\"1.0\\\"?><a>\\u00e9\\/<\\/a>\"}");
	struct ipn_notification n;
	struct why why = {""};

	ck_assert(ipn_notification_parse(message, &n, &why));
	expect_text(n.environment, "Sandbox");
	expect_text(n.type, "Chargeback Detailed Notification");
	expect_text(n.seller_id, "A1EXAMPLE");
	expect_text(n.reference_id, "ref");
	expect_text(n.event_type, "PaymentMethodUpdated");
	expect_text(n.data, "<?xml version=\"1.0\"?><a>\xC3\xA9/</a>");
	ck_assert(!n.is_sample);
	ck_assert_str_eq(why.text, "");
	ipn_notification_done(&n);
	ck_assert(n.root == NULL && n.type.at == NULL);
	ipn_notification_done(&n);
}
END_TEST

static const struct {
	const char *message, *type, *data;
	bool is_sample;
} odd[] = {
	{"{}", NULL, NULL, false},
	{" \r\n\t{ } \n", NULL, NULL, false},
	{"{\"NotificationType\":\"\",\"NotificationData\":\"\"}", "", "", false},
	{"{\"NotificationType\":1,\"NotificationData\":null}", NULL, NULL, false},
	{"{\"NotificationType\":[\"PaymentCapture\"],\"NotificationData\":{\"a\":\"b\"}}", NULL,
	 NULL, false},
	{"{\"NotificationType\":true}", NULL, NULL, false},
	{"{\"notificationtype\":\"PaymentCapture\"}", NULL, NULL, false},
	{"{\"IsSample\":true}", NULL, NULL, true},
	{"{\"IsSample\":false}", NULL, NULL, false},
	{"{\"IsSample\":\"true\"}", NULL, NULL, true},
	{"{\"IsSample\":\"False\"}", NULL, NULL, false},
	{"{\"IsSample\":null}", NULL, NULL, false},
	{"{\"Unknown\":{\"NotificationType\":\"a\"},\"NotificationType\":\"b\"}", "b", NULL, false},
	{"{\"NotificationType\":\"\\ud83d\\ude00\"}", "\xF0\x9F\x98\x80", NULL, false},
	/* never interpreted (threats.md case 145) */
	{"{\"SubscribeURL\":\"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription\"}",
	 NULL, NULL, false},
};

START_TEST(odd_objects)
{
	struct ipn_notification n;
	struct why why;

	ck_assert(ipn_notification_parse(text_of(odd[_i].message), &n, &why));
	expect_text(n.type, odd[_i].type);
	expect_text(n.data, odd[_i].data);
	ck_assert_int_eq(n.is_sample, odd[_i].is_sample);
	ipn_notification_done(&n);
}
END_TEST

#define DEEP 5000

static const struct {
	struct text message;
	const char *why;
} refused[] = {
	{{NULL, 0}, "no Message"},
	{TEXT("{\"IsSample\":1}"), "IsSample is neither true nor false"},
	{TEXT("{\"IsSample\":\"yes\"}"), "IsSample is neither true nor false"},
	{TEXT("{\"IsSample\":\"\"}"), "IsSample is neither true nor false"},
	{TEXT("{\"IsSample\":{}}"), "IsSample is neither true nor false"},
	{TEXT(""), "not JSON"},
	{TEXT("   "), "not JSON"},
	{TEXT("hello"), "not JSON"},
	{TEXT("<a/>"), "not JSON"},
	{TEXT("[]"), "not a JSON object"},
	{TEXT("[{\"NotificationType\":\"PaymentCapture\"}]"), "not a JSON object"},
	{TEXT("\"{}\""), "not JSON"},
	{TEXT("null"), "not JSON"},
	{TEXT("{"), "not JSON"},
	{TEXT("{}{}"), "not JSON"},
	{TEXT("{} x"), "not JSON"},
	{TEXT("{}\0"), "not JSON"},
	{TEXT("\xEF\xBB\xBF{}"), "not JSON"},
	{TEXT("{\"a\":\"b\",}"), "not JSON"},
	{TEXT("{'a':'b'}"), "not JSON"},
	{TEXT("{\"a\":\"b\" /* c */}"), "not JSON"},
	{TEXT("{\"a\":\"line\nend\"}"), "not JSON"},
	{TEXT("{\"a\":\"\\u0000\"}"), "not JSON"},
	{TEXT("{\"a\\u0000\":\"\"}"), "not JSON"},
	{TEXT("{\"a\":\"\\ud83d\"}"), "not JSON"},
	{TEXT("{\"a\":\"\xC0\xAF\"}"), "not JSON"},
	{TEXT("{\"a\":NaN}"), "not JSON"},
	{TEXT("{\"SellerId\":\"A\",\"SellerId\":\"B\"}"), "a member twice"},
	{TEXT("{\"SellerId\":\"A\",\"SellerI\\u0064\":\"A\"}"), "a member twice"},
	{TEXT("{\"x\":{\"a\":1,\"a\":2}}"), "a member twice"},
};

START_TEST(not_such_an_object)
{
	struct ipn_notification n, untouched;
	struct why why = {""};
	char *exact = refused[_i].message.at ? malloc(refused[_i].message.len + 1) : NULL;

	/* Nothing may be read behind the end: the sanitizer watches the end of this block. */
	if (exact)
		memcpy(exact, refused[_i].message.at, refused[_i].message.len);
	if (exact && refused[_i].message.len > 0)
		exact = realloc(exact, refused[_i].message.len);
	memset(&n, 0x5A, sizeof(n));
	memset(&untouched, 0x5A, sizeof(untouched));
	ck_assert(!ipn_notification_parse((struct text){exact, refused[_i].message.len}, &n, &why));
	ck_assert_msg(strstr(why.text, refused[_i].why) != NULL, "%s", why.text);
	ck_assert_mem_eq(&n, &untouched, sizeof(n));
	free(exact);
}
END_TEST

/* The reason goes to logs: what was received must not. */
START_TEST(reason_quotes_nothing)
{
	struct ipn_notification n;
	struct why why = {""};

	ck_assert(!ipn_notification_parse(TEXT("{\"SellerNote\":\"secret\", buyer@example.com"), &n,
					  &why));
	ck_assert_str_eq(why.text, "Message: not JSON, at byte 29");
	ck_assert(!ipn_notification_parse(TEXT("{\"secret\":1,\"secret\":2}"), &n, &why));
	ck_assert(strstr(why.text, "secret") == NULL);
}
END_TEST

START_TEST(nesting_is_bounded)
{
	struct ipn_notification n;
	struct why why;
	char *s = malloc(2 * DEEP + 8);
	size_t len = 0;

	memcpy(s, "{\"a\":", 5);
	memset(s + 5, '[', DEEP);
	memset(s + 5 + DEEP, ']', DEEP);
	len = 5 + 2 * DEEP;
	s[len++] = '}';
	ck_assert(!ipn_notification_parse((struct text){s, len}, &n, &why));
	free(s);
}
END_TEST

/* The members of the real messages, exactly (protocol.md section 2.1). */
static const struct {
	const char *file, *type, *reference_id, *seller_id, *environment, *event_type;
	bool is_sample;
} recorded[] = {
	{"2014-05-30_PaymentAuthorize_Open_fb446ef1.json", "PaymentAuthorize",
	 "e85eed06-0c0d-468c-ac91-bf0555543388", "AA3KB5JD2CWIH", "Sandbox", NULL, false},
	{"2014-12-02_BillingAgreementNotification_Closed-SellerClosed_36a430f3.json",
	 "BillingAgreementNotification", "e6e58141-dd8e-4544-ace9-de4af93eecc0",
	 "A0677458196RUTCRWHDJQ", "Sandbox", "BillingAgreementStatusUpdated", false},
	{"2014-12-02_OrderReferenceNotification_Closed-SellerClosed_d1c4d7bc.json",
	 "OrderReferenceNotification", "f4540fc3-8129-4883-911c-f81a45d2dc35",
	 "A0677458196RUTCRWHDJQ", "Sandbox", NULL, false},
	{"2014-12-02_PaymentCapture_Completed_7aa7b31e.json", "PaymentCapture",
	 "8dc5196e-62b5-4c33-bcb6-8f5f20e071fa", "A0677458196RUTCRWHDJQ", "Sandbox", NULL, false},
	{"2014-12-02_PaymentRefund_Completed_d450114d.json", "PaymentRefund",
	 "02bb8cfa-53f4-4d74-8f97-ab7aadc7fa60", "A0677458196RUTCRWHDJQ", "Sandbox", NULL, false},
	{"2014-12-02_ProviderCredit_Completed_e3241cd4.json", "ProviderCredit",
	 "d7566287-ae79-41aa-9e58-c670dbd776b9", "A0677458196RUTCRWHDJQ", "Sandbox", NULL, false},
	{"2015-04-30_OrderReferenceNotification_Closed-AmazonClosed_15e7412b.json",
	 "OrderReferenceNotification", "1111111-1111-11111-1111-11111EXAMPLE", "AQR8184NJXADU",
	 "Sandbox", NULL, true},
	{"2015-11-21_PaymentAuthorize_Closed-MaxCapturesProcessed_0233a8db.json",
	 "PaymentAuthorize", "62f086c1-7bdb-4333-814d-b36b0ad591c5a2k7ndrctotpw9", "A37GX652OWOXVH",
	 "Sandbox", NULL, false},
	{"2017-06-27_PaymentCapture_Completed_2f854ae6.json", "PaymentCapture",
	 "a76a9c94-446d-45d8-9591-38d50e5a9cc5", "AOPZVV2STP28T", "Sandbox", NULL, false},
	{"2017-08-30_Chargeback_Detailed_Notification_RECEIVED_83d848c9.json",
	 "Chargeback Detailed Notification", "9bc8ec61-da88-4b63-b201-dc7afeaae764",
	 "A08593053M41F7TQ7YR7W", "Live", NULL, false},
	{"2017-11-08_OrderReferenceNotification_Suspended-InvalidPaymentMethod_6ac19550.json",
	 "OrderReferenceNotification", "6205e833-c453-4e9c-b946-343fae90cab0", "A36VZZYZOVN3S6",
	 "Sandbox", NULL, false},
	{"2017-11-08_PaymentAuthorize_Declined-InvalidPaymentMethod_01b8375f.json",
	 "PaymentAuthorize", "c6ee0833-dc22-4458-be1f-0c89a0e58d27", "A36VZZYZOVN3S6", "Sandbox",
	 NULL, false},
	{"2019-08-22_PaymentAuthorize_Open_9aacc6b9.json", "PaymentAuthorize",
	 "1176c49b-0599-45b7-8c2e-4776e377332c", "A10Z9MFRRW4V14", "Sandbox", NULL, false},
};

START_TEST(recorded_messages)
{
	const char *folder = unit_recorded();
	CLEANUP(freep) char *path = NULL;
	CLEANUP(freep) char *body = NULL;
	struct ipn_notification n;
	struct why why = {""};
	size_t len;
	json_t *envelope;

	if (!folder) {
		unit_skip("no recorded messages");
		return;
	}
	path = unit_format("%s/amazonpay/%s", folder, recorded[_i].file);
	body = unit_read(path, &len);
	envelope = json_loadb(body, len, 0, NULL);
	ck_assert(ipn_notification_parse(
		text_of(json_string_value(json_object_get(envelope, "Message"))), &n, &why));
	json_decref(envelope);
	expect_text(n.type, recorded[_i].type);
	expect_text(n.reference_id, recorded[_i].reference_id);
	expect_text(n.seller_id, recorded[_i].seller_id);
	expect_text(n.environment, recorded[_i].environment);
	expect_text(n.event_type, recorded[_i].event_type);
	ck_assert_int_eq(n.is_sample, recorded[_i].is_sample);
	ck_assert(n.data.len > 38 &&
		  memcmp(n.data.at, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", 38) == 0);
	ipn_notification_done(&n);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notification");
	TCase *c = unit_case(suite, "notification");

	tcase_add_test(c, members_as_received);
	tcase_add_loop_test(c, odd_objects, 0, ROWS(odd));
	tcase_add_loop_test(c, not_such_an_object, 0, ROWS(refused));
	tcase_add_test(c, reason_quotes_nothing);
	tcase_add_test(c, nesting_is_bounded);
	tcase_add_loop_test(c, recorded_messages, 0, ROWS(recorded));
	return unit_main(suite);
}
