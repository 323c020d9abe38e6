/* From an older schema to this program's: sql/NNNN-*.sql, in one transaction. */
#include <errno.h>
#include <stdio.h>

#include "ledger/private.h"

static const struct {
	int number;
	const char *sql;
} migrations[] = {
#define QUERY(name, text)
#define MIGRATION(number, text) {number, text},
#include "ledger/sql.inc"
#undef QUERY
#undef MIGRATION
};

int ledger_schema(void)
{
	return migrations[sizeof(migrations) / sizeof(migrations[0]) - 1].number;
}

/* A table that is made anew is dropped for a moment, with all that refers to it: checked at the end instead. */
static int check_references(struct ledger *l)
{
	int broken = 0;
	int r = ledger_get_int(l, "SELECT count(*) FROM pragma_foreign_key_check", &broken);

	if (r == 0 && broken > 0)
		return ledger_fail(l, -EUCLEAN, "rows refer to rows that are not there");
	return r;
}

static int run_migrations(struct ledger *l, int from)
{
	char sql[96];
	int r = ledger_run(l, "BEGIN IMMEDIATE");

	for (size_t i = 0; r == 0 && i < sizeof(migrations) / sizeof(migrations[0]); i++)
		if (migrations[i].number > from)
			r = ledger_run(l, migrations[i].sql);
	if (r == 0)
		r = check_references(l);
	if (r < 0)
		return r;
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		 LEDGER_APPLICATION_ID, ledger_schema());
	return ledger_run(l, sql);
}

/* How often it is told that the work goes on, in steps of SQLite's virtual machine: about 10 ms. */
#define TELL_STEPS 100000

struct migration {
	struct ledger *ledger;
	int from;
};

static int tell(void *userdata)
{
	const struct migration *m = userdata;

	m->ledger->migrating(m->from, ledger_schema(), m->ledger->migrating_userdata);
	return 0; /* go on */
}

int ledger_migrate(struct ledger *l, int from)
{
	struct migration m = {l, from};
	bool told = l->migrating && from > 0; /* a fresh file takes no time */
	int r;

	if (told) {
		tell(&m);
		sqlite3_progress_handler(l->db, TELL_STEPS, tell, &m);
	}
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
	/* What is written behind an inherited log may be the end of it: a checkpoint follows. */
	r = from > 0 ? ledger_rewrite_log(l) : 0;
	if (r == 0)
		r = run_migrations(l, from);
	ledger_rollback(l);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	if (told)
		sqlite3_progress_handler(l->db, 0, NULL, NULL);
	return r;
}
