/*
 * Every type of notification: a document of our own with everything in it, then the same with each element removed and
 * with each doubled, by the rows of documents.def themselves.
 */
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "ipn/document.h"
#include "ipn/field.h"
#include "unit.h"

#define ROWS(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define NS " xmlns=\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\""
#define PRICE(name, amount, currency)                                                              \
	"<" name "><Amount>" amount "</Amount><CurrencyCode>" currency "</CurrencyCode></" name ">"
#define STATUS(name, state, reason)                                                                \
	"<" name "><State>" state "</State><LastUpdateTimestamp>2019-01-02T03:04:05.678Z"          \
	"</LastUpdateTimestamp><ReasonCode>" reason "</ReasonCode>"                                \
	"<ReasonDescription>in words</ReasonDescription></" name ">"
#define CREATED "<CreationTimestamp>2019-01-01T00:00:00.000Z</CreationTimestamp>"
#define EXPIRES "<ExpirationTimestamp>2019-06-30T00:00:00.000Z</ExpirationTimestamp>"

/* In the order of enum object_type, each as Amazon lays it out (protocol.md section 3.4). */
static const struct {
	enum object_type object;
	const char *type;
	const char *xml;
} whole[] = {
	{OBJECT_ORDER_REFERENCE, "OrderReferenceNotification",
	 "<OrderReferenceNotification" NS "><OrderReference>"
	 "<AmazonOrderReferenceId>S03-1234567-7654321</AmazonOrderReferenceId>" PRICE(
		 "OrderTotal", "1200",
		 "JPY") "<SellerOrderAttributes><SellerId>A1</SellerId><SellerOrderId>7</SellerOrderId>"
			"<OrderItemCategories><OrderItemCategory>TOYS</OrderItemCategory></OrderItemCategories>"
			"</SellerOrderAttributes>" STATUS("OrderReferenceStatus", "Closed",
							  "SellerClosed") CREATED EXPIRES
	 "</OrderReference></OrderReferenceNotification>"},
	{OBJECT_BILLING_AGREEMENT, "BillingAgreementNotification",
	 "<BillingAgreementNotification" NS "><BillingAgreement>"
	 "<AmazonBillingAgreementId>B01-1234567-7654321</AmazonBillingAgreementId>"
	 "<SellerBillingAgreementAttributes><SellerId>A1</SellerId>"
	 "<SellerBillingAgreementId>sub-7</SellerBillingAgreementId></SellerBillingAgreementAttributes>" STATUS(
		 "BillingAgreementStatus", "Suspended", "InvalidPaymentMethod") CREATED
	 "<BillingAgreementLimits>" PRICE(
		 "AmountLimitPerTimePeriod", "500.0",
		 "USD") "<TimePeriodStartDate>2019-01-01T00:00:00.000Z</TimePeriodStartDate>"
			"<TimePeriodEndDate>2019-02-01T00:00:00.000Z</TimePeriodEndDate>" PRICE(
				"CurrentRemainingBalance", "437.42",
				"USD") "</BillingAgreementLimits>"
				       "<BillingAgreementConsent>true</BillingAgreementConsent>"
				       "</BillingAgreement></BillingAgreementNotification>"},
	{OBJECT_AUTHORIZATION, "PaymentAuthorize",
	 "<AuthorizationNotification" NS "><AuthorizationDetails>"
	 "<AmazonAuthorizationId>S02-1234567-7654321-A000001</AmazonAuthorizationId>"
	 "<AuthorizationReferenceId>ref</AuthorizationReferenceId>" PRICE(
		 "AuthorizationAmount", "19.95",
		 "EUR") PRICE("CapturedAmount", "5.0",
			      "EUR") PRICE("AuthorizationFee", "0.1",
					   "EUR") "<IdList><Id>S02-1234567-7654321-C000001</Id></IdList>" CREATED
		 EXPIRES STATUS(
			 "AuthorizationStatus", "Closed",
			 "MaxCapturesProcessed") "<SoftDecline>false</SoftDecline>"
						 "<OrderItemCategories/><CaptureNow>true</CaptureNow>"
						 "<SoftDescriptor/><AddressVerificationCode/>"
						 "</AuthorizationDetails></AuthorizationNotification>"},
	{OBJECT_CAPTURE, "PaymentCapture",
	 "<CaptureNotification" NS "><CaptureDetails>"
	 "<AmazonCaptureId>S02-1234567-7654321-C000001</AmazonCaptureId>"
	 "<CaptureReferenceId>ref</CaptureReferenceId>" PRICE("CaptureAmount", "19.95", "GBP") PRICE(
		 "ConvertedAmount", "21.84",
		 "EUR") "<ConversionRate>0.913362644</ConversionRate>" PRICE("RefundedAmount",
									     "1.0", "GBP")
		 PRICE("CaptureFee", "0.5",
		       "GBP") "<IdList><Id>S02-1234567-7654321-R000001</Id></IdList>" CREATED
			 STATUS("CaptureStatus", "Closed",
				"MaxAmountRefunded") "<ProviderCreditSummaryList>"
						     "<ProviderCreditSummary><ProviderSellerId>P1</ProviderSellerId>"
						     "<ProviderCreditId>S02-1234567-7654321-P000001</ProviderCreditId></ProviderCreditSummary>"
						     "<ProviderCreditSummary><ProviderSellerId>P2</ProviderSellerId>"
						     "<ProviderCreditId>S02-1234567-7654321-P000002</ProviderCreditId></ProviderCreditSummary>"
						     "</ProviderCreditSummaryList><SoftDescriptor>AMZ*x</SoftDescriptor>"
						     "</CaptureDetails></CaptureNotification>"},
	{OBJECT_REFUND, "PaymentRefund",
	 "<RefundNotification" NS "><RefundDetails>"
	 "<AmazonRefundId>S02-1234567-7654321-R000001</AmazonRefundId>"
	 "<RefundReferenceId>ref</RefundReferenceId><RefundType>SellerInitiated</RefundType>" PRICE(
		 "RefundAmount", "1.0",
		 "GBP") PRICE("ConvertedAmount", "1.1",
			      "EUR") "<ConversionRate>9.9248293483</ConversionRate>" PRICE("FeeRefunded",
											   "0.0",
											   "GBP")
		 CREATED STATUS(
			 "RefundStatus", "Declined",
			 "AmazonRejected") "<ProviderCreditReversalSummaryList><ProviderCreditReversalSummary>"
					   "<ProviderSellerId>P1</ProviderSellerId>"
					   "<ProviderCreditReversalId>S02-1234567-7654321-Q000001</ProviderCreditReversalId>"
					   "</ProviderCreditReversalSummary></ProviderCreditReversalSummaryList>"
					   "<SoftDescriptor>AMZ*x</SoftDescriptor><SellerRefundNote>sorry</SellerRefundNote>"
					   "</RefundDetails></RefundNotification>"},
	{OBJECT_CHARGEBACK, "Chargeback Detailed Notification",
	 "<ChargebackNotification" NS "><ChargebackDetails>"
	 "<AmazonChargebackId>C9EXAMPLE</AmazonChargebackId>"
	 "<AmazonOrderReferenceId>P01-1234567-7654321</AmazonOrderReferenceId>"
	 "<AmazonCaptureReferenceId>cap-7</AmazonCaptureReferenceId>" CREATED PRICE(
		 "ChargebackAmount", "100.0",
		 "USD") "<ChargebackState>Received</ChargebackState>"
			"<ChargebackReason>Unauthorized Transaction Chargeback</ChargebackReason>"
			"</ChargebackDetails></ChargebackNotification>"},
	{OBJECT_PROVIDER_CREDIT, "ProviderCredit",
	 "<ProviderCreditNotification" NS "><ProviderCreditDetails>"
	 "<AmazonProviderCreditId>S02-1234567-7654321-P000001</AmazonProviderCreditId>"
	 "<SellerId>A1</SellerId><ProviderSellerId>P1</ProviderSellerId>"
	 "<CreditReferenceId>ref</CreditReferenceId>" PRICE("CreditAmount", "10", "USD") PRICE(
		 "CreditReversalAmount", "4.0",
		 "USD") "<CreditReversalIdList><Id>S02-1234567-7654321-Q000001</Id>"
			"<Id>S02-1234567-7654321-Q000002</Id></CreditReversalIdList>" CREATED STATUS(
				"CreditStatus", "Closed",
				"MaxAmountReversed") "</ProviderCreditDetails></ProviderCreditNotification>"},
	{OBJECT_PROVIDER_CREDIT_REVERSAL, "ProviderCreditReversal",
	 "<ProviderCreditReversalNotification" NS "><ProviderCreditReversalDetails>"
	 "<AmazonProviderCreditReversalId>S02-1234567-7654321-Q000001</AmazonProviderCreditReversalId>"
	 "<SellerId>A1</SellerId><ProviderSellerId>P1</ProviderSellerId>"
	 "<CreditReversalReferenceId>ref</CreditReversalReferenceId>" PRICE("CreditReversalAmount",
									    "4.0", "USD") CREATED
		 STATUS("CreditReversalStatus", "Completed",
			"x") "<CreditReversalNote>sorry</CreditReversalNote>"
			     "</ProviderCreditReversalDetails></ProviderCreditReversalNotification>"},
	{OBJECT_SOLUTION_PROVIDER, "SolutionProviderEvent",
	 "<SolutionProviderMerchantNotification" NS "><MerchantRegistrationDetails>"
	 "<SellerId>A1</SellerId><Type>Register</Type><Options>"
	 "<SolutionProviderOption><name>lwaClientId</name><value>amzn1</value></SolutionProviderOption>"
	 "<SolutionProviderOption><name>hostingType</name><value>self \"hosted\"</value></SolutionProviderOption>"
	 "</Options></MerchantRegistrationDetails></SolutionProviderMerchantNotification>"},
};
_Static_assert(sizeof(whole) / sizeof(whole[0]) == OBJECT_N, "one for each object");

