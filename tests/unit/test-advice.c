#include "unit.h"

#include <jansson.h>

#include "base/utc.h"
#include "ipnctl/advice.h"

#define O "S01-0000001-0000001"
#define A O "-A000001"
#define C O "-C000001"
#define R O "-R000001"

#define ORDER(state, more)                                                                         \
	"{'order_reference_id':'" O "','state':'" state "','currency':'USD','environment':'live'," \
	"'expires_at':'2026-08-01T00:00:00.000Z'" more "}"
#define AUTHORIZATION(state, more)                                                                 \
	"{'authorization_id':'" A "','state':'" state                                              \
	"','currency':'USD','amount_minor':1000,'captured_minor':0,"                               \
	"'created_at':'2026-03-01T00:00:00.000Z'" more "}"
#define CAPTURE(state, more)                                                                       \
	"{'capture_id':'" C "','authorization_id':'" A "','state':'" state                         \
	"','currency':'USD','amount_minor':1000,'refunded_minor':0" more "}"
#define REFUND(state, more)                                                                        \
	"{'refund_id':'" R "','capture_id':'" C "','state':'" state                                \
	"','currency':'USD','amount_minor':400" more "}"
#define RUN(state, more)                                                                           \
	"{'kind':'event','id':7,'name':'capture.completed','object_id':'" C                        \
	"','hook_runs':[{'hook':'ship','state':'" state "','attempts':2,'detail':'exit 3'" more    \
	"}]}"

#define CHARGEBACK(more)                                                                           \
	"{'chargeback_id':'C9','state':'RECEIVED','currency':'USD','amount_minor':1000" more "}"
#define CREDIT(state, more)                                                                        \
	"{'provider_credit_id':'" O "-P000001','capture_id':'" C "','state':'" state               \
	"','currency':'USD','amount_minor':200,'reversed_minor':0" more "}"
#define REVERSAL(state, more)                                                                      \
	"{'provider_credit_reversal_id':'" O "-Q000001','provider_credit_id':'" O                  \
	"-P000001','state':'" state "','currency':'USD','amount_minor':200" more "}"
#define AGREEMENT(state, more)                                                                     \
	"{'billing_agreement_id':'C01-1','state':'" state                                          \
	"','currency':'USD','limit_minor':50000,'remaining_minor':48005,"                          \
	"'period_end_at':'2026-04-01T00:00:00.000Z'" more "}"

#define CLOSED_ORDER                                                                               \
	O ": no new authorization; what is authorized can be captured, what is paid refunded\n"
#define CANCELED_ORDER O ": nothing more: the order is canceled\n"

/*
 * A story in JSON with single quotes; several rows of a list have commas between them. A line per advice:
 * "about: operation: what (until)". NULL: nothing.
 */
