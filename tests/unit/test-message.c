/*
 * The simulator's layout against recorded bytes: documents, the JSON around them and the envelope are made from a
 * recorded message's values and must come out as Amazon sent them.
 */
#include "simulate/document.h"
#include "simulate/message.h"

#include <jansson.h>

#include "base/utc.h"
#include "ipn/document.h"

#include "unit.h"

static int64_t at(const char *s)
{
	int64_t ms;

	ck_assert_int_eq(utc_parse(text_of(s), &ms), 0);
	return ms;
}

/* Recorded messages that were published byte for byte as SNS sent them. */
static const char *const recorded[] = {
	"2014-12-02_OrderReferenceNotification_Closed-SellerClosed_d1c4d7bc.json",
	"2014-12-02_PaymentCapture_Completed_7aa7b31e.json",
	"2014-12-02_PaymentRefund_Completed_d450114d.json",
	"2015-04-30_OrderReferenceNotification_Closed-AmazonClosed_15e7412b.json",
	"2017-11-08_OrderReferenceNotification_Suspended-InvalidPaymentMethod_6ac19550.json",
};

static char *recorded_body(const char *name)
{
	const char *folder = unit_recorded();
	CLEANUP(freep) char *path = NULL;

	if (!folder) {
		unit_skip("no recorded messages");
		return NULL;
	}
	path = unit_format("%s/amazonpay/%s", folder, name);
	return unit_read(path, NULL);
}

static const char *member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	ck_assert_msg(s != NULL, "no member %s", name);
	return s;
}

START_TEST(envelope_as_recorded)
{
	CLEANUP(freep) char *body = recorded_body(recorded[_i]), *made = NULL;
	json_t *o;

	if (!body)
		return;
	o = json_loads(body, 0, NULL);
	ck_assert_ptr_nonnull(o);
	made = message_envelope(&(struct message_envelope){
		.message_id = member(o, "MessageId"),
		.topic_arn = member(o, "TopicArn"),
		.message = member(o, "Message"),
		.timestamp = member(o, "Timestamp"),
		.signature_version = member(o, "SignatureVersion"),
		.signature = member(o, "Signature"),
		.certificate_url = member(o, "SigningCertURL"),
		.unsubscribe_url = member(o, "UnsubscribeURL"),
	});
	json_decref(o);
	ck_assert_str_eq(made, body);
}
END_TEST

/* Today's order of members: recorded from 2017 on. */
static const struct {
	const char *file;
	enum object_type object;
} inner_recorded[] = {
	{"2017-06-27_PaymentCapture_Completed_2f854ae6.json", OBJECT_CAPTURE},
	{"2017-08-30_Chargeback_Detailed_Notification_RECEIVED_83d848c9.json", OBJECT_CHARGEBACK},
	{"2017-11-08_OrderReferenceNotification_Suspended-InvalidPaymentMethod_6ac19550.json",
	 OBJECT_ORDER_REFERENCE},
	{"2017-11-08_PaymentAuthorize_Declined-InvalidPaymentMethod_01b8375f.json",
	 OBJECT_AUTHORIZATION},
	{"2019-08-22_PaymentAuthorize_Open_9aacc6b9.json", OBJECT_AUTHORIZATION},
};

START_TEST(inner_as_recorded)
{
	CLEANUP(freep) char *body = recorded_body(inner_recorded[_i].file), *made = NULL;
	json_t *o, *i;

	if (!body)
		return;
	o = json_loads(body, 0, NULL);
	i = json_loads(member(o, "Message"), 0, NULL);
	ck_assert_ptr_nonnull(i);
	made = message_inner(&(struct message_inner){
		.environment = member(i, "ReleaseEnvironment"),
		.marketplace_id = member(i, "MarketplaceID"),
		.type = document_type(inner_recorded[_i].object),
		.seller_id = member(i, "SellerId"),
		.reference_id = member(i, "NotificationReferenceId"),
		.at_ms = at(member(i, "Timestamp")),
		.document = member(i, "NotificationData"),
	});
	ck_assert_str_eq(made, member(o, "Message"));
	json_decref(i);
	json_decref(o);
}
END_TEST

static char *recorded_document(const char *name)
{
	CLEANUP(freep) char *body = recorded_body(name);
	char *document;
	json_t *o, *i;

	if (!body)
		return NULL;
	o = json_loads(body, 0, NULL);
	i = json_loads(member(o, "Message"), 0, NULL);
	document = strdup(member(i, "NotificationData"));
	json_decref(i);
	json_decref(o);
	return document;
}

/* The text between two others, or NULL. The caller frees. */
static char *between(const char *s, const char *from, const char *to)
{
	const char *a = strstr(s, from), *b;

	if (!a)
		return NULL;
	a += strlen(from);
	b = strstr(a, to);
	return b ? text_dup((struct text){a, (size_t)(b - a)}) : NULL;
}

