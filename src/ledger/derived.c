#include "ledger/derived.h"

#include <errno.h>

#include "ledger/query.h"

static int run_for_fact(struct ledger *l, enum query q, int64_t fact_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, q, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":fact_id", fact_id);
	return query_run(l, s);
}

static int put_object(struct ledger *l, enum object_type o, int64_t fact_id)
{
	static const enum query put[OBJECT_N] = {
		[OBJECT_ORDER_REFERENCE] = QUERY_order_reference_put,
		[OBJECT_BILLING_AGREEMENT] = QUERY_billing_agreement_put,
		[OBJECT_AUTHORIZATION] = QUERY_authorization_put,
		[OBJECT_CAPTURE] = QUERY_capture_put,
		[OBJECT_REFUND] = QUERY_refund_put,
		[OBJECT_CHARGEBACK] = QUERY_chargeback_put,
		[OBJECT_PROVIDER_CREDIT] = QUERY_provider_credit_put,
		[OBJECT_PROVIDER_CREDIT_REVERSAL] = QUERY_provider_credit_reversal_put,
		[OBJECT_SOLUTION_PROVIDER] = QUERY_solution_provider_put,
	};

	return run_for_fact(l, put[o], fact_id);
}

#define OF(object) (1U << OBJECT_##object)

/*
 * Which capture belongs to which authorization, and so on: derived anew for the order that was touched, as far as rows and facts
 * of this kind of object are looked at there. sum_refunds reads what link_refunds writes.
 */
static int link_order(struct ledger *l, enum object_type o, const char *order_reference_id)
{
	static const struct {
		enum query query;
		unsigned of; /* the objects that it reads */
	} links[] = {
		{QUERY_link_captures, OF(AUTHORIZATION) | OF(CAPTURE)},
		{QUERY_link_refunds, OF(CAPTURE) | OF(REFUND)},
		{QUERY_sum_refunds, OF(CAPTURE) | OF(REFUND)},
		{QUERY_link_provider_credits, OF(CAPTURE) | OF(PROVIDER_CREDIT)},
		{QUERY_link_provider_credit_reversals,
		 OF(PROVIDER_CREDIT) | OF(PROVIDER_CREDIT_REVERSAL) | OF(REFUND)},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && order_reference_id && i < sizeof(links) / sizeof(links[0]);
	     i++) {
		CLEANUP(query_donep) sqlite3_stmt *s = NULL;

		if (!(links[i].of & 1U << o))
			continue;
		r = query_start(l, links[i].query, &s);
		if (r < 0)
			return r;
		query_bind_string(s, ":order_reference_id", order_reference_id);
		r = query_run(l, s);
	}
	return r;
}

/* `change`: what else the fact tells; NULL: the transition that begins with it. */
static int put_fact_event(struct ledger *l, const struct fact *fact, const char *change, bool late,
			  int64_t created_ms, int64_t notification_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	const struct folding *now = &fact->now;
	int r = query_start(l, QUERY_event_of_fact, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":fact_id", fact->id);
	query_bind_string(s, ":name", change ? change : state_event(fact->state));
	query_bind_int(s, ":late", late);
	query_bind_time(s, ":created_at", created_ms);
	query_bind_int(s, ":notification_id", notification_id);
	if (!change) {
		query_bind_int(s, ":transition_id", now->begins);
		if (now->from != STATE_NOTHING)
			query_bind_string(s, ":previous_state", state_word(now->from));
	}
	return query_run(l, s);
}

static int put_conflict_event(struct ledger *l, const struct fact *fact, enum state current,
			      int64_t created_ms)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_event_of_conflict, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":fact_id", fact->id);
	query_bind_time(s, ":created_at", created_ms);
	query_bind_string(s, ":previous_state", state_word(current));
	return query_run(l, s);
}

/* The name of a change that this fact tells and no event has told. 1: one; 0: none; negative errno. */
static int untold_change(struct ledger *l, int64_t fact_id, char **ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_fact_change_untold, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":fact_id", fact_id);
	r = query_step(l, s);
	if (r <= 0)
		return r;
	*ret = text_dup(query_text(s, "name"));
	return *ret ? 1 : -ENOMEM;
}

static int mark_told(struct ledger *l, int64_t fact_id, const char *change)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_fact_change_told, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":fact_id", fact_id);
	query_bind_string(s, ":name", change);
	return query_run(l, s);
}

static int put_change_events(struct ledger *l, const struct facts *f, size_t step,
			     int64_t created_ms, int64_t notification_id)
{
	const struct fact *fact = &f->at[f->steps[step].fact];
	bool late = fact->state != facts_current(f)->state;
	int r = 0, found = 1;

	while (r == 0 && found > 0) {
		CLEANUP(freep) char *change = NULL;

		found = untold_change(l, fact->id, &change);
		if (found <= 0)
			return found;
		r = put_fact_event(l, fact, change, late, created_ms, notification_id);
		if (r == 0)
			r = mark_told(l, fact->id, change);
	}
	return r;
}

/* In the order of the fold: what is told for the first time, and what is newly held. */
static int put_events(struct ledger *l, const struct facts *f, int64_t created_ms,
		      int64_t notification_id)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n; i++) {
		const struct fact *fact = &f->at[f->steps[i].fact];
		if (fact->now.announced && !fact->was.announced)
			r = put_fact_event(l, fact, NULL, fact->now.late, created_ms,
					   notification_id);
		else if (f->steps[i].held && !fact->dismissed && (fact->arrives || fact->was.place))
			r = put_conflict_event(l, fact, facts_current(f)->state, created_ms);
		if (r == 0 && f->object == OBJECT_BILLING_AGREEMENT)
			r = put_change_events(l, f, i, created_ms, notification_id);
	}
	return r;
}

int derived_write(struct ledger *l, struct facts *f, const char *order_reference_id,
		  int64_t created_ms, int64_t notification_id)
{
	int r = facts_write_folding(l, f);

	if (r == 0)
		r = put_object(l, f->object, facts_current(f)->id);
	if (r == 0)
		r = link_order(l, f->object, order_reference_id);
	return r < 0 ? r : put_events(l, f, created_ms, notification_id);
}