static const struct {
	const char *order, *agreement, *authorizations, *captures, *refunds, *chargebacks, *credits,
		*reversals, *timeline, *conflicts;
	const char *now, *wrong;
} stories[] = {
	{.order = ORDER("Open", ""),
	 .now = O ": Authorize: authorize payments (2026-08-01T00:00:00.000Z)\n" O
		  ": CloseOrderReference: close it, when no more is to be charged\n" O
		  ": CancelOrderReference: cancel it: nothing has been captured\n"},
	{.order = ORDER("Canceled", ""), .now = O ": nothing more: the order is canceled\n"},
	{.order = ORDER("Suspended", ""),
	 .now = O
	 ": let the buyer choose another payment method; no new authorization before that\n" O
	 ": CloseOrderReference: close it, when no more is to be charged\n" O
	 ": CancelOrderReference: cancel it: nothing has been captured\n"},
	{.order = ORDER("Closed", ""),
	 .captures = CAPTURE("Completed", ""),
	 .now = O
	 ": no new authorization; what is authorized can be captured, what is paid refunded\n" C
	 ": Refund: refund up to 10.00 USD (Amazon allows up to 11.50 USD), in at most 10 refunds more\n",
	 .wrong = NULL},
	/* Until what the database says, whatever Amazon tells in the sandbox. */
	{.order = ORDER("Closed", ""),
	 .authorizations = AUTHORIZATION("Open", ",'expires_at':'2026-03-31T00:00:00.000Z',"
						 "'deadline_at':'2026-03-03T00:00:00.000Z'"),
	 .now = CLOSED_ORDER A
	 ": Capture: capture 10.00 USD, once (Amazon allows up to 11.50 USD) (2026-03-03T00:00:00.000Z)\n" A
	 ": CloseAuthorization: close it, when it is not to be captured\n"},
	{.order = ORDER("Closed", ""),
	 .authorizations = "{'authorization_id':'" A
			   "','state':'Open','currency':'JPY','amount_minor':100000,"
			   "'created_at':'2026-02-20T00:00:00.000Z'}",
	 .now = CLOSED_ORDER A
	 ": Capture: capture 100000 JPY, once (Amazon allows up to 108400 JPY); after 7 days a capture begins as "
	 "Pending\n" A ": CloseAuthorization: close it, when it is not to be captured\n",
	 .wrong = A ": is in JPY, and " O
		    " in USD: ask Amazon which is right; the sums here are of one currency only\n"},
	/* Its notification has not come yet, but a canceled order leaves nothing to capture. */
	{.order = ORDER("Canceled", ""),
	 .authorizations = AUTHORIZATION("Open", ""),
	 .now = CANCELED_ORDER A ": CloseAuthorization: close it, when it is not to be captured\n"},
	{.order = ORDER("Canceled", ""),
	 .authorizations = AUTHORIZATION("Pending", ""),
	 .now = O ": nothing more: the order is canceled\n" A
		  ": wait for Amazon's decision (2026-03-02T00:00:00.000Z)\n"},
	/* Only the last attempt is one to follow up. */
	{.order = ORDER("Suspended", ""),
	 .authorizations = AUTHORIZATION("Declined", ",'reason_code':'InvalidPaymentMethod'"),
	 .captures = CAPTURE("Pending", ""),
	 .now = O
	 ": let the buyer choose another payment method; no new authorization before that\n" O
	 ": CloseOrderReference: close it, when no more is to be charged\n" A
	 ": authorize again, once the buyer has chosen another payment method\n" C
	 ": wait for Amazon to collect the money\n"},
	{.authorizations = AUTHORIZATION("Closed", ",'captured_minor':1000"),
	 .captures = CAPTURE("Completed", ",'refunded_minor':1000"),
	 .refunds = REFUND("Completed", ",'amount_minor':1000"),
	 .now = C ": Refund: nothing is left to refund; Amazon would allow another 1.50 USD\n",
	 .wrong = O
	 ": the order reference itself has never been heard of, only its parts; its state is unknown here "
	 "(ask GetOrderReferenceDetails)\n"},
	/* Amazon knows of more than we do. */
	{.order = ORDER("Canceled", ""),
	 .authorizations = AUTHORIZATION("Closed", ",'captured_minor':1000"),
	 .now = O ": nothing more: the order is canceled\n",
	 .wrong = A
	 ": Amazon says that 10.00 USD were captured, and the captures known here come to another sum: a "
	 "notification may be missing (ask GetCaptureDetails)\n"},
	{.order = ORDER("Canceled", ""),
	 .captures = CAPTURE("Closed", ",'refunded_minor':500"),
	 .refunds = REFUND("Completed", ""),
	 .now = O ": nothing more: the order is canceled\n",
	 .wrong = C
	 ": Amazon says that 5.00 USD were refunded, and the refunds known to be of it come to less: a "
	 "notification may be missing (ask GetCaptureDetails)\n"},
	/* An authorization that was heard of before its capture has nothing wrong with it. */
	{.order = ORDER("Canceled", ""),
	 .authorizations = AUTHORIZATION("Closed", ",'reason_code':'SellerClosed'"),
	 .captures = CAPTURE("Declined", ""),
	 .refunds = REFUND("Declined", ""),
	 .now = O ": nothing more: the order is canceled\n" C
		  ": not paid: do not ship; authorize again while the order is open\n" R
		  ": pay the buyer back in another way: Amazon did not refund\n"},
	{.order = ORDER("Canceled", ""),
	 .timeline = RUN("dead", ""),
	 .now = O ": nothing more: the order is canceled\n",
	 .wrong = C
	 ": hook ship has given up event 7 (capture.completed): exit 3; when that is mended: ipnctl hooks retry 7\n"},
	{.order = ORDER("Canceled", ""),
	 .timeline = RUN("pending", ",'next_attempt_at':'2026-03-01T13:00:00.000Z'"),
	 .now = O ": nothing more: the order is canceled\n",
	 .wrong = C
	 ": hook ship has failed at event 7 (capture.completed), attempt 2, and tries again at "
	 "2026-03-01T13:00:00.000Z: exit 3\n" O
	 ": hooks wait, and ipn-hookd is not running: start it\n"},
	{.order = ORDER("Canceled", ""),
	 .conflicts =
		 "{'id':12,'object_id':'" C "','state':'Declined','at':'2026-03-01T00:00:00.000Z',"
		 "'message_id':'m'}",
	 .timeline = "{'kind':'notification','message_id':'m','verdict':'foreign','why':'no'}",
	 .now = O ": nothing more: the order is canceled\n",
	 .wrong = C
	 ": Declined since 2026-03-01T00:00:00.000Z is held: no allowed move leads there; decide with "
	 "ipnctl conflicts accept 12 or dismiss 12\nm: foreign, so not applied: no\n"},

	/* ---- each operation's condition ---- */
	{.order = ORDER("Open", ""),
	 .authorizations = AUTHORIZATION("Closed", ",'captured_minor':1000"),
	 .captures = CAPTURE("Pending", ""),
	 .now = O ": Authorize: authorize payments (2026-08-01T00:00:00.000Z)\n" O
		  ": CloseOrderReference: close it, when no more is to be charged\n" C
		  ": wait for Amazon to collect the money\n",
	 .wrong = A
	 ": Amazon says that 10.00 USD were captured, and the captures known here come to another sum: a "
	 "notification may be missing (ask GetCaptureDetails)\n"},
	{.order = ORDER("Open", ""),
	 .authorizations = AUTHORIZATION("Declined", ",'reason_code':'AmazonRejected'"),
	 .now = O ": Authorize: authorize payments (2026-08-01T00:00:00.000Z)\n" O
		  ": CloseOrderReference: close it, when no more is to be charged\n" O
		  ": CancelOrderReference: cancel it: nothing has been captured\n" A
		  ": ask the buyer for another way to pay: Amazon does not want this one\n"},
	{.order = ORDER("Open", ""),
	 .authorizations = AUTHORIZATION(
		 "Declined",
		 ",'reason_code':'InvalidPaymentMethod','soft_decline':1") ",{'authorization_id':'" O
									   "-A000002','state':'Declined','reason_code':'InvalidPaymentMethod','soft_decline':1}",
	 .now = O ": Authorize: authorize payments (2026-08-01T00:00:00.000Z)\n" O
		  ": CloseOrderReference: close it, when no more is to be charged\n" O
		  ": CancelOrderReference: cancel it: nothing has been captured\n" O
		  "-A000002: Authorize: authorize again; the same payment method may work\n"},
	{.order = ORDER("Closed", ""),
	 .authorizations = AUTHORIZATION("Declined", ",'reason_code':'TransactionTimedOut'"),
	 .now = CLOSED_ORDER},
	/* All that Amazon allows has been refunded; refunds that were declined do not count. */
	{.order = ORDER("Closed", ""),
	 .captures = CAPTURE("Completed", ",'refunded_minor':1150"),
	 .refunds = REFUND("Completed", ",'amount_minor':1150"),
	 .now = CLOSED_ORDER},
#define R1                                                                                         \
	"{'refund_id':'x','capture_id':'" C                                                        \
	"','state':'Completed','currency':'USD','amount_minor':1},"
	{.order = ORDER("Closed", ""),
	 .captures = CAPTURE("Completed", ",'refunded_minor':9"),
	 .refunds = R1 R1 R1 R1 R1 R1 R1 R1 R1 REFUND("Declined", ""),
	 .now = CLOSED_ORDER C
	 ": Refund: refund up to 9.91 USD (Amazon allows up to 11.41 USD), in at most 1 refunds more\n" R
	 ": pay the buyer back in another way: Amazon did not refund\n"},
	{.order = ORDER("Closed", ""),
	 .captures = CAPTURE("Completed", ",'refunded_minor':9"),
	 .refunds = R1 R1 R1 R1 R1 R1 R1 R1 R1 REFUND("Pending", ""),
	 .now = CLOSED_ORDER C ": no more refunds: Amazon allows 10\n" R
			       ": wait for Amazon to refund\n"},
	{.order = ORDER("Closed", ""),
	 .captures = CAPTURE("Closed", ",'refunded_minor':10"),
	 .refunds = R1 R1 R1 R1 R1 R1 R1 R1 R1 R1 REFUND("Pending", ""),
	 .now = CLOSED_ORDER R ": wait for Amazon to refund\n",
	 .wrong = C ": has 11 refunds, and Amazon allows 10: look at it in Seller Central\n"},
	{.agreement = AGREEMENT("Open", ""),
	 .now = "C01-1: AuthorizeOnBillingAgreement: charge the buyer for an order, up to 480.05 USD more in this period "
		"(2026-04-01T00:00:00.000Z)\n"
		"C01-1: CreateOrderReferenceForId: make an order of it, which begins without authorizations\n"
		"C01-1: ValidateBillingAgreement: ask whether its payment method would work\n"
		"C01-1: CloseBillingAgreement: end it, when no more is to be charged\n"},
	/* Of a month that is over, nobody knows what is left now. */
	{.agreement =
		 "{'billing_agreement_id':'C01-1','state':'Open','currency':'USD','limit_minor':50000,"
		 "'remaining_minor':60000,'period_end_at':'2026-02-01T00:00:00.000Z'}",
	 .now = "C01-1: AuthorizeOnBillingAgreement: charge the buyer for an order\n"
		"C01-1: CreateOrderReferenceForId: make an order of it, which begins without authorizations\n"
		"C01-1: ValidateBillingAgreement: ask whether its payment method would work\n"
		"C01-1: CloseBillingAgreement: end it, when no more is to be charged\n",
	 .wrong = "C01-1: more is left than its limit is (ask GetBillingAgreementDetails)\n"},
	{.agreement = AGREEMENT("Suspended", ""),
	 .now = "C01-1: ConfirmBillingAgreement: confirm it again, once the buyer has mended what is wrong; no new order "
		"before that\nC01-1: CloseBillingAgreement: end it, when no more is to be charged\n"},
	{.agreement = AGREEMENT("Closed", ""),
	 .now = "C01-1: no new order; those that there are go their own way\n"},
	{.agreement = AGREEMENT("Canceled", ""),
	 .now = "C01-1: nothing more: it is canceled, with its open orders\n"},
	{.order = ORDER("Canceled", ""),
	 .credits = CREDIT("Completed", ",'reversed_minor':50"),
	 .reversals = REVERSAL("Pending", ""),
	 .now = CANCELED_ORDER O
	 "-P000001: ReverseProviderCredit: the provider can give back up to 1.50 USD\n" O
	 "-Q000001: wait for Amazon to take it from the provider\n"},
	{.order = ORDER("Canceled", ""),
	 .credits = CREDIT("Completed", ",'reversed_minor':200") "," CREDIT("Pending",
									    ",'capture_id':null"),
	 .now = CANCELED_ORDER O "-P000001: wait for Amazon to pay the provider\n",
	 .wrong = O "-P000001: its capture has not named it (ask GetProviderCreditDetails)\n"},

	/* ---- each flag ---- */
	{.order = ORDER("Canceled", ""),
	 .chargebacks = CHARGEBACK(",'reason':'Unauthorized Transaction Chargeback'"),
	 .now = CANCELED_ORDER
	 "C9: "
	 "answer it in Seller Central, which also says until when: the API knows nothing of chargebacks\n",
	 .wrong =
		 "C9: the buyer's bank takes 10.00 USD back: Unauthorized Transaction Chargeback\n"},
	/* Captured of an order, of an authorization, refunded of a capture: each to the cent. */
	{.order = ORDER("Canceled", ",'amount_minor':1000"),
	 .authorizations = AUTHORIZATION("Closed", ",'captured_minor':1150"),
	 .captures = CAPTURE("Closed", ",'amount_minor':1150,'refunded_minor':1322"),
	 .refunds = REFUND("Completed", ",'amount_minor':1322"),
	 .now = CANCELED_ORDER},
	{.order = ORDER("Canceled", ",'amount_minor':1000"),
	 .authorizations = AUTHORIZATION("Closed", ",'captured_minor':1151"),
	 .captures = CAPTURE("Closed", ",'amount_minor':1151,'refunded_minor':1324"),
	 .refunds = REFUND("Completed", ",'amount_minor':1324"),
	 .now = CANCELED_ORDER,
	 .wrong = O
	 ": 11.51 USD were captured in all, more than the 11.50 USD that Amazon allows: look at it in Seller "
	 "Central\n" A
	 ": 11.51 USD were captured of it, more than the 11.50 USD that Amazon allows: look at it "
	 "in Seller Central\n" C
	 ": 13.24 USD were refunded of it, more than the 13.23 USD that Amazon allows: "
	 "look at it in Seller Central\n"},
	/* 75.00 where 15 % would be more. */
	{.order = ORDER("Canceled", ",'amount_minor':100000"),
	 .captures = CAPTURE("Closed", ",'amount_minor':107501,'authorization_id':null"),
	 .now = CANCELED_ORDER,
	 .wrong = C
	 ": its authorization has never been heard of (ask GetCaptureDetails)\n" O
	 ": 1075.01 USD were captured in all, more than the 1075.00 USD that Amazon allows: look at it in Seller "
	 "Central\n"},
	{.order = ORDER("Canceled", ",'created_at':'2026-03-01T00:00:00.001Z'"),
	 .authorizations = AUTHORIZATION("Closed", ",'captured_minor':1000"),
	 .captures =
		 CAPTURE("Completed", ",'currency':'EUR','created_at':'2026-03-01T00:00:00.000Z'"),
	 .refunds =
		 REFUND("Completed", ",'amount_minor':0,'created_at':'2026-02-28T00:00:00.000Z'"),
	 .now = CANCELED_ORDER C
	 ": Refund: refund up to 10.00 EUR (Amazon allows up to 11.50 EUR), in at most 9 refunds more\n",
	 .wrong = A ": was made before " O ", which it is of (ask Get...Details of both)\n" C
		    ": is in EUR, and " A
		    " in USD: ask Amazon which is right; the sums here are of one currency only\n" R
		    ": is in USD, and " C
		    " in EUR: ask Amazon which is right; the sums here are of one currency only\n" R
		    ": was made before " C ", which it is of (ask Get...Details of both)\n"},
	{.order = ORDER("Canceled", ",'account':'a'"),
	 .authorizations = AUTHORIZATION("Closed", ",'account':'b','environment':'sandbox'"),
	 .now = CANCELED_ORDER,
	 .wrong = O
	 ": its notifications are of sandbox and of live: look at ipnd.conf, and at each notification\n" O
	 ": its notifications came for more than one account: look at ipnd.conf, and at each notification\n"},
};

