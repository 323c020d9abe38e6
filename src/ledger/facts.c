#include "ledger/facts.h"

#include <assert.h>
#include <errno.h>

#include "ledger/private.h"
#include "ledger/query.h"

void facts_free(struct facts *f)
{
	if (!f)
		return;
	free(f->at);
	free(f->steps);
	free(f);
}

static int facts_add(struct facts *f, struct fact **ret)
{
	struct fact *at = reallocarray(f->at, f->n + 1, sizeof(*at));

	if (!at)
		return -ENOMEM;
	f->at = at;
	at[f->n] = (struct fact){0};
	*ret = &at[f->n++];
	return 0;
}

static int facts_add_row(struct ledger *l, struct facts *f, sqlite3_stmt *s)
{
	struct fact *fact;
	int r = facts_add(f, &fact);

	if (r < 0)
		return r;
	fact->id = query_int(s, "id");
	fact->state = machine_state(f->object, query_string(s, "state"));
	fact->at_ms = query_time(s, "at");
	fact->accepted = text_is(query_text(s, "decision"), "accepted");
	fact->dismissed = text_is(query_text(s, "decision"), "dismissed");
	fact->was = (struct folding){
		.place = query_int(s, "place"),
		.begins = query_int(s, "begins"),
		.from = query_is_null(s, "from_state")
				? STATE_NOTHING
				: machine_state(f->object, query_string(s, "from_state")),
		.skipped = query_int(s, "skipped") != 0,
		.announced = query_int(s, "announced") != 0,
		.late = query_int(s, "late") != 0,
	};
	fact->now = fact->was;
	/* This program cannot have written it. Only what speaks of this object is concerned, not the batch. */
	if (fact->state == STATE_NOTHING || fact->at_ms == UTC_UNKNOWN)
		return ledger_fail(l, -EINVAL,
				   "a stored fact of it has an impossible state or time");
	return 0;
}

static int facts_read(struct ledger *l, struct facts *f, const char *object_id)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_fact_of_object, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":object_type", object_word(f->object));
	query_bind_string(s, ":object_id", object_id);
	while ((r = query_step(l, s)) > 0) {
		r = facts_add_row(l, f, s);
		if (r < 0)
			return r;
	}
	return r;
}

static int next_id(struct ledger *l, int64_t *ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_fact_next, &s);

	if (r == 0)
		r = query_step(l, s);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	*ret = query_int(s, "id");
	return 0;
}

static int facts_arrive(struct ledger *l, struct facts *f, enum state state, int64_t at_ms)
{
	struct fact *fact;
	int r;

	for (f->arrived = 0; f->arrived < f->n; f->arrived++)
		if (f->at[f->arrived].state == state && f->at[f->arrived].at_ms == at_ms)
			return 0;
	r = facts_add(f, &fact);
	if (r < 0)
		return r;
	fact->arrives = true;
	fact->state = state;
	fact->at_ms = at_ms;
	return next_id(l, &fact->id);
}

static int facts_fold(struct facts *f)
{
	CLEANUP(freep) struct machine_fact *set = calloc(f->n + 1, sizeof(*set));

	f->steps = calloc(f->n + 1, sizeof(*f->steps));
	if (!set || !f->steps)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++)
		set[i] = (struct machine_fact){f->at[i].state, f->at[i].at_ms, f->at[i].accepted};
	f->current = machine_fold(f->object, set, f->n, f->steps);
	/* Every state of an object can be reached from nothing, so the first fact is never held. */
	assert(f->current >= 0 || f->n == 0);
	return 0;
}

static void facts_remember_current(struct facts *f)
{
	int64_t last = 0;

	for (size_t i = 0; i < f->n; i++)
		if (f->at[i].was.place > last) {
			last = f->at[i].was.place;
			f->current_was = f->at[i].state;
		}
}

/* Not folded yet. */
static int facts_new(struct ledger *l, enum object_type object, const char *object_id, bool read,
		     struct facts **ret)
{
	CLEANUP(facts_freep) struct facts *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->object = object;
	r = read ? facts_read(l, f, object_id) : 0;
	if (r < 0)
		return r;
	facts_remember_current(f);
	f->arrived = f->n;
	*ret = TAKE(f);
	return 0;
}

