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

/* A story in JSON with single quotes, and a line per advice: "about: what (until)". NULL: nothing. */
static const struct {
	const char *order, *authorizations, *captures, *refunds, *timeline, *conflicts;
	const char *now, *wrong;
} stories[] = {
	{.order = ORDER("Open", ""),
	 .now = O ": authorize payments (2026-08-01T00:00:00.000Z)\n" O
		  ": close it, when no more is to be charged\n" O
		  ": cancel it: nothing has been captured\n"},
	{.order = ORDER("Canceled", ""), .now = O ": nothing more: the order is canceled\n"},
	{.order = ORDER("Suspended", ""),
	 .now = O
	 ": let the buyer choose another payment method; no new authorization before that\n" O
	 ": cancel it: nothing has been captured\n"},
	{.order = ORDER("Closed", ""),
	 .captures = CAPTURE("Completed", ""),
	 .now = O
	 ": no new authorization; what is authorized can be captured, what is paid refunded\n" C
	 ": refund up to 10.00 USD (Amazon allows up to 11.50 USD), in at most 10 refunds altogether\n"},
	/* Within 30 days where goods are real, 2 in the sandbox, whatever Amazon tells there. */
	{.order = ORDER("Closed", ""),
	 .authorizations = AUTHORIZATION("Open", ",'expires_at':'2026-03-31T00:00:00.000Z'"),
	 .now = O
	 ": no new authorization; what is authorized can be captured, what is paid refunded\n" A
	 ": capture 10.00 USD, once (Amazon allows up to 11.50 USD) (2026-03-31T00:00:00.000Z)\n"},
	{.order = ORDER("Canceled", ""),
	 .authorizations = AUTHORIZATION(
		 "Open", ",'environment':'sandbox','expires_at':'2026-03-31T00:00:00.000Z'"),
	 .now = O
	 ": nothing more: the order is canceled\n" A
	 ": capture 10.00 USD, once (Amazon allows up to 11.50 USD) (2026-03-03T00:00:00.000Z)\n"},
	{.order = ORDER("Canceled", ""),
	 .authorizations = AUTHORIZATION("Pending", ""),
	 .now = O ": nothing more: the order is canceled\n" A
		  ": wait for Amazon's decision (2026-03-02T00:00:00.000Z)\n"},
	/* Only the last attempt is one to follow up. */
	{.order = ORDER("Suspended", ""),
	 .authorizations = AUTHORIZATION("Declined", ",'reason_code':'InvalidPaymentMethod'"),
	 .captures = CAPTURE("Pending", ""),
	 .now = O
	 ": let the buyer choose another payment method; no new authorization before that\n" A
	 ": authorize again, once the buyer has chosen another payment method\n" C
	 ": wait for Amazon to collect the money\n"},
	{.authorizations = AUTHORIZATION("Closed", ",'captured_minor':1000"),
	 .captures = CAPTURE("Completed", ",'refunded_minor':1000"),
	 .refunds = REFUND("Completed", ",'amount_minor':1000"),
	 .now = C ": nothing is left to refund; Amazon would allow another 1.50 USD\n",
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
	 .wrong = C ": hook ship has given up event 7 (capture.completed): exit 3\n"},
	{.order = ORDER("Canceled", ""),
	 .timeline = RUN("pending", ",'next_attempt_at':'2026-03-01T13:00:00.000Z'"),
	 .now = O ": nothing more: the order is canceled\n",
	 .wrong = C
	 ": hook ship has failed at event 7 (capture.completed), attempt 2, and tries again at "
	 "2026-03-01T13:00:00.000Z: exit 3\n" O
	 ": hooks wait, and ipn-hookd is not running: start it\n"},
	{.order = ORDER("Canceled", ""),
	 .conflicts = "{'object_id':'" C "','state':'Declined','at':'2026-03-01T00:00:00.000Z',"
		      "'message_id':'m'}",
	 .timeline = "{'kind':'notification','message_id':'m','verdict':'foreign','why':'no'}",
	 .now = O ": nothing more: the order is canceled\n",
	 .wrong = C ": Declined since 2026-03-01T00:00:00.000Z is held as a conflict: no allowed "
		    "move leads there (ipnctl show m)\nm: foreign, so not applied: no\n"},
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

static void add_list(json_t *story, const char *key, const char *row)
{
	json_t *list = json_array();

	if (row)
		json_array_append_new(list, parse(row));
	json_object_set_new(story, key, list);
}

static json_t *story_of(int i)
{
	json_t *story = json_pack("{s:s, s:b, s:{s:s}, s:i}", "id", O, "is_order", 1, "money",
				  "currency", "USD", "hooks_seen", 7);

	json_object_set_new(story, "order_reference",
			    stories[i].order ? parse(stories[i].order) : json_null());
	add_list(story, "authorizations", stories[i].authorizations);
	add_list(story, "captures", stories[i].captures);
	add_list(story, "refunds", stories[i].refunds);
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

		fprintf(f, "%s: %s%s%s%s\n", json_string_value(json_object_get(one, "about")),
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

	json_array_append_new(list, parse(AUTHORIZATION("Open", "")));
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
