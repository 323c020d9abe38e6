/* What a test asks of a database. */
#ifndef IPND_TESTS_ROWS_H
#define IPND_TESTS_ROWS_H

/*
 * Over a connection of its own to the SQLite file: runs statements; all rows of a query as text, columns by '|', rows by line
 * ends, NULL empty (the caller frees); and the test fails unless these are the rows.
 */
void rows_sql(const char *path, const char *sql);
char *rows_of(const char *path, const char *sql);
void rows_expect(const char *path, const char *sql, const char *rows);

#endif
