#include "ipn/document.h"

#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlIO.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "unit.h"

#define ROWS(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* A document of our own with everything in it; the hostile ones are made from it. */
static const char authorization[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	"<AuthorizationNotification xmlns=\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\">"
	"<AuthorizationDetails>"
	"<AmazonAuthorizationId>S02-1234567-7654321-A000001</AmazonAuthorizationId>"
	"<AuthorizationReferenceId>ref-1</AuthorizationReferenceId>"
	"<AuthorizationAmount><Amount>19.95</Amount><CurrencyCode>EUR</CurrencyCode></AuthorizationAmount>"
	"<CapturedAmount><Amount>5.0</Amount><CurrencyCode>EUR</CurrencyCode></CapturedAmount>"
	"<AuthorizationFee><Amount>0.0</Amount><CurrencyCode>EUR</CurrencyCode></AuthorizationFee>"
	"<IdList><Id>S02-1234567-7654321-C000001</Id></IdList>"
	"<CreationTimestamp>2019-01-01T00:00:00.000Z</CreationTimestamp>"
	"<ExpirationTimestamp>2019-01-31T00:00:00.000Z</ExpirationTimestamp>"
	"<AuthorizationStatus><State>Closed</State>"
	"<LastUpdateTimestamp>2019-01-02T03:04:05.678Z</LastUpdateTimestamp>"
	"<ReasonCode>MaxCapturesProcessed</ReasonCode><ReasonDescription>as asked</ReasonDescription></AuthorizationStatus>"
	"<SoftDecline>false</SoftDecline><OrderItemCategories/><CaptureNow>true</CaptureNow><SoftDescriptor/>"
	"</AuthorizationDetails></AuthorizationNotification>";
static const char authorization_said[] =
	"authorization S02-1234567-7654321-A000001 of S02-1234567-7654321; Closed, MaxCapturesProcessed, as asked; "
	"ref-1, -, -; EUR 1995 500 0; 2019-01-02T03:04:05.678Z 2019-01-01T00:00:00.000Z 2019-01-31T00:00:00.000Z; "
	"soft 0 now 1; ids S02-1234567-7654321-C000001";

static const char *or_dash(const char *s)
{
	return s ? s : "-";
}

static void say_amount(const struct ipn_amount *a, char ret[static 24])
{
	snprintf(ret, 24, a->known ? "%lld" : "-", (long long)a->minor);
}

/*
 * Everything in a document as one line: object id of order; state, reason, description; reference id, seller order
 * id, refund type; currency amount done fee; updated created expires; flags; ids. Behind it what few documents have, by name.
 */
static void add(char **s, const char *name, const char *value)
{
	char *more;

	if (!value || !value[0])
		return;
	more = unit_format("%s; %s %s", *s, name, value);
	free(*s);
	*s = more;
}

static void add_rare(char **s, const struct ipn_document *d)
{
	char limit[24] = "", remaining[24] = "", from[UTC_TEXT_SIZE], to[UTC_TEXT_SIZE];
	char converted[32] = "";

	if (d->limit.known)
		say_amount(&d->limit, limit);
	if (d->remaining.known)
		say_amount(&d->remaining, remaining);
	if (d->converted.known)
		snprintf(converted, sizeof(converted), "%s %lld", d->converted.currency,
			 (long long)d->converted.minor);
	utc_format(d->period_start_ms, from);
	utc_format(d->period_end_ms, to);
	add(s, "limit", limit);
	add(s, "remaining", remaining);
	add(s, "from", from);
	add(s, "to", to);
	add(s, "consent", d->consent == IPN_UNKNOWN ? "" : d->consent ? "yes" : "no");
	add(s, "converted", converted);
	add(s, "rate", d->conversion_rate);
	add(s, "seller", d->seller_id);
	add(s, "provider", d->provider_seller_id);
	add(s, "options", d->options);
	for (size_t i = 0; i < d->n_unknown; i++)
		add(s, "unknown", d->unknown[i]);
}

static char *said(const struct ipn_document *d)
{
	char amount[3][24], at[3][UTC_TEXT_SIZE];
	char *s, *more;

	say_amount(&d->amount, amount[0]);
	say_amount(&d->done, amount[1]);
	say_amount(&d->fee, amount[2]);
	utc_format(d->updated_ms, at[0]);
	utc_format(d->created_ms, at[1]);
	utc_format(d->expires_ms, at[2]);
	s = unit_format(
		"%s %s of %s; %s, %s, %s; %s, %s, %s; %s %s %s %s; %s %s %s; soft %d now %d; ids",
		object_word(d->object), d->object_id, or_dash(d->order_reference_id), d->state,
		or_dash(d->reason_code), or_dash(d->reason_description), or_dash(d->reference_id),
		or_dash(d->seller_order_id), or_dash(d->refund_type),
		d->currency[0] ? d->currency : "-", amount[0], amount[1], amount[2], at[0],
		at[1][0] ? at[1] : "-", at[2][0] ? at[2] : "-", d->soft_decline, d->capture_now);
	for (size_t i = 0; i < d->ids.n; i++) {
		more = unit_format("%s %s", s, d->ids.at[i]);
		free(s);
		s = more;
	}
	add_rare(&s, d);
	return s;
}

static void expect_said(const struct ipn_document *d, const char *expected)
{
	CLEANUP(freep) char *s = said(d);

	ck_assert_str_eq(s, expected);
}

/* Parses a copy that ends with its block, so that the sanitizer sees any read behind it. */
static bool parse(const char *type, struct text xml, struct ipn_document *ret, struct why *why)
{
	CLEANUP(freep) char *exact = malloc(xml.len ? xml.len : 1);
	struct ipn_document untouched;
	bool good;

	ck_assert(exact != NULL);
	memcpy(exact, xml.at, xml.len);
	memset(ret, 0x5A, sizeof(*ret));
	memset(&untouched, 0x5A, sizeof(untouched));
	*why = (struct why){""};
	good = ipn_document_parse(text_of(type), (struct text){exact, xml.len}, ret, why);
	if (good) {
		ck_assert_str_eq(why->text, "");
	} else {
		ck_assert(why->text[0] != 0);
		ck_assert_mem_eq(ret, &untouched, sizeof(untouched));
	}
	return good;
}

static void expect_refused(const char *type, struct text xml, const char *reason)
{
	struct ipn_document d;
	struct why why;

	ck_assert(!parse(type, xml, &d, &why));
	ck_assert_msg(strstr(why.text, reason) != NULL, "\"%s\" is not in \"%s\"", reason,
		      why.text);
}

/* `s` with the first `from` in it replaced. */
static char *replaced(const char *s, const char *from, const char *to)
{
	const char *at = strstr(s, from);

	ck_assert_msg(at != NULL, "no %s", from);
	return unit_format("%.*s%s%s", (int)(at - s), s, to, at + strlen(from));
}

/* ---- what was recorded, or comes from Amazon's own tests ---- */

#define REAL "amazonpay/"

static const struct {
	const char *file, *said;
} recorded[] = {
	{REAL "2014-05-30_PaymentAuthorize_Open_fb446ef1.json",
	 "authorization S02-0077507-2642446-A065663 of S02-0077507-2642446; Open, -, -; 2966013, -, -; "
	 "GBP 101616 0 0; 2014-05-30T15:34:49.449Z 2014-05-30T15:34:16.770Z 2014-06-29T15:34:16.770Z; "
	 "soft -1 now 0; ids"},
	{REAL "2014-12-02_OrderReferenceNotification_Closed-SellerClosed_d1c4d7bc.json",
	 "order_reference S01-3736839-1925560 of S01-3736839-1925560; Closed, SellerClosed, -; -, -, -; "
	 "USD 7930 - -; 2014-12-02T19:30:00.905Z 2014-12-02T19:27:52.333Z 2015-05-31T19:27:52.333Z; "
	 "soft -1 now -1; ids"},
	{REAL "2014-12-02_PaymentCapture_Completed_7aa7b31e.json",
	 "capture S01-0414412-1503685-C004044 of S01-0414412-1503685; Completed, -, -; "
	 "S01c0414412c1503685captureRef0, -, -; USD 13360 0 0; 2014-12-02T20:57:51.306Z 2014-12-02T20:57:51.306Z -; "
	 "soft -1 now -1; ids S01-0414412-1503685-P076485"},
	{REAL "2014-12-02_PaymentRefund_Completed_d450114d.json",
	 "refund S01-0414412-1503685-R092574 of S01-0414412-1503685; Completed, -, -; "
	 "S0104144121503685C004044r663, -, SellerInitiated; USD 1000 - 0; "
	 "2014-12-02T21:03:19.050Z 2014-12-02T21:02:45.046Z -; soft -1 now -1; ids S01-0414412-1503685-Q079466"},
	{REAL "2014-12-02_BillingAgreementNotification_Closed-SellerClosed_36a430f3.json",
	 "billing_agreement C01-1132127-4529483 of -; Closed, SellerClosed, -; -, -, -; USD - - -; "
	 "2014-12-02T21:10:26.118Z 2014-12-02T21:04:46.901Z -; soft -1 now -1; ids; limit 50000; remaining 43742; "
	 "from 2014-12-01T00:00:00.000Z; to 2015-01-01T00:00:00.000Z; consent yes"},
	{REAL "2014-12-02_ProviderCredit_Completed_e3241cd4.json",
	 "provider_credit S01-0414412-1503685-P076485 of S01-0414412-1503685; Completed, -, -; -, -, -; USD 1000 0 -; "
	 "2014-12-02T20:57:53.995Z 2014-12-02T20:57:51.306Z -; soft -1 now -1; ids; seller A0677458196RUTCRWHDJQ; "
	 "provider A08593053M41F7TQ7YR7W"},
	{REAL "2017-08-30_Chargeback_Detailed_Notification_RECEIVED_83d848c9.json",
	 "chargeback C9KORZRXQ655G of P01-7128087-7259534; RECEIVED, Generic Service Chargeback, -; "
	 "CaptureReference6282176, -, -; USD 10000 - -;  2017-08-23T12:20:56.061Z -; soft -1 now -1; ids"},
	{"xml/ProviderCreditNotificationValid.xml",
	 "provider_credit S01-1672273-0904884-P042709 of S01-1672273-0904884; Completed, -, -; -, -, -; USD 1000 0 -; "
	 "2014-04-26T01:32:28.842Z 2014-04-26T01:32:21.373Z -; soft -1 now -1; ids; seller A0677458196RUTCRAAAAQ; "
	 "provider A08593053M41F7AAAAA7W"},
	{"xml/ProviderCreditNotificationWithAdditionalElementsValid.xml",
	 "provider_credit S01-1672273-0904884-P042709 of S01-1672273-0904884; Completed, -, -; -, -, -; USD 1000 0 -; "
	 "2014-04-26T01:32:28.842Z 2014-04-26T01:32:21.373Z -; soft -1 now -1; ids; seller A0677458196RUTCRAAAAQ; "
	 "provider A08593053M41F7AAAAA7W; unknown TestElement"},
	{"xml/SolutionProviderMerchantNotificationValid.xml",
	 "solution_provider A0677458196RUTCRWHDJQ of -; Register, -, -; -, -, -; - - - -;  - -; soft -1 now -1; ids; "
	 "options {\"hostingType\":\"hosted\"}"},
	{"xml/SolutionProviderMerchantNotificationWithAdditionalElementsValid.xml",
	 "solution_provider A0677458196RUTCRWHDJQ of -; Register, -, -; -, -, -; - - - -;  - -; soft -1 now -1; ids; "
	 "options {\"hostingType\":\"hosted\"}; unknown Test"},
	{REAL "2015-04-30_OrderReferenceNotification_Closed-AmazonClosed_15e7412b.json",
	 "order_reference P01-0000000-0000000-000000 of P01-0000000-0000000-000000; Closed, AmazonClosed, -; -, -, -; "
	 "USD 0 - -; 2013-01-01T01:01:01.001Z 2013-01-01T01:01:01.001Z 2013-01-01T01:01:01.001Z; "
	 "soft -1 now -1; ids"},
	{REAL "2015-11-21_PaymentAuthorize_Closed-MaxCapturesProcessed_0233a8db.json",
	 "authorization S01-2063624-0128488-A098527 of S01-2063624-0128488; Closed, MaxCapturesProcessed, -; "
	 "cDiiofOL, -, -; USD 500 500 0; 2015-11-21T15:55:18.970Z 2015-11-21T15:55:18.970Z 2015-12-21T15:55:18.970Z; "
	 "soft -1 now 1; ids S01-2063624-0128488-C098527"},
	{REAL "2017-06-27_PaymentCapture_Completed_2f854ae6.json",
	 "capture S02-6112897-1842302-C042768 of S02-6112897-1842302; Completed, -, -; KWUFWoFZ0WiZRrMKJ0g, -, -; "
	 "GBP 1995 0 0; 2017-06-27T22:42:56.430Z 2017-06-27T22:42:56.430Z -; soft -1 now -1; ids; converted EUR 2184; rate 0.913362644"},
	{REAL "2017-11-08_OrderReferenceNotification_Suspended-InvalidPaymentMethod_6ac19550.json",
	 "order_reference S02-9613398-6723668 of S02-9613398-6723668; Suspended, InvalidPaymentMethod, -; "
	 "-, S02-9613398-67236685a031c994d40a, -; EUR 27262 - -; "
	 "2017-11-08T15:03:21.476Z 2017-11-08T15:02:33.819Z 2018-05-07T15:02:33.819Z; soft -1 now -1; ids"},
	{REAL "2017-11-08_PaymentAuthorize_Declined-InvalidPaymentMethod_01b8375f.json",
	 "authorization S02-8084966-1007363-A095465 of S02-8084966-1007363; Declined, InvalidPaymentMethod, -; "
	 "S02-8084966-10073635a031808d6004, -, -; EUR 28949 0 0; "
	 "2017-11-08T14:43:51.868Z 2017-11-08T14:43:21.210Z 2017-12-08T14:43:21.210Z; soft 0 now 0; ids"},
	{REAL "2019-08-22_PaymentAuthorize_Open_9aacc6b9.json",
	 "authorization S01-7922233-4167005-A092060 of S01-7922233-4167005; Open, -, -; 5d5f01d72e0c3, -, -; "
	 "USD 1995 0 0; 2019-08-22T20:57:59.609Z 2019-08-22T20:57:59.609Z 2019-09-21T20:57:59.609Z; "
	 "soft 0 now 0; ids"},
	{"altered/2015-08-28_PaymentCapture_Completed-None_33bd40e3.json",
	 "capture P01-0000000-0000000-000000 of P01-0000000-0000000; Completed, None, -; P01-0000000-0000000-Ref, -, -; "
	 "USD 500 100 50; 2015-01-01T01:01:01.001Z 2013-01-01T01:01:01.001Z -; soft -1 now -1; ids"},
	{"xml/AuthorizationNotificationValid.xml",
	 "authorization P0R-3qDULjU-tcTzqWU-A014488 of P0R-3qDULjU-tcTzqWU; "
	 "Closed, MaxCapturesProcessed, Exceed max captures; 2c60e227d615481fae59eb7cd30c2ffe, -, -; USD 500 500 50; "
	 "2013-03-27T10:52:08.648Z 2013-03-27T10:51:28.045Z 2013-04-26T10:51:28.045Z; "
	 "soft -1 now 1; ids P0R-3qDULjU-tcTzqWU-C014488"},
	{"xml/AuthorizationNotificationWithAdditionalElementsValid.xml",
	 "authorization P0R-3qDULjU-tcTzqWU-A014488 of P0R-3qDULjU-tcTzqWU; "
	 "Closed, MaxCapturesProcessed, Exceed max captures; 2c60e227d615481fae59eb7cd30c2ffe, -, -; USD 500 500 50; "
	 "2013-03-27T10:52:08.648Z 2013-03-27T10:51:28.045Z 2013-04-26T10:51:28.045Z; "
	 "soft -1 now 1; ids P0R-3qDULjU-tcTzqWU-C014488; unknown AnotherTest; unknown Test"},
	{"xml/CaptureNotificationValid.xml",
	 "capture P0R-3qDULjU-tcTzqWU-A014488 of P0R-3qDULjU-tcTzqWU; "
	 "Closed, MaxCapturesProcessed, Exceed max captures; 2c60e227d615481fae59eb7cd30c2ffe, -, -; USD 500 500 50; "
	 "2013-03-27T10:52:08.648Z 2013-03-27T10:51:28.045Z -; soft -1 now -1; ids P0R-3qDULjU-tcTzqWU-C014488"},
	{"xml/CaptureNotificationWithAdditionalElementsValid.xml",
	 "capture P0R-3qDULjU-tcTzqWU-A014488 of P0R-3qDULjU-tcTzqWU; "
	 "Closed, MaxCapturesProcessed, Exceed max captures; 2c60e227d615481fae59eb7cd30c2ffe, -, -; USD 500 500 50; "
	 "2013-03-27T10:52:08.648Z 2013-03-27T10:51:28.045Z -; soft -1 now -1; ids P0R-3qDULjU-tcTzqWU-C014488 testProviderCreditId; unknown TestElement"},
	{"xml/ORONotificationValid.xml",
	 "order_reference P0R-T9jl5tI-qryuG17 of P0R-T9jl5tI-qryuG17; CLOSED, SellerClosed, Non payment; -, Test, -; "
	 "USD 500 - -; 2013-04-01T10:49:59.532Z 2013-03-30T09:58:51.234Z 2013-04-06T09:58:51.234Z; "
	 "soft -1 now -1; ids"},
};

static const struct {
	const char *file, *why;
} recorded_refused[] = {
	{"xml/AuthorizationNotificationWithMissingMandatoryFields.xml",
	 "AmazonAuthorizationId is missing"},
	{"xml/CaptureNotificationWithMissingMandatoryFields.xml", "AmazonCaptureId is missing"},
	{"xml/ProviderCreditNotificationWithMissingMandatoryFields.xml",
	 "AmazonProviderCreditId is missing"},
	{"xml/SolutionProviderMerchantNotificationWithMissingMandatoryFields.xml",
	 "SellerId is missing"},
	{"xml/ORONotificationWithMissingMandatoryFields.xml", "AmazonOrderReferenceId is missing"},
	{"xml/ORONotificationWithAdditionalElementsValid.xml",
	 "OrderReferenceStatus/State is missing"},
};

static struct text member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return (struct text){json_string_value(value), json_string_length(value)};
}