static bool parse(int i, struct text xml, struct ipn_document *ret, struct why *why)
{
	*why = (struct why){""};
	return ipn_document_parse(text_of(whole[i].type), xml, ret, why);
}

START_TEST(everything_is_read)
{
	struct ipn_document d;
	struct why why;
	unsigned read = 0;

	ck_assert_msg(parse(_i, text_of(whole[_i].xml), &d, &why), "%s", why.text);
	ck_assert_int_eq(d.object, whole[_i].object);
	ck_assert_int_eq(whole[_i].object, _i);
	for (size_t i = 0; i < n_fields; i++) {
		const char *member = (const char *)&d + fields[i].offset;
		bool there = false;

		if (fields[i].object != d.object)
			continue;
		switch (fields[i].kind) {
		case KIND_NONE:
			continue;
		case KIND_ID:
		case KIND_WORD:
		case KIND_TEXT:
		case KIND_NOTE:
		case KIND_NUMBER:
		case KIND_OPTIONS:
			there = *(char *const *)(const void *)member;
			break;
		case KIND_AMOUNT:
			there = ((const struct ipn_amount *)(const void *)member)->known;
			break;
		case KIND_FOREIGN:
			there = ((const struct ipn_foreign *)(const void *)member)->known;
			break;
		case KIND_TIME:
			there = *(const int64_t *)(const void *)member != UTC_UNKNOWN;
			break;
		case KIND_FLAG:
			there = *(const enum ipn_flag *)(const void *)member != IPN_UNKNOWN;
			break;
		case KIND_IDS:
			there = d.ids.n > 0;
			break;
		}
		ck_assert_msg(there, "%s", fields[i].path);
		read++;
	}
	ck_assert_uint_ge(read, 3);
	ck_assert_uint_eq(d.n_unknown, 0);
	ipn_document_done(&d);
}
END_TEST