/* Documents of every type that was recorded, of today's layout: read, and written again as they were. */
static const struct {
	const char *file, *type;
} documents[] = {
	{"2014-05-30_PaymentAuthorize_Open_fb446ef1.json", "PaymentAuthorize"},
	{"2014-12-02_BillingAgreementNotification_Closed-SellerClosed_36a430f3.json",
	 "BillingAgreementNotification"},
	{"2014-12-02_PaymentCapture_Completed_7aa7b31e.json", "PaymentCapture"},
	{"2014-12-02_PaymentRefund_Completed_d450114d.json", "PaymentRefund"},
	{"2014-12-02_ProviderCredit_Completed_e3241cd4.json", "ProviderCredit"},
	{"2015-11-21_PaymentAuthorize_Closed-MaxCapturesProcessed_0233a8db.json",
	 "PaymentAuthorize"},
	{"2017-06-27_PaymentCapture_Completed_2f854ae6.json", "PaymentCapture"},
	{"2017-08-30_Chargeback_Detailed_Notification_RECEIVED_83d848c9.json",
	 "Chargeback Detailed Notification"},
	{"2017-11-08_OrderReferenceNotification_Suspended-InvalidPaymentMethod_6ac19550.json",
	 "OrderReferenceNotification"},
	{"2017-11-08_PaymentAuthorize_Declined-InvalidPaymentMethod_01b8375f.json",
	 "PaymentAuthorize"},
	{"2019-08-22_PaymentAuthorize_Open_9aacc6b9.json", "PaymentAuthorize"},
};

START_TEST(document_as_recorded)
{
	CLEANUP(freep) char *want = recorded_document(documents[_i].file), *made = NULL;
	CLEANUP(freep) char *descriptor = NULL;
	struct ipn_document d;
	struct why why;

	if (!want)
		return;
	if (want[strlen(want) - 1] == '\n')
		want[strlen(want) - 1] = 0;
	descriptor = between(want, "<SoftDescriptor>", "</SoftDescriptor>");
	ipn_document_init();
	ck_assert_msg(ipn_document_parse(text_of(documents[_i].type), text_of(want), &d, &why),
		      "%s", why.text);
	/* What the program itself has no use for. */
	if (!d.seller_id)
		d.seller_id = between(want, "<SellerId>", "</SellerId>");
	if (!d.provider_seller_id)
		d.provider_seller_id = between(want, "<ProviderSellerId>", "</ProviderSellerId>");
	made = document_write(&d, descriptor ? descriptor : "");
	ck_assert_str_eq(made, want);
	ck_assert_str_eq(document_type(d.object), documents[_i].type);
	ipn_document_done(&d);
}
END_TEST

/* Java's own output for these doubles. */
static const struct {
	int64_t minor;
	const char *currency;
	const char *text;
} amounts[] = {
	{0, "USD", "0.0"},
	{5, "USD", "0.05"},
	{50, "USD", "0.5"},
	{500, "USD", "5.0"},
	{13360, "USD", "133.6"},
	{1995, "USD", "19.95"},
	{100000, "USD", "1000.0"},
	{999999999, "USD", "9999999.99"},
	{1000000000, "USD", "1.0E7"},
	{1234567890, "USD", "1.23456789E7"},
	{0, "JPY", "0.0"},
	{1200, "JPY", "1200.0"},
	{9999999, "JPY", "9999999.0"},
	{10000000, "JPY", "1.0E7"},
	{123456789, "JPY", "1.23456789E8"},
	{1234, "KWD", "1.234"},
};

START_TEST(amount_as_java_prints_it)
{
	CLEANUP(freep) char *made = NULL, *want = NULL;

	struct ipn_document d = {
		.object = OBJECT_REFUND,
		.amount = {true, amounts[_i].minor},
		.updated_ms = UTC_UNKNOWN,
		.created_ms = UTC_UNKNOWN,
	};

	memcpy(d.currency, amounts[_i].currency, sizeof(d.currency));
	made = document_write(&d, "");
	want = unit_format("<RefundAmount>\n            <Amount>%s</Amount>\n", amounts[_i].text);
	ck_assert_msg(strstr(made, want) != NULL, "%s not in the document", amounts[_i].text);
}
END_TEST

START_TEST(markup_in_values_is_escaped)
{
	CLEANUP(freep)
	char *made = document_write(
		&(struct ipn_document){
			.object = OBJECT_REFUND,
			.object_id = (char[]){"S01-0414412-1503685-R092574"},
			.reference_id = (char[]){"a<b>&\"c'"},
			.refund_type = (char[]){"SellerInitiated"},
			.state = (char[]){"Completed"},
			.currency = "USD",
			.amount = {true, 5},
			.fee = {true, 0},
		},
		"</SoftDescriptor>");
	struct ipn_document d;
	struct why why;

	ipn_document_init();
	ck_assert(strstr(made, "<RefundReferenceId>a&lt;b&gt;&amp;\"c'</RefundReferenceId>"));
	ck_assert(ipn_document_parse(TEXT("PaymentRefund"), text_of(made), &d, &why));
	ck_assert_str_eq(d.reference_id, "a<b>&\"c'");
	ipn_document_done(&d);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *layout = unit_case(suite, "layout");

	tcase_add_loop_test(layout, envelope_as_recorded, 0, N(recorded));
	tcase_add_loop_test(layout, inner_as_recorded, 0, N(inner_recorded));
	tcase_add_loop_test(layout, document_as_recorded, 0, N(documents));
	tcase_add_loop_test(layout, amount_as_java_prints_it, 0, N(amounts));
	tcase_add_test(layout, markup_in_values_is_escaped);
	return unit_main(suite);
}