static json_t *parse(const char *text)
{
	CLEANUP(freep) char *json = unit_format("%s", text);
	json_error_t error;
	json_t *value;

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	value = json_loads(json, 0, &error);
	ck_assert_msg(value != NULL, "byte %d", error.position);
	return value;
}

static void add_list(json_t *story, const char *key, const char *rows)
{
	CLEANUP(freep) char *list = unit_format("[%s]", rows ? rows : "");

	json_object_set_new(story, key, parse(list));
}

static json_t *story_of(int i)
{
	json_t *story = json_pack("{s:s, s:b, s:{s:s}, s:i, s:s, s:s}", "id",
				  stories[i].agreement ? "C01-1" : O, "is_order",
				  stories[i].agreement == NULL, "money", "currency", "USD",
				  "hooks_seen", 7, "account", "a", "environment", "live");

	json_object_set_new(story, "billing_agreement",
			    stories[i].agreement ? parse(stories[i].agreement) : json_null());
	json_object_set_new(story, "order_reference",
			    stories[i].order ? parse(stories[i].order) : json_null());
	add_list(story, "authorizations", stories[i].authorizations);
	add_list(story, "captures", stories[i].captures);
	add_list(story, "refunds", stories[i].refunds);
	add_list(story, "chargebacks", stories[i].chargebacks);
	add_list(story, "provider_credits", stories[i].credits);
	add_list(story, "provider_credit_reversals", stories[i].reversals);
	add_list(story, "timeline", stories[i].timeline);
	add_list(story, "conflicts", stories[i].conflicts);
	return story;
}

