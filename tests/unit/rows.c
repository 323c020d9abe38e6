#include "rows.h"

#include <sqlite3.h>
#include <stdio.h>

#include "ledger/query.h"
#include "unit.h"

void rows_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	char *error = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK, "%s", error);
	sqlite3_close(db);
}

char *rows_of(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, "%s",
		      sqlite3_errmsg(db));
	while (sqlite3_step(s) == SQLITE_ROW)
		for (int i = 0, n = sqlite3_column_count(s); i < n; i++) {
			const char *value = (const char *)sqlite3_column_text(s, i);

			fprintf(f, "%s%c", value ? value : "", i == n - 1 ? '\n' : '|');
		}
	sqlite3_finalize(s);
	sqlite3_close(db);
	fclose(f);
	return text;
}

void rows_expect(const char *path, const char *sql, const char *rows)
{
	CLEANUP(freep) char *got = rows_of(path, sql);

	ck_assert_msg(strcmp(got, rows) == 0, "%s\ngives\n%sand not\n%s", sql, got, rows);
}

int rows_count_verdict(struct ledger *l, const char *name)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, QUERY_count_verdict, &s);

	if (r < 0)
		return r;
	query_bind_string(s, ":verdict", name);
	query_bind_int(s, ":count", 1);
	query_bind_string(s, ":last_at", "t");
	return query_run(l, s);
}
