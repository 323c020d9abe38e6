#include "ledger/apply.h"

#include <assert.h>
#include <errno.h>

#include "ledger/derived.h"
#include "ledger/facts.h"
#include "ledger/query.h"
#include "machine/machine.h"

int ledger_knows(struct ledger *l, struct text message_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_notification_known, &s);

	if (r < 0)
		return r;
	query_bind_text(s, ":message_id", message_id);
	return query_step(l, s);
}

static void bind_flag(sqlite3_stmt *s, const char *name, enum ipn_flag flag)
{
	if (flag != IPN_UNKNOWN)
		query_bind_int(s, name, flag == IPN_TRUE);
}

static void bind_amount(sqlite3_stmt *s, const char *name, const struct ipn_amount *a)
{
	if (a->known)
		query_bind_int(s, name, a->minor);
}

static void bind_converted(sqlite3_stmt *s, const struct ipn_foreign *price)
{
	if (!price->known)
		return;
	query_bind_int(s, ":converted_minor", price->minor);
	query_bind_string(s, ":converted_currency", price->currency);
}

static void bind_currency(sqlite3_stmt *s, const struct ipn_document *d)
{
	if (d->currency[0])
		query_bind_string(s, ":currency", d->currency);
}

/* Amazon's word in the database's spelling, or NULL. */
static const char *environment_of(const struct ledger_message *m)
{
	if (!m->notification)
		return NULL;
	if (text_is_nocase(m->notification->environment, environment_word(ENVIRONMENT_LIVE)))
		return environment_word(ENVIRONMENT_LIVE);
	if (text_is_nocase(m->notification->environment, environment_word(ENVIRONMENT_SANDBOX)))
		return environment_word(ENVIRONMENT_SANDBOX);
	return NULL;
}

static void bind_understood(sqlite3_stmt *s, const struct ledger_message *m)
{
	query_bind_string(s, ":environment", environment_of(m));
	if (m->notification) {
		query_bind_text(s, ":type", m->notification->type);
		query_bind_text(s, ":reference_id", m->notification->reference_id);
		query_bind_text(s, ":seller_id", m->notification->seller_id);
	}
	if (m->document) {
		query_bind_string(s, ":object_type", object_word(m->document->object));
		query_bind_string(s, ":object_id", m->document->object_id);
	}
}

static int put_notification(struct ledger *l, const struct ledger_message *m, enum verdict v,
			    const char *why, int64_t *ret_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_notification_put, &s);

	if (r < 0)
		return r;
	query_bind_text(s, ":message_id", m->message_id);
	query_bind_string(s, ":account", m->account->name);
	query_bind_int(s, ":is_sample", v == VERDICT_SAMPLE);
	query_bind_time(s, ":sent_at", m->sent_at_ms);
	query_bind_time(s, ":received_at", m->received_at_ms);
	query_bind_string(s, ":verdict", verdict_row(v)->word);
	query_bind_string(s, ":why", why);
	query_bind_text(s, ":raw", m->raw);
	bind_understood(s, m);
	r = query_run(l, s);
	if (r == 0)
		*ret_id = query_last_id(l);
	return r;
}

/* What an earlier version did not see in it; what it saw stays. */
static int complete_notification(struct ledger *l, const struct ledger_message *m, int64_t id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_notification_complete, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":id", id);
	query_bind_time(s, ":now", m->received_at_ms);
	bind_understood(s, m);
	r = query_step(l, s);
	return r < 0 ? r : r > 0 ? 0 : -EALREADY;
}

static int put_ids(struct ledger *l, int64_t fact_id, const struct ipn_document *d)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_fact_id_put, &s);

	for (size_t i = 0; r == 0 && i < d->ids.n; i++) {
		query_bind_int(s, ":fact_id", fact_id);
		query_bind_string(s, ":object_id", d->ids.at[i]);
		r = query_run(l, s);
		query_done(s);
	}
	return r;
}

static void bind_document(sqlite3_stmt *s, const struct ipn_document *d)
{
	query_bind_string(s, ":object_type", object_word(d->object));
	query_bind_string(s, ":object_id", d->object_id);
	query_bind_string(s, ":order_reference_id", d->order_reference_id);
	query_bind_string(s, ":reference_id", d->reference_id);
	query_bind_string(s, ":seller_order_id", d->seller_order_id);
	query_bind_string(s, ":reason_code", d->reason_code);
	query_bind_string(s, ":reason_description", d->reason_description);
	bind_amount(s, ":amount_minor", &d->amount);
	bind_amount(s, ":done_minor", &d->done);
	bind_amount(s, ":fee_minor", &d->fee);
	bind_amount(s, ":limit_minor", &d->limit);
	bind_amount(s, ":remaining_minor", &d->remaining);
	bind_currency(s, d);
	bind_converted(s, &d->converted);
	query_bind_string(s, ":conversion_rate", d->conversion_rate);
	query_bind_string(s, ":refund_type", d->refund_type);
	query_bind_string(s, ":provider_seller_id", d->provider_seller_id);
	query_bind_string(s, ":options", d->options);
	bind_flag(s, ":soft_decline", d->soft_decline);
	bind_flag(s, ":capture_now", d->capture_now);
	bind_flag(s, ":consent", d->consent);
	query_bind_time(s, ":created_at", d->created_ms);
	query_bind_time(s, ":expires_at", d->expires_ms);
	query_bind_time(s, ":period_start_at", d->period_start_ms);
	query_bind_time(s, ":period_end_at", d->period_end_ms);
}