static char *lines_of(const json_t *list)
{
	char *text = NULL;
	size_t len = 0, i;
	FILE *f = open_memstream(&text, &len);
	json_t *one;

	json_array_foreach(list, i, one)
	{
		const char *until = json_string_value(json_object_get(one, "until"));

		const char *operation = json_string_value(json_object_get(one, "operation"));

		fprintf(f, "%s: %s%s%s%s%s%s\n", json_string_value(json_object_get(one, "about")),
			operation ? operation : "", operation ? ": " : "",
			json_string_value(json_object_get(one, "what")), until ? " (" : "",
			until ? until : "", until ? ")" : "");
	}
	fclose(f);
	return text;
}

START_TEST(advises)
{
	json_t *story = story_of(_i);
	CLEANUP(freep) char *now = NULL, *wrong = NULL;
	int64_t now_ms;

	ck_assert_int_eq(utc_parse(TEXT("2026-03-01T12:00:00.000Z"), &now_ms), 0);
	advice_add(story, now_ms, true);
	now = lines_of(json_object_get(story, "now"));
	wrong = lines_of(json_object_get(story, "wrong"));
	ck_assert_str_eq(now, stories[_i].now);
	ck_assert_str_eq(wrong, stories[_i].wrong ? stories[_i].wrong : "");
	json_decref(story);
}
END_TEST