int facts_load(struct ledger *l, enum object_type object, const char *object_id, struct facts **ret)
{
	CLEANUP(facts_freep) struct facts *f = NULL;
	int r = facts_new(l, object, object_id, true, &f);

	if (r == 0)
		r = facts_fold(f);
	if (r == 0)
		*ret = TAKE(f);
	return r;
}

int facts_load_with(struct ledger *l, enum object_type object, const char *object_id, bool timed,
		    enum state state, int64_t at_ms, struct facts **ret)
{
	CLEANUP(facts_freep) struct facts *f = NULL;
	int r = facts_new(l, object, object_id, timed, &f);

	if (r == 0)
		r = facts_arrive(l, f, state, at_ms);
	if (r == 0)
		r = facts_fold(f);
	if (r == 0)
		*ret = TAKE(f);
	return r;
}

const struct fact *facts_current(const struct facts *f)
{
	assert(f->current >= 0);
	return &f->at[f->steps[f->current].fact];
}

const struct machine_step *facts_step_of(const struct facts *f, size_t fact)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->steps[i].fact == fact)
			return &f->steps[i];
	abort();
}

/* The last step of the run of one state that begins at step `first`. Held facts in between belong to no run. */
static size_t run_end(const struct facts *f, size_t first)
{
	size_t last = first;

	for (size_t i = first + 1; i < f->n && !f->steps[i].begins; i++)
		if (!f->steps[i].held)
			last = i;
	return last;
}

/*
 * A run is announced once, whichever of its facts came first: when its start only moves earlier, nothing is told
 * again, and the transition keeps the id under which it was told.
 */
static void facts_name_run(struct facts *f, size_t first)
{
	struct fact *start = &f->at[f->steps[first].fact], *told = NULL;
	size_t last = run_end(f, first);

	for (size_t i = first; i <= last && !told; i++)
		if (!f->steps[i].held && f->at[f->steps[i].fact].was.announced)
			told = &f->at[f->steps[i].fact];
	if (!told) {
		told = start;
		told->now.announced = true;
		told->now.late = (ptrdiff_t)last < f->current;
	}
	start->now.begins = told->id;
	start->now.late = told->now.late;
	start->now.from = f->steps[first].from;
	start->now.skipped = f->steps[first].skipped;
}

static bool folding_equal(const struct folding *a, const struct folding *b)
{
	return a->place == b->place && a->begins == b->begins && a->from == b->from &&
	       a->skipped == b->skipped && a->announced == b->announced && a->late == b->late;
}

void facts_bind_folding(sqlite3_stmt *s, const struct folding *now)
{
	if (now->place)
		query_bind_int(s, ":place", now->place);
	if (now->begins)
		query_bind_int(s, ":begins", now->begins);
	if (now->from != STATE_NOTHING)
		query_bind_string(s, ":from_state", state_word(now->from));
	query_bind_int(s, ":skipped", now->skipped);
	query_bind_int(s, ":announced", now->announced);
	query_bind_int(s, ":late", now->late);
}

static int fact_write(struct ledger *l, const struct fact *fact)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_fact_fold, &s);

	if (r < 0)
		return r;
	query_bind_int(s, ":id", fact->id);
	facts_bind_folding(s, &fact->now);
	return query_run(l, s);
}

void facts_decide(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct fact *fact = &f->at[f->steps[i].fact];

		fact->now.place = f->steps[i].held ? 0 : (int64_t)i + 1;
		fact->now.begins = 0;
		fact->now.from = STATE_NOTHING;
		fact->now.skipped = false;
	}
	for (size_t i = 0; i < f->n; i++)
		if (f->steps[i].begins)
			facts_name_run(f, i);
}

int facts_write_folding(struct ledger *l, const struct facts *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n; i++)
		if (!f->at[i].arrives && !folding_equal(&f->at[i].was, &f->at[i].now))
			r = fact_write(l, &f->at[i]);
	return r;
}
