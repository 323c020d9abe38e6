#include "ledger/subscription.h"

#include <errno.h>

#include "ledger/private.h"
#include "ledger/query.h"

static const char *const states[] = {
	[SUBSCRIPTION_PENDING] = "pending",       [SUBSCRIPTION_ENDED] = "ended",
	[SUBSCRIPTION_CONFIRMING] = "confirming", [SUBSCRIPTION_CONFIRMED] = "confirmed",
	[SUBSCRIPTION_FAILED] = "failed",
};

static int is_known(struct ledger *l, const struct ledger_subscription *m)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_subscription_known, &s);

	if (r < 0)
		return r;
	query_bind_text(s, ":message_id", m->message_id);
	query_bind_text(s, ":topic_arn", m->topic_arn);
	query_bind_text(s, ":type", m->type);
	query_bind_text(s, ":token", m->token);
	return query_step(l, s);
}

static int put(struct ledger *l, const struct ledger_subscription *m)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_subscription_put, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":account", m->account);
	query_bind_text(s, ":topic_arn", m->topic_arn);
	query_bind_text(s, ":type", m->type);
	query_bind_text(s, ":message_id", m->message_id);
	query_bind_text(s, ":token", m->token);
	query_bind_time(s, ":sent_at", m->sent_at_ms);
	query_bind_time(s, ":received_at", m->received_at_ms);
	query_bind_string(s, ":state", states[m->state]);
	query_bind_string(s, ":by", m->by);
	return query_run(l, s);
}

int ledger_keep_subscription(struct ledger *l, const struct ledger_subscription *s, int64_t *ret_id)
{
	int r = is_known(l, s);

	if (r != 0)
		return r < 0 ? r : 0;
	r = put(l, s);
	if (r < 0)
		return r;
	*ret_id = sqlite3_last_insert_rowid(l->db);
	return 1;
}

int ledger_set_subscription(struct ledger *l, int64_t id, enum subscription_state state,
			    const char *detail, const char *by, int64_t now_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_subscription_state, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":id", id);
	query_bind_string(s, ":state", states[state]);
	query_bind_string(s, ":detail", detail);
	query_bind_string(s, ":by", by);
	query_bind_time(s, ":now", now_ms);
	return query_run(l, s);
}

int ledger_cut_off_subscriptions(struct ledger *l, const char *by, const char *detail,
				 int64_t now_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_subscription_cut_off, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":by", by);
	query_bind_string(s, ":detail", detail);
	query_bind_time(s, ":now", now_ms);
	r = query_run(l, s);
	return r < 0 ? r : sqlite3_changes(l->db);
}

int ledger_find_subscription(struct ledger *l, int64_t id, char **ret_topic_arn, char **ret_token)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	CLEANUP(freep) char *topic_arn = NULL, *token = NULL;
	int r = query_start(l, QUERY_subscription, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":id", id);
	r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	topic_arn = text_dup(query_text(s, "topic_arn"));
	token = text_dup(query_text(s, "token"));
	if (!topic_arn || !token)
		return -ENOMEM;
	*ret_topic_arn = TAKE(topic_arn);
	*ret_token = TAKE(token);
	return 0;
}