/* The type and document of a file: of an SNS body, or plain XML with the type by its name. */
static void load(const char *file, char **ret_type, char **ret_xml)
{
	CLEANUP(freep) char *path = unit_format("%s/%s", unit_recorded(), file);
	CLEANUP(freep) char *s = NULL;
	json_t *envelope, *message;
	size_t len;

	s = unit_read(path, &len);
	if (strncmp(file, "xml/", 4) == 0) {
		*ret_type = text_dup(text_of(file[4] == 'A'   ? "PaymentAuthorize"
					     : file[4] == 'C' ? "PaymentCapture"
					     : file[4] == 'P' ? "ProviderCredit"
					     : file[4] == 'S' ? "SolutionProviderEvent"
							      : "OrderReferenceNotification"));
		*ret_xml = TAKE(s);
		return;
	}
	envelope = json_loadb(s, len, 0, NULL);
	message = json_loads(json_string_value(json_object_get(envelope, "Message")), 0, NULL);
	*ret_type = text_dup(member(message, "NotificationType"));
	*ret_xml = text_dup(member(message, "NotificationData"));
	json_decref(message);
	json_decref(envelope);
	ck_assert(*ret_type && *ret_xml);
}

START_TEST(recorded_documents)
{
	CLEANUP(freep) char *type = NULL;
	CLEANUP(freep) char *xml = NULL;
	struct ipn_document d;
	struct why why;

	if (!unit_recorded()) {
		unit_skip("no recorded messages");
		return;
	}
	load(recorded[_i].file, &type, &xml);
	ck_assert_msg(parse(type, text_of(xml), &d, &why), "%s: %s", recorded[_i].file, why.text);
	expect_said(&d, recorded[_i].said);
	ipn_document_done(&d);
	ck_assert(d.object_id == NULL && d.ids.n == 0);
	ipn_document_done(&d);
}
END_TEST