START_TEST(values_of_the_rarer_types)
{
	struct ipn_document d;
	struct why why;

	ck_assert(parse(OBJECT_ORDER_REFERENCE, text_of(whole[OBJECT_ORDER_REFERENCE].xml), &d,
			&why));
	ck_assert_int_eq(d.amount.minor, 1200);
	ck_assert_str_eq(d.seller_order_id, "7");
	ipn_document_done(&d);

	ck_assert(parse(OBJECT_BILLING_AGREEMENT, text_of(whole[OBJECT_BILLING_AGREEMENT].xml), &d,
			&why));
	ck_assert_int_eq(d.limit.minor, 50000);
	ck_assert_int_eq(d.remaining.minor, 43742);
	ck_assert(!d.amount.known);
	ck_assert_str_eq(d.reference_id, "sub-7");
	ck_assert_int_eq(d.consent, IPN_TRUE);
	ck_assert_int_eq(d.period_end_ms - d.period_start_ms, INT64_C(31) * 86400000);
	ck_assert_ptr_null(d.order_reference_id);
	ipn_document_done(&d);

	ck_assert(parse(OBJECT_CAPTURE, text_of(whole[OBJECT_CAPTURE].xml), &d, &why));
	ck_assert_str_eq(d.currency, "GBP");
	ck_assert_str_eq(d.converted.currency, "EUR");
	ck_assert_int_eq(d.converted.minor, 2184);
	ck_assert_str_eq(d.conversion_rate, "0.913362644");
	ck_assert_uint_eq(d.ids.n, 3);
	ck_assert_str_eq(d.ids.at[0], "S02-1234567-7654321-R000001");
	ck_assert_str_eq(d.ids.at[2], "S02-1234567-7654321-P000002");
	ipn_document_done(&d);

	ck_assert(parse(OBJECT_CHARGEBACK, text_of(whole[OBJECT_CHARGEBACK].xml), &d, &why));
	ck_assert_str_eq(d.order_reference_id, "P01-1234567-7654321");
	ck_assert_str_eq(d.reason_code, "Unauthorized Transaction Chargeback");
	ck_assert_str_eq(d.reference_id, "cap-7");
	ck_assert_int_eq(d.updated_ms, UTC_UNKNOWN);
	ipn_document_done(&d);

	ck_assert(parse(OBJECT_PROVIDER_CREDIT, text_of(whole[OBJECT_PROVIDER_CREDIT].xml), &d,
			&why));
	ck_assert_str_eq(d.seller_id, "A1");
	ck_assert_str_eq(d.provider_seller_id, "P1");
	ck_assert_int_eq(d.done.minor, 400);
	ck_assert_uint_eq(d.ids.n, 2);
	ck_assert_str_eq(d.order_reference_id, "S02-1234567-7654321");
	ipn_document_done(&d);

	ck_assert(parse(OBJECT_SOLUTION_PROVIDER, text_of(whole[OBJECT_SOLUTION_PROVIDER].xml), &d,
			&why));
	ck_assert_str_eq(d.object_id, "A1");
	ck_assert_str_eq(d.state, "Register");
	ck_assert_str_eq(d.options,
			 "{\"hostingType\":\"self \\\"hosted\\\"\",\"lwaClientId\":\"amzn1\"}");
	ck_assert_ptr_null(d.order_reference_id);
	ipn_document_done(&d);
}
END_TEST

