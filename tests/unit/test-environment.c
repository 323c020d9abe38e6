/* What a hook is told: exactly which variables, how they are encoded, and the same facts as JSON. */
#include "base/utc.h"
#include "hooks/environment.h"
#include "unit.h"

static struct queue_event known(void)
{
	static char name[] = "capture.completed", type[] = "capture", id[] = "S01-1-2-C3",
		    account[] = "shop-jp", environment[] = "live", lane[] = "S01-1-2",
		    order[] = "S01-1-2", seller_order[] = "100-7", agreement[] = "B01-1-2",
		    previous[] = "Pending", state[] = "Completed", reason[] = "None",
		    currency[] = "USD", seller[] = "A1EXAMPLE";

	return (struct queue_event){
		.id = 42,
		.name = name,
		.object_type = type,
		.object_id = id,
		.has_transition = true,
		.transition_id = 7,
		.account = account,
		.environment = environment,
		.late = true,
		.created_ms = 1700000000123,
		.lane = lane,
		.order_reference_id = order,
		.seller_order_id = seller_order,
		.billing_agreement_id = agreement,
		.previous_state = previous,
		.state = state,
		.reason_code = reason,
		.has_amount = true,
		.amount_minor = 1995,
		.currency = currency,
		.seller_id = seller,
		.updated_ms = 1699999999000,
	};
}

/* Nothing but what the schema requires. */
static struct queue_event bare(void)
{
	struct queue_event e = known();

	return (struct queue_event){
		.id = 1,
		.name = e.name,
		.object_type = e.object_type,
		.object_id = e.object_id,
		.account = e.account,
		.environment = e.environment,
		.lane = e.lane,
		.created_ms = e.created_ms,
		.updated_ms = UTC_UNKNOWN,
	};
}

static const char *const of_known[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LANG=C.UTF-8",
	"HOME=/home/shop",
	"IPN_EVENT_ID=42",
	"IPN_EVENT=capture.completed",
	"IPN_OBJECT_TYPE=capture",
	"IPN_OBJECT_ID=S01-1-2-C3",
	"IPN_ORDER_REFERENCE_ID=S01-1-2",
	"IPN_SELLER_ORDER_ID=100-7",
	"IPN_BILLING_AGREEMENT_ID=B01-1-2",
	"IPN_PREVIOUS_STATE=Pending",
	"IPN_STATE=Completed",
	"IPN_REASON_CODE=None",
	"IPN_AMOUNT=19.95",
	"IPN_CURRENCY=USD",
	"IPN_ACCOUNT=shop-jp",
	"IPN_SELLER_ID=A1EXAMPLE",
	"IPN_ENVIRONMENT=live",
	"IPN_UPDATED_AT=2023-11-14T22:13:19.000Z",
	"IPN_ATTEMPT=3",
	"IPN_LATE=1",
};

/* Set and empty, rather than missing. */
static const char *const of_bare[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LANG=C.UTF-8",
	"HOME=/",
	"IPN_EVENT_ID=1",
	"IPN_EVENT=capture.completed",
	"IPN_OBJECT_TYPE=capture",
	"IPN_OBJECT_ID=S01-1-2-C3",
	"IPN_ORDER_REFERENCE_ID=",
	"IPN_SELLER_ORDER_ID=",
	"IPN_BILLING_AGREEMENT_ID=",
	"IPN_PREVIOUS_STATE=",
	"IPN_STATE=",
	"IPN_REASON_CODE=",
	"IPN_AMOUNT=",
	"IPN_CURRENCY=",
	"IPN_ACCOUNT=shop-jp",
	"IPN_SELLER_ID=",
	"IPN_ENVIRONMENT=live",
	"IPN_UPDATED_AT=",
	"IPN_ATTEMPT=1",
	"IPN_LATE=0",
};

#define VARIABLES (sizeof(of_known) / sizeof(of_known[0]))
_Static_assert(sizeof(of_known) == sizeof(of_bare), "one list of variables");

static void check_variables(const struct queue_event *e, int64_t attempt, const char *home,
			    const char *const *expected)
{
	CLEANUP(environment_freep) char **environment = environment_make(e, attempt, home);

	ck_assert_ptr_nonnull(environment);
	for (size_t i = 0; i < VARIABLES; i++) {
		ck_assert_ptr_nonnull(environment[i]);
		ck_assert_str_eq(environment[i], expected[i]);
	}
	ck_assert_ptr_null(environment[VARIABLES]);
}

START_TEST(variables)
{
	const struct queue_event full = known(), little = bare();

	check_variables(&full, 3, "/home/shop", of_known);
	check_variables(&little, 1, "/", of_bare);
}
END_TEST