/* What should have ended long ago. */
START_TEST(misses_what_is_over)
{
	json_t *story = story_of(0), *list = json_object_get(story, "authorizations");
	CLEANUP(freep) char *wrong = NULL;
	int64_t now_ms;

	json_array_append_new(
		list, parse(AUTHORIZATION("Open", ",'deadline_at':'2026-03-31T00:00:00.000Z'")));
	json_array_append_new(list, parse(AUTHORIZATION("Pending", "")));
	ck_assert_int_eq(utc_parse(TEXT("2026-08-02T00:00:00.000Z"), &now_ms), 0);
	advice_add(story, now_ms, true);
	wrong = lines_of(json_object_get(story, "wrong"));
	ck_assert_str_eq(
		wrong, O
		": should have expired at 2026-08-01T00:00:00.000Z, and Amazon has not said so (ask "
		"GetOrderReferenceDetails)\n" A
		": should have expired by now, and Amazon has not said so (ask GetAuthorizationDetails)\n" A
		": still Pending after 24 hours (ask GetAuthorizationDetails)\n");
	json_decref(story);
}
END_TEST

/* An event that ipn-hookd has not come to, with and without ipn-hookd. */
START_TEST(sees_waiting_events)
{
	json_t *story = story_of(1), *list = json_object_get(story, "timeline");
	CLEANUP(freep) char *stopped = NULL, *running = NULL;

	json_array_append_new(list, parse("{'kind':'event','id':8,'hook_runs':[]}"));
	advice_add(story, 0, true);
	stopped = lines_of(json_object_get(story, "wrong"));
	advice_add(story, 0, false);
	running = lines_of(json_object_get(story, "wrong"));
	ck_assert_str_eq(stopped, O ": hooks wait, and ipn-hookd is not running: start it\n");
	ck_assert_str_eq(running, "");
	json_decref(story);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("advice");
	TCase *c = unit_case(suite, "advice");

	tcase_add_loop_test(c, advises, 0, (int)(sizeof(stories) / sizeof(stories[0])));
	tcase_add_test(c, misses_what_is_over);
	tcase_add_test(c, sees_waiting_events);
	return unit_main(suite);
}