/* The snapshot's attributes into its fact, new or not. */
static int put_attributes(struct ledger *l, const struct ledger_message *m, const struct fact *fact,
			  int64_t notification_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_fact_put, &s);

	if (r < 0)
		return r;
	if (fact->arrives)
		query_bind_int(s, ":id", fact->id);
	facts_bind_folding(s, &fact->now);
	bind_document(s, m->document);
	query_bind_string(s, ":state", state_word(fact->state));
	query_bind_time(s, ":at", fact->at_ms);
	query_bind_int(s, ":notification_id", notification_id);
	query_bind_string(s, ":account", m->account->name);
	query_bind_string(s, ":environment", environment_of(m));
	query_bind_text(s, ":seller_id",
			m->document->seller_id ? text_of(m->document->seller_id)
					       : m->notification->seller_id);
	return query_run(l, s);
}

static int grow_done(struct ledger *l, int64_t fact_id, const struct ipn_document *d)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r;

	if (!d->done.known)
		return 0;
	r = query_start(l, QUERY_fact_done_grows, &s);
	if (r < 0)
		return r;
	query_bind_int(s, ":id", fact_id);
	query_bind_int(s, ":done_minor", d->done.minor);
	return query_run(l, s);
}

/* Whether this notification gives the fact its attributes: the newest by SNS Timestamp, then MessageId, does. 1, 0 or negative errno. */
static int gives_attributes(struct ledger *l, const struct fact *fact,
			    const struct ledger_message *m)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	struct text message_id;
	int64_t sent_at_ms;
	int r;

	if (fact->arrives)
		return 1;
	r = query_start(l, QUERY_fact_source, &s);
	if (r < 0)
		return r;
	query_bind_int(s, ":id", fact->id);
	r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	sent_at_ms = query_time(s, "sent_at");
	if (m->sent_at_ms != sent_at_ms)
		return m->sent_at_ms > sent_at_ms;
	message_id = query_text(s, "message_id");
	if (!message_id.at)
		return -ENOMEM;
	return strncmp(m->message_id.at, message_id.at, m->message_id.len) > 0;
}

/* What a billing agreement's notification tells besides the state. */
static int put_change(struct ledger *l, const struct ledger_message *m, int64_t fact_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	const char *change = ipn_change_of(m->notification->event_type);
	int r;

	if (m->document->object != OBJECT_BILLING_AGREEMENT || !change || !*change)
		return 0;
	r = query_start(l, QUERY_fact_change_put, &s);
	if (r < 0)
		return r;
	query_bind_int(s, ":fact_id", fact_id);
	query_bind_string(s, ":name", change);
	return query_run(l, s);
}

static int put_fact(struct ledger *l, const struct ledger_message *m, const struct fact *fact,
		    int64_t notification_id)
{
	int r = gives_attributes(l, fact, m);

	if (r > 0)
		r = put_attributes(l, m, fact, notification_id);
	else if (r == 0)
		r = grow_done(l, fact->id, m->document);
	if (r == 0)
		r = put_ids(l, fact->id, m->document);
	return r < 0 ? r : put_change(l, m, fact->id);
}

/* What the message did, as it arrived (interface.md, "Database"). */
static enum verdict verdict_of(const struct facts *f)
{
	const struct machine_step *current = &f->steps[f->current];

	if (facts_step_of(f, f->arrived)->held)
		return VERDICT_CONFLICT;
	if (facts_current(f)->state != f->current_was)
		return VERDICT_APPLIED;
	return current->fact == f->arrived ? VERDICT_UNCHANGED : VERDICT_STALE;
}

/* `notification_id` 0: it is not stored yet. */
static int apply_snapshot(struct ledger *l, const struct ledger_message *m, int64_t notification_id,
			  enum verdict *ret_verdict)
{
	const struct ipn_document *d = m->document;
	CLEANUP(facts_freep) struct facts *f = NULL;
	bool timed = d->updated_ms != UTC_UNKNOWN;
	struct why why = {""};
	enum verdict v;
	int r;

