/* What a test asks of a database. */
#ifndef IPND_TESTS_ROWS_H
#define IPND_TESTS_ROWS_H

#include "ledger/ledger.h"

/*
 * Over a connection of its own to the SQLite file: runs statements; all rows of a query as text, columns by '|', rows by line
 * ends, NULL empty (the caller frees); and the test fails unless these are the rows.
 */
void rows_sql(const char *path, const char *sql);
char *rows_of(const char *path, const char *sql);
void rows_expect(const char *path, const char *sql, const char *rows);

/* A small row, by the ledger: the counter of a verdict of that name, one more. 0 or negative errno. */
int rows_count_verdict(struct ledger *l, const char *name);

#endif
