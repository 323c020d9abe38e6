/* Is the file sound? SQLite's own checks, within a time. */
#include <errno.h>

#include "ledger/private.h"

#define CHECK_STEPS 10000 /* of SQLite's machine, between two looks at the clock */

/* Not zero: SQLite stops with SQLITE_INTERRUPT. */
static int is_over(void *userdata)
{
	const uint64_t *end_usec = userdata;

	return monotonic_usec() > *end_usec;
}

/* The first row says what is damaged; `sound` is the word for nothing, NULL: no row is. */
static int check_with(struct ledger *l, const char *pragma, const char *sound, struct why *why)
{
	sqlite3_stmt *s = NULL;
	int r = sqlite3_prepare_v2(l->db, pragma, -1, &s, NULL), result = 0;

	if (r == SQLITE_OK)
		r = sqlite3_step(s);
	if ((r & 0xff) == SQLITE_INTERRUPT) {
		result = -ETIME;
	} else if (r == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		if (!sound || !text || strcmp(text, sound) != 0) {
			char words[WHY_SIZE];

			text_escape_line(text_of(text ? text : ""), words, sizeof(words));
			why_set(why, "%s%s",
				sound ? "" : "refers to rows that are not there: ", words);
			result = -EUCLEAN;
		}
	} else {
		result = ledger_errno(l, r);
		if (result < 0)
			why_set(why, "%s", ledger_error(l));
	}
	sqlite3_finalize(s);
	return result;
}

int ledger_check(struct ledger *l, bool full, int64_t limit_ms, struct why *why)
{
	uint64_t end_usec = monotonic_usec();
	int r;

	if (limit_ms != DURATION_NONE) {
		end_usec += (uint64_t)limit_ms * 1000;
		sqlite3_progress_handler(l->db, CHECK_STEPS, is_over, &end_usec);
	}
	r = check_with(l, full ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)", "ok", why);
	if (r == 0 && full)
		r = check_with(l, "PRAGMA foreign_key_check", NULL, why);
	sqlite3_progress_handler(l->db, 0, NULL, NULL);
	return r;
}
