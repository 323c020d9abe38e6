/* Named queries: every SQL statement of the program stands in sql/, under a name, and is run through here. */
#ifndef IPND_LEDGER_QUERY_H
#define IPND_LEDGER_QUERY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utc.h"
#include "ledger/ledger.h"

enum query {
#define QUERY(name, sql) QUERY_##name,
#define MIGRATION(number, sql)
#include "ledger/sql.inc"
#undef QUERY
#undef MIGRATION
	QUERY_N
};

/*
 * A statement of the ledger, prepared once, ready to bind. Give it back with query_done() (or CLEANUP(query_donep)),
 * else the transaction stays open. 0 or negative errno.
 */
int query_start(struct ledger *l, enum query q, sqlite3_stmt **ret);
void query_done(sqlite3_stmt *s);
DEFINE_CLEANUP(sqlite3_stmt *, query_done)

/* Parameters are bound by name (":account"); an unknown name is our bug and aborts. Text is not copied. */
void query_bind_text(sqlite3_stmt *s, const char *name, struct text value);   /* absent: NULL */
void query_bind_string(sqlite3_stmt *s, const char *name, const char *value); /* NULL: NULL */
void query_bind_int(sqlite3_stmt *s, const char *name, int64_t value);
void query_bind_null(sqlite3_stmt *s, const char *name);
void query_bind_time(sqlite3_stmt *s, const char *name,
		     int64_t ms); /* UTC_UNKNOWN: NULL; text is copied */

/* 1: a row; 0: no more; negative errno (the text is in ledger_error()). */
int query_step(struct ledger *l, sqlite3_stmt *s);

/* Runs a statement that gives no rows. 0 or negative errno. */
int query_run(struct ledger *l, sqlite3_stmt *s);

/* Of the row that was inserted last. */
int64_t query_last_id(const struct ledger *l);

/* Columns by name; an unknown one is our bug and aborts. */
int query_column(sqlite3_stmt *s, const char *name);
bool query_is_null(sqlite3_stmt *s, const char *name);
struct text query_text(sqlite3_stmt *s,
		       const char *name); /* absent when NULL; valid until the next step */
const char *query_string(sqlite3_stmt *s, const char *name); /* NULL when NULL */
int64_t query_int(sqlite3_stmt *s, const char *name);        /* 0 when NULL */
int64_t query_time(sqlite3_stmt *s, const char *name);       /* UTC_UNKNOWN when NULL */

#endif