	r = facts_load_with(l, d->object, d->object_id, timed, machine_state(d->object, d->state),
			    timed ? d->updated_ms : m->sent_at_ms, &f);
	if (r < 0)
		return r;
	facts_decide(f);
	v = verdict_of(f);
	if (v == VERDICT_CONFLICT)
		why_set(&why, "%s cannot follow %s: held", state_word(f->at[f->arrived].state),
			state_word(facts_current(f)->state));
	r = notification_id
		    ? complete_notification(l, m, notification_id)
		    : put_notification(l, m, v, why.text[0] ? why.text : NULL, &notification_id);
	if (r == 0)
		r = put_fact(l, m, &f->at[f->arrived], notification_id);
	if (r == 0)
		r = derived_write(l, f, d->order_reference_id, m->received_at_ms, notification_id);
	if (r == 0)
		*ret_verdict = v;
	return r;
}

/* notification.sample, .foreign, .unrecognized: what is known of it, as far as it is. */
static int put_notification_event(struct ledger *l, const struct ledger_message *m, enum verdict v,
				  int64_t notification_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	const struct ipn_document *d = m->document;
	const char *environment = environment_of(m);
	char name[64];
	int r = query_start(l, QUERY_event_of_notification, &s);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "notification.%s", verdict_row(v)->word);
	query_bind_string(s, ":name", name);
	query_bind_text(s, ":message_id", m->message_id);
	query_bind_string(s, ":account", m->account->name);
	query_bind_string(s, ":environment",
			  environment ? environment : environment_word(m->account->environment));
	query_bind_time(s, ":created_at", m->received_at_ms);
	query_bind_int(s, ":notification_id", notification_id);
	query_bind_text(s, ":lane", m->message_id);
	if (m->notification)
		query_bind_text(s, ":seller_id", m->notification->seller_id);
	if (d) {
		if (d->order_reference_id)
			query_bind_string(s, ":lane", d->order_reference_id);
		query_bind_string(s, ":order_reference_id", d->order_reference_id);
		query_bind_string(s, ":seller_order_id", d->seller_order_id);
		query_bind_string(s, ":state", d->state);
		query_bind_string(s, ":reason_code", d->reason_code);
		bind_amount(s, ":amount_minor", &d->amount);
		bind_currency(s, d);
		query_bind_time(s, ":updated_at", d->updated_ms);
	}
	return query_run(l, s);
}

static int keep_aside(struct ledger *l, const struct ledger_message *m)
{
	int64_t id;
	int r = put_notification(l, m, m->verdict, m->why, &id);

	return r < 0 ? r : put_notification_event(l, m, m->verdict, id);
}

int ledger_apply(struct ledger *l, const struct ledger_message *m, enum verdict *ret_verdict)
{
	enum verdict v = m->verdict;
	int r;

	r = ledger_savepoint(l);
	if (r < 0)
		return r;
	r = ledger_knows(l, m->message_id);
	if (r > 0) {
		v = VERDICT_DUPLICATE;
		r = 0;
	} else if (r == 0) {
		assert(v != VERDICT_PASS || m->document);
		r = v == VERDICT_PASS ? apply_snapshot(l, m, 0, &v) : keep_aside(l, m);
	}
	if (r == 0)
		r = ledger_release(l);
	if (r < 0)
		return ledger_undo(l, r);
	*ret_verdict = v;
	return 0;
}

int ledger_reapply(struct ledger *l, int64_t notification_id, const struct ledger_message *m,
		   enum verdict *ret_verdict)
{
	enum verdict v;
	int r;

	assert(m->verdict == VERDICT_PASS && m->document);
	r = ledger_savepoint(l);
	if (r < 0)
		return r;
	r = apply_snapshot(l, m, notification_id, &v);
	if (r == 0)
		r = ledger_release(l);
	if (r < 0)
		return ledger_undo(l, r);
	*ret_verdict = v;
	return 0;
}

int ledger_unrecognized_after(struct ledger *l, int64_t after, struct ledger_unrecognized *ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_notification_unrecognized, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":after", after);
	r = query_step(l, s);
	if (r <= 0)
		return r;
	*ret = (struct ledger_unrecognized){
		.id = query_int(s, "id"),
		.message_id = text_dup(query_text(s, "message_id")),
		.raw = text_dup(query_text(s, "raw")),
	};
	if (ret->message_id && ret->raw)
		return 1;
	ledger_unrecognized_done(ret);
	return -ENOMEM;
}

void ledger_unrecognized_done(struct ledger_unrecognized *u)
{
	free(u->message_id);
	free(u->raw);
	*u = (struct ledger_unrecognized){0};
}