/* The first element at the path, or at its first `depth` names. */
static xmlNode *element_at(xmlNode *from, const char *path)
{
	xmlNode *e = from;

	for (; e && *path; path = field_path_rest(path)) {
		xmlNode *child = e->children;

		while (child && !field_path_begins(path, (const char *)child->name))
			child = child->next;
		e = child;
	}
	return e;
}

/* The document with that element removed, or with a copy of it behind it. */
static char *changed(const char *xml, const char *path, bool twice)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);
	xmlNode *e = element_at(xmlDocGetRootElement(doc)->children, path);
	xmlChar *text = NULL;
	char *ret;
	int size;

	ck_assert_msg(e != NULL, "%s is not in the document", path);
	if (twice) {
		ck_assert_ptr_nonnull(xmlAddNextSibling(e, xmlCopyNode(e, 1)));
	} else {
		xmlUnlinkNode(e);
		xmlFreeNode(e);
	}
	xmlDocDumpMemory(doc, &text, &size);
	ret = text_dup((struct text){(char *)text, (size_t)size});
	xmlFree(text);
	xmlFreeDoc(doc);
	return ret;
}

static bool parses_when(int i, const char *path, bool twice, struct why *why)
{
	CLEANUP(freep) char *xml = changed(whole[i].xml, path, twice);
	struct ipn_document d;

	if (!parse(i, text_of(xml), &d, why))
		return false;
	ipn_document_done(&d);
	return true;
}