static const struct {
	const char *value;
	const char *encoded;
} hostile[] = {
	{"() { :;}; echo pwned", "%28%29 %7B :%3B%7D%3B echo pwned"},
	{"a\nIPN_STATE=Completed", "a%0AIPN_STATE%3DCompleted"},
	{"$(reboot)`reboot`", "%24%28reboot%29%60reboot%60"},
	{"'; DROP TABLE hook; --", "%27%3B DROP TABLE hook%3B --"},
	{"\x1B[31m", "%1B%5B31m"},
	{"-rf /", "-rf /"},
	{"100%25", "100%2525"},
	{"\xE6\xB3\xA8", "%E6%B3%A8"},
	{"\xFF", "%FF"},
};

START_TEST(hostile_values_are_percent_encoded)
{
	CLEANUP(environment_freep) char **environment = NULL;
	CLEANUP(freep) char *value = strdup(hostile[_i].value);
	CLEANUP(freep) char *expected = unit_format("IPN_SELLER_ORDER_ID=%s", hostile[_i].encoded);
	struct queue_event e = known();
	bool found = false;

	e.seller_order_id = value;
	environment = environment_make(&e, 1, "/");
	for (char **v = environment; *v; v++)
		found = found || strcmp(*v, expected) == 0;
	ck_assert_msg(found, "case %d", _i);
}
END_TEST

static const char json_of_known[] =
	"{\"event_id\":42,\"event\":\"capture.completed\",\"object_type\":\"capture\",\"object_id\":\"S01-1-2-C3\","
	"\"order_reference_id\":\"S01-1-2\",\"seller_order_id\":\"100-7\",\"billing_agreement_id\":\"B01-1-2\","
	"\"previous_state\":\"Pending\",\"state\":\"Completed\",\"reason_code\":\"None\",\"amount\":\"19.95\","
	"\"amount_minor\":1995,\"currency\":\"USD\",\"account\":\"shop-jp\",\"seller_id\":\"A1EXAMPLE\","
	"\"environment\":\"live\",\"updated_at\":\"2023-11-14T22:13:19.000Z\",\"attempt\":3,\"late\":true,"
	"\"created_at\":\"2023-11-14T22:13:20.123Z\",\"transition_id\":7,\"failed_hook\":null,"
	"\"object\":{\"state\":\"Completed\",\"amount_minor\":1995,\"reason_code\":null}}\n";

static const char json_of_bare[] =
	"{\"event_id\":1,\"event\":\"capture.completed\",\"object_type\":\"capture\",\"object_id\":\"S01-1-2-C3\","
	"\"order_reference_id\":null,\"seller_order_id\":null,\"billing_agreement_id\":null,"
	"\"previous_state\":null,\"state\":null,\"reason_code\":null,\"amount\":null,"
	"\"amount_minor\":null,\"currency\":null,\"account\":\"shop-jp\",\"seller_id\":null,"
	"\"environment\":\"live\",\"updated_at\":null,\"attempt\":1,\"late\":false,"
	"\"created_at\":\"2023-11-14T22:13:20.123Z\",\"transition_id\":null,\"failed_hook\":null,\"object\":null}\n";

START_TEST(json)
{
	const struct queue_column columns[] = {
		{.name = "state", .is_text = true, .text = TEXT("Completed")},
		{.name = "amount_minor", .number = 1995},
		{.name = "reason_code", .is_null = true},
	};
	CLEANUP(json_decrefp) json_t *object = json_object();
	CLEANUP(freep) char *full = NULL, *little = NULL;
	const struct queue_event e = known(), b = bare();

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		ck_assert_int_eq(environment_add_column(&columns[i], object), 0);
	full = environment_json(&e, 3, object);
	ck_assert_str_eq(full, json_of_known);
	little = environment_json(&b, 1, NULL);
	ck_assert_str_eq(little, json_of_bare);
}
END_TEST

/* Plain in the JSON, but always JSON on one line. */
START_TEST(json_of_hostile_values)
{
	CLEANUP(freep)
	char *value = strdup("line\nquote\" \xFF"
			     "end"),
	     *line = NULL;
	CLEANUP(json_decrefp) json_t *root = NULL;
	struct queue_event e = known();

	e.seller_order_id = value;
	line = environment_json(&e, 1, NULL);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(root);
	ck_assert_str_eq(json_string_value(json_object_get(root, "seller_order_id")),
			 "line\nquote\" \xEF\xBF\xBD"
			 "end");
}
END_TEST

/* A currency that nobody knows the minor unit of: the number is there, the decimal text is not. */
START_TEST(unknown_currency)
{
	static char nowhere[] = "XQX";
	CLEANUP(freep) char *line = NULL;
	struct queue_event e = known();

	e.currency = nowhere;
	line = environment_json(&e, 1, NULL);
	ck_assert_ptr_nonnull(
		strstr(line, "\"amount\":null,\"amount_minor\":1995,\"currency\":\"XQX\""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("environment");
	TCase *c = unit_case(suite, "environment");

	tcase_add_test(c, variables);
	tcase_add_loop_test(c, hostile_values_are_percent_encoded, 0,
			    sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(c, json);
	tcase_add_test(c, json_of_hostile_values);
	tcase_add_test(c, unknown_currency);
	return unit_main(suite);
}