START_TEST(recorded_incomplete)
{
	CLEANUP(freep) char *type = NULL;
	CLEANUP(freep) char *xml = NULL;

	if (!unit_recorded()) {
		unit_skip("no recorded messages");
		return;
	}
	load(recorded_refused[_i].file, &type, &xml);
	expect_refused(type, text_of(xml), recorded_refused[_i].why);
}
END_TEST

/* ---- what may differ without harm ---- */

static const struct {
	const char *from, *to;           /* in the document */
	const char *said_from, *said_to; /* in its line; NULL: the same */
} harmless[] = {
	{"<AuthorizationDetails>", "<AuthorizationDetails>", NULL, NULL},
	/* namespaces, of Amazon's own tests and none */
	{"2013-01-01\">", "2013-01-27\">", NULL, NULL},
	{" xmlns=\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\"", "", NULL,
	 NULL},
	{" xmlns=\"https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01\"",
	 " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"",
	 NULL, NULL},
	{"xmlns=\"https://mws.amazonservices.com/", "xmlns=\"relative/", NULL, NULL},
	{"<State>Closed</State>", "<z:State xmlns:z=\"urn:z\">Closed</z:State>", NULL, NULL},
	/* declaration */
	{"<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "", NULL, NULL},
	{"<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "  \r\n\t", NULL, NULL},
	{"<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<?xml version='1.0'?>\n", NULL, NULL},
	{"<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
	 "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n", NULL, NULL},
	{"<?xml", "\xEF\xBB\xBF<?xml", NULL, NULL},
	/* unknown elements, attributes, comments between elements, white space */
	{"<State>", "<New><Amount>1</Amount>mixed<State>Open</State></New><State>", "C000001",
	 "C000001; unknown New"},
	{"<AuthorizationDetails>", "<Header><AuthorizationDetails/></Header><AuthorizationDetails>",
	 "C000001", "C000001; unknown Header"},
	{"<Amount>", "<AmountInWords>nineteen</AmountInWords><Amount>", "C000001",
	 "C000001; unknown AmountInWords"},
	{"<SoftDescriptor/>", "<SoftDescriptor><![CDATA[a]]>b<c/></SoftDescriptor>", NULL, NULL},
	{"<SoftDescriptor/>",
	 "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\"/>",
	 "C000001", "C000001; unknown include"},
	{"<State>",
	 "<State a=\"1\" xsi:nil=\"true\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">",
	 NULL, NULL},
	{"<State>", "<!-- <!DOCTYPE a> --><?php exit ?>\n<State>", NULL, NULL},
	{"</AuthorizationNotification>", "</AuthorizationNotification>\n<!-- end -->\n", NULL,
	 NULL},
	{"<State>Closed</State>", "<State>\r\n\t Closed  \n</State >\t\t", NULL, NULL},
	{"<OrderItemCategories/>", "", NULL, NULL},
	/* kept as written */
	{"<State>Closed<", "<State>closed too<", "Closed,", "closed too,"},
	{"<State>Closed<", "<State>Cl&#111;sed<", NULL, NULL},
	{">as asked<", ">Matt&apos;s &lt;b&gt; &amp; &quot;co&quot;<", "as asked",
	 "Matt's <b> & \"co\""},
	{">as asked<", ">\xC3\xA9\xE2\x82\xAC \xF0\x9F\x98\x80 &#x20AC;<", "as asked",
	 "\xC3\xA9\xE2\x82\xAC \xF0\x9F\x98\x80 \xE2\x82\xAC"},
	{">as asked<", ">'; DROP TABLE capture; -- $(reboot) `reboot` () { :;}; -rf<", "as asked",
	 "'; DROP TABLE capture; -- $(reboot) `reboot` () { :;}; -rf"},
	{">as asked<", ">two\nlines&#13;&#10;and\ta tab<", "as asked", "two lines  and a tab"},
	{">ref-1<", ">Bestellung \xC3\xBC 7<", "ref-1", "Bestellung \xC3\xBC 7"},
	/* absent or empty, and not mandatory */
	{"<ReasonDescription>as asked</ReasonDescription>", "", "as asked", "-"},
	{"<ReasonDescription>as asked</ReasonDescription>", "<ReasonDescription/>", "as asked",
	 "-"},
	{">MaxCapturesProcessed<", "> <", "MaxCapturesProcessed", "-"},
	{"<SoftDecline>false</SoftDecline>", "", "soft 0", "soft -1"},
	{"<SoftDecline>false</SoftDecline>", "<SoftDecline/>", "soft 0", "soft -1"},
	{">false<", ">1<", "soft 0", "soft 1"},
	{">false<", "> true <", "soft 0", "soft 1"},
	{"<CaptureNow>true</CaptureNow>", "", "now 1", "now -1"},
	{">true<", ">0<", "now 1", "now 0"},
	{"<ExpirationTimestamp>2019-01-31T00:00:00.000Z</ExpirationTimestamp>", "",
	 "2019-01-31T00:00:00.000Z", "-"},
	{"<IdList><Id>S02-1234567-7654321-C000001</Id></IdList>", "",
	 " S02-1234567-7654321-C000001", ""},
	{"<IdList><Id>S02-1234567-7654321-C000001</Id></IdList>", "<IdList />",
	 " S02-1234567-7654321-C000001", ""},
	/* lists */
	{"</Id>", "</Id><New/><Id>B</Id><Id>\tA\n</Id>", "C000001", "C000001 B A; unknown New"},
	{"</Id>", "</Id><Id>B</Id><Id>S02-1234567-7654321-C000001</Id><Id>B</Id>", "C000001",
	 "C000001 B"},
	/* values */
	{"2019-01-02T03:04:05.678Z", "2019-01-02T05:04:05.678999+02:00", NULL, NULL},
	{"2019-01-02T03:04:05.678Z", "2019-01-02T03:04:05", "05.678Z", "05.000Z"},
	{">19.95<", "> 19.95 <", NULL, NULL},
	{">19.95<", ">1.995E1<", NULL, NULL},
	{">19.95<", ">1.0E7<", "1995", "1000000000"},
	{"<Amount>19.95</Amount><CurrencyCode>EUR</CurrencyCode>",
	 "<CurrencyCode>EUR</CurrencyCode><Amount>19.95</Amount>", NULL, NULL},
	{"<CapturedAmount>",
	 "<ConvertedAmount><Amount>23.1</Amount><CurrencyCode>USD</CurrencyCode></ConvertedAmount>"
	 "<CapturedAmount>",
	 "C000001", "C000001; unknown ConvertedAmount"},
	/* ids of other shapes */
	{"S02-1234567-7654321-A000001", "S23-1234567-1234567-0000002",
	 "S02-1234567-7654321-A000001 of S02-1234567-7654321",
	 "S23-1234567-1234567-0000002 of S23-1234567-1234567"},
	{"S02-1234567-7654321-A000001", "C9KORZRXQ655G",
	 "S02-1234567-7654321-A000001 of S02-1234567-7654321", "C9KORZRXQ655G of -"},
};

START_TEST(differs_without_harm)
{
	CLEANUP(freep) char *xml = replaced(authorization, harmless[_i].from, harmless[_i].to);
	CLEANUP(freep) char *expected = NULL;
	struct ipn_document d;
	struct why why;

	expected = harmless[_i].said_from ? replaced(authorization_said, harmless[_i].said_from,
						     harmless[_i].said_to)
					  : text_dup(text_of(authorization_said));
	ck_assert_msg(parse("PaymentAuthorize", text_of(xml), &d, &why), "%s: %s", harmless[_i].to,
		      why.text);
	expect_said(&d, expected);
	ipn_document_done(&d);
}
END_TEST

START_TEST(order_of_elements_does_not_matter)
{
	static const char xml[] =
		"<RefundNotification><Unknown/><RefundDetails><CreationTimestamp>2019-01-01T00:00:00Z</CreationTimestamp>"
		"<RefundStatus><ReasonCode>AmazonRejected</ReasonCode><LastUpdateTimestamp>2019-01-02T00:00:00Z"
		"</LastUpdateTimestamp><State>Declined</State></RefundStatus><FeeRefunded><CurrencyCode>JPY</CurrencyCode>"
		"<Amount>0</Amount></FeeRefunded><RefundAmount><CurrencyCode>JPY</CurrencyCode><Amount>1200.0</Amount>"
		"</RefundAmount><RefundType>AmazonA-ZGuarentee</RefundType><RefundReferenceId>r</RefundReferenceId>"
		"<AmazonRefundId>S03-1-2-R3</AmazonRefundId></RefundDetails></RefundNotification>";
	struct ipn_document d;
	struct why why;

	ck_assert_msg(parse("PaymentRefund", TEXT(xml), &d, &why), "%s", why.text);
	expect_said(
		&d,
		"refund S03-1-2-R3 of S03-1-2; Declined, AmazonRejected, -; r, -, AmazonA-ZGuarentee; "
		"JPY 1200 - 0; 2019-01-02T00:00:00.000Z 2019-01-01T00:00:00.000Z -; soft -1 now -1; ids; unknown Unknown");
	ipn_document_done(&d);
}
END_TEST

START_TEST(order_without_total)
{
	static const char *const totals[] = {"", "<OrderTotal/>",
					     "<OrderTotal><New>1</New></OrderTotal>"};
	struct ipn_document d;
	struct why why;

	for (int i = 0; i < ROWS(totals); i++) {
		CLEANUP(freep)
		char *line = unit_format(
			"order_reference X of X; Open, -, -; -, -, -; - - - -; 2019-01-02T00:00:00.000Z "
			"2019-01-01T00:00:00.000Z 2019-06-30T00:00:00.000Z; soft -1 now -1; ids%s",
			strstr(totals[i], "New") ? "; unknown New" : "");
		CLEANUP(freep)
		char *xml = unit_format(
			"<OrderReferenceNotification><OrderReference><AmazonOrderReferenceId>X"
			"</AmazonOrderReferenceId>%s<OrderReferenceStatus><State>Open</State>"
			"<LastUpdateTimestamp>2019-01-02T00:00:00Z</LastUpdateTimestamp>"
			"</OrderReferenceStatus><CreationTimestamp>2019-01-01T00:00:00Z</CreationTimestamp>"
			"<ExpirationTimestamp>2019-06-30T00:00:00Z</ExpirationTimestamp>"
			"</OrderReference></OrderReferenceNotification>",
			totals[i]);

		ck_assert_msg(parse("OrderReferenceNotification", text_of(xml), &d, &why), "%s",
			      why.text);
		expect_said(&d, line);
		ipn_document_done(&d);
	}
}
END_TEST

/* ---- what is refused ---- */

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define AMOUNT                                                                                     \
	"<AuthorizationAmount><Amount>19.95</Amount><CurrencyCode>EUR</CurrencyCode></AuthorizationAmount>"
#define STATUS                                                                                                        \
	"<AuthorizationStatus><State>Open</State><LastUpdateTimestamp>2019-01-02T03:04:05.678Z</LastUpdateTimestamp>" \
	"</AuthorizationStatus>"

static const struct {
	const char *from, *to, *why;
} refused[] = {
	/* DOCTYPE in all its forms (threats.md cases 150 to 155) */
	{DECLARATION, "<!DOCTYPE a>", "a DOCTYPE"},
	{DECLARATION, DECLARATION "<!DOCTYPE AuthorizationNotification []>", "a DOCTYPE"},
	{DECLARATION,
	 DECLARATION
	 "<!-- c --><?p?>\n<!DOCTYPE AuthorizationNotification SYSTEM \"http://127.0.0.1/a.dtd\">",
	 "a DOCTYPE"},
	{DECLARATION,
	 DECLARATION
	 "<!DOCTYPE a PUBLIC \"-//A//B\" \"http://127.0.0.1/a.dtd\" [ <!ENTITY % p SYSTEM "
	 "\"file:///etc/passwd\"> %p; ]>",
	 "a DOCTYPE"},
	{DECLARATION, DECLARATION "<!DOCTYPE a [<!ATTLIST State x CDATA \"y\">]>", "a DOCTYPE"},
	{DECLARATION, "<!doctype a>", "not well-formed"},
	{">Closed<", ">&xxe;<", "not well-formed"},
	{"<IdList>", "<!DOCTYPE a><IdList>", "not well-formed"},
	/* encodings (case 157) */
	{"encoding=\"UTF-8\"", "encoding=\"UTF-16\"", "XML:"},
	{"encoding=\"UTF-8\"", "encoding=\"ISO-8859-1\"", "an encoding other than UTF-8"},
	{"encoding=\"UTF-8\"", "encoding=\"UTF-7\"", "an encoding other than UTF-8"},
	{"encoding=\"UTF-8\"", "encoding=\"UTF8\"", "an encoding other than UTF-8"},
	{"encoding=\"UTF-8\"", "encoding=\"US-ASCII\"", "an encoding other than UTF-8"},
	{"encoding=\"UTF-8\"", "encoding=\"EBCDIC-CP-US\"", "XML:"},
	{"encoding=\"UTF-8\"", "encoding=\"no-such\"", "XML:"},
	{"encoding=\"UTF-8\"", "encoding=\"\"", "XML:"},
	{"<?xml", "\xFE\xFF<?xml", "not UTF-8"},
	{"<?xml", "\x4C\x6F\xA7\x94<?xml", "not UTF-8"},
	{"<?xml", "x<?xml", "not UTF-8"},
	{"<?xml", " <?xml", "not well-formed"},
	{"as asked", "\xC0\xAF", "not well-formed"},
	{"as asked", "\xED\xA0\x80", "not well-formed"},
	{"as asked", "\xFF", "not well-formed"},
	{"as asked", "\xC3", "not well-formed"},
	{"<SoftDescriptor/>", "<SoftDescriptor>\xE9</SoftDescriptor>", "not well-formed"},
	/* whatever is not well-formed */
	{"<State>", "<State a=\"1\" a=\"2\">", "not well-formed"},
	{"<State>", "<State a=\"<\">", "not well-formed"},
	{"<State>", "<State xmlns:a=\"u\" xmlns:b=\"u\" a:x=\"1\" b:x=\"2\">", "not well-formed"},
	{"<State>Closed</State>", "<z:State>Closed</z:State>", "not well-formed"},
	{"</State>", "</state>", "not well-formed"},
	{"</AuthorizationNotification>", "", "not well-formed"},
	{"</AuthorizationNotification>", "</AuthorizationNotification><a/>", "not well-formed"},
	{"</AuthorizationNotification>", "</AuthorizationNotification>x", "not well-formed"},
	{">Closed<", ">Closed&<", "not well-formed"},
	{">Closed<", ">&#0;<", "not well-formed"},
	{">Closed<", ">\x1B[31m<", "not well-formed"},
	{">Closed<", ">&#27;<", "not well-formed"},
	{">Closed<", ">]]><", "not well-formed"},
	/* root and child */
	{DECLARATION, DECLARATION "<a>", "not well-formed"},
	{"<AuthorizationDetails>", "<AuthorizationDetails/><AuthorizationDetails>",
	 "AuthorizationDetails stands twice"},
	{"<AuthorizationDetails>", "text<AuthorizationDetails>",
	 "AuthorizationNotification: text beside elements"},
	{"<AuthorizationDetails>", "<![CDATA[ ]]><AuthorizationDetails>", "text beside elements"},
	/* twice in its parent (case 160), also in another namespace, also far apart */
	{"<Amount>", "<Amount>19.95</Amount><Amount>",
	 "Amount stands twice in AuthorizationAmount"},
	{"<CurrencyCode>", "<CurrencyCode>EUR</CurrencyCode><CurrencyCode>",
	 "CurrencyCode stands twice"},
	{"<State>", "<State>Closed</State><State>", "State stands twice"},
	{"<State>", "<State/><State>", "State stands twice"},
	{"<State>", "<z:State xmlns:z=\"urn:z\">Open</z:State><State>", "State stands twice"},
	{"<OrderItemCategories/>", STATUS, "AuthorizationStatus stands twice"},
	{"<OrderItemCategories/>", AMOUNT, "AuthorizationAmount stands twice"},
	{"<OrderItemCategories/>", "<IdList/>", "IdList stands twice"},
	{"<OrderItemCategories/>", "<AmazonAuthorizationId>A</AmazonAuthorizationId>",
	 "AmazonAuthorizationId stands twice"},
	{"<OrderItemCategories/>", "<SoftDecline>true</SoftDecline>", "SoftDecline stands twice"},
	/* text that is not one text (case 161), and text beside elements */
	{">Closed<", ">Clo<!-- -->sed<", "State: not one plain text"},
	{">Closed<", "><!-- -->Closed<", "State: not one plain text"},
	{">Closed<", "><![CDATA[Closed]]><", "State: not one plain text"},
	{">Closed<", ">Clo<![CDATA[sed]]><", "State: not one plain text"},
	{">Closed<", ">Clo<?p?>sed<", "State: not one plain text"},
	{">Closed<", "><b>Closed</b><", "State: not one plain text"},
	{">Closed<", ">Closed<b/><", "State: not one plain text"},
	{">19.95<", ">19<!-- -->.95<", "Amount: not one plain text"},
	{">S02-1234567-7654321-C000001<", ">S02<b/><", "Id: not one plain text"},
	{"<State>", "x<State>", "AuthorizationStatus: text beside elements"},
	{"<Amount>", "<![CDATA[x]]><Amount>", "AuthorizationAmount: text beside elements"},
	{"</Id>", "</Id>x", "IdList: text beside elements"},
	{"<OrderItemCategories/>", "&#160;", "AuthorizationDetails: text beside elements"},
	/* mandatory */
	{"<AmazonAuthorizationId>S02-1234567-7654321-A000001</AmazonAuthorizationId>", "",
	 "AmazonAuthorizationId is missing"},
	{"S02-1234567-7654321-A000001", "", "AmazonAuthorizationId is missing"},
	{"S02-1234567-7654321-A000001", " \n ", "AmazonAuthorizationId is missing"},
	{"<AuthorizationReferenceId>ref-1</AuthorizationReferenceId>", "",
	 "AuthorizationReferenceId is missing"},
	{AMOUNT, "", "AuthorizationAmount is missing"},
	{AMOUNT, "<AuthorizationAmount/>", "AuthorizationAmount is missing"},
	{AMOUNT, "<AuthorizationAmount>19.95</AuthorizationAmount>",
	 "AuthorizationAmount: text beside elements"},
	{"<CapturedAmount><Amount>5.0</Amount><CurrencyCode>EUR</CurrencyCode></CapturedAmount>",
	 "", "CapturedAmount is missing"},
	{"<AuthorizationFee><Amount>0.0</Amount><CurrencyCode>EUR</CurrencyCode></AuthorizationFee>",
	 "", "AuthorizationFee is missing"},
	{"<CreationTimestamp>2019-01-01T00:00:00.000Z</CreationTimestamp>", "",
	 "CreationTimestamp is missing"},
	{"<State>Closed</State>", "", "AuthorizationStatus/State is missing"},
	{">Closed<", "><", "AuthorizationStatus/State is missing"},
	{"<State>Closed</State>",
	 "<AuthorizationStatus><State>Closed</State></AuthorizationStatus>",
	 "AuthorizationStatus/State is missing"},
	{"<LastUpdateTimestamp>2019-01-02T03:04:05.678Z</LastUpdateTimestamp>", "",
	 "AuthorizationStatus/LastUpdateTimestamp is missing"},
	/* amounts and currencies (cases 164 and 165) */
	{">19.95<", ">1e309<", "AuthorizationAmount"},
	{">19.95<", ">-1<", "AuthorizationAmount"},
	{">19.95<", ">NaN<", "AuthorizationAmount"},
	{">19.95<", ">INF<", "AuthorizationAmount"},
	{">19.95<", ">1,00<", "AuthorizationAmount"},
	{">19.95<", ">0x10<", "AuthorizationAmount"},
	{">19.95<", ">1 000<", "AuthorizationAmount"},
	{">19.95<", ">1234567890123456789012345678901234567890<", "AuthorizationAmount"},
	{">19.95<", "><", "AuthorizationAmount"},
	{">19.95<", ">19.955<", "AuthorizationAmount would lose digits"},
	{"<Amount>19.95</Amount>", "", "AuthorizationAmount lacks"},
	{"<CurrencyCode>EUR</CurrencyCode>", "", "AuthorizationAmount lacks"},
	{">EUR<", ">eur<", "known currency"},
	{">EUR<", ">US$<", "known currency"},
	{">EUR<", "><", "known currency"},
	{">EUR<", ">EURO<", "known currency"},
	{">EUR<", ">USD<", "CapturedAmount is in another currency"},
	{"0.0</Amount><CurrencyCode>EUR<", "0.0</Amount><CurrencyCode>USD<",
	 "AuthorizationFee is in another currency"},
	/* other values */
	{"S02-1234567-7654321-A000001", "S02 1234567", "not an identifier"},
	{"S02-1234567-7654321-A000001", "S02-\xC3\xA9", "not an identifier"},
	{"S02-1234567-7654321-A000001", "S02&#9;A", "not an identifier"},
	{"S02-1234567-7654321-A000001", "S02&#127;A", "not an identifier"},
	{"S02-1234567-7654321-C000001", "", "IdList/Id is not an identifier"},
	{"S02-1234567-7654321-C000001", "a b", "IdList/Id is not an identifier"},
	{">ref-1<", ">ref\n1<", "AuthorizationReferenceId has a control"},
	{">ref-1<", ">ref&#127;<", "AuthorizationReferenceId has a control"},
	{">ref-1<",
	 ">ref\xC2\x9B"
	 "31m<",
	 "AuthorizationReferenceId has a control"},
	{">as asked<", ">\xC2\x80<", "ReasonDescription has a control"},
	{">Closed<", ">Clo\tsed<", "State has a control"},
	{">false<", ">yes<", "SoftDecline is neither"},
	{">true<", ">TRUE<", "CaptureNow is neither"},
	{"2019-01-02T03:04:05.678Z", "2019-02-30T03:04:05.678Z",
	 "LastUpdateTimestamp is not a time"},
	{"2019-01-02T03:04:05.678Z", "yesterday", "LastUpdateTimestamp is not a time"},
	{"2019-01-31T00:00:00.000Z", "never", "ExpirationTimestamp is not a time"},
};

START_TEST(is_refused)
{
	CLEANUP(freep) char *xml = replaced(authorization, refused[_i].from, refused[_i].to);

	expect_refused("PaymentAuthorize", text_of(xml), refused[_i].why);
}
END_TEST

static char *repeated(const char *s, size_t n)
{
	size_t len = strlen(s);
	char *all = malloc(len * n + 1);

	ck_assert(all != NULL);
	for (size_t i = 0; i < n; i++)
		memcpy(all + i * len, s, len);
	all[len * n] = 0;
	return all;
}

/* `n` times a character between `before` and `after`, instead of `from`. */
static bool parse_with(const char *from, const char *before, const char *c, size_t n,
		       const char *after, struct why *why)
{
	CLEANUP(freep) char *middle = repeated(c, n);
	CLEANUP(freep) char *to = unit_format("%s%s%s", before, middle, after);
	CLEANUP(freep) char *xml = replaced(authorization, from, to);
	struct ipn_document d;

	if (!parse("PaymentAuthorize", text_of(xml), &d, why))
		return false;
	ipn_document_done(&d);
	return true;
}

START_TEST(lengths)
{
	struct why why;

	ck_assert(parse_with("S02-1234567-7654321-A000001", "", "A", IPN_ID_MAX, "", &why));
	ck_assert(!parse_with("S02-1234567-7654321-A000001", "", "A", IPN_ID_MAX + 1, "", &why));
	ck_assert_str_eq(why.text, "AmazonAuthorizationId is not an identifier");
	ck_assert(parse_with("S02-1234567-7654321-C000001", "", "C", IPN_ID_MAX, "", &why));
	ck_assert(!parse_with("S02-1234567-7654321-C000001", "", "C", IPN_ID_MAX + 1, "", &why));
	ck_assert(parse_with(">Closed<", ">", "S", IPN_WORD_MAX, "<", &why));
	ck_assert(!parse_with(">Closed<", ">", "S", IPN_WORD_MAX + 1, "<", &why));
	ck_assert_str_eq(why.text, "AuthorizationStatus/State is too long");
	ck_assert(parse_with("ref-1", "", "\xF0\x9F\x98\x80", IPN_TEXT_MAX / 4, "", &why));
	ck_assert(!parse_with("ref-1", "x", "\xF0\x9F\x98\x80", IPN_TEXT_MAX / 4, "", &why));
	ck_assert(parse_with("as asked", "", "&amp;", IPN_NOTE_MAX, "", &why));
	ck_assert(!parse_with("as asked", "x", "&amp;", IPN_NOTE_MAX, "", &why));
	ck_assert_str_eq(why.text, "AuthorizationStatus/ReasonDescription is too long");
}
END_TEST

/* The authorization with one more id in its list for each of `n`. */
static char *with_more_ids(int n)
{
	char *xml = text_dup(TEXT(authorization));

	for (int i = 0; i < n; i++) {
		CLEANUP(freep) char *id = unit_format("<IdList><Id>C%d</Id>", i);
		char *more = replaced(xml, "<IdList>", id);

		free(xml);
		xml = more;
	}
	return xml;
}

START_TEST(number_of_ids)
{
	CLEANUP(freep) char *full = with_more_ids(IPN_IDS_MAX - 1);
	CLEANUP(freep) char *over = with_more_ids(IPN_IDS_MAX);
	struct ipn_document d;
	struct why why;

	ck_assert_msg(parse("PaymentAuthorize", text_of(full), &d, &why), "%s", why.text);
	ck_assert_uint_eq(d.ids.n, IPN_IDS_MAX);
	ipn_document_done(&d);
	expect_refused("PaymentAuthorize", text_of(over), "IdList/Id has too many identifiers");
}
END_TEST

/* Depth and number of elements, in parts that are not even read (case 162). */
START_TEST(shape_is_bounded)
{
	CLEANUP(freep) char *deep_begin = repeated("<a>", 10000);
	struct why why;

	ck_assert(parse_with("<OrderItemCategories/>", "", "<a/>", 900, "", &why));
	ck_assert(!parse_with("<OrderItemCategories/>", "", "<a/>", 1000, "", &why));
	ck_assert_str_eq(why.text, "XML: too many elements");
	ck_assert(!parse_with("<OrderItemCategories/>", "", "<a>", 10000, "", &why));
	ck_assert_str_eq(why.text, "XML: elements too deep in each other");
	ck_assert(parse_with("<OrderItemCategories/>", "", "<a>", 14,
			     "</a></a></a></a></a></a></a></a></a></a></a></a></a></a>", &why));
	ck_assert(!parse_with("<OrderItemCategories/>", "", "<a>", 15,
			      "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>",
			      &why));
	ck_assert_str_eq(why.text, "XML: elements too deep in each other");
	expect_refused("PaymentAuthorize", text_of(deep_begin), "too deep");
}
END_TEST

START_TEST(size_is_bounded)
{
	struct why why;
	size_t room = 65536 - (sizeof(authorization) - 1);

	ck_assert(parse_with("</AuthorizationNotification>", "</AuthorizationNotification>", "\n",
			     room, "", &why));
	ck_assert(!parse_with("</AuthorizationNotification>", "</AuthorizationNotification>", "\n",
			      room + 1, "", &why));
	ck_assert_str_eq(why.text, "XML: longer than 65536 bytes");
	ck_assert(!parse_with("<State>", "<State a=\"", "a", 1048576, "\">", &why));
	ck_assert(parse_with("<State>", "<State a=\"", "a", 60000, "\">", &why));
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
	struct text xml = TEXT(authorization);
	char nul[sizeof(authorization) + 8];

	expect_refused("PaymentAuthorize", TEXT(""), "XML: empty");
	expect_refused("PaymentAuthorize", TEXT("\xEF\xBB\xBF"), "XML: empty");
	expect_refused("PaymentAuthorize", TEXT(" \n"), "not well-formed");
	expect_refused("PaymentAuthorize", TEXT("<"), "not well-formed");
	memcpy(nul, xml.at, xml.len);
	memcpy(nul + xml.len, "\0<evil/>", 8);
	expect_refused("PaymentAuthorize", (struct text){nul, xml.len + 1}, "not UTF-8");
	expect_refused("PaymentAuthorize", (struct text){nul, xml.len + 8}, "not UTF-8");
	memcpy(strstr(nul, "Closed"), "Clo\0ed", 6);
	expect_refused("PaymentAuthorize", (struct text){nul, xml.len}, "not UTF-8");
	/* '<' in UTF-16 */
	expect_refused("PaymentAuthorize", TEXT("<\0?\0x\0m\0l\0"), "not UTF-8");
}
END_TEST

/* Cut anywhere, it is refused. */
START_TEST(every_beginning_is_refused)
{
	struct ipn_document d;
	struct why why;

	for (size_t len = 0; len < sizeof(authorization) - 1; len++)
		ck_assert(!parse("PaymentAuthorize", (struct text){authorization, len}, &d, &why));
}
END_TEST

/* Any byte replaced: no crash, no leak, and nothing half written. */
START_TEST(any_byte_replaced)
{
	static const char bytes[] = {'<', '>', '&', '"',  '/',    ' ',
				     '!', ';', 'x', '\0', '\x80', '\xFF'};
	CLEANUP(freep) char *xml = text_dup(TEXT(authorization));
	struct ipn_document d;
	struct why why;
	char byte = bytes[_i];

	for (size_t i = 0; i < sizeof(authorization) - 1; i++) {
		xml[i] = byte;
		if (parse("PaymentAuthorize", (struct text){xml, sizeof(authorization) - 1}, &d,
			  &why)) {
			ck_assert(byte != '\0' && byte != '\xFF' && byte != '\x80');
			ipn_document_done(&d);
		}
		xml[i] = authorization[i];
	}
}
END_TEST

static long allocations_left;

static bool may_allocate(void)
{
	return allocations_left < 0 || allocations_left-- > 0;
}

static void *scarce_malloc(size_t size)
{
	return may_allocate() ? malloc(size) : NULL;
}

static void *scarce_realloc(void *p, size_t size)
{
	return may_allocate() ? realloc(p, size) : NULL;
}

static char *scarce_strdup(const char *s)
{
	return may_allocate() ? strdup(s) : NULL;
}

/* libxml2 without memory must not leave a smaller document that looks whole. */
START_TEST(memory_runs_out)
{
	struct ipn_document d;
	struct why why;
	bool good = false;

	ck_assert_int_eq(xmlMemSetup(free, scarce_malloc, scarce_realloc, scarce_strdup), 0);
	for (long n = 0; !good; n++) {
		ck_assert_int_lt(n, 10000);
		allocations_left = n;
		good = parse("PaymentAuthorize", TEXT(authorization), &d, &why);
		if (!good)
			continue;
		expect_said(&d, authorization_said);
		ipn_document_done(&d);
		good = allocations_left > 0;
	}
	allocations_left = -1;
}
END_TEST

/* ---- types ---- */

static const struct {
	const char *type;
	bool known;
} types[] = {
	{"PaymentAuthorize", true},
	{"paymentauthorize", true},
	{"PAYMENT Authorize", true},
	{" Payment Authorize ", true},
	{"P a y m e n t A u t h o r i z e", true},
	{"PaymentAuthoriz", false},
	{"PaymentAuthorizee", false},
	{"Payment\tAuthorize", false},
	{"Payment-Authorize", false},
	{"", false},
	{" ", false},
	{"AuthorizationNotification", false},
	{"Order", false},
	{"Chargeback", false},
};

START_TEST(type_without_case_and_spaces)
{
	struct ipn_document d;
	struct why why;

	if (!types[_i].known) {
		expect_refused(types[_i].type, TEXT(authorization), "unknown NotificationType");
		return;
	}
	ck_assert_msg(parse(types[_i].type, TEXT(authorization), &d, &why), "%s", why.text);
	expect_said(&d, authorization_said);
	ipn_document_done(&d);
}
END_TEST

START_TEST(type_and_root_agree)
{
	struct ipn_document d;
	struct why why = {""};

	expect_refused("PaymentCapture", TEXT(authorization),
		       "the root element is not CaptureNotification");
	expect_refused("PaymentRefund", TEXT(authorization),
		       "the root element is not RefundNotification");
	expect_refused("OrderReferenceNotification", TEXT(authorization),
		       "the root element is not OrderReferenceNotification");
	expect_refused("PaymentCapture", TEXT("<CaptureNotification/>"),
		       "CaptureDetails is missing");
	expect_refused("PaymentCapture",
		       TEXT("<CaptureNotification><RefundDetails/></CaptureNotification>"),
		       "CaptureDetails is missing");
	expect_refused("PaymentCapture", TEXT("<capturenotification/>"),
		       "the root element is not CaptureNotification");
	expect_refused("\x1B[31mred\n", TEXT(authorization),
		       "unknown NotificationType \"\\x1B[31mred\\x0A\"");
	ck_assert(!ipn_document_parse((struct text){NULL, 0}, TEXT(authorization), &d, &why));
	ck_assert_str_eq(why.text, "no NotificationType");
	ck_assert(!ipn_document_parse(TEXT("PaymentCapture"), (struct text){NULL, 0}, &d, &why));
	ck_assert_str_eq(why.text, "no NotificationData");
	/* a NUL inside is a byte like any other */
	ck_assert(!ipn_document_parse(TEXT("PaymentAuthorize\0"), TEXT(authorization), &d, &why));
}
END_TEST

/* What the parser says of a document quotes remote bytes: they are escaped. */
START_TEST(reason_is_escaped)
{
	expect_refused("PaymentCapture",
		       TEXT("<CaptureNotification xmlns:a=\"\xC2\x9B"
			    "31m \"><a:b></a:c>"),
		       "not well-formed: line 1: ");
	expect_refused("PaymentCapture", TEXT("<\xC2\xB7\xC2\x9B/>"), "not well-formed: line 1: ");
	for (const char *const *s = (const char *const[]){"<a>&\xE2\x80\xAE;</a>", "<a b=\xC2\x9B>",
							  "<a\xE2\x80\xA8>", NULL};
	     *s; s++) {
		struct ipn_document d;
		struct why why;

		ck_assert(!parse("PaymentCapture", text_of(*s), &d, &why));
		for (const char *c = why.text; *c; c++)
			ck_assert(*c >= ' ' && *c <= '~');
	}
}
END_TEST

/* ---- no file, no network, bounded time ---- */

static const char *const reaching_out[] = {
	"<!DOCTYPE AuthorizationNotification [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"
	"<AuthorizationNotification>&x;</AuthorizationNotification>",
	"<!DOCTYPE AuthorizationNotification SYSTEM \"http://127.0.0.1:9/a.dtd\">"
	"<AuthorizationNotification/>",
	"<!DOCTYPE AuthorizationNotification PUBLIC \"-//X//Y//EN\" \"file:///etc/hosts\">"
	"<AuthorizationNotification/>",
	"<!DOCTYPE AuthorizationNotification [<!ENTITY % p SYSTEM \"file:///etc/passwd\"> %p;]>"
	"<AuthorizationNotification/>",
	"<!DOCTYPE AuthorizationNotification [<!ENTITY % q SYSTEM \"http://127.0.0.1:9/\"> %q; %r;]>"
	"<AuthorizationNotification>&s;</AuthorizationNotification>",
};

/* Not refused, but nobody follows them. */
static const char *const pointing_out[] = {
	"<AuthorizationNotification xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"file:///etc/passwd\" "
	"parse=\"text\"/></AuthorizationNotification>",
	"<AuthorizationNotification xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
	"xsi:schemaLocation=\"urn:a http://127.0.0.1:9/a.xsd\"/>",
	"<?xml-stylesheet href=\"file:///etc/passwd\"?><AuthorizationNotification/>",
};

static int opened;

/* Asked for every file or address before it is opened. */
static int see_open(const char *name)
{
	(void)name;
	opened++;
	return 0;
}

static void parse_carelessly(const char *xml)
{
	xmlFreeDoc(xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
				 XML_PARSE_NOENT | XML_PARSE_DTDLOAD | XML_PARSE_NOERROR |
					 XML_PARSE_NOWARNING));
}

START_TEST(opens_nothing)
{
	struct ipn_document d;
	struct why why;

	xmlRegisterDefaultInputCallbacks();
	ck_assert(xmlRegisterInputCallbacks(see_open, NULL, NULL, NULL) >= 0);
	for (int i = 0; i < ROWS(reaching_out); i++) {
		expect_refused("PaymentAuthorize", text_of(reaching_out[i]), "a DOCTYPE");
		ck_assert_int_eq(opened, 0);
		/* The belt holds where the braces are forgotten. */
		parse_carelessly(reaching_out[i]);
		ck_assert_int_eq(opened, 0);
	}
	for (int i = 0; i < ROWS(pointing_out); i++)
		ck_assert(!parse("PaymentAuthorize", text_of(pointing_out[i]), &d, &why));
	ck_assert_int_eq(opened, 0);
}
END_TEST

static xmlParserInputPtr load_by_default(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
	(void)id;
	return xmlNewInputFromFile(ctxt, url);
}

/* That the watch of the test above sees anything at all. */
START_TEST(careless_parsing_is_seen)
{
	xmlRegisterDefaultInputCallbacks();
	ck_assert(xmlRegisterInputCallbacks(see_open, NULL, NULL, NULL) >= 0);
	xmlSetExternalEntityLoader(load_by_default);
	for (int i = 0; i < ROWS(reaching_out); i++) {
		opened = 0;
		parse_carelessly(reaching_out[i]);
		ck_assert_msg(opened > 0, "%s", reaching_out[i]);
		opened = 0;
		expect_refused("PaymentAuthorize", text_of(reaching_out[i]), "a DOCTYPE");
		ck_assert_int_eq(opened, 0);
	}
}
END_TEST

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *laughs(void)
{
	char *s = text_dup(TEXT("<!DOCTYPE a [<!ENTITY e0 \"ha\">"));

	for (int i = 1; i < 10; i++) {
		CLEANUP(freep) char *ten = unit_format("&e%d;", i - 1);
		CLEANUP(freep) char *all = repeated(ten, 10);
		char *more = unit_format("%s<!ENTITY e%d \"%s\">", s, i, all);

		free(s);
		s = more;
	}
	return s; /* the rest is never read */
}

/* An element with as many attributes as fit: libxml2 compares each with each. */
static char *attributes(const char *before, const char *after)
{
	enum { SIZE = 65536, ROOM = 32 };
	char *s = malloc(SIZE + 1);
	size_t len = 2;

	ck_assert(s != NULL);
	memcpy(s, "<a", len);
	for (unsigned i = 0; len < SIZE - ROOM; i++) {
		CLEANUP(freep) char *one = unit_format(" %s%x='%s'", before, i, after);

		memcpy(s + len, one, strlen(one));
		len += strlen(one);
	}
	memcpy(s + len, "/>", 3);
	return s;
}

START_TEST(time_is_bounded)
{
	CLEANUP(freep) char *ha = repeated("ha", 10000);
	CLEANUP(freep) char *calls = repeated("&e;", 10000);
	CLEANUP(freep)
	char *quadratic = unit_format("<!DOCTYPE a [<!ENTITY e \"%s\">]><a>%s</a>", ha, calls);
	CLEANUP(freep) char *bomb = laughs();
	CLEANUP(freep) char *names = attributes("a", "");
	CLEANUP(freep) char *spaces = attributes("xmlns:a", "u");
	double begin = seconds();

	expect_refused("PaymentAuthorize", text_of(bomb), "a DOCTYPE");
	expect_refused("PaymentAuthorize", text_of(quadratic), "a DOCTYPE");
	expect_refused("PaymentAuthorize", text_of(names), "the root element is not");
	expect_refused("PaymentAuthorize", text_of(spaces), "the root element is not");
	ck_assert_msg(seconds() - begin < 5, "%f s", seconds() - begin);
}
END_TEST

/* ---- ids and words ---- */

static const struct {
	const char *id, *order_reference;
} ids[] = {
	{"S01-3736839-1925560", "S01-3736839-1925560"},
	{"S02-8084966-1007363-A095465", "S02-8084966-1007363"},
	{"S01-0414412-1503685-C004044", "S01-0414412-1503685"},
	{"S01-0414412-1503685-R092574", "S01-0414412-1503685"},
	{"P0R-T9jl5tI-qryuG17", "P0R-T9jl5tI-qryuG17"},
	{"P0R-3qDULjU-tcTzqWU-A014488", "P0R-3qDULjU-tcTzqWU"},
	{"P01-0000000-0000000-000000", "P01-0000000-0000000"},
	{"S23-1234567-1234567-0000002", "S23-1234567-1234567"},
	{"B01-1132127-4529483", NULL},
	{"C01-1132127-4529483", NULL},
	{"C02-1132127-4529483", NULL},
	{"CAB-1132127-4529483", "CAB-1132127-4529483"},
	{"B1-1132127-4529483", "B1-1132127-4529483"},
	{"a-b-c-d-e", "a-b-c"},
	{"C9KORZRXQ655G", NULL},
	{"", NULL},
	{"-", NULL},
	{"S01", NULL},
	{"S01-3736839", NULL},
	{"S01-3736839-", NULL},
	{"S01--1925560", NULL},
	{"-S01-3736839-1925560", NULL},
	{"S01-3736839-1925560-", NULL},
	{"S01-3736839-1925560-A095465-", NULL},
	{"S01-3736839-19255 60", NULL},
	{"S01-3736839-1925560-A0'", NULL},
	{"S01_3736839_1925560", NULL},
	{"S01-3736839-192556\xC3\xA9", NULL},
};

START_TEST(order_reference_of_id)
{
	CLEANUP(freep) char *s = ipn_order_reference_of(ids[_i].id);

	if (ids[_i].order_reference)
		ck_assert_pstr_eq(s, ids[_i].order_reference);
	else
		ck_assert_ptr_null(s);
}
END_TEST

START_TEST(words_of_objects)
{
	ck_assert_str_eq(object_word(OBJECT_ORDER_REFERENCE), "order_reference");
	ck_assert_str_eq(object_word(OBJECT_AUTHORIZATION), "authorization");
	ck_assert_str_eq(object_word(OBJECT_CAPTURE), "capture");
	ck_assert_str_eq(object_word(OBJECT_REFUND), "refund");
	for (enum object_type o = 0; o < OBJECT_N; o++)
		ck_assert_int_eq(object_of_word(object_word(o)), o);
	ck_assert_str_eq(object_words(OBJECT_PROVIDER_CREDIT_REVERSAL), "provider credit reversal");
	ck_assert_int_eq(object_letter(OBJECT_PROVIDER_CREDIT_REVERSAL), 'Q');
	ck_assert_int_eq(object_letter(OBJECT_CHARGEBACK), 0);
	ck_assert(ipn_is_billing_agreement("B01-1132127-4529483"));
	ck_assert(!ipn_is_billing_agreement("S01-1132127-4529483"));
	ck_assert(!ipn_is_billing_agreement("B01-1132127"));
	ck_assert(!ipn_is_billing_agreement("B"));
	ck_assert_int_eq(object_of_word(""), OBJECT_N);
	ck_assert_int_eq(object_of_word("Capture"), OBJECT_N);
	ck_assert_int_eq(object_of_word("captures"), OBJECT_N);
}
END_TEST

START_TEST(changes_of_event_types)
{
	ck_assert_str_eq(ipn_change_of(TEXT("BillingAgreementStatusUpdated")), "");
	ck_assert_str_eq(ipn_change_of(TEXT("PaymentMethodUpdated")), "payment_method_updated");
	ck_assert_str_eq(ipn_change_of(TEXT("AddressUpdated")), "address_updated");
	ck_assert_str_eq(ipn_change_of(TEXT("AddressAndPaymentMethodUpdated")),
			 "address_and_payment_method_updated");
	ck_assert_ptr_null(ipn_change_of(TEXT("addressUpdated")));
	ck_assert_ptr_null(ipn_change_of((struct text){NULL, 0}));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("document");
	TCase *c = unit_case(suite, "document");

	tcase_add_unchecked_fixture(c, ipn_document_init, NULL);
	tcase_add_loop_test(c, recorded_documents, 0, ROWS(recorded));
	tcase_add_loop_test(c, recorded_incomplete, 0, ROWS(recorded_refused));
	tcase_add_loop_test(c, differs_without_harm, 0, ROWS(harmless));
	tcase_add_test(c, order_of_elements_does_not_matter);
	tcase_add_test(c, order_without_total);
	tcase_add_loop_test(c, is_refused, 0, ROWS(refused));
	tcase_add_test(c, lengths);
	tcase_add_test(c, number_of_ids);
	tcase_add_test(c, shape_is_bounded);
	tcase_add_test(c, size_is_bounded);
	tcase_add_test(c, bytes_that_are_no_text);
	tcase_add_test(c, every_beginning_is_refused);
	tcase_add_loop_test(c, any_byte_replaced, 0, 12);
	tcase_add_test(c, memory_runs_out);
	tcase_add_loop_test(c, type_without_case_and_spaces, 0, ROWS(types));
	tcase_add_test(c, type_and_root_agree);
	tcase_add_test(c, reason_is_escaped);
	tcase_add_test(c, opens_nothing);
	tcase_add_test(c, careless_parsing_is_seen);
	tcase_add_test(c, time_is_bounded);
	tcase_add_loop_test(c, order_reference_of_id, 0, ROWS(ids));
	tcase_add_test(c, words_of_objects);
	tcase_add_test(c, changes_of_event_types);
	return unit_main(suite);
}