START_TEST(what_is_mandatory)
{
	struct why why;

	for (size_t i = 0; i < n_fields; i++) {
		const struct field *f = &fields[i];

		if (f->object != whole[_i].object)
			continue;
		ck_assert_msg(parses_when(_i, f->path, false, &why) == (f->need == OPTIONAL),
			      "without %s: %s", f->path, why.text);
		if (f->need == MANDATORY)
			ck_assert_msg(strstr(why.text, "is missing") != NULL, "%s", why.text);
	}
}
END_TEST

/* Elements of a list may be many; the list, and everything else that is known, stands once. */
START_TEST(nothing_is_doubled)
{
	struct why why;

	for (size_t i = 0; i < n_fields; i++) {
		const struct field *f = &fields[i];
		bool list = f->kind == KIND_IDS || f->kind == KIND_OPTIONS ||
			    strchr(f->path, '/') != strrchr(f->path, '/');
		char first[64];

		if (f->object != whole[_i].object)
			continue;
		snprintf(first, sizeof(first), "%.*s", (int)strcspn(f->path, "/"), f->path);
		ck_assert_msg(!parses_when(_i, first, true, &why), "%s twice", first);
		if (!list)
			ck_assert_msg(!parses_when(_i, f->path, true, &why), "%s twice", f->path);
		ck_assert_msg(strstr(why.text, "stands twice") != NULL, "%s", why.text);
	}
}
END_TEST

/* Names that differ by source: the API says member and LastUpdatedTimestamp; one and the other are two of one thing. */
START_TEST(other_spellings)
{
	static const struct {
		enum object_type object;
		const char *from, *to;
		const char *why; /* NULL: accepted */
	} rows[] = {
		{OBJECT_BILLING_AGREEMENT, "LastUpdateTimestamp>", "LastUpdatedTimestamp>", NULL},
		{OBJECT_BILLING_AGREEMENT, "<ReasonCode>",
		 "<LastUpdatedTimestamp>2019-01-02T03:04:05.678Z</LastUpdatedTimestamp><ReasonCode>",
		 "stands twice"},
		{OBJECT_AUTHORIZATION, "Id>S02-1234567-7654321-C000001</Id>",
		 "member>S02-1234567-7654321-C000001</member>", NULL},
		{OBJECT_CHARGEBACK, ">Received<", ">RECEIVED<", NULL},
		{OBJECT_CAPTURE, ">0.913362644<", ">1.0E-4<", NULL},
		{OBJECT_CAPTURE, ">0.913362644<", ">1<", NULL},
		{OBJECT_CAPTURE, ">0.913362644<", ">.9<", "ConversionRate is not a number"},
		{OBJECT_CAPTURE, ">0.913362644<", ">1.<", "ConversionRate is not a number"},
		{OBJECT_CAPTURE, ">0.913362644<", ">-1<", "ConversionRate is not a number"},
		{OBJECT_CAPTURE, ">0.913362644<", ">1E<", "ConversionRate is not a number"},
		{OBJECT_CAPTURE, ">0.913362644<", ">NaN<", "ConversionRate is not a number"},
		{OBJECT_CAPTURE, ">21.84<", ">21.845<", "ConvertedAmount would lose digits"},
		{OBJECT_CAPTURE, "EUR", "XXX", "ConvertedAmount is not an amount"},
		{OBJECT_CAPTURE, "<ProviderCreditId>S02-1234567-7654321-P000001<",
		 "<ProviderCreditId>a b<", "is not an identifier"},
		{OBJECT_BILLING_AGREEMENT, ">437.42</Amount><CurrencyCode>USD",
		 ">437.42</Amount><CurrencyCode>EUR", "is in another currency"},
		{OBJECT_BILLING_AGREEMENT, ">true<", ">maybe<", "neither true nor false"},
		{OBJECT_ORDER_REFERENCE, ">1200<", ">1200.0<", NULL},
		{OBJECT_ORDER_REFERENCE, ">1200<", ">1.2E3<", NULL},
		{OBJECT_ORDER_REFERENCE, ">1200<", ">1200.5<", "OrderTotal would lose digits"},
		{OBJECT_SOLUTION_PROVIDER, "<name>lwaClientId</name>", "", NULL},
		{OBJECT_SOLUTION_PROVIDER, "<value>amzn1</value>", "", NULL},
		{OBJECT_SOLUTION_PROVIDER, "<value>amzn1</value>", "<value>a<b/></value>",
		 "not one plain text"},
		{OBJECT_SOLUTION_PROVIDER, ">A1<", ">A 1<", "SellerId is not an identifier"},
	};

	for (int i = 0; i < ROWS(rows); i++) {
		const char *xml = whole[rows[i].object].xml, *at = strstr(xml, rows[i].from);
		CLEANUP(freep) char *other = NULL;
		struct ipn_document d;
		struct why why;

		ck_assert_ptr_nonnull(at);
		if (strstr(rows[i].from, "Timestamp>")) /* both tags */
			other = unit_format("%.*s%s2019-01-02T03:04:05.678Z</%s%s", (int)(at - xml),
					    xml, rows[i].to, rows[i].to,
					    strstr(at + strlen(rows[i].from), rows[i].from) +
						    strlen(rows[i].from));
		else
			other = unit_format("%.*s%s%s", (int)(at - xml), xml, rows[i].to,
					    at + strlen(rows[i].from));
		if (rows[i].why) {
			ck_assert_msg(!parse((int)rows[i].object, text_of(other), &d, &why),
				      "row %d", i);
			ck_assert_msg(strstr(why.text, rows[i].why) != NULL, "row %d: %s", i,
				      why.text);
		} else {
			ck_assert_msg(parse((int)rows[i].object, text_of(other), &d, &why),
				      "row %d: %s", i, why.text);
			ck_assert_uint_eq(d.n_unknown, 0);
			ipn_document_done(&d);
		}
	}
}
END_TEST

