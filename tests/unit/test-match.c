/* Which events are a hook's, and the words for those that it does not take. */
#include "hooks/match.h"
#include "unit.h"

#define LIST(...)                                                                                  \
	{                                                                                          \
		(char *[]){__VA_ARGS__}, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)          \
	}
#define NONE                                                                                       \
	{                                                                                          \
		NULL, 0                                                                            \
	}

static char any_name[] = "*", captures[] = "capture.*", opened[] = "authorization.open",
	    jp[] = "shop-jp", us[] = "shop-us";

static const struct {
	struct strings on;
	struct strings accounts;
	enum environment environment;
	bool late;
	const char *name;
	const char *event_environment;
	const char *account;
	bool event_late;
	enum match match;
	const char *why;
} cases[] = {
	{LIST(captures), NONE, ENVIRONMENT_LIVE, true, "capture.completed", "live", "shop-jp",
	 false, MATCH_RUN, NULL},
	{LIST(captures), NONE, ENVIRONMENT_LIVE, true, "captures.completed", "live", "shop-jp",
	 false, MATCH_NOT, NULL},
	{LIST(captures), NONE, ENVIRONMENT_LIVE, true, "authorization.open", "live", "shop-jp",
	 false, MATCH_NOT, NULL},
	{LIST(captures, opened), NONE, ENVIRONMENT_LIVE, true, "authorization.open", "live", "x",
	 false, MATCH_RUN, NULL},
	{LIST(opened), NONE, ENVIRONMENT_LIVE, true, "authorization.opened", "live", "x", false,
	 MATCH_NOT, NULL},
	{NONE, NONE, ENVIRONMENT_ANY, true, "capture.completed", "live", "shop-jp", false,
	 MATCH_NOT, NULL},
	{LIST(any_name), NONE, ENVIRONMENT_ANY, true, "hook.dead", "sandbox", "shop-jp", false,
	 MATCH_RUN, NULL},
	{LIST(any_name), NONE, ENVIRONMENT_LIVE, true, "capture.completed", "sandbox", "shop-jp",
	 false, MATCH_SKIP, "environment: the event is of sandbox, the hook is for live"},
	{LIST(any_name), NONE, ENVIRONMENT_SANDBOX, true, "capture.completed", "live", "shop-jp",
	 false, MATCH_SKIP, "environment: the event is of live, the hook is for sandbox"},
	/* A name that does not match is nothing, whatever else excludes it. */
	{LIST(opened), NONE, ENVIRONMENT_LIVE, true, "capture.completed", "sandbox", "shop-jp",
	 false, MATCH_NOT, NULL},
	{LIST(any_name), LIST(jp, us), ENVIRONMENT_ANY, true, "capture.completed", "live",
	 "shop-us", false, MATCH_RUN, NULL},
	{LIST(any_name), LIST(jp), ENVIRONMENT_ANY, true, "capture.completed", "live", "shop-us",
	 false, MATCH_SKIP, "accounts: shop-us is not one of the hook's"},
	{LIST(any_name), LIST(jp), ENVIRONMENT_ANY, true, "capture.completed", "live", "a\nb",
	 false, MATCH_SKIP, "accounts: a\\x0Ab is not one of the hook's"},
	{LIST(any_name), NONE, ENVIRONMENT_ANY, true, "authorization.open", "live", "shop-jp", true,
	 MATCH_RUN, NULL},
	{LIST(any_name), NONE, ENVIRONMENT_ANY, false, "authorization.open", "live", "shop-jp",
	 false, MATCH_RUN, NULL},
	{LIST(any_name), NONE, ENVIRONMENT_ANY, false, "authorization.open", "live", "shop-jp",
	 true, MATCH_SKIP, "late: the state was no longer current when it was learnt"},
};

START_TEST(decisions)
{
	const struct hook_config hook = {
		.on = cases[_i].on,
		.accounts = cases[_i].accounts,
		.environment = cases[_i].environment,
		.late = cases[_i].late,
	};
	CLEANUP(freep) char *name = strdup(cases[_i].name);
	CLEANUP(freep) char *environment = strdup(cases[_i].event_environment);
	CLEANUP(freep) char *account = strdup(cases[_i].account);
	const struct queue_event e = {
		.name = name,
		.environment = environment,
		.account = account,
		.late = cases[_i].event_late,
	};
	struct why why = {""};

	ck_assert_int_eq(match_event(&hook, &e, &why), cases[_i].match);
	if (cases[_i].why)
		ck_assert_str_eq(why.text, cases[_i].why);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match");
	TCase *c = unit_case(suite, "match");

	tcase_add_loop_test(c, decisions, 0, sizeof(cases) / sizeof(cases[0]));
	return unit_main(suite);
}
