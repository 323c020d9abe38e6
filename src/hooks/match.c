#include "hooks/match.h"

static bool wants_name(const struct hook_config *hook, const char *name)
{
	for (size_t i = 0; i < hook->on.n; i++)
		if (text_glob(hook->on.at[i], name))
			return true;
	return false;
}

static bool wants_account(const struct hook_config *hook, const char *account)
{
	for (size_t i = 0; i < hook->accounts.n; i++)
		if (strcmp(hook->accounts.at[i], account) == 0)
			return true;
	return hook->accounts.n == 0;
}

static bool wants_environment(const struct hook_config *hook, const char *environment)
{
	return hook->environment == ENVIRONMENT_ANY ||
	       strcmp(environment_word(hook->environment), environment) == 0;
}

enum match match_event(const struct hook_config *hook, const struct queue_event *e,
		       struct why *ret_why)
{
	char account[WHY_SIZE / 2];

	if (!wants_name(hook, e->name))
		return MATCH_NOT;
	if (!wants_environment(hook, e->environment)) {
		why_set(ret_why, "environment: the event is of %s, the hook is for %s",
			e->environment, environment_word(hook->environment));
		return MATCH_SKIP;
	}
	if (!wants_account(hook, e->account)) {
		text_escape(text_of(e->account), account, sizeof(account));
		why_set(ret_why, "accounts: %s is not one of the hook's", account);
		return MATCH_SKIP;
	}
	if (e->late && !hook->late) {
		why_set(ret_why, "late: the state was no longer current when it was learnt");
		return MATCH_SKIP;
	}
	return MATCH_RUN;
}