/* Names of what is unknown, wherever it stands, each once and not too many. */
START_TEST(unknown_elements)
{
	struct ipn_document d;
	struct why why;

	ck_assert(parse(
		OBJECT_REFUND,
		TEXT("<RefundNotification><Before/><RefundDetails><New1><State/></New1>"
		     "<AmazonRefundId>R</AmazonRefundId><RefundReferenceId>r</RefundReferenceId>"
		     "<RefundType>t</RefundType>"
		     "<RefundAmount><Amount>1</Amount><New2/><CurrencyCode>EUR</CurrencyCode></RefundAmount>"
		     "<FeeRefunded><Amount>0</Amount><CurrencyCode>EUR</CurrencyCode></FeeRefunded>" CREATED
		     "<RefundStatus><State>Pending</State><New3/><New1/>"
		     "<LastUpdateTimestamp>2019-01-02T03:04:05Z</LastUpdateTimestamp></RefundStatus>"
		     "<New4/><New5/><New6/><New7/><New8/></RefundDetails></RefundNotification>"),
		&d, &why));
	ck_assert_uint_eq(d.n_unknown, IPN_UNKNOWN_MAX);
	ck_assert_str_eq(d.unknown[0], "Before");
	ck_assert_str_eq(d.unknown[1], "New1");
	ck_assert_str_eq(d.unknown[2], "New2");
	ck_assert_str_eq(d.unknown[3], "New3");
	ck_assert_str_eq(d.unknown[7], "New7");
	ipn_document_done(&d);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("types");
	TCase *c = unit_case(suite, "types");

	tcase_add_unchecked_fixture(c, ipn_document_init, NULL);
	tcase_add_loop_test(c, everything_is_read, 0, OBJECT_N);
	tcase_add_test(c, values_of_the_rarer_types);
	tcase_add_loop_test(c, what_is_mandatory, 0, OBJECT_N);
	tcase_add_loop_test(c, nothing_is_doubled, 0, OBJECT_N);
	tcase_add_test(c, other_spellings);
	tcase_add_test(c, unknown_elements);
	return unit_main(suite);
}
