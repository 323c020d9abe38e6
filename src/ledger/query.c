#include "ledger/query.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ledger/private.h"

static const char *const sql[QUERY_N] = {
#define QUERY(name, text) [QUERY_##name] = (text),
#define MIGRATION(number, text)
#include "ledger/sql.inc"
#undef QUERY
#undef MIGRATION
};

/* A value was lost for want of memory: what the statement would do without it is not what was asked. */
static bool lost_value;

int query_prepare(struct ledger *l, enum query q)
{
	int r;

	if (l->statements[q])
		return 0;
	r = sqlite3_prepare_v3(l->db, sql[q], -1, SQLITE_PREPARE_PERSISTENT, &l->statements[q],
			       NULL);
	return ledger_errno(l, r);
}

int query_start(struct ledger *l, enum query q, sqlite3_stmt **ret)
{
	int r = query_prepare(l, q);

	if (r < 0)
		return r;
	assert(!sqlite3_stmt_busy(l->statements[q]));
	*ret = l->statements[q];
	return 0;
}

void query_done(sqlite3_stmt *s)
{
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	lost_value = false;
}

/*
 * Where a name was found the last time, by the addresses of both: SQLite compares it with one name after the other, which for
 * tens of parameters costs more than the statement. Only ever a guess: whoever uses one looks whether the name is there.
 */
#define GUESSES 1024

static int *guess(const sqlite3_stmt *s, const char *name)
{
	static int guesses[GUESSES];
	uintptr_t key = (uintptr_t)s / 16 * 31 + (uintptr_t)name;

	return &guesses[(key ^ key >> 10) % GUESSES];
}

static int parameter(sqlite3_stmt *s, const char *name)
{
	int *i = guess(s, name);
	const char *found = sqlite3_bind_parameter_name(s, *i);

	if (!found || strcmp(found, name) != 0)
		*i = sqlite3_bind_parameter_index(s, name);
	assert(*i > 0);
	return *i;
}

static void lose_value(void)
{
	lost_value = true;
	memory_note_short();
}

/* A bind can only fail for want of memory or for a value over SQLite's limits, which all have smaller ones here. */
static void bound(int r)
{
	if (r == SQLITE_NOMEM)
		lose_value();
	else if (r != SQLITE_OK)
		abort();
}

void query_bind_text(sqlite3_stmt *s, const char *name, struct text value)
{
	if (!value.at)
		return query_bind_null(s, name);
	bound(sqlite3_bind_text64(s, parameter(s, name), value.at, value.len, SQLITE_STATIC,
				  SQLITE_UTF8));
}

void query_bind_string(sqlite3_stmt *s, const char *name, const char *value)
{
	query_bind_text(s, name, text_of(value));
}

void query_bind_int(sqlite3_stmt *s, const char *name, int64_t value)
{
	bound(sqlite3_bind_int64(s, parameter(s, name), value));
}

void query_bind_null(sqlite3_stmt *s, const char *name)
{
	bound(sqlite3_bind_null(s, parameter(s, name)));
}

void query_bind_time(sqlite3_stmt *s, const char *name, int64_t ms)
{
	char text[UTC_TEXT_SIZE];

	if (ms == UTC_UNKNOWN)
		return query_bind_null(s, name);
	utc_format(ms, text);
	bound(sqlite3_bind_text(s, parameter(s, name), text, -1, SQLITE_TRANSIENT));
}

int query_step(struct ledger *l, sqlite3_stmt *s)
{
	int r = lost_value ? SQLITE_NOMEM : sqlite3_step(s);

	if (r == SQLITE_ROW)
		return 1;
	if (r == SQLITE_DONE)
		return 0;
	return ledger_errno(l, r);
}

int query_run(struct ledger *l, sqlite3_stmt *s)
{
	int r = query_step(l, s);

	assert(r <= 0);
	return r;
}

int64_t query_last_id(const struct ledger *l)
{
	return sqlite3_last_insert_rowid(l->db);
}

int query_column(sqlite3_stmt *s, const char *name)
{
	int n = sqlite3_column_count(s), *i = guess(s, name);

	if (*i < n && strcmp(sqlite3_column_name(s, *i), name) == 0)
		return *i;
	for (*i = 0; *i < n; (*i)++)
		if (strcmp(sqlite3_column_name(s, *i), name) == 0)
			return *i;
	abort();
}

bool query_is_null(sqlite3_stmt *s, const char *name)
{
	return sqlite3_column_type(s, query_column(s, name)) == SQLITE_NULL;
}

struct text query_text(sqlite3_stmt *s, const char *name)
{
	int i = query_column(s, name);
	/* Asked first: of a text that could not be had it says NULL too. */
	bool is_null = sqlite3_column_type(s, i) == SQLITE_NULL;
	const char *at = (const char *)sqlite3_column_text(s, i);

	if (!at && !is_null)
		lose_value();
	return (struct text){at, at ? (size_t)sqlite3_column_bytes(s, i) : 0};
}

const char *query_string(sqlite3_stmt *s, const char *name)
{
	return query_text(s, name).at;
}

int64_t query_int(sqlite3_stmt *s, const char *name)
{
	return sqlite3_column_int64(s, query_column(s, name));
}

int64_t query_time(sqlite3_stmt *s, const char *name)
{
	struct text t = query_text(s, name);
	int64_t ms;

	return t.at && utc_parse(t, &ms) == 0 ? ms : UTC_UNKNOWN;
}
